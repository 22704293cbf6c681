"""The part of the application that screens may call; `tui.app.app`, which imports the screens, implements it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Callable, Optional

from textual.app import App

if TYPE_CHECKING:
    from tui.app.state.store import Adopt, Store
    from tui.engine.journal.runs import Run
    from tui.plan.load_save.document import Document

    Prepare = Callable[[Optional[Document]], Mapping[str, str]]


class AppInterface(App[str], inherit_bindings=False):
    """The application as seen by its screens."""

    environ: dict[str, str]
    rehearse: bool
    readonly: bool = False
    """Whether what would change something is refused, by --readonly."""
    store: Store | None
    picked_in: str = ""
    """The folder of the last file or folder that was selected in a picker."""
    prepare: Prepare | None
    adopt: Adopt | None

    def go_home(self) -> None:
        """Show the home screen."""
        raise NotImplementedError

    def open(
        self,
        document: Document,
        step: str = "credentials",
        run: Run | None = None,
        rehearse: bool | None = None,
    ) -> None:
        """Open a plan in the wizard, at a step, in the mode of the run, else in the given one, else in home's."""
        raise NotImplementedError

    def attach(self, run: Run) -> None:
        """Follow a run on the live screen. Raises PlanInvalid when its plan cannot be read."""
        raise NotImplementedError

    def operate(self, document: Document, rehearsed: bool | None = None) -> Any:
        """Open the troubleshoot screen for a document's endpoint, replacing the current one; returns the screen."""
        raise NotImplementedError

    def fleet(
        self,
        document: Document | None = None,
        rehearsed: bool | None = None,
        *,
        subscriptions: Sequence[str] = (),
        workspaces: Sequence[str] = (),
    ) -> Any:
        """Show all endpoints that the document's credential (default: the machine's) may see; returns the screen.

        `subscriptions` (ids or names) and `workspaces` (names or ids) restrict it.
        """
        raise NotImplementedError

    def prepare_again(self) -> None:
        """Try again to complete the environment (start the rehearsal)."""
        raise NotImplementedError

    def show_calls(self) -> None:
        """Show the calls to Azure, each as a command."""
        raise NotImplementedError

    def action_menu(self) -> None:
        """Show the menu of the current screen, which has a method `menu() -> list[Action]`."""
        raise NotImplementedError

    def draw_again(self) -> None:
        """Set up the terminal again, and write the whole screen."""
        raise NotImplementedError

    def toggle_theme(self) -> None:
        """Switch between the dark and the light theme."""
        raise NotImplementedError

    def finish(self, how: str) -> None:
        """Save the plan and exit with this return value."""
        raise NotImplementedError
