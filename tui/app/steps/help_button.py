"""A button with its own help text."""

from __future__ import annotations

from typing import Any

from textual.widgets import Button

from tui.app.widgets.help import Topic


class HelpButton(Button):
    """A button with its own help topic; its label defaults to the topic's title."""

    def __init__(self, topic: Topic, label: str | None = None, **options: Any) -> None:
        super().__init__(topic.title if label is None else label, compact=True, **options)
        self._topic = topic

    def topic(self) -> Topic:
        return self._topic
