"""Keys of a text field in the order in which they were pressed."""

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
