"""Removes what a rehearsal made with a container engine, once the rehearsal has ended, whatever way it ended.

Images stay, as they take minutes to build: only `rehearsal --stop` removes them too.

Started as a script, with the standard library only: `python -I -S reaper.py MARK ENGINE LABEL`. Its standard input is a
pipe whose other end only the rehearsal holds; the kernel closes it also after SIGKILL. MARK is a file that it locks
while it works, so that it removes nothing of the next rehearsal. It holds ENGINE until nothing is left, so that it
tells of a reaper that was killed.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

SECONDS = 60.0
"""How long one command of the engine may take."""
DONE = b"done"
"""What a rehearsal that ends in order writes: no command of the engine is under way."""
STRAGGLERS = 15
"""For how many seconds after a killed rehearsal a command that it began may still make something."""


def _said(engine: str, *arguments: str) -> str:
    """What a command prints. Raises OSError, subprocess.SubprocessError."""
    command, null = [engine, *arguments], subprocess.DEVNULL
    return subprocess.check_output(command, stdin=null, stderr=null, text=True, timeout=SECONDS)


def _tried(engine: str, *arguments: str) -> None:
    with contextlib.suppress(subprocess.CalledProcessError):  # gone already, or still in use
        _said(engine, *arguments)


def remove_all(engine: str, label: str) -> bool:
    """Remove containers and volumes that carry the label. Whether nothing is left."""
    wanted = ("-q", "--filter", f"label={label}")
    at_once = ("-t", "0") if Path(engine).name == "podman" else ()  # as in Engine.remove
    with contextlib.suppress(OSError, subprocess.SubprocessError):  # the engine does not work now; the mark stays
        for _ in range(4):
            with contextlib.suppress(subprocess.CalledProcessError):  # podman's lists, while others remove something
                containers = _said(engine, "ps", "-a", *wanted).split()
                volumes = _said(engine, "volume", "ls", *wanted).split()
                if not containers and not volumes:
                    return True
                if containers:
                    _tried(engine, "rm", "-f", "-v", *at_once, *containers)
                if volumes:
                    _tried(engine, "volume", "rm", "-f", *volumes)
    return False


def remove_images(engine: str, label: str) -> None:
    """Remove images that carry the label, with their layers; one that a container of another's needs stays."""
    for _ in range(3):  # podman's list fails while somebody else removes an image
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            images = _said(engine, "images", "-a", "-q", "--filter", f"label={label}").split()
            if not images:
                return
            _tried(engine, "rmi", *images)


def main() -> int:
    """Wait for the rehearsal's end, then remove."""
    mark, engine, label = sys.argv[1:]
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    with Path(mark).open("a", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        held.truncate(0)
        held.write(engine)
        held.flush()
        remove_all(engine, label)  # of a rehearsal before this one, whose reaper was killed too
        print("ready", flush=True)
        said = b""
        while block := os.read(0, 4096):
            said = block
        gone = remove_all(engine, label)
        for _ in range(0 if said == DONE else STRAGGLERS):
            fcntl.flock(held, fcntl.LOCK_UN)
            time.sleep(1)
            try:
                fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return 0  # the next rehearsal's has taken over
            gone = remove_all(engine, label)
        if gone:
            held.truncate(0)
    return 0


if __name__ == "__main__":
    sys.exit(main())
