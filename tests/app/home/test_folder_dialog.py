"""Starting from a folder at home: the dialog, its picker, its errors, and the plan that it opens."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from textual.widgets import OptionList

from tests.app.panes import Walk, home, recorded_answers
from tui.app.app import WizardApp
from tui.plan.presets import find

__all__ = ["home"]

SIZES = [(80, 24), (120, 40)]


@pytest.fixture
def models(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the folder of a model and one without."""
    preset = find("sklearn-iris")
    assert preset is not None
    folder = home / "models"
    shutil.copytree(preset.path.with_name("sklearn-iris"), folder / "iris")
    (folder / "empty").mkdir()
    monkeypatch.chdir(folder)
    return folder


def plans_in(folder: Path) -> list[Path]:
    return list(folder.glob("*.yml"))


@asynccontextmanager
async def dialog(size: tuple[int, int]) -> AsyncIterator[Walk]:
    """Home, with the dialog open, by keys alone."""
    app = WizardApp(environ=dict(os.environ), helper=recorded_answers())
    async with app.run_test(size=size) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Your own model", "Start from a folder")
        marked = app.screen.query_one(OptionList).highlighted_option
        assert marked is not None and "Start from a folder" in str(marked.prompt)
        await walk.press("enter")
        await walk.sees("Create the plan", "Browse", "Cancel")
        yield walk


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_a_folder_becomes_a_plan_that_is_opened(models: Path, size: tuple[int, int]) -> None:
    async with dialog(size) as walk:
        await walk.press(*"iris", "enter")
        await walk.sees("Looking into the folder")
        shown = await walk.sees("A plan from your folder", "Found:", "score.py", "Open the plan")
        assert "Guess:" in shown, "what was guessed is told apart"
        await walk.press("end")
        await walk.sees("Written:", "plan.yml")
        await walk.press("enter")
        await walk.sees("step 1 of 9")
        assert walk.store.file == models / "plan.yml"
        assert walk.store.value("deployment.code_configuration.code") == "iris/onlinescoring"


@pytest.mark.parametrize("size", SIZES, ids=str)
async def test_an_error_stays_in_the_dialog_with_what_was_typed(models: Path, size: tuple[int, int]) -> None:
    async with dialog(size) as walk:
        await walk.press("enter")
        await walk.sees("Enter a folder first")
        await walk.press(*"empty", "enter")
        await walk.sees("No plan was written", "has nothing to deploy", "Create the plan")
        await walk.press("ctrl+u", *"nowhere", "enter")
        await walk.sees("No plan was written", "nowhere", "Create the plan")
        assert not plans_in(models)
        await walk.press("ctrl+u", *"iris", "tab", *"sub/mine.yml", "enter")
        await walk.sees("A plan from your folder")
        assert (models / "sub" / "mine.yml").is_file()


async def test_the_folder_can_be_picked(models: Path) -> None:
    async with dialog((80, 24)) as walk:
        await walk.tab_to("browse")
        await walk.press("enter")
        await walk.sees("iris/", "Enter: select")
        await walk.press("escape")
        await walk.sees("Create the plan")
        assert walk.focused == "folder"
        await walk.tab_to("browse")
        await walk.press("enter")
        await walk.sees("iris/", "Enter: select")
        await walk.press("down", "down", "enter")
        await walk.sees("Create the plan")
        assert walk.focused == "folder"
        await walk.press("enter")
        await walk.sees("A plan from your folder")


async def test_escape_leaves_home_as_it_was(models: Path) -> None:
    async with dialog((80, 24)) as walk:
        await walk.press(*"iris", "escape")
        await walk.until(lambda: walk.app.screen.name == "home")
        assert not plans_in(models)
