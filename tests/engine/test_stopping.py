"""A run that is stopped, or that meets another run: what is said, what is left, and how it goes on."""

from __future__ import annotations

import fcntl
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from azure_state import Azure
from test_run import begin, ended, events_until, finished, plan_for, statuses

from tui.engine import start_stop
from tui.engine.file_lock import taken
from tui.engine.journal import runs
from tui.engine.journal.journal import Event
from tui.engine.journal.runs import Run
from tui.rehearsal_client import with_own_identity

ROOT = Path(__file__).resolve().parents[2]


def at(kind: str, task: str):
    return lambda event: event["event"] == kind and event.get("task") == task


def again(run: Run, environ: dict[str, str]) -> list[Event]:
    """The events of a run that is resumed, until its new end."""
    last = run.journal.last()
    start_stop.resume(run, environ=environ)
    return events_until(run, lambda event: finished(event) and event["seq"] > last["seq"])


def scenario(environ: dict[str, str], name: str) -> None:
    command = [sys.executable, "-m", "tui.rehearsal", "scenario", name]
    subprocess.run(command, env=environ, cwd=ROOT, check=True, capture_output=True, timeout=60)


def test_a_run_that_is_stopped_in_its_preflight_has_made_nothing(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, prepared = begin(plan_for("churn-stop-01", tmp_path), rehearsal_env, monkeypatch)
    events_until(run, at("task_finished", "sign-in"))
    assert start_stop.stop(run)
    last = ended(run)
    assert last["status"] == "cancelled"
    assert "not created anything in Azure" in last["message"]
    assert "left_behind" not in last
    assert not [event for event in run.journal.read() if event["event"] == "task_intent"]
    assert Azure(prepared).get("onlineEndpoints/churn-stop-01") is None


def test_a_run_that_is_stopped_as_soon_as_it_is_started_has_an_end(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The signal comes before the interpreter of the engine has read a line of the program."""
    document = plan_for("churn-stop-02", tmp_path)
    for _ in range(3):
        run, _ = begin(document, rehearsal_env, monkeypatch)
        assert start_stop.stop(run)
        last = ended(run)
        assert last["status"] == "cancelled"
        assert signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, []), "only the engine waits"


def test_a_run_that_is_stopped_while_it_waits_for_a_secret_has_an_end(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("databricks.sdk")
    document = plan_for("churn-stop-11", tmp_path)
    document.set("deployment.environment_variables", {"A": "${databricks:scope/key}"}, "test")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(60)
        host = f"http://127.0.0.1:{silent.getsockname()[1]}"
        environ = {**rehearsal_env, "DATABRICKS_HOST": host, "DATABRICKS_TOKEN": "token-of-nobody"}
        run, _ = begin(document, environ, monkeypatch)
        asked, _ = silent.accept()
        with asked:
            assert start_stop.stop(run)
            last = ended(run)
    assert (last["status"], last["message"]) == ("cancelled", "The run was stopped before its first task.")


def test_a_run_that_has_ended_is_resumed_when_its_engine_has_gone(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The end is in the journal a moment before the engine's process has ended."""
    run, prepared = begin(plan_for("churn-stop-09", tmp_path), rehearsal_env, monkeypatch)
    assert start_stop.stop(run)
    last = ended(run)
    while run.alive:
        time.sleep(0.01)
    lock = os.open(run.folder / "engine.lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    still = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    os.close(lock)
    runs.write_engine(run.folder, still.pid)
    assert run.alive

    def asked(*given: object) -> bool:
        still.communicate(b"\n")
        return taken(*given)

    monkeypatch.setattr(start_stop, "taken", asked)
    try:
        start_stop.resume(run, environ=prepared)
        assert still.poll() is not None, "nobody waited for it"
    finally:
        still.kill()
        still.wait()
    events_until(run, lambda event: event["seq"] > last["seq"])
    start_stop.stop(run)
    events_until(run, lambda event: finished(event) and event["seq"] > last["seq"])


@pytest.mark.slow
def test_an_upload_is_stopped_and_goes_on_where_it_stopped(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-stop-03", tmp_path, **{"deployment.model.name": "churn-stop-03"})
    for number in range(60):
        (tmp_path / "churn-xgboost" / "model" / f"part-{number:03d}.bin").write_bytes(os.urandom(20_000))
    run, prepared = begin(document, rehearsal_env, monkeypatch)
    try:
        scenario(prepared, "slow-storage")
        events_until(run, lambda event: at("task_progress", "model")(event) and 0 < event["done"] < event["total"])
        assert start_stop.stop(run)
        last = ended(run)
    finally:
        scenario(prepared, "none")
    assert last["status"] == "cancelled"
    assert statuses(run.journal.read())["model"] == "cancelled"
    azure = Azure(prepared)
    assert azure.listed("models/churn-stop-03/versions") == []
    events = again(run, prepared)
    assert events[-1]["status"] == "succeeded"
    assert len(azure.listed("models/churn-stop-03/versions")) == 1
    resumed = [event for event in events if at("task_progress", "model")(event) and event["seq"] > last["seq"]]
    begun_with = next(event["done"] for event in resumed if event["done"])
    assert begun_with > 0
    azure.remove("churn-stop-03")


@pytest.mark.slow
def test_stopping_names_what_is_left_and_the_command_that_removes_it(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, prepared = begin(plan_for("churn-stop-04", tmp_path), rehearsal_env, monkeypatch)
    events_until(run, at("task_operation", "deployment"))
    assert start_stop.stop(run)
    last = ended(run)
    assert last["status"] == runs.find(run.id).status == "cancelled"
    assert set(last["left_behind"]) >= {"endpoint churn-stop-04", "deployment blue"}
    assert "endpoint churn-stop-04, which is complete" in last["message"]
    events = again(run, prepared)
    assert events[-1]["status"] == "succeeded"
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    asked = [event["task"] for event in events if event["event"] == "task_operation"]
    assert asked.count("deployment") == 1, "what Azure was doing already was followed"
    assert statuses(events)["deployment"] == "succeeded"
    assert any("before the interruption" in event.get("line", "") for event in events)
    command = shlex.split(last["message"].partition("Remove it with: ")[2].partition(" --yes")[0] + " --yes")
    assert command[0] == "aml-deploy"
    gone = subprocess.run(
        [sys.executable, "-m", "tui", *command[1:]],
        env=rehearsal_env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert gone.returncode == 0, gone.stderr
    assert Azure(prepared).get("onlineEndpoints/churn-stop-04") is None


@pytest.mark.slow
def test_a_stop_that_comes_too_late_is_no_stop(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-stop-05", tmp_path)
    for _ in range(8):  # the call may have ended before the stop, or take longer than a run waits that is to stop
        run, prepared = begin(document, rehearsal_env, monkeypatch)
        events_until(run, at("task_started", "test"))
        start_stop.stop(run)
        last = ended(run)
        if last["status"] == "succeeded" and last["message"]:
            break
    assert last["status"] == "succeeded"
    assert "already succeeded" in last["message"]
    azure = Azure(prepared)
    assert azure.get("onlineEndpoints/churn-stop-05") is not None
    azure.remove("churn-stop-05")


@pytest.mark.slow
def test_an_operation_that_failed_while_nobody_watched_is_reported(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, prepared = begin(plan_for("churn-stop-06", tmp_path), rehearsal_env, monkeypatch)
    azure = Azure(prepared)
    try:
        scenario(prepared, "out-of-capacity")
        events_until(run, at("task_operation", "deployment"))
        os.kill(runs.engine_pid(run.folder), signal.SIGKILL)
        resource = "onlineEndpoints/churn-stop-06/deployments/blue"
        while azure.get(resource)["properties"]["provisioningState"] not in ("Failed", "Succeeded"):
            pass
    finally:
        scenario(prepared, "none")
    events = again(run, prepared)
    assert events[-1]["status"] == "failed"
    assert [event["task"] for event in events if event["event"] == "task_operation"].count("deployment") == 1
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert "capacity" in f"{card['title']} {card['cause']} {card['evidence']}".lower()
    assert set(events[-1]["left_behind"]) >= {"endpoint churn-stop-06", "deployment blue"}, "what the first engine made"
    azure.remove("churn-stop-06")


@pytest.mark.slow
def test_a_second_run_on_an_endpoint_names_the_first(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-stop-07", tmp_path)
    first, prepared = begin(document, rehearsal_env, monkeypatch)
    events_until(first, at("task_operation", "endpoint"))

    os.kill(runs.engine_pid(first.folder), signal.SIGSTOP)  # it must not have ended before the other one looks
    try:
        refused = ended(start_stop.start(with_own_identity(document, prepared), environ=prepared, rehearse=True))
    finally:
        os.kill(runs.engine_pid(first.folder), signal.SIGCONT)
    assert refused["status"] == "blocked"
    assert f"aml-deploy attach {first.id}" in refused["message"]
    finding = next(event for event in runs.find(refused["run"]).journal.read() if event["event"] == "finding")
    assert (finding["id"], finding["severity"]) == ("run-in-progress", "blocker")
    events_until(first, at("task_started", "deployment"))
    assert start_stop.stop(first, clean_up=True)
    last = ended(first)
    assert "was removed" in last["message"]
    assert not any(item.startswith(("endpoint", "deployment")) for item in last.get("left_behind", []))
    assert Azure(prepared).get("onlineEndpoints/churn-stop-07") is None


@pytest.mark.slow
def test_two_that_resume_a_run_at_once_start_one_engine(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run, prepared = begin(plan_for("churn-stop-08", tmp_path), rehearsal_env, monkeypatch)
    events_until(run, at("task_operation", "endpoint"))
    os.kill(runs.engine_pid(run.folder), signal.SIGKILL)
    command = [sys.executable, "-m", "tui", "attach", run.id, "--json"]
    both = [
        subprocess.Popen(
            command, env=rehearsal_env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    shown = [process.communicate(timeout=240) for process in both]
    assert [process.returncode for process in both] == [0, 0], shown
    assert shown[0][0].splitlines()[-1] == shown[1][0].splitlines()[-1]
    events = run.journal.read()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert sum(event["event"] == "run_resumed" for event in events) == 1
    Azure(prepared).remove("churn-stop-08")
