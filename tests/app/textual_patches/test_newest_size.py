"""A terminal of a few columns: nothing has room, and nothing fails."""

from __future__ import annotations

import pytest

from tests.app.everything import answers, first_screen
from tests.app.panes import home, wizard

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("size", [(1, 1), (10, 3), (5, 30), (200, 1)])
async def test_a_terminal_without_room_is_laid_out_again_when_it_has_some(size: tuple[int, int]) -> None:
    async with wizard(answers()) as walk:
        await walk.press("ctrl+o")  # a list over a step
        await walk.pilot.resize_terminal(*size)
        await walk.pilot.resize_terminal(80, 24)
        await walk.press("escape")
        await walk.sees("step 1 of 9", "PgDn Next")
    async with first_screen() as walk:
        await walk.pilot.resize_terminal(*size)
        await walk.pilot.resize_terminal(80, 24)
        await walk.sees("Presets")
