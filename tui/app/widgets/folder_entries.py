"""Reads the entries of a folder in a thread that may hang; the screen collects them. Contains no screens."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

MOST = 2000  # entries shown per folder; for others the name must be typed


@dataclass(frozen=True)
class Entry:
    """A file or folder: its name, its path, whether it is a folder; `size` in bytes if known."""

    name: str
    path: str
    folder: bool
    size: int | None = None

    @property
    def order(self) -> tuple[bool, str, str]:
        """The sort key: folders first, then by name, ignoring case."""
        return (not self.folder, self.name.casefold(), self.name)

    @property
    def writable_name(self) -> bool:
        """Whether the name is text that a plan can contain."""
        return not any("\ud800" <= letter <= "\udfff" for letter in self.path)  # stand-ins for undecodable bytes


Lister = Callable[[str], Iterator[Entry]]


def scan(folder: str) -> Iterator[Entry]:
    """Yield the entries of a folder, in the file system's order. Raises OSError.

    Most file systems return with the name whether it is a folder; others need a separate call. Sizes always do, so
    `look` reads them last.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError:
                is_folder = False
            yield Entry(entry.name, entry.path, is_folder)


def look(entry: Entry) -> Entry:
    """Return a file's entry with its size, or unchanged if the size cannot be read."""
    if entry.folder:
        return entry
    try:
        return Entry(entry.name, entry.path, False, Path(entry.path).stat().st_size)
    except OSError:
        return entry


class Listing:
    """Reads a folder in a daemon thread. `take` returns the new entries; no method blocks."""

    def __init__(self, folder: str, lister: Lister = scan, measure: Callable[[Entry], Entry] = look) -> None:
        self.folder = folder
        self.began = time.monotonic()
        self.found = 0
        self.problem = ""
        self.named = False  # every name is known
        self.ended = False
        self.more = False
        self._lister, self._measure = lister, measure
        self._cancelled = False
        self._fresh: deque[Entry] = deque()
        threading.Thread(target=self._run, name="listing", daemon=True).start()

    def _run(self) -> None:
        seen: list[Entry] = []
        try:
            for entry in self._lister(self.folder):
                if self._cancelled:
                    return
                if self.found >= MOST:
                    self.more = True
                    break
                self._fresh.append(entry)
                seen.append(entry)
                self.found += 1
            self.named = True
            for entry in seen:
                if self._cancelled:
                    return
                measured = self._measure(entry)
                if measured.size is not None:
                    self._fresh.append(measured)
        except OSError as error:
            self.problem = error.strerror or str(error)
        finally:
            self.ended = True

    def take(self, most: int = 200) -> list[Entry]:
        """Return at most `most` new entries; an entry is returned a second time when its size is known."""
        return [self._fresh.popleft() for _ in range(min(most, len(self._fresh)))]

    @property
    def finished(self) -> bool:
        """Whether everything has been read and taken."""
        return self.ended and not self._fresh

    @property
    def seconds(self) -> float:
        """The time since reading started."""
        return time.monotonic() - self.began

    def cancel(self) -> None:
        """Discard further entries. A file system that does not respond blocks only the thread."""
        self._cancelled = True
        self._fresh.clear()
