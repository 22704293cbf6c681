"""What somebody can do about a run: run again, go on with it, take its rollout back, take its papers away."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any, Protocol

from tui.app.state import start_run
from tui.app.steps.deploy import run_texts
from tui.app.steps.deploy.run_files import for_support, save_log

if TYPE_CHECKING:
    from textual.app import App

    from tui.app.state.store import Store
    from tui.app.steps.deploy.follow_run import RunFollower, RunSnapshot
    from tui.app.widgets.card import Card
    from tui.app.widgets.log_view import LogView


class RunPane(Protocol):
    """The pane that shows the run, as far as the actions need it."""

    store: Store
    follower: RunFollower | None

    @property
    def app(self) -> App[Any]: ...
    @property
    def snapshot(self) -> RunSnapshot: ...
    @property
    def log_view(self) -> LogView: ...
    @property
    def card(self) -> Card | None: ...
    def run_worker(self, work: Coroutine[Any, Any, None], *, group: str, exclusive: bool) -> object: ...
    def say(self, words: str) -> None: ...
    def focus_tasks(self) -> None: ...
    def goes_on(self, follower: RunFollower) -> None: ...
    def show_rollout(self) -> None: ...


class RunControl:
    """The actions of the Deploy step. Each returns at once; what takes time goes on in the background."""

    def __init__(self, pane: RunPane) -> None:
        self._pane = pane
        self.asked_back = False  # whether this wizard has asked the engine to take the rollout back

    def again(self) -> None:
        """Start a new run of the plan as it is now."""
        self._pane.run_worker(self._again(), group="again", exclusive=True)

    def retry(self) -> None:
        """Go on with this run; what has succeeded is kept."""
        if self._pane.follower is not None:
            self._pane.run_worker(self._retry(self._pane.follower), group="again", exclusive=True)

    def roll_back(self) -> None:
        """Ask once more, then let the engine bring back the split of before."""
        from tui.app.steps.deploy.roll_back_dialog import RollBackDialog

        pane, rollout = self._pane, self._pane.snapshot.view.rollout

        def decided(wanted: bool | None) -> None:
            if wanted and pane.follower is not None:
                pane.run_worker(self._ask_back(pane.follower), group="back", exclusive=True)

        if rollout is not None:
            pane.app.push_screen(RollBackDialog(rollout), decided)

    def save(self) -> None:
        """Write the lines of the log that are shown."""
        self._pane.run_worker(self._save(), group="save", exclusive=True)

    def support(self) -> None:
        """Copy what support needs."""
        self._pane.run_worker(self._support(), group="save", exclusive=True)

    def addresses(self) -> None:
        """Show the run's addresses, to read and take away."""
        text = run_texts.addresses(self._pane.snapshot.view, self._pane.store.run)
        self._show("Addresses", text)

    def _show(self, title: str, text: str) -> None:
        from tui.app.dialogs.text_dialog import TextScreen

        self._pane.app.push_screen(TextScreen(title, text, export=True, wide=True))

    async def _again(self) -> None:
        pane = self._pane
        if pane.follower is None:
            return
        pane.say("▸ Starting")
        try:
            pane.store.follow(await start_run.start(pane.store))
        except start_run.NotStarted as reason:
            pane.say(f"✖ Not started: {reason}")
            return
        pane.say("")
        pane.focus_tasks()

    async def _retry(self, follower: RunFollower) -> None:
        pane = self._pane
        pane.say("▸ Going on")
        try:
            await start_run.resume(pane.store, follower.run)
        except start_run.SecretNeeded as needed:
            pane.say("")
            self._ask_secret(needed.key)
            return
        except start_run.NotStarted as reason:
            pane.say(f"✖ Not started: {reason}")
            return
        self.asked_back = False
        follower.restarted()
        pane.goes_on(follower)
        pane.say("")
        pane.focus_tasks()

    def _ask_secret(self, key: str) -> None:
        """A secret that was typed when the run began: ask for it, keep it in memory, and go on."""
        from tui.app.dialogs.typed_secret import SecretScreen

        pane = self._pane

        def typed(secret: str | None) -> None:
            if secret:
                pane.store.set(key, secret)
                self.retry()
            else:
                pane.say("Nothing was started: the secret is needed to go on.")

        pane.app.push_screen(SecretScreen(key), typed)

    async def _ask_back(self, follower: RunFollower) -> None:
        self._pane.say(await start_run.roll_back(follower.run))
        self.asked_back = True
        self._pane.show_rollout()

    async def _save(self) -> None:
        pane = self._pane
        if pane.store.run is not None:
            pane.say(await save_log(pane.store, pane.store.run, pane.snapshot, pane.log_view))

    async def _support(self) -> None:
        pane = self._pane
        if pane.store.run is None:
            return
        text, said = await for_support(pane.store, pane.store.run, pane.snapshot, pane.card)
        pane.app.copy_to_clipboard(text)
        pane.say(said)
        self._show("For support (already copied)", text)
