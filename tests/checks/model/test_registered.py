"""Registered assets to which the plan refers: whether they exist, and whether anything in them answers requests."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from plan_files import MakePlan, answering

from tui.checks.model import registered
from tui.checks.steps import of
from tui.cloud.assets.environments import EnvironmentVersion
from tui.cloud.assets.models import ModelVersion
from tui.cloud.clouds import BUILT_IN
from tui.cloud.errors import CloudError
from tui.cloud.http.arm import Answer
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


CHURN, SHARED = "azureml:churn:1", "azureml://registries/common/models/churn/versions/1"
MODEL = "deployment.model.path"


def referring(model: str | None, environment: str | None = None, code: bool = False, **changes: Any) -> m.Plan:
    deployment = m.Deployment(
        model=m.Model(registered=model, **changes),
        environment=m.Environment(name="e", registered=environment),
        code_configuration=m.CodeConfiguration(Path("code")) if code else None,
    )
    return m.Plan(workspace=m.Workspace("s", "rg", "ws"), deployment=deployment)


@pytest.mark.parametrize(
    ("model", "environment", "fields"),
    [
        (None, None, []),
        (CHURN, None, [MODEL]),
        (None, "azureml:e:1", [ENVIRONMENT]),
        (CHURN, "azureml:e:1", [MODEL, ENVIRONMENT]),
        (SHARED, "azureml:e:1", [MODEL, ENVIRONMENT]),
        (CHURN, "azureml://registries/azureml/environments/e/versions/1", [MODEL, ENVIRONMENT]),
    ],
)
def test_every_asset_that_the_plan_refers_to_is_asked_for(
    model: str | None, environment: str | None, fields: list[str]
) -> None:
    asked = registered.asked(referring(model, environment), None, lambda ask: Question(lambda: None, 5))  # type: ignore[arg-type]
    assert list(asked) == fields


@pytest.mark.parametrize(("status", "severity"), [(404, "blocker"), (403, "blocker"), (500, "unknown")])
def test_an_asset_that_is_not_there_blocks(status: int, severity: str) -> None:
    for field in (MODEL, ENVIRONMENT):
        questions = {field: answering(CloudError("Not here", status=status))}
        (found,) = registered.findings(referring(CHURN, "azureml:e:1"), questions)
        assert (found.id, found.severity, found.field) == ("registered", severity, field)
        assert severity == "blocker" or (CHURN if field == MODEL else "azureml:e:1") in found.message


def test_the_type_is_told_of_models_only() -> None:
    plan = referring(CHURN, "azureml:e:1", code=True)
    model = ModelVersion("/m/1", "churn", "1", "mlflow_model", "")
    found = list(registered.findings(plan, {MODEL: answering(model), **about(None)}))
    assert [(one.looked_at, "mlflow_model" in one.message) for one in found] == [("/m/1", True), ("/e/1", False)]


@pytest.mark.parametrize(
    ("plan", "model", "severity"),
    [
        (referring(None, "azureml:e:1", path=Path("m")), None, "blocker"),
        (referring(None, "azureml:e:1", path=Path("m"), type="mlflow_model"), None, "ok"),
        (referring(None, "azureml:e:1", path=Path("m"), code=True), None, "ok"),
        (referring(None, "azureml:e:1", source="runs:/1/m"), None, "ok"),  # its type is known only later
        (referring(SHARED, "azureml:e:1"), None, "ok"),
        (referring(CHURN, "azureml:e:1"), "custom_model", "blocker"),
        (referring(CHURN, "azureml:e:1"), "mlflow_model", "ok"),
        (referring(CHURN, "azureml:e:1"), "", "ok"),
        (referring(CHURN, "azureml:e:1"), CloudError("Not here"), "ok"),
    ],
)
def test_who_needs_routes(plan: m.Plan, model: Any, severity: str) -> None:
    questions = about(None)
    if model is not None:
        given = model if isinstance(model, Exception) else ModelVersion("/m/1", "churn", "1", model, "")
        questions[MODEL] = answering(given)
    found = {one.field: one.severity for one in registered.findings(plan, questions)}
    assert found[ENVIRONMENT] == severity


@pytest.mark.parametrize(
    ("discovery", "asset", "severity"),
    [(200, 200, "ok"), (200, 404, "blocker"), (200, 403, "unknown"), (404, 200, "unknown"), (403, 200, "unknown")],
)
def test_a_public_registry_is_asked_and_a_private_one_is_unknown(discovery: int, asset: int, severity: str) -> None:
    place = {"primaryRegionResourceProviderUri": "https://eu.api.azureml.ms", "subscriptionId": "s"}

    def call(*args: Any, **options: Any) -> Answer:
        if discovery != 200:
            raise CloudError("No", status=discovery)
        return Answer(200, {}, {**place, "resourceGroup": "g"})

    def find(path: str, *args: Any, **options: Any) -> dict[str, Any] | None:
        assert path.endswith("/registries/common/models/churn/versions/1")
        if asset == 403:
            raise CloudError("No", status=403)
        return {} if asset == 200 else None

    cloud: Any = SimpleNamespace(metadata=BUILT_IN["AzureCloud"], arm=SimpleNamespace(call=call, find=find))
    plan = referring(SHARED, None)
    (found,) = registered.findings(plan, registered.asked(plan, cloud, lambda ask: Question(ask, 5)))
    assert (found.severity, found.field) == (severity, MODEL)
