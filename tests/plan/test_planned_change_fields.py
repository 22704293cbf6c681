"""Which single differences are planned changes, and what is left alone."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest

from tui.common.redact import learn
from tui.plan.data_collection import Collection, DataCollector
from tui.plan.endpoint_identity import Identity
from tui.plan.model import (
    BuildContext,
    CodeConfiguration,
    Deployment,
    Endpoint,
    Environment,
    InferenceConfig,
    Model,
    Plan,
    Rollout,
    Route,
)
from tui.plan.planned_changes import Change, changes, deployment_change, endpoint_change, identity_change, short_id

ENDPOINT = Endpoint("churn", description="d", tags={"team": "a"})
DEPLOYMENT = Deployment(
    "blue",
    Model("m", Path("/m")),
    CodeConfiguration(Path("/code"), "score.py"),
    Environment("e", image="i"),
    {"A": "1"},
    description="d",
    tags={"team": "a"},
)
PLAN = Plan(endpoint=ENDPOINT, deployment=DEPLOYMENT, traffic={"blue": 100})
VERSIONS = "/subscriptions/s/x/{0}s/{0}/versions/{1}"
IDS: dict[str, str | None] = {kind: VERSIONS.format(kind, 1) for kind in ("model", "environment", "code")}
THERE = {
    **asdict(DEPLOYMENT),
    **IDS,
    "scoring_script": "score.py",
    "environment_variables": {"A": "1"},
    "data_collector": None,
    "provisioning_state": "Succeeded",
}
ROUTES = InferenceConfig(Route("/", 1), Route("/", 1), Route("/", 1))


def fields(change: Change) -> list[tuple[str, Any, Any]]:
    return [(one.field, one.before, one.after) for one in change.changes]


def of(found: dict[str, Any], ids: dict[str, str | None] | None = None, **wanted: Any) -> Change:
    """The change of the deployment with some values of Azure, of the plan, and ids that differ."""
    plan = replace(PLAN, deployment=replace(DEPLOYMENT, **wanted))
    return deployment_change(plan, {**THERE, **found}, IDS if ids is None else ids)


def test_a_deployment_as_planned_is_skipped() -> None:
    change = of({})
    assert (change.action, change.changes, change.how, change.in_place) == ("skip", [], "", False)


@pytest.mark.parametrize(
    ("found", "wanted", "field"),
    [
        ({"instance_type": "standard_d4AS_V4"}, {}, None),
        ({"instance_type": "Standard_F4s_v2"}, {}, "instance_type"),
        ({"instance_count": 2}, {}, "instance_count"),
        ({"app_insights_enabled": True}, {}, "app_insights_enabled"),
        ({"description": "other"}, {}, "description"),
        ({"egress_public_network_access": "enabled"}, {}, None),
        ({"egress_public_network_access": None}, {"egress_public_network_access": "disabled"}, None),
        ({"egress_public_network_access": "disabled"}, {"egress_public_network_access": "disabled"}, None),
        ({"request_settings": {"request_timeout_ms": None}}, {}, None),
        ({"request_settings": {"request_timeout_ms": 1}}, {}, "request_settings.request_timeout_ms"),
        ({"request_settings": None, "liveness_probe": None, "readiness_probe": {}}, {}, None),
        ({"liveness_probe": {"period": 10, "timeout": 3}}, {}, "liveness_probe.timeout"),
        ({"readiness_probe": {"initial_delay": 0}}, {}, "readiness_probe.initial_delay"),
        ({"model_mount_path": "/m"}, {}, None),
        ({"model_mount_path": "/m"}, {"model_mount_path": "/m"}, None),
        ({}, {"model_mount_path": "/m"}, "model_mount_path"),
        ({"environment_variables": {"A": "1", "AZUREML_MODEL_DIR": "/x", "AML_APP_ROOT": "/y"}}, {}, None),
        ({"environment_variables": {"A": "1", "ADDED_BY_AZURE_NEXT_YEAR": "2"}}, {}, None),
        ({"environment_variables": {"A": "2", "AZUREML_B": "2"}}, {}, "environment_variables.A"),
        ({"tags": {"team": "a", "added": "by policy"}}, {}, None),
        ({"environment_variables": None}, {}, "environment_variables.A"),
        ({"tags": {"team": "a", "other": "b"}}, {}, None),
        ({"tags": {"team": "b"}}, {}, "tags.team"),
        ({"tags": None}, {}, "tags.team"),
        ({"scoring_script": None}, {}, None),
        ({"scoring_script": "old.py"}, {}, "scoring_script"),
        ({"scoring_script": "old.py"}, {"code_configuration": None}, None),
        ({"model": str(IDS["model"]).upper()}, {}, None),
        ({"model": VERSIONS.format("model", 2)}, {}, "model"),
        ({"environment": None}, {}, "environment"),
        ({"provisioning_state": "Canceled"}, {}, "provisioning_state"),
        ({"provisioning_state": "failed"}, {}, "provisioning_state"),
        ({"provisioning_state": None}, {}, None),
        ({"provisioning_state": "Updating"}, {}, None),
    ],
)
def test_one_difference_of_a_deployment(found: dict[str, Any], wanted: dict[str, Any], field: str | None) -> None:
    change = of(found, **wanted)
    assert [one.field for one in change.changes] == ([field] if field else [])
    assert change.action == ("change" if field else "skip")
    assert not change.refused


def test_a_deployment_that_is_replaced_loses_what_the_plan_does_not_name() -> None:
    change = of({"environment_variables": {"A": "2", "B": "3"}, "model_mount_path": "/m"})
    assert [(one.field, one.before, one.after) for one in change.changes] == [
        ("environment_variables.A", "2", "1"),
        ("environment_variables.B", "(hidden)", None),
        ("model_mount_path", "/m", None),
    ]


def test_assets_that_the_run_registers_are_new_versions() -> None:
    ids: dict[str, str | None] = {"model": None, "environment": None, "code": None}
    assert fields(of({}, ids)) == [
        ("model", "model:1", "m (new version)"),
        ("environment", "environment:1", "e (new version)"),
        ("code", "code:1", "code (new version)"),
    ]
    # Azure does not report the code of every deployment: then nothing can be compared.
    assert [one.field for one in of({"code": None}, ids).changes] == ["model", "environment"]
    assert fields(of({"model": VERSIONS.format("model", 2)}, {})) == [], "unknown ids are not compared"


@pytest.mark.parametrize(
    ("found", "in_place", "rolls", "resizes"),
    [
        ({"instance_count": 3}, True, False, False),
        ({"tags": {}}, True, False, False),
        ({"tags": {}, "instance_count": 3}, True, False, False),
        ({"description": "x"}, False, True, False),
        ({"instance_count": 3, "description": "x"}, False, True, False),
        ({"instance_type": "Standard_F4s_v2"}, False, True, True),
    ],
)
def test_what_a_change_does_to_the_instances(found: Any, in_place: bool, rolls: bool, resizes: bool) -> None:
    change = of(found)
    assert (change.in_place, "20 %" in change.how, "quota" in change.how) == (in_place, rolls, resizes)
    assert bool(change.how) == (found != {"tags": {}})


def test_another_egress_flag_is_refused_and_named_once() -> None:
    change = of({"egress_public_network_access": "enabled"}, egress_public_network_access="disabled")
    assert fields(change) == [("egress_public_network_access", "enabled", "disabled")]
    assert change.refused and not change.how and not change.in_place


COLLECTED = DataCollector({"a": Collection()}, 0.5, "day", ("h",))
COLLECTS = {"collections": {"a": {"enabled": True, "sampling_rate": 0.5}}, "rolling_rate": "day",
            "capture_headers": ["h"]}  # fmt: skip


@pytest.mark.parametrize(
    ("found", "wanted", "expected"),
    [
        (COLLECTS, COLLECTED, []),
        (COLLECTS, None, ["collections.a"]),
        (None, None, []),
        ({"collections": None}, None, []),
        ({"collections": {"a": {"enabled": False}}}, None, []),
        (None, COLLECTED, ["collections.a"]),
        ({**COLLECTS, "rolling_rate": None}, COLLECTED, ["rolling_rate"]),
        ({**COLLECTS, "rolling_rate": None}, replace(COLLECTED, rolling_rate="hour"), []),
        ({**COLLECTS, "capture_headers": None}, COLLECTED, ["capture_headers"]),
        ({**COLLECTS, "capture_headers": None}, replace(COLLECTED, capture_headers=()), []),
        ({**COLLECTS, "collections": {"a": {"enabled": True}}}, COLLECTED, ["sampling_rate"]),
        ({**COLLECTS, "collections": {"a": {"enabled": True}}}, replace(COLLECTED, sampling_rate=1.0), []),
        ({**COLLECTS, "collections": {"a": {"enabled": True, "sampling_rate": 0.25}}}, COLLECTED, ["sampling_rate"]),
        (COLLECTS, replace(COLLECTED, collections={"a": Collection(), "b": Collection(False)}), []),
        (COLLECTS, replace(COLLECTED, collections={"b": Collection()}), ["collections.a", "collections.b"]),
    ],
)
def test_data_collection(found: Any, wanted: DataCollector | None, expected: list[str]) -> None:
    change = of({"data_collector": found}, data_collector=wanted)
    assert [one.field for one in change.changes] == [f"data_collector.{key}" for key in expected]


@pytest.mark.parametrize(
    ("found", "expected", "refused"),
    [
        ({}, [], False),
        ({"auth_mode": "aml_token"}, ["auth_mode"], True),
        ({"public_network_access": "enabled"}, ["public_network_access"], False),
        ({"description": "other"}, ["description"], False),
        ({"tags": None}, ["tags.team"], False),
        ({"tags": {"team": "a", "x": "y"}}, [], False),
        ({"provisioning_state": "Failed"}, ["provisioning_state"], False),
        ({"provisioning_state": "Canceled"}, ["provisioning_state"], False),
        ({"provisioning_state": "Creating"}, [], False),
    ],
)
def test_one_difference_of_an_endpoint(found: dict[str, Any], expected: list[str], refused: bool) -> None:
    change = endpoint_change(PLAN, {**asdict(ENDPOINT), "provisioning_state": "Succeeded", **found})
    assert [one.field for one in change.changes] == expected
    assert (change.action, bool(change.refused)) == ("change" if expected else "skip", refused)


USER = "/x/userAssignedIdentities/uai"


@pytest.mark.parametrize(
    ("wanted", "found", "difference"),
    [
        (None, {"type": "UserAssigned"}, None),
        (Identity(), None, None),
        (Identity(), {"type": "SystemAssigned"}, None),
        (Identity(), {"type": "systemassigned "}, None),
        (Identity(), {"type": "SystemAssigned, UserAssigned", "userAssignedIdentities": {USER: {}}},
         ("uai", "system_assigned")),
        (Identity(), {"type": "UserAssigned", "userAssignedIdentities": {USER: {}}}, ("uai", "system_assigned")),
        (Identity("user_assigned", (USER,)), {"type": "UserAssigned", "userAssignedIdentities": {USER.upper(): {}}},
         None),
        (Identity("user_assigned", (USER,)), {"type": "UserAssigned", "userAssignedIdentities": {"/y/other/": {}}},
         ("other", "uai")),
        (Identity("user_assigned", (USER,)), {"type": "SystemAssigned,UserAssigned",
                                              "userAssignedIdentities": {USER: {}}}, ("uai", "uai")),
        (Identity("user_assigned", (USER,)), {"type": "UserAssigned", "userAssignedIdentities": {USER: {}, "/y/b": {}}},
         ("uai, b", "uai")),
        (Identity("user_assigned", (USER,)), {"type": "SystemAssigned"}, ("system_assigned", "uai")),
        (Identity(), {}, ("system_assigned", "system_assigned")),
    ],
)  # fmt: skip
def test_identities_are_compared_by_kind_and_id(wanted: Any, found: Any, difference: tuple[str, str] | None) -> None:
    change = identity_change(wanted, found)
    assert (None if change is None else (change.before, change.after)) == difference


def one_of(resource: str, plan: Plan, live: dict[str, Any]) -> Change:
    return next(change for change in changes(plan, live) if change.resource == resource)


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        (Environment("e", image="i"), "image"),
        (Environment("e", image="i", conda_file=Path("c")), "conda file and image"),
        (Environment("e", build=BuildContext(Path("b"))), "build context"),
        (Environment("e", image="i", inference_config=ROUTES), "image and routes"),
        (Environment("e", image="i", conda_file=Path("c"), inference_config=ROUTES), "these routes"),
    ],
)
def test_an_environment_is_created_or_found(environment: Environment, said: str) -> None:
    plan = replace(PLAN, deployment=replace(DEPLOYMENT, environment=environment))
    new = one_of("environment", plan, {})
    assert (new.name, new.action) == ("e", "create") and said in new.why
    old = one_of("environment", plan, {"environment": {"name": "e", "version": "4", "id": "x"}})
    assert (old.name, old.action) == ("e:4", "skip") and said in old.why


def test_assets_found_are_skipped_and_their_ids_compared() -> None:
    found = {kind: {"id": identifier, "name": kind, "version": "1"} for kind, identifier in IDS.items()}
    live = {"endpoint": {**asdict(ENDPOINT), "deployments": [THERE], "traffic": {"blue": 100}}, **found}
    assert {one.action for one in changes(PLAN, live)} == {"skip"}
    again = changes(PLAN, {**live, "code": None, "model": {**found["model"], "id": VERSIONS.format("model", 7)}})
    assert [(one.resource, one.action) for one in again] == [
        ("endpoint", "skip"),
        ("model", "skip"),
        ("code", "create"),
        ("environment", "skip"),
        ("deployment", "change"),
        ("traffic", "skip"),
    ]
    assert [one.field for one in again[4].changes] == ["model", "code"]


def test_a_plan_without_code_and_environment_has_no_such_changes() -> None:
    registered = Model(registered="azureml:m:1", type="mlflow_model")
    plan = replace(PLAN, deployment=Deployment("blue", registered))
    found = changes(plan, {})
    assert [(one.resource, one.action) for one in found] == [
        ("endpoint", "create"),
        ("model", "skip"),
        ("deployment", "create"),
        ("traffic", "create"),
    ]


SERVE = {"id": "/x/environments/s/versions/3", "name": "s", "version": "3", "routes": None}


@pytest.mark.parametrize(
    ("model", "code", "found", "refused"),
    [
        (Model("m", Path("/m")), None, SERVE, True),
        (Model("m", Path("/m")), None, None, False),
        (Model("m", Path("/m")), CodeConfiguration(Path("/c")), SERVE, False),
        (Model("m", Path("/m"), "mlflow_model"), None, SERVE, False),
        (Model(registered="azureml:m:1"), None, SERVE, False),
        (Model("m", Path("/m")), None, {**SERVE, "routes": {"scoringRoute": {}}}, False),
        (Model("m", Path("/m")), None, {**SERVE, "id": "azureml://registries/azureml/environments/s"}, False),
    ],
)
def test_a_custom_model_needs_a_server(model: Model, code: Any, found: Any, refused: bool) -> None:
    environment = Environment(registered="azureml:s:3")
    deployment = replace(DEPLOYMENT, model=model, code_configuration=code, environment=environment)
    change = one_of("environment", replace(PLAN, deployment=deployment), {"environment": found})
    assert (change.action, bool(change.refused)) == ("skip", refused)


@pytest.mark.parametrize(
    ("before", "rollout", "action", "steps"),
    [
        ({"blue": 100}, None, "skip", False),
        ({"blue": 100, "old": 0}, None, "skip", False),
        ({"old": 100}, None, "change", False),
        ({"old": 100}, Rollout("blue"), "change", True),
        ({}, Rollout("blue"), "create", False),
        ({"old": 0}, None, "create", False),
        (None, None, "create", False),
    ],
)
def test_the_split(before: Any, rollout: Rollout | None, action: str, steps: bool) -> None:
    change = one_of("traffic", replace(PLAN, rollout=rollout), {"endpoint": {**asdict(ENDPOINT), "traffic": before}})
    assert (change.action, "50 %" in change.why) == (action, steps)
    shares = {("blue", 0, 100), *((("old", 100, 0),) if (before or {}).get("old") else ())}
    assert set(fields(change)) == (set() if action == "skip" else shares)


@pytest.mark.parametrize(
    ("identifier", "short"),
    [("/x/models/m/versions/3", "m:3"), ("m/versions/3", "m:3"), ("versions/3", "versions/3"), ("/x/m/3", "/x/m/3"),
     ("plain", "plain"), ("", None), (None, None)],
)  # fmt: skip
def test_an_id_is_shown_as_name_and_version(identifier: str | None, short: str | None) -> None:
    assert short_id(identifier) == short


def test_what_a_secret_was_before_is_hidden_too_however_it_is_named() -> None:
    learn("planted-new-value")
    wanted = {"HOST_OF_IT": "planted-new-value", "INDEX": "https://pypi/", "N": "2", "API_TOKEN": "abc"}
    found = {"HOST_OF_IT": "what it was", "INDEX": "https://me:planted@pypi/", "N": "1"}
    change = deployment_change(
        replace(PLAN, deployment=replace(DEPLOYMENT, environment_variables=wanted)),
        {"name": "blue", "environment_variables": found},
        {},
    )
    told = {one.field.partition(".")[2]: (one.before, one.after) for one in change.changes if "variables." in one.field}
    hidden = ("(hidden)", "(hidden)")
    assert told == {"HOST_OF_IT": hidden, "INDEX": hidden, "N": ("1", "2"), "API_TOKEN": (None, "(hidden)")}
