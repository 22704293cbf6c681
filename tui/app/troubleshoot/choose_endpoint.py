"""Asks which endpoint to troubleshoot: one that is typed, or one of the fleet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from textual import on, work
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.background import in_thread
from tui.app.troubleshoot.endpoint_lookup import FoundEndpoint, NotKnown, of_text
from tui.app.widgets.inputs import TextInput
from tui.plan.problems import PlanInvalid

if TYPE_CHECKING:
    from tui.app.app_interface import AppInterface


class ChooseEndpointDialog(Dialog[FoundEndpoint]):
    """Asks for an endpoint; dismissed with a document that identifies it."""

    app: AppInterface

    def compose(self) -> ComposeResult:
        yield Box(
            "Troubleshoot an endpoint",
            says("Enter a name, resource ID or scoring URL, or choose from all endpoints that you may see."),
            TextInput("", id="which"),
            says(id="said"),
            buttons(
                Button("Open", id="open", compact=True, variant="primary"),
                Button("All endpoints", id="all", compact=True),
                close_button("Cancel"),
            ),
        )

    @on(Button.Pressed, "#all")
    def _all(self) -> None:
        self.app.call_later(self.app.fleet)

    @on(TextInput.Submitted)
    @on(Button.Pressed, "#open")
    @work(group="open", exclusive=True)
    async def _open(self) -> None:
        typed = self.query_one("#which", TextInput).value
        if not typed.strip():
            self.say("! Enter an endpoint first.")
            return
        self.say("▸ Looking for the endpoint …")
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
