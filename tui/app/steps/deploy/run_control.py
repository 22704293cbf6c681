"""The actions on a run: run again, resume, roll back, save the log, copy for support."""

from __future__ import annotations

from functools import partial

from textual import on, work
from textual.widgets import Button

from tui.app.state import start_run
from tui.app.state.background import in_background
from tui.app.state.questions import READONLY
from tui.app.state.store import Store
from tui.app.steps.deploy import run_texts
from tui.app.steps.deploy.follow_run import RunFollower, RunSnapshot
from tui.app.steps.deploy.run_files import whole_log, write_somewhere
from tui.app.steps.deploy.support_text import support_text
from tui.app.steps.deploy.timeline import Timeline
from tui.app.steps.step_pane import Pane
from tui.app.text import formatting
from tui.app.widgets.card import Card, CardView
from tui.app.widgets.log_view import LogView
from tui.app.widgets.offered_focus import offer_focus
from tui.common.redact import redact
from tui.common.typed_path import here
from tui.engine.journal.run_view import RunView


class RunPane(Pane):
    """A pane that shows a run. Each action returns at once; slow work continues in the background."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.follower: RunFollower | None = None
        self.asked_back = False  # whether this wizard has asked the engine to roll back
        self._settled = ""  # the state in which the run finished or needed attention

    @property
    def snapshot(self) -> RunSnapshot:
        """The latest state of the run."""
        return self.follower.snapshot if self.follower else RunSnapshot(RunView())

    @property
    def unwell(self) -> bool:
        """Whether the run has finished without success, or needs attention."""
        return self._settled not in ("", "succeeded")

    @property
    def card(self) -> Card | None:
        """The error card, if there is one."""
        return self.query_one(CardView).card if self._settled != "succeeded" else None

    def goes_on(self, follower: RunFollower) -> None:
        """React to a restart of the run's engine."""

    def show_rollout(self) -> None:
        """Show the state of a rollout, and whether a rollback was requested."""

    @on(Button.Pressed, "#card-again")
    @work(group="again", exclusive=True)
    async def again(self) -> None:
        """Start a new run of the current plan."""
        if self.follower is None:
            return
        self.say("▸ Starting …")
        try:
            self.store.follow(await start_run.start(self.store))
        except start_run.NotStarted as reason:
            self.say(f"✖ Not started: {reason}")
            return
        self._started()

    @on(Button.Pressed, "#card-retry")
    @work(group="again", exclusive=True)
    async def resume(self) -> None:
        """Resume this run; completed tasks are kept."""
        follower = self.follower
        if follower is None:
            return
        self.say(f"▸ Resuming in {'the rehearsal' if follower.run.rehearsed else 'Azure'}")
        try:
            await start_run.resume(self.store, follower.run)
        except start_run.SecretNeeded as needed:
            self.say("")
            self._ask_secret(needed.key)
            return
        except start_run.NotStarted as reason:
            self.say(f"✖ Not started: {reason}")
            return
        self.asked_back = False
        follower.restarted()
        self.goes_on(follower)
        self._started()

    @on(Button.Pressed, "#deploy-back")
    def roll_back(self) -> None:
        """Ask for confirmation, then let the engine restore the previous split."""
        from tui.app.steps.deploy.roll_back_dialog import RollBackDialog

        rollout = self.snapshot.view.rollout

        def decided(wanted: bool | None) -> None:
            if wanted and self.follower is not None:
                in_background(self, partial(self._ask_back, self.follower), "back")

        if self.store.readonly:
            self.say(f"! {READONLY}")
        elif rollout is not None:
            self.app.push_screen(RollBackDialog(rollout), decided)

    @on(Button.Pressed, "#log-save")
    @work(group="save", exclusive=True)
    async def save(self) -> None:
        """Save the filtered lines of the log to a file in the working directory, else in the run's folder."""
        run, log = self.store.run, self.query_one(LogView)
        if run is None:
            return
        if self.snapshot.dropped:
            count, text = await whole_log(run, log.only_task, log.only_text)
        else:
            count, text = log.shown_count, log.shown_text()
        places = [folder / f"{run.id}.log" for folder in (here(), run.folder)]
        self.say(await write_somewhere(places, redact(text), f"{formatting.count(count, 'line')} saved to"))

    @on(Button.Pressed, "#card-copy")
    @work(group="save", exclusive=True)
    async def support(self) -> None:
        """Copy the text for support, which is without secrets, and save it to the run's folder."""
        run = self.store.run
        if run is None:
            return
        text = support_text(self.card, self.snapshot, run)
        said = await write_somewhere([run.folder / "support.txt"], text, "Copied, and saved to")
        self.app.copy_to_clipboard(text)
        self.say(said)
        self.show_text("For support (already copied)", text)

    def addresses(self) -> None:
        """Show the run's addresses in a dialog."""
        self.show_text("Addresses", run_texts.addresses(self.snapshot.view, self.store.run))

    def _started(self) -> None:
        self.say("")
        offer_focus(self.query_one(Timeline))

    def _ask_secret(self, key: str) -> None:
        """Ask again for a secret that was typed when the run started, keep it in memory, and resume."""
        from tui.app.dialogs.typed_secret import SecretScreen

        def typed(secret: str | None) -> None:
            if secret:
                self.store.set(key, secret)
                self.resume()
            else:
                self.say("Not resumed: the secret is required.")

        self.app.push_screen(SecretScreen(key), typed)

    async def _ask_back(self, follower: RunFollower) -> None:
        self.say("▸ Asking the engine to roll back …")
        self.say(await start_run.roll_back(follower.run))
        self.asked_back = True
        self.show_rollout()
