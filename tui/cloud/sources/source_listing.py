"""The listing of a model source, in one form for all kinds of sources."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Callable


@dataclass(frozen=True)
class Item:
    """A file of a source: its path below the model's folder with `/`, bytes, and a mark that changes with it."""

    name: str
    size: int
    mark: str = ""


@dataclass(frozen=True)
class Listing:
    """The files of a source; `leaf` is the name of the model's folder (or file), `exact` the source without aliases.

    `fetch(item, target, progress)` writes one file, and continues an earlier attempt if possible; `progress` receives
    the bytes of that file. `in_place` is the path at which the workspace itself can read it.
    """

    exact: str
    leaf: str
    items: tuple[Item, ...]
    fetch: Callable[[Item, Path, Callable[[int], None]], None]
    in_place: str | None = None

    @property
    def total(self) -> int:
        """The total size in bytes."""
        return sum(item.size for item in self.items)

    @property
    def content(self) -> str:
        """64 hexadecimal digits that change with the source's files, without reading any file."""
        told = [self.leaf, *([item.name, item.size, item.mark] for item in self.items)]
        marked = self.exact if not all(item.mark for item in self.items) else ""
        return hashlib.sha256(json.dumps([marked, told]).encode()).hexdigest()
