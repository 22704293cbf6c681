"""Where the wizard saves a plan, and what it leaves out."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml
from textual.widgets import Input, OptionList

from tests.app.panes import Walk, home, plans, recorded_answers, wizard
from tests.app.steps.test_forms import LEGACY
from tui.app.app import WizardApp
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


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
    assert not os.listdir(plans(home))  # noqa: PTH208


async def test_a_plan_from_a_file_is_saved_there_without_what_a_rehearsal_changed(home: Path) -> None:
    from tui.rehearsal_client import with_own_identity

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
