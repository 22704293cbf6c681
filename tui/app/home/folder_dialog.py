"""The dialog that makes a plan from a folder with a model."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.answers import explained
from tui.app.state.store import Store
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.path_picker import PathPicker
from tui.common.typed_path import UnusablePath, here, typed_path
from tui.helper.client import HelperError
from tui.plain.ask_helper import LOAD_SECONDS
from tui.plan.load_save.document import Document

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface

PICKED = "deployment.model.path"
"""The key under which the picker keeps its value; the plan that it belongs to is not opened."""


class FolderScreen(Dialog[dict[str, Any]]):
    """Asks for a folder and makes a plan from it; dismissed with the helper's answer to `new_plan`."""

    app: AppInterface
    _making = False

    def compose(self) -> ComposeResult:
        self._store = Store(Document(), environ=self.app.environ)
        self._store.use(self.app.environ)
        yield Box(
            "Start from a folder",
            says(
                "The folder of a model, with its scoring script, conda file and request if there are any, or a model's "
                "file. Nothing in it is run or changed."
            ),
            TextInput("", id="folder", placeholder="folder or file"),
            PathPicker(self._store),
            says("Save the plan as (files that the deployment lacks are written beside it):"),
            TextInput("", id="target", placeholder="plan.yml in the current folder, or the next free name"),
            says(id="said"),
            buttons(
                Button("Create the plan", id="make", compact=True, variant="primary"),
                Button("Browse", id="browse", compact=True),
                close_button("Cancel"),
            ),
            classes="-folder",
        )

    async def on_unmount(self) -> None:
        await self._store.close()

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#make")
    @work(group="make")
    async def _make(self) -> None:
        typed, target = (self.query_one(name, TextInput).value.strip() for name in ("#folder", "#target"))
        if self._making:
            return
        if not typed:
            self.say("! Enter a folder first.")
            return
        self._making = True
        self.say("▸ Looking into the folder …")
        try:
            places = {"folder": _absolute(typed), "target": _absolute(target) if target else None}
            self.dismiss(await self._store.ask("new_plan", timeout=LOAD_SECONDS, **places))
        except UnusablePath as unusable:
            self.say(f"✖ {unusable}")
        except HelperError as error:
            self.say(f"✖ {explained(error)}")
        finally:
            self._making = False

    # The picker

    @on(Button.Pressed, "#browse")
    def _browse(self) -> None:
        self._store.document.set(PICKED, self.query_one("#folder", TextInput).value.strip() or None, "you")
        self.add_class("-picking")
        self.query_one(PathPicker).open_for(PICKED, "any", registered=False)

    @on(PathPicker.Chosen)
    def _chosen(self, event: PathPicker.Chosen) -> None:
        self.query_one("#folder", TextInput).value = event.value
        self.action_close()

    @on(PathPicker.Left)
    def action_close(self) -> None:
        """Close the picker, or else this dialog."""
        if not self.has_class("-picking"):
            self.dismiss(None)
            return
        self.query_one(PathPicker).close()
        self.remove_class("-picking")
        self.query_one("#folder").focus()


def _absolute(typed: str) -> str:
    return str(here() / typed_path(typed))
