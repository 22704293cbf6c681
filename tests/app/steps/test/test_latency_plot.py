"""The picture of a load test: when calls were slow or failed, and how many took how long."""

from __future__ import annotations

from typing import Any

import pytest

from tui.app.steps.test.latency_plot import bins, drawn
from tui.app.steps.test.load_test import Tally

pytestmark = pytest.mark.smoke


def tally(*calls: dict[str, Any], seconds: float = 10.0) -> Tally:
    good = {"status_code": 200, "latency_ms": 10.0, "ok": True, "deployment": "blue"}
    return Tally(len(calls), 1).after({"calls": [{**good, **call} for call in calls], "seconds": seconds})


def rows(made: Tally, width: int = 74, height: int = 14) -> dict[str, tuple[str, str]]:
    """What is drawn, by the name of the row: over time, and how many."""
    parts = [line.split("│") for line in drawn(made, width, height).plain.splitlines()]
    return {part[0].strip(): (part[1], part[2]) for part in parts if len(part) == 3}


def test_latencies_are_in_bins_of_equal_ratio_and_none_is_lost() -> None:
    made = tally(*({"latency_ms": 10.0 * 1.1**number, "ended": number / 5} for number in range(50)))
    found = rows(made)
    assert len(found) == 12
    counts = [int(right.split()[1]) for _, right in found.values()]
    assert sum(counts) == 50
    assert max(counts) - min(counts) <= 1, "a latency that grows by a ratio has as many calls in each bin"
    lowest = list(found)[-1]
    assert lowest == "10 ms"
    assert found[lowest][0].startswith("▒"), "the first calls were the fast ones"
    assert next(iter(found.values()))[0].endswith(("▒", "•"))


def test_the_rows_of_the_percentiles_are_named() -> None:
    made = tally(*({"latency_ms": 10.0 if number < 97 else 1000.0, "ended": 0.1 * number} for number in range(100)))
    assert rows(made)["10 ms"][1].endswith("p50 p95")
    assert next(iter(rows(made).values()))[1].endswith("p99")


def test_failures_are_told_apart_by_sign_kind_and_time() -> None:
    bad = {"ok": False}
    made = tally(
        {"ended": 0.1}, {**bad, "ended": 0.2}, {**bad, "status_code": 429, "ended": 5.0},
        {**bad, "status_code": 503, "ended": 9.9}, {**bad, "status_code": 504, "ended": 9.9},
        {**bad, "status_code": None, "latency_ms": None, "timed_out": True, "ended": 0.1},
        {**bad, "status_code": None, "latency_ms": None, "ended": 9.9},
    )  # fmt: skip
    found = rows(made)
    assert list(found)[1:] == ["✖ error body", "✖ 4xx", "✖ 5xx", "✖ timeout", "✖ no response"]
    width = len(found["✖ 4xx"][0])
    assert found["✖ error body"][0].index("✖") == 0
    assert found["✖ 4xx"][0].index("✖") == width // 2
    assert found["✖ 5xx"][0].index("✖") == width - 1
    assert found["✖ timeout"][0].count("✖") == 2
    assert [right.split()[-1] for _, right in list(found.values())[1:]] == ["1", "1", "1", "2", "1"]
    assert "timeout: 1" in dict(made.figures())["Status"]
    assert "85.7 % failed" in dict(made.figures())["Status"]


@pytest.mark.parametrize("size", [(74, 4), (40, 20), (0, 0)])
def test_nothing_is_drawn_where_there_is_no_room(size: tuple[int, int]) -> None:
    assert drawn(tally({"ended": 1.0}), *size).plain == ""


@pytest.mark.parametrize("size", [(74, 14), (60, 9), (114, 30)])
def test_no_line_is_longer_than_the_room(size: tuple[int, int]) -> None:
    made = tally(*({"latency_ms": 10.0 * 1.2**number, "ended": number / 5} for number in range(50)),
                 {"status_code": 500, "ok": False, "ended": 1.0})  # fmt: skip
    lines = drawn(made, *size).plain.splitlines()
    assert len(lines) <= size[1]
    assert max(map(len, lines)) <= size[0]


def test_each_row_of_latencies_has_a_name_of_its_own() -> None:
    made = tally(*({"latency_ms": 10.0 + number, "ended": 0.1 * number} for number in range(20)))
    names = [line.split("│")[0].strip() for line in drawn(made, 74, 20).plain.splitlines() if "│" in line]
    assert len(names) == len(set(names)) > 4


def test_latencies_that_are_all_alike_take_one_row() -> None:
    assert bins([10.0, 10.4], 12) == [10.0]
    assert bins([0.0, 0.05], 12) == [0.1], "nothing is faster than can be measured"
    assert list(rows(tally(*[{"ended": 1.0}] * 5))) == ["10 ms"]


def test_only_failures_are_drawn_too() -> None:
    assert list(rows(tally({"ok": False, "status_code": 500, "ended": 1.0}))) == ["✖ 5xx"]
