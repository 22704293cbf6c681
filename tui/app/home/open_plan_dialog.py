"""Dialogs that open a plan file, or import an endpoint or the YAML files of `az ml` as a plan."""

from __future__ import annotations

import contextlib
import shlex
from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.dialogs.text_dialog import TextScreen
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
    READING = "▸ Reading the file …"
    """Shown while the file is being read."""

    app: AppInterface
    rehearsed: bool | None = None
    """Whether the plan is of an endpoint in the rehearsal (or not); None: as at Home."""

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
            several = len(invalid.problems) > 1  # more than there is room for
            self.say(f"✖ {len(invalid.problems)} problems." if several else f"✖ {invalid}")
            if several:
                self.app.push_screen(TextScreen("The plan cannot be made", str(invalid), export=True, wide=True))
            return
        self.dismiss(document)

    def read(self, typed: str) -> Document:
        """Load the document at the typed path; runs in a thread. Raises PlanInvalid, Failure."""
        from tui.plan.load_save.load import load

        return load(typed_path(typed))


def open_imported(app: AppInterface, document: Document, rehearsed: bool | None) -> None:
    """Open a plan that was read, after showing what could not be taken over into it."""
    left_out = getattr(document, "left_out", [])
    if left_out:
        text = "Not everything could be taken over as it is:\n\n" + "\n".join(map(str, left_out))
        screen = TextScreen("Imported with omissions", text, export=True)
        app.push_screen(screen, lambda _: app.open(document, rehearse=rehearsed))
    else:
        app.open(document, rehearse=rehearsed)


class ImportScreen(OpenPlanScreen):
    """Asks for an endpoint, or for the YAML files of `az ml online-endpoint` and `az ml online-deployment`."""

    TITLE_SHOWN = "Import into a plan"
    SAYS = (
        "The name, resource ID or scoring URL of an endpoint. Or the files for az ml online-endpoint create and "
        "az ml online-deployment create (endpoint.yml deployment.yml), separated by a space, with --endpoint-name and "
        "--set as for az; quote names that contain spaces. Nothing is changed: edits are saved to a separate plan, and "
        "an inline conda file or an endpoint's code next to it."
    )
    VERB = "Import"
    READING = "▸ Loading with azure-ai-ml …"

    def read(self, typed: str) -> Document:
        """Convert files or an endpoint to a plan, in a separate helper process. Raises PlanInvalid, Failure."""
        from tui.plain.arguments.endpoint_lookup import names_endpoint
        from tui.plain.ask_helper import import_az_yaml

        names, endpoint, settings = names_in(typed)
        if len(names) == 1 and names_endpoint(names[0]):
            return self._endpoint(names[0])
        document = import_az_yaml([typed_path(name) for name in names], self.app.environ, endpoint, settings)
        try:
            document.write_inline(document.base)
        except OSError as error:
            text = f"The files have an inline conda file, which cannot be written to {document.base}: {error.strerror}."
            raise Failure(text) from None
        return document

    def _endpoint(self, typed: str) -> Document:
        """The plan of an endpoint; its code is copied to the state folder's plans. Raises PlanInvalid, Failure."""
        from tui.app.troubleshoot.endpoint_lookup import NotKnown, of_text
        from tui.engine.journal.state_folder import plans_folder
        from tui.plain.ask_helper import import_endpoint
        from tui.rehearsal_client import CannotRehearse

        try:
            found = of_text(typed, self.app.environ, self.app.rehearse)
            document, environ = found.document, self.app.environ
            if found.rehearsed and self.app.prepare and self.app.adopt:
                environ = dict(self.app.prepare(document))
                document = self.app.adopt(document)
            self.rehearsed = found.rehearsed
            return import_endpoint(document, environ, plans_folder())
        except (NotKnown, CannotRehearse) as reason:
            raise Failure(str(reason)) from None
        except OSError as error:
            raise Failure(f"The state folder cannot be used: {error.strerror or error}.") from None


def names_in(typed: str) -> tuple[list[str], str, dict[str, str]]:
    """Return the names in a line, and the values of its options --endpoint-name and --set.

    The whole line is a name if such a file exists, else it is split as by a shell. Raises UnusablePath, Failure.
    """
    from tui.plain.commands.export_import import setting

    with contextlib.suppress(UnusablePath):  # a long line is several paths
        if typed_path(typed).exists():
            return [typed], "", {}
    try:
        words = iter(shlex.split(typed))
    except ValueError:  # an unclosed quote is part of the name
        words = iter([typed])
    names, endpoint, sets = [], "", []
    for word in words:
        option, _, value = word.partition("=")
        if option == "--endpoint-name":
            endpoint = value or next(words, "")
        elif option == "--set":
            sets.append(value or next(words, ""))
        else:
            names.append(word)
    return names, endpoint, dict(map(setting, sets))
