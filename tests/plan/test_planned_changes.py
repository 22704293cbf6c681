"""A plan compared with what exists."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from tui.plan.autoscale import Autoscale, Schedule
from tui.plan.autoscale_settings import count_after
from tui.plan.model import Deployment, Endpoint, Model, Plan, Rollout
from tui.plan.planned_changes import Change, changes, deployment_change, endpoint_change, traffic_change

PLAN = Plan(
    endpoint=Endpoint(name="churn", tags={"model": "XGBoost"}),
    deployment=Deployment(name="blue", model=Model(name="churn-model", path=Path("/m"))),
    traffic={"blue": 100},
)
LIVE_ENDPOINT = {**asdict(PLAN.endpoint), "provisioning_state": "Succeeded", "traffic": {"blue": 100, "old": 0}}
IDS = {"model": "/subscriptions/S/models/churn-model/versions/1"}
LIVE_DEPLOYMENT = {
    **asdict(PLAN.deployment),
    "model": IDS["model"].lower(),
    "environment": None,
    "provisioning_state": "Succeeded",
    "environment_variables": {"AZUREML_MODEL_DIR": "/var/azureml-app"},
    "egress_public_network_access": "disabled",
}


def test_nothing_exists() -> None:
    actions = {change.resource: change.action for change in changes(PLAN, {})}
    assert actions == {"endpoint": "create", "model": "create", "deployment": "create", "traffic": "create"}


def test_everything_is_as_wanted() -> None:
    live = {
        "endpoint": {**LIVE_ENDPOINT, "deployments": [LIVE_DEPLOYMENT]},
        "model": {"id": IDS["model"], "name": "churn-model", "version": "1"},
    }
    assert {change.action for change in changes(PLAN, live)} == {"skip"}


def test_a_tag_that_somebody_else_set_is_left_alone() -> None:
    live = {**LIVE_ENDPOINT, "tags": {"model": "XGBoost", "owner": "finance"}}
    assert endpoint_change(PLAN, live).action == "skip"


def test_one_value_differs() -> None:
    change = deployment_change(PLAN, {**LIVE_DEPLOYMENT, "instance_count": 3}, IDS)
    assert change.action == "change"
    assert [(item.field, item.before, item.after) for item in change.changes] == [("instance_count", 3, 1)]


def test_the_count_of_an_active_autoscale_rule_is_not_a_difference() -> None:
    rule = {"name": "by-load", "minimum": 1, "maximum": 10}
    change = deployment_change(PLAN, {**LIVE_DEPLOYMENT, "instance_count": 7, "autoscale": rule}, IDS)
    assert (change.action, change.changes) == ("skip", [])
    assert "by-load sets the instance count: 7" in change.why


@pytest.mark.parametrize(
    ("wanted", "rule", "there", "after"),
    [
        (None, None, 7, 1), (None, {"name": "r"}, 7, 7), (Autoscale(1, 8), None, 7, 7), (Autoscale(1, 4), None, 7, 4),
        (Autoscale(2, 4), {"name": "r"}, 1, 2), (Autoscale(2, 4, schedule=(Schedule("night", 1, 9),)), None, 9, 9),
    ],
)  # fmt: skip
def test_a_run_leaves_the_count_of_rules_within_the_plans_limits(
    wanted: Autoscale | None, rule: object, there: int, after: int
) -> None:
    assert count_after(wanted, 1, {"instance_count": there, "autoscale": rule}) == after


def change_of(**live: object) -> Change:
    return deployment_change(PLAN, {**LIVE_DEPLOYMENT, **live}, IDS)


def test_what_a_change_does_to_what_serves_is_said_beforehand() -> None:
    scaled = change_of(instance_count=3)
    assert scaled.in_place
    assert "Only adds or removes instances" in scaled.how
    for live in (
        {"model_mount_path": "/elsewhere", "app_insights_enabled": True},
        {"request_settings": {"request_timeout_ms": 1000}},
        {"liveness_probe": {"period": 99}},
        {"readiness_probe": {"timeout": 9}},
        {"model": "/subscriptions/S/models/churn-model/versions/0"},
        {"instance_count": 3, "app_insights_enabled": True},
    ):
        rolled = change_of(**live)
        assert not rolled.in_place
        assert "20 % at a time" in rolled.how
        assert "quota" not in rolled.how
    assert "quota for both" in change_of(instance_type="Standard_F4s_v2").how
    assert "recreated" in change_of(provisioning_state="Failed", instance_count=3).how
    assert change_of().how == ""


def test_every_deployment_of_a_plan_is_compared_and_what_they_share_is_told_once() -> None:
    green = replace(PLAN.deployment, name="green", instance_count=2)
    plan = replace(
        PLAN,
        deployment=green,
        deployments=(PLAN.deployment, green),
        traffic={"green": 100},
        rollout=Rollout("green"),
    )
    model = {"id": IDS["model"], "name": "churn-model", "version": "1"}
    live = {
        "endpoint": {**LIVE_ENDPOINT, "deployments": [LIVE_DEPLOYMENT]},
        "model": model,
        "others": {"blue": {"model": model}},
    }
    found = [(change.resource, change.name, change.action) for change in changes(plan, live)]
    assert found == [
        ("endpoint", "churn", "skip"),
        ("model", "churn-model:1", "skip"),
        ("deployment", "blue", "skip"),
        ("deployment", "green", "create"),
        ("traffic", "churn", "change"),
    ]
    assert "10 %, 50 %, 100 %" in changes(plan, live)[-1].why


def test_what_azure_does_not_change_is_refused_beforehand() -> None:
    assert (
        "auth_mode key"
        in endpoint_change(replace(PLAN, endpoint=replace(PLAN.endpoint, auth_mode="aml_token")), LIVE_ENDPOINT).refused
    )
    wanted = replace(PLAN, deployment=replace(PLAN.deployment, egress_public_network_access="enabled"))
    assert "green" in deployment_change(wanted, LIVE_DEPLOYMENT, IDS).refused


def test_a_failed_resource_is_made_again() -> None:
    assert endpoint_change(PLAN, {**LIVE_ENDPOINT, "provisioning_state": "Failed"}).action == "change"
    assert deployment_change(PLAN, {**LIVE_DEPLOYMENT, "provisioning_state": "Failed"}, IDS).action == "change"


def test_a_model_that_the_plan_has_no_more_is_a_change() -> None:
    without = replace(PLAN, deployment=replace(PLAN.deployment, model=Model()))
    model, *_, deployment, _ = changes(without, {"endpoint": {**LIVE_ENDPOINT, "deployments": [LIVE_DEPLOYMENT]}})[1:]
    assert (model.resource, model.action) == ("model", "skip")
    assert [(item.field, item.before, item.after) for item in deployment.changes] == [("model", "churn-model:1", None)]
    same = {**LIVE_DEPLOYMENT, "model": None}
    assert deployment_change(without, same, {}).action == "skip"


def test_mirrored_traffic_that_a_run_sets_or_ends_is_a_change() -> None:
    live = {**LIVE_ENDPOINT, "deployments": [LIVE_DEPLOYMENT], "mirror_traffic": {"green": 20}}
    both = {**live, "model": {"id": IDS["model"], "name": "churn-model", "version": "1"}}

    def fields(plan: Plan) -> list[tuple[str, object, object]]:
        change = traffic_change(plan, live)
        return [(item.field, item.before, item.after) for item in change.changes]

    assert fields(PLAN) == [], "what the plan does not name is kept"
    assert fields(replace(PLAN, mirror_traffic={"green": 10})) == [("mirror_traffic.green", 20, 10)]
    moved = fields(replace(PLAN, traffic={"green": 100}))
    assert ("mirror_traffic.green", 20, 0) in moved, "no deployment can have both"
    assert changes(PLAN, {"endpoint": both})[-1].action == "skip"
