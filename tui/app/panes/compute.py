"""Compute: how many machines of which size, with the quota that is left for them."""

from __future__ import annotations

from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.app.panes.asking import DEBOUNCE, AskingPane
from tui.app.store import DEPENDS
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.help import Topic

SIZE = "deployment.instance_type"
HEAD = ("Size", "Cores", "Memory", "GPU", "Quota", "Fits")
WIDTHS = (28, 5, 9, 3, 9, 0)


class SizeTable(OptionList, inherit_bindings=False):
    """The sizes, one a row; Enter takes the marked one."""

    BINDINGS: ClassVar = [
        Binding("up", "cursor_up", "Up", show=False, id="sizes.up", tooltip="The size above."),
        Binding("down", "cursor_down", "Down", show=False, id="sizes.down", tooltip="The size below."),
        Binding("pageup", "page_up", "Page up", show=False, id="sizes.page_up", tooltip="A page up."),
        Binding("pagedown", "page_down", "Page down", show=False, id="sizes.page_down", tooltip="A page down."),
        Binding("home", "first", "First", show=False, id="sizes.first", tooltip="The first size."),
        Binding("end", "last", "Last", show=False, id="sizes.last", tooltip="The last size."),
        Binding("enter,space", "select", "Take", show=False, id="sizes.take", tooltip="Take the marked size."),
    ]

    offers: list[dict[str, Any]]

    def topic(self) -> Topic | None:
        """Help about the marked size."""
        if self.highlighted is None or not self.offers:
            return None
        offer = self.offers[self.highlighted]
        return Topic(
            str(offer["name"]),
            f"{offer['reason']} Enter takes this size; Esc leaves the table.",
            value=str(offer["name"]),
            link="https://learn.microsoft.com/azure/machine-learning/reference-managed-online-endpoints-vm-sku-list",
        )


class ComputePane(AskingPane):
    """Size and number of instances, with a table of the sizes of this region."""

    step = "compute"

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield Facts(id="found", column=5)
        yield OptionTitle("  " + row(HEAD))
        table = SizeTable(id="sizes")
        table.offers = []
        yield table

    def on_mount(self) -> None:
        super().on_mount()
        self._show([])

    def arrive(self) -> None:
        if "sizes" in self.store.facts:
            self._show(self.store.facts["sizes"])
        else:
            self._look(0)

    def changed(self, name: str) -> None:
        if name.startswith(DEPENDS["sizes"]) and self.display:
            self._look(DEBOUNCE)
        elif name == SIZE and "sizes" in self.store.facts:
            self._judge(self.store.facts["sizes"])
        elif name == "ready" and self.display:
            self._look(0)

    def _look(self, wait: float) -> None:
        self.run_worker(partial(self._ask, wait), group="sizes", exclusive=True)

    async def _ask(self, wait: float) -> None:
        if self.store.problem("deployment.instance_count"):
            return
        answer = await self.question("sizes", self.query_one("#found", Facts), "Reading sizes and quota", wait=wait)
        if answer is not None:
            self._show(answer)

    def _show(self, offers: list[dict[str, Any]]) -> None:
        table = self.query_one("#sizes", SizeTable)
        self.query_one(OptionTitle).display = table.display = bool(offers)
        ordered = sorted(offers, key=lambda offer: (offer["fits"] is False, offer["gpus"] > 0, offer["cores"]))
        if ordered != table.offers:
            table.offers = ordered
            table.clear_options()
            table.add_options([Option("") for _ in ordered])
        if offers:
            self._judge(offers)

    def _judge(self, offers: list[dict[str, Any]]) -> None:
        chosen = str(self.store.value(SIZE) or "")
        offer = next((item for item in offers if item["name"].lower() == chosen.lower()), None)
        table = self.query_one("#sizes", SizeTable)
        for number, item in enumerate(table.offers):
            mark = "● " if item is offer else "  "
            table.replace_option_prompt_at_index(number, mark + row(cells(item)))
            if item is offer:
                table.highlighted = number
        table.call_after_refresh(table.scroll_to_highlight)
        facts = self.query_one("#found", Facts)
        if offer is None:
            facts.show([Fact("warn", "Quota", f"{chosen} is not among the sizes offered here; see the table.")])
        elif offer["fits"] is None:
            facts.show([Fact("none", "Quota", f"Not known: {offer['reason']}")])
        else:
            facts.show([Fact("ok" if offer["fits"] else "bad", "Quota", str(offer["reason"]))])

    @on(OptionList.OptionSelected, "#sizes")
    def _taken(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        table = self.query_one("#sizes", SizeTable)
        self.store.set(SIZE, str(table.offers[event.option_index]["name"]))
        self.row(SIZE).complain(None)

    @on(OptionList.OptionHighlighted, "#sizes")
    def _marked(self, event: OptionList.OptionHighlighted) -> None:
        show = getattr(self.screen, "show_help", None)
        if callable(show) and self.query_one("#sizes").has_focus:
            show()


class OptionTitle(Widget):
    """The head of the table."""

    def __init__(self, text: str) -> None:
        super().__init__(classes="table-head")
        self.text = text

    def render(self) -> Content:
        return Content.styled(self.text, "bold $text-muted")


def cells(offer: dict[str, Any]) -> tuple[str, ...]:
    """A size as texts of the table."""
    memory = offer.get("memory_gib")
    left = offer.get("quota_left")
    fits = {True: "✔ fits", False: "✖ no", None: "· not known"}[offer.get("fits")]
    gpus = offer.get("gpus") or 0
    return (
        str(offer["name"]),
        str(offer["cores"]),
        "" if memory is None else f"{memory:g} GiB",
        f"{gpus:g}" if gpus else "",
        "" if left is None else f"{left} left",
        fits,
    )


def row(texts: tuple[str, ...]) -> str:
    """The texts in columns; numbers to the right."""
    parts = []
    for number, (text, width) in enumerate(zip(texts, WIDTHS)):
        parts.append(text.rjust(width) if 0 < number < len(WIDTHS) - 1 else text.ljust(width))
    return "  ".join(parts).rstrip()
