"""The preset without code is valid, and has the model of the preset with code."""

from __future__ import annotations

import json

import pytest
import yaml

from tui.checks.model import artifacts
from tui.plan import presets
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Plan

ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-private",
}
MODEL = presets.folder() / "mlflow-xgboost" / "model"


@pytest.fixture
def plan() -> Plan:
    return resolve(load("mlflow-xgboost", [], []), ENVIRON)


def test_it_has_neither_code_nor_environment_nor_flag(plan: Plan) -> None:
    found = presets.find("mlflow-xgboost")
    assert found is not None and "MLflow" in found.description
    deployment = plan.deployment
    assert (deployment.model.type, deployment.model.path) == ("mlflow_model", MODEL)
    assert deployment.code_configuration is None
    environment = deployment.environment
    assert not (environment.conda_file or environment.image or environment.registered)
    assert deployment.egress_public_network_access is None
    other = resolve(load("churn-xgboost", [], []), ENVIRON)
    assert plan.endpoint.name != other.endpoint.name and deployment.model.name != other.deployment.model.name


def test_nothing_is_wrong_with_its_files(plan: Plan) -> None:
    findings = artifacts.check(plan, isolation="managed_network")
    assert {finding.severity for finding in findings} == {"ok"}
    assert {finding.id for finding in findings} == {"model", "mlflow-environment", "sample-request"}


def test_it_is_the_same_model_with_what_serving_needs() -> None:
    other = presets.folder() / "churn-xgboost" / "model"
    for name in ("model.ubj", "MLmodel", "input_example.json"):
        assert (MODEL / name).read_bytes() == (other / name).read_bytes()
    (pip,) = [
        item["pip"] for item in yaml.safe_load((MODEL / "conda.yaml").read_text())["dependencies"] if "pip" in item
        and isinstance(item, dict)
    ]  # fmt: skip
    assert pip == (MODEL / "requirements.txt").read_text().split()
    assert {line.split("==")[0] for line in pip} >= {"azureml-inference-server-http", "azureml-ai-monitoring"}


def test_the_request_has_the_form_of_azure_s_script(plan: Plan) -> None:
    request = plan.test.request
    assert request is not None
    sent = json.loads(request.read_text())["input_data"]
    assert sorted(sent) == ["columns", "data", "index"]
    ours = json.loads((request.parents[1] / "churn-xgboost" / "sample-request.json").read_text())["data"]
    assert [dict(zip(sent["columns"], row)) for row in sent["data"]] == ours
