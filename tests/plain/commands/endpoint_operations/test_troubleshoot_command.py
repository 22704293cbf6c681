"""`aml-deploy troubleshoot`: what is wrong with an endpoint, from the command line."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from commands import COMMAND, PRESET, aml_deploy, json_lines

from tui.helper import troubleshoot_report as words

ENDPOINT = "churn-operated"
RUN_SECONDS = 300
PLACE = ("--plan", PRESET, "--rehearse")


@pytest.fixture(scope="module")
def operated(rehearsing: dict[str, str]) -> Iterator[dict[str, str]]:
    """The environment in which an endpoint serves with blue, made by a run."""
    apply = ("apply", PRESET, "--rehearse", "--yes", "--set", f"endpoint.name={ENDPOINT}")
    done = aml_deploy(*apply, environ=rehearsing, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr
    yield rehearsing
    aml_deploy("remove", PRESET, "--rehearse", "--yes", "--set", f"endpoint.name={ENDPOINT}", environ=rehearsing)


def look(environ: dict[str, str], *arguments: str, expect: int) -> dict[str, Any]:
    done = aml_deploy("troubleshoot", *arguments, "--json", environ=environ, timeout=RUN_SECONDS)
    assert done.returncode == expect, done.stderr + done.stdout
    (report,) = json_lines(done.stdout)
    return report


@pytest.mark.smoke
def test_without_an_endpoint_and_a_place_nothing_is_guessed(lonely: dict[str, str]) -> None:
    done = aml_deploy("troubleshoot", environ=lonely)
    assert done.returncode == 2
    assert "Which endpoint?" in done.stderr
    assert not done.stdout


def test_an_endpoint_that_nobody_knows(lonely: dict[str, str]) -> None:
    done = aml_deploy("troubleshoot", "churn-nowhere", environ=lonely)
    assert done.returncode == 2
    assert "--plan" in done.stderr


def test_what_is_no_name_is_refused(lonely: dict[str, str]) -> None:
    done = aml_deploy("troubleshoot", "no_name", *PLACE, environ=lonely)
    assert done.returncode == 2
    assert "not the name of an endpoint" in done.stderr


@pytest.mark.slow
def test_a_healthy_endpoint_by_name_by_id_by_url_and_from_a_list(operated: dict[str, str]) -> None:
    report = look(operated, ENDPOINT, expect=0)
    assert not report["wrong"]
    assert report["findings"][-1]["id"] == "healthy"
    assert report["endpoint"]["provisioning_state"] == "Succeeded"
    assert report["deployments"][0]["name"] == "blue"
    assert report["deployments"][0]["age_seconds"] > 0
    assert report["cost"]["per_hour"] > 0
    assert {log["container"] for log in report["logs"]} == {"inference-server", "storage-initializer"}
    assert any("azmlinfsrv" in log["content"] for log in report["logs"])
    assert [call["ok"] for call in report["tests"]] == [True, True], "routed, and pinned to blue"
    assert any(change["status"] == "Succeeded" and change["caller"] for change in report["history"])
    assert sum(item["count"] for item in report["metrics"]["answers"]) >= 1
    assert report["diagnostics"]["on"] is False
    assert report["unseen"] == []
    assert look(operated, report["endpoint"]["id"], "--rehearse", "--no-test", expect=0)["tests"] == []
    by_url = look(operated, report["endpoint"]["scoring_uri"], *PLACE, expect=0)
    assert by_url["name"] == ENDPOINT
    listed = aml_deploy("troubleshoot", *PLACE, environ=operated)
    assert listed.returncode == 2
    assert ENDPOINT in listed.stderr


@pytest.mark.slow
def test_people_read_the_findings_first(operated: dict[str, str]) -> None:
    done = aml_deploy("troubleshoot", ENDPOINT, "--no-test", environ=operated)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("advice: The logs of")
    for section in ("Deployments", "Network path", "The last hour", "Changes of the last 24 hours", "Log of blue"):
        assert f"\n{section}" in done.stdout
    assert done.stderr.splitlines()[-1] == f"{ENDPOINT}: 1 recommendation."


@pytest.mark.slow
def test_a_reader_sees_most_and_is_told_the_rest(operated: dict[str, str]) -> None:
    assert aml_deploy("rehearsal", "--role", "reader", environ=operated).returncode == 0
    try:
        report = look(operated, ENDPOINT, expect=0)
    finally:
        assert aml_deploy("rehearsal", "--reset-rights", environ=operated).returncode == 0
    assert report["endpoint"]["provisioning_state"] == "Succeeded"
    assert report["metrics"] is not None
    assert report["history"] is not None
    assert report["logs"] == []
    unseen = next(item for item in report["findings"] if item["id"] == "unseen-roles")
    assert "logs" in unseen["message"]
    assert "AzureML Data Scientist" in unseen["remedy"]
    assert "az role assignment create" in unseen["request"]


@pytest.mark.slow
def test_watching_tells_what_changes(operated: dict[str, str]) -> None:
    command = [*COMMAND, "troubleshoot", ENDPOINT, "--watch", "--every", "0.2", "--json", "--no-test"]
    with subprocess.Popen(command, env=operated, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        first = json.loads(process.stdout.readline())
        assert "changes" not in first
        renew = ("keys", ENDPOINT, "--regenerate", "secondary", "--yes")
        done = aml_deploy(*renew, environ=operated, timeout=RUN_SECONDS)
        assert done.returncode == 0, done.stderr
        for line in process.stdout:
            if any("Regenerate Keys" in change and "Succeeded" in change for change in json.loads(line)["changes"]):
                break
        else:
            raise AssertionError("nothing was told of the change")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130


def test_a_report_is_compared_with_the_one_before() -> None:
    gone = {"id": "traffic-zero", "severity": "blocker", "message": "No requests.", "deployment": ""}
    fine = {"id": "healthy", "severity": "ok", "message": "Nothing wrong.", "deployment": ""}
    one = {"name": "blue", "provisioning_state": "Updating", "instance_count": 1}
    before = {"findings": [gone], "deployments": [one], "endpoint": {"traffic": {}}, "history": []}
    event = {"time": "2026-11-23T01:00:00Z", "operation": "Write", "resource": "/x/churn", "status": "Failed",
             "caller": "ann", "code": "BadRequest", "action": "w", "correlation_id": "c"}  # fmt: skip
    after = {
        "findings": [fine],
        "deployments": [{**one, "provisioning_state": "Succeeded"}, {**one, "name": "green"}],
        "endpoint": {"traffic": {"blue": 100}},
        "history": [event],
    }
    assert words.differences(before, after) == [
        "resolved: No requests.",
        "now: Nothing wrong.",
        "traffic: no traffic → blue 100 %",
        "deployment blue: Updating → Succeeded",
        "deployment green: new, Updating",
        "2026-11-23 01:00:00 UTC  Write: churn, Failed (BadRequest), by ann",
    ]
    assert words.differences(after, after) == []


def test_looking_again_does_not_tell_of_its_own_look() -> None:
    """The test call asks for the endpoint's keys, which Azure writes down."""
    listed = {"time": "2026-11-23T01:00:00Z", "operation": "List Keys", "resource": "/x/churn", "status": "Succeeded",
              "caller": "ann", "code": "", "correlation_id": "c",
              "action": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/listKeys/action"}  # fmt: skip
    assert words.differences({"history": []}, {"history": [listed]}) == []
