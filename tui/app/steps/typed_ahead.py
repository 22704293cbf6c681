"""Keys that come before the wizard is ready for them: they wait, and arrive where the key before them led.

Textual hands a key to what has the focus at that moment. A key that moves the focus does so later, when its message
has climbed to the screen, when a step has been looked over and the next one is there, when a dialog is mounted. Of
`PgDn, a, b` that are typed at once, or come in one piece over a slow link, the letters would go into the step that is
being left, or nowhere.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Sequence
from typing import Any, Union

from textual import events
from textual.app import App
from textual.message_pump import MessagePump

Typed = Union[events.Key, events.Paste]

AT_ONCE = ("ctrl+c",)  # never waits, and takes back what was typed ahead
BACK = "pageup"
MOST_SECONDS = 1.0  # for a key to be done with, without the leaving of a step: then the next one is handed on anyway
LEAVING_SECONDS = 3.0  # for the leaving of a step, whose files may lie on a slow mount: then keys are free to go back


class TypedAhead:
    """Keeps keys and pastes back while the key before them is being carried out.

    `hand_on` gives an event to Textual. A screen on which a key's work goes on after its message (the walk between the
    steps) has a method `moved()`: it waits for that, and says whether what was typed after it still makes sense.
    """

    def __init__(self, app: App[Any], hand_on: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._hand_on = hand_on
        self._kept: deque[Typed] = deque()
        self._settling: asyncio.Task[None] | None = None
        self._letters = False  # handed on, and not known to be in the field's value yet

    async def take(self, event: Typed) -> None:
        """Hand an event on, now or when those before it are done with."""
        if isinstance(event, events.Key) and event.key in AT_ONCE:
            self._kept.clear()
            await self._hand_on(event)
        elif self._settling is not None:
            self._kept.append(event)
        else:
            await self._next(event)

    async def _next(self, event: Typed) -> None:
        if isinstance(event, events.Paste) or event.is_printable:
            self._letters = True
            await self._hand_on(event)
        elif self._letters:  # Tab must not leave a field before the field has told what was typed into it
            self._letters = False
            self._kept.appendleft(event)
            self.wait(self._way())
        else:
            way = self._way()
            await self._hand_on(event)
            self.wait(way)

    def _way(self) -> list[MessagePump]:
        """What has the focus and everything around it, which is how a key and what comes of it climb."""
        focused = self._app.focused
        return [node for node in focused.ancestors_with_self if node is not self._app] if focused else []

    def wait(self, way: Sequence[MessagePump] = ()) -> None:
        """Keep back what comes, until the messages along a way are handled and the screen shown then is ready."""
        self._settling = asyncio.create_task(self._settle(way))

    async def _settle(self, way: Sequence[MessagePump]) -> None:
        try:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._climb(way), MOST_SECONDS)
            self._kept = deque(await self._still_meant())
            await _passed(self._app)  # the focus is set by a message to the application
        finally:  # whatever happens, the keyboard lives
            self._app.call_later(self._go_on)

    async def _still_meant(self) -> Iterable[Typed]:
        """What was typed after a key, once it is known what came of the key."""
        moved: Any = getattr(self._app.screen, "moved", None)
        if moved is None:
            return self._kept
        try:
            return self._kept if await asyncio.wait_for(moved(), LEAVING_SECONDS) else ()
        except asyncio.TimeoutError:  # going back is meant, whatever comes of the step
            return [event for event in self._kept if isinstance(event, events.Key) and event.key == BACK]

    async def _climb(self, way: Sequence[MessagePump]) -> None:
        for _ in range(2):  # the message that a widget makes of a key follows one behind
            for node in way:
                await _passed(node)
        screen = None
        while screen is not self._app.screen:  # a new one is mounted by then
            screen = self._app.screen
            await _passed(screen)

    async def _go_on(self) -> None:
        self._settling = None
        while self._kept and self._settling is None:
            await self._next(self._kept.popleft())


async def _passed(node: MessagePump) -> None:
    """Wait until the messages that a node has now are handled, or the node has gone."""
    handled = asyncio.Event()
    if not node.call_later(handled.set):
        return
    waiting = asyncio.ensure_future(handled.wait())
    ends = [node._task] if node._task is not None else []
    try:
        await asyncio.wait({waiting, *ends}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        waiting.cancel()
