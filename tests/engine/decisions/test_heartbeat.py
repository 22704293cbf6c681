"""Which heartbeats are believed, how long another machine is waited for, and who goes on after a takeover."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Callable

import pytest

from tests.engine.decisions.plain_run import Clock
from tui.engine import heartbeat_and_takeover as heart
from tui.engine.heartbeat_and_takeover import FILE, STOP_FILE, Beat, Heart, elsewhere, last_beat, observed_elsewhere

THEIRS = "cluster-2 boot"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(heart, "time", made)
    return made


def write(
    folder: Path, clock: Clock, ago: float = 0.0, machine: str = THEIRS, count: int = 1, token: str = "t"
) -> None:
    about = {"machine": machine, "host": machine.split()[0], "pid": 7, "token": token, "count": count}
    (folder / FILE).write_text(json.dumps({**about, "time": clock.now - ago}))


@pytest.mark.parametrize(
    ("ago", "fresh"),
    [(0.0, True), (29.9, True), (30.0, False), (30.1, False), (-29.9, True), (-30.0, False), (3600.0, False)],
)
def test_a_beat_is_fresh_for_half_a_minute_in_both_directions(ago: float, fresh: bool, clock: Clock) -> None:
    """The other machine's clock may be ahead."""
    assert Beat("m", "h", 1, "t", 1, clock.now - ago).fresh is fresh


@pytest.mark.parametrize("machine", ["a before", THEIRS, "z after"])
def test_only_other_machines_are_elsewhere(machine: str, tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock, machine=machine)
    assert elsewhere(tmp_path) is not None
    write(tmp_path, clock, machine=heart.this_machine())
    assert elsewhere(tmp_path) is None
    assert observed_elsewhere(tmp_path) is None
    write(tmp_path, clock, machine=machine, ago=31)
    assert elsewhere(tmp_path) is None


@pytest.mark.parametrize("without", ["machine", "host", "pid", "token", "count", "time"])
def test_a_beat_that_lacks_something_is_none(without: str, tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock)
    about = json.loads((tmp_path / FILE).read_text())
    del about[without]
    (tmp_path / FILE).write_text(json.dumps(about))
    assert last_beat(tmp_path) is None


def test_this_machine_is_told_from_its_former_boot() -> None:
    host, _, boot = heart.this_machine().partition(" ")
    assert host
    if Path("/proc/sys/kernel/random/boot_id").exists():
        assert boot == Path("/proc/sys/kernel/random/boot_id").read_text().strip()


# Waiting for another beat


def asleep(clock: Clock, monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[float], None]) -> None:
    """What happens while this machine waits; the seconds waited so far are given."""
    began = clock.now
    sleep = clock.sleep

    def slept(seconds: float) -> None:
        sleep(seconds)
        meanwhile(clock.now - began)

    monkeypatch.setattr(clock, "sleep", slept)


def test_a_fresh_beat_is_not_waited_for(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock)
    told: list[str] = []
    assert observed_elsewhere(tmp_path, told.append) is not None
    assert (told, clock.now) == ([], 1000.0)


def test_an_old_beat_is_waited_for_eleven_seconds(tmp_path: Path, clock: Clock) -> None:
    write(tmp_path, clock, ago=3600)
    told: list[str] = []
    assert observed_elsewhere(tmp_path, told.append) is None
    assert told == ["cluster-2"]
    assert clock.now == 1011.0


def test_another_beat_meanwhile_is_an_engine_that_lives(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, clock, ago=3600)
    asleep(clock, monkeypatch, lambda waited: write(tmp_path, clock, 3600, count=2) if waited == 5 else None)
    found = observed_elsewhere(tmp_path)
    assert found is not None and found.count == 2
    assert clock.now == 1005.0


def test_an_engine_that_reports_its_end_is_not_waited_for(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, clock, ago=3600)
    asleep(clock, monkeypatch, lambda waited: (tmp_path / FILE).unlink() if waited == 1 else None)
    assert observed_elsewhere(tmp_path) is None
    assert clock.now == 1001.0


# Taking over


def begun(folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Heart, Beat | None]:
    """A heart that has begun, without the thread that beats."""
    monkeypatch.setattr(Heart, "_go_on", lambda self: None)
    made = Heart(folder)
    return made, made.begin()


def test_the_first_engine_begins_at_once(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / STOP_FILE).touch()
    _, other = begun(tmp_path, monkeypatch)
    beat = last_beat(tmp_path)
    assert other is None and beat is not None
    assert (beat.machine, beat.count, beat.time, clock.now) == (heart.this_machine(), 1, 1000.0, 1000.0)
    assert not (tmp_path / STOP_FILE).exists(), "it was asked of an earlier engine"


def test_an_engine_elsewhere_keeps_its_run(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, clock)
    _, other = begun(tmp_path, monkeypatch)
    assert other is not None and other.host == "cluster-2"
    assert last_beat(tmp_path) == other, "nothing was written over it"


def test_a_former_engine_of_this_machine_is_not_waited_for(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, clock, machine=heart.this_machine())
    _, other = begun(tmp_path, monkeypatch)
    assert (other, clock.now) == (None, 1000.0)


def test_after_another_machines_engine_a_moment_is_waited(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, clock, ago=3600)
    _, other = begun(tmp_path, monkeypatch)
    assert (other, clock.now) == (None, 1011.0 + 2.0)


def test_of_two_takeovers_at_once_the_later_one_goes_on(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, clock, ago=3600)
    asleep(clock, monkeypatch, lambda waited: write(tmp_path, clock, machine="third boot") if waited > 11 else None)
    _, other = begun(tmp_path, monkeypatch)
    assert other is not None and other.host == "third"


def test_the_end_removes_only_the_own_beat(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    made, _ = begun(tmp_path, monkeypatch)
    write(tmp_path, clock)
    made.end()
    assert (tmp_path / FILE).exists()
    made, _ = begun(tmp_path / "..", monkeypatch)
    made.end()
    assert not (tmp_path / ".." / FILE).exists()
    made.end()


# Beating


class Ticks:
    """Stands for the event that ends the beating: each wait is a second, and after `count` of them it ends."""

    def __init__(self, clock: Clock, count: int, each: Callable[[int], None] = lambda number: None) -> None:
        self.clock, self.left, self.each, self.number = clock, count, each, 0

    def wait(self, seconds: float) -> bool:
        if not self.left:
            return True
        self.left -= 1
        self.number += 1
        self.clock.sleep(seconds)
        self.each(self.number)
        return False


def beating(
    folder: Path, clock: Clock, seconds: int, each: Callable[[int], None] = lambda number: None, **more: Any
) -> Heart:
    made = Heart(folder, **more)
    made._beat()
    made._ended = Ticks(clock, seconds, each)
    made._go_on()
    return made


@pytest.mark.parametrize(("seconds", "count"), [(4, 1), (5, 2), (9, 2), (10, 3), (30, 7)])
def test_it_beats_every_five_seconds(seconds: int, count: int, tmp_path: Path, clock: Clock) -> None:
    beating(tmp_path, clock, seconds)
    beat = last_beat(tmp_path)
    assert beat is not None and beat.count == count


def test_a_request_to_stop_is_heeded_within_a_second_and_once(tmp_path: Path, clock: Clock) -> None:
    stops: list[float] = []

    def each(number: int) -> None:
        if number == 3:
            heart.ask_to_stop(tmp_path)

    beating(tmp_path, clock, 8, each, stop=lambda: stops.append(clock.now))
    assert stops == [1003.0]
    assert not (tmp_path / STOP_FILE).exists()


class Ended(Exception):
    """The process has ended."""


OWN = "0123456789abcdef"


@pytest.mark.parametrize(
    ("ago", "token", "ends"), [(0.0, "another", True), (31.0, "another", False), (0.0, OWN, False), (0.0, "", True)]
)
def test_a_run_that_another_machine_has_resumed_is_left_to_it(
    ago: float, token: str, ends: bool, tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes: list[int] = []

    def exit_(code: int) -> None:
        codes.append(code)
        raise Ended

    monkeypatch.setattr(heart.os, "_exit", exit_)
    monkeypatch.setattr(heart.os, "urandom", lambda length: bytes.fromhex(OWN))

    def each(number: int) -> None:
        if number == 4:
            write(tmp_path, clock, ago=ago - 1.0, token=token)

    if ends:
        with pytest.raises(Ended):
            beating(tmp_path, clock, 12, each)
        assert clock.now == 1005.0
    else:
        beating(tmp_path, clock, 12, each)
        beat = last_beat(tmp_path)
        assert beat is not None and beat.token == OWN
    assert codes == [5] * ends


def test_a_beat_that_cannot_be_written_does_not_end_it(tmp_path: Path, clock: Clock) -> None:
    beating(tmp_path / "gone", clock, 6)
    assert last_beat(tmp_path / "gone") is None


def test_the_beating_does_not_keep_the_process_alive(tmp_path: Path) -> None:
    made = Heart(tmp_path)
    assert made.begin() is None
    (thread,) = (one for one in threading.enumerate() if one.name == "heartbeat" and one.daemon)
    made.end()
    thread.join()
