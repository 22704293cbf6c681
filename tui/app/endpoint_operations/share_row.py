"""A deployment's share of the traffic as a slider: left and right move it by five."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.app.text.cell_width import fit
from tui.app.widgets.help import Topic

NAME_CELLS, FIGURE_CELLS, LONGEST_BAR = 22, 18, 40


class ShareRow(Widget, can_focus=True):
    """One row: name, bar, percent before and after, state. It does not change itself: `Moved` asks for it."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"share--bar", "share--rest", "share--quiet", "share--changed"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Less", show=False, id="share.less", tooltip="Five percent less"),
        Binding("right", "move(1)", "More", show=False, id="share.more", tooltip="Five percent more"),
        Binding("home", "set(0)", "None", show=False, id="share.none", tooltip="No requests"),
        Binding("end", "set(100)", "All", show=False, id="share.all", tooltip="All requests"),
    ]

    @dataclass
    class Moved(Message):
        """A share is to become another one: `by` steps more, or exactly `to` percent."""

        name: str
        by: int = 0
        to: int | None = None

    def __init__(self, deployment: str, before: int, state: str, about: str = "", **options: Any) -> None:
        """`before` is the share now in percent, `state` Azure's provisioning state, `about` its size and instances."""
        super().__init__(**options)
        self.deployment = deployment
        self.before = self.after = before
        self.state = state
        self.about = about

    def topic(self) -> Topic:
        """Help about a share."""
        return Topic(
            self.deployment,
            "Left and right move its share by five percent; the others give or take it. Home: none, End: all.",
            "Nothing changes before Apply.",
        )

    def show(self, after: int) -> None:
        """Show another share."""
        if after != self.after:
            self.after = after
            self.refresh()

    def on_focus(self) -> None:
        """The row in focus is marked."""
        self.refresh()

    def on_blur(self) -> None:
        """See on_focus."""
        self.refresh()

    def action_move(self, by: int) -> None:
        """Ask for a step more or less."""
        self.post_message(self.Moved(self.deployment, by))

    def action_set(self, to: int) -> None:
        """Ask for an exact share."""
        self.post_message(self.Moved(self.deployment, to=to))

    def render_line(self, y: int) -> Strip:
        """The row."""
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)

        def look(name: str) -> Any:
            return base + self.get_component_rich_style(f"share--{name}", partial=True)

        cells = min(max(width - NAME_CELLS - FIGURE_CELLS - 24, 10), LONGEST_BAR)
        filled = round(self.after * cells / 100)
        changed = self.after != self.before
        figures = f"{self.before} % → {self.after} %" if changed else f"{self.after} %"
        ready = "" if self.state == "Succeeded" else f"{self.state}, "
        rest = max(width - 2 - NAME_CELLS - cells - FIGURE_CELLS, 0)
        strip = Strip(
            [
                Segment("▸ " if self.has_focus else "  ", base),
                Segment(fit(self.deployment, NAME_CELLS - 1) + " ", base),
                Segment("━" * filled, look("bar")),
                Segment("┄" * (cells - filled), look("rest")),
                Segment(fit("  " + figures, FIGURE_CELLS), look("changed") if changed else base),
                Segment(fit(ready + self.about, rest), look("quiet")),
            ]
        )
        return strip.adjust_cell_length(width, base)
