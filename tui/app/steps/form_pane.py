"""The base of panes that are forms: shows the step's fields, with the step's own widgets above and below."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state.background import in_thread
from tui.app.state.store import Store
from tui.app.steps.field_groups import group_of, grouped
from tui.app.steps.step_pane import Action, Pane
from tui.app.text import formatting
from tui.app.widgets.field_row import FieldRow
from tui.plan.fields.all_fields import BY_KEY, Field, fields_of


class FieldHeading(Static):
    """The heading of a group of rows; hidden if none of them applies."""

    def __init__(self, text: str, rows: Sequence[FieldRow]) -> None:
        super().__init__(text, classes="field-heading", markup=False)
        self.rows = rows


class FormScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus; PgUp and PgDn still switch steps."""


class FormPane(Pane):
    """Shows the fields of a step, one row each. Subclasses add widgets above and below them."""

    BINDINGS: ClassVar = [
        Binding("up", "app.focus_previous", "Up", show=False, id="form.up", tooltip="The previous field."),
        Binding("down", "app.focus_next", "Down", show=False, id="form.down", tooltip="The next field."),
    ]

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.all_fields = False

    def compose(self) -> ComposeResult:
        with FormScroll():
            yield from self.above()
            for field in fields_of(self.step):
                if self.store.document.asked(field.key):  # the others get a row once they apply
                    yield self.row_for(field)
            yield from self.below()

    def row_for(self, field: Field, label: str = "") -> FieldRow:
        """Create a field's row."""
        return FieldRow(field, self.store, label=label)

    def above(self) -> Iterable[Widget]:
        """Return the widgets above the fields."""
        return ()

    def below(self) -> Iterable[Widget]:
        """Return the widgets below the fields."""
        return ()

    def less_usual(self) -> int:
        """The number of less common fields, hidden at first."""
        return len(fields_of(self.step, advanced=True)) - len(fields_of(self.step))

    @property
    def extra_label(self) -> str:  # type: ignore[override]
        """The third button shows or hides the less common fields."""
        count = self.less_usual()
        if not count:
            return ""
        return "Fewer fields" if self.all_fields else formatting.count(count, "more field")

    async def extra(self) -> None:
        await self.show_all(not self.all_fields)

    def heard(self, name: str) -> None:
        if not self.is_attached:
            return
        if name in BY_KEY or name == "ready":
            rows = self.rows()
            for row in rows:
                row.reread()
            self._add_rows(rows)
            self._show_headings()
        self.changed(name)

    def _add_rows(self, rows: Sequence[FieldRow]) -> None:
        """Add a row for each field that applies now and has none."""
        above: Widget | None = None
        there = {row.field.key: row for row in rows}
        for field in fields_of(self.step, advanced=self.all_fields):
            row = there.get(field.key)
            if row is None and above is not None and self.store.document.asked(field.key):
                row = self.row_for(field, group_of(field)[1])
                self.query_one(FormScroll).mount(row, after=above)
            above = row or above

    def changed(self, name: str) -> None:
        """React to a changed field, an answered or discarded query, or the environment becoming complete."""

    def rows(self) -> list[FieldRow]:
        """Return the existing rows, in order."""
        return list(self.query(FieldRow))

    def row(self, key: str) -> FieldRow:
        """Return a field's row."""
        return self.query_one("#row-" + key.replace(".", "-"), FieldRow)

    def landing(self) -> Widget | None:
        return next((row.control for row in self.rows() if row.display), None)

    async def validate(self) -> None:
        problems = await in_thread(self.store.problems, self.step)
        if any(BY_KEY[key].advanced for key in problems) and not self.all_fields:
            await self.show_all(True)
        for row in self.rows():
            row.complain(problems.get(row.field.key))

    def first_error(self) -> Widget | None:
        return next((row.control for row in self.rows() if row.error and row.display), None)

    def show_field(self, key: str) -> None:
        async def show() -> None:
            if BY_KEY[key].advanced and not self.all_fields:
                await self.show_all(True)
            self.row(key).control.focus()

        self.run_worker(show(), group="show-field", exclusive=True)

    async def show_all(self, show: bool) -> None:
        """Show or hide the less common fields."""
        self.all_fields = show
        self.set_class(show, "-all-fields")
        shown = {row.field.key for row in self.rows()}
        wanted = fields_of(self.step, advanced=True)
        if show:
            rows = self._grouped([field for field in wanted if field.key not in shown])
            await self.query_one(FormScroll).mount_all(rows, after=self.rows()[-1])
            self._show_headings()
            first = next((row for row in rows if isinstance(row, FieldRow)), None)
            if first is not None:
                first.control.focus()
        else:
            await self.query(FieldRow).filter(".-less-usual").remove()
            await self.query(".field-heading").remove()
        for row in self.rows():
            row.set_class(row.field.advanced, "-less-usual")
        self.post_message(self.Relabel())

    def _grouped(self, fields: Iterable[Field]) -> list[Widget]:
        """Create rows for fields, those of a group together under its heading."""
        found: list[Widget] = []
        for heading, members in grouped(fields):
            rows = [self.row_for(field, label) for field, label in members]
            found += [FieldHeading(heading, rows), *rows] if heading else rows
        return found

    def _show_headings(self) -> None:
        for heading in self.query(FieldHeading) if self.all_fields else ():
            heading.display = any(row.display for row in heading.rows)

    @on(FieldRow.Submitted)
    def _entered(self, event: FieldRow.Submitted) -> None:
        """Go to the next field on Enter; after the last one, to a button."""
        event.stop()
        shown = [row for row in self.rows() if row.display]
        following = shown[shown.index(event.row) + 1 :]
        (following[0].control if following else self.after_fields()).focus()

    def after_fields(self) -> Widget:
        """Return the widget that Enter goes to from the last field."""
        return self.screen.query_one("#next")

    def actions(self) -> list[Action]:
        if not self.less_usual():
            return []
        return [Action(self.extra_label, "Less common fields of this step.", self._toggle)]

    def _toggle(self) -> None:
        self.run_worker(self.show_all(not self.all_fields), group="show-all", exclusive=True)
