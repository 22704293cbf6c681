"""Saves the plan to another file."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.store import Store
from tui.app.widgets.inputs import TextInput
from tui.common.typed_path import real_path, typed_path


class SaveAsScreen(Dialog[Path]):
    """Asks for a file and writes the plan there; dismissed with its path, or None."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        suggested = self._store.file or Path.cwd() / "plan.yml"
        yield Box(
            "Save the plan as",
            says("Saves the plan to a YAML file. References such as ${env:NAME} are kept; secrets are never written."),
            TextInput(str(suggested), id="file"),
            says(id="said"),
            buttons(Button("Save", id="save", compact=True, variant="primary"), close_button("Cancel")),
        )

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        typed = self.query_one("#file", TextInput).value.strip()
        problem: str | None = None
        if not typed.endswith((".yml", ".yaml")):
            problem = "A plan is a YAML file; use a name that ends in .yml."
        else:
            try:
                path = typed_path(typed)
                self._store.save_as(real_path(path))
            except OSError as error:
                problem = f"The file cannot be written: {error.strerror or error}."
        if problem:
            self.say(f"✖ {problem}")
        else:
            self.dismiss(path)
