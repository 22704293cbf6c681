"""A choice between a few options: in a row, all visible, or stacked with an explanation of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

ON, OFF = "●", "○"


class Choice(Widget, can_focus=True):
    """Selects one of `choices`. Left and right (up and down if stacked) change it; Space selects the next one.

    `notes` are explanations by choice; if given, the choices are stacked. `refused` gives the reason why a choice
    cannot be selected. The choice "" stands for no value in the plan.
    """

    BINDINGS: ClassVar = [
        Binding("left", "step(-1)", "Previous", show=False, id="choice.previous", tooltip="The previous choice."),
        Binding("right", "step(1)", "Next", show=False, id="choice.next", tooltip="The next choice."),
        Binding("up", "vertical(-1)", "Up", show=False, id="choice.up", tooltip="The choice or field above."),
        Binding("down", "vertical(1)", "Down", show=False, id="choice.down", tooltip="The choice or field below."),
        Binding("space", "step(1, True)", "Change", show=False, id="choice.change", tooltip="The next choice."),
        Binding("enter", "app.focus_next", "Done", show=False, id="choice.enter", tooltip="Go to the next field."),
    ]

    value: reactive[str] = reactive("", layout=False)

    @dataclass
    class Changed(Message):
        """The user chose another value."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            return self.choice

    @dataclass
    class Refused(Message):
        """The user tried to select an unavailable value; `reason` is a sentence."""

        choice: Choice
        value: str
        reason: str

    def __init__(
        self,
        choices: Sequence[str],
        value: str = "",
        *,
        notes: Mapping[str, str] | None = None,
        id: str | None = None,
    ) -> None:
        super().__init__(id=id)
        self.choices = tuple(choices)
        self.notes = dict(notes or {})
        self.refused: dict[str, str] = {}
        self.set_reactive(Choice.value, value)

    def label(self, choice: str) -> str:
        """Return the label of a choice."""
        return choice or "not set"

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.choices) if self.notes else 1

    def render(self) -> Content:
        if self.notes:
            return self._below_each_other()
        words = [self.label(choice) for choice in self.choices]
        if sum(cell_len(word) + 4 for word in words) - 2 <= self.size.width:
            return Content("  ").join(self._word(choice) for choice in self.choices)
        shown = self.label(self.value)
        position = self.choices.index(self.value) + 1 if self.value in self.choices else 0
        return Content.assemble(
            ("‹ ", "dim"), (shown, self._style), (" ›", "dim"), (f"  {position} of {len(self.choices)}", "dim")
        )

    @property
    def _style(self) -> str:
        return "bold reverse" if self.has_focus else "bold"

    def _word(self, choice: str) -> Content:
        if choice == self.value:
            return Content.assemble((f"{ON} ", "bold"), (self.label(choice), self._style))
        return Content.styled(f"{OFF} {self.label(choice)}", "dim" if choice in self.refused else "")

    def _below_each_other(self) -> Content:
        wide = max(cell_len(self.label(choice)) for choice in self.choices)
        return Content("\n").join(
            self._word(choice)
            + Content(" " * (wide - cell_len(self.label(choice)) + 2))
            + Content.styled(self.notes.get(choice, ""), "$text-muted")
            for choice in self.choices
        )

    def action_step(self, by: int, around: bool = False) -> None:
        """Select the choice `by` places further; with `around`, wrap around at the ends."""
        position = self.choices.index(self.value) if self.value in self.choices else (-1 if by > 0 else 0)
        target = position + by
        if around:
            target %= len(self.choices)
        if 0 <= target < len(self.choices):
            self._take(self.choices[target])

    def action_vertical(self, by: int) -> None:
        """Move to the next stacked choice; past the last one, or in a row, to the next field."""
        position = self.choices.index(self.value) if self.value in self.choices else 0
        if self.notes and 0 <= position + by < len(self.choices):
            self._take(self.choices[position + by])
        elif by > 0:
            self.screen.focus_next()
        else:
            self.screen.focus_previous()

    def _take(self, choice: str) -> None:
        if choice == self.value:
            return
        if choice in self.refused:
            self.post_message(self.Refused(self, choice, self.refused[choice]))
            return
        self.value = choice
        self.post_message(self.Changed(self, choice))

    def on_click(self, event: events.Click) -> None:
        if self.notes:
            if 0 <= event.y < len(self.choices):
                self._take(self.choices[event.y])
            return
        start = 0
        for choice in self.choices:
            end = start + cell_len(self.label(choice)) + 2
            if start <= event.x < end:
                self._take(choice)
                return
            start = end + 2
