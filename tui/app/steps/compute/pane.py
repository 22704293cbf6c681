"""The step Compute: size and number of instances, with the quota left and the cost."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Button, Static

from tui.app.state.side_by_side import existing_deployment
from tui.app.steps.compute import size_columns
from tui.app.steps.compute.size_columns import SizeRow
from tui.app.steps.compute.size_table import SizeTable
from tui.app.steps.form_pane import DEBOUNCE, FormPane
from tui.app.steps.review import summary
from tui.app.steps.step_findings import StepFindings
from tui.app.text.formatting import count as counted
from tui.app.text.formatting import size as bytes_in_words
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.help import Topic
from tui.app.widgets.inputs import TextInput
from tui.plan.fields.all_fields import Field

SIZE = "deployment.instance_type"
COUNT = "deployment.instance_count"
NAME = "deployment.name"
SHOWN = ("workspace", "endpoint", "sizes", "inspect_model", "cost", "measured")
LIMITS = ("deployment.autoscale.minimum", "deployment.autoscale.maximum")


class SizeFilter(TextInput):
    """Filters the table of sizes as you type."""

    def topic(self) -> Topic:
        return Topic("Filter", size_columns.FILTER_HELP, "Enter goes to the table.", example="fits memory>=32 price<1")


class ComputePane(FormPane):
    """Shows size and number of instances, and a table of the region's sizes."""

    step: ClassVar[str] = "compute"
    asks = "sizes"
    reads = ("sizes",)
    busy = "Reading sizes and quota"
    roomy = True

    def compose(self) -> ComposeResult:
        yield from super().compose()
        with Horizontal(id="size-filter"):
            yield Static("Filter", classes="field-label", markup=False)
            yield SizeFilter(placeholder="name, gpu, fits, cores>=8, price<1", id="filter")
            yield Static("", id="size-count", markup=False)
            yield Button("Measure", id="size-measure", compact=True, tooltip="Measure under load which size is needed.")
        yield Static(id="size-head", classes="table-head", markup=False)
        yield SizeTable(id="sizes")
        yield Static(
            "To show the table of sizes: Down in the field Size, or Fewer fields.", id="sizes-away", markup=False
        )
        yield Facts(id="found", column=6)  # below the table, so that its rows do not move when lines appear
        yield StepFindings(self.store, self.step)

    def row_for(self, field: Field, label: str = "") -> FieldRow:
        return FieldRow(field, self.store, label=label, table="sizes" if field.key == SIZE else "")

    def on_mount(self) -> None:
        self._show()

    def arrive(self) -> None:
        self._show()
        if "sizes" not in self.store.facts:
            self.look()
        self.learn("workspace")  # the region, for the prices; if it cannot be read, the cost line says so
        self.learn("cost")  # from Microsoft's price list; until then, or without it, the table's price is shown

    def changed(self, names: frozenset[str]) -> None:
        super().changed(names)
        if not names.isdisjoint((SIZE, COUNT, NAME, *LIMITS, *SHOWN)):
            self._show()
            if not names.isdisjoint((SIZE, COUNT)) and self.display:
                self.learn("cost", wait=DEBOUNCE)

    def outdated(self) -> None:
        """Clear the table: its sizes belong to another workspace."""
        self._show()

    def answered(self, answer: Any) -> None:
        self._show()

    # Content

    def _rows(self) -> list[SizeRow]:
        offers: list[dict[str, Any]] = self.store.facts.get("sizes") or []
        number = self.store.value(COUNT)
        if isinstance(number, bool) or not isinstance(number, int) or self.store.problem(COUNT):
            number = 1  # while the number is being edited
        found = size_columns.rows(offers, number, self._region, existing_deployment(self.store))
        refused, held = self._measured
        return [
            replace(row, holds=True if row.size.name in held else False if row.size.name in refused else None)
            for row in found
        ]

    @property
    def _measured(self) -> tuple[Mapping[str, str], Collection[str]]:
        """Why sizes do not hold the load that was measured for, by name, and the names of those that do."""
        if "measured" not in self.store.facts:
            return {}, ()
        found = self.store.facts["measured"].recommendation
        return found.refused, {*(choice.size.name for choice in found.choices), *found.dearer}

    @property
    def _region(self) -> str:
        workspace: Mapping[str, Any] = self.store.facts.get("workspace") or {}
        return str(workspace.get("location") or "")

    def _show(self) -> None:
        everything = self._rows()
        shown = size_columns.matching(everything, self.query_one("#filter", SizeFilter).value)
        table = self.query_one("#sizes", SizeTable)
        self.set_class(not everything, "-no-sizes")
        said = counted(len(shown), "size") if len(shown) == len(everything) else f"{len(shown)} of {len(everything)}"
        self.query_one("#size-count", Static).update(said)
        table.show(shown, str(self.store.value(SIZE) or ""))
        self._tell()

    def _tell(self) -> None:
        """Show quota and cost of the highlighted size while the table has the focus, else of the plan's size."""
        everything = self._rows()
        if not everything:
            return
        table = self.query_one("#sizes", SizeTable)
        chosen = str(self.store.value(SIZE) or "")
        row = next((item for item in everything if item.size.name.lower() == chosen.lower()), None)
        marked = table.marked if table.has_focus else None
        facts = self.query_one("#found", Facts)
        if marked is not None and marked != row:
            facts.show([Fact("", "Size", f"{marked.size.name}; Enter selects it."), *self._about(marked)])
        elif row is None:
            facts.show([Fact("warn", "Size", f"{chosen or 'No size'} is not offered in this region.")])
        else:
            facts.show([Fact("", "Size", _in_words(row)), *self._about(row)])

    def _about(self, row: SizeRow) -> list[Fact]:
        from tui.plan import sizes

        kind = {True: "ok", False: "bad", None: "none"}[row.fit.fits]
        facts = [Fact(kind, "Quota", row.fit.reason if row.fit.fits is not None else f"Not known: {row.fit.reason}")]
        live = summary.estimate(self.store)
        told = size_columns.cost_in_words(row, self._region, live)
        facts.append(Fact("none" if told.startswith("Not known") else "", "Cost", told))
        if row.holds is False:
            facts.append(Fact("bad", "Load", self._measured[0][row.size.name]))
        each = live["hour"] / live["count"] if live and live["size"] == row.size.name else row.price
        if words := summary.autoscaled(self.store, each, sizes.price_currency()):
            facts.append(Fact("", "Autoscale", words))
        facts += [Fact("warn", "Note", text) for text in sizes.warnings(row.size)]
        model = int((self.store.facts.get("inspect_model") or {}).get("bytes") or 0)
        memory = row.size.memory_gib
        if memory and model > memory * 2**30:
            facts.append(
                Fact(
                    "warn", "Memory", f"The model is {bytes_in_words(model)}, larger than the memory of {memory:g} GiB."
                )
            )
        return facts

    # Actions

    @on(FieldRow.Opened)
    async def _open_table(self) -> None:
        """Focus the table, and make room for it if all fields are shown."""
        table = self.query_one("#sizes", SizeTable)
        if not table.rows:
            self.say("The sizes are not loaded yet: type one.")
            return
        if not table.display or not table.region.height:
            await self.show_all(False)
        table.pick(str(self.store.value(SIZE) or ""))
        self.call_after_refresh(table.focus)  # a widget that was just shown cannot be focused before a refresh

    @on(Button.Pressed, "#size-measure")
    def measure(self) -> None:
        """Measure the model under load on this machine, in a dialog."""
        from tui.app.dialogs.sizing import SizingScreen

        self.app.push_screen(SizingScreen(self.store))

    @on(TextInput.Changed, "#filter")
    def _filtered(self, event: TextInput.Changed) -> None:
        event.stop()
        self._show()

    @on(TextInput.Submitted, "#filter")
    def _to_table(self) -> None:
        self.query_one("#sizes").focus()

    @on(OptionList.OptionSelected, "#sizes")
    def _taken(self) -> None:
        marked = self.query_one("#sizes", SizeTable).marked
        if marked is not None:
            self.store.set(SIZE, marked.size.name)
            self.row(SIZE).complain(None)

    @on(SizeTable.Marked)
    def _marked(self) -> None:
        self._tell()
        if self.query_one("#sizes").has_focus:
            self.refresh_help()

    @on(SizeTable.Heads)
    def _heads(self, event: SizeTable.Heads) -> None:
        self.query_one("#size-head", Static).update(Content.styled(event.text, "bold $text-muted"))

    def on_descendant_focus(self) -> None:
        self.call_later(self._tell)

    def copied_text(self) -> str | None:
        table = self.query_one("#sizes", SizeTable)
        if not table.rows:
            return None
        columns = size_columns.columns(200)
        lines = [
            "  ".join(size_columns.line(columns)),
            *("  ".join(size_columns.line(columns, row)) for row in table.rows),
        ]
        return "\n".join(line.rstrip() for line in lines) + "\n"


def _in_words(row: SizeRow) -> str:
    """Describe a size in a few words."""
    memory = f", {row.size.memory_gib:g} GiB" if row.size.memory_gib else ""
    gpus = f", {row.size.gpus:g} GPU" if row.size.gpus else ""
    holds = "; it holds the load, as measured" if row.holds else ""
    return f"{row.size.name}: {counted(row.size.cores, 'core')}{memory}{gpus}{holds}"
