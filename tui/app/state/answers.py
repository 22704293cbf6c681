"""What came of a question to the helper, and how long a sign of life stays on the screen."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tui.helper.client import HelperError

BUSY_SECONDS = 1.0  # that something busy stays on the screen, so that it can be read
BLINK = 0.15  # seconds: an answer within them was never busy


class Answer(NamedTuple):
    """The helper's answer, or why there is none; `late` when the plan has changed so that it would not fit any more."""

    value: Any
    error: HelperError | None = None
    late: bool = False


def explained(error: HelperError) -> str:
    """What happened, why, what to do, in one line."""
    return " ".join(part for part in (f"{error.title}.", error.cause, error.remedy) if part)


async def stay_busy(since: float, blink: float = 0.0) -> None:
    """Wait until what began at `since` (of time.monotonic) was seen; what took less than `blink` seconds never was."""
    took = time.monotonic() - since
    if blink <= took < BUSY_SECONDS:
        await asyncio.sleep(BUSY_SECONDS - took)
