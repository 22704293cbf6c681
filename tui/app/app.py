"""The Textual application: chooses the first screen, handles quitting and the terminal's signals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shlex
import signal
from collections.abc import Awaitable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, ClassVar

from textual import events, work
from textual.binding import Binding
from textual.geometry import Size
from textual.screen import ModalScreen

from tui.app.app_interface import AppInterface
from tui.app.state.action import Action
from tui.app.state.background import in_background, in_thread
from tui.app.state.new_files import has_kept_edits, place_of_copies
from tui.app.state.recent_plans import remember
from tui.app.state.store import Adopt, Store
from tui.app.steps.typed_ahead import TypedAhead
from tui.app.textual_patches.changed_cells import ChangedCells
from tui.app.textual_patches.newest_size import BottomScreen
from tui.app.textual_patches.own_faults import OwnFaults
from tui.app.textual_patches.styled_once import StyledOnce
from tui.app.textual_patches.suspend import suspend_between_events
from tui.app.textual_patches.work_ends_first import WorkEndsFirst
from tui.app.theme import DARK, LIGHT
from tui.common.typed_path import here
from tui.plan.load_save.document import Document

if TYPE_CHECKING:
    from tui.app.app_interface import Prepare
    from tui.app.fleet.screen import FleetScreen
    from tui.app.troubleshoot.screen import TroubleshootScreen
    from tui.engine.journal.runs import Run

STARTING = "Starting the rehearsal"
TERMINAL_SECONDS = 3.0  # between two checks that the terminal still exists

STYLES = sorted(Path(__file__).with_name("styles").glob("*.tcss"))


class WizardApp(OwnFaults, WorkEndsFirst, ChangedCells, StyledOnce, AppInterface, inherit_bindings=False):
    """The wizard. Its return value is "left", "detached" or "stopping".

    `rehearse` says where plans opened at home are deployed: the mode belongs to what is open (`Store.rehearse`), and a
    run keeps its own. For a rehearsal, `prepare` takes the document and returns the complete environment (it starts
    the rehearsal) after the first frame is painted, and `adopt` returns the document as it is deployed there (with the
    rehearsal's own identity). `begin` shows a first screen other than home.
    """

    CSS_PATH: ClassVar[Any] = STYLES
    ENABLE_COMMAND_PALETTE = False
    TITLE = "aml-deploy"
    BINDINGS: ClassVar = [
        Binding("ctrl+c", "leave", "Quit", key_display="^c", show=False, id="leave",
                tooltip="Quit; a run in progress can continue without the wizard."),
    ]  # fmt: skip

    def __init__(
        self,
        document: Document | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        rehearse: bool = False,
        prepare: Prepare | None = None,
        begin: Callable[[WizardApp], None] | None = None,
        adopt: Adopt | None = None,
        light: bool = False,
        helper: Any = None,
    ) -> None:
        super().__init__()
        self.environ = dict(os.environ if environ is None else environ)
        self.rehearse = rehearse
        self.prepare = prepare
        self.adopt = adopt
        self.store: Store | None = None
        self.hung_up = False
        self._wanted: Any = None  # the screen that is to be shown next
        self._typed = TypedAhead(self, super().on_event)
        self._document = document
        self._begin_with = begin
        self._helper = helper
        self.animation_level = "none"
        self.register_theme(DARK)
        self.register_theme(LIGHT)
        # Set here, not in on_mount, so that the style sheets are parsed once rather than twice.
        name = LIGHT.name if light or _light_background(self.environ) else DARK.name
        self.set_reactive(AppInterface.theme, name)
        self.stylesheet.set_variables(self.get_css_variables())

    def get_default_screen(self) -> BottomScreen:
        return BottomScreen(id="_default")

    def on_mount(self) -> None:
        loop = asyncio.get_running_loop()
        for name in ("SIGHUP", "SIGTERM", "SIGINT"):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError, AttributeError):
                number = getattr(signal, name)
                loop.add_signal_handler(number, self._signalled, number)
        if not self.is_headless:
            suspend_between_events()
        if not self.is_headless and os.isatty(0):
            self.set_interval(TERMINAL_SECONDS, self._look_for_terminal)
        if self._begin_with is not None:
            self._begin_with(self)
        elif self._document is not None:
            self.open(self._document)
        else:
            self.go_home()
        self._typed.wait()  # keys pressed before the first screen appears are meant for it

    async def on_event(self, event: events.Event) -> None:
        """Queue each key behind those pressed before it; see `TypedAhead`."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            await self._typed.take(event)
        else:
            await super().on_event(event)

    def on_resize(self, event: events.Resize) -> None:
        self._fit(event.size)

    def _fit(self, size: Size) -> None:
        """Show a notice while the terminal is too small; it removes itself."""
        from tui.app.dialogs.too_small import TooSmallScreen, too_small

        if too_small(size) and not any(isinstance(screen, TooSmallScreen) for screen in self.screen_stack):
            self.push_screen(TooSmallScreen())

    # Faults

    def worker_failed(self, error: BaseException) -> None:
        """Show a notice, once however many workers fail meanwhile."""
        from tui.app.dialogs.text_dialog import TextScreen
        from tui.engine.journal.state_folder import state_folder

        if any(screen.id == "fault" for screen in self.screen_stack):
            return
        with contextlib.suppress(OSError):
            text = (
                f"Something failed inside aml-deploy ({type(error).__name__}), and what it was doing did not finish. "
                f"Your edits are kept, and a run in progress continues.\n\nDetails: {state_folder() / 'wizard.log'}"
            )
            notice = TextScreen("Internal error", text, export=True)
            notice.id = "fault"
            self.push_screen(notice)

    def keep_edits(self) -> str:
        """Keep unsaved edits in a plan of their own, which home lists."""
        path = self.store.keep_edits() if self.store is not None else None
        return f"Unsaved edits are kept; open them with: aml-deploy {shlex.quote(str(path))}" if path else ""

    # Which screen

    def go_home(self) -> None:
        from tui.app.home.screen import HomeScreen

        self.switch_to(HomeScreen())

    def open(
        self,
        document: Document,
        step: str = "credentials",
        run: Run | None = None,
        rehearse: bool | None = None,
    ) -> None:
        from tui.app.steps.wizard_screen import WizardScreen
        from tui.common.own_folders import state_folder

        folder, new = state_folder(self.environ), document.path is None and not document.origin.startswith("preset ")
        if document.path is not None and folder in document.path.parents:
            run_plan = folder / "runs" in document.path.parents
            document = document.rebased(here())  # nobody works in the state folder: paths that are typed start here
            if run_plan:
                document.path = None  # edits are saved to a plan of their own: the run may be resumed
        store = self._take_up(document, rehearse if run is None else run.rehearsed)
        store.run = run
        store.dirty = new  # an import is in no file yet
        screen = WizardScreen(store, step)
        self.switch_to(screen)
        self.call_after_refresh(self._begin, store)
        if has_kept_edits(store.file):
            screen.call_after_refresh(screen.set_status, "! Unsaved edits of this plan are kept: see Home.")

    def operate(self, document: Document, rehearsed: bool | None = None) -> TroubleshootScreen:
        from tui.app.troubleshoot.screen import TroubleshootScreen

        store = self._take_up(document, rehearsed)
        store.saves = False
        screen = TroubleshootScreen(store)
        self.switch_to(screen)
        self.call_after_refresh(self._begin, store)
        return screen

    def fleet(
        self,
        document: Document | None = None,
        rehearsed: bool | None = None,
        *,
        subscriptions: Sequence[str] = (),
        workspaces: Sequence[str] = (),
    ) -> FleetScreen:
        from tui.app.fleet.screen import FleetScreen

        store = self._take_up(document or Document(), rehearsed)
        store.saves = False
        screen = FleetScreen(store, subscriptions, workspaces)
        self.switch_to(screen)
        self.call_after_refresh(self._begin, store)
        return screen

    def _take_up(self, document: Document, rehearse: bool | None) -> Store:
        """Create the store for a document, and close the previous one."""
        previous = self.store
        mode = self.rehearse if rehearse is None else rehearse
        adopt = self.adopt if mode else None
        self.store = Store(document, environ=self.environ, rehearse=mode, helper=self._helper, adopt=adopt)
        self.store.readonly = self.readonly
        if mode and self.prepare is not None:
            self.store.preparing = STARTING
        if previous is not None:
            in_background(self, previous.close, "close", exclusive=False)
        return self.store

    def attach(self, run: Run) -> None:
        from tui.plan.load_save.load import load

        self.open(load(run.plan), "deploy", run)

    def switch_to(self, screen: Any) -> None:
        """Replace all screens with this one, once one that is coming is there; of several, with the last."""
        showing, self._wanted = self._wanted is not None, screen
        if showing:
            return  # one that is replaced before it is mounted fails
        while len(self.screen_stack) > 2:
            self.pop_screen()
        shown = self.switch_screen(screen) if len(self.screen_stack) == 2 else self.push_screen(screen)
        self.call_later(self._shown, screen, shown)
        self._fit(self.size)

    async def _shown(self, screen: Any, shown: Awaitable[Any]) -> None:
        """Wait until a screen is shown and those before it are gone, then show the one that was wanted meanwhile."""
        await shown
        wanted, self._wanted = self._wanted, None
        if wanted is not screen:
            self.switch_to(wanted)

    # The environment and the helper

    def prepare_again(self) -> None:
        if self.store is not None and not self.store.ready.is_set():
            self._begin(self.store)

    @work(group="prepare", exclusive=True)
    async def _begin(self, store: Store) -> None:
        """Complete the environment after the first frame, then start the helper."""
        if store.rehearse and self.prepare is not None:
            store.preparing = STARTING
            store.prepare_problem = ""
            store.announce("preparing")
            try:
                environ = await in_thread(self.prepare, store.document)
            except Exception as error:
                store.give_up(str(error) or type(error).__name__)
                return
            store.use(environ)
        else:
            store.use(self.environ)
        if store.file is not None and store.saves:
            await in_thread(remember, store.file)

    def show_calls(self) -> None:
        from tui.app.dialogs.calls import CallsDialog

        self.push_screen(CallsDialog())

    def action_menu(self) -> None:
        """Show the menu: the screen's actions and settings; and, if typed, steps, fields, plans, runs, endpoints."""
        from tui.app.search import found
        from tui.app.search.screen import SearchScreen

        screen: Any = self.screen
        if isinstance(screen, SearchScreen):
            return screen.action_close()
        if not hasattr(screen, "menu"):  # where the terminal is too small
            return
        entries: list[Action] = screen.menu()
        if isinstance(screen, ModalScreen):
            menu = SearchScreen(entries, why_not="Only this dialog is searched while it is open: Esc closes it.")
        else:
            if self.store is not None and self.store.prepare_problem and screen.name != "home":
                entries.insert(0, Action("Restart the rehearsal", "It did not start.", self.prepare_again))
            if screen.name != "wizard":
                entries += found.steps_and_fields(partial(found.explain, self))
            entries += found.settings(self, screen.name or "")
            menu = SearchScreen(entries, partial(found.plans_and_runs, self))
        self.push_screen(menu, partial(self._chosen, screen))

    def _chosen(self, screen: Any, action: Action | None) -> None:
        if action is not None:
            getattr(screen, "perform", lambda chosen: screen.call_later(chosen.run))(action)

    def toggle_theme(self) -> None:
        self.theme = DARK.name if self.theme == LIGHT.name else LIGHT.name

    # Quitting

    def action_leave(self) -> None:
        """Ask how to quit; when pressed a second time, quit."""
        from tui.app.dialogs.quit import QuitScreen

        if any(isinstance(screen, QuitScreen) for screen in self.screen_stack):  # under the notice of a small terminal
            self.finish("detached" if self.under_way() else "left")
        else:
            self.push_screen(QuitScreen(self.under_way(), self._what_stays(), self.readonly), self._leave_as)

    def _leave_as(self, answer: str | None) -> None:
        if answer == "stop":
            from tui.app.dialogs.text_dialog import TextScreen
            from tui.engine.start_stop import stop

            try:
                if self.store is not None and self.store.run is not None:
                    stop(self.store.run, clean_up=True)
            except OSError as error:
                text = f"Its folder cannot be written: {error.strerror or error}. The run continues."
                self.push_screen(TextScreen("The run cannot be stopped", text))
            else:
                self.finish("stopping")
        elif answer is not None:
            self.finish("detached" if self.under_way() else "left")

    def _what_stays(self) -> str:
        if self.store is None:
            return "Nothing is running."
        if self.store.dirty and not self.store.save_problem:
            where = f" to {self.store.file}" if self.store.file is not None else ""
            if not where and self.store.is_preset:
                with contextlib.suppress(OSError):
                    where = f" as a copy in {place_of_copies()}"
            return f"Nothing is running. Quit saves the plan{where}."
        return f"Nothing is running. {self.plan_kept()}".rstrip()

    def plan_kept(self) -> str:
        """Where the plan is saved, as a sentence to print on exit; empty without a plan."""
        if self.store is None or not self.store.saves:
            return ""
        if self.store.save_problem:
            with contextlib.suppress(OSError):
                return f"{self.store.save_problem} {self.keep_edits()}".rstrip()
            return self.store.save_problem
        if self.store.file is None:
            return f"The plan is {'the unchanged preset' if self.store.is_preset else 'that of the run, unchanged'}."
        return f"The plan is saved to {self.store.file}."

    def under_way(self) -> bool:
        """Whether the run that this wizard follows is still in progress."""
        run = self.store.run if self.store else None
        return run is not None and run.alive and not run.journal.finished()

    def finish(self, how: str) -> None:
        if self.store is not None:
            self.store.save()
        self.exit(how)

    def _signalled(self, number: int) -> None:
        self.hung_up = number == signal.SIGHUP
        self.finish("detached" if self.under_way() else "left")

    def terminal_lost(self) -> None:
        """Quit as after SIGHUP."""
        self._signalled(signal.SIGHUP)

    def _look_for_terminal(self) -> None:
        """Quit when the terminal has disappeared: without a controlling terminal, nothing sends SIGHUP."""
        if not os.isatty(0):
            self.terminal_lost()

    async def on_unmount(self) -> None:
        if self.store is not None:
            await self.store.close()


def _light_background(environ: Mapping[str, str]) -> bool:
    """Whether COLORFGBG (set by rxvt, Konsole and others) reports a light background."""
    background = environ.get("COLORFGBG", "").rpartition(";")[2]
    return background in ("7", "15")
