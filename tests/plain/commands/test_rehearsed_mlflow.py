"""An MLflow model without code, from the command line to a prediction, in the rehearsal."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import aml_deploy, json_lines

PRESET, ENDPOINT = "mlflow-xgboost", "churn-mlflow-01"


@pytest.fixture(scope="module")
def deployed(rehearsing: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The events of a run that deployed the preset; the endpoint is removed at the end."""
    done = aml_deploy("apply", PRESET, "--rehearse", "--yes", "--json", environ=rehearsing, timeout=300)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    yield json_lines(done.stdout)
    removed = aml_deploy("remove", PRESET, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr


@pytest.mark.slow
def test_the_run_ends_with_a_bare_list_of_predictions(deployed: list[dict[str, Any]]) -> None:
    assert not [event for event in deployed if event["event"] == "finding" and event["severity"] != "ok"]
    last = deployed[-1]
    assert (last["status"], last["test"]["status_code"]) == ("succeeded", 200)
    likely, unlikely = json.loads(last["test"]["response"])
    assert 0 <= unlikely < 0.5 < likely <= 1
    statuses = {event["task"]: event["status"] for event in deployed if event["event"] == "task_finished"}
    assert (statuses["code"], statuses["environment"]) == ("skipped", "skipped")
    log = "\n".join(event["line"] for event in deployed if event["event"] == "task_log")
    assert "the environment is the model's own, from its conda.yaml" in log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        # The form that score.py of the other preset takes.
        ({"data": [{"Idade": 1}]}, 424, "not provided for the 'input_data' parameter"),
        ({"input_data": {"columns": ["Idade"], "index": [0], "data": [[1]]}}, 424, "Check the logs"),
    ],
)
def test_other_bodies_are_refused(
    deployed: list[dict[str, Any]], rehearsing: dict[str, str], tmp_path: Path, body: Any, status: int, words: str
) -> None:
    assert deployed
    request = tmp_path / "request.json"
    request.write_text(json.dumps(body))
    done = aml_deploy("invoke", ENDPOINT, "--request", request, "--json", environ=rehearsing)
    assert done.returncode == 1
    (answer,) = json_lines(done.stdout)
    assert answer["status_code"] == status and words in json.dumps(answer["response"])


@pytest.mark.slow
def test_a_second_run_changes_nothing(deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    assert deployed
    done = aml_deploy("apply", PRESET, "--rehearse", "--yes", "--json", environ=rehearsing)
    assert done.returncode == 0
    actions = {e["task"]: e["action"] for e in json_lines(done.stdout) if e["event"] == "task_started"}
    assert {actions[task] for task in ("endpoint", "model", "deployment", "traffic")} == {"skip"}


def test_under_legacy_isolation_it_is_blocked_with_and_without_the_flag(
    rehearsing: dict[str, str], rehearsal: dict[str, Any]
) -> None:
    legacy = ("--set", f"workspace.name={rehearsal['workspaces']['legacy']['name']}")
    expected = "Deploy it with a scoring script and a conda file, which `aml-deploy scoring PLAN` creates"
    for more in ((), ("--set", "deployment.egress_public_network_access=disabled")):
        done = aml_deploy("check", PRESET, "--rehearse", "--json", *legacy, *more, environ=rehearsing)
        assert done.returncode == 3
        blockers = [found for found in json_lines(done.stdout) if found.get("severity") == "blocker"]
        # The endpoint of the tests above may be there, in another workspace: its name is taken then.
        remedies = [found["remedy"] for found in blockers if found["field"] != "endpoint.name"]
        assert [remedy[: len(expected)] for remedy in remedies] == [expected]
