"""Shows a text outside the alternate screen, where the terminal's own selection and scrolling work."""

from __future__ import annotations

import sys
from typing import Any

from textual.app import App, SuspendNotSupported

from tui.common.terminal_text import without_controls


def show_plainly(app: App[Any], text: str) -> bool:
    """Leave the alternate screen, print the text, wait for Enter, return. False if the terminal does not allow it."""
    shown = without_controls(text)
    try:
        with app.suspend():
            terminal = sys.__stderr__
            if terminal is None:
                return False
            print(
                f"\n{shown}\n\nPress Enter to return to the wizard. ",
                end="",
                file=terminal,
                flush=True,
            )
            with open("/dev/tty", encoding="utf-8") as keys:  # noqa: PTH123
                keys.readline()
    except (SuspendNotSupported, OSError):
        return False
    return True
