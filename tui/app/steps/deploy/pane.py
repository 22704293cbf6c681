"""The step Deploy: shows the run's tasks and log as it progresses, and an error card with actions if it fails."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Static

from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.steps.deploy import run_texts
from tui.app.steps.deploy.follow_run import RunFollower, RunSnapshot
from tui.app.steps.deploy.run_card import card_of, retry_label
from tui.app.steps.deploy.run_control import RunPane
from tui.app.steps.deploy.run_log import RunLog
from tui.app.steps.deploy.support_text import about
from tui.app.steps.deploy.timeline import Timeline
from tui.app.steps.step_pane import Action
from tui.app.steps.step_texts import TITLES
from tui.app.widgets.card import CardView
from tui.app.widgets.help import Topic
from tui.app.widgets.offered_focus import is_typing, offer_focus
from tui.common.redact import redact

LOOK_SECONDS = 0.2
QUIET_LOOK_SECONDS = 0.5
ROWS_FOR_BOTH = 28  # rows of the pane from which the card fits above the log
LEAST_TASKS = 5  # that are always visible
CHANGED = "The plan has changed since this run started. A new run deploys the current plan."


class DeployPane(RunPane):
    """Follows `store.run`, whether this wizard started it or attached to it."""

    step: ClassVar[str] = "deploy"
    roomy = True
    next_label = "Test"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._links: Content | None = None
        self._rollout = Content()
        self._plan = ""  # the plan when following began

    def compose(self) -> ComposeResult:
        with Horizontal(id="deploy-top"):
            yield Static(id="deploy-head", markup=False)
            yield Button("Roll back now …", id="deploy-back", compact=True,
                         tooltip="Restore the traffic split from before this rollout")  # fmt: skip
            yield Button("Stop …", id="deploy-leave", compact=True, tooltip="Stop the run, or let it continue")
        yield Static(id="deploy-links", markup=False)
        yield Static(id="deploy-rollout", markup=False)
        yield Timeline(id="timeline")
        yield CardView(id="deploy-card")
        yield RunLog(id="run-log")

    def on_mount(self) -> None:
        self.set_interval(1.0, self._tick)
        self._arrange(card=False)
        self._take_up()

    def arrive(self) -> None:
        self._take_up()
        self._show(self.snapshot)
        if self.unwell:
            self._show_card(self.snapshot, self._settled)  # the plan may have changed meanwhile

    def landing(self) -> Widget | None:
        """Return the table of tasks while the run is in progress, else the most useful next action."""
        if self.follower is None:
            return self.screen.query("#back").first() if self.screen.query("#back") else None
        if self.snapshot.over:
            return None if self.snapshot.view.status == "succeeded" else self._card_action()
        return self.query_one(Timeline)

    def topic(self) -> Topic | None:
        """Return the help about the run's outcome, once it has finished."""
        if not self.follower or not self.snapshot.over:
            return None
        return Topic(TITLES[self.step], run_texts.ENDED.get(self.snapshot.state, run_texts.ENDED["failed"]))

    # Following

    def heard(self, names: frozenset[str]) -> None:
        if "run" in names and self.is_mounted:
            self.call_later(self._take_up)

    def _take_up(self) -> None:
        run = self.store.run
        if run is None or (self.follower is not None and self.follower.run.id == run.id):
            if run is None:
                self._show(self.snapshot)
            return
        self.follower = RunFollower(run)
        self._settled, self._plan = "", repr(self.store.document.tree)
        self.asked_back = False
        self._arrange(card=False)
        self._relabel("Test")
        self._show(self.snapshot)
        self._keep_looking()

    def _keep_looking(self) -> None:
        if self.follower:
            in_background(self, partial(self._look_on, self.follower), "follow")

    async def _look_on(self, follower: RunFollower) -> None:
        """Read the journal until the run has finished; many events cause a single repaint."""
        quiet = 0
        while True:
            snapshot = await follower.look()
            if snapshot is not None:
                quiet = 0
                self._show(snapshot)
                if snapshot.ended:
                    return
            quiet += 1
            await asyncio.sleep(LOOK_SECONDS if quiet < 10 else QUIET_LOOK_SECONDS)

    def _tick(self) -> None:
        """Update the elapsed times, once a second."""
        if self.display and self.follower and not self.snapshot.ended and self.snapshot.alive:
            self._show_head(self.snapshot)
            self.query_one(Timeline).tick()

    def goes_on(self, follower: RunFollower) -> None:
        self._settled = ""
        self._arrange(card=False)
        self._show(follower.snapshot)
        self._keep_looking()

    # Showing

    def _show(self, snapshot: RunSnapshot) -> None:
        self._show_head(snapshot)
        if self.follower is not None:
            self.store.states.ran(run_texts.WORDS.get(snapshot.state, snapshot.state))
        view = snapshot.view
        timeline = self.query_one(Timeline)
        timeline.show(snapshot)
        if timeline.has_focus:
            self.refresh_help()  # of the task, whose usual time may have been read meanwhile
        self.show_rollout()
        log = self.query_one(RunLog)
        log.offer(tuple(task.name for task in view.tasks))
        log.show(view.logs, view.log_count, snapshot.dropped)
        if snapshot.state != self._settled and (snapshot.over or view.card):
            self._settled = snapshot.state
            self._settle(snapshot)

    def _show_head(self, snapshot: RunSnapshot) -> None:
        # Runs every second: avoid a layout, or a waiting run would send a kilobyte per second to the terminal.
        run = self.store.run
        self.query_one("#deploy-head", Static).update(run_texts.headline(snapshot, run), layout=False)
        going = run is not None and not snapshot.over
        self.query_one("#deploy-leave", Button).display = going
        known = (self.store.facts.get("workspace") or {}).get("portal_url") or ""
        links = run_texts.links(snapshot.view, known) if run is not None else Content()
        if links != self._links:
            self._links = links
            self.query_one("#deploy-links", Static).update(links)

    def show_rollout(self) -> None:
        """Show a rollout in progress: the traffic split, what is monitored, the next step."""
        view = self.snapshot.view
        rows, shown = run_texts.rollout_rows(view), self.query_one("#deploy-rollout", Static)
        if rows != self._rollout:
            self._rollout = rows
            shown.update(rows)
        going = bool(rows.plain)
        button = self.query_one("#deploy-back", Button)
        button.display = view.rolling_out
        button.disabled = self.asked_back
        if shown.display != going:
            shown.display = going
            self._arrange(card=self.query_one(CardView).display)

    def _settle(self, snapshot: RunSnapshot) -> None:
        """Update the screen when the run has finished or needs attention."""
        if snapshot.ended:
            self.store.fresh.azure_changed()
        if snapshot.state == "succeeded":
            self._arrange(card=False)
            self._relabel("Test the endpoint")
            if self.display:
                self.call_after_refresh(self._focus_next)
        elif self._show_card(snapshot, snapshot.state):
            self._arrange(card=self.size.height >= ROWS_FOR_BOTH or not is_typing(self))
            if self.display and snapshot.over:
                self.call_after_refresh(self._focus_card)

    @property
    def changed(self) -> bool:
        """Whether the plan has changed since following began."""
        return repr(self.store.document.tree) != self._plan

    def _show_card(self, snapshot: RunSnapshot, state: str) -> bool:
        """Fill the card for a state; return False if the state has none."""
        card = card_of(snapshot, state)
        if card is None:
            return False
        shown = self.query_one(CardView)
        over, changed = snapshot.over, self.changed
        retry = retry_label(snapshot, state) if over and not changed else ""
        shown.show(card, again="Run the changed plan" if changed else "Run again", retry=retry,
                   note=CHANGED if over and changed else "")  # fmt: skip
        shown.query_one("#card-again", Button).display = snapshot.ended or (over and changed)
        return True

    def _card_action(self) -> Widget:
        """Return the card's button that is most likely to help."""
        card = self.query_one(CardView)
        return card.query_one("#card-again", Button) if self.changed else card.first_action()

    def _focus_card(self) -> None:
        if isinstance(self.app.screen, type(self.screen)) and self.query_one(CardView).display:
            offer_focus(self._card_action())

    def _arrange(self, *, card: bool) -> None:
        """Show the card instead of the log if both do not fit, or only the log if maximized."""
        log, shown = self.query_one(RunLog), self.query_one(CardView)
        alone = log.maximized and not card
        both = self.size.height >= ROWS_FOR_BOTH and not alone
        shown.display = card
        shown.set_class(both, "-beside-log")
        log.display = not card or both
        log.offer_card(self.unwell and not card)
        timeline, links = self.query_one(Timeline), self.query_one("#deploy-links")
        timeline.display = not alone
        # If both do not fit, the card needs the rows more than the completed tasks.
        crowded = shown.wanted(self.size.width) > self.size.height - 2 - len(self.snapshot.view.tasks)
        timeline.fold(card and not both and crowded)
        going = bool(self._rollout.plain)
        links.display = not alone and not (going and self.size.height < ROWS_FOR_BOTH)
        if not self.size.height:
            return  # not laid out yet
        # The log keeps its bar and three lines, regardless of the number of tasks.
        timeline.limit(max(self.size.height - 6 - 4 * going, LEAST_TASKS))

    def on_resize(self) -> None:
        self._arrange(card=self.query_one(CardView).display)

    def _relabel(self, label: str) -> None:
        if self.next_label != label:
            self.next_label = label
            self.post_message(self.Relabel())

    def _focus_next(self) -> None:
        for button in self.screen.query("#next"):
            button.refresh(layout=True)  # its label has changed
            offer_focus(button)

    # Actions

    @on(Button.Pressed, "#deploy-leave")
    def _leave(self) -> None:
        self.post_message(self.Leave())

    @on(Button.Pressed, "#log-larger")
    def _maximize(self) -> None:
        self._arrange(card=False)

    @on(Button.Pressed, "#log-card")
    def _back_to_card(self) -> None:
        self._arrange(card=True)
        self._card_action().focus()

    @on(Button.Pressed, "#card-log")
    def _log_instead(self) -> None:
        self._arrange(card=False)
        self.query_one(RunLog).view.focus()

    @on(Button.Pressed, "#card-edit")
    def _edit(self) -> None:
        card = self.query_one(CardView).card
        if card is not None:
            self.post_message(self.GoTo(card.step, card.key))

    def on_timeline_chosen(self, event: Timeline.Chosen) -> None:
        from tui.app.steps.deploy.task_dialog import TaskDialog

        snapshot = self.snapshot
        over = snapshot.over and self.follower is not None
        failed = snapshot.view.task(event.task).status in ("failed", "cancelled", "running") and over
        screen = TaskDialog(event.task, lambda: self.snapshot, retry=failed and not self.changed)

        def answered(answer: str | None) -> None:
            if answer == "retry":
                self.resume()

        self.app.push_screen(screen, answered)

    def actions(self) -> list[Action]:
        found = [
            Action(
                "Show the addresses of this run",
                "Portal, scoring URI and run ID, to copy.",
                self.addresses,
            ),
            Action("Save the log", "Save the filtered lines to a file in this folder.", self.save),
            Action("Copy for support", "IDs, times, versions, findings, last log lines; no secrets.", self.support),
        ]
        snapshot = self.snapshot
        if snapshot.view.rolling_out:
            found.insert(0, Action("Roll back now", "Restore the previous traffic split.", self.roll_back))
        if snapshot.interrupted or (snapshot.ended and snapshot.view.status != "succeeded"):
            found.append(Action("Resume this run", "Completed tasks are kept, the rest is done.",
                                self.resume))  # fmt: skip
            found.append(Action("Run again", "Start a new run of the current plan.", self.again))
        return found if self.follower else []

    def copied_text(self) -> str | None:
        card = self.query_one(CardView)
        if card.display and card.card:
            return redact(card.card.for_support(about(self.snapshot, self.store.run)))
        return run_texts.addresses(self.snapshot.view, self.store.run) or None
