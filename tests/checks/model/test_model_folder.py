"""What is read of a model's folder, what is counted, and the findings about model, conda file and sample."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tui.checks.environment.conda_file import CondaFile
from tui.checks.model import artifact_findings, file_count, ignored_files, model_folder
from tui.checks.model.file_count import Figures
from tui.checks.model.model_folder import ModelFolder
from tui.checks.scoring.sample_request import SampleRequest
from tui.checks.scoring.score_script import ScoreScript
from tui.common.conda_file import Lines
from tui.plan import model as m


def plan(type: str = "custom_model", code: bool = True, **more: Any) -> m.Plan:
    egress = more.pop("egress", None)
    return m.Plan(
        workspace=m.Workspace("s", "rg", "ws"),
        deployment=m.Deployment(
            model=m.Model(name="m", type=type, **more),
            code_configuration=m.CodeConfiguration(Path("code")) if code else None,
            egress_public_network_access=egress,
        ),
    )


def folder(**more: Any) -> ModelFolder:
    return ModelFolder(Path("model"), **{"exists": True, "files": 2, "bytes": 10, **more})


def mlmodel(**flavours: dict[str, str]) -> ModelFolder:
    return folder(mlmodel={"flavors": flavours}, flavours=tuple(flavours), mlmodel_path=Path("model/MLmodel"))


def conda(*lines: str, **more: Any) -> CondaFile:
    return CondaFile(Path("conda.yml"), found=True, lines=Lines(conda=list(lines)), **more)


INSIDE = Path("model/MLmodel")


@pytest.mark.parametrize(
    ("of", "model", "expected"),
    [
        (plan(), None, [("model", "ok")]),
        (plan(registered="azureml:m:1"), None, []),
        (plan(source="https://a"), None, []),
        (plan(), folder(), [("model", "ok")]),
        (plan(), folder(exists=False), [("model", "blocker")]),
        (plan(), folder(exists=False, problem="slow"), [("model", "unknown")]),
        (plan(), folder(files=0), [("model", "blocker")]),
        (plan(), folder(files=1), [("model", "ok")]),
        (plan(), folder(files=0, complete=False), [("model", "ok")]),
        (plan(), folder(files=0, unreadable=["x"]), [("model-unreadable", "warning")]),
        (plan(), folder(files=0, figures=Figures(left_out=1)), [("model", "ok")]),
        (plan(), folder(problem="bad"), [("mlmodel", "warning")]),
        (plan("mlflow_model"), folder(problem="bad"), [("mlmodel", "blocker")]),
        (plan("mlflow_model"), folder(), [("mlmodel", "blocker")]),
        (plan("mlflow_model"), folder(mlmodel_path=INSIDE), [("model", "ok")]),
        (plan("mlflow_model"), folder(mlmodel_path=Path("model/sub/MLmodel")), [("mlmodel", "blocker")]),
        (plan(), folder(mlmodel_path=Path("model/sub/MLmodel")), [("model", "ok")]),
    ],
)
def test_a_model_that_can_be_registered(of: m.Plan, model: ModelFolder | None, expected: list[Any]) -> None:
    assert [(one.id, one.severity) for one in artifact_findings.about_model(of, model)] == expected


SERVER = "azureml-inference-server-http"


@pytest.mark.parametrize(
    ("code", "file", "expected"),
    [
        (True, None, []),
        (True, CondaFile(Path("c")), [("conda", "blocker")]),
        (True, CondaFile(Path("c"), problem="slow"), [("conda", "unknown")]),
        (True, conda(problem="not YAML"), [("conda", "blocker")]),
        (True, conda("python=3.10", SERVER), [("conda", "ok")]),
        (True, conda("python=3.10"), [("inference-server", "blocker")]),
        (False, conda("python=3.10"), [("conda", "ok")]),
        (True, conda(SERVER), [("conda-python", "warning")]),
        (True, conda("python=3.8", f"{SERVER}=1.4"), [("server-python", "blocker")]),
        (True, conda("python=3.9", f"{SERVER}=1.4"), [("conda", "ok")]),
        (True, conda("python=3.8", f"{SERVER}=1.3"), [("conda", "ok")]),
        (True, conda("python=3.7", f"{SERVER}=1.0"), [("server-python", "blocker")]),
        (True, conda("python=3.7", f"{SERVER}=0.8"), [("conda", "ok")]),
        (True, conda("python=3.6", f"{SERVER}=0.8"), [("server-python", "blocker")]),
        (True, conda("python=3.6", f"{SERVER}=0.7"), [("conda", "ok")]),
        (True, conda("python=3.8", f"{SERVER}>=1.4"), [("conda", "ok")]),
        (True, conda("python=3", f"{SERVER}=1.4"), [("conda", "ok")]),
    ],
)
def test_a_conda_file_that_can_be_built(code: bool, file: CondaFile | None, expected: list[Any]) -> None:
    assert [(one.id, one.severity) for one in artifact_findings.about_conda(plan(code=code), file)] == expected


def test_python_is_not_counted_as_a_package() -> None:
    (found,) = artifact_findings.about_conda(plan(), conda("python=3.10", SERVER, "numpy"))
    assert " 2 packages" in found.message


@pytest.mark.parametrize(
    ("flavours", "lines", "warnings"),
    [
        ({"xgboost": {"xgb_version": "2.1.4"}}, ["xgboost=2.1.0"], 0),
        ({"xgboost": {"xgb_version": "2.1.4"}}, ["xgboost-cpu=2.0"], 1),
        ({"xgboost": {"xgb_version": "2.1.4"}}, ["xgboost=3.0"], 1),
        ({"xgboost": {"xgb_version": "2.1.4", "data": "m.ubj"}}, ["xgboost=3.0"], 0),
        ({"xgboost": {"xgb_version": "2.1.4", "data": "m.ubj"}}, ["xgboost=2.1"], 0),
        ({"xgboost": {"xgb_version": "2.1.4", "data": "m.ubj"}}, ["xgboost=2.0"], 1),
        ({"xgboost": {"xgb_version": "2.1.4", "model_format": "json"}}, ["xgboost=3.0"], 0),
        ({"xgboost": {"xgb_version": "2.1.4", "data": "m.json", "model_format": "pkl"}}, ["xgboost=3.0"], 1),
        ({"xgboost": {"xgb_version": "2.1.4"}}, ["xgboost>=3.0"], 1),
        ({"xgboost": {"xgb_version": "2.1.4"}}, ["xgboost"], 1),
        ({"xgboost": {"xgb_version": "2.1.4"}}, ["xgboost>=2.1,<2.2"], 0),
        ({"xgboost": {"xgb_version": "2.1.4", "data": "m.ubj"}}, ["xgboost"], 0),
        ({"xgboost": {}}, ["xgboost=3.0"], 0),
        ({"other": {"version": "1"}}, ["other=2"], 0),
        ({"sklearn": {}, "python_function": {"python_version": "3.10.13"}}, ["python=3.10"], 0),
        ({"sklearn": {}, "python_function": {"python_version": "3.10.13"}}, ["python=3.11"], 1),
        ({"sklearn": {}, "python_function": {"python_version": "3.10.13"}}, ["python"], 0),
        ({"sklearn": {}, "python_function": {}}, ["python=3.11"], 0),
        ({"xgboost": {}, "python_function": {"python_version": "3.10.13"}}, ["python=3.11"], 0),
        ({"python_function": {"python_version": "3.10.13"}}, ["python=3.11"], 1),
    ],
)
def test_versions_of_model_and_environment(flavours: dict[str, Any], lines: list[str], warnings: int) -> None:
    found = list(artifact_findings.about_versions(mlmodel(**flavours), conda(*lines)))
    assert [one.severity for one in found] == ["warning"] * warnings
    assert not list(artifact_findings.about_versions(mlmodel(**flavours), conda(*lines, problem="x")))
    assert not list(artifact_findings.about_versions(mlmodel(**flavours), None))


@pytest.mark.parametrize(
    ("of", "body", "signed", "severity"),
    [
        (plan(), {"x": 1}, True, "ok"), (plan(), {"data": [{"a": 1}]}, True, "ok"),
        (plan(), {"data": [{"b": 1}]}, True, "warning"), (plan(), {"data": [{"b": 1}]}, False, "ok"),
        (plan("mlflow_model", code=False), {"data": [{"a": 1}]}, True, "warning"),
        (plan("mlflow_model", code=False), ["input_data"], True, "warning"),
        (plan("mlflow_model", code=False), {"input_data": [{"a": 1}]}, True, "ok"),
        (plan("mlflow_model"), {"data": [{"a": 1}]}, True, "ok"),
        (plan(code=False), {"data": [{"a": 1}]}, True, "ok"),
    ],
)  # fmt: skip
def test_a_sample_that_the_model_accepts(of: m.Plan, body: Any, signed: bool, severity: str) -> None:
    model = folder(signature=[{"name": "a", "type": "long"}] if signed else None)
    (found,) = artifact_findings.about_sample(of, SampleRequest(Path("s.json"), body), model)
    assert (found.id, found.severity) == ("sample-request", severity)
    rows = body.get("data") or body.get("input_data") if isinstance(body, dict) else None
    if severity == "ok":
        assert ("1 row" in found.message) == bool(rows)
        assert ("signature" in found.message) == (bool(rows) and signed)


@pytest.mark.parametrize(
    ("of", "isolation", "severity"),
    [
        (plan("mlflow_model", code=False, egress="disabled"), "legacy", "blocker"),
        (plan("mlflow_model", code=False, egress="disabled"), None, "warning"),
        (plan("mlflow_model", code=False, egress="disabled"), "managed_network", None),
        (plan("mlflow_model", code=False, egress="enabled"), "legacy", None),
        (plan("mlflow_model", egress="disabled"), "legacy", None),
        (plan(code=False, egress="disabled"), "legacy", None),
    ],
)
def test_mlflow_without_a_script_needs_egress(of: m.Plan, isolation: str | None, severity: str | None) -> None:
    found = artifact_findings.about_mlflow_network(of, isolation)
    assert [one.severity for one in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("files", "complete", "names", "blocks"),
    [(0, True, ["a"], True), (0, False, ["a"], False), (1, True, ["a"], False), (1, True, ["MLmodel"], True),
     (1, True, ["m.ubj"], True), (1, True, [], False)],
)  # fmt: skip
def test_needed_files_that_are_excluded(files: int, complete: bool, names: list[str], blocks: bool) -> None:
    model = mlmodel(xgboost={"data": "m.ubj"})
    model.figures = Figures(files, complete=complete, left_out=len(names), left_out_names=names)
    assert [one.severity for one in ignored_files.about(plan(), model, False)] == ["blocker"] * blocks
    assert len(list(ignored_files.about(plan(), None, True))) == 1
    assert not list(ignored_files.about(plan(code=False), None, True))


@pytest.mark.parametrize(("left_out", "dots"), [(3, False), (4, True)])
def test_three_excluded_files_are_named(left_out: int, dots: bool) -> None:
    names = [f"file{n}" for n in range(left_out)]
    (found,) = ignored_files.about(
        plan(), folder(figures=Figures(0, 0, True, left_out=left_out, left_out_names=names)), False
    )
    assert ("…" in found.message, "file2" in found.message, "file3" in found.message) == (dots, True, False)


def test_files_are_counted_and_a_stop_leaves_the_count_incomplete(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    for name in ("a", "b", "sub/c"):
        (tmp_path / name).write_bytes(b"12345")
    whole = file_count.count(tmp_path, Figures())
    assert (whole.files, whole.bytes, whole.complete, whole.left_out) == (3, 15, True, 0)
    stopped = file_count.count(tmp_path, Figures(), lambda: True)
    assert (stopped.files, stopped.complete) == (0, False)
    one = model_folder.read(tmp_path / "a")
    assert (one.exists, one.files, one.bytes, one.complete, one.figures.complete) == (True, 1, 5, True, True)
    assert not model_folder.read(tmp_path / "gone").exists


SPLIT = {"columns": ["a"], "data": [[1], [2], "no row"]}


@pytest.mark.parametrize(
    ("example", "columns", "rows"),
    [
        (SPLIT, None, [{"a": 1}, {"a": 2}]),
        ({"columns": ["a"]}, None, None), ({"data": [[1]]}, None, None),
        ([{"a": 1}], [("b", "long")], [{"a": 1}]), ([], None, None), ([{"a": 1}, 2], None, None),
        (None, [("a", "long"), ("b", "string")], [{"a": 0, "b": "text"}]),
        (None, [("a", "long"), ("", "long")], None), (None, [("a", "long"), ("b", "tensor")], None),
        (None, [("a", "boolean"), ("b", "double")], [{"a": False, "b": 0.0}]), (None, [], None),
    ],
)  # fmt: skip
def test_rows_to_test_with(example: Any, columns: list[tuple[str, str]] | None, rows: Any) -> None:
    signature = None if columns is None else [{"name": name, "type": kind} for name, kind in columns]
    assert model_folder.rows(folder(example=example, signature=signature)) == rows


@pytest.mark.parametrize(
    ("flavours", "flavour"),
    [((), None), (("python_function",), "python_function"), (("python_function", "xgboost"), "xgboost")],
)
def test_the_flavour_is_the_librarys(flavours: tuple[str, ...], flavour: str | None) -> None:
    assert folder(flavours=flavours).flavour == flavour


@pytest.mark.parametrize(
    ("inputs", "signature"),
    [
        ([{"name": "a", "type": "long"}], [{"name": "a", "type": "long"}]),
        ([{"type": "long"}], [{"name": "", "type": "long"}]),
        ({"name": "a"}, None), (["a"], None), (None, None), ("broken", None),
        ([{"tensor-spec": {"dtype": "f", "shape": [1]}}], [{"name": "", "type": "tensor f [1]"}]),
    ],
)  # fmt: skip
def test_the_signature_and_the_example_in_mlmodel(tmp_path: Path, inputs: Any, signature: Any) -> None:
    text = "{" if inputs == "broken" else json.dumps(inputs)
    content = {"flavors": {"xgboost": {}}, "saved_input_example_info": {"artifact_path": "example.json"}}
    (tmp_path / "MLmodel").write_text(json.dumps({**content, "signature": {"inputs": text} if inputs else {}}))
    (tmp_path / "example.json").write_text("[1]")
    found = model_folder.read(tmp_path)
    assert (found.signature, found.example, found.flavours, found.problem) == (signature, [1], ("xgboost",), "")


def test_the_first_folder_with_an_mlmodel_counts_and_an_example_outside_is_not_read(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / "model" / name).mkdir(parents=True)
    for name in ("b", "c"):
        info = {"flavors": {"x": {}}, "saved_input_example_info": {"artifact_path": "../../example.json"}}
        (tmp_path / "model" / name / "MLmodel").write_text(json.dumps(info))
    (tmp_path / "example.json").write_text("[1]")
    found = model_folder.read(tmp_path / "model")
    assert (found.mlmodel_path, found.example) == (tmp_path / "model" / "b" / "MLmodel", None)


@pytest.mark.parametrize(
    ("reads", "conda_file", "variables", "severity", "said"),
    [
        (None, "c.yml", {}, "ok", "script must have or fetch it"),
        (None, None, {}, "ok", "image must contain it"),
        ((False, 3), "c.yml", {}, "blocker", "score.py reads in line 3"),
        ((True, 3), "c.yml", {}, "warning", "score.py reads in line 3"),
        ((False, 3), None, {}, "warning", "score.py reads in line 3"),
        ((False, 3), "c.yml", {"AZUREML_MODEL_DIR": "/m"}, "ok", "script must have or fetch it"),
    ],
)
def test_a_deployment_without_a_model(
    reads: tuple[bool, int] | None, conda_file: str | None, variables: dict[str, str], severity: str, said: str
) -> None:
    environment = m.Environment(image="i", conda_file=Path(conda_file) if conda_file else None)
    of = m.Plan(deployment=m.Deployment(environment=environment, environment_variables=variables))
    (found,) = artifact_findings.about_model(of, None, ScoreScript(Path("score.py"), model_dir=reads))
    assert (found.id, found.severity) == ("model", severity) and said in found.message


@pytest.mark.parametrize(
    ("kind", "raw", "severity"),
    [("image/png", True, "ok"), ("image/png", False, "warning"), ("text/csv", False, "ok")],
)
def test_a_request_of_another_kind_needs_a_script_that_takes_it(kind: str, raw: bool, severity: str) -> None:
    sample, score = SampleRequest(Path("a"), kind=kind), ScoreScript(Path("score.py"), parsed=True, raw=raw)
    (found,) = artifact_findings.about_sample(plan(), sample, None, score)
    assert found.severity == severity and f"sent as {kind}" in found.message
    (mlflow,) = artifact_findings.about_sample(plan("mlflow_model", code=False), sample, None)
    assert mlflow.severity == "warning" and "input_data" in mlflow.message
