"""The journal of a run: events as JSON Lines in small numbered files, each written whole."""

from __future__ import annotations

import bisect
import contextlib
import json
import sys
import threading
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tui.common.redact import each_text, redact
from tui.common.regular_file import json_object, read_regular
from tui.common.write_atomic import write_atomic
from tui.engine.journal.event_fields import well_formed

Event = dict[str, Any]
Stamp = tuple[int, int]

BATCHED = ("task_log", "task_progress")
BATCH_SECONDS = 0.2
STUCK_SECONDS = 3.0
RELIST_SECONDS = 10.0
RELIST_SHARE = 50  # the folder is not listed again for this multiple of the time that listing it took
# What a resumed run works on, and readers compare. It must stay as it is although a secret may be a part of it: names
# are the plan's own, and an operation's address is recorded only if there is none in it (`TaskContext.began`).
_OWN_WORDS = (
    "task", "status", "action", "endpoint", "deployment", "deployments", "tasks", "workspace", "unit", "source",
    "state", "log", "operation", "resource_id", "header", "url", "kind", "name",
)  # fmt: skip
RESERVE = "reserve"
RESERVE_BYTES = 65_536


class Journal:
    """Reads the journal of a run folder, as far as it has been written.

    Keep one instance to follow a run: it remembers the known files and looks for the next number only, so that a read
    costs the same with ten files as with ten thousand. Safe to use from several threads.
    """

    def __init__(self, run_folder: Path) -> None:
        self.folder = run_folder / "journal"
        self._lock = threading.Lock()
        self._firsts: list[int] = []  # the number of the first event of every known file, in order
        self._newest: list[Event] = []  # the events of the last of those files
        self._stamp: Stamp | None = None  # that file's size and modification time when it was read
        self._relist_at = 0.0

    def read(self, after: int = 0) -> list[Event]:
        """The events with a number above `after`, in order.

        A truncated file (a crash on a file system without atomic rename) yields its complete events.
        """
        with self._lock:
            known = self._look()
            begin = max(bisect.bisect_right(self._firsts, after + 1) - 1, 0)
            events: list[Event] = []
            for first in self._firsts[begin:]:
                events += known.get(first) or self._events(first)
            return [event for event in events if event["seq"] > after]

    def first(self) -> list[Event]:
        """The events of the first file; reads two small files."""
        with self._lock:
            self._look()
            return self._events(self._firsts[0]) if self._firsts else []

    def last(self) -> Event | None:
        """The newest event, or None; reads one small file."""
        with self._lock:
            known = self._look()
            for first in reversed(self._firsts):
                events = known.get(first) or self._events(first)
                if events:
                    return events[-1]
        return None

    def finished(self) -> bool:
        """Whether the run has finished; one that ended because its disk was full can be resumed, and has not."""
        return ends(self.last())

    def _look(self) -> dict[int, list[Event]]:
        """Find new files; return the events of those that were read in the process.

        A file is named after its first event, and the next file continues with the next number.
        """
        if not self._firsts or time.monotonic() > self._relist_at:
            self._relist()
        read: dict[int, list[Event]] = {}
        while self._firsts:
            first = self._firsts[-1]
            stamp = self._stamp_of(first)
            if stamp is None or stamp != self._stamp:
                self._newest, self._stamp = self._events(first), stamp
            read[first] = self._newest
            following = (self._newest[-1]["seq"] if self._newest else first - 1) + 1
            if following <= first or self._stamp_of(following) is None:
                break
            self._firsts.append(following)
            self._stamp = None
        return read

    def _relist(self) -> None:
        """List the folder, but not often: the time grows with the number of files."""
        began = time.monotonic()
        try:
            names = [path.name for path in self.folder.iterdir()]
        except OSError:
            names = []
        firsts = sorted(int(name[:-6]) for name in names if name.endswith(".jsonl") and name[:-6].isdigit())
        if firsts != self._firsts:
            self._firsts, self._newest, self._stamp = firsts, [], None
        now = time.monotonic()
        self._relist_at = now + max(RELIST_SECONDS, RELIST_SHARE * (now - began))

    def _stamp_of(self, first: int) -> Stamp | None:
        try:
            found = (self.folder / name_of(first)).stat()
        except OSError:
            return None
        return found.st_size, found.st_mtime_ns

    def _events(self, first: int) -> list[Event]:
        """The complete events of a file."""
        try:
            whole = read_regular(self.folder / name_of(first))
        except OSError:
            return []
        events: list[Event] = []
        for line in whole.split(b"\n"):  # other line separators may be part of a logged text
            try:
                event = json_object(line)
            except ValueError:
                continue
            if well_formed(event) and event["seq"] >= (events[-1]["seq"] + 1 if events else first):
                events.append(event)
        return events


def ends(event: Event | None) -> bool:
    """Whether an event is the end of its run, if it is the last one."""
    return event is not None and event.get("event") == "run_finished" and not event.get("resumable")


def name_of(first: int) -> str:
    """The name of the file whose first event has that number."""
    return f"{first:08d}.jsonl"


class JournalWriter:
    """Writes the journal of a run. Log lines and progress are buffered for 0.2 s, other events are written at once.

    Safe to call from several threads. Events that cannot be written (the disk is full) stay in memory and are retried
    with the next event; `written` is the number of the last event on the disk.
    """

    def __init__(self, run_folder: Path, run: str) -> None:
        self.run = run
        self.folder = run_folder / "journal"
        self.folder.mkdir(mode=0o700, exist_ok=True)
        _remove_halves(self.folder)
        last = Journal(run_folder).last()
        self._seq = self.written = int(last["seq"]) if last else 0
        self._pending: list[Event] = []
        self._progress: dict[str, int] = {}
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        self._stuck_since: float | None = None
        self._reserve = run_folder / RESERVE
        self._put_by()
        self._thread = threading.Thread(target=self._flush_now_and_then, name="journal", daemon=True)
        self._thread.start()

    def emit(self, event: str, **fields: Any) -> Event:
        """Append an event; return it with its number and time."""
        with self._lock:
            if event == "task_progress" and self._replace_progress(_shown(fields)):
                return fields
            self._seq += 1
            now = datetime.now(timezone.utc).isoformat(timespec="milliseconds").replace("+00:00", "Z")
            record: Event = {"seq": self._seq, "time": now, "run": self.run, "event": event, **_shown(fields)}
            self._pending.append(record)
            if event == "task_progress":
                self._progress[fields["task"]] = len(self._pending) - 1
            if event not in BATCHED:
                self._flush()
            else:
                self._wake.set()
        return record

    def stuck(self) -> bool:
        """Whether no event could be written for several seconds."""
        with self._lock:
            if self._stuck_since is not None:
                self._flush()
            return self._stuck_since is not None and time.monotonic() - self._stuck_since > STUCK_SECONDS

    @property
    def lost(self) -> int:
        """The number of events that are not on the disk."""
        with self._lock:
            return len(self._pending)

    def close(self) -> None:
        """Write the buffered events, using the reserved space if the disk is full."""
        with self._lock:
            self._closed = True
            with contextlib.suppress(OSError):
                self._reserve.unlink()
            self._flush()
        self._wake.set()

    def _put_by(self) -> None:
        """Reserve space for the end of the journal, so that the result is recorded even when the disk is full."""
        with contextlib.suppress(OSError):
            write_atomic(self._reserve, " " * RESERVE_BYTES, mode=0o600, sync=False)

    def _replace_progress(self, fields: Event) -> bool:
        """Replace an unwritten progress event of the same task with a newer one."""
        index = self._progress.get(fields["task"])
        if index is None:
            return False
        self._pending[index].update(fields)
        return True

    def _flush(self) -> None:
        if not self._pending:
            return
        first = self._pending[0]["seq"]
        text = "".join(json.dumps(event, ensure_ascii=False, default=str) + "\n" for event in self._pending)
        # Half of a surrogate pair, as in the name of a file that is not UTF-8, must not keep back all later events.
        data = text.encode("utf-8", "replace")
        try:
            # Always synced: after a power cut, no number may be missing in the middle.
            write_atomic(self.folder / name_of(first), data, mode=0o600)
        except OSError as error:
            if self._stuck_since is None:
                self._stuck_since = time.monotonic()
                print(f"The journal cannot be written; trying again: {error}", file=sys.stderr, flush=True)
            return
        self._stuck_since = None
        self.written = self._pending[-1]["seq"]
        self._pending.clear()
        self._progress.clear()

    def _flush_now_and_then(self) -> None:
        while not self._closed:
            self._wake.wait()
            time.sleep(BATCH_SECONDS)
            self._wake.clear()
            with self._lock:
                self._flush()


def _shown(fields: Event) -> Event:
    """The fields without secrets; a run's own words stay, whatever a secret is."""
    return {name: value if name in _OWN_WORDS else each_text(value, redact) for name, value in fields.items()}


def _remove_halves(folder: Path) -> None:
    """Remove temporary files of a writer that was killed."""
    for path in folder.glob(".*.new"):
        with contextlib.suppress(OSError):
            path.unlink()
