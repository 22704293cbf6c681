"""Presets of other frameworks: valid, and deployed in the rehearsal with their real models."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.checks.model import artifacts
from tui.plan import presets
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

NAMES = ("sklearn-iris", "lightgbm-diabetes", "own-score")
ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-private",
}
LARGEST = 100_000  # maximum bytes of a preset's folder


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_wrong_with_its_files(name: str) -> None:
    findings = artifacts.check(resolve(load(name), ENVIRON))
    assert {finding.severity for finding in findings} == {"ok"}, findings
    folder = presets.folder() / name
    assert sum(file.stat().st_size for file in folder.rglob("*") if file.is_file()) < LARGEST


def test_the_model_without_a_library_is_made_anew_byte_by_byte(tmp_path: Path) -> None:
    folder = presets.folder() / "own-score"
    script = tmp_path / "make_model.py"
    script.write_bytes((folder / "make_model.py").read_bytes())
    subprocess.run([sys.executable, str(script)], check=True, capture_output=True, timeout=60)
    assert (tmp_path / "model" / "model.json").read_bytes() == (folder / "model" / "model.json").read_bytes()


def right(name: str, answer: dict[str, Any]) -> bool:
    """Whether the predictions are those of the preset's own model."""
    predictions = answer["predictions"]
    if name == "sklearn-iris":
        return [one["species"] for one in predictions] == ["setosa", "virginica"]
    if name == "own-score":
        return bool(predictions == [21.01, 39.36])
    return len(predictions) == 1 and 100 < predictions[0] < 300


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_it_is_deployed_and_answers(name: str, rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> None:
    environ = {key: value for key, value in rehearsal_home.items() if key not in rehearsal["unset"]}
    done = subprocess.run(
        [sys.executable, "-m", "tui", "apply", name, "--rehearse", "--yes", "--json"],
        env={**os.environ, **environ}, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["test"]["status_code"] == 200
    assert right(name, json.loads(last["test"]["response"])), last["test"]
