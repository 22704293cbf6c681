"""Values resolved into a plan: references, secrets, paths, and problems at the right key and line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.common.redact import redact
from tui.plan.load_save.document import Document
from tui.plan.load_save.resolve import resolve, value_problem
from tui.plan.problems import PlanInvalid, Problem

GUID = "11111111-2222-3333-4444-555555555555"
ENVIRON = {"NAME": "churn", "COUNT": "3", "SPACED": " churn ", "BAD": "9 9", "LATER": "${keyvault:kv/n}",
           "FLAG": "true",
           "TAGS": "a=1, b=x", "SPLIT": "blue=100"}  # fmt: skip
SECRET = "${databricks:scope/key}"
WORKSPACE = {"subscription_id": GUID, "resource_group": "rg", "name": "ws-1"}


def document(base: Path, values: dict[str, Any]) -> Document:
    """A plan with an MLflow model in `base`/m, and more values by key."""
    (base / "m").mkdir(exist_ok=True)
    (base / "file").touch()
    made = Document(base=base)
    tree = {"workspace": dict(WORKSPACE), "endpoint": {"name": "churn"},
            "deployment": {"model": {"path": "m", "name": "m", "type": "mlflow_model"}}}  # fmt: skip
    made.tree.update(tree)
    for key, value in values.items():
        made.set(key, value, "test")
    made.lines.clear()
    return made


def found(base: Path, values: dict[str, Any], **options: Any) -> list[str]:
    """The keys of the problems of a plan with these values."""
    try:
        resolve(document(base, values), ENVIRON, **options)
    except PlanInvalid as invalid:
        return [problem.key for problem in invalid.problems]
    return []


VARIABLES = "deployment.environment_variables"
COLLECTIONS = "deployment.data_collector.collections"
HEADERS = "deployment.data_collector.request_logging.capture_headers"


@pytest.mark.parametrize(
    ("key", "value", "valid"),
    [
        ("endpoint.name", "${env:NAME}-1", True),
        ("endpoint.name", "${env:SPACED}", True),
        ("endpoint.name", "${env:BAD}", False),
        ("endpoint.name", "${env:MISSING}", False),
        ("endpoint.name", SECRET, False),
        ("endpoint.name", "${env:LATER}", True),  # validated where the secret is read
        ("workspace.name", SECRET, True),
        ("workspace.name", "${databricks:scope}", False),
        ("deployment.instance_count", "${env:COUNT}", True),
        ("deployment.instance_count", "${env:NAME}", False),
        ("deployment.instance_count", 51, False),
        ("deployment.app_insights_enabled", "${env:FLAG}", True),
        ("endpoint.tags", {"a": "${env:NAME}"}, True),
        ("endpoint.tags", {"a": "${env:MISSING}"}, False),
        ("endpoint.tags", {"a": SECRET}, False),
        ("endpoint.tags", {"a": 1, "b": None}, True),
        ("endpoint.tags", {"a": []}, False),
        ("endpoint.tags", "${env:TAGS}", True),
        ("endpoint.tags", "${env:NAME}", False),
        ("endpoint.tags", SECRET, False),
        ("traffic", "${env:SPLIT}", True),
        ("traffic", "${env:TAGS}", False),
        (VARIABLES, SECRET, False),
        ("endpoint.tags", "${env:LATER}", False),
        (VARIABLES, {"A": SECRET}, True),
        (VARIABLES, {"A": "${databricks:scope}"}, False),
        (COLLECTIONS, {"a": {"enabled": "True", "data": {"name": "${env:NAME}"}}}, True),
        (COLLECTIONS, {"a": {"enabled": "True", "data": {"name": "${env:MISSING}"}}}, False),
        (COLLECTIONS, {"a": {"enabled": "True", "data": {"name": "${env:BAD}"}}}, False),
        (COLLECTIONS, {"a": {"enabled": "odd"}}, False),
        ("deployment.model.path", "azureml:m:1", True),
        ("deployment.model.path", "models:/m/1", True),
        ("deployment.model.path", "models:/m", False),
        ("deployment.model.path", "none", False),
        ("deployment.model.path", "file", True),
        ("deployment.model.path", "${env:MISSING}", False),
        ("test.request", "file", True),
        ("test.request", "m", False),
        ("test.request", "none.json", False),
        ("test.request", "azureml:m:1", False),
        ("test.request", "https://x/y/z", False),
        ("deployment.environment.build.path", "https://github.com/x/y.git", True),
        ("deployment.environment.build.path", "file", False),
        ("deployment.environment.build.path", "none", False),
    ],
)
def test_a_value_is_resolved_or_named(tmp_path: Path, key: str, value: Any, valid: bool) -> None:
    assert found(tmp_path, {key: value}) == ([] if valid else [key])
    environ: dict[str, str] = dict(ENVIRON)
    assert (value_problem(document(tmp_path, {key: value}), key, environ, {}) is None) == valid


def test_headers_of_a_collector_are_resolved_and_checked(tmp_path: Path) -> None:
    on = {COLLECTIONS: {"a": {"enabled": "True"}}}
    assert found(tmp_path, {**on, HEADERS: ["${env:NAME}", "x"]}) == []
    assert found(tmp_path, {**on, HEADERS: ["${env:BAD}"]}) == [HEADERS]
    assert found(tmp_path, {**on, HEADERS: ["${env:MISSING}"]}) == [HEADERS]
    plan = resolve(document(tmp_path, {**on, HEADERS: ["${env:NAME}", "x"]}), ENVIRON)
    assert plan.deployment.data_collector is not None
    assert plan.deployment.data_collector.capture_headers == ("churn", "x")


def test_what_references_become(tmp_path: Path) -> None:
    values = {"endpoint.name": "${env:NAME}-1", "deployment.instance_count": "${env:COUNT}", "workspace.name": SECRET,
              "endpoint.tags": {"a": "${env:COUNT}", "b": 2}, VARIABLES: {"A": SECRET}}  # fmt: skip
    plan = resolve(document(tmp_path, values), ENVIRON)
    assert (plan.endpoint.name, plan.deployment.instance_count, plan.workspace.name) == ("churn-1", 3, SECRET)
    assert plan.endpoint.tags == {"a": "3", "b": "2"} and plan.deployment.environment_variables == {"A": SECRET}
    assert plan.deployment.model.path == tmp_path / "m"
    maps = {"endpoint.tags": "${env:TAGS}", "traffic": "${env:SPLIT}"}
    plan = resolve(document(tmp_path, maps), ENVIRON)
    assert (plan.endpoint.tags, plan.traffic) == ({"a": "1", "b": "x"}, {"blue": 100})


PRINCIPAL = {"credential.method": "service_principal", "credential.tenant_id": GUID, "credential.client_id": GUID}
CLIENT_SECRET = "credential.client_secret"


def test_a_secret_is_typed_or_a_reference(tmp_path: Path) -> None:
    assert found(tmp_path, PRINCIPAL) == [CLIENT_SECRET]
    assert found(tmp_path, {**PRINCIPAL, CLIENT_SECRET: "s3cret"}) == [CLIENT_SECRET]
    assert found(tmp_path, {**PRINCIPAL, CLIENT_SECRET: SECRET}) == []
    assert found(tmp_path, {**PRINCIPAL, CLIENT_SECRET: "${env:BAD}"}) == []
    assert found(tmp_path, PRINCIPAL, secrets={CLIENT_SECRET: ""}) == [CLIENT_SECRET]
    plan = resolve(document(tmp_path, PRINCIPAL), ENVIRON, {CLIENT_SECRET: "s3cret"})
    assert plan.credential.client_secret == "s3cret" and "s3cret" not in repr(plan)
    assert found(tmp_path, {"credential.method": "azure_cli", "credential.tenant_id": "?"}) == [], "not asked"
    other = document(tmp_path, {"credential.method": "azure_cli", "credential.tenant_id": "?"})
    assert value_problem(other, "credential.tenant_id", {}, {}) is None


def test_a_value_that_names_something_of_the_plan_is_no_secret(tmp_path: Path) -> None:
    environ = {"STAGE": "halcyonstage", "PW": "halcyonpassword"}
    values = {VARIABLES: {"A": "${env:STAGE}", "B": "p=${env:PW}"}, "endpoint.name": "churn-halcyonstage",
              "workspace.name": "halcyonpassword1"}  # fmt: skip
    resolve(document(tmp_path, values), environ)
    said = "churn-halcyonstage in halcyonstage, signed in with halcyonpassword"
    assert redact(said) == "churn-halcyonstage in halcyonstage, signed in with (hidden)"


def test_lenient_keeps_what_is_valid_and_never_raises(tmp_path: Path) -> None:
    values = {"endpoint.name": "a_b", "deployment.instance_count": 99, "endpoint.auth_mode": "aml_token"}
    plan = resolve(document(tmp_path, values), {}, lenient=True)
    assert (plan.endpoint.name, plan.deployment.instance_count, plan.endpoint.auth_mode) == ("", 1, "aml_token")
    gone = resolve(document(tmp_path, {"deployment.model.path": "none"}), {}, lenient=True)
    assert gone.deployment.model.path == tmp_path / "none", "a path that does not exist is still that path"


def test_problems_are_in_the_order_of_the_file_and_each_once(tmp_path: Path) -> None:
    made = document(tmp_path, {"endpoint.name": "a_b", "deployment.instance_type": "odd"})
    made.tree["deployments"] = [{"name": "blue"}, {"name": "green", "instance_count": 99}]
    made.lines = {"endpoint.name": ("p", 9), "deployment.instance_type": ("p", 3), "deployments.1": ("p", 5)}
    made.problems = [Problem("x", "unknown", file="p", line=4)]
    with pytest.raises(PlanInvalid) as invalid:
        resolve(made, ENVIRON)
    assert [(one.key, one.line) for one in invalid.value.problems] == [
        ("deployment.instance_type", 3),
        ("x", 4),
        ("deployment.instance_count", 5),
        ("endpoint.name", 9),
    ]


def test_a_wrong_collection_is_told_at_its_own_line(tmp_path: Path) -> None:
    made = document(tmp_path, {COLLECTIONS: {"a": {"enabled": "odd"}}})
    made.lines = {COLLECTIONS: ("p", 3), f"{COLLECTIONS}.a": ("p", 4), f"{COLLECTIONS}.a.enabled": ("p", 5)}
    assert made.where(COLLECTIONS)[1] == 3
    with pytest.raises(PlanInvalid) as invalid:
        resolve(made, ENVIRON)
    assert [one.line for one in invalid.value.problems] == [5]


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("test.request", "none", "file"),
        ("deployment.environment.build.path", "none", "folder"),
        ("deployment.model.path", "none", "file or folder"),
        ("test.request", "m", "is a folder"),
        ("deployment.code_configuration.code", "file", "is a file"),
    ],
)
def test_what_a_path_should_be(tmp_path: Path, key: str, value: str, said: str) -> None:
    problem = value_problem(document(tmp_path, {key: value}), key, {}, {})
    assert problem is not None and said in problem and str(tmp_path) in problem


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (Problem("k", "m.", "r.", "f", 3), "f, line 3, k: m. r."),
        (Problem("", "m."), "plan: m."),
        (Problem("k", "m.", file="f"), "f, k: m."),
        (Problem("", "m.", line=0), "plan, line 0: m."),
    ],
)
def test_a_problem_says_where_it_is(problem: Problem, text: str) -> None:
    assert str(problem) == text
