"""The base of panes that are forms: shows the step's fields and the helper's answers about them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import VerticalScroll
from textual.widget import Widget
from textual.widgets import Static

from tui.app.state.answers import BLINK
from tui.app.state.background import in_background
from tui.app.state.freshness import CHANGED_BY_RUNS
from tui.app.state.questions import concerned
from tui.app.state.store import Store
from tui.app.steps.field_groups import group_of, grouped
from tui.app.steps.step_pane import Action, Pane
from tui.app.text import formatting
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.field_row import FieldRow
from tui.plan.fields.all_fields import BY_KEY, Field, fields_of

DEBOUNCE = 0.5  # seconds without a key before a slow query is sent
DECIDING = frozenset(field.only_if[0] for field in BY_KEY.values() if field.only_if)  # which other fields apply


class FieldHeading(Static):
    """The heading of a group of rows; hidden if none of them applies."""

    def __init__(self, text: str, rows: Sequence[FieldRow]) -> None:
        super().__init__(text, classes="field-heading", markup=False)
        self.rows = rows


class FormScroll(VerticalScroll, can_focus=False, inherit_bindings=False):
    """Scrolls with the focus; PgUp and PgDn still switch steps."""


class FormPane(Pane):
    """Shows the fields of a step, one row each, and the helper's answers in a Facts widget with the id `found`.

    Subclasses add widgets above and below the fields. A step mainly has one query: `asks` is its name, `busy` the text
    shown meanwhile, `patience` the timeout in seconds. It is sent when the environment is complete, and when typing in
    a field that affects it pauses.
    """

    asks: ClassVar[str] = ""
    busy: ClassVar[str] = ""
    patience: ClassVar[float] = 60
    indented: ClassVar[bool] = True  # whether what is said below a field begins under its value, not under its label

    BINDINGS: ClassVar = [
        Binding("up", "app.focus_previous", "Up", show=False, id="form.up", tooltip="The previous field."),
        Binding("down", "app.focus_next", "Down", show=False, id="form.down", tooltip="The next field."),
    ]

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.all_fields = False
        self.raw_errors: dict[str, str] = {}  # by question

    def compose(self) -> ComposeResult:
        with FormScroll():
            yield from self.above()
            for field in fields_of(self.step):
                if self.store.document.asked(field.key):  # the others get a row once they apply
                    yield self.row_for(field)
            yield from self.below()

    def row_for(self, field: Field, label: str = "") -> FieldRow:
        """Create a field's row."""
        return FieldRow(field, self.store, label=label, indented=self.indented)

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

    def heard(self, names: frozenset[str]) -> None:
        rows, everything = self.rows(), "ready" in names or not DECIDING.isdisjoint(names)
        for row in rows:
            if everything or row.field.key in names:
                row.reread(reloaded="saved" in names)
        if everything:
            self._add_rows(rows)
            self._show_headings()
        if "files" in names:
            for row in rows:
                row.check_again()
        self.changed(names)

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

    def rows(self) -> list[FieldRow]:
        """Return the existing rows, in order."""
        return list(self.walk_children(FieldRow))  # a query takes ten times as long, and each letter asks

    def row(self, key: str) -> FieldRow:
        """Return a field's row."""
        return self.query_one("#row-" + key.replace(".", "-"), FieldRow)

    def landing(self) -> Widget | None:
        return next((row.control for row in self.rows() if row.display), None)

    async def validate(self) -> None:
        await self.store.states.check_plan()
        problems = self.store.states.problems
        if (
            any(field.advanced and field.key in problems for field in fields_of(self.step, advanced=True))
            and not self.all_fields
        ):
            await self.show_all(True)
        for row in self.rows():
            row.complain(problems.get(row.field.key))

    def first_error(self) -> Widget | None:
        return next((row.control for row in self.rows() if row.error and row.display), None)

    async def show_field(self, key: str) -> None:
        """Focus a field, or the one that decides whether it applies."""
        field = BY_KEY[key]
        if not self.store.document.asked(key) and field.only_if is not None:
            other, values = field.only_if
            self.say(f"! {field.label} applies if {BY_KEY[other].label} is {' or '.join(values)}.")
            field = BY_KEY[other]
        if field.advanced and not self.all_fields:
            await self.show_all(True)
        self.row(field.key).control.focus()

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
        shown = [row for row in self.rows() if row.display]
        following = shown[shown.index(event.row) + 1 :]
        (following[0].control if following else self.after_fields()).focus()

    def after_fields(self) -> Widget:
        """Return the widget that Enter goes to from the last field."""
        return self.screen.query_one("#next")

    def actions(self) -> list[Action]:
        found = super().actions()
        if any(self.raw_errors.values()):
            found.insert(0, Action("Show the raw error", "The text as sent by Azure, to copy for support.", self._raw))
        if self.less_usual():
            found.append(Action(self.extra_label, "Less common fields of this step.", self.extra))
        return found

    def _raw(self) -> None:
        self.show_text("The raw error", "\n\n".join(raw for raw in self.raw_errors.values() if raw))

    # The helper

    def look(self, wait: float = 0) -> None:
        """Send the step's query after `wait` seconds, replacing one that is still waiting."""
        in_background(self, partial(self._look, wait), self.asks)

    async def _look(self, wait: float) -> None:
        if self.may_ask():
            facts = self.query_one("#found", Facts)
            answer = await self.question(self.asks, facts, self.busy, timeout=self.patience, wait=wait)
            if answer is not None:
                self.answered(answer)

    def ask_again(self) -> None:
        """Send the query again, even if an answer is known."""
        self.store.facts.pop(self.asks, None)
        self.look()

    def may_ask(self) -> bool:
        """Whether the fields are complete enough for the query. May read the disk."""
        return True

    def answered(self, answer: Any) -> None:
        """Show the answer to the step's query."""

    def outdated(self) -> None:
        """React to a change of a field that affects the query."""

    def changed(self, names: frozenset[str]) -> None:
        """React to changed fields, answered or discarded queries, or the environment becoming complete."""
        if concerned(self.asks, names):
            self.outdated()
            if self.display:
                self.look(DEBOUNCE)
        elif self.display and ("ready" in names or ("azure" in names and self.asks.startswith(CHANGED_BY_RUNS))):
            self.look()

    async def question(
        self, name: str, facts: Facts, busy: str, *, timeout: float = 60, wait: float = 0, **with_: Any
    ) -> Any | None:
        """Return the helper's answer, or None after an error, which is then shown in `facts`.

        An answer that is no longer valid for the plan is dropped (returns None, shows nothing).
        """
        await asyncio.sleep(wait)
        if self.store.preparing:
            facts.show([Fact("busy", f"{self.store.preparing} …")])
            await self.store.settled()
        facts.show([Fact("busy", f"{busy} …")])
        answer = await self.store.answer(name, timeout=timeout, blink=BLINK, **with_)
        if answer.late:
            facts.show([])
            return None
        if answer.error is not None:
            self.raw_errors[name] = answer.error.raw
            facts.show(self.card(answer.error))
            return None
        self.raw_errors.pop(name, None)
        return answer.value

    def card(self, error: Any) -> list[Fact]:
        """Return an error's lines: what happened, why, what to do."""
        words = "Azure's error text: ctrl+o, Show the raw error." if error.raw else ""
        rows = (("bad", f"{error.title}.".replace("..", ".")), ("", error.cause), ("", error.remedy), ("none", words))
        return [Fact(kind, text) for kind, text in rows if text]
