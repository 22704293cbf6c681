"""Work that is done concurrently and may add more work, until nothing is left."""

from __future__ import annotations

from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Any, Callable


class Lanes:
    """Does work in lanes that do not wait for each other."""

    def __init__(self) -> None:
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._begun: deque[Future[None]] = deque()
        self._lock = Lock()

    def do(self, lane: str, at_once: int, work: Callable[..., None], *given: Any) -> None:
        """Call `work` soon; in this lane, at most so many at once."""
        with self._lock:
            if lane not in self._pools:
                self._pools[lane] = ThreadPoolExecutor(at_once, f"fleet {lane}")
            self._begun.append(self._pools[lane].submit(work, *given))

    def wait(self) -> None:
        """Wait for all work. Raises the first error of one, after the others are done."""
        errors = []
        while self._begun:  # what adds work is not done before that is here
            errors.append(self._begun.popleft().exception())
        for pool in self._pools.values():
            pool.shutdown(wait=False)
        for error in filter(None, errors):
            raise error
