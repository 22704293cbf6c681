"""What the ctrl+o menu lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Callable


@dataclass(frozen=True)
class Action:
    """An entry of the ctrl+o menu: a label, a description, and the function to call.

    It is also found by `words`, of which the first is its name, as a field's key. If it is not `listed`, the menu shows
    it only when something is typed.
    """

    label: str
    help: str
    run: Callable[[], object]
    words: str = ""
    listed: bool = True
