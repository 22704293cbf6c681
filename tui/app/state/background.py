"""Runs long work off the event loop, without delaying the program's exit."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, Callable, TypeVar

from tui.common.deadlines import Question

if TYPE_CHECKING:
    from textual.dom import DOMNode
    from textual.worker import Worker

Result = TypeVar("Result")


def in_background(node: DOMNode, work: Callable[[], Awaitable[Any]], group: str, exclusive: bool = True) -> Worker[Any]:
    """Run a coroutine function until it ends, or `node` is removed; if `exclusive`, replace the one in the same group.

    It takes the function, not a coroutine: one that is replaced before it began would be reported as never awaited.
    """
    return node.run_worker(work, group=group, exclusive=exclusive)


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


def lower_priority(pid: int | None) -> None:
    """Lower the helper's CPU priority, so that the screen responds to keys first."""
    if pid is not None:
        with contextlib.suppress(OSError, AttributeError):
            os.setpriority(os.PRIO_PROCESS, pid, 5)
