"""Executes a change in Azure from the request to its end, and repeats it if another change was in progress."""

from __future__ import annotations

import math
import re
import time
from typing import Callable, TypeVar

from tui.cloud.errors import CHANGING, REFUSALS, CloudError, OperationFailed
from tui.cloud.http.operation import Operation
from tui.cloud.http.retry_policy import POLICIES, delay
from tui.common.deadlines import AwakeDeadline, until
from tui.plan.rules.durations import words

Made = TypeVar("Made")

# The sentence that was reported with the code BadRequest or Conflict (Azure/azure-sdk-for-net 36961).
_NAMES_STATE = re.compile(rf"because it is in (?:{'|'.join(CHANGING)}) provisioning state")
_BUSY_CODES = {"Conflict", "ConcurrentOperation", "AnotherOperationInProgress", "OperationCanceled"}
_CANCELED = "OperationCanceled"

BUSY_SECONDS = 600.0
"""How long to wait for another change to end."""
CHECK_SECONDS = 0.2
WORKING_SECONDS = 5.0


def run_operation(
    begin: Callable[[], Operation[Made]],
    *,
    limit: float = math.inf,
    busy_limit: float = BUSY_SECONDS,
    waiting: Callable[[str, float], None] = lambda reason, seconds: None,
    working: Callable[[str], None] = lambda what: None,
    check: Callable[[], None] = lambda: None,
) -> Made:
    """Start an operation and wait for its end; return the result.

    It may take `limit` seconds; another change in progress is waited for, up to `busy_limit` seconds in total. An
    operation that Azure canceled is restarted a few times at most, and so is one that was refused like this although
    the resource is not being changed (any more).

    `waiting` receives the reason and delay of each retry, `working` every five seconds the resource that Azure works
    on. `check` is called several times a second and raises an exception to end the waiting, while the operation
    continues in Azure; omit it for operations that must finish. Raises what `begin` raises, OperationFailed, and
    CloudError at a limit.
    """
    busy_until = AwakeDeadline(busy_limit)
    tried = doubtful = 0
    while True:
        try:
            return follow(begin(), limit, working, check)
        except CloudError as error:
            doubtful += error.state not in CHANGING
            if not busy(error) or doubtful >= POLICIES["conflict"].tries or busy_until.ended():
                raise
            seconds = delay("conflict", tried)
            tried += 1
            waiting(_reason(error), seconds)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not busy_until.ended():
            time.sleep(CHECK_SECONDS)
            check()


def follow(
    operation: Operation[Made],
    limit: float = math.inf,
    working: Callable[[str], None] = lambda what: None,
    check: Callable[[], None] = lambda: None,
) -> Made:
    """Wait for an operation that was already started; the part of `run_operation` after the request."""
    deadline, said = AwakeDeadline(limit), time.monotonic()

    def ended() -> bool:
        return deadline.ended() or _raises(check)

    with until(ended):  # also one poll, whose answer comes byte by byte
        while not operation.wait(CHECK_SECONDS):
            check()
            if deadline.ended():
                raise too_long(operation.what, operation.state, limit)
            if time.monotonic() - said >= WORKING_SECONDS:
                said = time.monotonic()
                working(operation.what)
    return operation.result()


def _raises(check: Callable[[], None]) -> bool:
    try:
        check()
    except BaseException:
        return True
    return False


def busy(error: CloudError) -> bool:
    """Whether a request was refused because the resource is being changed, and can be repeated later.

    The resource's state decides, then the error's code: a name that is in use elsewhere is a Conflict too, but then
    there is no such resource here. The text of an error decides only if it names the state.
    """
    if isinstance(error, OperationFailed):
        return error.code == _CANCELED
    if error.status not in REFUSALS:
        return False
    if error.state in CHANGING or _NAMES_STATE.search(f"{error.cause} {error.raw}"):
        return True
    return error.status == 409 and error.code in _BUSY_CODES and error.state != "absent"


def too_long(what: str, state: str, limit: float) -> CloudError:
    """The error after waiting for `limit` seconds."""
    return CloudError(
        title=f"Azure has worked on {what} for more than {words(limit)}",
        cause=f"Its state is still {state or 'unknown'}. The run no longer waits for it; Azure continues.",
        remedy="Check it in the portal. When it has ended, apply the plan again, which continues from there.",
        code="TimeLimit",
    )


def _reason(error: CloudError) -> str:
    """The reason of a retry, as a sentence without its full stop."""
    return f"somebody else is changing it: {error.cause.splitlines()[0].rstrip('.') if error.cause else error.title}"
