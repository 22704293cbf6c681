"""The limits of reads, as Microsoft publishes them; only enforced under the scenario `read-limits`.

Resource Manager (Request limits and throttling): for a security principal, and for a subscription or the tenant, a
bucket of 250 reads that 25 a second refill. Resource Graph (Guidance for throttled requests) counts apart: 15 queries
of a principal in 5 seconds. The headers always come; without the scenario they tell what the first request would see.
"""

from __future__ import annotations

import math
import time

from tui.rehearsal.arm.errors import ArmError, graph_error

READS, REFILL = 250, 25.0
QUERIES, WINDOW = 15, 5.0
_THROTTLED = (
    "Client application has been throttled and should not attempt to repeat the request until an amount of time has "
    "elapsed. Please see https://aka.ms/resourcegraph-throttling for help."
)


class ReadLimits:
    """What each caller has left."""

    def __init__(self) -> None:
        self._reads: dict[tuple[str, str], tuple[float, float]] = {}
        self._queries: dict[str, tuple[int, float]] = {}

    def read(self, caller: str, subscription: str, *, enforced: bool) -> dict[str, str]:
        """Count a read of Resource Manager; return the headers. Raises ArmError 429.

        `caller` is an object id; `subscription` is empty for requests to the tenant.
        """
        scope = "subscription" if subscription else "tenant"
        header = f"x-ms-ratelimit-remaining-{scope}-reads"
        now, key = time.monotonic(), (caller, subscription.lower())
        if not enforced:
            self._reads.clear()
        left, since = self._reads.get(key, (READS, now))
        left = min(READS, left + (now - since) * REFILL)
        if left < 1:
            wait = math.ceil((1 - left) / REFILL)
            raise ArmError(
                429,
                f"{scope.title()}RequestsThrottled",
                f"Number of 'read' requests for {scope} '{subscription}' actor '{caller}' exceeded. Please try again "
                f"after '{wait}' seconds after additional tokens are available. Refer to "
                "https://aka.ms/arm-throttling for additional information.",
                headers={header: "0", "Retry-After": str(wait)},
            )
        if enforced:
            self._reads[key] = left - 1, now
        return {header: str(int(left - 1))}

    def query(self, caller: str, *, enforced: bool) -> dict[str, str]:
        """Count a query of Resource Graph; return the headers. Raises ArmError 429, without Retry-After (reported)."""
        now = time.monotonic()
        used, begun = self._queries.get(caller, (0, now))
        if not enforced or now - begun >= WINDOW:
            used, begun = 0, now
        headers = {
            "x-ms-user-quota-remaining": str(max(0, QUERIES - used - 1)),
            "x-ms-user-quota-resets-after": f"00:00:{math.ceil(WINDOW - (now - begun)):02d}",
        }
        if used >= QUERIES:
            raise graph_error(429, "RateLimiting", "RateLimiting", _THROTTLED, headers=headers)
        self._queries[caller] = used + enforced, begun
        return headers
