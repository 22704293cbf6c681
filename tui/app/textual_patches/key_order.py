"""Keys of a text field in the order in which they were pressed.

Overrides `Input._on_key` and `TextArea._on_key` of Textual 8.2.8: https://github.com/Textualize/textual/issues/6605
(open; a fix is proposed there as pull request 6631). Needless once the keys that a field binds no longer climb to the
application.
"""

from __future__ import annotations

from textual import events


class OwnKeys:
    """Carries a field's own keys out at once; for classes that take letters and pastes themselves.

    Textual lets bound keys climb to the application first, while letters and pastes are taken right in the field: of
    `a b backspace c` that come in one piece, as over a slow link, the field would make `ab` instead of `ac`.
    """

    async def _on_key(self, event: events.Key) -> None:
        bound = None if event.is_printable else self._bindings.key_to_bindings.get(event.key)  # type: ignore[attr-defined]
        if bound:
            event.stop()
            event.prevent_default()  # the class below is not asked any more
            await self.run_action(bound[0].action)  # type: ignore[attr-defined]
