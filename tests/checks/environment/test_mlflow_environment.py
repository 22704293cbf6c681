"""Findings about the environment inside an MLflow model, from which Azure builds if there is no code."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from plan_files import MakePlan

from tui.checks.environment import mlflow_environment
from tui.checks.finding import Finding
from tui.checks.model import artifacts
from tui.checks.model.model_folder import ModelFolder
from tui.checks.network import network_flags
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.plan.model import Environment, Plan

GOOD = "dependencies: ['python=3.10', pip, {pip: [azureml-ai-monitoring, xgboost-cpu==2.1.4]}]\n"


@pytest.fixture
def plan(make_plan: MakePlan) -> Plan:
    made: Plan = make_plan(model_type="mlflow_model", code=False, sample='{"input_data": [[1]]}')
    return dataclasses.replace(
        made, deployment=dataclasses.replace(made.deployment, environment=Environment(name="none"))
    )


def said(plan: Plan) -> list[Finding]:
    return [finding for finding in artifacts.check(plan) if finding.id == "mlflow-environment"]


@pytest.mark.parametrize(
    ("text", "severity", "words"),
    [
        (GOOD, "ok", "Python 3.10, 2 packages"),
        (GOOD.replace("azureml-ai-monitoring, ", ""), "warning", "does not list azureml-ai-monitoring"),
        (None, "warning", "has no conda.yaml"),
        ("dependencies: [\n", "blocker", "conda.yaml"),
    ],
)
def test_the_model_says_what_it_needs(plan: Plan, tmp_path: Path, text: str | None, severity: str, words: str) -> None:
    if text is not None:
        (tmp_path / "model/conda.yaml").write_text(text)
    (finding,) = said(plan)
    assert finding.severity == severity and words in finding.message


def test_the_model_s_libraries_are_compared_with_its_own_environment(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "model/conda.yaml").write_text(GOOD.replace("2.1.4", "1.7.6"))
    (finding,) = [finding for finding in artifacts.check(plan) if finding.id == "versions"]
    assert "conda.yaml requests xgboost-cpu 1.7.6" in finding.message


def test_nothing_is_said_where_azure_does_not_build_from_it(plan: Plan, make_plan: MakePlan, tmp_path: Path) -> None:
    assert said(plan)
    assert not said(make_plan(model_type="mlflow_model"))
    own = dataclasses.replace(plan.deployment, environment=Environment(name="own", conda_file=tmp_path / "conda.yml"))
    assert not said(dataclasses.replace(plan, deployment=own))


def test_a_workspace_with_legacy_isolation_is_not_to_be_closed_further(plan: Plan, make_plan: MakePlan) -> None:
    info = WorkspaceInfo(
        id="", name="ws", location="eastus", isolation="legacy", public_network_access="Disabled",
        managed_network=None, image_build_compute=None, portal_url="", explain="",
    )  # fmt: skip
    (finding,) = network_flags.check(plan, info)
    assert (finding.id, finding.severity) == ("egress-closed-workspace", "blocker")
    assert "`aml-deploy scoring PLAN` creates" in finding.remedy and finding.commands == ("aml-deploy scoring PLAN",)
    (finding,) = network_flags.check(make_plan(), info)
    assert finding.remedy == "Set deployment.egress_public_network_access to disabled."


@pytest.mark.parametrize(
    ("changes", "read"),
    [
        ({}, True),
        ({"mlmodel_path": None}, False),  # no MLflow model
        ({"problem": "MLmodel cannot be read."}, False),
    ],
)
def test_only_a_readable_mlflow_model_has_an_environment(
    plan: Plan, tmp_path: Path, changes: dict[str, object], read: bool
) -> None:
    folder = ModelFolder(tmp_path / "model", exists=True, mlmodel_path=tmp_path / "model/MLmodel")
    for name, value in changes.items():
        setattr(folder, name, value)
    assert (mlflow_environment.read(plan, folder) is not None) is read
    assert mlflow_environment.read(plan, None) is None


def test_a_model_may_leave_its_python_open(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "model/conda.yaml").write_text("dependencies: [python, pip, {pip: [azureml-ai-monitoring]}]\n")
    (finding,) = said(plan)
    assert finding.severity == "ok" and "of any version, 1 packages" in finding.message
