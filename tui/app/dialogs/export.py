"""Exports the plan as files for other tools: az ml YAML, Python, a notebook, pipelines, Bicep, a runbook."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button, Select

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.offered_focus import offer_focus
from tui.common.typed_path import here
from tui.helper.client import HelperError

PATIENCE = 60  # seconds: the helper may still be reading what it needs
SAYS = (
    "Writes the plan as files for other tools. References such as ${env:NAME} become the tool's own equivalent; "
    "secrets are never written."
)


class ExportScreen(Dialog[None]):
    """Asks for a format and a folder, writes the files, and lists them."""

    AUTO_FOCUS = "#close"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._named = False  # the folder was typed, so no longer proposed

    def compose(self) -> ComposeResult:
        yield Box(
            "Export",
            says(SAYS),
            Select([], prompt="no format yet", id="format", compact=True, tooltip="The format to export"),
            TextInput("", id="folder", placeholder="folder"),
            says(id="said"),
            buttons(Button("Write", id="write", compact=True, variant="primary", disabled=True), close_button()),
            classes="-export",
        )

    def on_mount(self) -> None:
        in_background(self, self._formats, "formats")

    async def _formats(self) -> None:
        self.say("▸ Loading the formats …")
        try:
            answer = await self._store.ask("export", timeout=PATIENCE)
        except HelperError as error:
            self.say(f"✖ {error.title}. {error.cause} {error.remedy}".strip())
            return
        if not self.query("#format"):  # closed meanwhile
            return
        self.say("")
        formats = self.query_one("#format", Select)
        formats.set_options([(f"{one['name']}: {one['about']}", str(one["name"])) for one in answer["targets"]])
        formats.value = str(answer["targets"][0]["name"])
        self.query_one("#write", Button).disabled = False
        offer_focus(formats)

    @on(Select.Changed)
    def _other(self, event: Select.Changed) -> None:
        self._again()
        if not self._named:
            name = str(self._store.resolved("endpoint.name") or self._store.value("endpoint.name") or "endpoint")
            with self.prevent(TextInput.Changed):
                self.query_one("#folder", TextInput).value = str(here() / f"{name}-{event.value}")

    @on(TextInput.Changed)
    def _typed(self) -> None:
        self._named = True
        self._again()

    def _again(self) -> None:
        """Clear the message and the confirmation to overwrite, because the format or folder has changed."""
        self.take_back()
        self.say("")

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#write")
    def _write(self) -> None:
        folder = self.query_one("#folder", TextInput).value.strip()
        wanted = self.query_one("#format", Select).value
        if self.query_one("#write", Button).disabled or not isinstance(wanted, str):
            return
        if not folder:
            self.say("! Enter a folder first.")
            return
        in_background(self, partial(self._written, wanted, folder), "write")

    async def _written(self, wanted: str, folder: str) -> None:
        self.say("▸ Writing …")
        replace = self._asked is not None
        self.take_back()
        try:
            answer = await self._store.ask("export", timeout=PATIENCE, to=wanted, folder=folder, replace=replace)
        except HelperError as error:
            if error.code == "FilesExist" and self.query("#write"):
                write, question = self.query_one("#write", Button), "Overwrite them, or enter another folder."
                self.confirmed(write, "Overwrite", f"! {error.title}. {question}")
            else:
                self.say(f"✖ {error.title}. {error.cause} {error.remedy}".strip())
            return
        files = ", ".join(Path(file).name for file in answer["files"])
        self.say("\n".join([f"✔ Written to {answer['folder']}: {files}", *answer["notes"]]))
