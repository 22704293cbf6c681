"""The folders of runs: which are listed, in which order, and whether their engines live."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.common.output_stream import OutputStream
from tui.engine import heartbeat_and_takeover
from tui.engine.heartbeat_and_takeover import this_machine
from tui.engine.journal import runs, state_folder
from tui.engine.journal.journal import JournalWriter


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def lay(name: str, started: str = "2026-01-02T03:04:05Z", **more: Any) -> Path:
    folder = state_folder.runs_folder() / name
    folder.mkdir()
    about = {"run": name, "endpoint": "churn", "deployment": "blue", "started": started, "rehearsed": False, **more}
    (folder / "run.json").write_text(json.dumps({key: value for key, value in about.items() if value != "missing"}))
    return folder


def test_runs_are_listed_newest_first(home: Path) -> None:
    lay("b", "2026-01-02T00:00:00Z")
    lay("a", "2026-01-03T00:00:00Z", endpoint="other")
    lay("c", "2026-01-02T00:00:00Z")
    (state_folder.runs_folder() / "no-run").mkdir()
    (state_folder.runs_folder() / "a file").write_text("")
    assert [run.id for run in runs.runs()] == ["a", "c", "b"]
    assert (runs.latest().id, runs.latest("churn").id, runs.latest("nobody")) == ("a", "c", None)


def test_without_a_run_there_is_no_latest(home: Path) -> None:
    assert (runs.runs(), runs.latest()) == ([], None)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("r-1", True),
        ("r-2", False),
        ("", False),
        ("./r-1", False),
        ("../runs/r-1", False),
        (".hidden", False),
        (".", False),
    ],
)
def test_a_run_is_found_by_its_id_alone(asked: str, found: bool, home: Path) -> None:
    lay("r-1")
    lay(".hidden")
    (home / "runs" / "run.json").write_text((home / "runs" / "r-1" / "run.json").read_text())
    assert (runs.find(asked) is not None) is found


@pytest.mark.parametrize("without", ["run", "endpoint", "deployment", "started", "rehearsed"])
def test_what_lacks_a_field_is_no_run(without: str, home: Path) -> None:
    assert runs.read(lay("r-1", **{without: "missing"})) is None


def test_fields_that_earlier_versions_did_not_write_are_empty(home: Path) -> None:
    run = runs.read(lay("r-1"))
    assert run is not None
    assert (run.record, run.user, run.plan_hash, run.typed, run.rehearsed) == (None, "", "", (), False)
    full = runs.read(lay("r-2", record="/r", user="u@h", plan_hash="p", typed=["k"], rehearsed=True))
    assert full is not None
    assert (full.record, full.user, full.plan_hash, full.typed, full.rehearsed) == (
        Path("/r"), "u@h", "p", ("k",), True,
    )  # fmt: skip
    assert (full.plan.name, full.log.name) == ("plan.yml", "engine.log")


# Whether an engine lives


@pytest.mark.parametrize(
    ("about", "lives"),
    [
        ({}, True),
        ({"host": "another boot"}, False),
        ({"host": None}, False),
        ({"started": "12"}, False),  # the id was given to a later process
        ({"pid": 2**22 + 1}, False),
        ({"pid": "x"}, False),
        ({"pid": None}, False),
    ],
)
def test_an_engine_is_told_from_a_later_process(about: dict[str, Any], lives: bool, home: Path) -> None:
    folder = lay("r-1")
    assert runs.engine_pid(folder) is None
    runs.write_engine(folder, os.getpid())
    written = json.loads((folder / "engine.json").read_text())
    assert written["host"] == this_machine()
    (folder / "engine.json").write_text(json.dumps({**written, **about}))
    assert runs.engine_pid(folder) == (os.getpid() if lives else None)


def test_a_process_that_has_ended_has_no_start() -> None:
    child = os.fork()
    if not child:
        os._exit(0)
    os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)  # ended, but not waited for
    assert runs._start_time(child) is None
    os.waitpid(child, 0)
    assert runs._start_time(child) is None


@pytest.mark.parametrize(
    ("here", "elsewhere", "alive"),
    [(None, None, False), (7, None, True), (None, "cluster-2", True), (7, "cluster-2", True)],
)
@pytest.mark.parametrize("last", [None, "run_started", "run_finished"])
def test_the_status_of_a_run(
    here: int | None, elsewhere: str | None, alive: bool, last: str | None, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = lay("r-1")
    if last:
        writer = JournalWriter(folder, "r-1")
        writer.emit(last, status="failed")
        writer.close()
    monkeypatch.setattr(runs, "engine_pid", lambda folder: here)
    beat = SimpleNamespace(host=elsewhere) if elsewhere else None
    monkeypatch.setattr(heartbeat_and_takeover, "elsewhere", lambda folder: beat)
    run = runs.read(folder)
    assert run is not None
    assert (run.alive, run.elsewhere) == (alive, elsewhere or "")
    status = "failed" if last == "run_finished" else "running" if alive else "interrupted"
    assert run.status == run.summary()["status"] == status


# The state folder, and a log that never fails


def test_folders_are_only_for_their_owner(home: Path) -> None:
    for folder in (state_folder.state_folder(), state_folder.runs_folder(), state_folder.plans_folder()):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert state_folder.plans_folder() == home / "plans", "it may be there already"


def test_without_a_name_it_is_the_platforms_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "deep" / "state"))
    assert state_folder.state_folder().is_relative_to(tmp_path)
    assert state_folder.state_folder().name == "aml-deploy"
    monkeypatch.setenv("AML_DEPLOY_HOME", "~/own")
    assert state_folder.state_folder() == tmp_path / "own"


def test_a_log_on_a_full_disk_goes_on() -> None:
    class Full:
        name = "stdout"

        def write(self, text: str) -> int:
            raise OSError

        def flush(self) -> None:
            raise OSError

    stream = OutputStream(Full())
    assert stream.write("four") == 4
    stream.flush()
    assert stream.name == "stdout"


def test_a_state_folder_that_others_could_read_is_tightened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own").chmod(0o755)
    assert state_folder.state_folder().stat().st_mode & 0o777 == 0o700


def test_a_state_folder_of_another_user_is_refused_and_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "own"))
    (tmp_path / "own").mkdir()
    (tmp_path / "own").chmod(0o755)
    real = Path.stat

    def of_another(path: Path, **options: object) -> os.stat_result:
        found = list(real(path))
        found[4] = 4711
        return os.stat_result(found)

    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with monkeypatch.context() as patched, pytest.raises(PermissionError, match="another user"):
        patched.setattr(Path, "stat", of_another)
        state_folder.state_folder()
    assert (tmp_path / "own").stat().st_mode & 0o777 == 0o755


def test_a_folder_that_all_users_share_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "shared"))
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared").chmod(0o1777)
    with pytest.raises(PermissionError, match="All users share it"):
        state_folder.state_folder()
    assert (tmp_path / "shared").stat().st_mode & 0o7777 == 0o1777
