"""Keys typed before their screen is shown: none is lost, and none goes to another widget."""

from __future__ import annotations

import asyncio
import os

import pytest
from textual.widgets import Input

from tests.app.everything import answers
from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.terminal import PAGE_DOWN, Terminal
from tui.app.app import WizardApp
from tui.app.widgets.field_row import FieldRow

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def at_once(walk: Walk, *keys: str) -> None:
    """Send keys that arrive together, as over a slow link."""
    for key in keys:
        walk.app.simulate_key(key)


async def test_letters_after_the_key_for_the_next_step_go_into_its_field() -> None:
    async with wizard(answers()) as walk:
        await walk.to("workspace")
        left = walk.app.screen.query_one("#row-workspace-name", FieldRow).control
        left.focus()
        await walk.pilot.pause()
        before = walk.store.value("workspace.name")
        at_once(walk, "pagedown", "ctrl+u", *"typed-ahead")
        await walk.until(lambda: walk.store.value("endpoint.name") == "typed-ahead", "the next step's field has it")
        assert walk.app.screen.step == "endpoint"  # type: ignore[attr-defined]
        assert walk.store.value("workspace.name") == before


async def test_every_page_key_counts_forwards_and_back() -> None:
    async with wizard(answers()) as walk:
        at_once(walk, *["pagedown"] * 5, "pageup", "pagedown", "pageup", "pageup")
        await walk.until(lambda: walk.app.screen.step == "model", "five on, one back, one on, two back")  # type: ignore[attr-defined]
        await walk.sees("step 4 of 9")


async def test_what_was_typed_for_the_next_step_is_dropped_where_a_wrong_field_keeps_one() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        name = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        assert isinstance(name, Input)
        await walk.until(lambda: name.has_focus, "the name has the focus")
        at_once(walk, "ctrl+u", *"my_name", "pagedown", *"for-the-model", "enter")
        await walk.sees("step 3 of 9", "✖")
        await walk.until(lambda: name.has_focus, "the wrong field has the focus")
        await walk.pilot.pause()
        assert name.value == "my_name"
        at_once(walk, "end", "z")  # and from here on keys count again
        await walk.until(lambda: name.value == "my_namez", "the field takes it")


async def test_enter_moves_on_before_the_letters_after_it() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        name = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        await walk.until(lambda: name.has_focus, "the name has the focus")
        at_once(walk, "ctrl+u", *"one", "enter", "pagedown", "pageup", "ctrl+u", *"two")
        await walk.until(lambda: walk.store.value("endpoint.name") == "two", "it came back to the first field")


async def test_a_field_keeps_what_was_typed_right_before_tab() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        name = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        await walk.until(lambda: name.has_focus, "the name has the focus")
        at_once(walk, "ctrl+u", *"kept-01", "tab", "tab")
        await walk.until(lambda: not name.has_focus, "the focus has gone on")
        await walk.until(lambda: walk.store.value("endpoint.name") == "kept-01", "the plan has it")
        await walk.sees("kept-01", "you")


async def test_deleting_and_the_caret_s_keys_wait_for_nothing_as_letters_do(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[object] = []
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        name = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        await walk.until(lambda: name.has_focus and walk.app._typed._settling is None, "the name has the focus")
        wait = walk.app._typed.wait
        monkeypatch.setattr(walk.app._typed, "wait", lambda *way: (waited.append(way), wait(*way)))
        at_once(walk, "ctrl+u", *"ond", "backspace", "left", "left", "q", "delete", "ctrl+a")
        await walk.until(lambda: walk.store.value("endpoint.name") == "qn", "all came in their order")
        assert not waited
        at_once(walk, "backspace", "x", "tab")
        await walk.until(lambda: not name.has_focus, "the focus has gone on")
        assert waited and walk.store.value("endpoint.name") == "xqn"


async def test_keys_for_the_menu_wait_until_it_is_there_and_escape_comes_back() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        name = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        await walk.until(lambda: name.has_focus, "the name has the focus")
        at_once(walk, "ctrl+o", "down", "escape", "ctrl+g", "escape", "ctrl+u", *"after-all")
        await walk.until(lambda: walk.store.value("endpoint.name") == "after-all", "both dialogs came and went")


async def test_control_c_does_not_wait_and_takes_back_what_was_typed_ahead() -> None:
    async with wizard(answers()) as walk:
        at_once(walk, "pagedown", "pagedown", "pagedown", "ctrl+c")
        await walk.sees("Quit the wizard")
        at_once(walk, "ctrl+c")
        await walk.until(lambda: walk.app._exit, "it leaves")


async def test_keys_pressed_before_the_first_screen_are_for_it(home: object) -> None:
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        at_once(walk, "down", "enter", "pagedown", "pagedown")
        await walk.sees("step 3 of 9")


async def test_keys_are_free_again_where_the_step_takes_long_to_be_looked_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.steps.typed_ahead.LEAVING_SECONDS", 0.2)
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        begun = asyncio.Event()

        async def looks_for_ever() -> None:
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(walk.app.screen.query_one("#pane-endpoint"), "validate", looks_for_ever)
        at_once(walk, "pagedown")
        await begun.wait()
        at_once(walk, "pageup")
        await walk.sees("step 2 of 9")
        at_once(walk, "pagedown")  # the look that has not ended keeps no other step
        await walk.sees("step 3 of 9")


def test_page_down_and_letters_in_one_piece_on_a_terminal(rehearsal_home: dict[str, str]) -> None:
    import sys

    env = {**rehearsal_home, "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"}
    terminal = Terminal([sys.executable, "-m", "tui", "churn-xgboost", "--rehearse"], env)
    terminal.sees("step 1 of 9")
    terminal.types(PAGE_DOWN * 2 + b"\x15ahead-01")
    terminal.sees("step 3 of 9")
    terminal.sees("ahead-01")
    terminal.types(b"\x03\x03")
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
