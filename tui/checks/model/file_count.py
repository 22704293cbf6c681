"""Count a model's files and bytes as they would be uploaded, with intermediate figures."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable

if TYPE_CHECKING:
    from tui.cloud.storage.folder_files import LocalFile

_NAMED = 8  # excluded files, by name
_KEPT = 4  # counts that are cached or in progress
_FRESH = 60.0  # seconds for which a finished count is valid


@dataclass
class Figures:
    """The count so far. `files` and `bytes` are those to upload; files excluded by the ignore file are counted
    separately. `refused` are reasons why files cannot be uploaded. `complete` is true once everything has been counted.
    """

    files: int = 0
    bytes: int = 0
    complete: bool = False
    ignore_file: str | None = None
    left_out: int = 0
    left_out_bytes: int = 0
    left_out_names: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """The figures as JSON data; what is refused is a finding."""
        return {name: value for name, value in asdict(self).items() if name != "refused"}


def count(root: Path, figures: Figures, stop: Callable[[], bool] = lambda: False) -> Figures:
    """Count the files below a folder, or the file itself, into `figures`; ends early, incomplete, if `stop` returns
    true. Never raises. What is counted is what is uploaded.
    """
    from tui.cloud.storage import folder_files

    def unreadable(error: OSError) -> None:
        figures.unreadable.append(f"{folder_files.printable(error.filename or root)}: {error.strerror or error}")

    excluded = _rules(root, figures)
    try:
        for file in folder_files.entries(root, unreadable):
            if stop():
                return figures
            _add(figures, file, excluded)
    except OSError as error:
        unreadable(error)
    figures.complete = True
    return figures


def _add(figures: Figures, file: LocalFile, excluded: Callable[[str], bool] | None) -> None:
    if excluded is not None and excluded(file.name):
        figures.left_out += 1
        figures.left_out_bytes += file.size
        if len(figures.left_out_names) < _NAMED:
            figures.left_out_names.append(file.name)
    elif file.refused:
        figures.refused.append(file.refused)
    else:
        figures.files += 1
        figures.bytes += file.size


def _rules(root: Path, figures: Figures) -> Callable[[str], bool] | None:
    from tui.cloud.storage import ignore_file

    try:
        figures.ignore_file = ignore_file.ignore_file(root)
        return ignore_file.ignored_files(root) if figures.ignore_file else None
    except (OSError, ValueError) as error:
        figures.unreadable.append(f"{figures.ignore_file or root}: {error}")
        return None


class Counting:
    """A count that runs in its own thread until it is finished or stopped."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.figures = Figures()
        self.began = time.monotonic()
        self._ended = threading.Event()
        self._stopped = False
        threading.Thread(target=self._run, name="counting", daemon=True).start()

    def _run(self) -> None:
        try:
            if self.root.exists():
                count(self.root, self.figures, lambda: self._stopped)
        except OSError as error:
            self.figures.unreadable.append(f"{self.root}: {error.strerror or error}")
        finally:
            self._ended.set()

    @property
    def ended(self) -> bool:
        """Whether the count has finished or failed."""
        return self._ended.is_set()

    def wait(self, seconds: float) -> None:
        """Wait until it ends, at most `seconds`."""
        self._ended.wait(seconds)

    def stop(self) -> None:
        """Stop at the next file; a file system that does not respond blocks only this thread."""
        self._stopped = True


_lock = threading.Lock()
_counts: OrderedDict[str, Counting] = OrderedDict()


def running(root: Path, wait: float = 0.3, fresh: bool = False) -> dict[str, Any]:
    """The figures of a count, which starts on first use, after waiting at most `wait` seconds.

    `fresh` restarts the count. Besides the figures: `seconds` since the start, and `ended`. Only a few counts run at a
    time; a new one stops the oldest.
    """
    key = str(root)
    with _lock:
        known = _counts.get(key)
        old = known is not None and known.ended and time.monotonic() - known.began > _FRESH
        if known is None or fresh or old:
            if known is not None:
                known.stop()
            known = _counts[key] = Counting(root)
        _counts.move_to_end(key)
        while len(_counts) > _KEPT:
            _counts.popitem(last=False)[1].stop()
    known.wait(wait)
    return {**known.figures.as_dict(), "seconds": time.monotonic() - known.began, "ended": known.ended}


def stop_all() -> None:
    """Stop every count and discard the results."""
    with _lock:
        for known in _counts.values():
            known.stop()
        _counts.clear()
