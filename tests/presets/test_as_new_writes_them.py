"""Each preset is the plan that `aml-deploy new` writes for its folder."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.plan import presets
from tui.plan.load_save.load import load

NOT_COMPARED = (
    ("description",),  # words for people, as are the next two: a folder tells neither purpose nor reader
    ("endpoint", "description"),
    ("endpoint", "tags"),
    ("endpoint", "name"),  # derived from the folder's name; a preset's are shorter, and differ from each other's
    ("deployment", "model", "name"),
)
NAMES = sorted(path.stem for path in presets.folder().glob("*.yml"))


def compared(plan: str | Path) -> dict[str, Any]:
    """A plan's values without those that are not compared; all others are, the network's settings too."""
    document = load(str(plan))
    assert not document.problems
    tree: dict[str, Any] = json.loads(json.dumps(document.tree))
    for *groups, key in NOT_COMPARED:
        place = tree
        for group in groups:
            place = place[group]
        place.pop(key, None)
    return tree


@pytest.mark.parametrize("name", NAMES)
def test_a_preset_is_what_new_writes_from_its_folder(name: str, tmp_path: Path) -> None:
    shutil.copytree(presets.folder() / name, tmp_path / name)
    # No package is looked up: every preset's folder has its environment.
    environ = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path / "home"), "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    done = subprocess.run(
        [sys.executable, "-m", "tui", "new", name, "--json"],
        cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["written"] == [str(tmp_path / "plan.yml")]  # nothing was missing
    assert compared(tmp_path / "plan.yml") == compared(name)
