"""Everything can be reached and done with Tab and Enter alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widget import Widget
from textual.widgets import OptionList

from tests.app.everything import answers, first_screen
from tests.app.panes import Walk, follow, home, wizard
from tests.app.recorded import Recording
from tui.app.steps.step_pane import Pane
from tui.app.steps.step_texts import ORDER, TITLES

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home", "elsewhere")


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Use a separate folder for saved files, because every button is pressed, including Save."""
    monkeypatch.chdir(tmp_path)


async def by_tab(walk: Walk) -> set[str]:
    """Return the ids of all widgets that Tab reaches."""
    found: list[Widget] = []
    for _ in range(80):
        await walk.press("tab")
        focused = walk.app.screen.focused
        assert focused is not None
        if focused in found:
            break
        found.append(focused)
    return {widget.id or "" for widget in found}


@pytest.mark.slow
@pytest.mark.parametrize("step", ORDER)
async def test_everything_at_a_step_can_be_reached_with_tab_and_enter_alone(step: str, home: Path) -> None:
    async with wizard(answers()) as walk:
        if step == "deploy":
            recording = Recording(home).engine_lives()
            recording.to_middle()
            await follow(walk, recording)
        await walk.to(step)
        await walk.sees(TITLES[step])
        screen = walk.app.screen
        reached = await by_tab(walk)
        assert {"open-menu", "next"} <= reached
        reachable = [widget for widget in screen.query("Button, Input, TextArea, OptionList, Choice, Select").results()
                     if widget.focusable and widget.region.area and widget.id]  # fmt: skip
        assert {widget.id for widget in reachable} <= reached
        pane = screen.query_one(f"#pane-{step}", Pane)
        await walk.tab_to("open-menu")
        await walk.press("enter")
        await walk.sees("Enter: run")
        options = walk.app.screen.query_one(OptionList)
        labels = [str(options.get_option_at_index(number).prompt) for number in range(options.option_count)]
        for action in pane.actions():
            assert any(label.startswith(action.label) for label in labels), action.label
        for word in ("Show this step as az CLI", "Help", "Copy", "Save the plan as", "Quit"):
            assert any(label.startswith(word) for label in labels), word
        await walk.press("down", "enter")


async def test_the_first_screen_is_left_and_explained_with_tab_and_enter() -> None:
    async with first_screen() as walk:
        await walk.tab_to("home-help")
        await walk.press("enter")
        await walk.sees("A plan defines what is deployed and where")
        await walk.press("enter")
        await walk.tab_to("leave")
        await walk.press("enter")
        assert walk.app.return_value == "left"
