"""The overlays of the preset: each gives a valid plan."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Plan
from tui.plan.presets import find, presets

ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-0000-0000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-churn",
}


def laid_over(name: str, *sets: str) -> Plan:
    preset = find("churn-xgboost")
    assert preset is not None
    overlay = preset.path.parent / "churn-xgboost" / "overlays" / f"{name}.yml"
    return resolve(load(preset.path, [overlay], sets), ENVIRON)


@pytest.mark.parametrize(("name", "instances", "steps"), [("test", 1, (50, 100)), ("prod", 3, (10, 50, 100))])
def test_a_stage_is_the_plan_with_what_differs(name: str, instances: int, steps: tuple[int, ...]) -> None:
    plan = laid_over(name)
    assert plan.endpoint.name == f"churn-{name}-01"
    assert plan.endpoint.tags == {"model": "XGBoost", "stage": name}
    assert plan.deployment.instance_count == instances
    assert plan.rollout is not None
    assert plan.rollout.steps == steps
    assert plan.limits.total in (None, 4 * 3600)


def test_dev_has_no_rollout() -> None:
    plan = laid_over("dev")
    assert plan.rollout is None
    assert (plan.deployment.instance_type, plan.limits.total) == ("Standard_DS2_v2", 3600)


def test_blue_and_green_are_the_plans_deployment_twice() -> None:
    plan = laid_over("blue-green")
    blue, green = plan.deployments
    assert blue.model == green.model
    assert (blue.environment_variables, green.environment_variables) == ({}, {"WORKER_COUNT": "2"})
    assert plan.traffic == {"green": 100}, "a split is replaced, not mixed"


def test_overlays_are_no_presets() -> None:
    assert not {preset.name for preset in presets()} & {"dev", "test", "prod", "blue-green"}
    assert all(isinstance(preset.path, Path) for preset in presets())
