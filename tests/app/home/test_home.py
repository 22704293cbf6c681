"""The home screen: runs, presets, plans, opening and importing files."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual import events
from textual.widgets import OptionList

from tests.app.panes import Walk, home, plans, recorded_answers
from tests.app.recorded import Recording
from tests.app.working import working_run
from tui.app.app import WizardApp
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
        await walk.press("enter")
        await walk.sees("Run r-1", "Attach", "Edit")
        assert not walk.app.screen.query("#discard"), "a run that works is not discarded"
        await walk.press("right", "enter")
        await walk.until(lambda: walk.app.screen.id == "wizard")
        assert walk.app.screen.step == "credentials"


async def test_discarding_a_run_is_asked_once_more(home: Path) -> None:
    folder = Recording(home).folder
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("interrupted")
        await walk.press("enter")
        await walk.sees("Discard …")
        await walk.tab_to("discard")
        await walk.press("enter")
        await walk.sees("can no longer be resumed", "Yes, discard")
        assert walk.focused == "close", "a second Enter closes"
        assert folder.exists()
        await walk.tab_to("discard")
        await walk.press("enter")
        await walk.until(lambda: not folder.exists(), "the run is discarded")


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
