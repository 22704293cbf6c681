"""Asserts that the user can see where the keys go."""

from __future__ import annotations

from tests.app.panes import Walk


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
