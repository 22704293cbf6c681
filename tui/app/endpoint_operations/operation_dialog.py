"""The base of dialogs for endpoint operations, which take a while in Azure and may be closed meanwhile."""

from __future__ import annotations

from typing import Any, ClassVar

from textual.screen import ScreenResultType

from tui.app.dialogs.base import Dialog
from tui.app.state.answers import explained
from tui.app.state.store import Store
from tui.plan.wait_limit import wait_limit


class OperationDialog(Dialog[ScreenResultType]):
    """A dialog with a status line, `#said`."""

    limit: ClassVar[str] = "endpoint"  # the key of the plan's `limits:` that bounds its operations

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._working = False

    @property
    def _there(self) -> bool:
        """Whether the dialog is still open: answers may arrive after it was closed."""
        return self.is_attached and bool(self.query("#said"))

    def show(self) -> None:
        """Show the current state; called when an operation starts and when it has failed."""

    async def _ask(self, question: str, timeout: float, **with_: Any) -> dict[str, Any] | None:
        """Query the helper for at most `timeout` seconds, or the plan's limit; on an error show it and return None."""
        self._working = True
        self.show()
        try:
            limit = wait_limit(self._store.document, self.limit, timeout)
            answer = await self._store.answer(question, timeout=limit, **with_)
        finally:
            self._working = False
        if answer.error is None:
            return dict(answer.value or {})
        if self._there:
            self.show()
            self.say(f"✖ {explained(answer.error)}")
        return None
