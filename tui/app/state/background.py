"""Runs long work off the event loop, without delaying the program's exit."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Callable, TypeVar

from tui.common.deadlines import Question

Result = TypeVar("Result")


async def in_thread(work: Callable[..., Result], *arguments: Any) -> Result:
    """Return the result of `work(*arguments)`, run in a daemon thread.

    Unlike an executor's thread, it is not joined on exit, so a file system that hangs does not block the exit.
    """
    loop = asyncio.get_running_loop()
    answered = asyncio.Event()

    def wake() -> None:
        with contextlib.suppress(RuntimeError):  # the loop has ended: no one is waiting
            loop.call_soon_threadsafe(answered.set)

    question = Question(lambda: work(*arguments), answered=wake)
    await answered.wait()
    return question.answer()
