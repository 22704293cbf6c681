"""Locks a file for the lifetime of a process."""

from __future__ import annotations

import fcntl
import time
from typing import Callable


def taken(descriptor: int, seconds: float, owner_works: Callable[[], bool] = lambda: False) -> bool:
    """Lock an open file for this process and those that inherit it; False if another process holds the lock.

    A killed process releases its locks when its last thread has ended, so the lock is waited for: at most `seconds`,
    and not once `owner_works` returns True. Raises OSError if the file system refuses locks.
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
