"""Handles a text field's keys in the order in which they were pressed.

Overrides `Input._on_key` and `TextArea._on_key` of Textual 8.2.8: https://github.com/Textualize/textual/issues/6605
(open; pull request 6631 proposes a fix). Not needed once a field's bound keys no longer bubble up to the application.
"""

from __future__ import annotations

from textual import events


class OwnKeys:
    """Mixin for text fields: runs a field's own key bindings immediately.

    Textual sends bound keys up to the application first, while letters and pastes are handled in the field at once:
    when `a b backspace c` arrive together, as over a slow link, the field would show `ab` instead of `ac`.
    """

    async def _on_key(self, event: events.Key) -> None:
        bound = None if event.is_printable else self._bindings.key_to_bindings.get(event.key)  # type: ignore[attr-defined]
        if bound:
            event.stop()
            event.prevent_default()  # the base class must not handle it too
            await self.run_action(bound[0].action)  # type: ignore[attr-defined]

    def edits(self, key: str) -> bool:
        """Whether a key deletes or moves the caret here: like a letter, it has no effect elsewhere."""
        bound = self._bindings.key_to_bindings.get(key)  # type: ignore[attr-defined]
        return bool(bound) and bound[0].action.startswith(("cursor_", "delete_", "home", "end"))
