"""Takes the plan away as files for other tools: az ml YAML, Python, a notebook, pipelines, Bicep, a runbook."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Button, Select, Static

from tui.app.dialogs.base import Dialog
from tui.app.state.store import Store
from tui.app.widgets.inputs import TextInput

PATIENCE = 60  # seconds: the helper may still be reading what it needs
SAYS = (
    "The plan as files for other tools. References such as ${env:NAME} become what the tool has for that; secrets are "
    "never written."
)


class ExportScreen(Dialog[None]):
    """Asks for a format and a folder, writes, and says what was written."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._named = False  # the folder was typed, and is not proposed any more
        self._replace = False

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog -export") as dialog:
            dialog.border_title = "Take it with you"
            yield Static(SAYS, classes="says", markup=False)
            yield Select([], prompt="▸ asking what can be written", id="format", compact=True,
                         tooltip="What is written")  # fmt: skip
            yield TextInput("", id="folder", placeholder="folder")
            yield Static("", id="said", classes="says", markup=False)
            with Horizontal(classes="row"):
                yield Button("Write", id="write", compact=True, variant="primary", disabled=True)
                yield Button("Close", id="close", compact=True)

    def on_mount(self) -> None:
        self.query_one("#close").focus()
        self.run_worker(self._formats(), group="formats", exclusive=True)

    @property
    def _there(self) -> bool:
        """Whether the screen still has its widgets: answers come when it may have been closed."""
        return self.is_attached and bool(self.query("#said"))

    def _say(self, words: str) -> None:
        if self._there:
            self.query_one("#said", Static).update(words)

    async def _formats(self) -> None:
        from tui.helper.client import HelperError

        try:
            answer = await self._store.ask("export", timeout=PATIENCE)
        except HelperError as error:
            self._say(f"✖ {error.title}. {error.cause} {error.remedy}".strip())
            return
        if not self._there:
            return
        formats = self.query_one("#format", Select)
        formats.set_options([(f"{one['name']}: {one['about']}", str(one["name"])) for one in answer["targets"]])
        formats.value = str(answer["targets"][0]["name"])
        self.query_one("#write", Button).disabled = False
        formats.focus()

    @on(Select.Changed)
    def _other(self, event: Select.Changed) -> None:
        event.stop()
        self._again()
        if not self._named:
            name = str(self._store.resolved("endpoint.name") or self._store.value("endpoint.name") or "endpoint")
            with self.prevent(TextInput.Changed):
                self.query_one("#folder", TextInput).value = str(Path.cwd() / f"{name}-{event.value}")

    @on(TextInput.Changed)
    def _typed(self, event: TextInput.Changed) -> None:
        event.stop()
        self._named = True
        self._again()

    def _again(self) -> None:
        """Something else is asked for: what was said before does not fit any more."""
        self._replace = False
        self.query_one("#write", Button).label = "Write"
        self._say("")

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#write")
    def _write(self) -> None:
        folder = self.query_one("#folder", TextInput).value.strip()
        wanted = self.query_one("#format", Select).value
        if self.query_one("#write", Button).disabled or not isinstance(wanted, str):
            return
        if not folder:
            self._say("! Name a folder first.")
            return
        self.run_worker(self._written(wanted, folder), group="write", exclusive=True)

    async def _written(self, wanted: str, folder: str) -> None:
        from tui.helper.client import HelperError

        self._say("▸ Writing")
        try:
            answer = await self._store.ask("export", timeout=PATIENCE, to=wanted, folder=folder, replace=self._replace)
        except HelperError as error:
            if error.code == "FilesExist" and self._there:
                self._replace = True
                self.query_one("#write", Button).label = "Write over"
                self.query_one("#write", Button).refresh(layout=True)
                self._say(f"! {error.title}. Write over them, or name another folder.")
            else:
                self._say(f"✖ {error.title}. {error.cause} {error.remedy}".strip())
            return
        files = ", ".join(Path(file).name for file in answer["files"])
        self._say("\n".join([f"✔ Written to {answer['folder']}: {files}", *answer["notes"]]))

    @on(Button.Pressed, "#close")
    def _close(self) -> None:
        self.dismiss(None)
