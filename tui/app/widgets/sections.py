"""A row of section names (tabs): left and right choose, Enter or Down move the focus into the section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Sections(Widget, can_focus=True):
    """A row of section names; the chosen one is in brackets, so that it does not depend on colour."""

    BINDINGS: ClassVar = [
        Binding("left", "move(-1)", "Left", show=False, id="sections.left", tooltip="The section to the left."),
        Binding("right", "move(1)", "Right", show=False, id="sections.right", tooltip="The section to the right."),
        Binding("home", "end_of(0)", "First", show=False, id="sections.first", tooltip="The first section."),
        Binding("end", "end_of(-1)", "Last", show=False, id="sections.last", tooltip="The last section."),
        Binding(
            "enter,space,down",
            "into",
            "Open",
            show=False,
            id="sections.into",
            tooltip="Move the focus into the section.",
        ),
    ]

    @dataclass
    class Chosen(Message):
        """A section was chosen; `into` asks to move the focus into it."""

        section: str
        into: bool

    def __init__(self, titles: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.titles = dict(titles)
        self.chosen = next(iter(titles))

    def render(self) -> Content:
        parts: list[Any] = []
        for name, title in self.titles.items():
            if name == self.chosen:
                parts += [(f"[{title}]", "bold reverse" if self.has_focus else "bold"), " "]
            else:
                parts += [(f" {title} ", "$text-muted"), " "]
        return Content.assemble(*parts)

    def choose(self, name: str, into: bool = False) -> None:
        """Choose a section, and with `into` move the focus into it."""
        self.chosen = name
        self.refresh()
        self.post_message(self.Chosen(name, into))

    def action_move(self, by: int) -> None:
        """Choose a neighbouring section."""
        names = list(self.titles)
        at = names.index(self.chosen) + by
        if 0 <= at < len(names):
            self.choose(names[at])

    def action_end_of(self, at: int) -> None:
        """Choose the first or the last section."""
        self.choose(list(self.titles)[at])

    def action_into(self) -> None:
        """Move the focus into the chosen section."""
        self.choose(self.chosen, into=True)
