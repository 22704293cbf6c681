"""Controls the number of concurrent requests to the storage: more while it accepts them, fewer when it throttles."""

from __future__ import annotations

import threading
import time

from tui.cloud.errors import Cancelled

_FIRST = 8.0
_LOOK = 0.2  # seconds between two checks of the clock while a thread waits


class Pace:
    """Slots for requests, by additive increase and multiplicative decrease, as in TCP.

    The number doubles with each round of responses up to `most`, until the storage throttles; from then on it is halved
    at each throttling, and grows by one with each round.
    """

    def __init__(self, most: int) -> None:
        self._most = float(most)
        self._limit = min(_FIRST, self._most)
        self._changed = threading.Condition()
        self._inside = 0
        self._throttled = False  # ever
        self._epoch = 0
        self._not_before = 0.0
        self._stopped = False

    @property
    def limit(self) -> int:
        """The current limit of concurrent requests."""
        return max(1, int(self._limit))

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._stopped

    def enter(self) -> int:
        """Wait for a slot; the returned number is for `leave`. Raises Cancelled after `stop`."""
        with self._changed:
            while True:
                if self._stopped:
                    raise Cancelled
                wait = self._not_before - time.monotonic()
                if wait <= 0 and self._inside < self.limit:
                    self._inside += 1
                    return self._epoch
                self._changed.wait(min(_LOOK, wait) if wait > 0 else _LOOK)

    def leave(self, epoch: int, taken: bool = False, throttled: bool = False, pause: float = 0.0) -> None:
        """Return the slot. `taken`: the request succeeded. `throttled`: the storage asked to slow down, for `pause`
        seconds if given.
        """
        with self._changed:
            self._inside -= 1
            if throttled:
                # Requests that were sent at the same time count as one throttling.
                if epoch == self._epoch:
                    self._epoch += 1
                    self._throttled = True
                    self._limit = max(1.0, self._limit / 2)
                self._not_before = max(self._not_before, time.monotonic() + pause)
            elif taken:
                self._limit = min(self._most, self._limit + (1 / self._limit if self._throttled else 1))
            self._changed.notify_all() if throttled else self._changed.notify(2)

    def wait(self, seconds: float) -> None:
        """Wait without a slot. Raises Cancelled after `stop`."""
        until = time.monotonic() + seconds
        with self._changed:
            while not self._stopped and (left := until - time.monotonic()) > 0:
                self._changed.wait(min(_LOOK, left))
            if self._stopped:
                raise Cancelled

    def stop(self) -> None:
        """Let no more requests start."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
