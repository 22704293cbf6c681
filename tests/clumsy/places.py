"""Every screen, dialog and step that the wizard has, by importing all its modules: none can be forgotten here."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from textual.app import App
from textual.screen import Screen

import tui.app
from tui.app.steps.step_pane import Pane


def places() -> list[str]:
    """The names of all classes that are shown as a screen, a dialog or a step; bases of others are no places."""
    for module in pkgutil.walk_packages(tui.app.__path__, "tui.app."):
        importlib.import_module(module.name)
    return sorted(
        {one.__name__ for base in (Screen, Pane) for one in _below(base) if not _is_base(one)} - {"BottomScreen"}
    )


def _below(base: type) -> list[type]:
    own = [one for one in base.__subclasses__() if one.__module__.startswith(("tui.", "textual."))]
    found = [one for one in own if one.__module__.startswith("tui.app")]
    return found + [deeper for one in own for deeper in _below(one)]


def _is_base(kind: type) -> bool:
    """Whether it is only derived from: it has subclasses in the program and composes nothing itself."""
    derived = any(one.__module__.startswith("tui.app") for one in kind.__subclasses__())
    return (derived and "compose" not in kind.__dict__) or kind.__name__ == "FormPane"


def shown(app: App[Any]) -> list[str]:
    """The names of the classes that are displayed now: the screens, and the steps on them."""
    found = []
    for screen in app.screen_stack:
        found.append(type(screen).__name__)
        found += [type(pane).__name__ for pane in screen.query(Pane) if pane.display]
    return found
