"""What forms are told of a plan's files: the sample, the script, the conda file, and what was not read in time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from plan_files import CONDA, MakePlan

from tui.checks.environment.conda_file import CondaFile
from tui.checks.model import artifacts
from tui.checks.model.artifacts import Artifacts
from tui.checks.model.model_folder import ModelFolder
from tui.checks.scoring.sample_request import SampleRequest
from tui.checks.scoring.score_script import ScoreScript
from tui.common.conda_file import Lines
from tui.plan import model as m

LONG = [{"name": "a", "type": "long"}]


def plan(kind: str = "custom_model", code: bool = False, **model: Any) -> m.Plan:
    return m.Plan(
        workspace=m.Workspace("s", "rg", "ws"),
        deployment=m.Deployment(
            model=m.Model(name="m", type=kind, **model),
            code_configuration=m.CodeConfiguration(Path("code")) if code else None,
        ),
    )


def folder(**more: Any) -> ModelFolder:
    return ModelFolder(Path("model"), **{"exists": True, "files": 2, "bytes": 10, **more})


def conda(*lines: str, **more: Any) -> CondaFile:
    return CondaFile(Path("conda.yml"), found=True, lines=Lines(conda=list(lines)), **more)


def told(found: Artifacts, of: m.Plan | None = None, limit: float = 3.0) -> dict[str, Any]:
    return artifacts.described(of or plan(), found, limit)


@pytest.mark.parametrize(
    ("sent", "model", "source", "sample"),
    [
        ({"x": 1}, folder(example=[{"a": 5}]), "plan", {"x": 1}),
        ({}, folder(example=[{"a": 5}]), "plan", {}),
        ([1], folder(example=[{"a": 5}]), "example", {"data": [{"a": 5}]}),  # a list is not a request
        (None, folder(example=[{"a": 5}], signature=LONG), "example", {"data": [{"a": 5}]}),
        (None, folder(signature=LONG), "signature", {"data": [{"a": 0}]}),
        (None, folder(example=[1], signature=LONG), "signature", {"data": [{"a": 0}]}),
        (None, folder(example=[1]), "", None),
        (None, folder(), "", None),
        (None, None, "", None),
    ],
)
def test_where_the_sample_comes_from(sent: Any, model: ModelFolder | None, source: str, sample: Any) -> None:
    request = None if sent is None else SampleRequest(Path("s.json"), sent)
    answer = told(Artifacts(model=model, sample=request))
    assert (answer["sample_source"], answer["sample"]) == (source, sample)


@pytest.mark.parametrize(
    ("kind", "code", "key"),
    [("mlflow_model", False, "input_data"), ("mlflow_model", True, "data"), ("custom_model", False, "data")],
)
def test_the_sample_has_the_form_that_the_script_understands(kind: str, code: bool, key: str) -> None:
    example = [{"a": 1, "b": 2}, {"b": 4}]
    sample = told(Artifacts(model=folder(example=example)), plan(kind, code))["sample"]
    assert list(sample) == [key]
    if key == "input_data":
        assert sample[key] == {"columns": ["a", "b"], "index": [0, 1], "data": [[1, 2], [None, 4]]}


@pytest.mark.parametrize(
    ("model", "path"),
    [
        ({"path": Path("model")}, "model"),
        ({"registered": "azureml:m:1"}, "azureml:m:1"),
        ({"source": "runs:/1/m"}, "runs:/1/m"),
        ({}, None),
    ],
)
def test_the_place_of_the_model(model: dict[str, Any], path: str | None) -> None:
    answer = told(Artifacts(), plan(**model))
    assert (answer["path"], answer["registered"]) == (path, model.get("registered"))


def test_a_model_that_is_not_there_has_no_figures() -> None:
    for found in (Artifacts(), Artifacts(model=ModelFolder(Path("model"), complete=False))):
        answer = told(found)
        assert (answer["exists"], answer["complete"], answer["files"], answer["flavour"]) == (False, False, 0, None)
    answer = told(Artifacts(model=folder()))
    assert (answer["exists"], answer["complete"]) == (True, True)


def test_a_script_that_is_not_asked_for_is_told_from_one_that_is_missing() -> None:
    assert [told(Artifacts())[part][key] for part in ("score", "conda") for key in ("asked", "found")] == [False] * 4
    missing = told(Artifacts(score=ScoreScript(Path("c/score.py")), conda=CondaFile(Path("e/conda.yml"))))
    assert [missing[part][key] for part in ("score", "conda") for key in ("asked", "found")] == [True, False] * 2
    assert (missing["score"]["name"], missing["conda"]["name"]) == ("score.py", "conda.yml")
    nothing = told(Artifacts())
    assert {nothing["score"]["has_init"], nothing["score"]["has_run"], nothing["conda"]["has_server"]} == {False}


@pytest.mark.parametrize("part", ["score", "conda"])
def test_a_problem_is_told_with_its_line(part: str) -> None:
    broken = ScoreScript(Path("s"), found=True, problem="bad", line=3), conda(problem="bad", line=3)
    answer = told(Artifacts(score=broken[0], conda=broken[1]))[part]
    assert (answer["problem"], answer["line"]) == ("bad", 3)
    whole = told(Artifacts(score=ScoreScript(Path("s"), found=True), conda=conda()))[part]
    assert (whole["problem"], whole["line"]) == (None, None)


@pytest.mark.parametrize(
    ("lines", "server", "packages"),
    [
        (["python=3.10", "pip", "numpy"], None, 1),
        (["azureml-inference-server-http=1.4"], "=1.4", 1),
        (["azureml-inference-server-http"], "any version", 1),
        (["azureml-defaults=1.5", "numpy"], "=1.5", 2),
        (["azureml-defaults=1.5", "azureml-inference-server-http=1.4"], "=1.4", 2),
        ([], None, 0),
    ],
)
def test_the_server_and_the_number_of_packages(lines: list[str], server: str | None, packages: int) -> None:
    answer = told(Artifacts(conda=conda(*lines)))["conda"]
    assert (answer["server"], answer["packages"], answer["has_server"]) == (server, packages, server is not None)


def test_the_models_own_conda_file_counts_only_without_one_in_the_plan() -> None:
    own, models = conda("python=3.10"), conda("python=3.9")
    assert told(Artifacts(conda=own, model_conda=models))["conda"]["python"] == "3.10"
    assert told(Artifacts(model_conda=models))["conda"]["python"] == "3.9"


@pytest.mark.parametrize(
    ("part", "field"),
    [
        ("model", "deployment.model.path"),
        ("score", "deployment.code_configuration.code"),
        ("conda", "deployment.environment.conda_file"),
        ("sample", "test.request"),
    ],
)
def test_what_was_not_read_in_time_is_unknown_and_not_missing(part: str, field: str) -> None:
    found = told(Artifacts(late={part: "/mnt/x"}), limit=2.5)["findings"]
    late = [one for one in found if one["id"] == "artifacts"]
    assert [(one["severity"], one["field"], one["looked_at"]) for one in late] == [("unknown", field, "/mnt/x")]
    assert "2.5 seconds" in late[0]["message"]
    assert ("model" in {one["id"] for one in found}) is (part != "model")


def test_nothing_is_read_for_parts_that_the_plan_does_not_have() -> None:
    assert artifacts.read(plan(), 5.0) == Artifacts()


@pytest.mark.parametrize(("seconds", "late"), [(0.0, True), (30.0, False)])
def test_parts_are_late_only_after_the_time(make_plan: MakePlan, seconds: float, late: bool) -> None:
    found = artifacts.read(make_plan(), seconds)
    assert set(found.late) == ({"model", "score", "conda", "sample"} if late else set())


@pytest.mark.parametrize(("ignored", "out"), [("score.py\n", True), ("other.py\n", False), (None, False)])
def test_a_script_that_the_ignore_file_excludes(make_plan: MakePlan, ignored: str | None, out: bool) -> None:
    plan = make_plan()
    if ignored:
        (plan.deployment.code_configuration.code / ".amlignore").write_text(ignored)
    assert artifacts.read(plan).left_out_code is out


@pytest.mark.parametrize(
    ("python", "problem"), [("=3.7", True), ("=3.8", False), (">=3.7", False), ("", False), ("=3", False)]
)
def test_the_script_is_parsed_for_the_python_of_the_conda_file(make_plan: MakePlan, python: str, problem: bool) -> None:
    # Both are of Python 3.8; Python 3.9's parser tells the second from older syntax only, newer ones the first only.
    script = "def init(): pass\ndef run(data):\n    return (copy := data), f'{data=}'\n"
    found = artifacts.read(make_plan(score=script, conda=CONDA.replace("python=3.10", f"python{python}")))
    assert found.score is not None and bool(found.score.problem) is problem


def test_counting_leaves_time_for_the_rest_and_a_form_waits_a_second_for_it(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: list[float] = []

    def read(path: Path, seconds: float) -> ModelFolder:
        given.append(seconds)
        return ModelFolder(path, exists=True)

    monkeypatch.setattr(artifacts.model_folder, "read", read)
    artifacts.read(make_plan(), 10.0)
    artifacts.read(make_plan(), 10.0, count_for=0.0)
    artifacts.inspect_model(make_plan())
    assert 5.0 <= given[0] < 10.0 and given[1:] == [0.0, 1.0]
