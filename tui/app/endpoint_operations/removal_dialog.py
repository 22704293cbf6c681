"""Removes a deployment, or everything the plan created, after showing the effect and asking for confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Select

from tui.app.dialogs.base import Box, Results, buttons, close_button, says
from tui.app.endpoint_operations.operation_dialog import OperationDialog
from tui.app.endpoint_operations.removal import Choice, Removal, choices, removal
from tui.app.state.answers import explained
from tui.app.state.background import in_background, in_thread
from tui.app.state.store import Store
from tui.app.widgets.facts import Fact, Facts
from tui.plain.commands.endpoint_operations.rollback_of_run import why_not_removed

PATIENCE = 1800  # seconds: Azure takes minutes to delete a deployment


class RemovalDialog(OperationDialog[bool]):
    """Asks what to remove, shows the effect, asks for confirmation, removes; dismissed with whether it was done."""

    def __init__(self, store: Store, endpoint: Mapping[str, Any]) -> None:
        """`endpoint` is the helper's answer to the query `endpoint`, or a row of the fleet."""
        super().__init__(store)
        self._endpoint = endpoint
        self._choices = [Choice(f"Everything {'the plan' if store.saves else 'that aml-deploy'} created")]
        self._found: dict[Choice, Removal] = {}
        self._done = False

    def compose(self) -> ComposeResult:
        yield Box(
            "Remove",
            Select(self._options, value=0, allow_blank=False, id="remove-what", compact=True, tooltip="What to remove"),
            Results(Facts("remove-text"), id="remove-means"),
            says(id="said"),
            buttons(Button("Remove …", id="remove-go", compact=True), close_button("Cancel", variant="primary")),
            classes="-wide -remove",
        )

    @property
    def _options(self) -> list[tuple[str, int]]:
        return [(choice.label, number) for number, choice in enumerate(self._choices)]

    def on_mount(self) -> None:
        self.query_one("#close").focus()
        self._look()

    @property
    def _choice(self) -> Choice:
        value = self.query_one("#remove-what", Select).value
        return self._choices[value if isinstance(value, int) else 0]

    def _look(self) -> None:
        """Show the choice's effect, reading it from Azure first if necessary."""
        self.show()
        if self._choice not in self._found:
            in_background(self, partial(self._read, self._choice), "inventory")

    async def _read(self, choice: Choice) -> None:
        answer = await self._store.answer("inventory", timeout=60, **choice.asked)
        if not self._there:
            return
        if answer.error:
            self.query_one(Facts).show([Fact("bad", "Not read", explained(answer.error))])
            return
        found = dict(answer.value or {})
        self._found[choice] = removal(found, self._endpoint)
        if len(self._choices) == 1:
            self._choices = [*self._choices, *choices(found)]
            with self.prevent(Select.Changed):
                self.query_one("#remove-what", Select).set_options(self._options)
        self.show()

    def action_close(self) -> None:
        """Close; a removal in progress continues in Azure."""
        self.dismiss(self._done)

    @on(Select.Changed)
    def _other(self) -> None:
        if not self._working and not self._done:
            self.take_back()
            self._look()

    def show(self) -> None:
        chosen = self._found.get(self._choice)
        button = self.query_one("#remove-go", Button)
        button.disabled = chosen is None or bool(chosen.refused) or self._working or self._done
        rows: list[Fact] = []
        if chosen is None:  # never empty, so that later lines are laid out with a known width
            rows.append(Fact("busy", "Reading the resources and their prices"))
        else:
            told = (
                ("Removes", chosen.goes),
                ("Keeps", chosen.stays),
                ("Price", [chosen.price] if chosen.price else []),
            )
            rows = [Fact("", "" if at else name, line) for name, lines in told for at, line in enumerate(lines)]
        self.query_one(Facts).show(rows)
        if chosen is None:
            self.say("")
        elif chosen.refused:
            self.say(f"! {chosen.refused}")
        elif self._working:
            self.say("▸ Removing; this takes Azure several minutes. Closing this does not stop it.")
        else:
            self.say("Nothing has been removed yet.")

    @on(Button.Pressed, "#remove-go")
    def _go(self) -> None:
        chosen = self._found.get(self._choice)
        if chosen is None or chosen.refused or self._working:
            return
        question = "! This cannot be undone. Callers of removed resources will get errors. Remove?"
        if self.confirmed(self.query_one("#remove-go", Button), "Yes, remove it", question):
            in_background(self, self._remove, "remove")

    async def _remove(self) -> None:
        refused = await in_thread(why_not_removed, self._store.document, self._store.environ)
        if refused:
            self.say(f"! {refused}")
            return
        self.query_one("#close", Button).label = "Close"
        answer = await self._ask("remove", PATIENCE, **self._choice.asked)
        if answer is None:
            return
        self._done = bool(answer.get("removed"))
        if not self._there:
            return
        self.show()
        removed, left = (", ".join(answer.get(name) or ()) or "nothing" for name in ("removed", "left"))
        self.say(f"{'✔' if self._done else '!'} Removed: {removed}. Kept: {left}.")
        self.query_one("#close").focus()
