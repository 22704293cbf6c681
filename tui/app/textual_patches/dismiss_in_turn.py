"""Dismisses a screen that is covered by another one when it is on top again.

Overrides `Screen.dismiss` of Textual 8.2.8, which calls back for the dismissed screen but removes whichever screen is
on top, so that the next dismissal fails. No upstream report is known.
"""

from __future__ import annotations

from typing import Any

from textual.await_complete import AwaitComplete


class DismissInTurn:
    """Mixin for screens that are dismissed: by late answers too, while a notice or another dialog covers them."""

    _result: tuple[Any] | None = None  # with which it was dismissed while covered

    def dismiss(self, result: Any = None) -> AwaitComplete:
        """Dismiss this screen, now or as soon as it is on top; the first result counts."""
        if self.app.screen is not self:  # type: ignore[attr-defined]
            self._result = self._result or (result,)
            return AwaitComplete()
        found: AwaitComplete = super().dismiss(*(self._result or (result,)))  # type: ignore[misc]
        return found

    def on_screen_resume(self) -> None:
        if self._result is not None:
            self.dismiss()
