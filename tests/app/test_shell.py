"""The frame around the steps: keys, help, leaving, saving, the menu, the first screen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from textual import events
from textual.widgets import Button, Input, OptionList

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.test_forms import LEGACY
from tui.app.app import WizardApp
from tui.app.panes.form import FormScroll
from tui.app.screens.quit import QuitScreen
from tui.app.screens.too_small import TooSmallScreen
from tui.app.widgets.field_row import FieldRow
from tui.app.words import ORDER, TITLES
from tui.engine.heartbeat import this_machine
from tui.engine.runs import Run, _start_time
from tui.plan.load import load
from tui.plan.presets import presets

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

# Keys that a browser keeps to itself, or that mean something else in one.
FORBIDDEN = {"ctrl+q", "ctrl+w", "ctrl+t", "ctrl+n", "ctrl+b", "ctrl+p", "ctrl+enter", "ctrl+tab"}


def is_forbidden(key: str) -> bool:
    """Whether a key must not be bound."""
    letter_alone = len(key) == 1 and key.isalpha()
    return key in FORBIDDEN or "ctrl+shift" in key or key.startswith("alt+") or letter_alone


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


def own(node: object) -> Iterator[object]:
    """The bindings that a class of ours declares itself."""
    for kind in type(node).__mro__:
        if kind.__module__.startswith("tui."):
            yield from kind.__dict__.get("BINDINGS", ())


async def test_at_80_by_24_every_label_and_button_is_whole() -> None:
    async with wizard(size=(80, 24)) as walk:
        for step in ORDER:
            await walk.to(step)
            await walk.pilot.pause()
            shown = walk.text()
            assert TITLES[step] in shown
            assert f"step {ORDER.index(step) + 1} of 9" in shown
            for button in walk.app.screen.query("#buttons Button").results(Button):
                if button.display:
                    assert button.label.plain in shown
            pane = walk.app.screen.query_one(f"#pane-{step}")
            for row in pane.query(FieldRow):
                if row.display:
                    assert row.field.label in shown
                    assert row.note() in shown
            for scroll in pane.query(FormScroll):
                assert scroll.max_scroll_y == 0, f"{step} does not fit\n{shown}"
            for key in ("PgUp Back", "PgDn Next", "^g Help", "^y Copy", "^o Menu", "^c Leave"):
                assert key in shown


async def test_rail_from_100_columns_side_help_from_140_two_rows_of_help_otherwise() -> None:
    async with wizard(size=(80, 24)) as walk:
        await walk.to("endpoint")
        seen = {}
        for width in (80, 100, 140):
            await walk.pilot.resize_terminal(width, 40)
            await walk.pilot.pause()
            seen[width] = [walk.app.screen.query_one(f"#{name}").region.width > 0 for name in
                           ("rail", "side-help", "help-bar")]  # fmt: skip
        assert seen == {80: [False, False, True], 100: [True, False, True], 140: [True, True, False]}


async def test_page_keys_walk_the_steps_and_the_focus_lands_where_they_work() -> None:
    async with wizard() as walk:
        for step in ORDER[1:7]:
            await walk.press("pagedown")
            await walk.until(lambda step=step: walk.app.screen.step == step, step)
            await walk.pilot.pause()
        assert walk.focused == "back", "Review begins on Back, never on Deploy"
        for step in reversed(ORDER[:6]):
            await walk.press("pageup")
            await walk.until(lambda step=step: walk.app.screen.step == step, step)


async def test_page_down_pressed_faster_than_steps_open_loses_no_press_and_never_deploys() -> None:
    async with wizard() as walk:
        for _ in range(12):
            walk.app.simulate_key("pagedown")
        await walk.until(lambda: walk.app.screen.step == "review", "the step before Deploy")
        await walk.pilot.pause()
        assert walk.store.run is None


async def test_enter_goes_through_the_fields_to_next() -> None:
    async with wizard() as walk:
        await walk.to("workspace")
        await walk.press("enter", "enter", "enter")
        assert walk.focused == "next"
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.step == "endpoint", "the next step")


async def test_field_help_says_what_why_example_source_and_link() -> None:
    async with wizard() as walk:
        await walk.to("endpoint")
        await walk.press("ctrl+g")
        await walk.sees("unique in the whole Azure region", "churn-endpoint-01", "preset churn-xgboost")
        await walk.press("end")
        await walk.sees("https://learn.microsoft.com")
        await walk.press("escape")
        assert walk.app.screen.id == "wizard"


async def test_ctrl_c_asks_and_a_second_time_leaves() -> None:
    async with wizard() as walk:
        await walk.press("ctrl+c")
        await walk.sees("Leave the wizard?", "Nothing is running")
        await walk.press("right", "enter")
        assert walk.app.screen.id == "wizard", "Stay goes back to the step"
        await walk.press("ctrl+c", "ctrl+c")
        assert walk.app.return_value == "left"


@pytest.fixture
def working_run(home: Path) -> Iterator[tuple[Run, subprocess.Popen[bytes]]]:
    """A run whose engine is a process that waits."""
    engine = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    folder = home / "runs" / "r-1"
    folder.mkdir(parents=True)
    about = {"run": "r-1", "endpoint": "churn-endpoint-01", "deployment": "blue",
             "started": "2026-01-02T03:04:05Z", "rehearsed": True}  # fmt: skip
    (folder / "run.json").write_text(json.dumps(about))
    about = {"pid": engine.pid, "started": _start_time(engine.pid), "host": this_machine()}
    (folder / "engine.json").write_text(json.dumps(about))
    load("churn-xgboost").save(folder / "plan.yml")
    yield Run("r-1", folder, "churn-endpoint-01", "blue", about["started"], True), engine
    engine.kill()
    engine.communicate()


async def test_leaving_while_a_run_works_detaches_by_default(working_run) -> None:
    run, engine = working_run
    async with wizard() as walk:
        walk.store.follow(run)
        await walk.press("ctrl+c")
        await walk.sees("A run is under way", "Detach", "Stop and clean up", "Stay")
        await walk.press("enter")
        assert walk.app.return_value == "detached"
    assert engine.poll() is None


async def test_stop_and_clean_up_ends_the_engine_and_asks_for_the_cleaning(working_run) -> None:
    run, engine = working_run
    async with wizard() as walk:
        walk.store.follow(run)
        await walk.press("ctrl+c")
        await walk.sees("Stop and clean up")
        await walk.press("right", "enter")
        assert walk.app.return_value == "stopping"
    assert engine.wait(timeout=20) == -signal.SIGTERM
    assert (run.folder / "clean-up").exists()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
async def test_a_signal_leaves_and_the_run_goes_on(working_run, number: signal.Signals) -> None:
    run, engine = working_run
    async with wizard() as walk:
        walk.store.follow(run)
        os.kill(os.getpid(), number)
        await walk.until(lambda: walk.app.return_value == "detached", "the wizard left")
        assert walk.app.hung_up is (number == signal.SIGHUP)
    assert engine.poll() is None


async def test_a_terminal_that_is_too_small_gets_a_notice_until_it_is_large_again() -> None:
    async with wizard() as walk:
        await walk.pilot.resize_terminal(70, 18)
        await walk.until(lambda: isinstance(walk.app.screen, TooSmallScreen))
        await walk.sees("70 columns and 18 rows", "80 × 20")
        await walk.pilot.resize_terminal(80, 24)
        await walk.until(lambda: walk.app.screen.id == "wizard")


# Saving


async def test_a_changed_preset_is_saved_among_the_plans_when_the_step_is_left(home: Path) -> None:
    async with wizard() as walk:
        await walk.to("endpoint")
        assert "preset" in walk.text().splitlines()[0]
        await walk.press("ctrl+u", *"fraud")
        assert "not saved yet" in walk.text()
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "model")
        assert " saved " in walk.text().splitlines()[0]
    saved = home / "plans" / "churn-xgboost.yml"
    assert load(saved).get("endpoint.name") == "fraud"
    assert load(saved).get("workspace.name") == "${env:AZURE_ML_WORKSPACE}"


async def test_an_unchanged_preset_leaves_no_file(home: Path) -> None:
    async with wizard(recorded_answers(workspace=LEGACY)) as walk:
        await walk.press("pagedown", "pagedown")
        await walk.until(lambda: walk.app.screen.step == "endpoint")
    assert not os.listdir(_plans(home))  # noqa: PTH208


async def test_a_plan_from_a_file_is_saved_there_without_what_a_rehearsal_changed(home: Path) -> None:
    from tui.rehearse import with_own_identity

    file = home / "plan.yml"
    source = load("churn-xgboost")
    source.set("credential.method", "azure_cli", "test")
    source.save(file)
    app = WizardApp(
        load(file),
        environ=dict(os.environ),
        rehearse=True,
        adopt=lambda document: with_own_identity(document, os.environ),
        helper=recorded_answers(),
    )
    async with app.run_test() as pilot:
        walk = Walk(app, pilot)
        await walk.sees("rehearsal's identity")
        await walk.to("endpoint")
        await walk.press("ctrl+u", *"fraud")
        await walk.to("model")
    written = yaml.safe_load(file.read_text())
    assert written["endpoint"]["name"] == "fraud"
    assert written["credential"] == {"method": "azure_cli"}


async def test_save_as_wants_a_yaml_file_and_writes_it(home: Path) -> None:
    async with wizard() as walk:
        await walk.press("ctrl+o")
        options = walk.app.screen.query_one(OptionList)
        labels = [options.get_option_at_index(number).prompt.plain for number in range(options.option_count)]
        position = next(number for number, label in enumerate(labels) if label.startswith("Save the plan as"))
        await walk.press(*["down"] * position, "enter")
        await walk.until(lambda: bool(walk.app.screen.query("#file")))
        walk.app.screen.query_one("#file", Input).value = str(home / "mine.txt")
        await walk.press("enter")
        await walk.sees("a name that ends in .yml")
        walk.app.screen.query_one("#file", Input).value = str(home / "mine.yml")
        await walk.press("enter")
        await walk.until(lambda: (home / "mine.yml").exists())
    assert load(home / "mine.yml").get("endpoint.name") == "churn-endpoint-01"


# The menu


@pytest.mark.parametrize("step", ORDER)
async def test_each_step_shows_itself_as_az_and_never_a_secret(step: str) -> None:
    from tui.app.as_code import as_code
    from tui.app.store import Store

    store = Store(load("churn-xgboost"))
    store.put("credential.method", "service_principal", "you")
    store.set("credential.client_secret", "s3cr3t-value")
    text = as_code(step, store)
    assert "az " in text
    assert "s3cr3t-value" not in text
    if step == "workspace":
        assert '--resource-group "$AZURE_RESOURCE_GROUP"' in text
    if step == "endpoint":
        assert "auth_mode: key" in text


async def test_the_menu_offers_every_other_step_and_goes_there() -> None:
    async with wizard(size=(100, 40)) as walk:
        await walk.press("ctrl+o")
        shown = await walk.sees("Menu", "Show this step as az CLI and YAML", "Leave")
        for number, step in enumerate(ORDER[1:], 2):
            assert f"Go to step {number}, {TITLES[step]}" in shown
        options = walk.app.screen.query_one(OptionList)
        labels = [options.get_option_at_index(number).prompt.plain for number in range(options.option_count)]
        position = next(number for number, label in enumerate(labels) if "Compute" in label)
        await walk.press(*["down"] * position, "enter")
        await walk.until(lambda: walk.app.screen.step == "compute")


# The first screen


async def test_home_lists_unfinished_runs_first_then_presets_then_plans(home: Path, working_run) -> None:
    load("churn-xgboost").save(_plans(home) / "mine.yml")
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        shown = await walk.sees("Runs to come back to", "churn-endpoint-01", "Presets", "churn-xgboost", "mine")
        assert shown.index("Runs to come back to") < shown.index("Presets") < shown.index("Recent plans")
        await walk.press("enter")
        await walk.sees("Run r-1", "Attach", "Edit")
        assert not walk.app.screen.query("#discard"), "a run that works is not discarded"
        await walk.press("right", "enter")
        await walk.until(lambda: walk.app.screen.id == "wizard")
        assert walk.app.screen.step == "credentials"


async def test_home_opens_a_preset_with_enter() -> None:
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("churn-xgboost", "Churn of bank customers")
        await walk.press("enter")
        await walk.sees("step 1 of 9", "Sign in with")


async def choose_on_home(walk: Walk, title: str) -> None:
    """Move to an entry of the first screen and open it."""
    options = walk.app.screen.query_one(OptionList)
    for _ in range(12):
        marked = options.highlighted_option
        if marked is not None and title in str(marked.prompt):
            break
        await walk.press("down")
    await walk.press("enter")


async def test_home_imports_az_ml_yaml_and_says_what_was_left_out(home: Path) -> None:
    folder = home / "it's a folder"
    folder.mkdir()
    (folder / "endpoint.yml").write_text("name: from-az-01\nauth_mode: aml_token\n", encoding="utf-8")
    (folder / "blue.yml").write_text(
        "name: blue\nendpoint_name: from-az-01\nmodel: azureml:churn:3\ninstance_type: Standard_DS3_v2\n"
        "instance_count: 2\nscale_settings: {type: target_utilization, max_instances: 5}\n",
        encoding="utf-8",
    )
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Import az ml YAML")
        await choose_on_home(walk, "Import az ml YAML")
        await walk.sees("endpoint.yml deployment.yml")
        await walk.press("enter")
        await walk.sees("Type or paste a path first")
        app.post_message(events.Paste(f'"{folder}/endpoint.yml" "{folder}/none.yml"'))
        await walk.press("enter")
        await walk.sees("none.yml", "The file cannot be")
        await walk.press("ctrl+u")
        app.post_message(events.Paste(f'"{folder}/endpoint.yml" "{folder}/blue.yml"'))
        await walk.press("enter")
        await walk.sees("Imported, with something left out", "scale_settings")
        await walk.press("enter")
        await walk.sees("step 1 of 9")
        assert walk.store.value("endpoint.name") == "from-az-01"
        assert walk.store.value("deployment.instance_count") == 2


async def test_home_opens_a_plan_file_with_blanks_and_quotes_in_its_path(home: Path) -> None:
    path = home / "it's a plan.yml"
    load("churn-xgboost").save(path)
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Open a plan file")
        await choose_on_home(walk, "Open a plan file")
        await walk.sees("The plan's YAML file")
        app.post_message(events.Paste(str(path)))
        await walk.press("enter")
        await walk.sees("step 1 of 9")
        assert walk.store.file == path


async def test_a_plan_that_cannot_be_read_is_explained(home: Path) -> None:
    (_plans(home) / "broken.yml").write_text("endpoint: [")
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("broken")
        await walk.press(*["down"] * len(presets()), "enter")
        await walk.sees("This plan cannot be opened", "This is not valid")


def _plans(home: Path) -> Path:
    folder = home / "plans"
    folder.mkdir(exist_ok=True)
    return folder


async def test_a_rehearsal_that_does_not_start_is_explained_and_can_be_tried_again() -> None:
    answers = iter([RuntimeError("The port is taken. Stop the other one."), dict(os.environ)])

    def prepare(document: object) -> dict[str, str]:
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    app = WizardApp(load("churn-xgboost"), environ=dict(os.environ), rehearse=True, prepare=prepare,
                    helper=recorded_answers())  # fmt: skip
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("The rehearsal did not start", "The port is taken.")
        await walk.press("escape", "ctrl+o", "enter")
        await walk.until(lambda: app.store is not None and app.store.ready.is_set())
        assert not isinstance(app.screen, QuitScreen)
