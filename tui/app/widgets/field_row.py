"""A field of the plan in one row: label, input, where the value comes from; below it what is wrong with it."""

from __future__ import annotations

from textual import events, on
from textual.app import ComposeResult
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from tui.app.background import in_thread
from tui.app.store import Store
from tui.app.widgets.choice import Choice
from tui.app.widgets.help import Topic
from tui.app.widgets.inputs import TextInput
from tui.app.words import CHOICES
from tui.plan.fields import Field
from tui.plan.references import has_reference


class FieldRow(Widget):
    """Edits one field. It is checked when it is left, and from then on while it is corrected.

    `remark` is a line below the field for what is known about the value; what is wrong takes its place.
    """

    class Submitted(Message):
        """Enter was pressed in the field."""

        def __init__(self, row: FieldRow) -> None:
            super().__init__()
            self.row = row

    def __init__(self, field: Field, store: Store) -> None:
        super().__init__(id="row-" + field.key.replace(".", "-"), classes="field-row")
        self.field = field
        self.store = store
        self.error: str | None = None
        self.remark = ""
        self.remark_kind = ""
        self._checked = False
        self.control: Widget = self._make_control()
        self._note = Static("", classes="field-note", markup=False)
        self._below = Static("", classes="field-below", markup=False)
        self.stacked = isinstance(self.control, Choice) and bool(self.control.notes)
        self.set_class(self.stacked, "-stacked")

    def compose(self) -> ComposeResult:
        yield Static(self.field.label, classes="field-label", markup=False)
        yield from (self._note, self.control) if self.stacked else (self.control, self._note)
        yield self._below

    def on_mount(self) -> None:
        self.reread()

    def _make_control(self) -> Widget:
        field, text = self.field, self.store.text(self.field.key)
        if field.kind == "choice":
            choices = field.choices if field.required or field.default is not None else ("", *field.choices)
            if text not in choices:  # a reference, or something that is not possible and will be said so
                choices = (*choices, text)
            return Choice(choices, text, notes=CHOICES.get(field.key))
        if field.kind == "bool":
            return Choice(("false", "true"), text or "false")
        if field.kind == "secret":
            return TextInput("", password=True, placeholder=text or "typed, it stays in memory")
        return TextInput(text)

    # What is shown

    def reread(self) -> None:
        """Show the value and its source as the store has them now (not the value that is being typed)."""
        key = self.field.key
        self.display = self.store.document.asked(key)
        text = self.store.text(key)
        if isinstance(self.control, Choice):
            self.control.value = text
        elif isinstance(self.control, TextInput) and not self.control.has_focus:
            if self.field.kind == "secret":
                if not self.store.secrets.get(key) and self.control.value:
                    self.control.value = ""
            elif self.control.value != text:
                self.control.value = text
        self._note.update(self.note())
        self._show_below()

    def note(self) -> str:
        """Where the value comes from, short enough for its column; the help has the whole of it."""
        source = self.store.provenance(self.field.key)
        if source == "typed, kept in memory only":
            return "typed, memory only"
        return (
            source.partition(", from $")[0]
            .partition(", left empty")[0]
            .replace("rehearsal's own identity", "rehearsal's identity")
        )

    def say(self, remark: str, kind: str = "") -> None:
        """Put a line below the field; `kind` is one of "", "ok", "warn"."""
        self.remark, self.remark_kind = remark, kind
        self._show_below()

    def complain(self, error: str | None) -> None:
        """Show what is wrong, or that nothing is."""
        self.error = error
        self._checked = self._checked or error is not None
        self._show_below()

    def _show_below(self) -> None:
        stands_for = self.store.resolved(self.field.key)
        self.set_class(self.error is not None, "-error")
        self.set_class(not self.error and self.remark_kind == "ok", "-ok")
        self.set_class(not self.error and self.remark_kind == "warn", "-warn")
        text = f"✖ {self.error}" if self.error else self.remark or (f"= {stands_for}" if stands_for else "")
        self._below.update(text)
        self._below.display = bool(text)

    def topic(self) -> Topic:
        """The help of this field."""
        help, key = self.field.help, self.field.key
        value = self.store.text(key)
        stands_for = self.store.resolved(key)
        if stands_for:
            value = f"{value} = {stands_for}"
        return Topic(
            self.field.label,
            help.what,
            help.why,
            help.example,
            value="" if self.field.kind == "secret" and not has_reference(value) else value,
            source=self.store.provenance(key),
            choices=", ".join(choice for choice in self.field.choices),
            link=help.link,
        )

    # What is typed

    @on(TextInput.Changed)
    def _typed(self, event: TextInput.Changed) -> None:
        event.stop()
        if not self.control.has_focus:
            return
        self.store.set(self.field.key, event.value)
        if self._checked:
            self.check()

    @on(Choice.Changed)
    def _chosen(self, event: Choice.Changed) -> None:
        event.stop()
        self.store.set(self.field.key, event.value)
        self.check()

    @on(Choice.Refused)
    def _refused(self, event: Choice.Refused) -> None:
        event.stop()
        self.say(f"! {event.value or 'not set'} cannot be chosen: {event.reason}", "warn")

    @on(TextInput.Submitted)
    def _entered(self, event: TextInput.Submitted) -> None:
        event.stop()
        self.post_message(self.Submitted(self))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self.add_class("-current")
        if isinstance(self.control, TextInput):
            self.control.cursor_position = len(self.control.value)

    def on_descendant_blur(self, event: events.DescendantBlur) -> None:
        if not self.is_attached:
            return
        self.remove_class("-current")
        self._checked = True
        if isinstance(self.control, TextInput):
            self.control.cursor_position = 0  # the start of a long value is what tells it apart
        self.check()
        self.call_later(self.reread)

    def check(self) -> None:
        """Judge the value; the disk is looked at in the background."""
        if self.field.kind == "path":
            self.run_worker(self._check_path, group=f"check-{self.field.key}", exclusive=True)
        else:
            self.complain(self.store.problem(self.field.key))

    async def _check_path(self) -> None:
        value = self.store.value(self.field.key)
        problem = await in_thread(self.store.problem, self.field.key)
        if value == self.store.value(self.field.key):
            self.complain(problem)
