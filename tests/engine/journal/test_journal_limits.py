"""The journal's waits and limits: batches, the folder's listing, a disk that takes nothing."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.decisions.plain_run import Clock
from tui.engine.journal import journal as module
from tui.engine.journal import runs
from tui.engine.journal.journal import Journal, JournalWriter


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(module, "time", made)
    return made


@pytest.fixture
def writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JournalWriter:
    """A writer whose batches are written only with the next event of another kind."""
    monkeypatch.setattr(JournalWriter, "_flush_now_and_then", lambda self: None)
    return JournalWriter(tmp_path, "r-1")


def files(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "journal").glob("*.jsonl"))


FINDING = {"time": "2026-01-02T03:04:05Z", "run": "r-1", "event": "finding"}


def lay(folder: Path, first: int, *seqs: int) -> None:
    (folder / "journal").mkdir(exist_ok=True)
    text = "".join(json.dumps({**FINDING, "seq": seq}) + "\n" for seq in seqs)
    (folder / "journal" / f"{first:08d}.jsonl").write_text(text)


def seqs(events: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for event in events]


# Writing


def test_a_file_is_named_after_its_first_event(writer: JournalWriter, tmp_path: Path) -> None:
    writer.emit("run_started")
    writer.emit("task_log", task="model", line="a")
    writer.emit("task_progress", task="model", done=1)
    assert (writer.written, writer.lost) == (1, 2)
    writer.emit("task_started", task="model")
    assert files(tmp_path) == ["00000001.jsonl", "00000002.jsonl"]
    assert (writer.written, writer.lost) == (4, 0)
    writer.close()
    assert seqs(Journal(tmp_path).read()) == [1, 2, 3, 4]


def test_progress_of_each_task_is_replaced_by_its_own(writer: JournalWriter, tmp_path: Path) -> None:
    for done in (1, 2):
        for task in ("model", "code"):
            writer.emit("task_progress", task=task, done=done)
    writer.emit("task_log", task="model", line="x")
    writer.emit("task_progress", task="model", done=3)
    writer.close()
    found = [(event["seq"], event.get("task"), event.get("done")) for event in Journal(tmp_path).read()]
    assert found == [(1, "model", 3), (2, "code", 2), (3, "model", None)]


def test_after_it_is_written_progress_is_an_event_of_its_own(writer: JournalWriter, tmp_path: Path) -> None:
    writer.emit("task_progress", task="model", done=1)
    writer.emit("task_started", task="code")
    writer.emit("task_progress", task="model", done=2)
    writer.close()
    assert [event.get("done") for event in Journal(tmp_path).read()] == [1, None, 2]


def test_batched_events_are_written_soon(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r-1")
    done = threading.Event()
    flush = writer._flush

    def flushed() -> None:
        flush()
        done.set()

    writer._flush = flushed
    writer.emit("task_log", task="model", line="a")
    assert done.wait(60)
    assert writer.written == 1
    writer.close()


@pytest.mark.parametrize(("seconds", "stuck"), [(0.0, False), (3.0, False), (3.1, True)])
def test_a_journal_is_stuck_when_nothing_was_written_for_three_seconds(
    seconds: float, stuck: bool, writer: JournalWriter, clock: Clock, tmp_path: Path
) -> None:
    assert not writer.stuck()
    (tmp_path / "journal").rename(tmp_path / "away")
    writer.emit("task_started", task="model")
    clock.sleep(seconds)
    writer.emit("task_started", task="code")
    assert writer.stuck() is stuck
    (tmp_path / "away").rename(tmp_path / "journal")
    assert not writer.stuck(), "it is tried again"
    assert writer.written == 2
    clock.sleep(10)
    assert not writer.stuck()


def test_the_space_that_is_put_by_is_given_back_at_the_end(writer: JournalWriter, tmp_path: Path) -> None:
    assert (tmp_path / "reserve").stat().st_size == 64 * 1024
    writer.close()
    assert not (tmp_path / "reserve").exists()
    again = JournalWriter(tmp_path, "r-1")
    assert (again.written, again.emit("run_resumed")["seq"]) == (0, 1)


# Reading


@pytest.mark.parametrize(
    ("after", "found"),
    [(0, [1, 2, 3, 4, 5]), (1, [2, 3, 4, 5]), (2, [3, 4, 5]), (3, [4, 5]), (4, [5]), (5, []), (9, [])],
)
def test_events_after_a_number(after: int, found: list[int], tmp_path: Path) -> None:
    lay(tmp_path, 1, 1, 2)
    lay(tmp_path, 3, 3)
    lay(tmp_path, 4, 4, 5)
    assert seqs(Journal(tmp_path).read(after)) == found


def test_only_the_files_that_are_needed_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(1, 6):
        lay(tmp_path, number, number)
    journal = Journal(tmp_path)
    journal.read()
    read: list[int] = []
    original = Journal._events
    monkeypatch.setattr(Journal, "_events", lambda self, first: read.append(first) or original(self, first))
    assert seqs(journal.read(3)) == [4, 5]
    assert read == [4], "the last file is known"


def test_without_events_there_is_no_last(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    assert (journal.read(), journal.last(), journal.finished()) == ([], None, False)
    lay(tmp_path, 1)
    assert (journal.read(), journal.last()) == ([], None)
    lay(tmp_path, 1, 1)
    assert journal.last() == {**FINDING, "seq": 1}


def test_the_last_event_is_found_before_an_empty_file(tmp_path: Path) -> None:
    lay(tmp_path, 1, 1, 2)
    lay(tmp_path, 3)
    journal = Journal(tmp_path)
    assert seqs([journal.last() or {"seq": 0}]) == [2]
    lay(tmp_path, 3, 3)
    assert seqs(journal.read(2)) == [3], "it was written again"


def test_other_files_are_no_events(tmp_path: Path) -> None:
    lay(tmp_path, 1, 1)
    for name in ("notes.jsonl", "00000002.json", ".00000002.jsonl.1.new", "x0000002.jsonl"):
        (tmp_path / "journal" / name).write_text('{"seq": 2}\n')
    first, last = (json.dumps({**FINDING, "seq": seq}) for seq in (1, 2))
    (tmp_path / "journal" / "00000001.jsonl").write_text(f'{first}\n[]\n{{"event": "no number"}}\n{last}\n')
    assert seqs(Journal(tmp_path).read()) == [1, 2]


@pytest.mark.parametrize(("seconds", "listed"), [(9.0, False), (10.0, False), (11.0, True)])
def test_the_folder_is_listed_again_after_ten_seconds(
    seconds: float, listed: bool, clock: Clock, tmp_path: Path
) -> None:
    """A file that does not follow the last one, as another writer left it, is found by listing only."""
    lay(tmp_path, 1, 1)
    journal = Journal(tmp_path)
    journal.read()
    lay(tmp_path, 5, 5)
    clock.sleep(seconds)
    assert seqs(journal.read()) == ([1, 5] if listed else [1])


@pytest.mark.parametrize(("seconds", "listed"), [(99.0, False), (101.0, True)])
def test_a_slow_folder_is_listed_less_often(
    seconds: float, listed: bool, clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Listing it takes two seconds here: then it is left alone for fifty times as long."""
    lay(tmp_path, 1, 1)
    journal = Journal(tmp_path)
    original = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", lambda path: clock.sleep(2.0) or original(path))
    journal.read()
    lay(tmp_path, 5, 5)
    clock.sleep(seconds)
    assert seqs(journal.read()) == ([1, 5] if listed else [1])


def test_a_file_that_grows_is_read_again(tmp_path: Path) -> None:
    lay(tmp_path, 1, 1)
    journal = Journal(tmp_path)
    assert seqs(journal.read()) == [1]
    lay(tmp_path, 1, 1, 2)
    assert seqs(journal.read(1)) == [2]
    lay(tmp_path, 3, 3)
    lay(tmp_path, 4, 4)
    assert seqs(journal.read(2)) == [3, 4]


# What no engine has written


@pytest.mark.parametrize(
    "event",
    [
        {"seq": None}, {"seq": "7"}, {"seq": True}, {"seq": 1e308}, {"seq": 0}, {"seq": 10**400 // 10**391},
        {"time": None}, {"time": 3}, {"time": "yesterday"}, {"run": None}, {"event": None},
        {"event": "task_log"}, {"event": "task_finished", "task": "model", "seconds": 1e308},
        {"event": "task_finished", "task": "model", "result": []},
        {"event": "traffic_shift", "task": "rollout", "before": {}},
        {"event": "traffic_shift", "task": "rollout", "before": {"blue": "x"}, "after": {}},
        {"event": "run_started", "tasks": [{"needs": []}]},
        {"event": "run_started", "tasks": [{"name": "model", "typical_seconds": "1"}]},
        {"event": "run_started", "tasks": {}},
        {"event": "needs_attention", "card": "x"},
        {"event": "task_intent", "task": "model"},
    ],
)  # fmt: skip
def test_an_event_of_other_types_is_skipped_and_the_next_one_is_read(event: dict[str, Any], tmp_path: Path) -> None:
    lay(tmp_path, 1, 1, 2)
    file = tmp_path / "journal" / "00000001.jsonl"
    last = json.dumps({**FINDING, "seq": 3})
    file.write_text(f"{file.read_text()}{json.dumps({**FINDING, 'seq': 2, **event})}\n{'[' * 200_000}\n{last}\n")
    assert seqs(Journal(tmp_path).read()) == [1, 2, 3]


def test_half_of_a_surrogate_pair_does_not_keep_back_later_events(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r-1")
    writer.emit("task_started", task="model", action="create", detail="caf\udce9")
    writer.emit("finding")
    assert writer.lost == 0
    writer.close()
    assert [event.get("detail") for event in Journal(tmp_path).read()] == ["caf?", None]


@pytest.mark.parametrize("name", ["run.json", "engine.json", "alive.json", "journal/00000001.jsonl"])
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "r-1"
    folder.mkdir()
    about = {"run": "r-1", "endpoint": "e", "deployment": "d", "started": "2026", "rehearsed": False}
    (folder / "run.json").write_text(json.dumps(about))
    lay(folder, 1, 1)
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    found = runs.read(folder)
    assert (found is None) is (name == "run.json")
    assert found is None or found.status == "interrupted"
