"""Packages that import pkg_resources, which new releases of setuptools do not have; and the line that helps."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from plan_files import CONDA, MakePlan

from tui.checks.model import artifacts
from tui.plan.model import Environment

SERVER = "azureml-inference-server-http"


@pytest.mark.parametrize(
    ("pip", "python", "culprit"),
    [
        ("mlflow==2.9.2", "3.10", "mlflow 2.9.2"), ("mlflow==2.15.1", "3.10", "mlflow 2.15.1"),
        ("mlflow==2.16.0", "3.10", ""), ("mlflow-skinny==2.12.2", "3.9", "mlflow-skinny 2.12.2"),
        ("mlflow>=2.1,<2.12", "3.10", "mlflow >=2.1,<2.12"), ("mlflow<3", "3.10", ""), ("mlflow", "3.10", ""),
        ("mlflow==2.9.2", "3.8", ""), ("mlflow==2.9.2, setuptools<81", "3.10", ""), ("mlflow==x", "3.10", ""),
        ("mlflow==2.9.2, setuptools==80.9", "3.10", ""), ("mlflow==2.9.2, setuptools", "3.10", "mlflow 2.9.2"),
        ("mlflow==2.9.2, setuptools>=60", "3.10", "mlflow 2.9.2"), ("gunicorn==20.1.0", "3.10", "gunicorn 20.1.0"),
        (f"{SERVER}==1.1.0", "3.10", f"{SERVER} 1.1.0"), (f"{SERVER}==1.5.1", "3.10", ""),
    ],
)  # fmt: skip
def test_what_needs_an_older_setuptools(make_plan: MakePlan, pip: str, python: str, culprit: str) -> None:
    quoted = ", ".join(f"'{one.strip()}'" for one in pip.split(", "))
    plan = make_plan(conda=f"dependencies: [python={python}, pip, {{pip: [{quoted}]}}]\n")
    found = [one for one in artifacts.check(plan) if one.id == "setuptools"]
    assert [one.severity for one in found] == ["warning"] * bool(culprit)
    assert all(f"conda.yml requests {culprit}," in one.message for one in found)


def test_the_model_s_own_list_is_read_where_azure_builds_from_it(
    make_plan: MakePlan, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = make_plan(model_type="mlflow_model", code=False, conda=CONDA)
    (tmp_path / "model/conda.yaml").write_text("dependencies: [python=3.10, pip, {pip: [mlflow==2.9.2]}]\n")
    bare = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=Environment()))
    (found,) = [one for one in artifacts.check(bare) if one.id == "setuptools"]
    assert (found.field, found.severity) == ("deployment.model.path", "warning")
    assert found.as_dict()["fix"] == {"file": str(tmp_path / "model/conda.yaml"), "line": "setuptools<81"}
    monkeypatch.setenv("REHEARSAL_CLIENT_ID", "x")
    (found,) = [one for one in artifacts.check(bare) if one.id == "setuptools"]
    assert found.severity == "blocker", "there, PyPI decides which setuptools is there, and Azure's script loads MLflow"


@pytest.mark.parametrize(("line", "severity"), [("gunicorn==20.1.0", "blocker"), ("mlflow==2.9.2", "warning")])
def test_in_a_rehearsal_the_server_is_sure_to_import_it_an_own_script_is_not(
    make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, line: str, severity: str
) -> None:
    monkeypatch.setenv("REHEARSAL_CLIENT_ID", "x")
    plan = make_plan(conda=f"dependencies: [python=3.10, pip, {{pip: ['{line}']}}]\n")
    assert [one.severity for one in artifacts.check(plan) if one.id == "setuptools"] == [severity]


@pytest.mark.parametrize(("mlflow", "severity"), [("2.9.2", "warning"), ("2.12.2", "ok")])
def test_monitoring_beside_an_old_mlflow_hides_the_servers_own_modules(
    make_plan: MakePlan, tmp_path: Path, mlflow: str, severity: str
) -> None:
    plan = make_plan(model_type="mlflow_model", code=False, conda=CONDA)
    pip = f"[mlflow=={mlflow}, azureml-ai-monitoring, 'setuptools<81']"
    (tmp_path / "model/conda.yaml").write_text(f"dependencies: [python=3.10, pip, {{pip: {pip}}}]\n")
    bare = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, environment=Environment()))
    (found,) = [one for one in artifacts.check(bare) if one.id == "mlflow-environment"]
    assert found.severity == severity and (("azureml.contrib" in found.message) == (severity == "warning"))
