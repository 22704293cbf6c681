"""How often, and after how many seconds, what failed is tried again: one table for everything that asks Azure."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """`delays` are the seconds before the second try, the third and so on; the last one is repeated.

    `tries` is the most that there are; without, a time limit ends them. A delay is changed by chance by up to the
    share `jitter`, so that many do not come again at once. A service that asks by `Retry-After` to be left alone for
    longer than `longest_hint` seconds is asked all the same.
    """

    delays: tuple[float, ...]
    tries: float = math.inf
    jitter: float = 0.0
    longest_hint: float = 3600.0

    @property
    def slowest(self) -> float:
        """The longest of the delays."""
        return max(self.delays)


# Files of a source in Blob storage are read by azure-storage-blob, which counts its own delays (`blob_source`).
POLICIES = {
    # One request to Resource Manager: at once the first time, but after 429 that would only be throttled again.
    "request": RetryPolicy((0.0, 1.0, 2.0, 4.0, 8.0), tries=4),
    "throttled": RetryPolicy((1.0, 2.0, 4.0, 8.0), tries=4),
    # A question how a long-running operation stands, while none is answered.
    "operation": RetryPolicy((2.0, 4.0, 8.0, 15.0)),
    # The same of Azure's look at a workspace, for which somebody waits.
    "diagnosis": RetryPolicy((2.0, 4.0, 8.0, 15.0), longest_hint=10.0),
    # A change while somebody else changes the same resource. Microsoft's article (how-to-troubleshoot-online-endpoints,
    # OperationCanceled) advises several seconds up to a minute. The tries are those of an operation that was canceled.
    "conflict": RetryPolicy((3.0, 5.0, 10.0, 20.0, 30.0), tries=4),
    # A task of a run while Azure cannot be reached at all.
    "outage": RetryPolicy((5.0, 10.0, 20.0, 30.0)),
    # The test call while its traffic or container is not ready yet.
    "test": RetryPolicy((1.0, 2.0, 4.0, 5.0)),
    # One request of an upload.
    "upload": RetryPolicy((0.5, 1.0, 2.0, 4.0, 8.0, 15.0), tries=30, jitter=0.25, longest_hint=300.0),
}


def delay(name: str, attempt: int, hint: float | None = None) -> float:
    """The seconds before the next try by a policy; `attempt` counts those that failed, from 0.

    `hint` is what the service asked for (`retry_after`); where there is one, it counts.
    """
    if hint is not None:
        return hint
    policy = POLICIES[name]
    seconds = policy.delays[min(attempt, len(policy.delays) - 1)]
    return seconds * random.uniform(1 - policy.jitter, 1 + policy.jitter)


def retry_after(name: str, headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, as far as a policy honours them; None without any.

    The header may also name a moment (RFC 9110).
    """
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError):
            return None
        # A date without a zone ("-0000") is one in UTC.
        seconds = (moment.replace(tzinfo=moment.tzinfo or timezone.utc) - datetime.now(timezone.utc)).total_seconds()
    return min(max(0.0, seconds), POLICIES[name].longest_hint)
