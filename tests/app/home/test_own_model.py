"""An own model, from home to its prediction, with the real command on a pseudo-terminal: keys are counted."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from tests.terminal import CONTROL_C, ENTER, TAB, Terminal
from tui.plan.presets import find

MOST_KEYS = 25
DOWN = b"\x1b[B"


class Counted(Terminal):
    """A terminal that counts the keys; a path counts as one, for it is pasted as often as typed."""

    keys = 0

    def types(self, keys: bytes) -> None:
        self.keys += 1
        super().types(keys)


def name_the_folder(wizard: Counted) -> None:
    """Type the folder's path, relative to where the wizard was started."""
    wizard.types(b"own-flowers")


def pick_the_folder(wizard: Counted) -> None:
    """Select the folder in the picker, which begins where the wizard was started."""
    for _ in range(3):
        wizard.types(TAB)
    wizard.types(ENTER)
    wizard.sees("own-flowers/")
    wizard.types(DOWN)
    wizard.types(ENTER)
    wizard.sees("Create the plan")


@pytest.mark.parametrize("choose", [name_the_folder, pick_the_folder])
def test_an_own_model_answers_after_one_path_and_few_keys(
    choose, tmp_path: Path, rehearsal_home: dict[str, str], rehearsal: dict
) -> None:
    preset = find("sklearn-iris")
    assert preset is not None
    (tmp_path / "own-flowers").mkdir()
    shutil.copy(preset.path.with_name("sklearn-iris") / "model" / "model.joblib", tmp_path / "own-flowers")
    env = {**rehearsal_home, "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"}
    wizard = Counted([sys.executable, "-m", "tui", "--rehearse"], env, tmp_path)
    wizard.sees("Start from a folder")
    wizard.types(ENTER)
    wizard.sees("Create the plan")
    choose(wizard)
    wizard.types(ENTER)
    wizard.sees("Open the plan")
    wizard.types(ENTER)
    wizard.sees("step 1 of 9")
    wizard.through_review_to_the_answer(first=2, request='"data"')
    wizard.types(ENTER)
    wizard.sees("200: The model responded")
    assert '"setosa"' in wizard.sees('"predictions"')
    assert wizard.keys <= MOST_KEYS, "from home to the prediction"
    wizard.types(CONTROL_C)
    wizard.sees("Quit the wizard")
    wizard.types(ENTER)
    assert "own-flowers-endpoint" in wizard.sees("aml-deploy remove")
    _, status = os.waitpid(wizard.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert (tmp_path / "plan.yml").is_file() and (tmp_path / "onlinescoring" / "score.py").is_file()
