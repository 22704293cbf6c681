"""Shows which machine's engine works on a run, also to other machines that share the state folder.

Locks and process ids do not reach across machines, and a volume may refuse locks, links and appends. So an engine
rewrites one small file at intervals: machine, process, number of beats. This only avoids conflicts between engines;
what has been done is decided by Azure's state.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Callable

from tui.common.regular_file import json_object, read_regular
from tui.common.write_atomic import write_atomic

FILE = "alive.json"
STOP_FILE = "stop"  # asks an engine on another machine to stop, which signals do not reach
BEAT_SECONDS = 5.0
FRESH_SECONDS = 6 * BEAT_SECONDS  # an engine without a new beat for this long is considered dead
TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Beat:
    """The last heartbeat of an engine: `machine` is host name and boot id, `time` is seconds since the epoch."""

    machine: str
    host: str
    pid: int
    token: str
    count: int
    time: float

    @property
    def fresh(self) -> bool:
        """Whether the heartbeat is recent, if the two machines' clocks differ by a few seconds at most."""
        return abs(time.time() - self.time) < FRESH_SECONDS


def this_machine() -> str:
    """A name unique to this machine and its current boot."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()} {boot}".strip()


def last_beat(folder: Path) -> Beat | None:
    """The last heartbeat of a run's engine; None if there is none or it cannot be read."""
    try:
        about = json_object(read_regular(folder / FILE))
        return Beat(
            str(about["machine"]), str(about["host"]), int(about["pid"]), str(about["token"]), int(about["count"]),
            float(about["time"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError, OverflowError):
        return None


def elsewhere(folder: Path) -> Beat | None:
    """The last heartbeat of an engine on another machine if it is recent by the clocks. Does not wait."""
    beat = last_beat(folder)
    return beat if beat is not None and beat.machine != this_machine() and beat.fresh else None


def observed_elsewhere(folder: Path, waiting: Callable[[str], None] = lambda host: None) -> Beat | None:
    """Like `elsewhere`, but wait for another beat if the last one looks old, since the two clocks may differ.

    `waiting(host)` is called once before waiting, which takes two beats at most. An engine that reported its end is
    not waited for.
    """
    first = last_beat(folder)
    if first is None or first.machine == this_machine():
        return None
    if first.fresh:
        return first
    waiting(first.host)
    end = time.monotonic() + 2 * BEAT_SECONDS + TICK_SECONDS
    while time.monotonic() < end:
        time.sleep(TICK_SECONDS / 4)
        now = last_beat(folder)
        if now is None:
            return None
        if now != first:
            return now
    return None


def ask_to_stop(folder: Path) -> None:
    """Ask the engine of a run to stop, on any machine; it checks every second. Raises OSError."""
    write_atomic(folder / STOP_FILE, "", mode=0o600)


class Heart:
    """Writes the heartbeat of this process's engine."""

    def __init__(self, folder: Path, stop: Callable[[], None] = lambda: None) -> None:
        """`stop` is called when another machine asks the engine to stop."""
        self._folder, self._stop = folder, stop
        self._token = os.urandom(8).hex()
        self._count = 0
        self._ended = threading.Event()

    def begin(self) -> Beat | None:
        """Take over the run and start beating; returns the heartbeat of another machine's engine if one works on it.

        If the former engine was on another machine, wait for one beat, so that two simultaneous takeovers are noticed.
        """
        before = observed_elsewhere(self._folder)
        if before is not None:
            return before
        strange = last_beat(self._folder)
        with contextlib.suppress(OSError):
            (self._folder / STOP_FILE).unlink()
        self._beat()
        if strange is not None and strange.machine != this_machine():
            time.sleep(2 * TICK_SECONDS)
            other = last_beat(self._folder)
            if other is not None and other.token != self._token:
                return other
        threading.Thread(target=self._go_on, name="heartbeat", daemon=True).start()
        return None

    def end(self) -> None:
        """Stop beating, and record that this engine has ended."""
        self._ended.set()
        beat = last_beat(self._folder)
        if beat is not None and beat.token == self._token:
            with contextlib.suppress(OSError):
                (self._folder / FILE).unlink()

    def _go_on(self) -> None:
        last = time.monotonic()
        while not self._ended.wait(TICK_SECONDS):
            if (self._folder / STOP_FILE).exists():
                with contextlib.suppress(OSError):
                    (self._folder / STOP_FILE).unlink()
                self._stop()
            if time.monotonic() - last < BEAT_SECONDS:
                continue
            last = time.monotonic()
            other = last_beat(self._folder)
            if other is not None and other.token != self._token and other.fresh:
                # This machine slept or lost its folder for a while, and another machine has resumed the run. Only that
                # one may write to the journal now; Azure's operations continue.
                print(f"The engine on {other.host} has taken over this run.", file=sys.stderr, flush=True)
                os._exit(5)
            self._beat()

    def _beat(self) -> None:
        self._count += 1
        host, now = socket.gethostname(), round(time.time(), 3)
        about = vars(Beat(this_machine(), host, os.getpid(), self._token, self._count, now))
        with contextlib.suppress(OSError):  # the disk may be full for a moment; the next beat tries again
            write_atomic(self._folder / FILE, json.dumps(about), mode=0o600, sync=False)
