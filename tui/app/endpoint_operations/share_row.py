"""A slider for a deployment's share of the traffic: left and right change it by five percent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from tui.app.widgets.help import Topic
from tui.common.cell_width import fit
from tui.plan.traffic import EMPTY, blocks

FIGURE_CELLS, LONGEST_BAR = 18, 40


class ShareRow(Widget, can_focus=True):
    """One row: name, bar, percent before and after, state. It does not change its value itself, but posts `Moved`."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {"share--bar", "share--rest", "share--quiet", "share--changed"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", "Less", show=False, id="share.less", tooltip="Five percent less."),
        Binding("right", "move(1)", "More", show=False, id="share.more", tooltip="Five percent more."),
        Binding("home", "set(0)", "None", show=False, id="share.none", tooltip="No traffic."),
        Binding("end", "set(100)", "All", show=False, id="share.all", tooltip="All traffic."),
    ]

    @dataclass
    class Moved(Message):
        """The user asks for another share: `by` steps more, or exactly `to` percent."""

        name: str
        by: int = 0
        to: int | None = None

    def __init__(self, deployment: str, before: int, state: str, about: str, names: int) -> None:
        """`before` is the current share in percent, `state` Azure's provisioning state, `about` size and instances,
        `names` the cells of the column of names."""
        super().__init__()
        self.names = names
        self.deployment = deployment
        self.before = self.after = before
        self.state = state
        self.about = about

    def topic(self) -> Topic:
        return Topic(
            self.deployment,
            "Left and right change its share by five percent, at the expense of the others. Home: none, End: all.",
            "Nothing changes until you select Apply.",
        )

    def show(self, after: int) -> None:
        """Show another share."""
        if after != self.after:
            self.after = after
            self.refresh()

    def action_move(self, by: int) -> None:
        """Ask for a share some steps higher or lower."""
        self.post_message(self.Moved(self.deployment, by))

    def action_set(self, to: int) -> None:
        """Ask for an exact share."""
        self.post_message(self.Moved(self.deployment, to=to))

    def render_line(self, y: int) -> Strip:
        width, base = self.size.width, self.rich_style
        if y:
            return Strip.blank(width, base)

        def look(name: str) -> Any:
            return base + self.get_component_rich_style(f"share--{name}", partial=True)

        cells = min(max(width - self.names - FIGURE_CELLS - 24, 10), LONGEST_BAR)
        bar = blocks(self.after, cells)
        changed = self.after != self.before
        figures = f"{self.before} % → {self.after} %" if changed else f"{self.after} %"
        ready = "" if self.state == "Succeeded" else f"{self.state}, "
        rest = max(width - 2 - self.names - cells - FIGURE_CELLS, 0)
        strip = Strip(
            [
                Segment("▸ " if self.has_focus else "  ", base),
                Segment(fit(self.deployment, self.names), base),
                Segment(bar.rstrip(EMPTY), look("bar")),
                Segment(EMPTY * bar.count(EMPTY), look("rest")),
                Segment(fit("  " + figures, FIGURE_CELLS), look("changed") if changed else base),
                Segment(fit(ready + self.about, rest), look("quiet")),
            ]
        )
        return strip.adjust_cell_length(width, base)
