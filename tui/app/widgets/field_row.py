"""A field of the plan in one row: label, input, the value's source; below it, what is wrong with the value."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.widget import Widget

from tui.app.state.answers import BLINK, explained
from tui.app.state.background import in_background, in_thread
from tui.app.state.field_lists import CHOSEN, LISTS
from tui.app.state.store import Store
from tui.app.steps.step_texts import CHOICES
from tui.app.widgets.choice import Choice
from tui.app.widgets.drop_list import LOADING, DropList
from tui.app.widgets.field_topic import field_topic, short_source
from tui.app.widgets.help import Topic
from tui.app.widgets.inputs import TextInput
from tui.common.cell_width import cut, fit, wrap
from tui.plan.fields.all_fields import Field

PAUSE = 0.3  # seconds without a key before the disk is read
COLUMNS = ((20, 20), (22, 26))  # for label and source, in a narrow and a wide terminal; as in forms.tcss


class FieldRow(Widget):
    """Edits one field. The value is checked when the field loses focus, and from then on while it is corrected.

    `remark` is a line below the field with what is known about the value; an error replaces it.

    A field with a `source` can also be chosen from a list: Down, or the button next to it, opens the list, which is
    loaded in the background. Typed text then filters the list; it becomes the value when the field loses focus.
    """

    BINDINGS: ClassVar = [
        Binding("down", "list_down", "List", show=False, id="list.down", tooltip="Open the list; next item."),
        Binding("up", "list_by(-1)", "Up", show=False, id="list.up", tooltip="The previous item."),
        Binding("pagedown", "list_by(1, True)", "Page down", show=False, id="list.page_down", tooltip="A page down."),
        Binding("pageup", "list_by(-1, True)", "Page up", show=False, id="list.page_up", tooltip="A page up."),
        Binding("escape", "list_close", "Close", show=False, id="list.close",
                tooltip="Close the list without changing the field."),
    ]  # fmt: skip

    @dataclass
    class Taken(Message):
        """An item of the list was selected; `item` has value, label, detail and sets."""

        row: FieldRow
        item: dict[str, Any]

    @dataclass
    class Submitted(Message):
        """Enter was pressed in the field."""

        row: FieldRow

    @dataclass
    class Opened(Message):
        """Down, or the button ▾, was pressed in a field whose list is a table of the pane."""

        row: FieldRow

    def __init__(self, field: Field, store: Store, *, label: str = "", table: str = "", indented: bool = True) -> None:
        """`label` replaces the field's own label under a heading that says the rest.

        What is said below the field begins under the label, unless it is `indented` like the control.

        `table` is the plural noun for what the pane itself lists for this field; Down then posts the message Opened.
        """
        super().__init__(id="row-" + field.key.replace(".", "-"), classes="field-row")
        self.field = field
        self.label = label or field.label
        self.table = table
        self.indented = indented
        self.store = store
        self.error: str | None = None
        self.remark = ""
        self.remark_kind = ""
        self._checked = self._current = False
        self._wanted = self._looking = False
        self.control: Choice | TextInput = self._make_control()
        self._note = self._below = ""
        self.stacked = isinstance(self.control, Choice) and bool(self.control.notes)
        self.set_class(self.stacked, "-stacked")
        self.source = LISTS.get(field.key) if isinstance(self.control, TextInput) else None
        self.noun = self.source.noun if self.source else table  # for the listed items; empty without a list
        self.set_class(bool(self.noun), "-listed")
        self.list = DropList(self.noun) if self.source else None
        self._before = ""  # the field's text when its list was opened

    def compose(self) -> ComposeResult:
        yield self.control
        if self.list is not None:
            yield self.list

    def on_mount(self) -> None:
        self.reread()

    def _make_control(self) -> Choice | TextInput:
        field, text = self.field, self.store.text(self.field.key)
        if field.kind == "choice":
            choices = field.choices if field.required or field.default is not None else ("", *field.choices)
            if text not in choices:  # a reference, or an invalid value, which the check will report
                choices = (*choices, text)
            return Choice(choices, text, notes=CHOICES.get(field.key))
        if field.kind == "bool":
            return Choice(("false", "true"), text or "false")
        if field.kind == "secret":
            return TextInput("", password=True, placeholder=text or "typed, kept in memory only")
        return TextInput(text)

    # Content

    def reread(self, reloaded: bool = False) -> None:
        """Show the value and its source from the store (but keep text that is being typed, unless it was discarded)."""
        key = self.field.key
        self.display = self.store.document.asked(key)
        text = self.store.text(key)
        if isinstance(self.control, Choice):
            self.control.value = text
        elif reloaded or not self.control.has_focus or self.app.screen is not self.screen:  # a dialog has set it
            if self.field.kind == "secret":
                self.control.placeholder = text or "typed, kept in memory only"
                if not self.store.secrets.get(key) and self.control.value:
                    self.control.value = ""
            elif self.control.value != text:
                self.control.value = text
        note = self.note()
        if note != self._note:
            self._note = note
            self.refresh()
        self._show_below()

    def note(self) -> str:
        """Return the value's source, in a few words."""
        return short_source(self.store.provenance(self.field.key))

    def say(self, remark: str, kind: str = "") -> None:
        """Show a line below the field; `kind` is "" or "warn"."""
        if kind != self.remark_kind:
            self.refresh()
        self.remark, self.remark_kind = remark, kind
        self._show_below()

    def complain(self, error: str | None) -> None:
        """Show an error below the field, or clear it (None)."""
        self.error = error
        self._checked = self._checked or error is not None
        self._show_below()

    def _show_below(self) -> None:
        stands_for = self.store.resolved(self.field.key)
        text = f"✖ {self.error}" if self.error else self.remark or (f"= {stands_for}" if stands_for else "")
        text = "" if self.listing else text
        if text != self._below:  # a layout per letter costs more than the letter itself
            wide = self.content_size.width
            before, self._below = self._lines_below(wide), text
            self.refresh(layout=len(before) != len(self._lines_below(wide)))
        if self.error and self.has_focus_within:
            self._keep_in_sight()

    def _keep_in_sight(self) -> None:
        """Scroll the whole row into view: focusing scrolls only to the input, not to the error on the line below it.

        Runs after a refresh, because a line that was just added has no position yet.
        """
        self.call_after_refresh(self.scroll_visible, animate=False)

    def topic(self) -> Topic:
        return field_topic(self.field, self.store, self.noun, keys=isinstance(self.control, TextInput))

    # Drawing: label, source and remark are no widgets of their own, of which there would be a hundred

    @property
    def listing(self) -> bool:
        """Whether the list is open."""
        return self.list is not None and self.list.display

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return super().get_content_height(container, viewport, width) + len(self._lines_below(width))

    def render(self) -> Content:
        """Draw what is around the control, and the list, which cover the rest."""
        label, note = COLUMNS[self.screen.has_class("-wide")]
        wide = self.content_size.width
        field = max(0, wide - label - note - 2)
        middle = Content(" " * (field + 2))
        if self.noun:
            middle = Content.assemble(" " * (field - 2), (" ▾ ", "$foreground on $surface"), " ")
        look = "bold $text-accent" if self._current else ""
        first = Content.assemble((fit(self.label, label), look), middle, (cut(self._note, note), "$text-muted"))
        below = "bold $text-error" if self.error else "$text-warning" if self.remark_kind == "warn" else "$text-muted"
        lines = [Content.styled(line, below) for line in self._lines_below(wide)]
        between = [Content("")] * (self.content_size.height - 1 - len(lines))
        return Content("\n").join([first, *between, *lines])

    def _lines_below(self, wide: int) -> list[str]:
        """Return the lines of what is said below the field, where the row is so wide."""
        indent = " " * (COLUMNS[self.screen.has_class("-wide")][0] + 1 if self.indented else 2)
        return wrap(self._below, max(wide, 40), indent=indent, hanging=indent) if self._below else []

    def on_click(self, event: events.Click) -> None:
        """Open the list: for the mouse only, as a Tab stop would swallow what is typed after Tab."""
        sign = self.content_size.width - COLUMNS[self.screen.has_class("-wide")][1] - 4
        if self.noun and event.y == 0 and sign <= event.x < sign + 3 and not self.listing:
            self.open_list()  # a click in the control, which bubbles, is never so far to the right

    # Typing

    @on(TextInput.Changed)
    def _typed(self, event: TextInput.Changed) -> None:
        event.stop()
        if not self.control.has_focus:
            return
        if self.list is not None and self.listing:
            if event.value != self._before:
                self.list.filter(event.value)
            return
        self.store.states.typing = not self._checked
        self.store.set(self.field.key, event.value)
        if self._checked:
            self.check()

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        self.store.set(self.field.key, event.value)
        self.check()

    @on(Choice.Refused)
    def _refused(self, event: Choice.Refused) -> None:
        self.say(f"! {event.value or 'not set'} cannot be selected: {event.reason}", "warn")

    @on(TextInput.Submitted)
    def _entered(self) -> None:
        if self.list is None or not self.listing:
            self.post_message(self.Submitted(self))
        elif self.list.item is not None:
            self.take(self.list.item)
        else:
            self._keep()

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._current = True
        self.refresh()
        self._keep_in_sight()

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if not self.is_attached:
            return
        self._keep()
        self._current = False
        self.refresh()
        self._checked = True
        if self.store.states.typing:
            self.store.states.typing = False
            self.store.announce("left")
        if isinstance(self.control, TextInput):
            self.control.cursor_position = 0  # the start of a long value identifies it best
        self.check()
        self.call_later(self.reread)

    def check_again(self) -> None:
        """Check the path again if it was checked before: another program has changed the plan's files."""
        if self._checked and self.field.kind == "path":
            self.check()

    def check(self) -> None:
        """Check the value; the disk is read in the background."""
        if self.field.kind != "path":
            self.complain(self.store.problem(self.field.key))
            return
        self._wanted = True
        if not self._looking:  # one check at a time: a slow mount is not read for every letter
            self._looking = True
            in_background(self, self._look, f"look-{self.field.key}", exclusive=False)

    async def _look(self) -> None:
        """Read the disk, again if the value has changed meanwhile, and show the result."""
        try:
            while self._wanted:
                self._wanted = False
                if self.control.has_focus:
                    await asyncio.sleep(PAUSE)
                value = self.store.value(self.field.key)
                problem = await in_thread(self.store.problem, self.field.key)
                if value == self.store.value(self.field.key) and self.is_attached:
                    self.complain(problem)
        finally:
            self._looking = False

    # The list

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Enable the list's keys only while it is open; otherwise they have their usual meaning."""
        if action == "list_down":
            return bool(self.noun)
        if action.startswith("list_"):
            return self.listing
        return super().check_action(action, parameters)

    def open_list(self) -> None:
        """Open the list below the field and load its items, or open the pane's own table."""
        if self.table:
            self.post_message(self.Opened(self))
        if self.list is None or self.listing:
            return
        self._before = self.control.value
        self.list.load()
        self._shut(False)
        self.control.focus()
        in_background(self, self._fill, f"list-{self.field.key}")

    async def _fill(self) -> None:
        """Load the items, and drop them if the list was closed or the plan has changed meanwhile."""
        assert self.source is not None and self.list is not None
        question, opened = self.source.question, self.list
        self.store.fresh.discard_old((question,))
        answer = self.store.facts.get(question)
        if answer is None:
            answer, error, late = await self.store.answer(question, timeout=60, blink=BLINK)
            if late:
                return
            if error is not None:
                answer = {"items": [], "reason": explained(error).replace("..", ".")}
        if opened.display and opened.state == LOADING:
            current = self.store.resolved(self.field.key) or self._before
            opened.show(answer.get("items") or [], str(answer.get("reason") or ""), current)
            if self.control.value != self._before:
                opened.filter(self.control.value)
            self.call_after_refresh(self.scroll_visible)

    def action_list_down(self) -> None:
        """Open the list, or go to its next item."""
        if self.list is not None and self.listing:
            self.list.move(1)
        else:
            self.open_list()

    def action_list_by(self, by: int, pages: bool = False) -> None:
        """Move the selection by so many items or pages."""
        if self.list is not None:
            self.list.move(by * self.list.page if pages else by)

    def action_list_close(self) -> None:
        """Close the list without changing the field."""
        self._shut(True)
        self.control.value = self._before

    def _shut(self, shut: bool) -> None:
        """Hide the list, or show it instead of the line below the field."""
        if self.list is not None:
            self.list.display = not shut
        self._show_below()

    def _keep(self) -> None:
        """Close the list and use the typed text as the value."""
        if not self.listing:
            return
        self._shut(True)
        if self.control.value != self._before:
            self.store.set(self.field.key, self.control.value)

    @on(DropList.Clicked)
    def _clicked(self, event: DropList.Clicked) -> None:
        self.take(event.item)

    def take(self, item: dict[str, Any]) -> None:
        """Set the field, and the fields that depend on it, from an item of the list."""
        assert self.source is not None and isinstance(self.control, TextInput)
        self._shut(True)
        key, value = self.field.key, str(item[self.source.take])
        for other, decided in (item.get("sets") or {}).items():
            if (self.store.resolved(other) or self.store.value(other)) != decided:
                self.store.put(other, decided, CHOSEN)
        if value == self.store.resolved(key):
            self.control.value = self.store.text(key)  # a reference to the same value is kept
        else:
            self.control.value = value
            if self.store.value(key) != value:
                self.store.put(key, self.field.parse(value), CHOSEN)
        self.control.cursor_position = len(self.control.value)
        self._checked = True
        self.check()
        self.post_message(self.Taken(self, item))
