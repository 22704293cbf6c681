"""The step Review: shows the whole plan and its effects before anything is created."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Callable, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state import start_run
from tui.app.state.background import in_background
from tui.app.state.findings import Finding
from tui.app.state.store import Store
from tui.app.steps.review import summary
from tui.app.steps.review.review_list import Review, ReviewList
from tui.app.steps.step_pane import Action, Pane
from tui.app.steps.step_texts import TITLES
from tui.app.text import formatting
from tui.app.widgets.help import Topic
from tui.app.widgets.waiting import Said
from tui.plan.fields.all_fields import BY_KEY

QUESTIONS = {"changes": "what exists in Azure", "check": "the preflight"}
DETAIL_ROWS = 6  # maximum rows below the list
PATIENCE = {"changes": 120, "check": 240}


class ReviewPane(Pane):
    """Shows the findings, the planned changes, the values with their sources, and the cost.

    The focus starts on Back. Only the button Deploy itself starts a run, so that PgDn never deploys.
    """

    step: ClassVar[str] = "review"
    reads = tuple(QUESTIONS)
    roomy = True
    next_label = "Deploy"
    extra_label = "Export"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._waiting: dict[str, tuple[str, str]] = {}
        self._refused = ""
        self._editing = False  # whether a row is being edited at its step
        self._at_top = True  # whether the worst row is shown, until the list is used

    def compose(self) -> ComposeResult:
        yield Said(id="review-summary")
        yield ReviewList(id="review-list", compact=True)
        yield Static(id="review-detail", markup=False)

    def arrive(self) -> None:
        """Show the worst row, or without blockers the one that was edited, and read what is not known."""
        self._refused = ""
        self._at_top = bool(self.blockers) or not self._editing
        self._editing = False
        self.show()
        self._read()

    def _read(self) -> None:
        """Read everything again, except Azure's answers that are still valid for the plan."""
        in_background(self, self.store.states.check_plan, group="check-plan")
        for question in QUESTIONS:
            in_background(self, partial(self._ask, question), group=question)
        for question in ("workspace", "cost"):  # the region and the price; if one is not known, the cost line says so
            self.learn(question, timeout=PATIENCE["changes"])

    def landing(self) -> Widget | None:
        """Return the button Back, never Deploy."""
        return self.screen.query("#back").first() if self.screen.query("#back") else self.query_one(ReviewList)

    # Data

    @property
    def findings(self) -> list[Finding]:
        """All findings, worst first: those of the steps' states."""
        return self.store.states.findings

    @property
    def blockers(self) -> list[Finding]:
        """The findings that prevent the run from starting."""
        return [finding for finding in self.findings if finding.severity == "blocker"]

    async def _ask(self, question: str) -> None:
        """Query Azure, unless its answer is valid for the current plan; a late answer for an older plan is dropped."""
        if question in self.store.facts:
            self._waiting.pop(question, None)
            return
        self._waiting[question] = ("▸ checking", f"Querying Azure: {QUESTIONS[question]}.")
        self.show()
        _, error, late = await self.store.answer(
            question, timeout=PATIENCE[question], blink=0, progress=self._reading(question)
        )
        if late:
            return
        self._waiting.pop(question, None)
        if error is not None:
            said = [part.strip().rstrip(".") for part in (error.title, error.cause, error.remedy) if part.strip()]
            self._waiting[question] = ("? not known", f"{'. '.join(said)}.")
        self.show()

    def _reading(self, question: str) -> Callable[[int, int], None]:
        """A function that shows how much of the model was read: a large one takes minutes."""
        began = time.monotonic()

        def show(done: int, total: int) -> None:
            read = formatting.transfer(done, total, time.monotonic() - began)
            self._waiting[question] = ("▸ checking", f"Reading the model: {read}, to compare it with registered ones.")
            self.show()

        return show

    def heard(self, names: frozenset[str]) -> None:
        """Update after an edit of the plan, or an answer that matters here (the region, for the price)."""
        if not self.is_mounted or not self.display:
            return
        if not names.isdisjoint(("ready", "files", "azure")):
            self.call_later(self._read)
        if not names.isdisjoint((*BY_KEY, "workspace", "cost", "states")):
            self.call_later(self.show)

    def show(self) -> None:
        """Show everything known so far."""
        if not self.is_mounted or not self.query("#review-summary"):
            return  # an answer arrived while the screen is being removed
        problems, findings = self.store.states.problems, self.findings
        changes: Sequence[Mapping[str, Any]] | None = self.store.facts.get("changes")
        asking = any(word.startswith("▸") for word, _ in self._waiting.values())
        checked = summary.findings_in_words(findings)
        if asking:
            checked = f"▸ checking; {checked} so far" if self.blockers else "▸ checking"
        elif "check" not in self.store.facts and not self.blockers:
            checked = "the preflight did not complete"
        parts = [checked] + ([summary.changes_in_words(changes)] if changes is not None else [])
        first = ". ".join(part[:1].upper() + part[1:] for part in parts)
        head = (self._refused, "bold $text-error") if self._refused else (first + ".", "bold")
        self.query_one("#review-summary", Static).update(Content.assemble(head, "\n", summary.cost(self.store)))
        values, made = summary.values(self.store, problems), summary.made_of(self.store)
        reviewed = self.query_one(ReviewList)
        self._at_top = self._at_top and not reviewed.has_focus
        reviewed.show(Review(findings, changes, values, dict(self._waiting), made))
        if self._at_top:
            reviewed.pick_worst()
        self._tell()

    def _tell(self) -> None:
        """Show the highlighted row's full text, and what Enter does there; only if rows have a single line."""
        row, shown = self.query_one(ReviewList).marked, self.query_one("#review-detail", Static)
        if row is None or row.topic is None:
            shown.update("")
            return
        field = BY_KEY.get(row.key or "")
        leads = f"Enter: edit {field.label} in {TITLES[row.step]}." if field else ""
        leads = leads or (f"Enter: go to {TITLES[row.step]}." if row.step else "")
        told = Topic("", row.topic.what, row.topic.why).short(max(shown.content_size.width, 40), DETAIL_ROWS - 1)
        shown.update(Content.assemble(told, ("\n" + leads if leads else "", "$text-muted")))

    def on_resize(self) -> None:
        self.call_after_refresh(self._tell)

    # Actions

    def on_option_list_option_highlighted(self) -> None:
        self._tell()
        self.refresh_help()

    def on_option_list_option_selected(self) -> None:
        """Edit the row's field or step, and then return here."""
        row = self.query_one(ReviewList).marked  # not the event's place: an answer may have added rows
        if row is not None and row.step:
            self._editing = True
            self.post_message(self.GoTo(row.step, row.key))

    async def show_field(self, key: str) -> None:
        reviewed = self.query_one(ReviewList)
        reviewed.pick_field(key)
        reviewed.focus()

    async def advance(self, pressed: bool = False) -> bool:
        """Start the run if there are no blockers and the button itself was pressed."""
        if not pressed:
            self.say("To start, press Tab to Deploy, then Enter.")
            return False
        await self.store.states.check_plan()
        if self.blockers:
            first = self.blockers[0]
            self._refused = f"✖ Not deployed: {first.message}"
            self.show()
            reviewed = self.query_one(ReviewList)
            reviewed.pick_worst()
            reviewed.focus()
            return False
        return await self._start()

    async def _start(self) -> bool:
        """Start the run, or show why it cannot start."""
        self._refused = ""
        self.say("▸ Starting the run …")
        try:
            run = await start_run.start(self.store)
        except start_run.NotStarted as reason:
            self._refused = f"✖ Not deployed: {reason}"
            self.show()
            if reason.key:
                await self.show_field(reason.key)
            return False
        finally:
            self.say("")
        self.store.follow(run)
        return True

    async def extra(self) -> None:
        self.export()

    def export(self) -> None:
        """Show the plan as files for other tools."""
        from tui.app.dialogs.export import ExportScreen

        self.app.push_screen(ExportScreen(self.store))

    def actions(self) -> list[Action]:
        fix = Action("Fix the plan", "Apply the fixes proposed by the findings.", self._correct)
        return [*([fix] if self._fixes() else ()), *super().actions()]

    def local_trial(self) -> None:
        """Serve and call the model on this machine, in a dialog."""
        from tui.app.dialogs.local_trial import LocalTrialScreen

        self.app.push_screen(LocalTrialScreen(self.store))

    def _fixes(self) -> dict[str, Any]:
        """The values that would fix the plan, by key; None removes a key."""
        answered = [finding.get("fix") for finding in self.store.facts.get("check") or ()]
        return {str(fix["key"]): fix["value"] for fix in answered if fix and "key" in fix}

    def _correct(self) -> None:
        fixes = self._fixes()
        for key, value in fixes.items():
            self.store.put(key, value, "fix proposed by the preflight")
        self.say(f"Fixed: {', '.join(fixes)}.")
        self.arrive()

    def ask_again(self) -> None:
        """Read what Azure has, and run the preflight, again."""
        for question in QUESTIONS:
            self.store.facts.pop(question, None)
        self.arrive()

    def copied_text(self) -> str | None:
        return "\n".join(row.content.plain for row in self.query_one(ReviewList).rows) + "\n"
