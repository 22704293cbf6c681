"""Names of keys as people write them -> what the browser's debugging protocol takes."""

from __future__ import annotations

import re
from typing import Any

# The US keyboard. Numbers are Windows key codes, which is what the protocol takes.
NAMED = {
    "Enter": 13,
    "Tab": 9,
    "Escape": 27,
    "Backspace": 8,
    "Delete": 46,
    "Insert": 45,
    "Home": 36,
    "End": 35,
    "PageUp": 33,
    "PageDown": 34,
    "ArrowLeft": 37,
    "ArrowUp": 38,
    "ArrowRight": 39,
    "ArrowDown": 40,
}
NAMED |= {f"F{n}": 111 + n for n in range(1, 13)}
MODIFIERS = {"Alt": (1, 18), "Control": (2, 17), "Meta": (4, 91), "Shift": (8, 16)}  # the first: its bit
ALIASES = {name.lower(): name for name in [*NAMED, *MODIFIERS]} | {
    "ctrl": "Control",
    "esc": "Escape",
    "space": " ",
    "left": "ArrowLeft",
    "up": "ArrowUp",
    "right": "ArrowRight",
    "down": "ArrowDown",
}
PUNCTUATION = {
    " ": ("Space", 32),
    "`": ("Backquote", 192),
    "-": ("Minus", 189),
    "=": ("Equal", 187),
    "[": ("BracketLeft", 219),
    "]": ("BracketRight", 221),
    "\\": ("Backslash", 220),
    ";": ("Semicolon", 186),
    "'": ("Quote", 222),
    ",": ("Comma", 188),
    ".": ("Period", 190),
    "/": ("Slash", 191),
}
SHIFTED = dict(zip('~!@#$%^&*()_+{}|:"<>?', "`1234567890-=[]\\;',./"))
# What Chromium with a window keeps from the page (tried with real X11 key presses); a headless one would pass it on.
RESERVED = {
    "Control+KeyN",
    "Control+KeyT",
    "Control+KeyW",
    "Control+Tab",
    "Control+PageUp",
    "Control+PageDown",
    "Alt+F4",
    "Control+Shift+KeyN",
    "Control+Shift+KeyT",
    "Control+Shift+KeyW",
    "Control+Shift+KeyO",
    "Control+Shift+KeyP",
    "Control+Shift+Tab",
}


class Mistake(Exception):
    """The test asks for something that cannot be: a key that is not there, or that a browser keeps to itself."""


def read_key(name: str) -> tuple[list[str], dict[str, Any]]:
    """ "Control+o" -> (["Control"], the fields that the DevTools protocol has for the o)."""
    *modifiers, key = re.split(r"(?<=.)\+(?=.)", name)
    modifiers = [ALIASES.get(modifier.lower()) for modifier in modifiers]
    key = ALIASES.get(key.lower(), key)
    if key in NAMED:
        code, number, text = key, NAMED[key], "\r" if key == "Enter" else ""
    elif len(key) == 1 and " " <= key <= "~":
        if key in SHIFTED or (key.isupper() and not modifiers):
            modifiers = [*dict.fromkeys([*modifiers, "Shift"])]
        plain = SHIFTED.get(key, key.lower())
        key = text = {v: k for k, v in SHIFTED.items()}.get(plain, plain.upper()) if "Shift" in modifiers else plain
        code, number = PUNCTUATION.get(plain) or (
            ("Digit" if plain.isdigit() else "Key") + plain.upper(),
            ord(plain.upper()),
        )
    else:
        modifiers = [None]
    if not set(modifiers) <= set(MODIFIERS):
        raise Mistake(f"no such key: {name}")
    fields = {"key": key, "code": code, "windowsVirtualKeyCode": number}
    if text and set(modifiers) <= {"Shift"}:
        fields["text"] = text
    return modifiers, fields
