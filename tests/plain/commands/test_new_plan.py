"""`aml-deploy new`: what it takes from a folder, what it writes, and what it says of it."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import aml_deploy, json_lines

from tests import model_files as made
from tests.checks import pins_index
from tui.plan.load_save.load import load
from tui.plan.presets import find

SCRIPT = "def init():\n    pass\n\n\ndef run(raw_data):\n    return raw_data\n"


@pytest.fixture
def alone(lonely: dict[str, str]) -> dict[str, str]:
    """An environment without a package index."""
    return {**lonely, "PIP_INDEX_URL": "http://127.0.0.1:9/simple", "PIP_EXTRA_INDEX_URL": ""}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a model, beside which the plan is written."""
    folder = tmp_path / "Churn_2026"
    folder.mkdir()
    return folder


def new(folder: Path, environ: dict[str, str], *arguments: object) -> dict[str, Any]:
    """The answer of `new --json` in the folder above; the plan that it wrote loads without a problem."""
    done = aml_deploy("new", folder, "--json", *arguments, environ=environ, cwd=folder.parent)
    assert done.returncode == 0, done.stderr
    (answer,) = json_lines(done.stdout)
    assert answer["written"][0] == answer["plan"] and all(Path(path).is_file() for path in answer["written"])
    document = load(answer["plan"])
    assert not document.problems
    return {**answer, "tree": document.tree, "text": json.dumps(answer["notes"], ensure_ascii=False)}


def test_a_pickle_gets_what_it_lacks(folder: Path, alone: dict[str, str]) -> None:
    made.pipeline(folder / "model.pkl")
    answer = new(folder, alone)
    names = [str(Path(path).relative_to(folder.parent)) for path in answer["written"]]
    assert names == ["plan.yml", "onlinescoring/score.py", "conda.yml", "sample-request.json"]
    assert answer["tree"]["endpoint"]["name"] == "churn-2026-endpoint"
    assert answer["tree"]["deployment"]["model"]["path"] == "Churn_2026/model.pkl"
    pip = yaml.safe_load((folder.parent / "conda.yml").read_text())["dependencies"][-1]["pip"]
    assert {"scikit-learn==1.6.1", "azureml-inference-server-http==1.5.1", "pandas"} <= set(pip)
    request = json.loads((folder.parent / "sample-request.json").read_text())
    assert request == {"data": [{"age": 0.0, "country": "DE"}]}
    notes = {note["text"]: note for note in answer["notes"]}
    assert notes["a model of scikit-learn 1.6.1: model.pkl"]["sure"]
    python = notes["Python 3.12"]
    assert not python["sure"] and "no package index answered" in python["rests_on"]
    assert all(note["rests_on"] for note in answer["notes"])


def test_without_json_paths_are_on_stdout_and_notes_on_stderr(folder: Path, alone: dict[str, str]) -> None:
    made.lightgbm(folder / "model.txt")
    done = aml_deploy("new", folder / "model.txt", "-o", "my own/plan.yml", environ=alone, cwd=folder.parent)
    assert done.returncode == 0
    assert done.stdout.splitlines()[0] == str(folder.parent / "my own" / "plan.yml")
    assert "Found: a model of lightgbm: model.txt" in done.stderr and "Guess: the endpoint's name" in done.stderr
    assert f"Check it: aml-deploy check '{folder.parent}/my own/plan.yml'" in done.stderr


def test_nothing_is_replaced(folder: Path, alone: dict[str, str]) -> None:
    made.xgboost_json(folder / "model.json")
    mine = [folder.parent / name for name in ("plan.yml", "conda.yml", "sample-request.json", "onlinescoring/score.py")]
    for path in mine:
        path.parent.mkdir(exist_ok=True)
        path.write_text("mine")
    answer = new(folder, alone)
    assert {path.read_text() for path in mine} == {"mine"}
    assert [Path(path).name for path in answer["written"]] == [
        "plan-2.yml", "score-2.py", "conda-2.yml", "sample-request-2.json"
    ]  # fmt: skip
    assert answer["tree"]["deployment"]["code_configuration"]["scoring_script"] == "score-2.py"
    done = aml_deploy("new", folder, "-o", "plan.yml", environ=alone, cwd=folder.parent)
    assert done.returncode == 2 and "already exists" in done.stderr


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("notes.txt", "nothing", "Looked for: an MLmodel file"),
        ("my-plan.yml", "deployment: {name: blue}", "my-plan.yml is a plan already"),
        ("blue.yml", "instance_type: Standard_DS3_v2", "aml-deploy import"),
    ],
)
def test_a_folder_without_a_model_is_refused(
    folder: Path, alone: dict[str, str], name: str, content: str, words: str
) -> None:
    (folder / name).write_text(content)
    done = aml_deploy("new", folder, environ=alone, cwd=folder.parent)
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert sorted(path.name for path in folder.parent.iterdir() if path.is_file()) == []


def test_a_folder_that_is_not_there_is_refused(folder: Path, alone: dict[str, str]) -> None:
    done = aml_deploy("new", folder / "gone", environ=alone, cwd=folder.parent)
    assert done.returncode == 2 and "No such file" in done.stderr


def test_an_object_of_the_users_own_class_needs_a_script(folder: Path, alone: dict[str, str]) -> None:
    made.write_pickle(folder / "model.pkl", made.instance("__main__.Mine", {}))
    done = aml_deploy("new", folder, environ=alone, cwd=folder.parent)
    assert done.returncode == 2 and "__main__.Mine" in done.stderr and "score.py" in done.stderr
    (folder / "score.py").write_text(SCRIPT)
    assert new(folder, alone)["tree"]["deployment"]["model"]["path"] == "Churn_2026/model.pkl"


def test_a_package_of_a_name_that_is_only_taken_for_one_is_a_guess(folder: Path, alone: dict[str, str]) -> None:
    made.write_pickle(folder / "model.pkl", made.instance("ourmodels.Churn", {}))
    (folder / "score.py").write_text(f"import joblib\nimport ourfeatures\n\n\n{SCRIPT}")
    sure = {note["text"]: note["sure"] for note in new(folder, alone)["notes"]}
    assert not sure["a model of ourmodels: model.pkl"]
    assert not sure["packages are taken to have the names of the script's modules: ourfeatures"]
    made.pipeline(folder / "model.pkl")
    (folder / "score.py").write_text(f"import joblib\nimport sklearn\n\n\n{SCRIPT}")
    text = new(folder, alone, "-o", "other.yml")["text"]
    assert "ourfeatures" not in text and "are taken to have" not in text


def test_the_users_script_environment_and_request_are_taken(folder: Path, alone: dict[str, str]) -> None:
    (folder / "code").mkdir()
    (folder / "code" / "score.py").write_text(f"import joblib\n\n\n{SCRIPT}")
    (folder / "conda.yml").write_text(
        "dependencies: [python=3.11, {pip: [azureml-inference-server-http, scikit-learn==1.2.2]}]"
    )
    (folder / "request.json").write_text('{"data": [[1, 2]]}')
    made.pipeline(folder / "model.pkl")
    answer = new(folder, alone)
    assert answer["written"] == [answer["plan"]]
    deployment = answer["tree"]["deployment"]
    assert deployment["code_configuration"] == {"code": "Churn_2026/code", "scoring_script": "score.py"}
    assert deployment["environment"]["conda_file"] == "Churn_2026/conda.yml"
    assert answer["tree"]["test"]["request"] == "Churn_2026/request.json"
    assert "conda.yml has scikit-learn 1.2.2, but the model was saved with 1.6.1" in answer["text"]


def test_a_script_without_a_model_that_is_known_gets_the_usual_folder_or_none(
    folder: Path, alone: dict[str, str]
) -> None:
    (folder / "score.py").write_text(SCRIPT)
    answer = new(folder, alone)
    assert "model" not in answer["tree"]["deployment"] and "no model" in answer["text"]
    (folder / "model").mkdir()
    (folder / "model" / "weights.dat").write_bytes(b"own")
    assert new(folder, alone)["tree"]["deployment"]["model"]["path"] == "Churn_2026/model"


def test_requirements_become_a_conda_file_with_the_models_release(folder: Path, alone: dict[str, str]) -> None:
    made.pipeline(folder / "model.pkl", "1.2.2")
    (folder / "requirements.txt").write_text("scikit-learn  # any\nflask>=2\n-r dev.txt\n")
    (folder / "Dockerfile").write_text("FROM docker.io/library/python:3.11-slim\n")
    answer = new(folder, alone)
    listed = yaml.safe_load((folder.parent / "conda.yml").read_text())["dependencies"]
    assert listed[0] == "python=3.11"
    pip = listed[-1]["pip"]
    assert pip[0] == "flask>=2" and {"scikit-learn==1.2.2", "numpy<2"} <= set(pip) and "scikit-learn" not in pip
    assert "-r dev.txt is left out" in answer["text"] and "FROM in Dockerfile" in answer["text"]


def test_python_is_one_that_the_pinned_releases_support(folder: Path, alone: dict[str, str]) -> None:
    made.pipeline(folder / "model.pkl")
    (folder / "requirements.txt").write_text("numpy==1.26.4\n")  # the index has it for 3.10 only
    with pins_index.serving() as index:
        answer = new(folder, {**alone, "PIP_INDEX_URL": index})
    assert "python=3.10" in (folder.parent / "conda.yml").read_text()
    assert "numpy 1.26.4" in answer["text"]


@pytest.mark.parametrize(("version", "code"), [("2.16.2", False), ("3.1.0", True), ("2.9.2", True), ("", True)])
def test_an_mlflow_model_gets_code_where_azure_needs_it(
    folder: Path, alone: dict[str, str], version: str, code: bool
) -> None:
    preset = find("mlflow-xgboost")
    assert preset is not None
    shutil.copytree(preset.path.with_name("mlflow-xgboost") / "model", folder / "model")
    path = folder / "model" / "MLmodel"
    lines = [line for line in path.read_text().splitlines() if not line.startswith("mlflow_version")]
    path.write_text("\n".join([*lines, f"mlflow_version: '{version}'", "databricks_runtime: 14.3.x-cpu-ml-scala2.12"]))
    answer = new(folder, alone)
    deployment = answer["tree"]["deployment"]
    assert deployment["model"]["type"] == ("custom_model" if code else "mlflow_model")
    assert ("code_configuration" in deployment, "egress_public_network_access" in deployment) == (code, code)
    names = [Path(path).name for path in answer["written"]]
    assert names == ["plan.yml", *(("score.py", "conda.yml") if code else ()), "sample-request.json"]
    assert "Databricks runtime 14.3.x-cpu-ml-scala2.12, with Python 3.12" in answer["text"]


def test_an_mlflow_model_without_signature_is_asked_with_its_files_columns(folder: Path, alone: dict[str, str]) -> None:
    made.pipeline(folder / "model.pkl")
    (folder / "MLmodel").write_text("flavors: {python_function: {loader_module: x}}\nmlflow_version: 2.20.0\n")
    new(folder, alone)
    request = json.loads((folder.parent / "sample-request.json").read_text())
    assert request["input_data"] == {"columns": ["age", "country"], "index": [0], "data": [[0.0, "DE"]]}


def test_of_several_models_one_is_taken_and_the_others_are_named(folder: Path, alone: dict[str, str]) -> None:
    made.lightgbm(folder / "model.txt")
    (folder / "old").mkdir()
    made.xgboost_json(folder / "old" / "first.json")
    answer = new(folder, alone)
    assert answer["tree"]["deployment"]["model"]["path"] == "Churn_2026/model.txt"
    assert "not taken: models: old/first.json" in answer["text"]


def test_what_lies_near_the_script_belongs_to_it(folder: Path, alone: dict[str, str]) -> None:
    for name in ("aside", "fraud"):
        (folder / name).mkdir()
        made.lightgbm(folder / name / "model.txt")
        (folder / name / "request.json").write_text('{"data": [[1, 2]]}')
        conda = "dependencies: [python=3.11, {pip: [azureml-inference-server-http, lightgbm]}]"
        (folder / name / "conda.yml").write_text(conda)
    (folder / "fraud" / "score.py").write_text(SCRIPT)
    tree = new(folder, alone)["tree"]
    assert tree["deployment"]["model"]["path"] == "Churn_2026/fraud/model.txt"
    assert tree["deployment"]["environment"]["conda_file"] == "Churn_2026/fraud/conda.yml"
    assert tree["test"]["request"] == "Churn_2026/fraud/request.json"


def test_the_model_lies_where_the_users_script_opens_it(folder: Path, alone: dict[str, str]) -> None:
    pytest.importorskip("tui.checks.scoring.model_paths")
    (folder / "artifacts" / "model").mkdir(parents=True)
    made.lightgbm(folder / "model.txt")
    made.lightgbm(folder / "artifacts" / "model" / "churn.txt")
    opened = 'lightgbm.Booster(model_file=os.path.join(os.getenv("AZUREML_MODEL_DIR"), "model", "churn.txt"))'
    (folder / "score.py").write_text(SCRIPT.replace("    pass", f"    global model\n    model = {opened}"))
    answer = new(folder, alone)
    assert answer["tree"]["deployment"]["model"]["path"] == "Churn_2026/artifacts/model"
    assert "opens model/churn.txt below AZUREML_MODEL_DIR" in answer["text"]
    shutil.rmtree(folder / "artifacts")
    answer = new(folder, alone)
    assert answer["tree"]["deployment"]["model"]["path"] == "Churn_2026/model.txt"
    assert "which the folder lacks" in answer["text"]


@pytest.mark.parametrize("text", ["cposix\nsystem\n(S'touch ran'\ntR.", "(S'touch ran'\nios\nsystem\n.", 'c"""\nC\n.'])
def test_a_pickle_that_would_run_something_is_no_model(folder: Path, alone: dict[str, str], text: str) -> None:
    (folder / "model.pkl").write_text(text)
    done = aml_deploy("new", folder, environ=alone, cwd=folder.parent)
    assert done.returncode == 2 and "nothing to deploy" in done.stderr
    assert [path.name for path in folder.parent.rglob("*") if path.name in ("ran", "plan.yml")] == []


def test_logins_stay_where_they_are_and_pipes_are_left_alone(folder: Path, alone: dict[str, str]) -> None:
    made.pipeline(folder / "model.pkl")
    os.mkfifo(folder / "data.json")
    (folder / "model.keras").write_bytes(b"PK\x05\x06" + b"\xff" * 18)
    text = "--index-url https://me:hunter2hunter2@feed.example.com/simple\r\ngit+https://hunter2hunter2@example.com/a.git\r\n"
    (folder / "requirements.txt").write_bytes(text.encode("utf-16"))
    answer = new(folder, alone)
    written = "".join(Path(path).read_text() for path in answer["written"])
    assert "hunter2" not in written + answer["text"] and "--index-url https://feed.example.com/simple" in written
    assert "a login in a URL is left out" in answer["text"]
