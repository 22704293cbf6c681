"""Key bindings: none reserved by browsers, at most six in the footer, each with an id and a tooltip."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from textual.screen import Screen

from tests.app.everything import answers, first_screen
from tests.app.keys import is_forbidden, own
from tests.app.panes import Walk, home, wizard
from tui.app.steps.step_texts import ORDER

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def test_no_key_is_bound_that_a_browser_keeps_and_ours_explain_themselves() -> None:
    async with wizard(size=(120, 40)) as walk:
        screen = walk.app.screen
        for step in ORDER:
            await walk.to(step)
            await walk.pilot.pause()
            for widget in screen.focus_chain:
                screen.set_focus(widget)
                await walk.pilot.pause()
                for key, active in screen.active_bindings.items():
                    assert not is_forbidden(key), f"{key} at {widget!r} in {step}"
                    if active.binding in list(own(active.node)):
                        assert active.binding.id, f"{key} at {widget!r} in {step} has no id"
                        assert active.binding.tooltip, f"{key} at {widget!r} in {step} has no tooltip"
                shown = [key for key, active in screen.active_bindings.items() if active.binding.show]
                assert 0 < len(shown) <= 6, f"{shown} at {widget!r} in {step}"


async def dialogs(walk: Walk) -> AsyncIterator[Screen[Any]]:
    """One dialog after the other, opened by the keys that open them."""
    for keys, words in (
        (("ctrl+g",), "Close"),
        (("ctrl+o",), "Enter: run"),
        (("ctrl+c",), "Quit the wizard?"),
    ):
        await walk.press(*keys)
        await walk.sees(words)
        yield walk.app.screen
        await walk.press("escape")
        await walk.until(lambda: walk.app.screen.name == "wizard", "Esc closes it")


def check_keys(screen: Screen[Any]) -> None:
    """Assert no browser keys, at most six in the footer, and an id and a tooltip for each binding."""
    for key, active in screen.active_bindings.items():
        assert not is_forbidden(key), f"{key} on {screen!r}"
        if active.binding in list(own(active.node)):
            assert active.binding.id and active.binding.tooltip, f"{key} on {screen!r}"
    assert len([key for key, active in screen.active_bindings.items() if active.binding.show]) <= 6


async def test_dialogs_and_the_first_screen_keep_the_rules_of_keys() -> None:
    async with wizard(answers()) as walk:
        async for screen in dialogs(walk):
            for widget in screen.focus_chain:
                screen.set_focus(widget)
                await walk.pilot.pause()
                check_keys(screen)
    async with first_screen() as walk:
        check_keys(walk.app.screen)


async def test_ids_of_bindings_are_each_for_one_key() -> None:
    import importlib
    import pkgutil

    import tui.app

    known: dict[str, tuple[str, str]] = {}
    for found in pkgutil.walk_packages(tui.app.__path__, "tui.app."):
        for kind in vars(importlib.import_module(found.name)).values():
            if isinstance(kind, type) and kind.__module__ == found.name:
                for binding in kind.__dict__.get("BINDINGS", ()):
                    place = (binding.key, binding.action)
                    assert binding.id, f"{kind.__name__} {binding.key}"
                    assert known.setdefault(binding.id, place) == place, f"{binding.id} is two things"
    assert len(known) > 50
