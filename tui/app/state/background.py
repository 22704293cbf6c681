"""Work that may take long, off the event loop, without keeping the program from leaving."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Callable, TypeVar

from tui.common.deadlines import Question

Result = TypeVar("Result")


async def in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """The result of `work(*arguments)`, run in a daemon thread.

    Unlike an executor's thread it is not waited for on leaving, so a file system that hangs delays nobody.
    """
    loop = asyncio.get_running_loop()
    answered = asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: nobody waits any more
            loop.call_soon_threadsafe(answered.set)

    question = Question(lambda: work(*arguments), answered=wake)
    await answered.wait()
    return question.answer()
