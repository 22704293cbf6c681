"""What every step's pane has in common: how the shell shows it, leaves it and asks it what is wrong."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Callable, ClassVar

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker

from tui.app.state.store import Store


@dataclass(frozen=True)
class Action:
    """Something a pane can do, offered in the ctrl+o menu too: a label, a sentence, and what it calls."""

    label: str
    help: str
    run: Callable[[], object]


class Pane(Vertical):
    """The content of one step.

    The shell makes a pane when its step is first shown and keeps it. It owns the buttons Back and Next below the
    pane, the help, and the keys PgUp and PgDn; a pane says what they mean through the attributes and methods here.
    A focused widget explains itself in the help rows when it, or a widget around it, has a method
    `topic() -> tui.app.widgets.help.Topic | None`.
    """

    step: ClassVar[str] = ""
    roomy: ClassVar[bool] = False  # whether it needs the rows of the help on a short screen; ctrl+g still explains
    next_label: str = "Next"
    back_label: str = "Back"
    extra_label: str = ""  # a third button, left of Back; none where it is empty

    @dataclass
    class GoTo(Message):
        """Show another step; with `key`, edit that field there and come back to the step that asked."""

        step: str
        key: str | None = None

    class Relabel(Message):
        """The pane's `next_label`, `back_label` or `extra_label` has changed."""

    class Leave(Message):
        """The pane asks to leave the program (with the dialog, while a run is under way)."""

    @dataclass
    class Status(Message):
        """One line of what goes on, shown beside the buttons; an empty text takes it away."""

        text: str

    def __init__(self, store: Store) -> None:
        super().__init__(id=f"pane-{self.step}", classes="pane")
        self.store = store

    def _on_prune(self) -> None:
        """The pane is being taken down. Its widgets go before it does: what comes from now on has nowhere to go.

        Textual calls this of every class, so a pane that adds its own need not call this one.
        """
        self.workers.cancel_node(self)

    def arrive(self) -> None:
        """Called each time the step is shown."""

    def look_at_step(self) -> None:
        """Called after `arrive`: asks for what the preflight finds about this step, where the pane shows that."""
        from tui.app.steps.step_findings import StepFindings

        for findings in self.query(StepFindings):
            findings.look()

    def leave(self) -> None:
        """Called each time another step takes its place."""

    def landing(self) -> Widget | None:
        """Where the focus goes on arrival; None means the button Next. PgDn there must mean the next step."""
        return None

    async def validate(self) -> None:
        """Judge everything before the step is left forwards; `first_error` is asked afterwards."""

    def first_error(self) -> Widget | None:
        """The first widget whose value is wrong, or None. It gets the focus instead of the next step."""
        return None

    async def advance(self, pressed: bool = False) -> bool:
        """Do what Next stands for (Review starts the run here); False stays at this step.

        `pressed` says that the button itself was pressed, and not the key that means Next everywhere.
        """
        return True

    async def extra(self) -> None:
        """Do what the third button stands for."""

    def show_field(self, key: str) -> None:
        """Put the focus on the field of the plan with this key."""

    def actions(self) -> list[Action]:
        """What the menu offers at this step besides what it always offers."""
        return []

    def in_background(self, work: Callable[[], Coroutine[None, None, None]], group: str) -> Worker[None]:
        """Run this beside everything else, in place of what runs under the same name."""
        return self.run_worker(work, group=group, exclusive=True)

    def learn(self, question: str, *, wait: float = 0, timeout: float = 60) -> None:
        """Ask for something that the pane can do without; whoever listens to the store hears of the answer.

        `wait` is for the seconds without a key before a slow question, `timeout` for those that the helper has.
        """

        async def ask() -> None:
            await asyncio.sleep(wait)
            await self.store.answer(question, timeout=timeout)

        if question not in self.store.facts:
            self.in_background(ask, question)

    @contextlib.contextmanager
    def each_second(self, show: Callable[[float], None]) -> Iterator[None]:
        """Call `show` with the seconds that have passed: now, and once a second as long as the block lasts."""
        began = time.monotonic()
        ticker = self.set_interval(1, lambda: show(time.monotonic() - began))
        show(0)
        try:
            yield
        finally:
            ticker.stop()

    def say(self, words: str) -> None:
        """A line beside the buttons; an empty one takes it away."""
        self.post_message(self.Status(words))

    def show_text(self, title: str, text: str) -> None:
        """A text over the step, to read and to take away."""
        from tui.app.dialogs.text_dialog import TextScreen

        self.app.push_screen(TextScreen(title, text, export=True, wide=True))

    def refresh_help(self) -> None:
        """The help is about another row of the same widget."""
        show_help = getattr(self.screen, "show_help", None)
        if callable(show_help):
            show_help()

    def copied_text(self) -> str | None:
        """What ctrl+y copies here when the focused widget has nothing better; None for nothing."""
        return None
