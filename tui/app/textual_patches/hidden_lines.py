"""Releases what hidden widgets have rendered.

Uses private attributes of Textual 8.2.8, because of an observed behaviour: hidden widgets keep their rendered lines, a
kilobyte each with their caches: 1.6 MB once seven steps have been shown. No upstream report is known.
"""

from __future__ import annotations

from textual.geometry import NULL_SIZE
from textual.widget import Widget, _RenderCache


def hide(hidden: Widget) -> None:
    """Hide a widget, and forget the rendered lines of all inside: they are rendered again when it is shown."""
    hidden.display = False
    for widget in hidden.walk_children(Widget):
        widget._render_cache = _RenderCache(NULL_SIZE, [])
        widget._set_dirty()
