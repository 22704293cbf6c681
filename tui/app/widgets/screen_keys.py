"""Key bindings shared by all screens, and the keys reserved for the browser around a web terminal."""

from __future__ import annotations

from textual.binding import Binding, BindingsMap

# With priority, so that the focus has moved before the next key is handled: when `Tab x` arrive together, as over a
# slow link, the x would otherwise go into the field that Tab left.
MOVING = (
    Binding("tab", "app.focus_next", "Next field", show=False, priority=True, id="focus.next",
            tooltip="The next field or button."),
    Binding("shift+tab", "app.focus_previous", "Previous field", show=False, priority=True, id="focus.previous",
            tooltip="The previous field or button."),
)  # fmt: skip
MENU = Binding("ctrl+o", "app.menu", "Menu", key_display="^o", id="menu",
               tooltip="Everything that can be done, and a search for fields, plans, runs.")  # fmt: skip

# Keys that a browser reserves, or that a web terminal passes on as something else.
RESERVED = ("ctrl+q", "ctrl+w", "ctrl+t", "ctrl+n", "ctrl+b", "ctrl+p", "ctrl+enter", "ctrl+tab")


def give_back(bindings: BindingsMap) -> None:
    """Remove these keys from a widget's bindings: Textual's own editors bind some of them."""
    for key in list(bindings.key_to_bindings):
        if key in RESERVED or key.startswith(("ctrl+shift+", "alt+")):
            del bindings.key_to_bindings[key]
