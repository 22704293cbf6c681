"""Typed keys are processed in order, also if they arrive together over a slow link."""

from __future__ import annotations

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Button

from tests.app.panes import Walk, home, wizard
from tui.app.steps.step_texts import ORDER
from tui.app.steps.test.request_editor import RequestEditor
from tui.app.widgets.field_row import FieldRow
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
        for key in ("tab", "end", "z"):
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


INSTANCES = "#row-deployment-instance_count"


async def to_instances(walk: Walk, arrival: str) -> TextInput:
    """Go to the number of instances with a key, from the field above; return the field."""
    await walk.to("compute")
    rows = walk.app.screen.query_one(INSTANCES).parent.query(FieldRow)  # type: ignore[union-attr]
    shown = [row for row in rows if row.display]
    above = shown[[row.id for row in shown].index(INSTANCES[1:]) - 1].control
    above.focus()
    await walk.until(lambda: above.has_focus, "the field above has the focus")
    await walk.press(arrival)
    field = walk.app.screen.query_one(INSTANCES, FieldRow).control
    await walk.until(lambda: field.has_focus, f"{arrival} leads to the number of instances")
    assert isinstance(field, TextInput)
    return field


@pytest.mark.parametrize("arrival", ["tab", "enter"])
async def test_the_first_key_replaces_the_value_of_a_field(arrival: str) -> None:
    async with wizard(sets=("deployment.instance_count=20",)) as walk:
        field = await to_instances(walk, arrival)
        assert field.value == field.selected_text == "20", "the field shows what the first key replaces"
        await walk.press(*"200")
        assert (field.value, walk.store.value("deployment.instance_count")) == ("200", 200)
        await walk.press("left", "9")
        assert field.value == "2090", "the keys after it edit what was typed"


async def test_an_arrow_keeps_the_value_and_a_click_puts_the_caret_where_it_points() -> None:
    async with wizard(sets=("deployment.instance_count=20",)) as walk:
        field = await to_instances(walk, "tab")
        await walk.press("right", "5")
        assert field.value == "205"
        await walk.press("shift+tab")
        await walk.pilot.click(INSTANCES + " TextInput", offset=(1, 0))
        await walk.press("7")
        assert field.value == "2705"


async def test_no_button_inside_a_row_takes_what_is_typed_after_tab() -> None:
    async with wizard() as walk:
        for step in ORDER[:6]:
            await walk.to(step)
            for row in walk.app.screen.query(FieldRow):
                assert not [button for button in row.query(Button) if button.focusable], row


@pytest.mark.parametrize(
    ("pasted", "kept", "said"),
    [("/a/model\n", "/a/model", ""), ("\r\n/a/model\r\n", "/a/model", ""),
     ("/a/model\n/b\n\n/c\n", "/a/model", "! Kept the first of 3 pasted lines.")],
)  # fmt: skip
async def test_a_paste_keeps_one_line_and_says_what_was_dropped(pasted: str, kept: str, said: str) -> None:
    async with wizard() as walk:
        await walk.to("model")
        walk.app.post_message(events.Paste(pasted))
        await walk.until(lambda: walk.store.value("deployment.model.path") == kept, "it replaces the value")
        await walk.sees(said or "Enter: next · ^u: clear")
        assert ("pasted lines" in walk.text()) == bool(said)


async def test_a_number_and_a_folded_secret_are_pasted_without_their_line_ends() -> None:
    async with wizard(sets=("credential.method=service_principal", "credential.tenant_id=contoso")) as walk:
        await walk.to("credentials")
        walk.app.screen.query_one("#row-credential-client_secret", FieldRow).control.focus()
        await walk.pilot.pause()
        walk.app.post_message(events.Paste("abcdefgh\n  ijklmnop\n"))
        await walk.until(lambda: walk.store.secrets.get("credential.client_secret") == "abcdefghijklmnop", "all of it")
        assert "pasted lines" not in walk.text()
        await to_instances(walk, "tab")
        walk.app.post_message(events.Paste("3\n"))
        await walk.until(lambda: walk.store.value("deployment.instance_count") == 3, "the number is there")


async def test_a_dialog_says_what_was_dropped() -> None:
    from tui.app.dialogs.save_as import SaveAsScreen

    async with wizard() as walk:
        walk.app.push_screen(SaveAsScreen(walk.store))
        await walk.sees("Save the plan as")
        walk.app.post_message(events.Paste("/a/one.yml\n/a/two.yml"))
        await walk.sees("/a/one.yml", "! Kept the first of 2 pasted lines.")
