"""Review: everything before anything is created."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state import start_run
from tui.app.state.background import in_thread
from tui.app.state.store import Store
from tui.app.steps.review import summary
from tui.app.steps.review.review_list import Review, ReviewList
from tui.app.steps.review.summary import Finding
from tui.app.steps.step_pane import Action, Pane
from tui.app.steps.step_texts import TITLES
from tui.app.widgets.help import Topic
from tui.plan.fields.all_fields import BY_KEY

QUESTIONS = {"changes": "what exists in Azure", "check": "the preflight"}
DETAIL_ROWS = 6  # at most, below the list
PATIENCE = {"changes": 120, "check": 240}


class ReviewPane(Pane):
    """Values with their provenance, what happens to each resource, what was found, what it costs.

    The focus starts on Back. Deploying takes the button Deploy itself, so that walking on with PgDn never deploys.
    """

    step: ClassVar[str] = "review"
    roomy = True
    next_label = "Deploy"
    extra_label = "Take it with you"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._local: list[Finding] = []
        self._answers: dict[str, list[dict[str, Any]]] = {}
        self._waiting: dict[str, tuple[str, str]] = {}
        self._asked_for: dict[str, tuple[str, str, bool]] = {}
        self._unlisten: Any | None = None
        self._refused = ""

    def compose(self) -> ComposeResult:
        yield Static(id="review-summary", markup=False)
        yield ReviewList(id="review-list", compact=True)
        yield Static(id="review-detail", markup=False)

    def on_mount(self) -> None:
        """Begin to listen to the plan."""
        self._unlisten = self.store.listen(self._changed)

    def _on_prune(self) -> None:
        """Stop listening."""
        if self._unlisten:
            self._unlisten()

    def arrive(self) -> None:
        """Read everything anew; what Azure has answered for this very plan is kept."""
        self._refused = ""
        self.show()
        self.run_worker(self._judge(), group="judge", exclusive=True)
        for question in QUESTIONS:
            self.run_worker(self._ask(question), group=question, exclusive=True)
        for question in ("workspace", "cost"):  # the region and the price; where one is not known, the cost says so
            self.learn(question, timeout=PATIENCE["changes"])

    def landing(self) -> Widget | None:
        """Back, never Deploy."""
        return self.screen.query("#back").first() if self.screen.query("#back") else self.query_one(ReviewList)

    # What is known

    @property
    def findings(self) -> list[Finding]:
        """Everything found, worst first."""
        azure = summary.answered_findings(self._answers.get("check", ()))
        return summary.worst_first([*self._local, *summary.refused(self._answers.get("changes", ())), *azure])

    @property
    def blockers(self) -> list[Finding]:
        """What keeps the run from starting."""
        return [finding for finding in self.findings if finding.severity == "blocker"]

    async def _judge(self) -> None:
        """What the plan shows by itself; it looks at the disk, which may be a slow one."""
        self._local = await in_thread(summary.local_findings, self.store)
        self.show()

    async def _ask(self, question: str) -> None:
        """Ask Azure, unless it has answered for this very plan; a late answer for an older plan is dropped."""
        # A run changes what exists, so answers from before it, or from its middle, are asked for again.
        run = self.store.run
        finished = run is not None and await in_thread(run.journal.finished)
        asked_for = (self.store.fingerprint(question), run.id if run else "", finished)
        if self._asked_for.get(question) == asked_for and question in self._answers:
            return
        self._answers.pop(question, None)
        self._waiting[question] = ("▸ asking", f"Azure is asked for {QUESTIONS[question]}.")
        self.show()
        answer, error, late = await self.store.answer(question, timeout=PATIENCE[question], blink=0)
        if late:
            return
        if error is None:
            self._waiting.pop(question, None)
            self._answers[question], self._asked_for[question] = list(answer), asked_for
        else:
            said = [part.strip().rstrip(".") for part in (error.title, error.cause, error.remedy) if part.strip()]
            self._waiting[question] = ("? not known", f"{'. '.join(said)}.")
        self.show()

    def _changed(self, name: str) -> None:
        """The plan was edited or Azure has answered something (the region, for the price)."""
        if self.is_mounted and self.display and (name in BY_KEY or name in ("workspace", "cost", "ready")):
            self.call_later(self.arrive if name == "ready" else self.show)

    def show(self) -> None:
        """Show what is known now."""
        if not self.is_mounted or not self.query("#review-summary"):
            return  # an answer that comes while the screen is being taken down
        problems = {finding.key: finding.message for finding in self._local}
        findings: Sequence[Finding] = self.findings
        changes: Sequence[Mapping[str, Any]] | None = self._answers.get("changes")
        asking = any(word.startswith("▸") for word, _ in self._waiting.values())
        checked = summary.findings_in_words(findings)
        if asking:
            checked = f"▸ checking; {checked} so far" if self.blockers else "▸ checking"
        elif "check" not in self._answers and not self.blockers:
            checked = "the preflight has not answered"
        parts = [checked] + ([summary.changes_in_words(changes)] if changes is not None else [])
        first = ". ".join(part[:1].upper() + part[1:] for part in parts)
        head = (self._refused, "bold $text-error") if self._refused else (first + ".", "bold")
        self.query_one("#review-summary", Static).update(Content.assemble(head, "\n", summary.cost(self.store)))
        values, made = summary.values(self.store, problems), summary.made_of(self.store)
        self.query_one(ReviewList).show(Review(findings, changes, values, dict(self._waiting), made))
        self._tell()

    def _tell(self) -> None:
        """The marked row in whole sentences, and what Enter does there; shown where rows have one line."""
        row, shown = self.query_one(ReviewList).marked, self.query_one("#review-detail", Static)
        if row is None or row.topic is None:
            shown.update("")
            return
        field = BY_KEY.get(row.key or "")
        leads = f"Enter: {field.label}, at {TITLES[row.step]}." if field else ""
        leads = leads or (f"Enter: the step {TITLES[row.step]}." if row.step else "")
        told = Topic("", row.topic.what, row.topic.why).short(max(shown.content_size.width, 40), DETAIL_ROWS - 1)
        shown.update(Content.assemble(told, ("\n" + leads if leads else "", "$text-muted")))

    def on_resize(self) -> None:
        """The sentences wrap anew."""
        self.call_after_refresh(self._tell)

    # What can be done

    def on_option_list_option_highlighted(self, event: ReviewList.OptionHighlighted) -> None:
        """Help follows the row."""
        event.stop()
        self._tell()
        self.refresh_help()

    def on_review_list_picked(self, event: ReviewList.Picked) -> None:
        """Edit the row's field, and come back."""
        event.stop()
        self.post_message(self.GoTo(event.step, event.key))

    def show_field(self, key: str) -> None:
        """Highlight a field's row."""
        reviewed = self.query_one(ReviewList)
        reviewed.pick_field(key)
        reviewed.focus()

    async def advance(self, pressed: bool = False) -> bool:
        """Start the run, if nothing stands in the way and the button itself was pressed."""
        if not pressed:
            self.say("Tab to Deploy, then Enter, starts.")
            return False
        await self._judge()
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
        """Start the engine; what does not allow it is explained."""
        self._refused = ""
        self.say("Starting")
        try:
            run = await start_run.start(self.store)
        except start_run.NotStarted as reason:
            self._refused = f"✖ Not deployed: {reason}"
            self.show()
            if reason.key:
                self.show_field(reason.key)
            return False
        finally:
            self.say("")
        self.store.follow(run)
        return True

    async def extra(self) -> None:
        """The plan as files for other tools."""
        self._export()

    def _export(self) -> None:
        from tui.app.dialogs.export import ExportScreen

        self.app.push_screen(ExportScreen(self.store))

    def actions(self) -> list[Action]:
        """Ask Azure again, take the plan away, correct it as the checks propose."""
        found = [
            Action("Check again", "Ask Azure again what exists and run the preflight again.", self._again),
            Action("Take it with you", "The plan as az ml YAML, Python, pipelines, Bicep.", self._export),
            Action(
                "Serve this model here first", "On this machine, and call it; Azure is not touched.", self._local_trial
            ),
        ]
        if self._fixes():
            found.insert(0, Action("Correct the plan", "As the checks propose, see their findings.", self._correct))
        return found

    def _local_trial(self) -> None:
        from tui.app.dialogs.local_trial import LocalTrialScreen

        self.app.push_screen(LocalTrialScreen(self.store))

    def _fixes(self) -> dict[str, Any]:
        """The values that would mend the plan, by key; None leaves a key out."""
        answered = [finding.get("fix") for finding in self._answers.get("check", ())]
        return {str(fix["key"]): fix["value"] for fix in answered if fix}

    def _correct(self) -> None:
        fixes = self._fixes()
        for key, value in fixes.items():
            self.store.put(key, value, "the preflight's proposal")
        self.say(f"Corrected: {', '.join(fixes)}.")
        self.arrive()

    def _again(self) -> None:
        self._asked_for.clear()
        self.arrive()

    def copied_text(self) -> str | None:
        """The review as text."""
        return "\n".join(row.content.plain for row in self.query_one(ReviewList).rows) + "\n"
