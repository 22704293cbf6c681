"""The table of retry policies for all requests to Azure: number of attempts and delays."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime


@dataclass(frozen=True)
class RetryPolicy:
    """A retry policy. `delays` are the seconds before the second attempt, the third and so on; the last is repeated.

    `tries` is the maximum number of attempts; without it, a time limit ends them. Delays vary at random by up to the
    share `jitter`, so that many clients do not retry at the same moment. A `Retry-After` longer than `longest_hint`
    seconds is shortened to it, one shorter than the first delay is lengthened to that.
    """

    delays: tuple[float, ...]
    tries: float = math.inf
    jitter: float = 0.0
    longest_hint: float = 300.0

    @property
    def slowest(self) -> float:
        """The longest delay."""
        return max(self.delays)


# Files of a source in Blob storage are read by azure-storage-blob, with its own delays (`blob_source`).
POLICIES = {
    # One request to Resource Manager: at once the first time, except after 429, which would be throttled again.
    "request": RetryPolicy((0.0, 1.0, 2.0, 4.0, 8.0), tries=4),
    "throttled": RetryPolicy((1.0, 2.0, 4.0, 8.0), tries=4),
    # Polls of a long-running operation while none is answered.
    "operation": RetryPolicy((2.0, 4.0, 8.0, 15.0), longest_hint=60.0),
    # The same for workspace diagnostics, for which a user waits.
    "diagnosis": RetryPolicy((2.0, 4.0, 8.0, 15.0), longest_hint=10.0),
    # A change while another change of the resource is in progress. Microsoft's how-to-troubleshoot-online-endpoints
    # (OperationCanceled) advises several seconds up to a minute. `tries` limits attempts after a canceled operation.
    "conflict": RetryPolicy((3.0, 5.0, 10.0, 20.0, 30.0), tries=4),
    # A task of a run while Azure is unreachable.
    "outage": RetryPolicy((5.0, 10.0, 20.0, 30.0)),
    # The test call while its traffic or container is not ready yet.
    "test": RetryPolicy((1.0, 2.0, 4.0, 5.0)),
    # One request of an upload.
    "upload": RetryPolicy((0.5, 1.0, 2.0, 4.0, 8.0, 15.0), tries=30, jitter=0.25),
}


def delay(name: str, attempt: int, hint: float | None = None) -> float:
    """The seconds before the next attempt by a policy; `attempt` is the number of the failed attempt, from 0.

    `hint` is the service's wish (`retry_after`), which takes precedence; but 0 does not mean "without a pause".
    """
    policy = POLICIES[name]
    if hint is not None:
        return max(hint, policy.delays[0])
    seconds = policy.delays[min(attempt, len(policy.delays) - 1)]
    return seconds * random.uniform(1 - policy.jitter, 1 + policy.jitter)


def retry_after(name: str, headers: Mapping[str, str]) -> float | None:
    """The seconds of `Retry-After`, from 0 up to the policy's maximum; None without the header and for nonsense.

    The header may also hold a date (RFC 9110).
    """
    value = headers.get("Retry-After")
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (TypeError, ValueError, OverflowError):
            return None
        # A date without a zone ("-0000") is in UTC.
        seconds = (moment.replace(tzinfo=moment.tzinfo or timezone.utc) - datetime.now(timezone.utc)).total_seconds()
    if math.isnan(seconds):
        return None
    return min(max(0.0, seconds), POLICIES[name].longest_hint)
