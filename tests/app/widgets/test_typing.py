"""Typed keys are processed in order, also if they arrive together over a slow link."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult

from tests.app.panes import home, wizard
from tui.app.steps.test.request_editor import RequestEditor
from tui.app.widgets.inputs import TextInput

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


class OneField(App[None]):
    """An application with a single text field of the wizard."""

    def __init__(self, field: TextInput | RequestEditor) -> None:
        super().__init__()
        self.field = field

    def compose(self) -> ComposeResult:
        yield self.field


def content(field: TextInput | RequestEditor) -> str:
    return field.value if isinstance(field, TextInput) else field.text


@pytest.mark.parametrize("kind", [TextInput, RequestEditor])
async def test_letters_and_editing_keys_keep_their_order(kind: type) -> None:
    async with OneField(kind()).run_test() as pilot:
        app = pilot.app
        assert isinstance(app, OneField)
        app.field.focus()
        await pilot.pause()
        for key in ("a", "b", "backspace", "c", "home", "x"):
            app.simulate_key(key)
        await pilot.pause()
        assert content(app.field) == "xac"


async def test_what_is_typed_right_after_tab_goes_into_the_next_field() -> None:
    async with wizard() as walk:
        await walk.to("workspace")
        first, second = list(walk.app.screen.query(TextInput))[:2]
        first.focus()
        await walk.pilot.pause()
        before = first.value
        for key in ("tab", "tab", "end", "z"):  # the field's list button lies between
            walk.app.simulate_key(key)
        await walk.until(lambda: second.value.endswith("z"), "the second field takes it")
        assert first.value == before


async def test_a_paste_right_after_clearing_a_field_stays() -> None:
    async with OneField(TextInput()).run_test() as pilot:
        app = pilot.app
        assert isinstance(app, OneField)
        app.field.focus()
        await pilot.pause()
        for key in "old":
            app.simulate_key(key)
        app.simulate_key("ctrl+u")
        app.post_message(events.Paste("new"))
        await pilot.pause()
        assert content(app.field) == "new"
