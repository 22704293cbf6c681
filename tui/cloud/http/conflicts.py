"""Whether Azure refused or ended something only because somebody else is changing the same resource."""

from __future__ import annotations

import re
from typing import Callable, TypeVar

from tui.cloud.errors import CloudError, OperationFailed

Result = TypeVar("Result")

# Reported as 409 and as 400 (Azure/azure-sdk-for-net 36961): "Cannot create a deployment in endpoint … because it is in
# Updating provisioning state". Names that are taken are conflicts too, and waiting does not free them.
_BUSY = re.compile(
    r"in (?:the )?(?:provisioning state )?(?:Creating|Updating|Deleting|Scaling|Provisioning)\b"
    r"|another operation|operation (?:on it )?is in progress|concurrent",
    re.IGNORECASE,
)
_TAKEN = re.compile(r"already (?:exists|an endpoint)|already in use", re.IGNORECASE)
_BUSY_CODES = {"Conflict", "ConcurrentOperation", "AnotherOperationInProgress", "OperationCanceled"}
_CANCELED = "OperationCanceled"

DELAYS = (3.0, 5.0, 10.0, 20.0, 30.0)
"""Seconds between two tries; the last one is repeated. Microsoft's article (how-to-troubleshoot-online-endpoints,
OperationCanceled) advises several seconds up to a minute."""
CANCELED_TRIES = 4
"""How often an operation that was canceled is begun again."""


def busy(error: CloudError) -> bool:
    """Whether a request was refused because the resource is being changed; it may be sent again later."""
    if isinstance(error, OperationFailed):
        return error.code == _CANCELED
    if error.status not in (400, 409, 412):
        return False
    text = f"{error.cause} {error.raw}"
    if _TAKEN.search(text):
        return False
    return bool(_BUSY.search(text)) or (error.status == 409 and error.code in _BUSY_CODES)


def reason(error: CloudError) -> str:
    """Why it is tried again, in a sentence without its full stop."""
    return f"somebody else is changing it: {error.cause.splitlines()[0].rstrip('.') if error.cause else error.title}"


def patiently(
    work: Callable[[], Result],
    wait: Callable[[str, float], None],
    ended: Callable[[], bool],
) -> Result:
    """Do something, again and again while somebody else is changing the resource.

    `wait(reason, seconds)` says why and sleeps; `ended()` tells that the limit is reached. An operation that Azure
    canceled is begun again a few times at most. Raises what `work` raises, at the limit the last of it.
    """
    tried = canceled = 0
    while True:
        try:
            return work()
        except CloudError as error:
            canceled += isinstance(error, OperationFailed)
            if not busy(error) or canceled >= CANCELED_TRIES or ended():
                raise
            delay = DELAYS[min(tried, len(DELAYS) - 1)]
            tried += 1
            wait(reason(error), delay)
