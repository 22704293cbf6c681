"""A model of a real MLflow server: found, staged, deployed, both without code and with a script made for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.cloud.errors import Cancelled, CloudError
from tui.cloud.sources import staging
from tui.cloud.sources.source_listing import Item, Listing

from .mlflow_server import MlflowServer

# Looked for, not imported: that takes two seconds wherever the tests are only collected.
pytestmark = [pytest.mark.slow, pytest.mark.skipif(find_spec("mlflow") is None, reason="mlflow-skinny is missing")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """The server, for all tests here."""
    made = MlflowServer(tmp_path_factory.mktemp("mlflow"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def led_there(server: MlflowServer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """This process and its children find the server, and stage in a folder of their own."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    for name in ("MLFLOW_REGISTRY_URI", "DATABRICKS_HOST", "DATABRICKS_RUNTIME_VERSION"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_every_address_of_the_model_leads_to_the_same_files(server: MlflowServer, cache: Path) -> None:
    found = {
        source: staging.listing(None, source)
        for source in (
            f"runs:/{server.run}/model", "models:/churn/1", "models:/churn@champion", "models:/churn/latest",
        )
    }  # fmt: skip
    contents = []
    for source, listing in found.items():
        with staging.staged(listing) as folder:
            assert folder.name == "model" and folder.stat().st_mode & 0o077 == 0
            contents.append({file.name: file.read_bytes() for file in folder.iterdir()})
            assert {"MLmodel", "conda.yaml", "input_example.json"} <= set(contents[-1]), source
        assert not folder.exists()
    assert all(content == contents[0] for content in contents)
    assert found["models:/churn@champion"].exact == "models:/churn/1"
    assert found["models:/churn@champion"].content == found["models:/churn/1"].content
    assert list((cache / "staged").iterdir()) == []


@pytest.mark.parametrize("source", ["models:/churn/9", "models:/churn@nobody", "models:/none/1", "runs:/abc/model"])
def test_what_is_not_there_is_told_before_anything_is_staged(source: str, cache: Path) -> None:
    with pytest.raises(CloudError) as refused:
        staging.listing(None, source)
    assert refused.value.status == 404 and source in str(refused.value)
    assert not cache.exists()


def test_a_cancelled_staging_goes_on_from_the_files_that_are_whole(cache: Path) -> None:
    listing = staging.listing(None, "models:/churn/1")
    with pytest.raises(Cancelled), staging.staged(listing, cancelled=lambda: True):
        raise AssertionError("it was cancelled")
    with pytest.raises(RuntimeError), staging.staged(listing) as folder:
        raise RuntimeError("the upload failed")
    assert (folder / "MLmodel").is_file()
    (folder / "conda.yaml").unlink()
    before = (folder / "MLmodel").stat().st_mtime_ns
    with staging.staged(listing) as again:
        assert again == folder and (again / "conda.yaml").is_file()
        assert (again / "MLmodel").stat().st_mtime_ns == before
    assert not folder.exists()


def test_a_full_disk_is_noticed_first(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    listing = staging.listing(None, "models:/churn/1")
    huge = Listing(listing.exact, "model", (*listing.items, Item("weights.bin", 2**60)), listing.fetch)
    with pytest.raises(CloudError, match="not enough disk space"), staging.staged(huge):
        raise AssertionError("there is room for an exabyte")


@pytest.mark.parametrize("source", ["models:/churn@champion", "runs:/RUN/model"])
def test_the_model_step_shows_what_the_server_has(source: str, server: MlflowServer, tmp_path: Path) -> None:
    """Flavour, signature, example and environment, of a server that needs no sign-in to Azure."""
    from tui.app.steps.model import model_facts
    from tui.checks.model import source_model
    from tui.plan.load_save.load import load
    from tui.plan.load_save.resolve import resolve

    where = {"AZURE_SUBSCRIPTION_ID": f"{0:08}-0000-0000-0000-{0:012}", "AZURE_RESOURCE_GROUP": "g",
             "AZURE_ML_WORKSPACE": "wsp"}  # fmt: skip
    given = resolve(load(plan(tmp_path, "shown", source.replace("RUN", server.run))), where)

    def nobody() -> Any:
        raise AssertionError("Azure is not asked")

    found = source_model.inspect(given, nobody)
    assert (found["exists"], found["flavour"], found["sample_source"]) == (True, "sklearn", "example")
    assert found["signature"] == [{"name": "age", "type": "double"}, {"name": "balance", "type": "double"}]
    assert found["sample"]["input_data"]["data"] == [[20.0, 1.0], [30.0, 2.0]]
    assert found["conda"]["found"] and found["bytes"] > 1000
    if source.startswith("models:"):
        assert found["source"]["exact"] == "models:/churn/1"
    lines = {fact.name: fact.text for fact in model_facts.about(found)}
    assert lines["Model"].startswith("sklearn, ") and lines["Signature"] == "2 columns: age, balance"


def aml_deploy(*arguments: Any, environ: dict[str, str], code: int = 0) -> str:
    """What `aml-deploy …` prints."""
    done = subprocess.run(
        [sys.executable, "-m", "tui", *map(str, arguments)],
        env=environ, capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr[-3000:] + done.stdout[-3000:]
    return done.stdout


def events(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def plan(folder: Path, name: str, source: str) -> Path:
    """A plan for an MLflow model without code."""
    path = folder / f"{name}.yml"
    path.write_text(
        yaml.safe_dump(
            {
                "workspace": {
                    "subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
                    "resource_group": "${env:AZURE_RESOURCE_GROUP}",
                    "name": "${env:AZURE_ML_WORKSPACE}",
                },
                "endpoint": {"name": name},
                "deployment": {
                    "name": "blue",
                    "model": {"name": "churn-from-mlflow", "path": source, "type": "mlflow_model"},
                    "instance_type": "Standard_DS3_v2",
                },
                "traffic": {"blue": 100},
            }
        )
    )
    return path


def test_the_same_model_is_deployed_without_code_and_with_a_script_made_for_it(
    server: MlflowServer, rehearsal_env: dict[str, str], rehearsal: dict[str, Any], tmp_path: Path
) -> None:
    environ = {**rehearsal_env, "MLFLOW_TRACKING_URI": server.url}
    own = plan(tmp_path, "churn-no-code", "models:/churn@champion")
    made = aml_deploy("scoring", own, "-o", tmp_path / "own", environ=environ)
    assert "score.py" in made
    written = yaml.safe_load((tmp_path / "own" / "conda.yml").read_text())
    pip = next(item["pip"] for item in written["dependencies"] if isinstance(item, dict))
    assert pip[:2] == ["mlflow-skinny==3.4.0", "scikit-learn==1.7.2"]
    assert pip[4:] == ["azureml-inference-server-http"]
    request = tmp_path / "own" / "sample-request.json"
    assert json.loads(request.read_text())["input_data"]["data"] == [[20.0, 1.0], [30.0, 2.0]]

    run = events(aml_deploy("apply", own, "--set", f"test.request={request}", "--yes", "--json", environ=environ))
    assert run[-1]["status"] == "succeeded" and run[-1]["test"]["status_code"] == 200
    answer = json.loads(run[-1]["test"]["response"])
    lines = [event["line"] for event in run if event["event"] == "task_log"]
    assert "models:/churn@champion is models:/churn/1." in lines
    assert "The staged files are removed from this machine." in lines

    legacy = ("--set", f"workspace.name={rehearsal['workspaces']['legacy']['name']}",
              "--set", "deployment.egress_public_network_access=disabled")  # fmt: skip
    blocked = events(aml_deploy("check", own, "--json", *legacy, environ=environ, code=3))
    assert any(one["severity"] == "blocker" and "MLflow" in one["message"] for one in blocked)
    coded = tmp_path / "own" / "plan.yml"
    run = events(aml_deploy("apply", coded, "--set", "endpoint.name=churn-coded", *legacy, "--yes", "--json",
                            environ=environ))  # fmt: skip
    assert run[-1]["status"] == "succeeded", run[-1]
    assert json.loads(run[-1]["test"]["response"]) == answer

    again = events(aml_deploy("apply", own, "--set", f"test.request={request}", "--yes", "--json", environ=environ))
    actions = {one["task"]: one["action"] for one in again if one["event"] == "task_started"}
    assert actions["model"] == "skip"
    assert not list(Path(os.environ.get("AML_DEPLOY_CACHE", environ["AML_DEPLOY_CACHE"])).glob("staged/*"))
