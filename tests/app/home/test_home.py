"""The home screen: runs, presets, plans, opening and importing files."""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from datetime import timedelta, timezone
from pathlib import Path

import pytest
from textual import events
from textual.widgets import OptionList

from tests.app.panes import Walk, home, plans, recorded_answers
from tests.app.recorded import Recording
from tests.app.working import working_run
from tui.app.app import WizardApp
from tui.app.home.entries import Entry, known, unfinished_runs
from tui.app.home.runs_dialog import RunScreen
from tui.app.home.screen import HomeScreen
from tui.app.state.recent_plans import remembered
from tui.plan.load_save.load import load
from tui.plan.presets import presets

__all__ = ["home", "working_run"]

pytestmark = pytest.mark.usefixtures("home")


async def test_home_lists_unfinished_runs_first_then_presets_then_plans(home: Path, working_run) -> None:
    load("churn-xgboost").save(plans(home) / "mine.yml")
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        shown = await walk.sees("Unfinished runs", "churn-endpoint-01", "Presets", "churn-xgboost", "mine")
        order = [shown.index(words) for words in ("Unfinished runs", "Your own model", "Presets", "Recent plans")]
        assert order == sorted(order)
        await walk.press("home", "enter")
        await walk.sees("Run r-1", "Attach", "Edit")
        assert not walk.app.screen.query("#discard"), "a run that works is not discarded"
        await walk.press("right", "enter")
        await walk.until(lambda: walk.app.screen.name == "wizard")
        assert walk.app.screen.step == "credentials"


async def test_discarding_a_run_is_asked_once_more(home: Path) -> None:
    folder = Recording(home).folder
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("interrupted")
        await walk.press("home", "enter")
        await walk.sees("Discard …")
        await walk.tab_to("discard")
        await walk.press("enter")
        await walk.sees("can no longer be resumed", "Yes, discard")
        assert walk.focused == "close", "a second Enter closes"
        assert folder.exists()
        await walk.tab_to("discard")
        await walk.press("enter")
        await walk.until(lambda: not folder.exists(), "the run is discarded")


def marked(walk: Walk) -> str:
    """The highlighted row."""
    option = walk.app.screen.query_one(OptionList).highlighted_option
    return str(option.prompt) if option is not None else ""


async def test_runs_that_arrive_late_do_not_move_the_highlight(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = threading.Event()

    def slowly() -> list[Entry]:
        held.wait(60)
        return unfinished_runs()

    monkeypatch.setattr("tui.app.home.screen.unfinished_runs", slowly)
    Recording(home)
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        await walk.press("down", "down")
        before = marked(walk)
        assert presets()[1].name in before
        await walk.until(lambda: re.search(r"▸ Reading runs and plans \d+ s", walk.text()), "it counts the seconds")
        held.set()
        await walk.sees("Unfinished runs", "interrupted", "Enter opens the selected entry.")
        assert marked(walk) == before
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.name == "wizard")
        assert walk.store.document.origin == f"preset {presets()[1].name}"


async def test_runs_that_arrive_while_an_entry_is_being_opened_do_not_take_its_place() -> None:
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        await walk.until(lambda: "Start from a folder" in marked(walk), "the highlight")
        screen = app.screen
        assert isinstance(screen, HomeScreen)
        screen.query_one(OptionList).action_select()  # as Enter does; its message is handled afterwards
        screen._fill([Entry("a run", "It comes first.", plan="gone.yml")], [])
        await walk.sees("The folder of a model")


async def test_the_menu_opens_what_it_listed_although_runs_arrive_meanwhile(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = threading.Event()
    monkeypatch.setattr("tui.app.home.screen.unfinished_runs", lambda: unfinished_runs() if held.wait(60) else [])
    Recording(home)
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        before = app.screen
        await walk.press("ctrl+o", *"all of them: status")
        held.set()
        await walk.until(lambda: any(entry.run for entry in before.entries.values()), "the run is listed below")
        await walk.press("enter")
        await walk.sees("Runs on this machine", "1 run; run")
        await walk.press("pagedown", "pageup", "enter")
        await walk.sees("Attach follows the run")


async def test_a_run_whose_folder_cannot_be_removed_is_not_said_to_be_discarded(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: Path) -> None:
        raise PermissionError(13, "Permission denied", str(folder))

    monkeypatch.setattr(shutil, "rmtree", refused)
    run = Recording(home, rehearsed=True).run
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        app.push_screen(RunScreen(known(run)))
        for words in ("Discard …", "created in the rehearsal remains. Discard it?"):
            await walk.sees(words)
            await walk.tab_to("discard")
            await walk.press("enter")
        await walk.sees("cannot be discarded: Permission denied.")
        assert walk.app.screen.query("#discard"), "the dialog stays"


STATES = ("interrupted", "succeeded")


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_all_runs_are_listed_unfinished_first_in_local_time(
    home: Path, size: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Kolkata")
    time.tzset()
    newest = Recording(home, ago=100, run="20261122-220501-newest", rehearsed=False)
    newest.to_success()
    stopped = Recording(home, ago=7200, run="20261122-200501-stopped")
    stopped.begin()
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Unfinished runs")
        await choose_on_home(walk, "all of them: status")
        shown = await walk.sees(
            "Runs on this machine", "interrupted", "succeeded", "2 runs; run 20261122-200501-stopped"
        )
        rows = shown.splitlines()
        first, second = (next(n for n, row in enumerate(rows) if f"│  {word} " in row) for word in STATES)
        assert first < second, "unfinished first"
        begun = stopped.started.astimezone(timezone(timedelta(hours=5, minutes=30)))
        assert "churn-endpoint-01 " in rows[first] and f" {begun:%Y-%m-%d %H:%M} " in rows[first]
        assert "ws-churn, the rehearsal" in rows[first + 1]
        assert "ws-churn, Azure" in rows[second + 1] and f"{begun:%H:%M} IST" in " ".join(shown.split())
        await walk.press("down", "enter")
        shown = await walk.sees("Run 20261122-220501-newest", "Azure, ws-churn, 2", "Open shows how it went")
        await walk.tab_to("discard")
        await walk.press("enter")
        await walk.sees("Yes, discard")
        await walk.tab_to("discard")
        await walk.press("enter")
        await walk.sees("1 run; run 20261122-200501-stopped")
        assert not newest.folder.exists() and stopped.folder.exists()
        await walk.press("enter")
        await walk.sees("Attach follows the run", "Edit opens its plan")
        await walk.press("escape", "escape")
        await walk.until(lambda: walk.app.screen.name == "home")


async def test_plans_that_were_opened_or_saved_elsewhere_are_recent(home: Path) -> None:
    plan = home / "elsewhere" / "plan.yml"
    plan.parent.mkdir()
    load("churn-xgboost").save(plan)
    app = WizardApp(load(plan), environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(120, 40)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("step 1 of 9")
        await walk.until(lambda: remembered() == [plan], "it is remembered")
        app.go_home()
        await walk.sees("elsewhere/plan.yml")
        await pilot.pause()
        app.open(load("churn-xgboost"))
        await walk.sees("step 1 of 9", "preset")
        walk.store.put("endpoint.name", "mine-01", "you")
        walk.store.save()
        await pilot.pause()
        app.go_home()
        shown = await walk.sees("Recent plans", "elsewhere/plan.yml")
        assert "churn-xgboost" in shown.partition("Recent plans")[2], "the copy of the preset"
    plan.unlink()
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(120, 40)) as pilot:
        shown = await Walk(app, pilot).sees("Recent plans")
        assert "elsewhere" not in shown, "it is gone"


async def test_home_opens_a_preset_with_enter() -> None:
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("churn-xgboost", "Bank customer churn")
        await walk.press("down", "enter")
        await walk.sees("step 1 of 9", "Sign in with")


async def test_every_way_to_begin_is_in_sight_and_the_marked_one_is_told_whole(home: Path) -> None:
    load("churn-xgboost").save(plans(home) / "mine.yml")
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        shown = await walk.sees("mine", "Troubleshoot an endpoint")
        assert all(f" {preset.name} " in shown for preset in presets())
        assert "…" in shown, "a description that is too long for its row is cut"
        await walk.press("down")
        await walk.sees(presets()[0].description)
        await walk.press("end")
        await walk.sees("find out what is wrong, and fix it")
        await pilot.resize_terminal(100, 40)
        await walk.sees("Troubleshoot an endpoint")
        marked = app.screen.query_one(OptionList).highlighted_option
        assert marked is not None and "Troubleshoot" in str(marked.prompt), "a new size does not move the mark"


async def choose_on_home(walk: Walk, title: str) -> None:
    """Move to an entry of the home screen and open it."""
    options = walk.app.screen.query_one(OptionList)
    for _ in range(options.option_count):
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
        "instance_count: '2'\nscale_settings: {type: target_utilization, max_instances: 5}\n",
        encoding="utf-8",
    )
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Import into a plan")
        await choose_on_home(walk, "Import into a plan")
        await walk.sees("endpoint.yml deployment.yml")
        await walk.press("enter")
        await walk.sees("Enter a path first")
        app.post_message(events.Paste(f'"{folder}/endpoint.yml" "{folder}/none.yml"'))
        await walk.press("enter")
        await walk.sees("Loading with azure-ai-ml")
        await walk.sees("none.yml", "The file cannot be")
        await walk.press("ctrl+u")
        app.post_message(events.Paste(f'"{folder}/endpoint.yml" "{folder}/blue.yml"'))
        await walk.press("enter")
        await walk.sees("Imported with omissions", "scale_settings")
        await walk.press("enter")
        await walk.sees("step 1 of 9")
        assert walk.store.value("endpoint.name") == "from-az-01"
        assert walk.store.value("deployment.instance_count") == 2
        assert "not saved yet" in walk.text().splitlines()[0], "an import is in no file yet"
        await walk.press("pagedown")
        await walk.until(lambda: "not saved yet" not in walk.text().splitlines()[0])
    assert load(home / "plans" / "from-az-01.yml").get("deployment.instance_type") == "Standard_DS3_v2"


async def test_many_problems_of_an_import_can_be_scrolled_and_options_are_those_of_az(home: Path) -> None:
    file = home / "blue.yml"
    keys = ("name", "endpoint_name", "model", "environment", "instance_type")
    file.write_text("".join(f"{key}: <THE_{key.upper()}>\n" for key in keys), encoding="utf-8")
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Import into a plan")
        await choose_on_home(walk, "Import into a plan")
        await walk.sees("endpoint.yml deployment.yml")
        app.post_message(events.Paste(str(file)))
        await walk.press("enter")
        await walk.sees("The plan cannot be made", "line 1", "<THE_NAME>", "Close")
        await walk.press("end")
        await walk.sees("line 5", "<THE_INSTANCE_TYPE>", "--set instance_type=VALUE")
        await walk.press("escape")
        await walk.sees("Import", "Cancel", "5 problems")
        options = "--set name=blue --set model=azureml:churn:3 --set environment=azureml:scoring:1"
        more = "--set=instance_type=Standard_DS3_v2 --endpoint-name=from-az-01"
        app.post_message(events.Paste(f" {options} --set instance_type {more}"))
        await walk.press("enter")
        await walk.sees("--set instance_type: write it as KEY=VALUE")
        await walk.press("ctrl+u")
        app.post_message(events.Paste(f"{file} {options} {more}"))
        await walk.press("enter")
        await walk.sees("step 1 of 9")
        assert walk.store.value("endpoint.name") == "from-az-01"
        assert walk.store.value("deployment.instance_type") == "Standard_DS3_v2"


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
    (plans(home) / "broken.yml").write_text("endpoint: [")
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("broken")
        await walk.press(*["down"] * (len(presets()) + 1), "enter")
        await walk.sees("This plan cannot be opened", "This is not valid")
