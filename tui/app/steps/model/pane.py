"""The step Model: selects the model by path or from lists, and shows what it contains."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widget import Widget
from textual.widgets import Button

from tui.app.state.background import in_background, in_thread
from tui.app.state.questions import concerned
from tui.app.state.store import Store
from tui.app.steps.form_pane import DEBOUNCE, FormPane, FormScroll
from tui.app.steps.model import model_facts
from tui.app.steps.model.scoring_script import REFUSED, SCRIPT_TOPIC, blocked_without_script, make_script
from tui.app.steps.network.isolation import without_code
from tui.app.steps.step_findings import StepFindings
from tui.app.steps.step_pane import Action
from tui.app.widgets import folder_entries
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.field_row import FieldRow
from tui.app.widgets.folder_entries import Lister
from tui.app.widgets.help import HelpButton, Topic
from tui.app.widgets.offered_focus import offer_focus
from tui.app.widgets.path_picker import COUNT_EVERY, PathPicker
from tui.plan.fields.all_fields import BY_KEY, Field

PATH = "deployment.model.path"
NAME = "deployment.model.name"
REQUEST = "test.request"


SAMPLE_TOPIC = Topic(
    "Use the sample as the test request",
    "Writes a request from the model's input example or signature to a file, and adds it to the plan.",
    "The run sends it when the endpoint is ready. Values generated from a signature only have the right type.",
)


class ModelPane(FormPane):
    """Shows the fields of model, scoring script and environment, and what their files contain."""

    step: ClassVar[str] = "model"
    asks = "inspect_model"
    reads = ("inspect_model",)
    busy = "Reading the files"
    patience = 75  # seconds; the helper limits reading the files to 60
    roomy = True

    def __init__(self, store: Store, *, lister: Lister = folder_entries.scan) -> None:
        super().__init__(store)
        self.lister = lister
        self._figures: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        yield from super().compose()
        yield PathPicker(self.store, lister=self.lister)

    def row_for(self, field: Field, label: str = "") -> FieldRow:
        return FieldRow(field, self.store, label=label, table="files" if field.kind == "path" else "")

    def below(self) -> Iterable[Widget]:
        with Vertical(id="found-box"):
            yield StepFindings(self.store, self.step)
            yield Facts(id="found", column=9)
            yield HelpButton(SCRIPT_TOPIC, id="make-script", classes="quiet")
            yield HelpButton(SAMPLE_TOPIC, id="use-sample", classes="quiet")

    def on_mount(self) -> None:
        self.query_one("#use-sample").display = self.query_one("#make-script").display = False

    def arrive(self) -> None:
        self._offer_script()
        if "inspect_model" in self.store.facts:
            self._show(self.store.facts["inspect_model"])
        else:
            self.look()

    def leave(self) -> None:
        """Return the rows taken from the help."""
        self._close_picker()

    def changed(self, names: frozenset[str]) -> None:
        if ("files" in names or concerned(self.asks, names)) and self.display:
            self.look(DEBOUNCE)
        if not self.query(PathPicker):
            return  # the pane is being created or removed
        self._offer_script()
        if self.picker.display:
            self._aside(self.picker.key)
        if self.picker.key in names and self.picker.display and self.row(self.picker.key).control.has_focus:
            self.picker.follow(str(self.store.value(self.picker.key) or ""))

    # Reading the files

    async def _look(self, wait: float) -> None:
        self.workers.cancel_group(self, "count")
        self.query_one("#use-sample").display = False
        await super()._look(wait)

    def answered(self, answer: Any) -> None:
        self._show(answer)

    def _show(self, found: dict[str, Any]) -> None:
        self._figures = {}
        self._write(found)
        if found.get("exists") and not found.get("complete", True):
            self._count(found)

    def _write(self, found: dict[str, Any]) -> None:
        refused = [Fact("bad", "MLflow", REFUSED)] if blocked_without_script(self.store) else []
        self.query_one("#found", Facts).show([*model_facts.about({**found, **self._figures}), *refused])
        offered = found.get("sample") is not None and found.get("sample_source") in ("example", "signature")
        self.query_one("#use-sample").display = offered

    @work(group="count", exclusive=True)
    async def _count(self, found: dict[str, Any]) -> None:
        """Update the file count while its answer is shown."""
        while self.store.facts.get("inspect_model") is found:
            counted = (await self.store.answer("count_files", timeout=30)).value
            if counted is None or self.store.facts.get("inspect_model") is not found:
                return
            self._figures = {**counted, "complete": counted["ended"]}
            found.update(files=counted["files"], bytes=counted["bytes"])
            self._write(found)
            if counted["ended"]:
                return
            await asyncio.sleep(COUNT_EVERY)

    # The sample

    @on(Button.Pressed, "#use-sample")
    def use_sample(self) -> None:
        """Write the sample to a file and add it to the plan."""
        found = self.store.facts.get("inspect_model") or {}
        if found.get("sample") is not None:
            self._use_sample(found)

    @work(group="sample", exclusive=True)
    async def _use_sample(self, found: dict[str, Any]) -> None:
        name = str(self.store.value(NAME) or "model")
        try:
            path = await in_thread(model_facts.write_sample, name, found["sample"])
        except OSError as error:
            self.say(f"! The sample cannot be written: {error.strerror or error}.")
            return
        source = "the model's example" if found.get("sample_source") == "example" else "the model's signature"
        self.store.put(REQUEST, str(path), source)
        self.row(REQUEST).complain(None)
        offer_focus(self.row(REQUEST).control)
        self.say(f"The test request is {path.name}.")

    # A scoring script

    def _offer_script(self) -> None:
        """Show that the model needs a scoring script, and offer to create one."""
        button = self.query_one("#make-script")
        wanted = blocked_without_script(self.store)
        if button.display != wanted:
            button.display = wanted
            if "inspect_model" in self.store.facts:
                self._write(self.store.facts["inspect_model"])

    @on(Button.Pressed, "#make-script")
    def make_script(self) -> None:
        """Create a scoring script and a conda file for an MLflow model, and add them to the plan."""
        in_background(self, partial(make_script, self), "script")

    # Selecting

    @property
    def picker(self) -> PathPicker:
        """The picker for files and registered models."""
        return self.query_one(PathPicker)

    @on(FieldRow.Opened)
    def _browse(self, event: FieldRow.Opened) -> None:
        self.browse(event.row.field.key)

    def browse_model(self) -> None:
        """Browse for the model."""
        self.browse(PATH)

    def browse(self, key: str) -> None:
        """Show the picker (for the model, with registered models) below the field, hiding the other fields."""
        self.add_class("-picking")
        self._aside(key)
        takes = BY_KEY[key].must_exist or "any"
        self.picker.open_for(key, takes, registered=key == PATH)
        self.query_one(FormScroll).scroll_home(animate=False)

    def _close_picker(self) -> None:
        if self.has_class("-picking"):
            self.picker.close()
            self.remove_class("-picking")
            for row in self.rows():
                row.reread()

    def _aside(self, key: str) -> None:
        """Hide all rows except that of the field being filled by the picker."""
        for row in self.rows():
            if row.field.key != key:
                row.display = False

    @on(PathPicker.Chosen)
    def _chosen(self, event: PathPicker.Chosen) -> None:
        self.store.set(event.key, event.value)
        for key, value in event.sets.items():
            if key in BY_KEY and key != event.key:
                self.store.set(key, value)
        self._close_picker()
        row = self.row(event.key)
        row.control.focus()
        row.check()

    @on(PathPicker.Left)
    def _left(self) -> None:
        key = self.picker.key
        self._close_picker()
        self.row(key).control.focus()

    async def validate(self) -> None:
        """Close the picker, so that hidden fields are validated too."""
        self._close_picker()
        await super().validate()

    async def show_field(self, key: str) -> None:
        """Close the picker and focus a field, as Review asks for."""
        self._close_picker()
        await super().show_field(key)

    def actions(self) -> list[Action]:
        found = []
        if self.query_one("#use-sample").display:
            found.append(Action("Use the sample as the test request", "Writes it to a file.", self.use_sample))
        if without_code(self.store.value):
            found.append(
                Action("Create a scoring script", "For this MLflow model, with its conda file.", self.make_script)
            )
        return [*found, *super().actions()]
