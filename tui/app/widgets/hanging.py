"""A text whose wrapped lines keep their indent."""

from __future__ import annotations

import re

from textual.content import Content
from textual.visual import VisualType
from textual.widgets import Static

# The indent of a line and the name in its first column, which two spaces end.
_HEAD = re.compile(r" *(?:\S(?:\S| (?! )){0,22} {2,})?")


class HangingText(Static):
    """A text; what does not fit on a line goes on below the line's own text, not below its name or its indent."""

    def __init__(self, text: Content | str = "", id: str | None = None) -> None:
        super().__init__(text, id=id, markup=False)
        self._text = text if isinstance(text, Content) else Content(text)

    def update(self, content: VisualType = "", *, layout: bool = True) -> None:
        self._text = content if isinstance(content, Content) else Content(str(content))
        self.on_resize()

    def on_resize(self) -> None:
        """Break the lines again."""
        width = self.content_size.width
        if width > 0:
            lines = self._text.split("\n", allow_blank=True)
            super().update(Content("\n").join(part for line in lines for part in hung(line, width)))


def hung(line: Content, width: int) -> list[Content]:
    """Break a line after `width` cells; the following ones are indented like its text."""
    found = _HEAD.match(line.plain)
    indent = found.end() if found and found.end() < width // 2 else 0
    first, *more = line[indent:].wrap(width - indent) or [Content("")]
    return [line[:indent] + first, *(Content(" " * indent) + part for part in more)]
