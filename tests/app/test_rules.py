"""The rules that every screen keeps: keys, reach by Tab and Enter, whole texts, help, late answers, leaving, sizes."""

from __future__ import annotations

import asyncio
import os
import random
import re
import select
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from textual import events
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static, TextArea

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.recorded import Recording
from tests.app.test_compute_pane import OFFERS
from tests.app.test_model_pane import COUNTED, INSPECTED, browse
from tests.app.test_network_pane import REACH
from tests.app.test_operating import endpoint
from tests.app.test_shell import is_forbidden, own
from tui.app.app import WizardApp
from tui.app.panes.pane import Pane
from tui.app.screens.too_small import TooSmallScreen
from tui.app.widgets.field_row import FieldRow
from tui.app.words import ORDER, TITLES
from tui.plan import reasons
from tui.plan.fields import FIELDS, fields_of

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


def answers(**more: Any) -> Any:
    """Everything goes well, with every question of the nine steps answered."""
    told = {
        "inspect_model": INSPECTED, "count_files": COUNTED, "sizes": OFFERS, "reach": REACH, "credential_sources": [],
        "endpoint": endpoint({"blue": 90, "green": 10}), "endpoint_name": {"state": "free", "region": "eastus2"},
    }  # fmt: skip
    return recorded_answers(**{**told, **more})


@asynccontextmanager
async def first_screen() -> AsyncIterator[Walk]:
    """The wizard without a plan."""
    app = WizardApp(environ=dict(os.environ), helper=answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        yield walk


async def follow(walk: Walk, recording: Recording) -> None:
    """Show a run, as after attaching to it."""
    walk.store.follow(recording.run)
    await walk.to("deploy")


# Keys


async def dialogs(walk: Walk) -> AsyncIterator[Screen[Any]]:
    """One dialog after the other, opened by the keys that open them."""
    for keys, words in (
        (("ctrl+g",), "Close"),
        (("ctrl+o",), "Enter does it"),
        (("ctrl+c",), "Leave the wizard?"),
    ):
        await walk.press(*keys)
        await walk.sees(words)
        yield walk.app.screen
        await walk.press("escape")
        await walk.until(lambda: walk.app.screen.id == "wizard", "Esc closes it")


def judge_keys(screen: Screen[Any]) -> None:
    """No key of the browser's, at most six in the footer, an id and a tooltip for each of ours."""
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
                judge_keys(screen)
    async with first_screen() as walk:
        judge_keys(walk.app.screen)


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


# Every action by Tab and Enter


async def by_tab(walk: Walk) -> set[str]:
    """The ids of everything that Tab leads to, all round."""
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
        await walk.sees("Enter does it")
        options = walk.app.screen.query_one(OptionList)
        labels = [str(options.get_option_at_index(number).prompt) for number in range(options.option_count)]
        for action in pane.actions():
            assert any(label.startswith(action.label) for label in labels), action.label
        for word in ("Show this step as az CLI", "Help", "Copy", "Save the plan as", "Leave"):
            assert any(label.startswith(word) for label in labels), word
        await walk.press("down", "enter")


async def test_the_first_screen_is_left_and_explained_with_tab_and_enter() -> None:
    async with first_screen() as walk:
        await walk.tab_to("home-help")
        await walk.press("enter")
        await walk.sees("A plan says what is deployed and where")
        await walk.press("enter")
        await walk.tab_to("leave")
        await walk.press("enter")
        assert walk.app.return_value == "left"


# Nothing is cut at 80×24

SHORTENED = {"deploy-links", "path-head", "note"}  # whole in another place: to copy, or in the help


def cut(walk: Walk) -> list[str]:
    """Texts that have less room than they need."""
    found = []
    for widget in walk.app.screen.query("Static, Button").results():
        if not widget.region.area or widget.id in SHORTENED or widget.has_class("field-note"):
            continue
        if isinstance(widget, Button):
            text, room = widget.label.plain, widget.content_size.width
            if len(text) > room:
                found.append(f"{widget.id}: {text!r} in {room}")
        elif isinstance(widget, Static) and not widget.has_class("option"):
            needed = widget.get_content_height(widget.content_size, widget.content_size, widget.content_size.width)
            one_row = str(widget.styles.text_wrap) == "nowrap"
            wide = widget.get_content_width(widget.content_size, widget.content_size) if one_row else 0
            if needed > widget.content_size.height or wide > widget.content_size.width:
                found.append(f"{widget.id}: {str(widget.visual)[:60]!r} in {widget.content_size}")
    return found


@pytest.mark.slow
@pytest.mark.parametrize("step", ORDER[:-2])
@pytest.mark.parametrize("state", ["well", "refused"])
async def test_no_text_is_cut_at_80_by_24(step: str, state: str) -> None:
    from tui.helper.client import HelperError

    refused = HelperError(
        "The identity may not read this",
        "It has none of the roles Reader, Contributor or AzureML Data Scientist at this scope.",
        "Ask the owner of the subscription for the role Reader on the resource group, then read again.",
        "AuthorizationFailed",
    )
    names = ("workspace", "endpoint", "sizes", "reach", "inspect_model", "check", "changes", "credential_sources")
    given = answers() if state == "well" else answers(**dict.fromkeys(names, refused))
    async with wizard(given) as walk:
        await walk.to(step)
        await walk.pilot.pause(0.2)
        await walk.until(lambda: not cut(walk), lambda: cut(walk), 5)  # type: ignore[arg-type]


@pytest.mark.parametrize("play", [Recording.to_middle, Recording.to_success, Recording.to_failure])
async def test_no_text_of_a_run_is_cut_at_80_by_24(play: Callable[[Recording], None], home: Path) -> None:
    recording = Recording(home, ago=12).engine_lives()
    play(recording)
    async with wizard(answers()) as walk:
        await follow(walk, recording)
        await walk.sees("endpoint")
        await walk.until(lambda: not cut(walk), lambda: cut(walk), 5)  # type: ignore[arg-type]


# Help


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_the_help_of_a_field_says_what_why_an_example_and_where_to_read_on(field: Any) -> None:
    assert field.help.what.endswith(".")
    assert reasons.why(field) or (field.kind in ("choice", "bool") and field.help.what)
    assert reasons.example(field) or field.choices or field.kind == "bool"
    assert reasons.link(field).startswith("https://")


@pytest.mark.parametrize("step", ["credentials", "workspace", "endpoint", "model", "compute", "network"])
async def test_every_field_explains_itself_with_value_source_and_default(step: str) -> None:
    async with wizard(answers()) as walk:
        await walk.to(step)
        pane: Any = walk.app.screen.query_one(f"#pane-{step}")
        if pane.less_usual():
            await pane.show_all(True)
        rows = list(pane.query(FieldRow))
        assert len(rows) >= len([field for field in fields_of(step) if walk.store.document.asked(field.key)])
        for row in rows:
            text = row.topic().full().plain
            assert all(heading in text for heading in ("From\n", "Read more\n"))
            assert "Default\n" in text or row.field.kind == "secret"


# Late answers, and Next


@pytest.mark.parametrize(
    ("step", "question", "key", "value", "late"),
    [
        ("credentials", "sign_in", "credential.tenant_id", "other", {"principal": "late-principal", "kind": "user"}),
        ("workspace", "workspace", "workspace.name", "ws-other", {"name": "late", "location": "late-region"}),
        ("endpoint", "endpoint", "endpoint.name", "other-01", {"exists": True, "provisioning_state": "Late"}),
        ("model", "inspect_model", "deployment.model.path", "other", {**INSPECTED, "flavour": "late-flavour"}),
        ("compute", "sizes", "workspace.name", "ws-other", OFFERS),
        ("network", "reach", "workspace.name", "ws-other", REACH),
    ],
)
async def test_an_answer_for_an_older_value_is_dropped(
    step: str, question: str, key: str, value: str, late: Any
) -> None:
    given = answers(**{question: late})
    given.hold(question)
    async with wizard(given) as walk:
        await walk.to(step)
        if question == "sign_in":
            await walk.tab_to("sign-in")
            await walk.press("enter")
        await walk.until(lambda: question in [name for name, _ in given.asked], "it is asked")
        walk.store.put(key, value, "you")
        from tui.helper.client import HelperError

        first, given.answers[question] = given.answers[question], HelperError("Nothing newer", "None.")
        asked = given.held[question]
        given.held.clear()
        given.answers[question] = first
        asked.set()
        given.answers[question] = HelperError("Nothing newer", "None.")
        await walk.pilot.pause(0.3)
        assert question not in walk.store.facts
        assert "late" not in walk.text().lower().replace("late answers", "")


@pytest.mark.parametrize(
    ("step", "key", "wrong"),
    [
        ("credentials", "credential.method", "nobody"),
        ("workspace", "workspace.subscription_id", "not-an-id"),
        ("endpoint", "endpoint.name", "Fraud_Score"),
        ("model", "deployment.environment.conda_file", "no such file"),
        ("compute", "deployment.instance_count", "none"),
        ("compute", "deployment.liveness_probe.period", "soon"),
    ],
)
async def test_next_goes_to_the_first_error_wherever_it_is(step: str, key: str, wrong: str) -> None:
    async with wizard(answers()) as walk:
        await walk.to(step)
        walk.store.put(key, wrong, "you")
        await walk.press("pagedown")
        await walk.sees("Something here needs attention")

        def there() -> bool:
            focused = walk.app.screen.focused
            rows = [part for part in focused.ancestors_with_self if isinstance(part, FieldRow)] if focused else []
            return bool(rows) and rows[0].field.key == key

        await walk.until(there, f"the focus is on {key}")
        assert walk.app.screen.step == step
        await walk.sees("✖")


# Leaving


async def stays_in_list(walk: Walk) -> None:
    await walk.to("workspace")
    walk.app.screen.query_one("#row-workspace-name", FieldRow).control.focus()
    await walk.press("down")


async def asks(walk: Walk) -> None:
    await walk.to("workspace")


async def picks(walk: Walk) -> None:
    await walk.to("model")
    await browse(walk)


async def opens_menu(walk: Walk) -> None:
    await walk.press("ctrl+o")


async def reads(walk: Walk) -> None:
    await walk.press("ctrl+g")


async def is_small(walk: Walk) -> None:
    await walk.pilot.resize_terminal(40, 10)
    await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen), "the notice")


async def edits(walk: Walk) -> None:
    await walk.to("test")
    walk.app.screen.query_one(TextArea).focus()


async def sends_many(walk: Walk) -> None:
    await walk.to("test")
    await walk.tab_to("test-many")
    await walk.press("enter")
    await walk.sees("Send many times")
    await walk.press("enter")


@pytest.mark.parametrize(
    "state", [stays_in_list, asks, picks, opens_menu, reads, is_small, edits, sends_many], ids=lambda f: f.__name__
)
async def test_ctrl_c_twice_leaves_from_every_state(state: Callable[[Walk], Any]) -> None:
    given = answers()
    for question in ("workspace", "workspaces", "burst", "sign_in"):
        given.hold(question)
    async with wizard(given) as walk:
        await state(walk)
        await walk.press("ctrl+c", "ctrl+c")
        await walk.until(lambda: walk.app.return_value == "left", "the wizard is left")


@pytest.mark.slow
@pytest.mark.parametrize("step", ORDER)
async def test_every_step_is_left_while_azure_does_not_answer(step: str) -> None:
    given = answers()
    for question in list(given.answers):
        given.hold(question)
    async with wizard(given) as walk:
        await walk.to(step)
        await walk.press("ctrl+c", "ctrl+c")
        await walk.until(lambda: walk.app.return_value == "left", "the wizard is left")


async def test_it_is_left_while_the_rehearsal_is_still_starting() -> None:
    import threading

    from tui.plan.load import load

    gate = threading.Event()

    def prepare(document: object) -> dict[str, str]:
        gate.wait(20)
        return dict(os.environ)

    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), rehearse=True, prepare=prepare, helper=answers())
    try:
        async with app.run_test(size=(80, 24)) as pilot:
            walk = Walk(app, pilot)
            await walk.sees("step 1 of 9")
            await walk.press("ctrl+c", "ctrl+c")
            await walk.until(lambda: app.return_value == "left", "the wizard is left")
    finally:
        gate.set()


# Sizes


async def test_sizes_that_come_faster_than_they_are_drawn_settle() -> None:
    async with wizard(answers()) as walk:
        for width, height in ((120, 40), (60, 15), (100, 30), (150, 50), (90, 25), (80, 24)):
            size = Size(width, height)
            walk.app._driver._size = size  # type: ignore[union-attr]
            walk.app.screen.post_message(events.Resize(size, size))
            walk.app.post_message(events.Resize(size, size))
        await walk.sees("step 1 of 9", "Sign in with", "PgDn Next")
        assert walk.app.screen.id == "wizard"


@pytest.mark.slow
async def test_a_hundred_sizes_while_a_run_goes_on(home: Path) -> None:
    recording = Recording(home, ago=3).engine_lives()
    recording.to_middle()
    chance = random.Random(20261122)
    async with wizard(answers()) as walk:
        await follow(walk, recording)
        for number in range(100):
            width, height = chance.randint(20, 200), chance.randint(5, 60)
            size = Size(width, height)
            walk.app._driver._size = size  # type: ignore[union-attr]
            walk.app.post_message(events.Resize(size, size))  # the next one does not wait until this one is drawn
            await asyncio.sleep(0.01)
            if number % 5 == 0:
                recording.log(3 + number / 10, "endpoint", f"line {number} of the log")
            if number % 25 == 24:
                small = width < 80 or height < 20
                await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen) is small, f"{size}")  # noqa: B023
        await walk.pilot.resize_terminal(80, 24)
        await walk.sees("step 8 of 9", "▸ running", "line 95 of the log", "PgUp Back")
        assert all(len(line) <= 80 for line in walk.text().splitlines())


@pytest.mark.slow
async def test_every_step_in_every_size_without_a_mistake() -> None:
    async with wizard(answers()) as walk:
        for step in ORDER:
            await walk.to(step)
            for size in ((80, 20), (200, 60), (99, 30)):
                await walk.pilot.resize_terminal(*size)
                await walk.sees(f"step {ORDER.index(step) + 1} of 9", TITLES[step], "Back")


# Pasting, wide characters


async def test_ten_thousand_characters_can_be_pasted() -> None:
    text = "a" * 10_000
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        field = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        await walk.until(lambda: field.has_focus, "the field has the focus")
        await walk.press("ctrl+u")
        walk.app.post_message(events.Paste(text))
        await walk.until(lambda: walk.store.value("endpoint.name") == text, "all of it is there")
        await walk.press("tab")
        await walk.sees("✖", "Next")
        await walk.to("test")
        editor = walk.app.screen.query_one(TextArea)
        editor.focus()
        await walk.press("ctrl+a")
        lines = "\n".join(f'{{"data": [[{number}]]}}' for number in range(600))
        walk.app.post_message(events.Paste(lines))
        await walk.until(lambda: lines in editor.text, "all of it is there")
        await walk.sees("✖", "JSON")


async def test_wide_characters_take_their_columns() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        row = walk.app.screen.query_one("#row-endpoint-description", FieldRow)
        row.control.focus()
        await walk.press("ctrl+u")
        walk.app.post_message(events.Paste("流失预测 モデル é́"))
        await walk.until(lambda: "流失预测" in str(walk.store.value("endpoint.description")), "it is there")
        await walk.press("tab")
        await walk.sees("流失预测 モデル")
        for strip in walk.app.screen._compositor.render_strips():
            assert sum(segment.cell_length for segment in strip) == 80
        await walk.press("ctrl+o")
        await walk.sees("Menu")


async def test_a_path_with_spaces_and_quotes_is_pasted_judged_and_saved(home: Path) -> None:
    from tui.plan.load import load

    folder = home / 'it\'s a "model" folder, ü'
    folder.mkdir()
    async with wizard(answers()) as walk:
        await walk.to("model")
        row = walk.app.screen.query_one("#row-deployment-model-path", FieldRow)
        row.control.focus()
        await walk.press("ctrl+u")
        walk.app.post_message(events.Paste(str(folder)))
        await walk.until(lambda: walk.store.value("deployment.model.path") == str(folder), "it is there")
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "compute", "it is taken")
        assert isinstance(row.control, Input) and row.error is None
    (saved,) = (home / "plans").glob("*.yml")
    assert load(saved).get("deployment.model.path") == str(folder)


# The real command in a terminal with 16 colours


def test_a_terminal_with_16_colours_gets_no_others_and_is_legible(home: Path) -> None:
    import fcntl
    import pty
    import struct
    import termios

    pyte = pytest.importorskip("pyte")
    env = {name: value for name, value in os.environ.items() if name not in ("COLORTERM", "NO_COLOR", "CI")}
    env.update(TERM="xterm", AML_DEPLOY_HOME=str(home), PYTHONPATH=str(Path(__file__).parents[2]))
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "tui"], env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    screen = pyte.Screen(80, 24)
    stream = pyte.ByteStream(screen)
    everything = b""

    def sees(words: str) -> None:
        nonlocal everything
        deadline = time.monotonic() + 60
        while words not in "\n".join(screen.display):
            assert time.monotonic() < deadline, "\n".join(screen.display)
            if select.select([master], [], [], 0.1)[0]:
                data = os.read(master, 65536)
                everything += data
                stream.feed(re.sub(rb"\x1b\[[<>=?][0-9;$]*[a-zA-Z]|\x1bP.*?\x1b\\", b"", data))
        for y in range(24):
            for x in range(80):
                cell = screen.buffer[y][x]
                behind = "black" if cell.bg == "default" else cell.bg
                front = "white" if cell.fg == "default" else cell.fg
                assert not cell.data.isalnum() or front != behind, f"{cell} at {x}, {y}"

    try:
        sees("Troubleshoot an endpoint")
        os.write(master, b"\r")
        sees("step 1 of 9")
        os.write(master, b"\x0f")
        sees("Show this step as az CLI")
        os.write(master, b"\x03")
        sees("Leave the wizard?")
        os.write(master, b"\x03")
        deadline = time.monotonic() + 30
        while process.poll() is None and time.monotonic() < deadline:
            if select.select([master], [], [], 0.1)[0]:
                try:
                    everything += os.read(master, 65536)
                except OSError:  # the other end is closed
                    break
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(master)
    assert b"Traceback" not in everything
    assert not re.search(rb"\x1b\[[0-9;]*[34]8[;:][25]", everything)
    assert re.search(rb"\x1b\[[0-9;]*(?:9[0-7]|10[0-7]|4[0-7])", everything), "there are colours"


def test_it_ends_when_the_terminal_disappears_without_a_signal(home: Path) -> None:
    import pty

    env = {**os.environ, "TERM": "xterm", "AML_DEPLOY_HOME": str(home), "PYTHONPATH": str(Path(__file__).parents[2])}
    master, slave = pty.openpty()
    process = subprocess.Popen(  # in a session of its own, without a controlling terminal: nothing sends SIGHUP
        [sys.executable, "-m", "tui"], env=env, stdin=slave, stdout=slave, stderr=slave, start_new_session=True
    )
    os.close(slave)
    try:
        seen, deadline = b"", time.monotonic() + 60
        while b"Presets" not in seen:
            assert time.monotonic() < deadline
            if select.select([master], [], [], 0.1)[0]:
                seen += os.read(master, 65536)
        os.close(master)
        process.wait(timeout=30)
    finally:
        process.kill()
        process.wait()
