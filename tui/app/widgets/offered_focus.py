"""Moves the focus because of an answer, which comes while the user does something else."""

from __future__ import annotations

from textual.widget import Widget

from tui.app.textual_patches.key_order import OwnKeys


def is_typing(widget: Widget) -> bool:
    """Whether the user is in a text field of this widget's screen, so that it must neither lose the focus nor go."""
    return isinstance(widget.screen.focused, OwnKeys)


def offer_focus(widget: Widget) -> None:
    """Focus a widget, unless the user is typing. What happens without a key moves the focus with this, if at all."""
    if not is_typing(widget):
        widget.focus()
