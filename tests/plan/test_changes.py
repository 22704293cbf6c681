"""The plan held against what exists."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

from tui.plan.changes import changes, deployment_change, endpoint_change
from tui.plan.model import Deployment, Endpoint, Model, Plan

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
