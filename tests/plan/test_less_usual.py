"""Identity, data collection, build contexts and custom containers: reading, and problems with file, line and key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.plan import data_collection
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Plan
from tui.plan.planned_changes import deployment_change, endpoint_change
from tui.plan.problems import PlanInvalid, Problem

USER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"
ROUTE = {"path": "/score", "port": 5001}
ROUTES = {"scoring_route": ROUTE, "liveness_route": ROUTE, "readiness_route": ROUTE}
COLLECTED = "deployment.data_collector.collections"


def document(folder: Path, **changes: Any) -> Any:
    """A minimal plan with an MLflow model; `endpoint` and `deployment` get additional keys."""
    (folder / "model").mkdir(exist_ok=True)
    tree = {
        "workspace": {"subscription_id": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "resource_group": "g", "name": "wsp"},
        "endpoint": {"name": "churn", **changes.get("endpoint", {})},
        "deployment": {
            "name": "blue",
            "model": {"path": "model", "name": "m", "type": "mlflow_model"},
            **changes.get("deployment", {}),
        },
    }
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    return load(path)


def resolved(folder: Path, **changes: Any) -> Plan:
    return resolve(document(folder, **changes), {"UAI": USER})


def wrong(folder: Path, **changes: Any) -> list[Problem]:
    with pytest.raises(PlanInvalid) as invalid:
        resolved(folder, **changes)
    return list(invalid.value.problems)


# Identity


@pytest.mark.smoke
@pytest.mark.parametrize("written", [[USER], [{"resource_id": USER}], ["${env:UAI}"]])
def test_a_user_assigned_identity_as_the_reference_and_as_az_write_it(tmp_path: Path, written: list[Any]) -> None:
    given = {"identity": {"type": "user_assigned", "user_assigned_identities": written}}
    identity = resolved(tmp_path, endpoint=given).endpoint.identity
    assert identity is not None
    assert (identity.type, identity.user_assigned_identities) == ("user_assigned", (USER,))


def test_a_plan_that_says_nothing_has_no_wish(tmp_path: Path) -> None:
    assert resolved(tmp_path).endpoint.identity is None


@pytest.mark.parametrize(
    ("identity", "key", "said"),
    [
        ({"type": "user_assigned"}, "user_assigned_identities", "required"),
        ({"type": "user_assigned", "user_assigned_identities": ["churn-uai"]}, "user_assigned_identities", "not the"),
        ({"type": "user_assigned", "user_assigned_identities": [USER, USER + "2"]}, "user_assigned_identities", "one"),
        ({"type": "user_assigned", "user_assigned_identities": [{"id": USER}]}, "user_assigned_identities", "a list"),
        ({"type": "both"}, "type", "not one of"),
        ({"user_assigned_identities": [USER]}, "type", "not user_assigned"),
    ],
)
def test_an_identity_that_azure_would_not_take(tmp_path: Path, identity: Any, key: str, said: str) -> None:
    (problem,) = wrong(tmp_path, endpoint={"identity": identity})
    assert problem.key == f"endpoint.identity.{key}"
    assert said in problem.message
    assert problem.file == str(tmp_path / "plan.yml") and problem.line


def test_an_identity_does_not_change_afterwards(tmp_path: Path) -> None:
    plan = resolved(tmp_path, endpoint={"identity": {"type": "user_assigned", "user_assigned_identities": [USER]}})
    there = {"auth_mode": "key", "public_network_access": "disabled", "description": "", "tags": {}}
    own = endpoint_change(plan, {**there, "identity": {"type": "SystemAssigned"}})
    assert "another identity" in own.refused
    assert [(one.field, one.before, one.after) for one in own.changes] == [("identity", "system_assigned", "churn-uai")]
    same = {"type": "UserAssigned", "userAssignedIdentities": {USER.lower(): {"clientId": "c"}}}
    assert endpoint_change(plan, {**there, "identity": same}).action == "skip"
    assert endpoint_change(resolved(tmp_path), {**there, "identity": same}).action == "skip"


def test_the_preflight_blocks_another_identity(tmp_path: Path) -> None:
    from tui.checks.workspace import endpoint_names
    from tui.cloud.endpoints.endpoints import EndpointInfo
    from tui.cloud.workspace.workspace import WorkspaceInfo

    identity = {"type": "user_assigned", "user_assigned_identities": [USER]}
    own = EndpointInfo("churn", "/e", "Succeeded", None, "key", "disabled", "", {}, {}, "eastus",
                       identity={"type": "SystemAssigned"})  # fmt: skip
    where: Any = WorkspaceInfo.__new__(WorkspaceInfo)
    plan = resolved(tmp_path, endpoint={"identity": identity})
    found = [one for one in endpoint_names.check(plan, own, where) if one.id == "endpoint-identity"]
    assert [(one.severity, one.field) for one in found] == [("blocker", "endpoint.identity.type")]
    assert not [one for one in endpoint_names.check(resolved(tmp_path), own, where) if one.id == "endpoint-identity"]


# Data collection


def test_the_collector_with_everything(tmp_path: Path) -> None:
    data = {"name": "inputs", "version": 2, "path": "azureml://datastores/workspaceblobstore/paths/here"}
    given = {
        "collections": {
            "model_inputs": {"enabled": "True", "data": data},
            "model_outputs": {"enabled": True, "data": "azureml:outputs:7"},
            "request": {"enabled": "false"},
        },
        "sampling_rate": 0.25,
        "rolling_rate": "Minute",
        "request_logging": {"capture_headers": ["x-request-id"]},
    }
    collector = resolved(tmp_path, deployment={"data_collector": given}).deployment.data_collector
    assert collector is not None
    assert (collector.sampling_rate, collector.rolling_rate) == (0.25, "minute")
    assert collector.capture_headers == ("x-request-id",)
    one = collector.collections
    assert {name: item.enabled for name, item in one.items()} == {
        "model_inputs": True, "model_outputs": True, "request": False,
    }  # fmt: skip
    assert data_collection.asset(one["model_inputs"], "churn", "blue", "model_inputs") == ("inputs", "2", data["path"])
    assert (one["model_outputs"].name, one["model_outputs"].version) == ("outputs", "7")
    assert data_collection.asset(one["request"], "churn", "blue", "request") == (
        "churn-blue-request",
        "1",
        "azureml://datastores/workspaceblobstore/paths/modelDataCollector/churn/blue/request",
    )


@pytest.mark.parametrize(
    ("collector", "key", "line", "said"),
    [
        ({"collections": {"a": {"enabled": "True"}, "b": {"enabled": "sure"}}}, "collections", "enabled: sure", "must"),
        ({"collections": {"a": {"enabled": "True", "share": 1}}}, "collections", "share: 1", "Unknown key"),
        ({"collections": {"a-b": {"enabled": "True"}}}, "collections", "a-b:", "not a valid"),
        ({"collections": {"a": {"enabled": "True", "data": {"path": "/tmp/x"}}}}, "collections", "path: /tmp", "azureml://"),
        ({"collections": ["a"]}, "collections", "collections:", "a map"),
        ({"collections": {"a": {"enabled": "True"}}, "sampling_rate": 25}, "sampling_rate", "sampling_rate", "0 to 1"),
        ({"collections": {"a": {"enabled": "True"}}, "rolling_rate": "Week"}, "rolling_rate", "rolling_rate", "minute"),
        ({"sampling_rate": 0.5}, "collections", "data_collector:", "no collection"),
        (
            {"collections": {"a": {"enabled": "True"}}, "request_logging": {"capture_headers": ["no good"]}},
            "request_logging.capture_headers", "capture_headers", "not a valid",
        ),
    ],
)  # fmt: skip
def test_a_collector_that_cannot_be(tmp_path: Path, collector: Any, key: str, line: str, said: str) -> None:
    (problem,) = wrong(tmp_path, deployment={"data_collector": collector})
    assert problem.key == f"deployment.data_collector.{key}"
    assert said in problem.message
    text = (tmp_path / "plan.yml").read_text().splitlines()
    assert problem.line and line in text[problem.line - 1]


@pytest.mark.smoke
@pytest.mark.parametrize(
    "typed",
    [
        "model_inputs, model_outputs",
        "model_inputs, request=false",
        "model_inputs=inputs:2@azureml://datastores/d/paths/p, response",
        "model_inputs=!inputs:2, model_outputs=azureml:outputs:7",
    ],
)
def test_a_form_shows_what_was_typed_and_loses_nothing(typed: str) -> None:
    item = BY_KEY[COLLECTED]
    tree = item.parse(typed)
    assert item.check(tree) is None
    assert item.show(tree) == typed
    assert item.parse(item.show(tree)) == tree


def test_the_share_and_the_headers_of_a_form_are_numbers_and_lists() -> None:
    assert BY_KEY["deployment.data_collector.sampling_rate"].parse("0.1") == 0.1
    assert BY_KEY["deployment.data_collector.sampling_rate"].check("lots") is not None
    assert BY_KEY["endpoint.identity.user_assigned_identities"].parse(f" {USER} ") == [USER]
    assert BY_KEY["endpoint.identity.user_assigned_identities"].show([{"resource_id": USER}]) == USER


def test_a_change_of_what_is_collected_is_named(tmp_path: Path) -> None:
    given = {"collections": {"model_inputs": {"enabled": "True"}}, "sampling_rate": 0.5}
    plan = resolved(tmp_path, deployment={"data_collector": given})
    there = {"instance_type": "Standard_D4as_v4", "instance_count": 1, "app_insights_enabled": False, "description": ""}
    before = {"collections": {"request": {"enabled": True, "sampling_rate": 1.0}}, "rolling_rate": "hour"}
    change = deployment_change(plan, {**there, "data_collector": before}, {})
    assert [(one.field, one.before, one.after) for one in change.changes] == [
        ("data_collector.collections.model_inputs", None, "enabled"),
        ("data_collector.collections.request", "enabled", None),
        ("data_collector.sampling_rate", 1.0, 0.5),
    ]
    same = {"collections": {"model_inputs": {"enabled": True, "sampling_rate": 0.5}}, "rolling_rate": "hour"}
    assert deployment_change(plan, {**there, "data_collector": same}, {}).action == "skip"
    none = deployment_change(resolved(tmp_path), {**there, "data_collector": same}, {})
    assert [(one.field, one.after) for one in none.changes] == [("data_collector.collections.model_inputs", None)]


@pytest.mark.parametrize(
    ("collected", "pip", "warned"),
    [("model_inputs", "pandas", True), ("model_inputs", "azureml-ai-monitoring", False), ("request", "pandas", False)],
)
def test_what_nothing_would_write_is_told(tmp_path: Path, collected: str, pip: str, warned: bool) -> None:
    from tui.checks.model import artifacts

    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text("def init(): ...\ndef run(data): ...\n")
    (tmp_path / "conda.yml").write_text(f"dependencies: [python=3.11, pip, {{pip: [{pip}]}}]\n")
    deployment = {
        "code_configuration": {"code": "code", "scoring_script": "score.py"},
        "environment": {"conda_file": "conda.yml", "image": "x"},
        "data_collector": {"collections": {collected: {"enabled": "True"}}},
    }
    found = artifacts.check(resolved(tmp_path, deployment=deployment))
    assert [one.field for one in found if one.id == "data-collection"] == (
        ["deployment.data_collector.collections"] if warned else []
    )


# Environments


def context(folder: Path, name: str = "Dockerfile") -> str:
    """A build context next to the plan."""
    made = folder / "docker"
    made.mkdir(exist_ok=True)
    (made / name).write_text("FROM scratch\n", encoding="utf-8")
    return "docker"


def test_a_build_context_and_its_dockerfile(tmp_path: Path) -> None:
    environment = resolved(tmp_path, deployment={"environment": {"build": {"path": context(tmp_path)}}}).deployment
    build = environment.environment.build
    assert build is not None
    assert (build.path, build.dockerfile_path) == ((tmp_path / "docker").resolve(), "Dockerfile")
    other = {"path": context(tmp_path, "serve.Dockerfile"), "dockerfile_path": "serve.Dockerfile"}
    build = resolved(tmp_path, deployment={"environment": {"build": other}}).deployment.environment.build
    assert build is not None and build.dockerfile_path == "serve.Dockerfile"
    git = {"build": {"path": "https://github.com/contoso/serve.git#main:docker"}}
    build = resolved(tmp_path, deployment={"environment": git}).deployment.environment.build
    assert build is not None and (build.path, build.url) == (None, git["build"]["path"])


@pytest.mark.parametrize(
    ("environment", "key", "said"),
    [
        ({"build": {"path": "nowhere"}}, "build.path", "does not exist"),
        ({"build": {"path": "model"}}, "build.path", "no Dockerfile in"),
        ({"build": {"path": "docker", "dockerfile_path": "Other"}}, "build.dockerfile_path", "no Other in"),
        ({"build": {"path": "docker", "dockerfile_path": "../Dockerfile"}}, "build.dockerfile_path", "inside"),
        ({"build": {"path": "docker"}, "image": "x"}, "image", "Dockerfile defines"),
        ({"build": {"dockerfile_path": "Dockerfile"}}, "build.path", "no build context"),
    ],
)
def test_a_build_context_that_cannot_be(tmp_path: Path, environment: Any, key: str, said: str) -> None:
    context(tmp_path)
    (problem,) = wrong(tmp_path, deployment={"environment": environment})
    assert problem.key == f"deployment.environment.{key}"
    assert said in problem.message and problem.line


def test_a_container_with_its_own_server_needs_no_script(tmp_path: Path) -> None:
    model = {"path": "model", "name": "m", "type": "custom_model"}
    environment = {"image": "contoso.azurecr.io/serve:1", "inference_config": ROUTES}
    deployment = {"model": model, "environment": environment, "model_mount_path": "/models"}
    made = resolved(tmp_path, deployment=deployment).deployment
    config = made.environment.inference_config
    assert config is not None and (config.scoring_route.path, config.scoring_route.port) == ("/score", 5001)
    assert (made.code_configuration, made.model_mount_path) == (None, "/models")
    (problem,) = wrong(tmp_path, deployment={"model": model, "environment": {"image": "x"}})
    assert problem.key == "deployment.code_configuration.code" and "inference_config" in problem.remedy


def test_a_registered_environment_without_a_server_is_told(tmp_path: Path) -> None:
    from tui.plan.planned_changes import changes

    model = {"path": "model", "name": "m", "type": "custom_model"}
    plan = resolved(tmp_path, deployment={"model": model, "environment": "azureml:serve:3"})
    there = {"id": "/x/environments/serve/versions/3", "name": "serve", "version": "3", "routes": None}

    def said(environment: dict[str, Any]) -> str:
        return next(one.refused for one in changes(plan, {"environment": environment}) if one.resource == "environment")

    assert "no inference routes" in said(there)
    assert said({**there, "routes": {"scoringRoute": {"path": "/score", "port": 80}}}) == ""


@pytest.mark.parametrize(
    ("config", "keys"),
    [
        ({**ROUTES, "scoring_route": {"path": "score", "port": 5001}}, ["scoring_route.path"]),
        ({**ROUTES, "liveness_route": {"path": "/", "port": 70_000}}, ["liveness_route.port"]),
        ({"scoring_route": ROUTE, "liveness_route": ROUTE}, ["readiness_route.path", "readiness_route.port"]),
    ],
)
def test_routes_that_cannot_be(tmp_path: Path, config: Any, keys: list[str]) -> None:
    found = wrong(tmp_path, deployment={"environment": {"image": "x", "inference_config": config}})
    assert sorted(one.key for one in found) == [f"deployment.environment.inference_config.{key}" for key in keys]


def test_a_liveness_probe_takes_one_success(tmp_path: Path) -> None:
    (problem,) = wrong(tmp_path, deployment={"liveness_probe": {"success_threshold": 2}})
    assert problem.key == "deployment.liveness_probe.success_threshold" and "only 1" in problem.message
    assert resolved(tmp_path, deployment={"readiness_probe": {"success_threshold": 2}})


def test_a_saved_plan_keeps_these_keys_as_they_were_written(tmp_path: Path) -> None:
    given = {
        "endpoint": {"identity": {"type": "user_assigned", "user_assigned_identities": [{"resource_id": USER}]}},
        "deployment": {"data_collector": {"collections": {"request": {"enabled": "True"}}, "rolling_rate": "Hour"}},
    }
    made = document(tmp_path, **given)
    text = (tmp_path / "plan.yml").read_text()
    made.set("deployment.instance_count", 2, "test")
    saved = made.save(tmp_path / "plan.yml")
    assert saved.path is not None
    kept = [line for line in saved.path.read_text().splitlines() if "instance_count" not in line]
    assert kept == text.splitlines()
    assert made.source(COLLECTED) == "plan.yml, line 18"
