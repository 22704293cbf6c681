"""The scoring files that are made for an MLflow model."""

from __future__ import annotations

import ast
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.checks.environment.conda_file import SERVER
from tui.checks.model.model_folder import ModelFolder
from tui.checks.scoring.write_scoring_files import NotMlflow, ScoringFiles, make

COMPLETE = ["python=3.11", "pip", {"pip": [f"{SERVER}==1.5.1", "pandas==2.2", "mlflow==2.20"]}]


def model(
    folder: Path, dependencies: list[Any] | None = None, *, channels: list[str] | None = None, **more: Any
) -> ModelFolder:
    """A model whose conda file has these dependencies; None writes no conda file."""
    if dependencies is not None:
        content = {"dependencies": dependencies, **({"channels": channels} if channels else {})}
        (folder / "conda.yaml").write_text(yaml.safe_dump(content), encoding="utf-8")
    mlmodel = {"flavors": {"python_function": {"env": "conda.yaml", "python_version": "3.12.1"}},
               "mlflow_version": "2.20.3"}  # fmt: skip
    told = {"mlmodel": mlmodel, "mlmodel_path": folder / "MLmodel", "flavours": ("python_function",), **more}
    return ModelFolder(folder, **told)


def conda(made: ScoringFiles) -> dict[str, Any]:
    return dict(yaml.safe_load(made.files["conda.yml"]))


@pytest.mark.parametrize("more", [{"mlmodel": None}, {"mlmodel_path": None}, {"flavours": ("sklearn",)}])
def test_only_a_model_that_mlflow_can_load_gets_files(tmp_path: Path, more: dict[str, Any]) -> None:
    with pytest.raises(NotMlflow):
        make(model(tmp_path, COMPLETE, **more))


@pytest.mark.parametrize(
    ("pip", "added"),
    [
        ([f"{SERVER}==1.5.1", "pandas", "mlflow"], []),
        ([f"{SERVER}==1.5.1", "pandas", "mlflow-skinny"], []),
        (["azureml-defaults", "pandas", "mlflow"], []),
        (["pandas", "mlflow"], [SERVER]),
        ([SERVER, "mlflow"], ["pandas"]),
        ([SERVER, "pandas"], ["mlflow-skinny==2.20.3"]),
        ([], [SERVER, "pandas", "mlflow-skinny==2.20.3"]),
        ([SERVER, "pandas", "mlflow==2.9.2"], ["setuptools<81"]),
        ([SERVER, "pandas", "mlflow==2.9.2", "setuptools==75.1"], []),
    ],
)
def test_only_packages_that_are_missing_are_added(tmp_path: Path, pip: list[str], added: list[str]) -> None:
    made = make(model(tmp_path, ["python=3.11", "pip", {"pip": pip}]))
    assert list(made.added) == added
    assert conda(made)["dependencies"] == ["python=3.11", "pip", {"pip": [*pip, *added]}]
    assert ("# Added" in made.files["conda.yml"]) == bool(added)


@pytest.mark.parametrize(
    ("listed", "pips"),
    [(["python=3.11"], ["pip"]), (["pip"], ["pip"]), (["pip=24"], ["pip=24"]), (["pip =24"], ["pip =24"])],
)
def test_pip_is_listed_once(tmp_path: Path, listed: list[str], pips: list[str]) -> None:
    found = conda(make(model(tmp_path, listed)))["dependencies"]
    assert [item for item in found if isinstance(item, str) and item.startswith("pip")] == pips
    assert sum(isinstance(item, dict) for item in found) == 1


@pytest.mark.parametrize(("flavour", "python"), [({"python_version": "3.12.1"}, "python=3.12.1"), ({}, "python=3.12")])
def test_without_a_conda_file_the_requirements_are_used(tmp_path: Path, flavour: dict[str, str], python: str) -> None:
    (tmp_path / "requirements.txt").write_text("# own\n\n pandas==2.2 \nmlflow\n", encoding="utf-8")
    made = make(model(tmp_path, mlmodel={"flavors": {"python_function": {"env": "conda.yaml", **flavour}}}))
    assert conda(made)["dependencies"] == [python, "pip", {"pip": ["pandas==2.2", "mlflow", SERVER]}]
    assert any("requirements.txt" in note for note in made.notes)


def test_without_any_list_everything_is_added(tmp_path: Path) -> None:
    made = make(model(tmp_path, mlmodel={"flavors": {"python_function": {}}}))
    assert made.added == (SERVER, "pandas", "mlflow-skinny")


@pytest.mark.parametrize("channels", [None, ["own-channel"]])
def test_channels_and_local_files(tmp_path: Path, channels: list[str] | None) -> None:
    made = make(model(tmp_path, ["pip", {"pip": ["./own.whl"]}], channels=channels))
    assert conda(made)["channels"] == channels or (channels is None and conda(made)["channels"] == ["conda-forge"])
    assert any("./own.whl" in note for note in made.notes)
    assert not any("local" in note for note in make(model(tmp_path, COMPLETE)).notes)


@pytest.mark.parametrize(
    ("more", "sample", "notes"),
    [
        ({"example": [{"a": 7}]}, [[7]], 0),
        ({"signature": [{"name": "a", "type": "string"}]}, None, 1),
        ({}, "none", 1),
    ],
)
def test_the_sample_is_the_models_own_or_made_up(tmp_path: Path, more: dict[str, Any], sample: Any, notes: int) -> None:
    made = make(model(tmp_path, COMPLETE, **more))
    assert len(made.notes) == notes
    assert ("sample-request.json" in made.files) == (sample != "none")
    if sample != "none":
        body = json.loads(made.files["sample-request.json"])["input_data"]
        assert body["columns"] == ["a"] and (sample is None or body["data"] == sample)


def test_the_script_is_python(tmp_path: Path) -> None:
    tree = ast.parse(make(model(tmp_path, COMPLETE)).files["onlinescoring/score.py"])
    assert {"init", "run"} <= {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
