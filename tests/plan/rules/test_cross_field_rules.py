"""Values that are valid alone and do not fit together: which key is named, and when nothing is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.plan.load_save.document import Document
from tui.plan.rules.cross_field_rules import problems

MODEL = {"deployment.model.path": Path("/m"), "deployment.model.name": "m"}
REGISTERED = {"deployment.model.path": "azureml:m:1"}
MLFLOW = {**MODEL, "deployment.model.type": "mlflow_model"}
ENVIRONMENT = "deployment.environment."
ROUTES = {
    f"{ENVIRONMENT}inference_config.{name}_route.{part}": value
    for name in ("liveness", "readiness", "scoring")
    for part, value in (("path", "/"), ("port", 80))
}
CODE = "deployment.code_configuration.code"
CODED = {**MODEL, CODE: "code", f"{ENVIRONMENT}image": "i"}


def document(values: dict[str, Any]) -> Document:
    made = Document()
    for key, value in values.items():
        made.set(key, value, "test")
    return made


def keys(values: dict[str, Any], written: dict[str, Any] | None = None) -> list[str]:
    found = problems(document(values if written is None else written), values)
    return [one.key.replace(ENVIRONMENT, "") for one in found]


def beside(values: dict[str, Any], written: dict[str, Any] | None = None) -> list[str]:
    """The keys that are named beside a registered model, with which nothing is wrong."""
    return keys({**REGISTERED, **values}, None if written is None else {**REGISTERED, **written})


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (MLFLOW, []),
        ({**MLFLOW, "deployment.model.name": ""}, ["deployment.model.name"]),
        ({**MLFLOW, "deployment.model.path": "runs:/r/p", "deployment.model.name": None}, ["deployment.model.name"]),
        ({"deployment.model.path": "azureml:m:1"}, []),
        ({}, ["deployment.model.path"]),
        (MODEL, [CODE]),
        ({**MODEL, "deployment.model.type": "triton_model"}, []),
        ({f"{ENVIRONMENT}image": "i"}, []),
        ({f"{ENVIRONMENT}build.path": "https://g"}, []),
        ({f"{ENVIRONMENT}registered": "azureml:e:1"}, []),
        (ROUTES, []),
        ({f"{ENVIRONMENT}image": "i", f"{ENVIRONMENT}conda_file": Path("c")}, ["deployment.model.path"]),
        ({CODE: "code", f"{ENVIRONMENT}image": "i", f"{ENVIRONMENT}conda_file": Path("c")}, []),
        ({**MODEL, "deployment.model.path": "azureml://datastores/d/paths/m"}, [CODE]),
        ({"deployment.model.path": "azureml://datastores/d/paths/m"}, ["deployment.model.name", CODE]),
        ({**MODEL, f"{ENVIRONMENT}registered": "azureml:e:1"}, []),
        ({**MODEL, **ROUTES}, []),
        (CODED, []),
        ({**CODED, "deployment.model.type": "mlflow_model"}, []),
        ({**MODEL, CODE: "code"}, ["conda_file"]),
        ({**MLFLOW, CODE: "code"}, ["conda_file"]),
        ({**MODEL, CODE: "code", f"{ENVIRONMENT}conda_file": Path("c")}, []),
        ({**MODEL, CODE: "code", f"{ENVIRONMENT}registered": "azureml:e:1"}, []),
        ({**MODEL, CODE: "code", f"{ENVIRONMENT}build.path": "https://g"}, []),
    ],
)
def test_a_model_its_script_and_its_environment(values: dict[str, Any], expected: list[str]) -> None:
    assert keys(values) == expected


@pytest.mark.parametrize(("script", "wrong"), [("score.py", False), ("other.py", True), (None, False)])
def test_the_script_is_a_file_in_the_code_folder(tmp_path: Path, script: str | None, wrong: bool) -> None:
    (tmp_path / "score.py").touch()
    script_key = "deployment.code_configuration.scoring_script"
    assert keys({**CODED, CODE: tmp_path, script_key: script}) == ([script_key] if wrong else [])
    assert keys({**CODED, CODE: tmp_path / "score.py", script_key: script}) == [], "no folder: told elsewhere"


@pytest.mark.parametrize(("server", "wrong"), [({}, True), (ROUTES, False), ({f"{ENVIRONMENT}registered": "r"}, False)])
def test_only_a_server_of_its_own_runs_other_scripts(tmp_path: Path, server: dict[str, Any], wrong: bool) -> None:
    (tmp_path / "score.R").touch()
    script_key = "deployment.code_configuration.scoring_script"
    assert keys({**CODED, CODE: tmp_path, script_key: "score.R", **server}) == ([script_key] if wrong else [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"build.path": "https://g"}, []),
        ({"build.path": "https://g", "image": "i"}, ["image"]),
        ({"build.path": "https://g", "conda_file": Path("c"), "registered": "azureml:e:1"},
         ["conda_file", "registered"]),
        ({"build.path": "https://g", "build.dockerfile_path": "Own"}, []),
        ({"build.dockerfile_path": "Own"}, ["build.path"]),
        ({"image": "i", "conda_file": Path("c")}, []),
    ],
)  # fmt: skip
def test_a_build_context_excludes_the_rest(values: dict[str, Any], expected: list[str]) -> None:
    assert beside({f"{ENVIRONMENT}{key}": value for key, value in values.items()}) == expected


@pytest.mark.parametrize(
    ("dockerfile", "expected"),
    [(None, []), ("Own", []), ("Other", ["build.dockerfile_path"]), ("sub", ["build.dockerfile_path"])],
)
def test_the_dockerfile_is_a_file_in_the_context(tmp_path: Path, dockerfile: str | None, expected: list[str]) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "Own").touch()
    (tmp_path / "Dockerfile").touch()
    context, own = f"{ENVIRONMENT}build.path", f"{ENVIRONMENT}build.dockerfile_path"
    assert keys({context: tmp_path, own: dockerfile}) == expected
    assert keys({context: tmp_path / "Own", own: dockerfile}) == [], "no folder: told elsewhere"
    assert keys({context: tmp_path / "sub"}) == ["build.path"]


def test_routes_are_set_all_or_none() -> None:
    scoring = {key: value for key, value in ROUTES.items() if "scoring" in key}
    missing = [key.replace(ENVIRONMENT, "") for key in ROUTES if key not in scoring]
    assert keys(ROUTES) == []
    assert beside(scoring) == missing
    registered = {f"{ENVIRONMENT}registered": "azureml:e:1"}
    (first, *others) = keys({**registered, **scoring})
    assert first == "inference_config.scoring_route.path" and others == []
    assert keys(registered) == []
    # A port with a reference that could not be resolved has no value, but it is set.
    unresolved = {key: value for key, value in ROUTES.items() if not key.endswith("scoring_route.port")}
    assert keys(unresolved, {**ROUTES, f"{ENVIRONMENT}inference_config.scoring_route.port": "${env:P}"}) == []


def test_a_collector_needs_a_collection() -> None:
    rate, collections = "deployment.data_collector.rolling_rate", "deployment.data_collector.collections"
    assert beside({rate: "hour"}) == [collections]
    assert beside({rate: "hour", collections: {"a": {}}}) == []
    assert beside({rate: "hour", collections: {"a": {}}}, {}) == []
    assert beside({rate: "hour"}, {rate: "hour", collections: {"a": "wrong"}}) == [], "its own problem is told already"
    assert beside({}) == []


def test_a_user_assigned_identity_needs_its_type() -> None:
    ids, kind = "endpoint.identity.user_assigned_identities", "endpoint.identity.type"
    assert beside({kind: "user_assigned", ids: ["/i"]}) == []
    assert beside({kind: "system_assigned", ids: ["/i"]}) == [kind]
    assert beside({ids: ["/i"]}) == [kind]
    assert beside({kind: "system_assigned"}) == []
