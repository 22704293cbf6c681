"""Draws the network path from this machine to Azure: a line per host with connection, address and state."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import set_cell_size
from textual.binding import Binding
from textual.content import Content
from textual.message import Message
from textual.widgets.option_list import Option

from tui.app.steps.network.network_path_drawing import Hop, explain
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.facts import STYLES
from tui.app.widgets.help import Topic
from tui.common.cell_width import cut, ljust


class NetworkPath(OptionList):
    """A list of hosts; highlighting one posts a message, so that the screen can show its details."""

    BINDINGS: ClassVar = [
        Binding("space", "select", "Details", show=False, id="path.details", tooltip="All details of the host."),
    ]

    class Marked(Message):
        """Another host is highlighted, or its details have changed."""

    def __init__(self, id: str | None = None) -> None:
        super().__init__(id=id)
        self.hops: list[Hop] = []
        self._drawn: object = None
        self._position = 0

    @property
    def marked(self) -> Hop | None:
        """The host under the cursor."""
        return self.hops[self.highlighted] if self.highlighted is not None and self.hops else None

    def show(self, hops: Sequence[Hop]) -> None:
        """Draw these hosts; the cursor keeps its host, or initially goes to the first with a problem."""
        before = self.marked
        first = not self.hops or all(hop.state in ("asking", "not_asked") for hop in self.hops)
        self.hops = list(hops)
        names = [hop.name for hop in self.hops]
        wrong = next((number for number, hop in enumerate(self.hops) if hop.kind == "bad"), 0)
        kept = names.index(before.name) if before is not None and before.name in names else self._position
        self._draw(wrong if first else kept)

    def on_resize(self) -> None:
        self._draw(self._position if self.highlighted is None else self.highlighted)

    def _draw(self, position: int) -> None:
        self._position = position  # kept for the first layout, before which there is no width
        width = self.scrollable_content_region.width
        if width < 30 or (width, self.hops, position) == self._drawn:
            return
        self._drawn = (width, list(self.hops), position)
        with self.prevent(OptionList.OptionHighlighted):
            self.clear_options()
            self.add_options(
                [Option(self._line(hop, width, number == len(self.hops) - 1)) for number, hop in enumerate(self.hops)]
            )
            self.highlighted = position if self.hops else None
        self.post_message(self.Marked())

    def _line(self, hop: Hop, width: int, last: bool) -> Content:
        look = STYLES[hop.kind]
        address = ljust(hop.addresses[0] if hop.addresses else "", 15)
        left = Content.assemble(("└" if last else "├", "$text-muted"), (hop.line, look), " ")
        title = (set_cell_size(hop.title, 20), "bold" if hop.needed else "$text-muted")
        line = left + Content.assemble((f"{hop.sign} ", look), title, " ", address, " ", (ljust(hop.words, 14), look))
        room = width - line.cell_length - 2
        if room < 20 or not hop.host:
            return line
        return line + Content.styled(f"  {cut(hop.host, room)}", "$text-muted")

    def on_option_list_option_highlighted(self) -> None:
        self.post_message(self.Marked())

    def topic(self) -> Topic | None:
        hop = self.marked
        if hop is None:
            return None
        sentences = [text for _, text in explain(hop)]
        return Topic(hop.title, " ".join(sentences), value=hop.host)
