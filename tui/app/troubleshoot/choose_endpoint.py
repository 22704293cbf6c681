"""Asks which endpoint to troubleshoot: one deployed from this machine, or one that is typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.content import Content
from textual.widgets import Button, OptionList
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.background import in_thread
from tui.app.troubleshoot.endpoint_lookup import FoundEndpoint, Known, NotKnown, known_endpoints, of_run, of_text
from tui.app.widgets.inputs import TextInput
from tui.plan.problems import PlanInvalid

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface


class ChooseEndpointDialog(Dialog[FoundEndpoint]):
    """Asks for an endpoint; dismissed with a document that identifies it."""

    app: AppInterface

    def __init__(self) -> None:
        super().__init__()
        self._known: list[Known] = []

    def compose(self) -> ComposeResult:
        yield Box(
            "Troubleshoot an endpoint",
            says("Enter a name, resource ID or scoring URL, or select an endpoint deployed from this machine."),
            TextInput("", id="which"),
            OptionList(id="known"),
            says(id="said"),
            buttons(Button("Open", id="open", compact=True, variant="primary"), close_button("Cancel")),
        )

    def on_mount(self) -> None:
        self.query_one("#known").display = False
        self.run_worker(self._look(), group="known", exclusive=True)

    async def _look(self) -> None:
        try:
            self._known = await in_thread(known_endpoints)
        except OSError as error:
            self.say(f"! The state folder cannot be read: {error.strerror or error}.")
            return
        options = self.query_one("#known", OptionList)
        options.display = bool(self._known)
        for item in self._known:
            options.add_option(Option(Content.assemble((f"{item.endpoint}  ", "bold"), (item.about, "$text-muted"))))

    @on(OptionList.OptionSelected)
    def _picked(self, event: OptionList.OptionSelected) -> None:
        try:
            self.dismiss(of_run(self._known[event.option_index].run))
        except PlanInvalid as invalid:
            self.say("✖ " + "\n".join(map(str, invalid.problems)))

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#open")
    @work(group="open", exclusive=True)
    async def _open(self) -> None:
        typed = self.query_one("#which", TextInput).value
        if not typed.strip():
            self.say("! Enter an endpoint, or select one below.")
            return
        try:
            found = await in_thread(of_text, typed, self.app.environ, self.app.rehearse)
        except NotKnown as unknown:
            self.say(f"✖ {unknown}")
        except PlanInvalid as invalid:
            self.say("✖ " + "\n".join(map(str, invalid.problems)))
        except OSError as error:
            self.say(f"✖ The state folder cannot be read: {error.strerror or error}.")
        else:
            self.dismiss(found)
