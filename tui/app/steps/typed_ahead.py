"""Queues keys typed before the wizard is ready for them, so that they reach the widget that the previous key led to.

Textual sends a key to whatever has the focus at that moment. A key that moves the focus does so later: when its message
has bubbled up to the screen, when a step has been validated and the next one is shown, when a dialog is mounted. When
`PgDn, a, b` are typed quickly, or arrive together over a slow link, the letters would go to the step that is being
left, or nowhere.
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

from tui.app.textual_patches.key_order import OwnKeys

Typed = Union[events.Key, events.Paste]

AT_ONCE = ("ctrl+c",)  # never queued, and discards the queue
BACK = "pageup"
MOST_SECONDS = 1.0  # longest wait for a key's effects, unless it leaves a step; then the next key is passed on
LEAVING_SECONDS = 3.0  # longest wait for leaving a step, whose files may be on a slow mount; then keys may go back


class TypedAhead:
    """Holds back keys and pastes while the previous key is being processed.

    `hand_on` passes an event to Textual. A screen on which a key's work continues after its message (moving between
    steps) has a method `moved()`: it waits for that work, and says whether keys typed after it are still meaningful.
    """

    def __init__(self, app: App[Any], hand_on: Callable[[Typed], Awaitable[None]]) -> None:
        self._app = app
        self._hand_on = hand_on
        self._kept: deque[Typed] = deque()
        self._settling: asyncio.Task[None] | None = None
        self._letters = False  # letters or deletions were passed on, but are perhaps not yet in the field's value

    async def take(self, event: Typed) -> None:
        """Pass an event on, now or when the previous ones have been processed."""
        if isinstance(event, events.Key) and event.key in AT_ONCE:
            self._kept.clear()
            await self._hand_on(event)
        elif self._settling is not None:
            self._kept.append(event)
        else:
            await self._next(event)

    async def _next(self, event: Typed) -> None:
        if isinstance(event, events.Paste) or event.is_printable or self._edits(event):
            self._letters = True
            await self._hand_on(event)
        elif self._letters:  # Tab must not leave a field before the field has announced its typed text
            self._letters = False
            self._kept.appendleft(event)
            self.wait(self._way())
        else:
            way = self._way()
            await self._hand_on(event)
            self.wait(way)

    def _edits(self, event: events.Key) -> bool:
        """Whether the focused field takes a key in turn with the letters, and nothing else does."""
        field = self._app.focused
        return isinstance(field, OwnKeys) and field.edits(event.key)

    def _way(self) -> list[MessagePump]:
        """Return the focused widget and its ancestors, through which a key and its messages bubble."""
        focused = self._app.focused
        return [node for node in focused.ancestors_with_self if node is not self._app] if focused else []

    def wait(self, way: Sequence[MessagePump] = ()) -> None:
        """Hold back events until the messages of these nodes are handled and the screen shown then is ready."""
        self._settling = asyncio.create_task(self._settle(way))

    async def _settle(self, way: Sequence[MessagePump]) -> None:
        try:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._climb(way), MOST_SECONDS)
            self._kept = deque(await self._still_meant())
            await _passed(self._app)  # the focus is set by a message to the application
        finally:  # always accept keys again
            self._app.call_later(self._go_on)

    async def _still_meant(self) -> Iterable[Typed]:
        """Return the queued events that are still meaningful after the previous key's effect."""
        moved: Any = getattr(self._app.screen, "moved", None)
        if moved is None:
            return self._kept
        try:
            return self._kept if await asyncio.wait_for(moved(), LEAVING_SECONDS) else ()
        except asyncio.TimeoutError:  # going back is always meaningful
            return [event for event in self._kept if isinstance(event, events.Key) and event.key == BACK]

    async def _climb(self, way: Sequence[MessagePump]) -> None:
        for _ in range(2):  # the message that a widget posts for a key follows one later
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
    """Wait until the node's current messages are handled, or the node is removed."""
    handled = asyncio.Event()
    # Not `call_later`: it inspects the signature of what it gets, each time.
    if not node.post_message(events.Callback(callback=handled.set)):
        return
    task = node._task

    def ended(_: object) -> None:
        handled.set()

    if task is not None:
        task.add_done_callback(ended)
    try:
        await handled.wait()
    finally:
        if task is not None:
            task.remove_done_callback(ended)
