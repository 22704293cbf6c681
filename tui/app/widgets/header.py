"""The header row (step, its state, saved, workspace), and the step rail on wide screens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state.step_states import UNSEEN
from tui.app.state.store import Store
from tui.app.steps.step_texts import LEADS, ORDER, TITLES
from tui.app.text.formatting import ago
from tui.app.widgets.facts import STYLES


def badge(rehearse: bool, environ: Mapping[str, str], readonly: bool = False) -> Content:
    """Return where what is open happens: AZURE, or the rehearsal with its simulated failures; and if it is read-only.

    The variables of `aml-deploy rehearsal --env` point every client of Azure to the rehearsal.
    """
    practised = environ.get("REHEARSAL_SCENARIOS", "")
    where = (f"rehearsal of {practised}" if practised else "rehearsal", "bold")
    if not rehearse and "REHEARSAL_CLIENT_ID" not in environ:
        where = ("AZURE", "bold $text-warning")
    return Content.assemble(where, "  read-only" * readonly)


SHORTEST = 9  # cells to which a name in the header is cut; it is left out instead of being cut further


class HeaderBar(Widget):
    """One row: step n of 9 and its state on the left; where things happen, saved state and workspace on the right."""

    step = reactive("")

    def __init__(self, store: Store) -> None:
        super().__init__(id="header")
        self.store = store
        self._saved = ""  # as shown

    def heard(self, names: frozenset[str]) -> None:
        """Show what has changed; most edits change nothing here."""
        if self.saved() != self._saved or not names.isdisjoint(("workspace.name", "saved", "ready", "states")):
            self.refresh()

    def saved(self) -> str:
        """Return whether the plan is saved, in a few words."""
        if self.store.save_problem:
            return "! not saved"
        if self.store.dirty:
            return "not saved yet"
        return "preset" if self.store.is_preset else "saved"

    def render(self) -> Content:
        store, width = self.store, self.size.width - 2
        number = ORDER.index(self.step) + 1 if self.step in ORDER else 0
        state = store.states.of(self.step)
        word = (f"{state.sign} {state.word}", STYLES[state.kind])
        left = Content.assemble(f"step {number} of {len(ORDER)}  ", word)
        workspace = store.resolved("workspace.name") or str(store.value("workspace.name") or "")
        if "${" in workspace:
            workspace = "no workspace yet" if store.ready.is_set() else ""
        where = badge(store.rehearse, store.environ, store.readonly)
        self._saved = self.saved()
        parts = [where, *(Content(part) for part in (self._saved, workspace) if part)]
        name = Content.assemble(("aml-deploy", "bold"), "  ")
        right = Content(" · ").join(parts)
        if name.cell_length + left.cell_length + 2 + right.cell_length <= width:
            left = name + left
        while len(parts) > 1 and (over := left.cell_length + 2 + right.cell_length - width) > 0:
            last = parts.pop()
            if last.cell_length - over >= SHORTEST:
                parts.append(last.truncate(last.cell_length - over, ellipsis=True))
            right = Content(" · ").join(parts)
        gap = max(1, width - left.cell_length - right.cell_length)
        return Content.assemble(" ", left, " " * gap, right, " ")


class Lead(Static):
    """The step's title and what it is about; and how old what was read for it is, instead where both do not fit."""

    def __init__(self, store: Store) -> None:
        super().__init__("", id="lead", markup=False)
        self.store = store
        self.step = ""
        self.reads: Sequence[str] = ()

    def show(self, step: str, reads: Sequence[str]) -> None:
        """Show a step, which shows the answers to these queries."""
        self.step, self.reads = step, reads
        self.tell()

    def tell(self) -> None:
        """Show the age that the answers have now."""
        if not self.step:
            return
        lead, age = LEADS[self.step], ago(self.store.fresh.age(self.reads))
        if age and self.size.width and len(f"{TITLES[self.step]}  {lead} · {age}") > self.size.width:
            lead = ""
        text = " · ".join(part for part in (lead, age) if part)
        told = Content.assemble((TITLES[self.step], "bold"), (f"  {text}", "$text-muted"))
        if told != self.content:
            self.update(told)


class Rail(Widget):
    """Lists the steps with their states; in words below each, or only below those that need attention."""

    step = reactive("")

    def __init__(self, store: Store) -> None:
        super().__init__(id="rail")
        self.store = store

    def render(self) -> Content:
        roomy = self.content_size.height >= 2 * len(ORDER)
        lines = []
        for number, step in enumerate(ORDER, 1):
            state, here = self.store.states.of(step), step == self.step
            look = "bold $text-accent" if here else "$text-muted" if state == UNSEEN else ""
            lines.append(Content.assemble(("▸" if here else " ", look), (state.sign, STYLES[state.kind]),
                                          (f" {number} {TITLES[step]}", look)))  # fmt: skip
            if state.kind in ("bad", "warn") or (roomy and state != UNSEEN):
                lines.append(Content.styled(f"    {state.word}", STYLES[state.kind] or "$text-muted"))
        return Content("\n").join(lines)
