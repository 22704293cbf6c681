"""Reads all endpoints that the identity sees, and sends each row as soon as something is known of it."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any, Callable
from weakref import WeakKeyDictionary

from tui.fleet.known import Known, Wish
from tui.fleet.read_fleet import read
from tui.helper.questions.lists import connected

_lock = threading.Lock()
_known: WeakKeyDictionary[Any, Known] = WeakKeyDictionary()  # by identity; kept for the refreshes


def fleet(
    plan: dict[str, Any],
    part: Callable[[dict[str, Any]], None],
    subscriptions: Sequence[str] = (),
    workspaces: Sequence[str] = (),
    endpoints: Sequence[str] = (),
    fresh: bool = False,
    resend: bool = False,
) -> dict[str, Any]:
    """Read what is older than its age, or with `fresh` all: of some subscriptions and workspaces (ids or names), or
    only some endpoints (ids). Of the plan, only the credential is used. A later call sends only what is new or
    different; with `resend`, it first sends all that is known, for a front end that has not seen it.

    Parts are dicts with a `kind`: `workspace` (with state reading, read, refused or silent, and reason), `endpoint` (a
    row of `tui.fleet.row`; a later one replaces it; `changed` names what differs from the previous call's), `gone` (an
    endpoint's id) and `note` (a sentence). The answer has the numbers, and what could not be seen. Raises CloudError.
    """
    cloud, _ = connected(plan)
    with _lock:
        known = _known.setdefault(cloud.credential, Known())
    return read(known, cloud, Wish(subscriptions, workspaces, endpoints, fresh, resend), part)
