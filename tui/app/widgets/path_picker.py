"""A picker for files and registered models, shown below the field it fills."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static
from textual.widgets.option_list import Option

from tui.app.state.background import in_thread
from tui.app.state.store import Store
from tui.app.text import formatting
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets import folder_entries
from tui.app.widgets.choice import Choice
from tui.app.widgets.file_tree import FileTree, shown, start_folder
from tui.app.widgets.folder_entries import Lister
from tui.app.widgets.help import Topic
from tui.app.widgets.waiting import Said
from tui.common.cell_width import ljust
from tui.helper.client import HelperError
from tui.plan.fields.sources import is_registered

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface

FILES, REGISTERED = "files", "registered models"
COUNT_EVERY = 0.5  # seconds between updates of a count in progress
KEYS = "Enter: select · →: open · ←: close or go up · Esc: cancel"
PAUSE = 0.4  # seconds that a folder stays highlighted before its files are counted


class ModelList(OptionList):
    """Lists registered models, or the versions of one."""

    BINDINGS: ClassVar = [
        Binding("space,right", "select", "Select", show=False, id="models.take",
                tooltip="Show the model's versions, or select a version."),
    ]  # fmt: skip

    def topic(self) -> Topic:
        return Topic(
            "Registered models",
            "Enter on a model shows its versions, Enter on a version selects it; Esc closes.",
            "A registered model is not uploaded again: the deployment refers to it.",
        )


class PathPicker(Vertical):
    """Selects a path or registered model. `open_for` shows it for a field; selecting or closing posts a message.

    `lister` reads a folder; another one can be given for files that are not on a file system.
    """

    app: AppInterface

    @dataclass
    class Chosen(Message):
        """A value was selected for the field it was opened for."""

        key: str
        value: str
        sets: dict[str, str]

    class Left(Message):
        """The picker was closed without a selection."""

    BINDINGS: ClassVar = [
        Binding("escape", "leave", "Close", show=False, id="picker.close", tooltip="Close the picker."),
    ]

    def __init__(self, store: Store, *, lister: Lister = folder_entries.scan) -> None:
        super().__init__(id="picker")
        self.store = store
        self.key = ""
        self._of = ""  # name of the registered model whose versions are shown
        self._items: list[dict[str, Any]] = []
        self._lister = lister
        self._wanted = ""
        self._looking = False

    def compose(self) -> ComposeResult:
        yield Horizontal(
            Choice((FILES, REGISTERED), FILES, id="picker-kind"),
            Button("Parent folder", id="picker-above", compact=True),
            Button("Close", id="picker-close", compact=True),
            id="picker-bar",
        )
        yield FileTree(lister=self._lister, id="picker-files")
        yield ModelList(id="picker-models")
        yield Said(id="picker-said")

    @property
    def files(self) -> FileTree:
        """The tree of files."""
        return self.query_one("#picker-files", FileTree)

    def open_for(self, key: str, takes: str, registered: bool) -> None:
        """Show the picker for a field; `takes` is file, folder or any."""
        self.key = key
        self.display = True
        kind = self.query_one("#picker-kind", Choice)
        kind.display = registered
        value = str(self.store.value(key) or "")
        kind.value = REGISTERED if registered and is_registered(value) else FILES
        self.files.takes = takes
        self._say("")
        self._show_kind()

    def close(self) -> None:
        """Hide the picker and stop reading."""
        self.files.stop()
        for group in ("begin", "count", "models"):
            self.workers.cancel_group(self, group)
        self.display = False

    def follow(self, typed: str) -> None:
        """Show the folder of the path being typed, once typing pauses."""
        if self.display and self.files.display:
            self._begin(typed, 0.5)

    def _show_kind(self) -> None:
        registered = self.query_one("#picker-kind", Choice).value == REGISTERED
        models = self.query_one("#picker-models", ModelList)
        self.files.display, models.display = not registered, registered
        self.query_one("#picker-above", Button).label = "All models" if registered else "Parent folder"
        if registered:
            self.files.stop()
            self._of = ""
            self._list()
            models.focus()
        else:
            self._begin(str(self.store.value(self.key) or ""), 0)
            self.files.focus()

    def _say(self, text: str) -> None:
        """Show a line below; the keys if it is empty."""
        self.query_one("#picker-said", Static).update(text or KEYS)

    # Files

    @work(group="begin", exclusive=True)
    async def _begin(self, value: str, wait: float) -> None:
        """Find the value's folder, which may take long: one search at a time, and only the newest result is used."""
        if wait:
            await asyncio.sleep(wait)
        self._wanted = "" if value.startswith("azureml:") or "${" in value else value
        if self._looking:
            return
        self._looking = True
        if not self.files.folder:
            self._say("▸ opening the folder")
        self._look()

    @work(group="look")
    async def _look(self) -> None:
        folder, looked_for = "", None
        try:
            while looked_for != self._wanted:
                looked_for = self._wanted
                folder = await in_thread(start_folder, self._begins_at(looked_for), looked_for)
        finally:
            self._looking = False
        if self.display and folder != self.files.folder:
            self._say("")
            self.files.look_into(folder)

    def _begins_at(self, typed: str) -> Path:
        """Where relative paths start from; without a path, the folder of the last selection in this session."""
        return Path(self.app.picked_in) if self.app.picked_in and not typed else self.store.paths_from

    @on(FileTree.Above)
    def go_above(self) -> None:
        """Make the parent folder the root."""
        above = str(Path(self.files.folder).parent)
        if above != self.files.folder:
            self.files.look_into(above)

    @on(FileTree.Said)
    def _reading(self, event: FileTree.Said) -> None:
        self._say(event.text)

    @on(FileTree.Marked)
    def _marked(self, event: FileTree.Marked) -> None:
        self.workers.cancel_group(self, "count")
        if event.entry.folder and event.entry.path != self.files.folder:
            self._count(event.entry.path)

    @work(group="count", exclusive=True)
    async def _count(self, path: str) -> None:
        """Count the files in the highlighted folder, until another line is highlighted."""
        await asyncio.sleep(PAUSE)
        while True:
            try:
                counted = await self.store.ask("count_files", timeout=30, path=path)
            except HelperError:
                return
            self._say(f"{shown(Path(path).name)}/: {counted_in_words(counted)}")
            if counted["ended"]:
                return
            await asyncio.sleep(COUNT_EVERY)

    @on(FileTree.Taken)
    def _taken(self, event: FileTree.Taken) -> None:
        self.app.picked_in = str(Path(event.path).parent)
        self.post_message(self.Chosen(self.key, self._as_value(event.path), {}))

    def _as_value(self, path: str) -> str:
        """Return a path relative to where relative paths start from if it is inside."""
        try:
            return str(Path(path).relative_to(self.store.paths_from.absolute()))
        except ValueError:
            return path

    # Registered models

    @work(group="models", exclusive=True)
    async def _list(self) -> None:
        name = self._of
        models = self.query_one("#picker-models", ModelList)
        self._items = []
        models.clear_options()
        self._say(f"▸ reading the versions of {name}" if name else "▸ reading the registered models")
        with_ = {"model": name} if name else {}
        try:
            answer = await self.store.ask("versions_of" if name else "registered_models", timeout=60, **with_)
        except HelperError as error:
            self._say(f"✖ {error.title}. {error.remedy} You can type a name above: azureml:NAME:VERSION.")
            return
        if name != self._of:
            return
        self._items = list(answer.get("items") or ())
        models.add_options([Option(self._line(item)) for item in self._items])
        models.highlighted = 0 if self._items else None
        count, reason = len(self._items), str(answer.get("reason") or "")
        if reason:
            self._say(f"! {reason}")
        elif name:
            self._say(f"{formatting.count(count, 'version')} of {name}: Enter selects one")
        else:
            self._say(f"{formatting.count(count, 'model')}: Enter shows the versions")

    def _line(self, item: dict[str, Any]) -> Content:
        label = str(item.get("label") or item.get("value"))
        return Content.assemble((ljust(label, 28), "bold"), ("  " + str(item.get("detail") or ""), "$text-muted"))

    @on(OptionList.OptionSelected, "#picker-models")
    def _model(self) -> None:
        at = self.query_one("#picker-models", ModelList).highlighted
        if at is None:
            return  # the list is being read again
        item = self._items[at]
        value = str(item.get("value") or "")
        if self._of:
            self.post_message(self.Chosen(self.key, value, dict(item.get("sets") or {})))
        else:
            self._of = value.partition("azureml:")[2].rpartition(":")[0] or str(item.get("label"))
            self._list()

    # Buttons and keys

    @on(Choice.Changed, "#picker-kind")
    def _switched(self) -> None:
        self._show_kind()

    @on(Button.Pressed, "#picker-above")
    def _above(self) -> None:
        if self.files.display:
            self.go_above()
            self.files.focus()
        elif self._of:
            self._of = ""
            self._list()
            self.query_one("#picker-models").focus()

    @on(Button.Pressed, "#picker-close")
    def action_leave(self) -> None:
        """Go back from the versions to the models, else close without a selection."""
        if self._of and not self.files.display:
            self._of = ""
            self._list()
        else:
            self.post_message(self.Left())


def counted_in_words(counted: dict[str, Any]) -> str:
    """Format a count: `1,204 files, 3.1 GB`, with the ignored files and whether the count is still in progress."""
    words = formatting.files(int(counted.get("files") or 0), counted.get("bytes") or 0)
    left_out = int(counted.get("left_out") or 0)
    if left_out:
        words += f"; {left_out:,} ignored by {counted.get('ignore_file')}"
    if not counted.get("ended", True):
        return f"▸ {words} so far, {formatting.running(counted.get('seconds') or 0)}"
    unreadable = counted.get("unreadable") or []
    if unreadable:
        words += f"; ! {len(unreadable)} could not be read"
    return words
