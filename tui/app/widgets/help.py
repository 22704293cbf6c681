"""Help for the focused widget: two rows below the fields, or a column next to them on a wide screen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from rich.cells import cell_len
from textual.content import Content
from textual.widgets import Button, Static

from tui.common.cell_width import wrap


@dataclass(frozen=True)
class Topic:
    """A help text: what a thing is, why it matters here, an example, its value and source, its default, its keys."""

    title: str
    what: str
    why: str = ""
    example: str = ""
    value: str = ""
    source: str = ""
    choices: str = ""
    link: str = ""
    default: str = ""
    keys: str = ""

    def short(self, width: int, rows: int) -> str:
        """Return the help cut to `rows` rows of this width; if cut, it ends with the key for the rest."""
        for example in (f"Example: {self.example}." if self.example else "", ""):
            lines = wrap(" ".join(part for part in (self.what, self.why, example) if part), width)
            if len(lines) <= rows:
                return "\n".join(lines)
        more = " … more: ctrl+g"
        last = wrap(" ".join(lines[rows - 1 :]), width - cell_len(more))[0]
        return "\n".join([*lines[: rows - 1], last + more])

    def full(self, title: bool = True) -> Content:
        """Return the complete help with headings; `title` says whether to start with the title."""
        content = Content.styled(self.title, "bold") if title else Content()
        for heading, text in (
            ("", self.what),
            ("", self.why),
            ("Options", self.choices),
            ("Example", self.example),
            ("Value", self.value),
            ("Source", self.source),
            ("Default", self.default),
            ("Keys", self.keys),
            ("Read more", self.link),
        ):
            if not text:
                continue
            content += Content("\n\n" if content.plain else "")
            if heading:
                content += Content.styled(f"{heading}\n", "$text-muted")
            content += Content(text)
        return content


class HelpButton(Button):
    """A button with its own help topic; its label defaults to the topic's title."""

    def __init__(self, topic: Topic, label: str | None = None, **options: Any) -> None:
        super().__init__(topic.title if label is None else label, compact=True, **options)
        self._topic = topic

    def topic(self) -> Topic:
        return self._topic


class HelpBar(Static):
    """Two rows of help below the fields."""

    ROWS = 2

    def __init__(self) -> None:
        super().__init__(id="help-bar", markup=False)
        self.topic_shown: Topic | None = None

    def show(self, topic: Topic | None) -> None:
        """Show a topic, or nothing."""
        self.topic_shown = topic
        self._write()

    def on_resize(self) -> None:
        self._write()

    def _write(self) -> None:
        width = self.content_size.width
        if width > 0:
            # Its height is fixed: without a layout of the whole screen each time the focus moves.
            self.update(self.topic_shown.short(width, self.ROWS) if self.topic_shown else "", layout=False)


class SideHelp(Static):
    """A column of help next to the fields."""

    def __init__(self) -> None:
        super().__init__(id="side-help", markup=False)

    def show(self, topic: Topic | None) -> None:
        """Show a topic, or nothing."""
        self.update(topic.full() if topic else "", layout=False)  # its size is fixed too
