"""Dialogs that open a plan file, or import the YAML files of `az ml` as a plan."""

from __future__ import annotations

import contextlib
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.background import in_thread
from tui.app.widgets.inputs import TextInput
from tui.common.typed_path import UnusablePath, typed_path
from tui.plain.failure import Failure
from tui.plan.load_save.document import Document
from tui.plan.problems import PlanInvalid

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface


class OpenPlanScreen(Dialog["Document"]):
    """Asks for a plan file; dismissed with its document."""

    TITLE_SHOWN = "Open a plan file"
    SAYS = "The plan's YAML file. Relative paths in it are relative to its folder."
    VERB = "Open"
    READING = "Reading the file …"
    """Shown while the file is being read."""

    app: AppInterface

    def compose(self) -> ComposeResult:
        yield Box(
            self.TITLE_SHOWN,
            says(self.SAYS),
            TextInput("", id="files"),
            says(id="said"),
            buttons(Button(self.VERB, id="open", compact=True, variant="primary"), close_button("Cancel")),
        )

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#open")
    @work(group="open", exclusive=True)
    async def _open(self) -> None:
        typed = self.query_one("#files", TextInput).value.strip()
        if not typed:
            self.say("! Enter a path first.")
            return
        self.say(self.READING)
        try:
            document = await in_thread(self.read, typed)
        except (Failure, UnusablePath) as failure:
            self.say(f"✖ {failure}")
            return
        except PlanInvalid as invalid:
            self.say("✖ " + "\n".join(map(str, invalid.problems)))
            return
        self.dismiss(document)

    def read(self, typed: str) -> Document:
        """Load the document at the typed path; runs in a thread. Raises PlanInvalid, Failure."""
        from tui.plan.load_save.load import load

        return load(typed_path(typed))


class ImportScreen(OpenPlanScreen):
    """Asks for the YAML files of `az ml online-endpoint` and `az ml online-deployment`."""

    TITLE_SHOWN = "Import az ml YAML"
    SAYS = (
        "The files for az ml online-endpoint create and az ml online-deployment create (endpoint.yml "
        "deployment.yml), separated by a space; quote names that contain spaces. The files are not changed: edits "
        "are saved to a separate plan."
    )
    VERB = "Import"
    READING = "Loading the files with azure-ai-ml …"

    def read(self, typed: str) -> Document:
        """Convert the files to a plan, in a separate helper process. Raises PlanInvalid, Failure."""
        from tui.plain.ask_helper import import_az_yaml

        return import_az_yaml(paths_in(typed), self.app.environ)


def paths_in(typed: str) -> list[Path]:
    """Return the paths in a line: the whole line if such a file exists, else the words as a shell would split them.

    Raises UnusablePath.
    """
    with contextlib.suppress(UnusablePath):  # a long line is several paths
        whole = typed_path(typed)
        if whole.exists():
            return [whole]
    try:
        words = shlex.split(typed)
    except ValueError:  # an unclosed quote is part of the name
        words = [typed]
    return [typed_path(word) for word in words]
