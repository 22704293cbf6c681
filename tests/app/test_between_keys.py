"""What takes long is done while no key is pressed: collecting garbage, importing the steps."""

from __future__ import annotations

import gc
import sys
import weakref
from collections.abc import Iterator
from importlib import import_module

import pytest

from tests.app.everything import answers
from tests.app.panes import Walk, home, wizard
from tui.app import launch
from tui.app.steps.step_texts import ORDER

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


class Cycle:
    """Garbage that only a collection finds."""

    def __init__(self) -> None:
        self.myself = self


@pytest.fixture
def collector() -> Iterator[None]:
    thresholds, interval = gc.get_threshold(), sys.getswitchinterval()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()
    gc.enable()
    sys.setswitchinterval(interval)


async def test_all_garbage_is_collected_in_a_pause(collector: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "IDLE_SECONDS", 0.1)
    app = launch._wizard(None)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(gc.isenabled, "it has started")
        assert gc.get_threshold()[2] == launch.SELDOM
        old = Cycle()
        gc.collect(1)  # twice: then it is among what only a complete collection looks through
        gc.collect(1)
        gone = weakref.ref(old)
        del old
        await pilot.press("down")
        await walk.until(lambda: gone() is None, "it was collected")


async def test_all_steps_but_the_last_are_imported_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    imported: list[str] = []
    monkeypatch.setattr(
        "tui.app.steps.wizard_screen.import_module", lambda name: imported.append(name) or import_module(name)
    )
    async with wizard(answers()) as walk:
        await walk.until(lambda: len(imported) == len(ORDER) - 1, "without a key")
    assert imported == [f"tui.app.steps.{step}.pane" for step in ORDER[:-1]]
