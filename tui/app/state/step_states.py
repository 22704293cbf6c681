"""The state of each step: visited, changed, checked, OK, wrong. The rail, the header and Review read it here."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tui.app.state.background import in_thread
from tui.app.state.findings import Finding, answered, local, refused, step_of, worst_first
from tui.app.state.store_interface import StoreInterface
from tui.app.text.formatting import count
from tui.plan.fields.all_fields import BY_KEY, STEPS

PAUSE = 0.3  # seconds after an edit before the plan is checked; not for every letter
WITHOUT_CHECKS = ("deploy", "test")


class StepState(NamedTuple):
    """A step's state: `kind` as in `Fact`, a sign, and the same in words."""

    kind: str
    sign: str
    word: str


UNSEEN = StepState("none", "·", "not visited")
VISITED = StepState("", "○", "visited")
UNCHECKED = StepState("", "○", "not checked")
CHECKING = StepState("", "○", "checking")
CHANGED = StepState("", "~", "changed")
OK = StepState("ok", "✔", "OK")
KINDS = {"✔": "ok", "!": "warn", "✖": "bad", "▸": "busy"}


class _Told(NamedTuple):
    """What a query said about a step, the fingerprint of what it was said about, and when (seconds since the epoch)."""

    mark: str
    items: list[Mapping[str, Any]]
    at: float


class StepStates:
    """Combines the plan's own problems with what the helper said about each step, as long as that is valid.

    The store is told "states" when something has changed. `findings` has all findings, worst first: the ones behind
    the states, so that a count of them never differs from what the rail says.
    """

    def __init__(self, store: StoreInterface) -> None:
        self._store = store
        self._told: dict[tuple[str, str], _Told] = {}  # by question and step
        self._checked = self._asked = 0
        self._wanted = self._checking = False
        self._marks: dict[str, str] | None = None  # the fingerprints of an update, each computed once
        self._run: StepState | None = None
        self.typing = False  # whether a field is being filled in for the first time
        self.visited: set[str] = set()
        self.asking: set[str] = set()  # the steps whose preflight is running
        self.problems: dict[str, str] = {}  # the plan's own, by key
        self.findings: list[Finding] = []
        self._states: dict[str, StepState] = {}

    def of(self, step: str) -> StepState:
        """Return a step's state."""
        return self._states.get(step, UNSEEN)

    def count(self, step: str, severity: str) -> int:
        """Return the number of findings of a severity at a step; at Review, of all."""
        return sum(one.severity == severity and step in (one.step, "review") for one in self.findings)

    # What is known

    async def check_plan(self) -> None:
        """Find the problems in the plan itself. Reads the disk, in a thread."""
        self._asked += 1
        asked = self._asked
        found = await in_thread(self._store.problems, self._store.document.copy())
        if asked > self._checked:  # an older answer that comes late is dropped
            self._checked, self.problems = asked, found
        self.update()

    async def check_plan_soon(self) -> None:
        """Check the plan once the edits pause; one at a time, because a slow mount is not read for each edit."""
        self._wanted = True
        if self._checking:
            return
        self._checking = True
        try:
            while self._wanted:
                await asyncio.sleep(PAUSE)
                self._wanted = False
                if not self.typing:
                    await self.check_plan()
        finally:
            self._checking = False

    def must_check_plan(self, names: frozenset[str]) -> bool:
        """Whether `check_plan_soon` must be called after these changes; not while it runs, as it sees them itself."""
        if names.isdisjoint((*BY_KEY, "ready", "files", "left")):
            return False
        if self.typing:
            self.update()  # what is being typed is not checked before it is left, but neither has it a tick
            return False
        self._wanted = True
        return not self._checking

    def heard(self, names: frozenset[str]) -> None:
        """Take up what the helper's answers say about the steps."""
        facts = self._store.facts
        if "check" in names and "check" in facts:
            self.take("check", facts["check"])
        if "changes" in names and "changes" in facts:
            self.take("changes", refused(facts["changes"]))
        if "inspect_model" in names and "inspect_model" in facts:
            self.take("inspect_model", facts["inspect_model"].get("findings") or ())

    def take(self, question: str, items: Iterable[Mapping[str, Any]]) -> None:
        """Replace what a query said; `step:NAME` and `check` answer the same about a step, so the newer one counts."""
        by_step: dict[str, list[Mapping[str, Any]]] = {}
        for item in items:
            by_step.setdefault(step_of(item), []).append(item)
        asked = [question.partition(":")[2]] if question.startswith("step:") else [name for name, _ in STEPS]
        if question == "inspect_model":
            asked = ["model"]
        for told, step in list(self._told):
            replaced = (question == "check" and told.startswith("step:")) or (told == "check" and step in asked)
            if told == question or (replaced and question not in ("changes", "inspect_model")):
                del self._told[told, step]
        for step in {*asked, *by_step} - set(WITHOUT_CHECKS):
            self._told[question, step] = _Told(self._mark(question, step), by_step.get(step, []), time.time())
        self.update()

    def said(self, step: str) -> list[Mapping[str, Any]] | None:
        """Return the preflight's findings of a step, if they are known for the values it has; else None."""
        found = self._valid(f"step:{step}", step) or self._valid("check", step)
        if found is None:
            return None
        also = [told.items for (question, other), told in self._told.items()
                if question == f"step:{step}" and other != step]  # fmt: skip
        return [*found.items, *(item for items in also for item in items)]

    def discard_old(self, step: str, before: float) -> None:
        """Forget what was said about a step before this time, in seconds since the epoch: it must be asked again."""
        for key, told in self._told.items():
            if key[1] == step and told.at < before:
                self._told[key] = told._replace(mark="")
        self.update()

    def forget(self) -> None:
        """Forget what was said about what a run changes: it must be asked again, but the plan is as it was."""
        for key, told in self._told.items():
            if key[0] != "inspect_model" and self._valid(*key):
                self._told[key] = told._replace(mark="")

    def visit(self, step: str) -> None:
        """Note that a step was shown."""
        self.visited.add(step)
        self.update()

    def ran(self, words: str) -> None:
        """Note the state of the run that Deploy shows: a sign and a word."""
        sign, _, word = words.partition(" ")
        state = StepState(KINDS.get(sign, ""), sign, word.partition(" by ")[0])
        if state != self._run:
            self._run = state
            self.update()

    def ask(self, step: str, running: bool) -> None:
        """Note that a step's preflight was started or has ended."""
        (self.asking.add if running else self.asking.discard)(step)
        self.update()

    # What follows

    def update(self) -> None:
        """Compute all states, and announce them if they have changed."""
        self._marks = {}
        valid = [item for question, step in self._told if (told := self._valid(question, step)) for item in told.items]
        before = (self.findings, self._states)
        self.findings = worst_first([*local(self.problems), *answered(valid)])
        self._states = {step: self._state(step) for step, _ in STEPS}
        self._marks = None
        if before != (self.findings, self._states):
            self._store.announce("states")

    def _state(self, step: str) -> StepState:
        if step == "deploy" and self._run is not None:
            return self._run
        blockers, warnings = self.count(step, "blocker"), self.count(step, "warning")
        if blockers:
            return StepState("bad", "✖", count(blockers, "blocker"))
        if warnings:
            return StepState("warn", "!", count(warnings, "warning"))
        if step in self.asking:
            return CHECKING
        if step not in WITHOUT_CHECKS and (self._valid("check", step) or self._valid(f"step:{step}", step)):
            return UNCHECKED if self._unread(step) else OK
        told = [self._told[key] for key in (("check", step), (f"step:{step}", step)) if key in self._told]
        if any(one.mark for one in told):
            return CHANGED
        if told or step in self.visited:
            return VISITED if step in WITHOUT_CHECKS else UNCHECKED
        return UNSEEN

    def _unread(self, step: str) -> bool:
        """Whether a step was not checked in Azure, because the sign-in failed or the workspace was not read."""
        return any(
            item.get("id") == "workspace" and item.get("severity") != "ok"
            for (question, _), told in self._told.items()
            if question in ("check", f"step:{step}")
            for item in told.items
        )

    def _valid(self, question: str, step: str) -> _Told | None:
        told = self._told.get((question, step))
        return told if told is not None and told.mark == self._mark(question, step) else None

    def _mark(self, question: str, step: str) -> str:
        """Return a text that changes when what a query said about a step may no longer be right."""
        about = question if question == "inspect_model" else "check" if step == "review" else f"step:{step}"
        if self._marks is None:
            return self._store.fingerprint(about)
        if about not in self._marks:
            self._marks[about] = self._store.fingerprint(about)
        return self._marks[about]
