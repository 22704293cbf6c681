"""The journal: small files written whole, read as they come, cut short without harm."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.common.redact import learn
from tui.engine.container_log import LogFollower, Tail
from tui.engine.journal.journal import Journal, JournalWriter
from tui.engine.journal.run_view import RunView
from tui.engine.resume_state import resume_state


def write_a_run(folder: Path, lines: int = 5) -> None:
    writer = JournalWriter(folder, "r1")
    writer.emit("run_started", endpoint="churn", tasks=[{"name": "endpoint", "needs": []}], log="/l", rehearsed=True)
    writer.emit("task_started", task="endpoint", action="create", detail="churn")
    for number in range(lines):
        writer.emit("task_log", task="endpoint", line=f"line {number}", source="engine")
    writer.emit("task_finished", task="endpoint", status="succeeded", seconds=1.5, detail="", result={})
    writer.emit("run_finished", status="succeeded", endpoint="churn", scoring_uri="https://x/score", test=None)
    writer.close()


def test_events_come_back_in_order_and_by_number(tmp_path: Path) -> None:
    write_a_run(tmp_path)
    journal = Journal(tmp_path)
    events = journal.read()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert journal.read(after=events[3]["seq"]) == events[4:]
    assert journal.read(after=events[-1]["seq"]) == []
    assert journal.finished()


def test_a_second_writer_goes_on_counting(tmp_path: Path) -> None:
    write_a_run(tmp_path)
    last = Journal(tmp_path).read()[-1]["seq"]
    writer = JournalWriter(tmp_path, "r1")
    writer.emit("run_resumed")
    writer.close()
    assert Journal(tmp_path).read()[-1]["seq"] == last + 1
    assert not Journal(tmp_path).finished()


def test_the_last_file_cut_at_every_byte(tmp_path: Path) -> None:
    write_a_run(tmp_path)
    journal = Journal(tmp_path)
    whole = journal.read()
    last_file = sorted(journal.folder.glob("*.jsonl"))[-1]
    content = last_file.read_bytes()
    for length in range(len(content)):
        last_file.write_bytes(content[:length])
        events = journal.read()
        assert events == whole[: len(events)]
        assert len(events) >= len(whole) - content.count(b"\n")


def test_a_look_at_a_long_journal_does_not_read_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the number that comes next is looked for; a file that another writer left out is found later."""
    monkeypatch.setattr("tui.engine.journal.journal.RELIST_SECONDS", 3600.0)
    write_a_run(tmp_path)
    journal = Journal(tmp_path)
    seen = journal.read()
    writer = JournalWriter(tmp_path, "r1")
    listed: list[Path] = []
    monkeypatch.setattr(Path, "iterdir", lambda path: listed.append(path) or iter(()))
    for number in range(3):
        assert journal.read(after=seen[-1]["seq"]) == []
        writer.emit("task_started", task=f"t{number}", action="read", detail="")
        (new,) = journal.read(after=seen[-1]["seq"])
        assert (new["task"], journal.last()) == (f"t{number}", new)
        seen.append(new)
    assert journal.read() == seen
    assert journal.folder not in listed, "the folder was read again"
    writer.close()


def test_a_line_with_separators_of_its_own_is_one_event(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r1")
    text = "one\u2028two\x85three\rfour\nfive"
    writer.emit("task_log", task="model", line=text, source="engine")
    writer.close()
    assert [event["line"] for event in Journal(tmp_path).read()] == [text]


def test_progress_that_is_not_written_yet_is_replaced(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r1")
    for done in range(1000):
        writer.emit("task_progress", task="model", done=done, total=999, unit="bytes")
    writer.close()
    events = Journal(tmp_path).read()
    assert len(events) < 100
    assert events[-1]["done"] == 999


def test_a_view_is_folded_from_events(tmp_path: Path) -> None:
    write_a_run(tmp_path)
    view = RunView()
    for event in Journal(tmp_path).read():
        before = view
        view = view.fold(event)
        assert before.seq < view.seq
    assert view.status == "succeeded"
    assert view.task("endpoint").status == "succeeded"
    assert view.task("endpoint").last_line == "line 4"
    assert view.scoring_uri == "https://x/score"
    at_once = RunView().fold_all(Journal(tmp_path).read())
    assert at_once == view
    assert view.fold({"event": "of a later version", "seq": 99}).seq == 99


def test_new_lines_of_a_moving_tail() -> None:
    tail = Tail()
    assert tail.new(["a", "b", ""]) == ["a", "b"]
    assert tail.new(["a", "b", "c"]) == ["c"]
    assert tail.new(["b", "c", "d"]) == ["d"]
    assert tail.new(["b", "c", "d"]) == []
    assert tail.new(["x", "y"]) == ["x", "y"]


ANSWER = """Instance status:
SystemSetup: Succeeded
UserContainerStart: {state}

Container events:
Kind: Pod, Name: Pulled, Type: Normal, Time: 2025-11-04T09:35:39.114709Z, Message: Container image is pulled, whole
{event}
Container logs:
first
{line}
"""


def test_a_log_answer_is_followed_part_by_part() -> None:
    follower = LogFollower("inference-server")
    assert follower.new(ANSWER.format(state="Running", event="", line="")) == [
        ("service", "SystemSetup: Succeeded"),
        ("service", "UserContainerStart: Running"),
        ("service", "Pulled: Container image is pulled, whole"),
        ("container", "first"),
    ]
    probe = "Kind: Pod, Name: ReadinessProbeFailed, Type: Warning, Time: 2025-11-04T09:35:40Z, Message: statuscode: 502"
    assert follower.new(ANSWER.format(state="Failed", event=probe, line="second")) == [
        ("service", "UserContainerStart: Failed"),
        ("service", "Warning: ReadinessProbeFailed: statuscode: 502"),
        ("container", "second"),
    ]
    assert LogFollower("inference-server").new("Try again later.") == [("container", "Try again later.")]


def test_a_cut_journal_is_continued_without_a_gap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut at any byte of the last file the next writer goes on where what is whole ends."""
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # the cuts are made by hand here
    (tmp_path / "whole").mkdir()
    write_a_run(tmp_path / "whole")
    files = sorted((tmp_path / "whole" / "journal").glob("*.jsonl"))
    for length in range(files[-1].stat().st_size + 1):
        run = tmp_path / f"cut-{length}"
        (run / "journal").mkdir(parents=True)
        for path in files:
            (run / "journal" / path.name).write_bytes(path.read_bytes()[: length if path == files[-1] else None])
        (run / "journal" / f".{files[-1].name}.4711.new").write_bytes(files[-1].read_bytes()[:length])
        kept = Journal(run).read()
        writer = JournalWriter(run, "r1")
        writer.emit("run_resumed")
        writer.emit("task_log", task="endpoint", line="again", source="engine")
        writer.close()
        events = Journal(run).read()
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        assert events[: len(kept)] == kept
        assert [event["event"] for event in events[len(kept) :]] == ["run_resumed", "task_log"]
        assert not list((run / "journal").glob(".*")), "halves of a killed writer are cleared away"


def test_the_last_file_full_of_zeros(tmp_path: Path) -> None:
    """Some file systems bring back a file of the right length without its content."""
    write_a_run(tmp_path)
    last = sorted((tmp_path / "journal").glob("*.jsonl"))[-1]
    last.write_bytes(bytes(last.stat().st_size))
    kept = Journal(tmp_path).read()
    writer = JournalWriter(tmp_path, "r1")
    writer.emit("run_resumed")
    writer.close()
    assert [event["seq"] for event in Journal(tmp_path).read()] == list(range(1, len(kept) + 2))


def test_events_wait_in_memory_while_the_disk_takes_none(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r1")
    writer.emit("run_started", endpoint="churn")
    (tmp_path / "journal").rename(tmp_path / "away")
    lost = writer.emit("task_started", task="endpoint", action="create")
    assert writer.written < lost["seq"]
    (tmp_path / "away").rename(tmp_path / "journal")
    last = writer.emit("task_finished", task="endpoint", status="succeeded")
    assert writer.written == last["seq"]
    writer.close()
    assert [event["seq"] for event in Journal(tmp_path).read()] == [1, 2, 3]


def test_what_an_interrupted_run_had_begun_is_recalled(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r1")
    writer.emit("task_intent", task="endpoint", operation="create", resource_id="/e/churn")
    writer.emit(
        "task_operation", task="endpoint", resource_id="/e/churn", header="Azure-AsyncOperation", url="https://o"
    )
    writer.emit("task_intent", task="model", operation="register", resource_id="/m/churn")
    writer.emit("task_created", task="model", kind="model", name="churn:1")
    writer.emit("task_finished", task="model", status="succeeded")
    writer.emit("task_intent", task="deployment", operation="create", resource_id="/e/churn/deployments/blue")
    writer.emit("task_finished", task="deployment", status="cancelled")
    state = resume_state(Journal(tmp_path).read())
    assert state.begun["endpoint"].started == {"Azure-AsyncOperation": "https://o"}
    assert set(state.begun) == {"endpoint", "deployment"}, "what was stopped may go on in Azure"
    assert state.created == [("endpoint", "churn"), ("model", "churn:1"), ("deployment", "blue")]
    writer.emit("task_removed", task="deployment", kind="deployment", name="blue")
    writer.emit("task_finished", task="endpoint", status="failed")
    writer.close()
    state = resume_state(Journal(tmp_path).read())
    assert state.begun == {}
    assert state.created == [("endpoint", "churn"), ("model", "churn:1")]


def test_what_is_resumed_stays_whole_although_it_looks_like_a_secret_or_has_one_in_it(tmp_path: Path) -> None:
    learn("waterproof")
    resource = "/resourceGroups/rg-waterproof/onlineEndpoints/churn-waterproof"
    signed = f"https://o/odidp:1?t=638&c=MIIH&s={'AbCd' * 10}&h={'EfGh' * 10}"
    writer = JournalWriter(tmp_path, "r1")
    writer.emit("run_started", endpoint="churn-waterproof", workspace={"name": "ws-waterproof"}, principal="waterproof")
    writer.emit("task_intent", task="endpoint", operation="create", resource_id=resource)
    writer.emit("task_operation", task="endpoint", resource_id=resource, header="Location", url=signed)
    writer.emit("task_created", task="model", kind="model", name="waterproof:1")
    writer.close()
    events = Journal(tmp_path).read()
    state = resume_state(events)
    assert (state.begun["endpoint"].resource_id, state.begun["endpoint"].started) == (resource, {"Location": signed})
    assert state.created == [("endpoint", "churn-waterproof"), ("model", "waterproof:1")]
    assert (events[0]["workspace"], events[0]["principal"]) == ({"name": "ws-waterproof"}, "(hidden)")
