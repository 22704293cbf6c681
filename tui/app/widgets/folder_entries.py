"""The entries of one folder, read in a thread that may hang, taken by the screen when it has time. No screens here."""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

MOST = 2000  # entries of one folder that are offered; whoever has more types the name


@dataclass(frozen=True)
class Entry:
    """A file or folder: its name, its path, whether it is a folder; `size` in bytes where it is known."""

    name: str
    path: str
    folder: bool
    size: int | None = None

    @property
    def order(self) -> tuple[bool, str, str]:
        """Folders first, by name, whatever the letters' case."""
        return (not self.folder, self.name.casefold(), self.name)

    @property
    def writable_name(self) -> bool:
        """Whether the name is text that a plan can hold."""
        return not any("\ud800" <= letter <= "\udfff" for letter in self.path)  # what stands for bytes that are no text


Lister = Callable[[str], Iterator[Entry]]


def scan(folder: str) -> Iterator[Entry]:
    """The entries of a folder, one at a time, as the file system gives them. Raises OSError.

    Whether something is a folder comes with the name on most file systems, and costs a look of its own on others;
    sizes always do, so they are looked at last, by `look`.
    """
    with os.scandir(folder) as entries:
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError:
                is_folder = False
            yield Entry(entry.name, entry.path, is_folder)


def look(entry: Entry) -> Entry:
    """The entry of a file with its size; as it was where that cannot be read."""
    if entry.folder:
        return entry
    try:
        return Entry(entry.name, entry.path, False, Path(entry.path).stat().st_size)
    except OSError:
        return entry


class Listing:
    """Reads a folder in a daemon thread. `take` gives what has come since; nothing here ever waits."""

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
        """What has come since the last time; an entry comes a second time when its size is known."""
        return [self._fresh.popleft() for _ in range(min(most, len(self._fresh)))]

    @property
    def finished(self) -> bool:
        """Whether everything has come and been taken."""
        return self.ended and not self._fresh

    @property
    def seconds(self) -> float:
        """How long it has gone on."""
        return time.monotonic() - self.began

    def cancel(self) -> None:
        """Drop what comes from now on. A file system that does not answer holds the thread, and nothing else."""
        self._cancelled = True
        self._fresh.clear()
