"""Saves the plan to another file, also because another program has changed its own."""

from __future__ import annotations

from pathlib import Path

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.new_files import new_path
from tui.app.state.store import Store
from tui.app.widgets.inputs import TextInput
from tui.common.typed_path import here, real_path, typed_path


class SaveAsScreen(Dialog[Path]):
    """Asks for a file and writes the plan there; dismissed with the plan's file, or None."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store

    def compose(self) -> ComposeResult:
        store, suggested = self._store, self._store.file or here() / "plan.yml"
        about = "Saves the plan to a YAML file. References such as ${env:NAME} are kept; secrets are never written."
        if store.outdated:
            suggested = new_path(suggested.parent, suggested.stem, suggested.suffix)
            about = (
                f"{store.save_problem}\n\nSave yours to a file of its own; or replace what the other program wrote, by "
                "giving its name; or reload the file: Home lists your edits then."
            )
        yield Box(
            "Save the plan as",
            says(about),
            TextInput(str(suggested), id="file"),
            says(id="said"),
            buttons(
                Button("Save", id="save", compact=True, variant="primary"),
                *([Button("Reload the file", id="reload", compact=True)] if store.outdated else []),
                close_button("Cancel"),
            ),
        )

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#save")
    def _save(self) -> None:
        typed = self.query_one("#file", TextInput).value.strip()
        if not typed.endswith((".yml", ".yaml")):
            self.say("✖ A plan is a YAML file; use a name that ends in .yml.")
            return
        try:
            path = typed_path(typed)
            question = f"! {path.name} exists. Replace its content?"
            save = self.query_one("#save", Button)
            if self._store.replaces(path) and not self.confirmed(save, "Yes, replace it", question):
                return
            self._store.save_as(real_path(path))
        except OSError as error:
            self.say(f"✖ The file cannot be written: {error.strerror or error}.")
        else:
            self.dismiss(path)

    @on(TextInput.Changed)
    def _other_file(self) -> None:
        """A question is about the file that was typed then."""
        self.take_back()

    @on(Button.Pressed, "#reload")
    def _reload(self) -> None:
        from tui.plan.problems import PlanInvalid

        try:
            self._store.reload()
        except PlanInvalid as invalid:
            self.say(f"✖ {invalid}")
        except OSError as error:
            self.say(f"✖ Your edits cannot be kept: {error.strerror or error}.")
        else:
            self.dismiss(self._store.file)
