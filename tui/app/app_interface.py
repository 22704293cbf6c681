"""What the screens may ask of the application; `tui.app.app`, which knows the screens, carries it out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.app import App

if TYPE_CHECKING:
    from tui.app.state.store import Store
    from tui.engine.journal.runs import Run
    from tui.plan.load_save.document import Document


class AppInterface(App[str], inherit_bindings=False):
    """The application as its screens see it."""

    environ: dict[str, str]
    rehearse: bool
    store: Store | None

    def go_home(self) -> None:
        """Show the first screen."""
        raise NotImplementedError

    def open(self, document: Document, step: str = "credentials", run: Run | None = None) -> None:
        """Walk through a plan, from a step on."""
        raise NotImplementedError

    def attach(self, run: Run) -> None:
        """Follow a run on the live screen. Raises PlanInvalid when its plan cannot be read."""
        raise NotImplementedError

    def operate(self, document: Document, rehearsed: bool = False) -> Any:
        """Troubleshoot the endpoint of a document, in the place of what is shown; returns the screen."""
        raise NotImplementedError

    def prepare_again(self) -> None:
        """Try once more to make the environment complete."""
        raise NotImplementedError

    def toggle_theme(self) -> None:
        """Dark instead of light, or the other way round."""
        raise NotImplementedError

    def finish(self, how: str) -> None:
        """Save the plan and end."""
        raise NotImplementedError
