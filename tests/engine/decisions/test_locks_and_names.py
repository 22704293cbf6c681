"""Locks of engines, the folder that a start lays down, and who is named as its user."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock
from tui.engine import file_lock, run_user, start_stop
from tui.engine.file_lock import taken
from tui.engine.journal import runs
from tui.engine.journal.journal import JournalWriter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(file_lock, "time", made)
    return made


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT)


def test_a_free_lock_is_taken_at_once(tmp_path: Path, clock: Clock) -> None:
    first, second = opened(tmp_path / "lock"), opened(tmp_path / "lock")
    assert taken(first, 0.0)
    assert not taken(second, 0.0)
    os.close(first)
    assert taken(second, 0.0)
    os.close(second)


@pytest.mark.parametrize("seconds", [0.0, 1.0, 10.0])
def test_a_held_lock_is_waited_for(seconds: float, tmp_path: Path, clock: Clock) -> None:
    holder, descriptor = opened(tmp_path / "lock"), opened(tmp_path / "lock")
    fcntl.flock(holder, fcntl.LOCK_EX)
    assert not taken(descriptor, seconds)
    assert clock.now - 1000 == pytest.approx(seconds, abs=0.041)
    assert not taken(descriptor, 60.0, lambda: clock.now > 1012), "its owner works"
    assert clock.now < 1013
    fcntl.flock(holder, fcntl.LOCK_UN)
    assert taken(descriptor, seconds)
    for one in (holder, descriptor):
        os.close(one)


@pytest.fixture
def run(tmp_path: Path) -> runs.Run:
    return runs.Run("r-1", tmp_path, "churn", "blue", "t", False)


@pytest.mark.parametrize(
    ("lock", "closed", "result"), [(True, False, "held"), (False, True, None), (OSError(), True, ())]
)
def test_two_engines_never_work_on_one_run(
    lock: Any, closed: bool, result: Any, run: runs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the file system refuses locks, an engine starts without one."""
    asked: list[tuple[int, float, bool]] = []

    def take(descriptor: int, seconds: float, works: Any) -> bool:
        asked.append((descriptor, seconds, works()))
        if isinstance(lock, Exception):
            raise lock
        return bool(lock)

    monkeypatch.setattr(start_stop, "taken", take)
    found = start_stop._lock(run)
    ((descriptor, seconds, works),) = asked
    assert found == ((descriptor,) if result == "held" else result)
    assert (seconds, works) == (10.0, False)
    if closed:
        with pytest.raises(OSError):
            os.fstat(descriptor)
    else:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("alive", "ended", "works"), [(True, False, True), (True, True, False), (False, False, False), (False, True, False)]
)
def test_an_engine_that_has_written_the_end_does_not_work(
    alive: bool, ended: bool, works: bool, run: runs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs.Run, "alive", alive)
    writer = JournalWriter(run.folder, "r-1")
    writer.emit("run_finished" if ended else "run_started")
    writer.close()
    assert start_stop._works(run) is works


def test_an_engine_that_is_being_started_is_not_started_twice(run: runs.Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start_stop, "_lock", lambda run: None)
    monkeypatch.setattr(start_stop.subprocess, "Popen", lambda *given, **options: pytest.fail("it was started"))
    start_stop._spawn(run, {}, {})
    assert not run.log.exists()


def test_an_engine_gets_its_secrets_through_a_pipe_and_a_session_of_its_own(
    run: runs.Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[dict[str, Any]] = []
    read, write = os.pipe()

    def popen(command: list[str], **options: Any) -> Any:
        started.append({**options, "command": command})
        return SimpleNamespace(pid=os.getpid(), stdin=os.fdopen(write, "wb"))

    monkeypatch.setattr(start_stop.subprocess, "Popen", popen)
    run.log.write_text("why the first engine ended")
    start_stop._spawn(run, {"A": "1"}, {"key": "hunter2"})
    assert (run.folder / "engine.1.log").read_text() == "why the first engine ended"
    assert os.read(read, 100) == b'{"key": "hunter2"}'
    os.close(read)
    (options,) = started
    assert (options["start_new_session"], options["close_fds"], options["env"]) == (True, True, {"A": "1"})
    assert (options["cwd"], options["command"][-1]) == (run.folder, str(run.folder))
    assert len(options["pass_fds"]) == 1, "the engine keeps the lock"
    assert "hunter2" not in str(options)
    assert stat.S_IMODE(run.log.stat().st_mode) == 0o600
    assert runs.engine_pid(run.folder) == os.getpid()
    start_stop._children.pop()


@pytest.mark.parametrize(
    ("options", "about"),
    [
        ({}, {"rehearsed": False, "record": None, "typed": []}),
        ({"rehearse": True, "record": Path("/r"), "secrets": {"b": "x", "a": "y", "c": ""}},
         {"rehearsed": True, "record": "/r", "typed": ["a", "b"]}),
    ],
)  # fmt: skip
def test_a_start_lays_down_the_run(
    options: dict[str, Any], about: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    monkeypatch.setattr(start_stop, "resolve", lambda document, environ, secrets: PLAN)
    given: list[Any] = []
    monkeypatch.setattr(start_stop, "_spawn", lambda run, environ, secrets: given.append(secrets))
    document: Any = SimpleNamespace(rebased=lambda folder: SimpleNamespace(save=lambda path: path.write_text("plan")))
    run = start_stop.start(document, environ={}, **options)
    written = json.loads((run.folder / "run.json").read_text())
    assert {key: written[key] for key in about} == about
    assert (run.endpoint, run.deployment, run.plan.read_text(), given) == (
        "churn", "green", "plan", [options.get("secrets", {})],
    )  # fmt: skip
    assert written["started"].endswith("Z") and run.id.startswith(written["started"][:4])
    assert "x" not in written["typed"]
    assert stat.S_IMODE(run.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((run.folder / "run.json").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("user", "named"),
    [("ann", "ann@"), ("a b/ü", "a-b--@"), (KeyError("no such id"), "unknown@"), ("x" * 150, "x" * 100)],
)
def test_the_user_is_named_as_a_tag_allows(user: Any, named: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def getuser() -> str:
        if isinstance(user, Exception):
            raise user
        return str(user)

    monkeypatch.setattr(run_user.getpass, "getuser", getuser)
    assert run_user.who_runs().startswith(named)
    assert len(run_user.who_runs()) <= 100
