"""Two machines with one state folder: one works on a run, the other follows, and goes on when the first is gone."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from azure_state import Azure
from test_run import begin, ended, events_until, finished, plan_for

from tui.common.write_atomic import write_atomic
from tui.engine import heartbeat_and_takeover, start_stop
from tui.engine.heartbeat_and_takeover import FILE, Heart, elsewhere, last_beat, observed_elsewhere
from tui.engine.journal import runs
from tui.engine.journal.journal import JournalWriter


def beat(folder: Path, *, machine: str = "cluster-2 boot", seconds_ago: float = 0.0, count: int = 1) -> None:
    about = {"machine": machine, "host": "cluster-2", "pid": 1, "token": "t", "count": count}
    text = json.dumps({**about, "time": time.time() - seconds_ago})
    write_atomic(folder / FILE, text)


@contextmanager
def beating(folder: Path, seconds_ago: float) -> Iterator[None]:
    """An engine of another machine whose clock is wrong."""
    stop = threading.Event()

    def go_on() -> None:
        count = 1
        while not stop.wait(0.2):
            count += 1
            beat(folder, seconds_ago=seconds_ago, count=count)

    beat(folder, seconds_ago=seconds_ago)
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_fresh_beat_is_believed_and_an_old_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heartbeat_and_takeover, "BEAT_SECONDS", 0.3)
    monkeypatch.setattr(heartbeat_and_takeover, "TICK_SECONDS", 0.1)
    assert elsewhere(tmp_path) is None
    beat(tmp_path)
    assert elsewhere(tmp_path) is not None
    beat(tmp_path, machine=heartbeat_and_takeover.this_machine())
    assert elsewhere(tmp_path) is None, "what is on this machine is told by its process id"
    beat(tmp_path, seconds_ago=3600)
    assert elsewhere(tmp_path) is None
    assert observed_elsewhere(tmp_path) is None


@pytest.mark.parametrize("seconds_ago", [3600, -3600])
def test_clocks_that_differ_by_an_hour_do_not_matter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds_ago: float
) -> None:
    monkeypatch.setattr(heartbeat_and_takeover, "BEAT_SECONDS", 1.0)
    with beating(tmp_path, seconds_ago):
        waited: list[str] = []
        found = observed_elsewhere(tmp_path, waited.append)
        assert found is not None
        assert found.host == "cluster-2"
        assert waited == ["cluster-2"]
        owner = Heart(tmp_path).begin()
        assert owner is not None
        assert owner.host == "cluster-2"


def test_a_cut_beat_is_none(tmp_path: Path) -> None:
    beat(tmp_path)
    whole = (tmp_path / FILE).read_bytes()
    for length in range(len(whole)):
        (tmp_path / FILE).write_bytes(whole[:length])
        assert last_beat(tmp_path) is None


def test_a_second_run_on_an_endpoint_names_the_first_also_from_another_machine(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-machine-02", tmp_path)
    run, prepared = begin(document, rehearsal_env, monkeypatch)
    events_until(run, lambda event: event["event"] == "run_started")
    assert start_stop.stop(run)
    ended(run)
    events_until(run, lambda event: not run.alive)
    JournalWriter(run.folder, run.id).emit("run_resumed", host="cluster-2")
    beat(run.folder)  # as if another machine had gone on with it
    second, _ = begin(document, rehearsal_env, monkeypatch)
    refused = ended(second)
    assert refused["status"] == "blocked"
    assert run.id in refused["message"]
    (run.folder / FILE).unlink()
    if Azure(prepared).get("onlineEndpoints/churn-machine-02"):
        Azure(prepared).remove("churn-machine-02")


@pytest.mark.slow
def test_a_run_of_another_machine_is_followed_stopped_and_resumed(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process takes another machine's name: what the engine writes is all that it knows then."""
    run, prepared = begin(plan_for("churn-machine-01", tmp_path), rehearsal_env, monkeypatch)
    events_until(run, lambda event: event["event"] == "task_operation")
    with monkeypatch.context() as other:
        other.setattr(heartbeat_and_takeover, "this_machine", lambda: "cluster-2 boot")
        assert run.alive
        assert run.elsewhere
        start_stop.resume(run, environ=prepared)
        assert start_stop.stop(run), "an engine on another machine is asked by a file"
        assert ended(run)["status"] == "cancelled"
    assert sum(event["event"] == "run_resumed" for event in run.journal.read()) == 0, "no second engine was started"
    events_until(run, lambda event: not run.alive)
    last = run.journal.last()
    assert last is not None
    start_stop.resume(run, environ=prepared)
    events_until(run, lambda event: event["event"] == "run_resumed")
    beaten = heartbeat_and_takeover.last_beat(run.folder)
    assert beaten is not None
    os.kill(beaten.pid, signal.SIGKILL)
    while runs.engine_pid(run.folder) is not None:
        time.sleep(0.01)
    with monkeypatch.context() as other:
        other.setattr(heartbeat_and_takeover, "this_machine", lambda: "cluster-2 boot")
        assert run.alive, "a machine that is gone without a word counts as gone after half a minute only"
    start_stop.resume(run, environ=prepared)
    done = events_until(run, lambda event: finished(event) and event["seq"] > last["seq"])[-1]
    assert done["status"] == "succeeded"
    Azure(prepared).remove("churn-machine-01")
