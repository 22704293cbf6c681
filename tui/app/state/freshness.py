"""How old the helper's answers are, and whether the plan's files or Azure have changed since."""

from __future__ import annotations

import contextlib
import os
import stat
import time
import zlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tui.app.state.background import in_thread
from tui.app.state.store_interface import StoreInterface
from tui.common.typed_path import typed_path
from tui.plan.fields.all_fields import FIELDS
from tui.plan.fields.sources import mounted
from tui.plan.load_save.document import Document, is_local_path
from tui.plan.load_save.references import Unresolved, expand

CHANGED_BY_RUNS = ("endpoint", "sizes", "changes", "check", "deployments", "registered_models", "model_versions",
                   "environments", "step:")  # fmt: skip
"""What the questions begin with whose answers a run, or another operation, changes."""
FROM_FILES = ("inspect_model", "measured", "changes", "check", "step:model")
OLD = 300.0  # seconds after which an answer is read again when its step is shown

PATHS = tuple(field.key for field in FIELDS if field.kind == "path")
MOST = 2000  # entries of a folder that are compared; the first ones, in the order of their names
SECONDS = 2.0  # a folder that takes longer is on a slow mount, and is not compared
PASSED_OVER = {"__pycache__", ".git"}  # written by reading the code, and never part of a model


class Freshness:
    """Discards the store's answers when they are too old, or when what they are about has changed."""

    def __init__(self, store: StoreInterface) -> None:
        self._store = store
        self._read: dict[str, float] = {}  # when each answer came, in seconds since the epoch: sleep counts
        self._stamps: dict[str, str] = {}  # of the plan's files
        self._looking = False
        self._files = self._azure = 0  # how often they were seen to change

    def read(self, question: str) -> None:
        """Note that an answer has come."""
        self._read[question] = time.time()

    def times_changed(self, question: str) -> tuple[int, int]:
        """Return how often the plan's files and Azure have changed, for a question about them."""
        return self._files * (question in FROM_FILES), self._azure * question.startswith(CHANGED_BY_RUNS)

    def azure_changed(self) -> None:
        """Discard the answers that a run, or another operation, has changed."""
        self._store.states.forget()
        self._azure += 1
        self._discard([question for question in self._store.facts if question.startswith(CHANGED_BY_RUNS)], "azure")
        self._store.states.update()

    def discard_old(self, questions: Iterable[str], step: str = "") -> None:
        """Discard those of a step's answers that are old, so that they are read again."""
        before = time.time() - OLD
        self._discard([question for question in questions if self._read.get(question, before) < before])
        self._store.states.discard_old(step, before)

    def age(self, questions: Sequence[str]) -> float | None:
        """Return the seconds since the oldest of these answers came; None if there is none."""
        read = [
            self._read[question] for question in questions if question in self._store.facts and question in self._read
        ]
        return time.time() - min(read) if read else None

    async def look_at_files(self) -> None:
        """Discard what was read from the plan's files, if another program has changed one since the last look."""
        if self._looking:
            return  # a mount does not answer: one thread waits for it, not one more each time
        self._looking = True
        try:
            found = await in_thread(stamps, self._store.document.copy(), dict(self._store.environ))
        finally:
            self._looking = False
        before, self._stamps = self._stamps, found
        if any(found.get(path, stamp) != stamp for path, stamp in before.items()):
            self._files += 1
            self._discard(FROM_FILES, "files")

    def _discard(self, questions: Iterable[str], *why: str) -> None:
        gone = [question for question in questions if self._store.facts.pop(question, None) is not None]
        if gone or why:
            self._store.announce(*gone, *why)


def stamps(document: Document, environ: Mapping[str, str]) -> dict[str, str]:
    """Return a text for each of the plan's local paths that changes with its content.

    Reads the disk: call it outside the event loop.
    """
    found: dict[str, str] = {}
    for one in document.each():
        for key in PATHS:
            try:
                value = mounted(expand(str(one.value(key) or ""), environ))
                path = one.base / typed_path(value)
            except (Unresolved, OSError):
                continue  # the field's own check says so
            stamp = _stamp(path) if value and is_local_path(value) else None
            if stamp is not None:
                found[str(path)] = stamp
    return found


def _stamp(path: Path) -> str | None:
    """Return modification time and size, of a folder those of its entries; None if it takes too long."""
    try:
        info = path.stat()
    except (OSError, ValueError) as error:
        return type(error).__name__
    if not stat.S_ISDIR(info.st_mode):
        return f"{info.st_mtime_ns} {info.st_size}"
    ends, sums, number = time.monotonic() + SECONDS, 0, 0
    for folder, folders, names in os.walk(path):
        folders[:] = sorted(set(folders) - PASSED_OVER)
        for name in sorted(names):
            number += 1
            if number > MOST:
                return str(sums)
            if time.monotonic() > ends:
                return None
            entry = Path(folder, name)
            with contextlib.suppress(OSError):
                info = entry.stat()
                sums = zlib.crc32(f"{entry} {info.st_mtime_ns} {info.st_size}".encode("utf-8", "replace"), sums)
    return str(sums)
