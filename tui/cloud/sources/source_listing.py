"""What a source of models holds, in the same form for all kinds of them."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable


@dataclass(frozen=True)
class Item:
    """A file of a source: its name below the model's folder with `/`, bytes, and a mark that changes with it."""

    name: str
    size: int
    mark: str = ""


@dataclass(frozen=True)
class Listing:
    """What a source holds; `leaf` is the name of the model's folder (or file), `exact` the source without aliases.

    `fetch(item, target, progress)` writes one file, from where an earlier attempt has ended where that can be;
    `progress` gets the bytes of that file. `in_place` is the path under which the workspace itself can read it.
    """

    exact: str
    leaf: str
    items: tuple[Item, ...]
    fetch: Callable[[Item, Path, Callable[[int], None]], None]
    in_place: str | None = None

    @property
    def total(self) -> int:
        """Bytes in all."""
        return sum(item.size for item in self.items)

    @property
    def content(self) -> str:
        """64 hexadecimal digits that change when the source's files do; no file has to be read for them."""
        told = [self.leaf, *([item.name, item.size, item.mark] for item in self.items)]
        marked = self.exact if not all(item.mark for item in self.items) else ""
        return hashlib.sha256(json.dumps([marked, told]).encode()).hexdigest()
