"""Removing a deployment, or all that the plan made: what goes, what stays, what it cost, and then a confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Select, Static

from tui.app.removal import Removal, removals
from tui.app.screens.text import TextScroll
from tui.app.store import Store
from tui.app.widgets.dialog import Dialog
from tui.app.widgets.facts import Fact, Facts

PATIENCE = 1800  # seconds: Azure takes minutes to remove a deployment


class RemoveScreen(Dialog[bool]):
    """Asks what to remove, says what that means, asks once more, does it; dismissed with whether it was done."""

    def __init__(self, store: Store, endpoint: Mapping[str, Any]) -> None:
        """`endpoint` is the helper's answer to the question of that name."""
        super().__init__()
        self._store = store
        planned = str(store.document.value("deployment.name") or "")
        region = str(endpoint.get("location") or (store.facts.get("workspace") or {}).get("location") or "")
        self._choices = removals(endpoint, planned, region)
        self._asked = False
        self._working = False
        self._done = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -wide -remove") as dialog:
            dialog.border_title = "Remove"
            yield Select([(choice.label, number) for number, choice in enumerate(self._choices)], value=0,
                         allow_blank=False, id="remove-what", compact=True, tooltip="What is removed")  # fmt: skip
            with TextScroll(id="remove-means"):
                yield Facts("remove-text")
            yield Static(id="remove-said", markup=False)
            with Horizontal(classes="row"):
                yield Button("Remove …", id="remove-go", compact=True)
                yield Button("Cancel", id="close", compact=True, variant="primary")

    def on_mount(self) -> None:
        self.query_one("#close").focus()
        self._show()

    @property
    def _chosen(self) -> Removal:
        value = self.query_one("#remove-what", Select).value
        return self._choices[value if isinstance(value, int) else 0]

    def action_close(self) -> None:
        """Close; what Azure has begun to remove goes on."""
        self.dismiss(self._done)

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.action_close()

    @on(Select.Changed)
    def _other(self, event: Select.Changed) -> None:
        event.stop()
        if not self._working and not self._done:
            self._asked = False
            self._show()

    def _show(self) -> None:
        chosen = self._chosen
        rows = [Fact("", "Goes" if at == 0 else "", line) for at, line in enumerate(chosen.goes)]
        rows += [Fact("", "Stays" if at == 0 else "", line) for at, line in enumerate(chosen.stays)]
        if chosen.price:
            rows.append(Fact("", "Price", chosen.price))
        self.query_one(Facts).show(rows)
        button = self.query_one("#remove-go", Button)
        button.disabled = bool(chosen.refused) or self._working or self._done
        button.label = "Yes, remove it" if self._asked else "Remove …"
        button.refresh(layout=True)
        if chosen.refused:
            self._say(f"! {chosen.refused}")
        elif self._asked:
            self._say("! This cannot be undone. Callers of what goes get an error from then on. Remove it?")
        else:
            self._say("Nothing is removed yet.")

    @property
    def _there(self) -> bool:
        """Whether the screen still has its widgets: answers come when it may have been closed."""
        return self.is_attached and bool(self.query("#remove-said"))

    def _say(self, words: str) -> None:
        if self._there:
            self.query_one("#remove-said", Static).update(words)

    @on(Button.Pressed, "#remove-go")
    def _go(self) -> None:
        if self._chosen.refused or self._working:
            return
        if not self._asked:
            self._asked = True
            self._show()
            self.query_one("#close").focus()  # a second Enter in a row must not remove anything
            return
        self.run_worker(self._remove(), group="remove", exclusive=True)

    async def _remove(self) -> None:
        from tui.helper.client import HelperError

        chosen, self._working = self._chosen, True
        self._show()
        self._say("▸ Removing; Azure takes some minutes. Closing this does not stop it.")
        self.query_one("#close", Button).label = "Close"
        try:
            answer = dict(await self._store.ask("remove", timeout=PATIENCE, deployment=chosen.deployment) or {})
        except HelperError as error:
            self._working, self._asked = False, False
            if not self._there:
                return
            self._show()
            self._say(f"✖ {error.title}. {error.cause} {error.remedy}".strip())
            return
        self._working, self._asked, self._done = False, False, bool(answer.get("removed"))
        for question in ("endpoint", "changes", "sizes"):
            self._store.facts.pop(question, None)
        if not self._there:
            return
        self._show()
        removed, left = (", ".join(answer.get(name) or ()) or "nothing" for name in ("removed", "left"))
        self._say(f"{'✔' if self._done else '!'} Removed: {removed}. Left: {left}.")
        self.query_one("#close").focus()
