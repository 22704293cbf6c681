"""The file of calls: appended to by many processes, renamed at its limit, read while it grows."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tui.common import call_log, redact

WRITES = """
import sys
from tui.common import call_log
call_log.LIMIT = int(sys.argv[2])
call_log.begin(sys.argv[1])
for number in range(400):
    call_log.write({"number": number, "command": "x" * 300})
"""


@pytest.fixture(autouse=True)
def begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "cache"))
    call_log.begin("run-1")
    yield
    call_log.begin("")


def numbers(calls: list[dict[str, object]]) -> list[object]:
    return [call["number"] for call in calls]


def test_nothing_is_written_by_a_process_that_did_not_begin() -> None:
    call_log.begin("")
    call_log.write({"number": 1})
    assert not call_log.path().exists()


def test_only_the_user_may_read_it() -> None:
    call_log.write({"number": 1})
    assert call_log.path().stat().st_mode & 0o777 == 0o600
    assert call_log.path().parent.stat().st_mode & 0o777 == 0o700


def test_a_link_in_its_place_is_not_written_to(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("kept")
    call_log.path().parent.mkdir()
    call_log.path().symlink_to(other)
    call_log.write({"number": 1})
    assert other.read_text() == "kept"


def test_what_cannot_be_written_is_left_out(tmp_path: Path) -> None:
    call_log.write({"number": 0, "url": "\udcff"})
    assert numbers(call_log.Reader(call_log.path()).new()) == [0], "with another character"
    shutil.rmtree(tmp_path / "cache")
    (tmp_path / "cache").write_text("a file")
    call_log.write({"number": 1})


def test_known_secrets_and_logins_are_hidden() -> None:
    redact.learn("planted~secret~0001")
    call_log.write(
        {"url": "https://me:pass@pypi.corp/simple/planted~secret~0001/", "command": "curl planted~secret~0001"}
    )
    (call,) = call_log.Reader(call_log.path()).new()
    assert (call["url"], call["command"]) == ("https://pypi.corp/simple/(hidden)/", "curl (hidden)")


def test_a_reader_begins_with_the_latest_and_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = call_log.Reader(call_log.path())
    assert reader.new() == []
    for number in range(2):
        call_log.write({"number": number})
    assert numbers(reader.new()) == [0, 1]
    assert reader.new() == []
    call_log.write({"number": 2})
    assert numbers(reader.new()) == [2]
    monkeypatch.setattr(call_log, "_TAIL", 2 * call_log.path().stat().st_size // 3 + 9)
    assert numbers(call_log.Reader(call_log.path()).new()) == [1, 2]


def test_a_reader_takes_a_line_only_when_it_is_whole_and_skips_a_broken_one() -> None:
    call_log.write({"number": 0})
    reader = call_log.Reader(call_log.path())
    reader.new()
    with call_log.path().open("a") as file:
        file.write('{"number":')
        file.flush()
        assert reader.new() == []
        file.write(' 1}\nhalf a li\n[1]\n{"number": 2}\n')
    assert numbers(reader.new()) == [1, 2]


def test_a_reader_misses_nothing_when_the_file_is_renamed(monkeypatch: pytest.MonkeyPatch) -> None:
    call_log.write({"number": 0})
    reader = call_log.Reader(call_log.path())
    assert numbers(reader.new()) == [0]
    call_log.write({"number": 1})
    monkeypatch.setattr(call_log, "LIMIT", 10)
    call_log.write({"number": 2})
    assert not call_log.path().exists()
    assert numbers(reader.new()) == [1, 2]
    monkeypatch.setattr(call_log, "LIMIT", 1000)
    call_log.write({"number": 3})
    assert numbers(reader.new()) == [3]


def test_a_file_that_another_process_has_just_renamed_is_not_renamed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    new, old = call_log.path(), call_log.path().with_suffix(".1.log")

    def faster(descriptor: int, how: int) -> None:
        new.replace(old)
        new.write_text("new")

    monkeypatch.setattr(call_log.fcntl, "flock", faster)
    monkeypatch.setattr(call_log, "LIMIT", 10)
    call_log.write({"number": 0})
    assert new.read_text() == "new" and numbers(call_log.Reader(old).new()) == [0]


def test_four_processes_lose_no_line_and_mix_none() -> None:
    names = [f"run-{number}" for number in range(4)]
    limit = 400 * 4 * 380 * 2 // 3  # it is renamed once while they write
    writers = [subprocess.Popen([sys.executable, "-c", WRITES, name, str(limit)]) for name in names]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    old, new = call_log.path().with_suffix(".1.log"), call_log.path()
    calls = [json.loads(line) for path in (old, new) for line in path.read_text().splitlines()]
    for name in names:
        assert numbers([call for call in calls if call["source"] == name]) == list(range(400))
