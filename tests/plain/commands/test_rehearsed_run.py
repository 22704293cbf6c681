"""One plan from the command line to a prediction, in the rehearsal, and what can be done with the endpoint then."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, PRESET, aml_deploy, events_of, json_lines, processes_of

from tui.plan.presets import find

RUN_SECONDS = 300
REQUEST = Path(str(find(PRESET).path.parent)) / PRESET / "sample-request.json"  # type: ignore[union-attr]
ENDPOINT = "churn-endpoint-01"
APPLY = ("apply", PRESET, "--rehearse", "--yes")


@pytest.fixture(scope="module")
def deployed(rehearsing: dict[str, str]) -> Iterator[list[dict[str, Any]]]:
    """The events of a run that deployed the preset; the endpoint is removed at the end."""
    done = aml_deploy(*APPLY, "--json", environ=rehearsing, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    yield json_lines(done.stdout)
    removed = aml_deploy("remove", PRESET, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr


def started(*arguments: str, environ: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*COMMAND, *arguments],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
@pytest.mark.smoke
def test_the_run_ends_with_a_prediction(deployed: list[dict[str, Any]]) -> None:
    last = deployed[-1]
    assert last["event"] == "run_finished"
    assert last["status"] == "succeeded"
    assert last["test"]["status_code"] == 200
    answer = last["test"]["response"]
    predictions = (json.loads(answer) if isinstance(answer, str) else answer)["predictions"]
    assert {prediction["churn"] for prediction in predictions} <= {"yes", "no"}
    assert all(0 <= prediction["probability"] <= 1 for prediction in predictions)


@pytest.mark.slow
def test_events_are_numbered_and_complete(deployed: list[dict[str, Any]]) -> None:
    assert deployed[0]["event"] == "run_started"
    numbers = [event["seq"] for event in deployed]
    assert numbers == sorted(set(numbers))
    assert all({"seq", "time", "run", "event"} <= set(event) for event in deployed)
    finished = {event["task"] for event in deployed if event["event"] == "task_finished"}
    assert finished == {task["name"] for task in deployed[0]["tasks"]}


@pytest.mark.slow
def test_attach_replays_a_finished_run(deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    run = deployed[0]["run"]
    assert events_of(run, rehearsing) == deployed
    lines = aml_deploy("attach", run[:-2], environ=rehearsing)
    assert lines.returncode == 0
    assert lines.stdout == ""
    for said in (run, deployed[-1]["scoring_uri"], "status 200", f"aml-deploy attach {run}", "aml-deploy remove "):
        assert said in lines.stderr


@pytest.mark.slow
def test_the_run_is_listed(deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    listed = json_lines(aml_deploy("runs", "--json", environ=rehearsing).stdout)
    mine = [line for line in listed if line["run"] == deployed[0]["run"]]
    assert [(line["status"], line["endpoint"]) for line in mine] == [("succeeded", ENDPOINT)]
    assert [line["started"] for line in listed] == sorted((line["started"] for line in listed), reverse=True)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["name", "url", "id", "plan"])
def test_invoke_finds_the_endpoint(how: str, deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    workspace = deployed[0]["workspace"]
    resource = (
        f"/subscriptions/{workspace['subscription_id']}/resourceGroups/{workspace['resource_group']}/providers/"
        f"Microsoft.MachineLearningServices/workspaces/{workspace['name']}/onlineEndpoints/{ENDPOINT}"
    )
    arguments = {
        "name": [ENDPOINT],
        "url": [deployed[-1]["scoring_uri"]],
        "id": [resource],
        "plan": [ENDPOINT, "--plan", PRESET, "--rehearse"],
    }[how]
    done = aml_deploy("invoke", *arguments, "--request", REQUEST, "--json", environ=rehearsing)
    assert done.returncode == 0, done.stderr
    (answer,) = json_lines(done.stdout)
    assert (answer["status_code"], answer["deployment"], answer["ok"]) == (200, "blue", True)
    assert answer["latency_ms"] > 0
    assert len(answer["response"]["predictions"]) == len(json.loads(REQUEST.read_text(encoding="utf-8"))["data"])


@pytest.mark.slow
def test_an_answer_that_is_not_200_is_exit_code_1(
    deployed: list[dict[str, Any]], rehearsing: dict[str, str], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text('{"data": [{"Idade": "not a number"}]}', encoding="utf-8")
    done = aml_deploy("invoke", ENDPOINT, "--request", bad, environ=rehearsing)
    assert done.returncode == 1
    assert "Status 4" in done.stderr or "Status 5" in done.stderr


@pytest.mark.slow
def test_an_endpoint_that_nobody_made_here(rehearsing: dict[str, str]) -> None:
    done = aml_deploy("invoke", "somebody-elses", "--request", REQUEST, environ=rehearsing)
    assert done.returncode == 2
    assert "--plan" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_the_run(
    number: signal.Signals, deployed: list[dict[str, Any]], rehearsing: dict[str, str]
) -> None:
    process = started(*APPLY, "--json", "--set", "deployment.tags.stopped=yes", environ=rehearsing)
    assert process.stdout is not None
    seen = [json.loads(process.stdout.readline())]
    while seen[-1]["event"] != "task_started":
        seen.append(json.loads(process.stdout.readline()))
    os.kill(process.pid, number)
    rest, said = process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 130, said
    seen += json_lines(rest)
    assert seen[-1]["event"] == "run_finished"
    assert seen[-1]["status"] == "cancelled"
    assert "Stopping the run." in said
    assert not [line for line in processes_of(rehearsing).values() if "tui.engine" in line]


@pytest.mark.slow
def test_a_large_model_is_seen_being_read_before_it_is_sent(
    deployed: list[dict[str, Any]], rehearsing: dict[str, str], own_plan: Path
) -> None:
    size = 96 * 1024 * 1024
    with (own_plan.parent / PRESET / "model" / "weights.bin").open("wb") as file:
        file.truncate(size)
    # With the name of a version, the content must be known before anything is sent.
    words = ("apply", str(own_plan), "--rehearse", "--yes", "--json", "--set", "deployment.model.version=7")
    process = started(*words, environ=rehearsing)
    assert process.stdout is not None
    seen: list[dict[str, Any]] = []
    while not seen or (seen[-1]["event"], seen[-1].get("action")) != ("task_started", "create"):
        event = json.loads(process.stdout.readline())
        seen += [event] if event.get("task") == "model" else []
    process.terminate()
    assert process.wait(RUN_SECONDS) == 130
    begun = [(event["action"], event["detail"]) for event in seen if event["event"] == "task_started"]
    assert begun == [("read", "model"), ("create", "churn-model-adb")]
    progress = [event for event in seen if event["event"] == "task_progress"]
    assert progress[-1]["done"] == progress[-1]["total"] > size


@pytest.mark.slow
def test_a_lost_terminal_leaves_the_run_alone(deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    process = started(*APPLY, "--json", environ=rehearsing)
    assert process.stdout is not None
    run = json.loads(process.stdout.readline())["run"]
    os.kill(process.pid, signal.SIGHUP)
    process.communicate(timeout=RUN_SECONDS)
    assert process.returncode == 129
    assert events_of(run, rehearsing)[-1]["status"] == "succeeded"


@pytest.mark.slow
def test_a_reader_that_leaves_does_not_stop_the_run(deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    process = started(*APPLY, "--json", environ=rehearsing)
    assert process.stdout is not None and process.stderr is not None
    run = json.loads(process.stdout.readline())["run"]
    process.stdout.close()
    said = process.stderr.read()
    assert process.wait(RUN_SECONDS) == 141
    assert f"aml-deploy attach {run}" in said
    assert "Traceback" not in said
    assert events_of(run, rehearsing)[-1]["status"] == "succeeded"


@pytest.mark.slow
def test_detach_says_which_run_and_leaves(deployed: list[dict[str, Any]], rehearsing: dict[str, str]) -> None:
    done = aml_deploy(*APPLY, "--json", "--detach", environ=rehearsing)
    assert done.returncode == 0
    (event,) = json_lines(done.stdout)
    assert event["event"] == "run_started"
    assert f"aml-deploy attach {event['run']}" in done.stderr
    assert events_of(event["run"], rehearsing)[-1]["status"] == "succeeded"


@pytest.mark.slow
def test_attach_resumes_a_run_whose_engine_was_killed(
    deployed: list[dict[str, Any]], rehearsing: dict[str, str]
) -> None:
    done = aml_deploy(*APPLY, "--json", "--detach", environ=rehearsing)
    run = json_lines(done.stdout)[0]["run"]
    folder = Path(rehearsing["AML_DEPLOY_HOME"]) / "runs" / run
    os.kill(json.loads((folder / "engine.json").read_text(encoding="utf-8"))["pid"], signal.SIGKILL)
    attached = aml_deploy("attach", run, "--json", environ=rehearsing, timeout=RUN_SECONDS)
    assert attached.returncode == 0, attached.stderr
    events = json_lines(attached.stdout)
    assert events[0]["seq"] == 1
    assert "run_resumed" in [event["event"] for event in events]
    assert events[-1]["status"] == "succeeded"
