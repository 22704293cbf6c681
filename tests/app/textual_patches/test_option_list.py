"""A list lives in any width, also in none."""

from __future__ import annotations

import pytest
from textual.app import App, ComposeResult

from tui.app.textual_patches.option_list import OptionList


class Narrow(App[None]):
    """One list with a word wider than the screen."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.wide = width

    def compose(self) -> ComposeResult:
        options = OptionList("x" * 50)
        options.styles.width, options.styles.height, options.styles.border = self.wide, "auto", ("none", "red")
        yield options


@pytest.mark.parametrize("width", range(2, 8))
async def test_a_word_wider_than_the_list_ends_nothing(width: int) -> None:
    async with Narrow(width).run_test(size=(20, 10)) as pilot:
        await pilot.press("pagedown", "end", "pageup")
        assert pilot.app.query_one(OptionList).outer_size.width == width
