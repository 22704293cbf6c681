"""What is known of an identity's fleet between calls, how old it may be, and what a call wishes to read."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import RLock
from typing import Any, Callable

from tui.cloud.monitor.activity_log import Change
from tui.fleet.row import Facts, Place, Why

AGES = {
    "subscriptions": 300.0, "workspaces": 300.0, "graph": 300.0, "state": 30.0, "deployments": 60.0, "hour": 60.0,
    "log": 300.0, "rules": 300.0, "image": math.inf,
}  # fmt: skip
"""Seconds after which each part is read again."""
_SLACK = 1.0  # who asks every 30 s is not put off to the next time


@dataclass(frozen=True)
class Wish:
    """What to read: ids or names; empty is everything. `endpoints` are ids; only these are read again.

    `fresh` reads all again, whatever its age; `resend` first sends all rows that are known, for a new screen.
    """

    subscriptions: Sequence[str] = ()
    workspaces: Sequence[str] = ()
    endpoints: Sequence[str] = ()
    fresh: bool = False
    resend: bool = False

    def includes(self, place: Place) -> bool:
        """Whether a workspace is wished for."""
        those = {text.lower() for text in self.workspaces}, {text.lower() for text in self.subscriptions}
        names = {place.name.lower(), place.id.lower()}, {place.subscription, place.subscription_name.lower()}
        return all(not given or given & own for given, own in zip(those, names))


@dataclass(eq=False)
class KnownWorkspace:
    """A workspace: its state as in a part of the answer, the part that was sent last, and its endpoints by id."""

    place: Place
    state: str = "reading"
    reason: str = ""
    told: dict[str, Any] = field(default_factory=dict)
    endpoints: dict[str, Facts] = field(default_factory=dict)


class Known:
    """What is known of one identity's fleet; safe to use from several threads."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.subscriptions: dict[str, str] = {}
        self.workspaces: dict[str, KnownWorkspace] = {}
        self.shared: dict[tuple[str, str], Any] = {}  # kind and subscription: activity log, autoscale rules
        self.changes: dict[str, dict[str, list[Change]]] = {}  # by subscription and id of the endpoint
        self.images: dict[str, str | Why | None] = {}  # by environment id in lower case
        self.graph: dict[str, Mapping[str, list[dict[str, Any]]]] = {}  # by query and id of the parent
        self.rows: dict[str, dict[str, Any]] = {}
        self.reading = RLock()  # only one reading of all at once
        self._read_at: dict[tuple[str, str], float] = {}
        self._listeners: list[tuple[Wish, Callable[[dict[str, Any]], None]]] = []

    @contextmanager
    def listening(self, wish: Wish, part: Callable[[dict[str, Any]], None]) -> Iterator[None]:
        """Meanwhile, `part` hears what any reading finds of what is wished for."""
        with self.lock:
            self._listeners.append((wish, part))
        try:
            yield
        finally:
            with self.lock:
                self._listeners.remove((wish, part))

    def tell(self, part: dict[str, Any], place: Place | None = None) -> None:
        """Tell a part of the answer, about a workspace if one is given."""
        with self.lock:
            for wish, hear in self._listeners:
                if place is None or wish.includes(place):
                    hear(part)

    def tell_known(self, wish: Wish, part: Callable[[dict[str, Any]], None]) -> None:
        """Tell `part` all that is known of what is wished for, whether or not it was told before."""
        with self.lock:
            for one in self.workspaces.values():
                if wish.includes(one.place) and one.told:
                    part(one.told)
                    for key in one.endpoints:
                        if key in self.rows:
                            part({**self.rows[key], "kind": "endpoint"})

    def due(self, kind: str, name: str, fresh: bool, age: float | None = None) -> bool:
        """Whether a part must be read now; then nobody else reads it until it is old again."""
        now = time.monotonic()
        with self.lock:
            old = now - self._read_at.get((kind, name), float("-inf"))
            limit = AGES[kind] if age is None else age
            if old < limit - _SLACK and not (fresh and limit < math.inf):  # a version never changes
                return False
            self._read_at[kind, name] = now
            return True

    def all_workspaces(self, subscription: str = "") -> list[KnownWorkspace]:
        """The workspaces, of one subscription if given."""
        with self.lock:
            return [one for one in self.workspaces.values() if subscription in ("", one.place.subscription)]

    def all(self, subscription: str = "") -> list[Facts]:
        """The endpoints, of one subscription if given."""
        with self.lock:
            return [facts for one in self.all_workspaces(subscription) for facts in one.endpoints.values()]
