"""The wizard screen: layout, navigation, help, the notice, the menu, a rehearsal that does not start."""

from __future__ import annotations

import os

import pytest
from textual.theme import Theme
from textual.widgets import Button, OptionList

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.pictures import contrast, in_16_colours, rows
from tests.app.scenes import LEAST_CONTRAST
from tui.app.app import WizardApp
from tui.app.dialogs.quit import QuitScreen
from tui.app.dialogs.too_small import TooSmallScreen
from tui.app.steps.form_pane import FormScroll
from tui.app.steps.step_texts import ORDER, TITLES
from tui.app.theme import DARK, LIGHT
from tui.app.widgets.field_row import FieldRow
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def test_at_80_by_24_every_label_and_button_is_whole() -> None:
    async with wizard(size=(80, 24)) as walk:
        for step in ORDER:
            await walk.to(step)
            await walk.pilot.pause()
            shown = walk.text()
            assert TITLES[step] in shown
            assert f"step {ORDER.index(step) + 1} of 9" in shown
            for button in walk.app.screen.query("#buttons Button").results(Button):
                if button.display:
                    assert button.label.plain in shown
            pane = walk.app.screen.query_one(f"#pane-{step}")
            for row in pane.query(FieldRow):
                if row.display:
                    assert row.field.label in shown
                    assert row.note() in shown
            for scroll in pane.query(FormScroll):
                assert scroll.max_scroll_y == 0, f"{step} does not fit\n{shown}"
            for key in ("PgUp Back", "PgDn Next", "^g Help", "^y Copy", "^o Menu", "^c Quit"):
                assert key in shown


async def test_rail_from_100_columns_side_help_from_140_two_rows_of_help_otherwise() -> None:
    async with wizard(size=(80, 24)) as walk:
        await walk.to("endpoint")
        seen = {}
        for width in (80, 100, 140):
            await walk.pilot.resize_terminal(width, 40)
            await walk.pilot.pause()
            seen[width] = [walk.app.screen.query_one(f"#{name}").region.width > 0 for name in
                           ("rail", "side-help", "help-bar")]  # fmt: skip
        assert seen == {80: [False, False, True], 100: [True, False, True], 140: [True, True, False]}


async def test_page_keys_walk_the_steps_and_the_focus_lands_where_they_work() -> None:
    async with wizard() as walk:
        for step in ORDER[1:7]:
            await walk.press("pagedown")
            await walk.until(lambda step=step: walk.app.screen.step == step, step)
            await walk.pilot.pause()
        assert walk.focused == "back", "Review begins on Back, never on Deploy"
        for step in reversed(ORDER[:6]):
            await walk.press("pageup")
            await walk.until(lambda step=step: walk.app.screen.step == step, step)


async def test_page_down_pressed_faster_than_steps_open_loses_no_press_and_never_deploys() -> None:
    async with wizard() as walk:
        for _ in range(12):
            walk.app.simulate_key("pagedown")
        await walk.until(lambda: walk.app.screen.step == "review", "the step before Deploy")
        await walk.pilot.pause()
        assert walk.store.run is None


async def test_enter_goes_through_the_fields_to_next() -> None:
    async with wizard() as walk:
        await walk.to("workspace")
        await walk.press("enter", "enter", "enter")
        assert walk.focused == "next"
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.step == "endpoint", "the next step")


async def test_field_help_says_what_why_example_source_and_link() -> None:
    async with wizard() as walk:
        await walk.to("endpoint")
        await walk.press("ctrl+g")
        await walk.sees("unique in the Azure region", "churn-endpoint-01", "preset churn-xgboost")
        await walk.press("end")
        await walk.sees("https://learn.microsoft.com")
        await walk.press("escape")
        assert walk.app.screen.name == "wizard"


async def test_a_terminal_that_is_too_small_gets_a_notice_until_it_is_large_again() -> None:
    async with wizard() as walk:
        await walk.pilot.resize_terminal(70, 18)
        await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen))
        await walk.sees("70 columns and 18 rows", "80 × 20")
        await walk.pilot.resize_terminal(80, 24)
        await walk.until(lambda: walk.app.screen.name == "wizard")


@pytest.mark.parametrize("step", ORDER)
async def test_each_step_shows_itself_as_az_and_never_a_secret(step: str) -> None:
    from tui.app.state.store import Store
    from tui.app.steps.as_cli import as_code

    store = Store(load("churn-xgboost"))
    store.put("credential.method", "service_principal", "you")
    store.set("credential.client_secret", "s3cr3t-value")
    text = as_code(step, store)
    assert "az " in text
    assert "s3cr3t-value" not in text
    if step == "workspace":
        assert '--resource-group "$AZURE_RESOURCE_GROUP"' in text
    if step == "endpoint":
        assert "auth_mode: key" in text


async def test_the_menu_has_a_row_for_each_entry_and_says_all_about_the_marked_one() -> None:
    async with wizard(size=(80, 24)) as walk:
        await walk.to("test")
        await walk.press("ctrl+o")
        shown = await walk.sees("Menu", "Copy the call as curl", "Go to step 1, Credentials", "Go to step 7, Review")
        assert "without an interruption." not in shown
        await walk.press("down", "down", "down", "down")
        await walk.sees("Regenerate them one after the other, without an interruption.")
        await walk.press("end")
        await walk.sees("Endpoints", "Quit the wizard (ctrl+c).", "Enter: run, Esc: close")


async def test_the_menu_offers_every_other_step_and_goes_there() -> None:
    async with wizard(size=(100, 40)) as walk:
        await walk.press("ctrl+o")
        shown = await walk.sees("Menu", "Show this step as az CLI and YAML", "Quit")
        for number, step in enumerate(ORDER[1:], 2):
            assert f"Go to step {number}, {TITLES[step]}" in shown
        options = walk.app.screen.query_one(OptionList)
        labels = [options.get_option_at_index(number).prompt.plain for number in range(options.option_count)]
        position = next(number for number, label in enumerate(labels) if "Compute" in label)
        await walk.press(*["down"] * position, "enter")
        await walk.until(lambda: walk.app.screen.step == "compute")


@pytest.mark.parametrize("theme", [DARK, LIGHT], ids=lambda theme: theme.name)
async def test_a_button_that_is_disabled_is_legible_in_16_colours(theme: Theme) -> None:
    async with wizard() as walk:
        walk.app.theme = theme.name
        back = walk.app.screen.query_one("#back", Button)
        await walk.until(lambda: back.disabled and back.region.area, "there is no step before")
        await walk.pilot.pause()
        (style,) = {
            segment.style
            for segment in in_16_colours(rows(walk.app))[back.region.y]
            if segment.text.strip() == str(back.label)
        }
        assert style is not None and style.color and style.bgcolor
        assert contrast(style.color, style.bgcolor) >= LEAST_CONTRAST


async def test_a_rehearsal_that_does_not_start_is_explained_and_can_be_tried_again() -> None:
    answers = iter([RuntimeError("The port is taken. Stop the other one."), dict(os.environ)])

    def prepare(document: object) -> dict[str, str]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), rehearse=True, prepare=prepare,
                    helper=recorded_answers())  # fmt: skip
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("The rehearsal did not start", "The port is taken.")
        await walk.press("escape", "ctrl+o", "enter")
        await walk.until(lambda: app.store is not None and app.store.ready.is_set())
        assert not isinstance(app.screen, QuitScreen)
