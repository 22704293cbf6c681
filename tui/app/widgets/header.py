"""The header row (step, saved state, workspace), and the step rail on wide screens."""

from __future__ import annotations

from collections.abc import Mapping

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.app.state.store import Store
from tui.app.steps.step_texts import ORDER, TITLES


def badge(rehearse: bool, environ: Mapping[str, str], readonly: bool = False) -> Content:
    """Return where what is open happens: AZURE, or the rehearsal with its simulated failures; and if it is read-only.

    The variables of `aml-deploy rehearsal --env` point every client of Azure to the rehearsal.
    """
    practised = environ.get("REHEARSAL_SCENARIOS", "")
    where = (f"rehearsal of {practised}" if practised else "rehearsal", "bold")
    if not rehearse and "REHEARSAL_CLIENT_ID" not in environ:
        where = ("AZURE", "bold $text-warning")
    return Content.assemble(where, "  read-only" * readonly)


class HeaderBar(Widget):
    """One row: step n of 9 on the left; where things happen, saved state and workspace on the right."""

    step = reactive("")

    def __init__(self, store: Store) -> None:
        super().__init__(id="header")
        self.store = store

    def saved(self) -> str:
        """Return whether the plan is saved, in a few words."""
        if self.store.save_problem:
            return "! not saved"
        if self.store.dirty:
            return "not saved yet"
        return "saved" if self.store.file else "preset"

    def render(self) -> Content:
        store, width = self.store, self.size.width - 2
        number = ORDER.index(self.step) + 1 if self.step in ORDER else 0
        left = Content.assemble(("aml-deploy", "bold"), f"  step {number} of {len(ORDER)}")
        workspace = store.resolved("workspace.name") or str(store.value("workspace.name") or "")
        if "${" in workspace:
            workspace = "no workspace yet" if store.ready.is_set() else ""
        where = badge(store.rehearse, store.environ, store.readonly)
        parts = [where, *(Content(part) for part in (self.saved(), workspace) if part)]
        taken = left.cell_length
        while len(parts) > 1 and taken + 2 + Content(" · ").join(parts).cell_length > width:
            parts.pop()
        right = Content(" · ").join(parts)
        gap = max(1, width - taken - right.cell_length)
        return Content.assemble(" ", left, " " * gap, right, " ")


class Rail(Widget):
    """Lists the steps, with the current one and those that need attention."""

    step = reactive("")

    def __init__(self) -> None:
        super().__init__(id="rail")
        self.seen: set[str] = set()
        self.wrong: set[str] = set()

    def watch_step(self, step: str) -> None:
        self.seen.add(step)

    def mark(self, step: str, wrong: bool) -> None:
        """Set whether a step needs attention."""
        (self.wrong.add if wrong else self.wrong.discard)(step)
        self.refresh()

    def render(self) -> Content:
        return Content("\n").join(
            self._line(step, f" {number} {TITLES[step]} ") for number, step in enumerate(ORDER, 1)
        )

    def _line(self, step: str, text: str) -> Content:
        if step == self.step:
            return Content.styled(f" ▸{text}", "bold $text-accent")
        if step in self.wrong:
            return Content.styled(f" !{text}", "$text-warning")
        if step in self.seen:
            return Content.styled(" ✔", "$text-success") + Content(text)
        return Content.styled(f" ·{text}", "$text-muted")
