"""The releases that a model's files name, against those of the conda file; and MLflow 3 without code."""

from __future__ import annotations

import json
import pickle
import sys
import types
import zipfile
from pathlib import Path
from typing import Any

import pytest
from plan_files import CONDA, MLMODEL, MakePlan

from tui.checks.finding import Finding
from tui.checks.model import artifacts


def write_pickle(path: Path, version: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pickle such as scikit-learn writes, without scikit-learn."""
    module = types.ModuleType("sklearn")
    made = type(
        "DecisionTree", (), {"__module__": "sklearn", "__getstate__": lambda self: {"_sklearn_version": version}}
    )
    module.DecisionTree = made  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sklearn", module)
    path.write_bytes(pickle.dumps(made()))


def versions(plan: Any) -> list[Finding]:
    return [one for one in artifacts.check(plan) if one.id == "versions"]


@pytest.mark.parametrize(
    ("line", "words", "fix"),
    [
        (
            "scikit-learn==1.5.0",
            "saved with scikit-learn 1.3.2 (tree.pkl), but conda.yml requests scikit-learn 1.5.0",
            True,
        ),
        ("scikit-learn", "conda.yml requests any release of scikit-learn", True),
        ("scikit-learn>=1.2", "conda.yml requests scikit-learn>=1.2", True),
        ("xgboost", "saved with scikit-learn 1.3.2 (tree.pkl), which conda.yml does not list", True),
        ("scikit-learn==1.3.0", "", False),
        ("scikit-learn>=1.3,<1.4", "", False),
    ],
)
def test_a_pickle_tells_its_scikit_learn(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, line: str, words: str, fix: bool
) -> None:
    plan = make_plan(mlmodel=None, conda=CONDA.replace("xgboost-cpu==2.1.4", f"'{line}'"))
    write_pickle(tmp_path / "model/tree.pkl", "1.3.2", monkeypatch)
    found = versions(plan)
    assert [words in one.message for one in found] == [True] * bool(words)
    wanted = {"file": str(tmp_path / "conda.yml"), "line": "scikit-learn==1.3.2"}
    assert [one.as_dict().get("fix") for one in found] == [wanted] * fix


@pytest.mark.parametrize(("line", "warned"), [("keras==3.0", True), ("keras==3.9", False), ("tensorflow", False)])
def test_a_format_that_newer_releases_read(make_plan: MakePlan, tmp_path: Path, line: str, warned: bool) -> None:
    plan = make_plan(mlmodel=None, conda=CONDA.replace("xgboost-cpu==2.1.4", line))
    with zipfile.ZipFile(tmp_path / "model/m.keras", "w") as archive:
        archive.writestr("metadata.json", json.dumps({"keras_version": "3.5.0"}))
        archive.writestr("config.json", "{}")
    assert bool(versions(plan)) == warned


def test_an_mlmodel_in_a_custom_model_is_compared(make_plan: MakePlan) -> None:
    written = MLMODEL.replace("data: model.ubj", "data: model.xgb").replace("2.1.4", "1.5.2")
    (found,) = versions(make_plan(mlmodel=written, conda=CONDA.replace("xgboost-cpu==2.1.4", "xgboost")))
    assert "saved with xgboost 1.5.2, but conda.yml requests any release of xgboost" in found.message
    assert "xgboost==1.5.2" in found.remedy


@pytest.mark.parametrize(
    ("version", "code", "warned"), [("3.0.1", False, True), ("2.22.0", False, False), ("3.0.1", True, False)]
)
def test_mlflow_3_without_code_is_said_to_fail(make_plan: MakePlan, version: str, code: bool, warned: bool) -> None:
    plan = make_plan(mlmodel=f"mlflow_version: {version}\n{MLMODEL}", model_type="mlflow_model", code=code)
    found = [one for one in artifacts.check(plan) if one.id == "mlflow-3"]
    assert [(one.severity, "aml-deploy scoring PLAN" in one.remedy) for one in found] == [("warning", True)] * warned
