"""The result of a query to the helper, and how long a busy message stays on the screen."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tui.helper.client import HelperError

BUSY_SECONDS = 1.0  # minimum time a busy message is shown, so that it can be read
BLINK = 0.15  # seconds: no busy message is kept for a faster answer


class Answer(NamedTuple):
    """The helper's answer, or the error; `late` when the plan has since changed in a way that makes it outdated."""

    value: Any
    error: HelperError | None = None
    late: bool = False


def explained(error: HelperError) -> str:
    """Return title, cause and remedy of an error in one line."""
    return " ".join(part for part in (f"{error.title}.", error.cause, error.remedy) if part)


async def stay_busy(since: float, blink: float = 0.0) -> None:
    """Wait until a busy message shown at `since` (time.monotonic) was readable; not if it took less than `blink` s."""
    took = time.monotonic() - since
    if blink <= took < BUSY_SECONDS:
        await asyncio.sleep(BUSY_SECONDS - took)
