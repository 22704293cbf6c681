"""Registered assets to which the plan refers: whether they exist, and whether anything in them answers requests."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from plan_files import MakePlan

from tui.checks.model import registered
from tui.checks.steps import of
from tui.cloud.assets.environments import EnvironmentVersion
from tui.cloud.assets.models import ModelVersion
from tui.common.deadlines import Question
from tui.plan import model as m

ENVIRONMENT = "deployment.environment.registered"
ROUTES = {"scoringRoute": {"path": "/score", "port": 8080}}


def refers(make_plan: MakePlan, *, code: bool, model: m.Model | None = None) -> m.Plan:
    plan = make_plan()
    changes: dict[str, Any] = {"environment": m.Environment(name="e", registered="azureml:e:1")}
    if not code:
        changes["code_configuration"] = None
    if model is not None:
        changes["model"] = model
    return dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, **changes))


def about(routes: Any) -> dict[str, Question[Any]]:
    return {ENVIRONMENT: Question(lambda: EnvironmentVersion("/e/1", "e", "1", "image", None, routes=routes), 30)}


def test_an_environment_without_routes_and_no_script_is_told_at_the_model(make_plan: MakePlan) -> None:
    (found,) = registered.findings(refers(make_plan, code=False), about(None))
    assert found.severity == "blocker"
    assert "azureml:e:1 has no inference routes, and the plan has no scoring script" in found.message
    assert of("model", [found]) == [found], "the step in which the environment is chosen"


@pytest.mark.parametrize(("code", "routes"), [(True, None), (False, ROUTES), (True, ROUTES)])
def test_a_script_or_routes_will_do(make_plan: MakePlan, code: bool, routes: Any) -> None:
    (found,) = registered.findings(refers(make_plan, code=code), about(routes))
    assert found.severity == "ok"


@pytest.mark.parametrize(("kind", "severity"), [("mlflow_model", "ok"), ("custom_model", "blocker")])
def test_a_registered_model_counts_by_what_the_workspace_says_it_is(
    make_plan: MakePlan, kind: str, severity: str
) -> None:
    plan = refers(make_plan, code=False, model=m.Model(registered="azureml:churn:1"))
    values = {"id": "/m/1", "name": "churn", "version": "1", "type": kind}
    names = {field.name for field in dataclasses.fields(ModelVersion)}
    model = ModelVersion(**{**{name: "" for name in names}, **values})  # type: ignore[arg-type]
    questions = {"deployment.model.path": Question(lambda: model, 30), **about(None)}
    found = {finding.field: finding.severity for finding in registered.findings(plan, questions)}
    assert found[ENVIRONMENT] == severity
