"""Relative paths typed or picked at the step Model: with the real command, started in a folder of the user's."""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

import pytest

from tests.app.panes import VARIABLES
from tests.terminal import ENTER, PAGE_DOWN, TAB, Terminal
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

CLEAR = b"\x15"


@pytest.fixture
def wizard(tmp_path: Path) -> Terminal:
    """The preset at the step Model, in a folder with a model."""
    folder = tmp_path / "work"
    (folder / "own" / "model").mkdir(parents=True)
    (folder / "own" / "model" / "model.bin").write_bytes(b"weights")
    env = {**os.environ, **VARIABLES, "AML_DEPLOY_HOME": str(tmp_path / "home"), "TERM": "xterm-256color"}
    env.update(LINES="24", COLUMNS="80", AML_DEPLOY_CACHE=str(tmp_path / "cache"))
    terminal = Terminal([sys.executable, "-m", "tui", "churn-xgboost"], env, folder)
    terminal.sees("step 1 of 9")
    for step in (2, 3, 4):
        terminal.types(PAGE_DOWN)
        terminal.sees(f"step {step} of 9")
    terminal.sees("Scoring script")
    return terminal


def model_in_the_saved_copy(wizard: Terminal, folder: Path) -> Path | None:
    """The model's path in the plan that is saved when the step is left."""
    wizard.types(PAGE_DOWN)
    wizard.sees("Saved in ./churn-xgboost")
    os.kill(wizard.pid, signal.SIGTERM)
    os.waitpid(wizard.pid, 0)
    return resolve(load(str(folder / "churn-xgboost" / "churn-xgboost.yml")), VARIABLES).deployment.model.path


def test_a_typed_path_starts_from_the_current_folder(wizard: Terminal, tmp_path: Path) -> None:
    wizard.types(CLEAR + b"nowhere" + TAB)
    shown = " ".join(wizard.sees("does not exist").replace("\n", " ").split())
    assert "presets" not in shown, "it was looked for beside the preset"
    wizard.types(b"\x1b[Z" + CLEAR + b"own/model" + TAB)
    wizard.sees(r"own/model .*\n(.*\n)*.*Model .*1 file, 7 B")  # read by the helper, at the same place
    assert model_in_the_saved_copy(wizard, tmp_path / "work") == tmp_path / "work" / "own" / "model"


def test_the_picker_begins_in_the_current_folder(wizard: Terminal, tmp_path: Path) -> None:
    wizard.types(b"\x1b[B")
    wizard.sees("own/")
    wizard.types(b"\x1b[B")
    wizard.types(b"\x1b[C")
    wizard.sees("model/")
    wizard.types(b"\x1b[B")
    wizard.types(ENTER)
    wizard.sees(r"Model +own/model ")
    assert model_in_the_saved_copy(wizard, tmp_path / "work") == tmp_path / "work" / "own" / "model"
