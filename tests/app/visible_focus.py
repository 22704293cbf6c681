"""Asserts that the user can see where the keys go."""

from __future__ import annotations

from typing import Any

from textual.containers import VerticalScroll
from textual.geometry import Region

from tests.app.panes import Walk
from tests.app.pictures import in_16_colours, rows
from tui.app.widgets.log_view import LogView


def sees_focus(walk: Walk, after: str) -> None:
    """Assert that something has the focus, and that it is on the screen: displayed, and not scrolled away."""
    screen = walk.app.screen
    focused = screen.focused
    assert focused is not None, f"after {after}, nothing has the focus\n{walk.text()}"
    assert focused.is_attached and focused.display, f"after {after}, {focused} is hidden\n{walk.text()}"
    if focused.region:  # laid out
        seen = screen.find_widget(focused).visible_region
        assert seen, f"after {after}, {focused} is out of sight\n{walk.text()}"
        assert screen.region.contains_region(seen), f"after {after}, {focused} is beyond the terminal\n{walk.text()}"
    else:
        raise AssertionError(f"after {after}, {focused} has no place on the screen\n{walk.text()}")


async def paints_focus(walk: Walk, where: str) -> None:
    """Tab through everything that can have the focus; assert that each looks different with it, in 16 colours."""
    screen = walk.app.screen
    for _ in range(len(screen.focus_chain)):
        await walk.press("tab")
        focused = screen.focused
        assert focused is not None, where
        if isinstance(focused, (LogView, VerticalScroll)) and not focused.max_scroll_y:
            continue  # nothing to scroll, and nothing else to do there
        region = screen.find_widget(focused).visible_region
        with_focus = _look(walk, region)
        screen.set_focus(None)
        await walk.pilot.pause()
        assert _look(walk, region) != with_focus, f"{where}: {focused} looks the same with the focus\n{walk.text()}"
        screen.set_focus(focused)
        await walk.pilot.pause()


def _look(walk: Walk, region: Region) -> list[tuple[str, Any]]:
    """What is painted in a region: each letter and its style."""
    found = []
    for line in in_16_colours(rows(walk.app))[region.y : region.bottom]:
        painted = [(letter, segment.style) for segment in line for letter in segment.text]
        found += painted[region.x : region.right]
    return found
