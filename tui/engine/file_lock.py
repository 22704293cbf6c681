"""Taking a lock on a file that a process keeps until its end, however it ends."""

from __future__ import annotations

import fcntl
import time
from typing import Callable


def taken(descriptor: int, seconds: float, owner_works: Callable[[], bool] = lambda: False) -> bool:
    """Lock an open file for this process and those that inherit it; False where another one has the lock.

    A process that was just killed gives its locks back when the last of its threads has ended, so they are waited for,
    `seconds` at most, and no longer once `owner_works`. Raises OSError where the file system refuses locks.
    """
    end = time.monotonic() + seconds
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if owner_works() or time.monotonic() > end:
                return False
        time.sleep(0.02)
