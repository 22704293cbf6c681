"""A text in a dialog: its buttons stay in sight whatever is said below the text."""

from __future__ import annotations

import pytest

from tests.app.everything import first_screen
from tests.app.panes import home

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("size", [(80, 20), (80, 24), (120, 40)])
async def test_the_buttons_stay_in_sight_when_the_copy_is_confirmed(size: tuple[int, int]) -> None:
    async with first_screen() as walk:
        await walk.pilot.resize_terminal(*size)
        await walk.press("ctrl+g")
        await walk.sees("A plan defines what is deployed", "Close")
        await walk.press("ctrl+y")
        await walk.sees("Sent to the terminal's clipboard", "Close")
        close = walk.app.screen.find_widget(walk.app.screen.query_one("#close"))
        assert close.visible_region.height == 1
