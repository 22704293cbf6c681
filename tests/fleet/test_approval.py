"""What the file of approved changes tells of variables and tags, and which of two alike deployments moved."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tui.cloud.endpoints import live_state
from tui.cloud.endpoints.live_state import Live
from tui.fleet.approval import approvable, moved
from tui.fleet.drift import changes_told_apart
from tui.plan.autoscale import Autoscale, ScaleRule
from tui.plan.model import Deployment, Endpoint, Environment, Model, Plan
from tui.plan.planned_changes import deployment_change

RULE = ScaleRule("CpuUtilizationPercentage", ">", 70, "avg", 300.0, "out", 1)
BLUE = Deployment("blue", Model("m"), None, Environment("e"), {"LOGIN": "of-the-plan"}, instance_type="Standard_F4s_v2")
PLAN = Plan(endpoint=Endpoint("churn", tags={"api_token.v2": "hunter2x", "team": "risk"}), deployment=BLUE)
THERE = {
    **asdict(BLUE), "instance_type": "Standard_F2s_v2", "instance_count": 1, "provisioning_state": "Succeeded",
    "environment_variables": {"LOGIN": "of-azure", "PIN": "739-164", "API_KEY": "gone-and-secret"}, "model": None,
    "environment": None, "code": None, "data_collector": None,
}  # fmt: skip


def live(*deployments: dict[str, Any]) -> Live:
    tags = {"api_token.v2": "hunter1x", "team": "ops", "aml-deploy-plan": "ba9876543210"}
    endpoint = {"name": "churn", "provisioning_state": "Succeeded", "tags": tags, "deployments": deployments}
    return Live(cast(Any, None), cast(Any, endpoint), None, None, None, None)


@pytest.fixture(autouse=True)
def no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_state, "contents", lambda plan, live: {})
    monkeypatch.setattr("tui.fleet.approval.asdict", lambda one: SimpleNamespace(**vars(one)).__dict__)


def test_no_value_of_a_variable_is_in_the_file_and_no_hash_that_is_quick_to_guess() -> None:
    change = deployment_change(PLAN, THERE, {})
    changes = changes_told_apart([change], None, {}, [])
    fields = {one["field"]: (one["before"], one["after"]) for one in changes}
    assert fields["environment_variables.PIN"] == fields["environment_variables.API_KEY"] == ("(hidden)", None)
    assert fields["environment_variables.LOGIN"] == ("of-azure", "of-the-plan")
    found = approvable(replace(PLAN, hash="0123456789ab"), live(THERE), changes)
    text = json.dumps(found)
    for value in (
        "of-azure",
        "of-the-plan",
        "739-164",
        "gone-and-secret",
        "hunter1x",
        "hunter2x",
        "0123456789ab",
        "ba9876543210",
    ):
        assert value not in text, value
    assert "risk" in text and "ops" in text, "what is no secret is shown"
    assert moved(found, PLAN, live(THERE)) == []
    other = {**THERE, "environment_variables": {**THERE["environment_variables"], "PIN": "111-111"}}
    (said,) = moved(found, PLAN, live(other))
    assert "environment_variables.PIN was (hash " in said and "111-111" not in said


def test_a_deployment_whose_name_begins_like_that_of_a_removed_one_is_compared() -> None:
    two = {**THERE, "name": "blue2"}
    found = approvable(PLAN, live(THERE, two), [])
    said = moved(found, PLAN, live({**two, "instance_count": 9}))
    assert "In Azure, deployment blue was removed since." in said
    assert "In Azure, deployment.blue2.instance_count was 1 when it was approved, and is 9 now." in said


def test_an_autoscale_setting_that_a_run_would_change_has_not_moved() -> None:
    def there(maximum: str, **tags: str) -> Live:
        capacity = {"minimum": "1", "maximum": maximum, "default": "1"}
        setting = {"name": "by-load", "tags": tags, "properties": {"profiles": [{"rules": [], "capacity": capacity}]}}
        rule = {"name": "by-load", "minimum": 1, "maximum": int(maximum)}
        return live({**THERE, "autoscale": rule, "autoscale_setting": setting})

    scaled = replace(PLAN, deployment=replace(BLUE, autoscale=Autoscale(1, 4, (RULE,))))
    found = approvable(scaled, there("2"), [])
    assert moved(found, scaled, there("2")) == []
    (said,) = moved(found, scaled, there("3"))
    assert said.startswith("In Azure, deployment.blue.autoscale_setting.maximum was 2")
    (said,) = moved(found, replace(PLAN, deployment=replace(BLUE, autoscale=Autoscale(1, 5, (RULE,)))), there("2"))
    assert said.startswith("In the plan, deployment.autoscale.maximum was 4")
    # What a run leaves alone may change, but not what it removes.
    found = approvable(PLAN, there("2"), [])
    assert moved(found, PLAN, there("3")) == []
    ours = {"aml-deploy": "1"}
    found = approvable(PLAN, there("2", **ours), [])
    assert "autoscale_setting.maximum was 2" in moved(found, PLAN, there("3", **ours))[0]
