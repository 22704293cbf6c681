"""Lists every reference in the plan, and whether it can be read here; values are never shown."""

from __future__ import annotations

from typing import Any

from textual import on, work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.store import Store
from tui.app.widgets.facts import Fact, Facts
from tui.helper.client import HelperError
from tui.plan.fields.all_fields import BY_KEY

PATIENCE = 90  # seconds for all of them
KINDS = {"ok": "ok", "missing": "bad", "refused": "bad", "unknown": "warn"}
WORDS = {"ok": "can be read", "missing": "is missing", "refused": "is refused", "unknown": "could not be checked"}
LEAD = "References to environment variables, Databricks secret scopes and Key Vaults. Values are never shown."
NONE = "The plan has no references: all values are written in the plan itself."


class ReferencesScreen(Dialog[None]):
    """Tests each reference when opened, and again on request."""

    AUTO_FOCUS = "#close"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        yield Box(
            "References",
            says(LEAD),
            VerticalScroll(Facts("references-found"), classes="scroll -auto"),
            buttons(Button("Test again", id="references-again", compact=True), close_button(variant="primary")),
            classes="-wide",
        )

    def on_mount(self) -> None:
        self._test()

    @on(Button.Pressed, "#references-again")
    @work(group="references", exclusive=True)
    async def _test(self) -> None:
        self._show([Fact("busy", "Testing the references")])
        try:
            answer = await self._store.ask("references", timeout=PATIENCE)
        except HelperError as error:
            self._show([Fact("bad", error.title), Fact("", f"{error.cause} {error.remedy}".strip())])
            return
        self._show(facts(answer or []) or [Fact("none", NONE)])

    def _show(self, found: list[Fact]) -> None:
        if self.is_attached:
            self.query_one(Facts).show(found)


def facts(tested: list[dict[str, Any]]) -> list[Fact]:
    """Return two lines for each tested reference: its state; below it, the fields that use it and the reason."""
    lines = []
    for one in tested:
        state = str(one.get("state"))
        lines.append(Fact(KINDS.get(state, "warn"), f"{one['reference']} {WORDS.get(state, WORDS['unknown'])}"))
        fields = ", ".join(BY_KEY[key].label if key in BY_KEY else key for key in one.get("keys") or ())
        lines.append(Fact("none", f"For {fields}. {one.get('detail', '')}".strip()))
    return lines
