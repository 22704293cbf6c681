"""A button that explains itself in the help rows."""

from __future__ import annotations

from typing import Any

from textual.widgets import Button

from tui.app.widgets.help import Topic


class HelpButton(Button):
    """A button with a topic of its own; the topic's title is its label, where it is given none."""

    def __init__(self, topic: Topic, label: str | None = None, **options: Any) -> None:
        super().__init__(topic.title if label is None else label, compact=True, **options)
        self._topic = topic

    def topic(self) -> Topic:
        """Help for the button."""
        return self._topic
