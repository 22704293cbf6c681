"""The base class of the steps' panes, through which the wizard screen shows, validates and leaves them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Callable, ClassVar

from textual.containers import Vertical
from textual.message import Message
from textual.widget import Widget

from tui.app.state.action import Action as Action
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.steps.step_actions import ALWAYS


class Pane(Vertical):
    """The content of one step.

    The wizard screen creates a pane when its step is first shown, and keeps it. The screen owns the buttons Back and
    Next below the pane, the help, and the keys PgUp and PgDn; a pane defines their meaning through the attributes and
    methods here. The help rows show the topic of the focused widget, if it or an ancestor has a method
    `topic() -> tui.app.widgets.help.Topic | None`.
    """

    step: ClassVar[str] = ""
    roomy: ClassVar[bool] = False  # whether it takes over the help rows on a short screen; ctrl+g still shows the help
    reads: ClassVar[Sequence[str]] = ()  # the queries whose age is shown, and that are sent again when it is too old
    next_label: str = "Next"
    extra_label: str = ""  # a third button, left of Back; none if empty

    @dataclass
    class GoTo(Message):
        """Show another step; with `key`, edit that field there and then return to this step."""

        step: str
        key: str | None = None

    class Relabel(Message):
        """The pane's `next_label` or `extra_label` has changed."""

    class Leave(Message):
        """The pane asks to quit the program (with a dialog, while a run is in progress)."""

    @dataclass
    class Status(Message):
        """A status line to show next to the buttons; an empty text hides it."""

        text: str

    def __init__(self, store: Store) -> None:
        super().__init__(id=f"pane-{self.step}", classes="pane")
        self.store = store
        self._unlisten: Callable[[], None] | None = None
        self._unheard: frozenset[str] = frozenset()

    def on_mount(self) -> None:
        self._unlisten = self.store.listen(self._hear)

    def _on_prune(self) -> None:
        if self._unlisten:
            self._unlisten()

    def _hear(self, names: frozenset[str]) -> None:
        if not self.is_attached:
            return
        if self.display:
            self.heard(names)
        else:
            self._unheard |= names

    def catch_up(self) -> None:
        """Hear what was announced while another step was shown; called before this one is shown again."""
        names, self._unheard = self._unheard, frozenset()
        if names:
            self.heard(names)

    def heard(self, names: frozenset[str]) -> None:
        """React to what the store announces (see `Store`): at once, or when the step is about to be shown."""

    def arrive(self) -> None:
        """Called each time the step is shown."""

    def look_at_step(self) -> None:
        """Query the preflight findings of this step, if the pane shows them; called after `arrive`."""
        from tui.app.steps.step_findings import StepFindings

        for findings in self.query(StepFindings):
            findings.look()

    def leave(self) -> None:
        """Called each time another step replaces this one."""

    def landing(self) -> Widget | None:
        """Return the widget to focus on arrival; None means the button Next. PgDn there must go to the next step."""
        return None

    async def validate(self) -> None:
        """Validate all fields before going to the next step; `first_error` is called afterwards."""

    def first_error(self) -> Widget | None:
        """Return the first widget with an invalid value, or None. It gets the focus, and the step stays."""
        return None

    async def advance(self, pressed: bool = False) -> bool:
        """Do what Next means here (Review starts the run); return False to stay at this step.

        `pressed` says that the button itself was pressed, not the key for Next.
        """
        return True

    async def extra(self) -> None:
        """Do what the third button means here."""

    async def show_field(self, key: str) -> None:
        """Move the focus to the plan field with this key."""

    def actions(self) -> list[Action]:
        """Return the menu's actions specific to this step."""
        return [Action(label, about, getattr(self, method)) for label, about, method in ALWAYS.get(self.step, ())]

    def learn(self, question: str, *, wait: float = 0, timeout: float = 60) -> None:
        """Send an optional query; the store announces the answer to its listeners.

        `wait` is the delay in seconds before a slow query, `timeout` the helper's timeout in seconds.
        """

        async def ask() -> None:
            await asyncio.sleep(wait)
            await self.store.answer(question, timeout=timeout)

        if question not in self.store.facts:
            in_background(self, ask, question)

    def say(self, words: str) -> None:
        """Show a status line next to the buttons; an empty one hides it."""
        self.post_message(self.Status(words))

    def show_text(self, title: str, text: str) -> None:
        """Show a text in a dialog over the step, with export."""
        from tui.app.dialogs.text_dialog import TextScreen

        self.app.push_screen(TextScreen(title, text, export=True, wide=True))

    def refresh_help(self) -> None:
        """Update the help after the selected row in the same widget has changed."""
        show_help = getattr(self.screen, "show_help", None)
        if callable(show_help):
            show_help()

    def copied_text(self) -> str | None:
        """Return what ctrl+y copies if the focused widget has no text of its own; None for nothing."""
        return None
