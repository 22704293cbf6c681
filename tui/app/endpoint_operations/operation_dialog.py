"""What dialogs about an endpoint share: they ask for what takes Azure a while, and may be closed meanwhile."""

from __future__ import annotations

from typing import Any, ClassVar

from textual import on
from textual.screen import ScreenResultType
from textual.widgets import Button, Static

from tui.app.dialogs.base import Dialog
from tui.app.state.answers import explained
from tui.app.state.store import Store


class OperationDialog(Dialog[ScreenResultType]):
    """A dialog with a line that says what goes on, and a button that closes it."""

    said: ClassVar[str] = ""  # the selector of that line

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._working = False

    @property
    def _there(self) -> bool:
        """Whether the screen still has its widgets: answers come when it may have been closed."""
        return self.is_attached and bool(self.query(self.said))

    def _say(self, words: str) -> None:
        if self._there:
            self.query_one(self.said, Static).update(words)

    @on(Button.Pressed, "#close")
    def _pressed_close(self) -> None:
        self.close_pressed()

    def close_pressed(self) -> None:
        """The button Close, or No."""
        self.action_close()

    def show(self) -> None:
        """Show what is known now; called when work begins, and when it has failed."""

    async def _ask(self, question: str, timeout: float, **with_: Any) -> dict[str, Any] | None:
        """The helper's answer; None after it was said why there is none."""
        self._working = True
        self.show()
        answer = await self._store.answer(question, timeout=timeout, **with_)
        self._working = False
        if answer.error is None:
            return dict(answer.value or {})
        if self._there:
            self.show()
            self._say(f"✖ {explained(answer.error)}")
        return None
