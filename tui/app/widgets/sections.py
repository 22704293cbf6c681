"""A row of names, one of which is chosen: left and right choose, Enter or Down go into what is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widget import Widget


class Sections(Widget, can_focus=True):
    """One row; the chosen name stands between brackets, so that it does not need colour."""

    BINDINGS: ClassVar = [
        Binding("left", "move(-1)", "Left", show=False, id="sections.left", tooltip="The section to the left."),
        Binding("right", "move(1)", "Right", show=False, id="sections.right", tooltip="The section to the right."),
        Binding("home", "end_of(0)", "First", show=False, id="sections.first", tooltip="The first section."),
        Binding("end", "end_of(-1)", "Last", show=False, id="sections.last", tooltip="The last section."),
        Binding("enter,space,down", "into", "Into it", show=False, id="sections.into", tooltip="Go into the section."),
    ]

    @dataclass
    class Chosen(Message):
        """Another section, or `into` the one that is chosen."""

        section: str
        into: bool

    def __init__(self, titles: Mapping[str, str], **options: Any) -> None:
        super().__init__(**options)
        self.titles = dict(titles)
        self.chosen = next(iter(titles))

    def render(self) -> Content:
        """The names."""
        parts: list[Any] = []
        for name, title in self.titles.items():
            if name == self.chosen:
                parts += [(f"[{title}]", "bold reverse" if self.has_focus else "bold"), " "]
            else:
                parts += [(f" {title} ", "$text-muted"), " "]
        return Content.assemble(*parts)

    def choose(self, name: str, into: bool = False) -> None:
        """Choose a section."""
        self.chosen = name
        self.refresh()
        self.post_message(self.Chosen(name, into))

    def action_move(self, by: int) -> None:
        """The one beside it."""
        names = list(self.titles)
        at = names.index(self.chosen) + by
        if 0 <= at < len(names):
            self.choose(names[at])

    def action_end_of(self, at: int) -> None:
        """The first or the last one."""
        self.choose(list(self.titles)[at])

    def action_into(self) -> None:
        """Go into it."""
        self.choose(self.chosen, into=True)
