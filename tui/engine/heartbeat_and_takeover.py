"""Who works on a run, also for other machines that see the same state folder.

Locks and process ids say nothing across machines, and a volume may refuse locks, links and appends. So an engine
writes one small file again and again, whole: which machine, which process, how many beats. It is a courtesy between
engines; what was done is settled by Azure's state.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable

from tui.common.write_atomic import write_atomic

FILE = "alive.json"
STOP_FILE = "stop"  # asks an engine on another machine to stop; signals do not reach it
BEAT_SECONDS = 5.0
FRESH_SECONDS = 6 * BEAT_SECONDS  # without a new beat for so long, an engine counts as gone
TICK_SECONDS = 1.0


@dataclass(frozen=True)
class Beat:
    """The last sign of an engine: `machine` is host and start of its system, `time` seconds since the epoch."""

    machine: str
    host: str
    pid: int
    token: str
    count: int
    time: float

    @property
    def fresh(self) -> bool:
        """Whether it is of just now, by two clocks that may differ by some seconds."""
        return abs(time.time() - self.time) < FRESH_SECONDS


def this_machine() -> str:
    """A name that two machines never share, and one machine not after a new start of its system."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        boot = ""
    return f"{socket.gethostname()} {boot}".strip()


def last_beat(folder: Path) -> Beat | None:
    """The last sign of a run's engine; None where there is none that can be read."""
    try:
        about: dict[str, Any] = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return Beat(
            str(about["machine"]), str(about["host"]), int(about["pid"]), str(about["token"]), int(about["count"]),
            float(about["time"]),
        )  # fmt: skip
    except (OSError, ValueError, KeyError, TypeError):
        return None


def elsewhere(folder: Path) -> Beat | None:
    """The last sign of an engine on another machine, if it is fresh by the clocks. Does not wait."""
    beat = last_beat(folder)
    return beat if beat is not None and beat.machine != this_machine() and beat.fresh else None


def observed_elsewhere(folder: Path, waiting: Callable[[str], None] = lambda host: None) -> Beat | None:
    """As `elsewhere`; where the clocks say it is long gone, wait whether it beats: clocks of two machines may differ.

    `waiting(host)` is called once before waiting, which takes two beats at most. A beat of an engine that said goodbye
    is never waited for.
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
    """Ask the engine of a run to stop, wherever it is; it looks every second. Raises OSError."""
    write_atomic(folder / STOP_FILE, "", mode=0o600)


class Heart:
    """The beating of this process's engine."""

    def __init__(self, folder: Path, stop: Callable[[], None] = lambda: None) -> None:
        """`stop` is called when another machine asks the engine to stop."""
        self._folder, self._stop = folder, stop
        self._token = secrets.token_hex(8)
        self._count = 0
        self._ended = threading.Event()

    def begin(self) -> Beat | None:
        """Take over the run and go on beating; the sign of another machine's engine where one works on it.

        Where a former engine was on another machine, one beat is waited for: two that take over at once find out.
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
        """Say goodbye."""
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
                # This one slept, or lost its folder for a while, and another machine has resumed the run: it is theirs
                # now. Not a word more into a journal that somebody else writes; Azure's operations go on by themselves.
                print(f"The engine on {other.host} has taken over this run.", file=sys.stderr, flush=True)
                os._exit(5)
            self._beat()

    def _beat(self) -> None:
        self._count += 1
        about = {
            "machine": this_machine(),
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "token": self._token,
            "count": self._count,
            "time": round(time.time(), 3),
        }
        with contextlib.suppress(OSError):  # a disk that is full for a moment; the next beat says it again
            write_atomic(self._folder / FILE, json.dumps(about), mode=0o600, sync=False)
