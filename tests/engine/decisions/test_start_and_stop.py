"""Starting, resuming and stopping an engine: when it is done, and what an engine refuses."""

from __future__ import annotations

import io
import json
import os
import signal
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import Notes
from tui.cloud.errors import CloudError
from tui.common.output_stream import guard_streams
from tui.engine import __main__ as engine
from tui.engine import endpoint_lock, preload, start_stop, stop_signals
from tui.engine.heartbeat_and_takeover import STOP_FILE
from tui.engine.journal import runs
from tui.engine.journal.journal import JournalWriter
from tui.engine.journal.runs import Run
from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.engine.task_context import Stopped
from tui.plain.output.follow import follow
from tui.plain.signals import Signals


class Place:
    """A run folder, and whether an engine lives here or elsewhere."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.here: int | None = None
        self.elsewhere = ""
        self.killed: list[tuple[int, int]] = []
        self.spawned = 0
        self.run = Run("r-1", folder, "churn", "blue", "2026", False)
        monkeypatch.setattr(start_stop, "engine_pid", lambda folder: self.here)
        monkeypatch.setattr(Run, "elsewhere", property(lambda run: self.elsewhere))
        monkeypatch.setattr(Run, "alive", property(lambda run: self.here is not None or bool(self.elsewhere)))
        monkeypatch.setattr(start_stop, "_spawn", lambda run, environ, secrets: self.spawn())
        monkeypatch.setattr(start_stop, "resolve", lambda document, environ, secrets: None)
        monkeypatch.setattr("tui.plan.load_save.load.load", lambda path: None)
        monkeypatch.setattr(start_stop.os, "kill", lambda pid, number: self.killed.append((pid, number)))

    def spawn(self) -> None:
        self.spawned += 1

    @property
    def files(self) -> set[str]:
        return {path.name for path in self.run.folder.iterdir()}


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


@pytest.mark.parametrize("clean", [False, True])
@pytest.mark.parametrize(
    ("here", "elsewhere", "asked"),
    [(None, "", False), (7, "", True), (None, "cluster-2", True), (7, "cluster-2", True)],
)
def test_an_engine_is_asked_to_stop_where_it_is(
    here: int | None, elsewhere: str, asked: bool, clean: bool, place: Place
) -> None:
    place.here, place.elsewhere = here, elsewhere
    assert start_stop.stop(place.run, clean_up=clean) is asked
    assert place.killed == ([(7, signal.SIGTERM)] if here else [])
    assert place.files == {
        name for name, there in (("clean-up", clean and asked), (STOP_FILE, asked and not here)) if there
    }


def test_an_engine_that_ends_meanwhile_was_not_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def kill(pid: int, number: int) -> None:
        raise ProcessLookupError

    monkeypatch.setattr(start_stop.os, "kill", kill)
    place.here = 7
    assert start_stop.stop(place.run) is False


@pytest.mark.parametrize(("here", "asked"), [(None, False), (7, True)])
def test_a_roll_back_is_asked_of_a_living_engine(here: int | None, asked: bool, place: Place) -> None:
    place.here = here
    assert start_stop.roll_back(place.run) is asked
    assert (ROLL_BACK_FILE in place.files) is asked


@pytest.mark.parametrize(
    ("here", "elsewhere", "ended", "spawned"),
    [
        (None, "", False, 1),
        (None, "", True, 1),
        (7, "", False, 0),
        (7, "", True, 1),  # it has written the run's end and only closes its files
        (None, "cluster-2", False, 0),
        (None, "cluster-2", True, 0),
    ],
)
def test_a_run_is_resumed_unless_its_engine_works(
    here: int | None, elsewhere: str, ended: bool, spawned: int, place: Place
) -> None:
    writer = JournalWriter(place.run.folder, "r-1")
    writer.emit("run_finished" if ended else "run_started")
    writer.close()
    (place.run.folder / "clean-up").touch()
    place.here, place.elsewhere = here, elsewhere
    start_stop.resume(place.run, environ={})
    assert place.spawned == spawned
    assert ("clean-up" in place.files) is not spawned, "an earlier request is not for the new engine"
    if spawned:
        start_stop.resume(place.run, environ={})


def test_a_run_that_ended_with_a_full_disk_is_resumed_and_shown_to_its_new_end(place: Place) -> None:
    (place.run.folder / "run.json").write_text("{}")
    writer = JournalWriter(place.run.folder, "r-1")
    writer.emit("run_started")
    writer.emit("run_finished", status="failed", resumable=True)
    assert (place.run.journal.finished(), place.run.status) == (False, "interrupted")
    place.here = 7
    shown: list[str] = []

    def show(event: dict[str, Any]) -> None:
        shown.append(event["event"])
        if shown == ["run_started", "run_finished"]:  # the new engine goes on
            writer.emit("run_resumed")
            writer.emit("run_finished", status="succeeded")

    how, last = follow(place.run, show, Signals(), starting=True)
    assert (how, (last or {}).get("status")) == ("finished", "succeeded")
    writer.close()
    assert place.run.status == "succeeded"


def test_the_log_of_each_earlier_engine_is_kept(tmp_path: Path) -> None:
    run = Run("r-1", tmp_path, "churn", "blue", "2026", False)
    start_stop._keep_log(run)
    for text in ("", "first", "second"):
        run.log.write_text(text)
        start_stop._keep_log(run)
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"engine.1.log": "first", "engine.2.log": "second"}


# One run for each endpoint of a machine


def test_an_endpoint_is_held_by_one_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_lock, "GONE_SECONDS", 0.0)
    assert endpoint_lock.take(tmp_path, "ws churn", "r-1") is None
    assert endpoint_lock.take(tmp_path, "WS Churn", "r-2") == "r-1", "Azure's names are the same in any case"
    assert endpoint_lock.take(tmp_path, "ws other", "r-3") is None
    os.close(endpoint_lock._held.pop(-2))
    assert endpoint_lock.take(tmp_path, "ws churn", "a-later-run") is None
    assert endpoint_lock.take(tmp_path, "ws churn", "r-2") == "a-later-run"


def test_a_holder_that_has_not_said_its_name_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint_lock, "GONE_SECONDS", 0.0)
    assert endpoint_lock.take(tmp_path, "churn", "") is None
    assert endpoint_lock.take(tmp_path, "churn", "r-2") == "unknown"


def test_where_nothing_can_be_locked_every_run_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int, seconds: float) -> bool:
        raise OSError

    monkeypatch.setattr(endpoint_lock, "taken", refuse)
    assert endpoint_lock.take(tmp_path, "churn", "r-1") is None
    assert endpoint_lock.take(tmp_path / "gone" / "deep", "churn", "r-1") is None


# Loading the program


@pytest.mark.parametrize(
    ("others", "first"),
    [
        ({}, True),
        ({"r-0": {"plan_hash": "h"}}, False),
        ({"r-0": {"plan_hash": "h", "rehearsed": True}}, True),
        ({"r-0": {"plan_hash": "a"}, "r-2": {"plan_hash": "z"}}, True),
        ({"r-0": {"plan_hash": "a"}, "r-2": {"plan_hash": "h"}}, False),
        ({"r-0": None}, True),
    ],
)
@pytest.mark.parametrize("resumed", [False, True])
def test_a_run_that_will_probably_change_something_loads_at_once(
    others: dict[str, Any], first: bool, resumed: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, about in {"r-1": {"plan_hash": "h"}, **others}.items():
        (tmp_path / name).mkdir()
        if about is not None:
            known = {"run": name, "endpoint": "churn", "deployment": "b", "started": "t", "rehearsed": False, **about}
            (tmp_path / name / "run.json").write_text(json.dumps(known))
    begun: list[Any] = []
    thread = lambda target, args, name, daemon: SimpleNamespace(start=lambda: begun.append((args, daemon)))  # noqa: E731
    monkeypatch.setattr(preload, "threading", SimpleNamespace(Thread=thread))
    run = runs.read(tmp_path / "r-1")
    assert run is not None
    preload.begin(run, resumed=resumed)
    assert begun == [((first and not resumed,), True)], "it does not keep the process alive"


@pytest.mark.parametrize(("at_once", "order"), [(True, ["sdk", 1.0, "sdk"]), (False, [3.0, "sdk"])])
def test_the_first_requests_do_not_wait_for_it(
    at_once: bool, order: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[Any] = []
    monkeypatch.setattr("tui.cloud.http.sdk_import.import_sdk", lambda: done.append("sdk"))
    monkeypatch.setattr(preload, "time", SimpleNamespace(sleep=done.append))
    monkeypatch.setattr(preload, "_PACKAGES", ("tui.engine.journal",))
    preload._load(at_once)
    assert done == order
    assert preload.LOADED in capsys.readouterr().out


def test_all_modules_but_programs_are_loaded() -> None:
    found = preload._modules("tui.engine")
    assert "tui.engine.rollout.watch" in found
    assert not [name for name in found if name.endswith("__main__")]


# The engine's process


class Heart:
    other: Any = None

    def __init__(self, folder: Path, stop: Any) -> None:
        self.ended = False

    def begin(self) -> Any:
        return Heart.other

    def end(self) -> None:
        self.ended = True


@pytest.fixture
def process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The process without signals, heartbeat and tasks; `error` is what its engine raises, `status` how it ends."""
    made = SimpleNamespace(error=None, status="succeeded", folder=tmp_path, notes=Notes(), options={}, stops=[])
    about = {"run": "r-1", "endpoint": "churn", "deployment": "blue", "started": "t", "rehearsed": True}
    (tmp_path / "run.json").write_text(json.dumps(about))
    Heart.other = None
    stopping = SimpleNamespace(ask=None, asked=threading.Event(), call=made.stops.append)
    monkeypatch.setattr(engine, "Heart", Heart)
    monkeypatch.setattr(engine, "StopSignals", lambda: stopping)
    monkeypatch.setattr(engine, "guard_streams", lambda: None)
    monkeypatch.setattr(engine.signal, "signal", lambda number, action: None)
    monkeypatch.setattr(engine.preload, "begin", lambda run, resumed: None)
    made.notes.lost, made.notes.close = 0, lambda: None
    monkeypatch.setattr(engine, "JournalWriter", lambda folder, run: made.notes)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b"")))
    for name in ("tui.plan.load_save.load.load", "tui.cloud.auth.secrets.fill"):
        monkeypatch.setattr(name, lambda given: given)
    monkeypatch.setattr("tui.plan.load_save.resolve.resolve", lambda *given: given)

    def make(plan: Any, folder: Path, journal: Any, **options: Any) -> Any:
        made.options = {**options, "secrets": plan[2]}
        if made.error:
            raise made.error
        return SimpleNamespace(execute=lambda: made.status, stop="stop")

    monkeypatch.setattr("tui.engine.run.Engine", make)
    return made


@pytest.mark.parametrize(("status", "code"), [("succeeded", 0), ("failed", 1), ("blocked", 3), ("cancelled", 130)])
def test_the_exit_code_is_the_runs_end(status: str, code: int, process: Any) -> None:
    process.status = status
    assert engine.main(process.folder) == code
    assert (process.options["rehearsed"], process.options["resumed"], process.stops) == (True, False, ["stop"])
    assert runs.engine_pid(process.folder) == os.getpid()


@pytest.mark.parametrize(
    ("error", "code", "status", "cards"),
    [(Stopped(), 130, "cancelled", 0), (CloudError("Refused"), 1, "failed", 1), (ValueError(), 1, "failed", 1)],
)
def test_an_engine_that_does_not_begin_ends_the_run(
    error: Exception, code: int, status: str, cards: int, process: Any
) -> None:
    process.error = error
    assert engine.main(process.folder) == code
    (end,) = process.notes.of("run_finished")
    assert (end["status"], end["endpoint"], len(process.notes.of("needs_attention"))) == (status, "churn", cards)


def test_typed_secrets_come_through_the_pipe(process: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b'{"a": "b"}')))
    engine.main(process.folder)
    assert process.options["secrets"] == {"a": "b"}


def test_what_an_engine_prints_has_no_secret_in_it(
    process: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, getattr(sys, name))  # the engine replaces them
    monkeypatch.setattr(engine, "guard_streams", guard_streams)
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(b'{"a": "waterproof-9"}')))
    monkeypatch.setenv("THEIR_SECRET", "fireproof-9")
    process.error = ValueError("waterproof-9, fireproof-9\x1b[2J")
    engine.main(process.folder)
    assert "ValueError: (hidden), (hidden)\n" in capsys.readouterr().err


def test_a_journal_that_has_begun_is_resumed(process: Any) -> None:
    writer = JournalWriter(process.folder, "r-1")
    writer.emit("run_started")
    writer.close()
    engine.main(process.folder)
    assert process.options["resumed"] is True


def test_an_engine_elsewhere_keeps_its_run(process: Any) -> None:
    Heart.other = SimpleNamespace(host="cluster-2")
    assert engine.main(process.folder) == 0
    assert process.options == {}
    assert engine.main(process.folder / "gone") == 2


def test_events_that_were_lost_are_said(process: Any, capsys: pytest.CaptureFixture[str]) -> None:
    engine.main(process.folder)
    assert "could not be written" not in capsys.readouterr().out
    process.notes.lost = 3
    engine.main(process.folder)
    assert "3 events" in capsys.readouterr().out


def test_a_signal_that_came_before_the_engine_stops_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stop_signals.signal, "pthread_sigmask", lambda *given: None)
    monkeypatch.setattr(stop_signals.StopSignals, "_listen", lambda self: None)
    signals, called = stop_signals.StopSignals(), []
    signals.call(lambda: called.append("first"))
    assert called == [] and not signals.asked.is_set()
    signals.ask()
    signals.call(lambda: called.append("second"))
    assert called == ["first", "second"]
