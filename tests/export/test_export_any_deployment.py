"""Exports of deployments without a model, with a model in a datastore, and with a request that is no JSON."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
import yaml
from plans import made, text_of

IN_STORE = "azureml://datastores/workspaceblobstore/paths/models/m"
OF_JOB = "azureml://jobs/j/outputs/model/paths/m"
TARGETS = ("az-yaml", "python", "notebook", "docs", "bicep", "github-actions", "azure-pipelines")


def deployment(base: Path, **values: Any) -> dict[str, Any]:
    tree: dict[str, Any] = yaml.safe_load(text_of(made("az-yaml", base, **values), "deployment.yml"))
    return tree


@pytest.mark.parametrize("to", TARGETS)
def test_every_export_does_without_a_model(tmp_path: Path, to: str) -> None:
    exported = made(to, tmp_path, deployment__model=None)
    assert exported.files and not any("None" in item.text.replace("None)", "") for item in exported.files)


def test_no_model_is_in_the_files(tmp_path: Path) -> None:
    assert "model" not in deployment(tmp_path, deployment__model=None)
    code = text_of(made("python", tmp_path, deployment__model=None), "deploy.py")
    assert "model=" not in code and "models.create" not in code
    ast.parse(code)
    runbook = text_of(made("docs", tmp_path, deployment__model=None), "RUNBOOK.md")
    assert "no model of its own on 2 ×" in runbook


@pytest.mark.parametrize("path", [IN_STORE, OF_JOB])
def test_a_model_in_a_datastore_keeps_its_address(tmp_path: Path, path: str) -> None:
    assert deployment(tmp_path, deployment__model__path=path)["model"]["path"] == path
    code = text_of(made("python", tmp_path, deployment__model__path=path), "deploy.py")
    assert f'path="{path}"' in code and "HERE" not in code
    ast.parse(code)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [("a.png", b"\x89PNG\r\n\x1a\n\x00", "image/png"), ("a.csv", b"a,b\n1,2\n", "text/csv")],
)
@pytest.mark.parametrize("rollout", [None, {"steps": [10, 100]}])
def test_another_request_is_sent_with_its_type(
    tmp_path: Path, name: str, content: bytes, kind: str, rollout: dict[str, Any] | None
) -> None:
    (tmp_path / name).write_bytes(content)
    values = {"test__request": name, "rollout": rollout}
    script = text_of(made("az-yaml", tmp_path, **values), "deploy.sh")
    assert f"-H 'Content-Type: {kind}'" in script and f"--data-binary @../{name}" in script
    assert "--request-file" not in script and ("azureml-model-deployment:blue" in script) == bool(rollout)
    code = text_of(made("python", tmp_path, **values), "deploy.py")
    assert f'"Content-Type": "{kind}"' in code and "import requests" in code and "invoke(" not in code
    assert "application/json" not in code
    ast.parse(code)
    assert f'Content-Type: {kind}"' in text_of(made("docs", tmp_path, **values), "RUNBOOK.md")


def test_json_is_sent_as_before(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("{}")
    script = text_of(made("az-yaml", tmp_path, test__request="a.json"), "deploy.sh")
    assert "--request-file ../a.json" in script and "curl" not in script
    code = text_of(made("python", tmp_path, test__request="a.json"), "deploy.py")
    assert "invoke(" in code and "import requests" not in code
