"""The load test with its results and plot."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tui.app.steps.test import load_test
from tui.app.steps.test.load_test import Tally
from tui.app.steps.test.load_test_dialog import LoadTestDialog
from tui.app.widgets.waiting import Said
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


class Calls:
    """Answers load tests in batches of ten calls; the fifth call of each batch is refused."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def __call__(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(asked)
        made = []
        for number in range(min(asked["count"], 10)):
            good = number != 4
            made.append({"status_code": 200 if good else 429, "latency_ms": 10.0 + number, "ok": good,
                         "deployment": "blue", "ended": 0.1})  # fmt: skip
        return {"calls": made, "seconds": 0.5, "first_bad": "Too many requests at once.", "error": None}


async def open_many(walk: Walk) -> None:
    """Open the load test dialog."""
    await walk.to("test")
    await walk.sees("JSON: 2 rows in data")
    await walk.tab_to("test-many")
    await walk.press("enter")
    await walk.sees("Load test", "Each call is a real request")


async def type_into(walk: Walk, wanted: str, text: str) -> None:
    """Replace a field's text."""
    await walk.tab_to(wanted)
    await walk.press("end", "ctrl+u", *text)


async def test_many_calls_give_percentiles_errors_by_status_and_a_plot() -> None:
    made = Calls()
    async with wizard(recorded_answers(burst=made)) as walk:
        await open_many(walk)
        await type_into(walk, "load-test-count", "40")
        await type_into(walk, "load-test-parallel", "4")
        await walk.tab_to("load-test-start")
        await walk.press("enter")
        screen = await walk.sees("40 calls, 4 concurrent, 4 failed: p50 15 ms, p95 19 ms, p99 19 ms", "200: 36, 429: 4")
        assert "blue: 40" in screen
        assert "Too many requests at once." in screen
        lines = (await walk.sees("over time", "how many calls")).splitlines()
        failed = next(line for line in lines if "✖ 4xx" in line)
        assert failed.count("✖") > 1 and failed.rstrip(" │").endswith("4"), "when, and how many"
        assert "•" not in failed
        assert any(line.rstrip(" │").endswith("p95 p99") for line in lines)
        assert [asked["count"] for asked in made.asked] == [40, 30, 20, 10]
        assert all(asked["parallel"] == 4 for asked in made.asked)
        await walk.tab_to("load-test-copy")
        await walk.press("enter")
        await walk.sees("already copied")
        assert "5\t429\t14.0\tblue\t0.100" in walk.app.clipboard
        await walk.press("escape", "escape")
        await walk.sees("! 40 calls, 4 concurrent, 4 failed")


async def test_a_load_test_is_cancelled_while_calls_are_under_way() -> None:
    answers = recorded_answers(burst=Calls())
    answers.hold("burst")
    async with wizard(answers) as walk:
        await open_many(walk)
        await walk.press("enter")
        await walk.sees("▸ 0 of 20", "Cancel")
        await walk.press("enter")
        await walk.sees("! No call was made", "Start")
        answers.release("burst")
        await walk.press("enter")
        await walk.sees("20 calls, 2 failed")


@pytest.mark.parametrize(("count", "parallel"), [("0", "1"), ("1001", "1"), ("x", "1"), ("10", "51"), ("", "1")])
def test_numbers_of_calls_that_cannot_be_are_refused(count: str, parallel: str) -> None:
    assert "must be a whole number from 1 to" in load_test.checked_numbers(count, parallel)[2]


def test_no_more_at_a_time_than_there_are_calls() -> None:
    assert load_test.checked_numbers("3", "10") == (3, 3, "")


async def test_a_load_test_that_cannot_begin_says_why() -> None:
    error = HelperError("The endpoint churn-endpoint-01 does not exist", "The workspace has none.", "Deploy it.")
    async with wizard(recorded_answers(burst=error)) as walk:
        await open_many(walk)
        await walk.press("enter")
        await walk.sees("✖ The endpoint churn-endpoint-01 does not exist", "The workspace")
        assert isinstance(walk.app.screen, LoadTestDialog)


def test_a_tally_counts_what_is_no_answer_and_what_only_looks_like_one() -> None:
    answer = {
        "calls": [{"status_code": None, "latency_ms": None, "ok": False},
                  {"status_code": 200, "latency_ms": 5.0, "ok": False, "deployment": "blue"}],
        "seconds": 1.0, "error": {"title": "No route", "cause": "The name is private"},
    }  # fmt: skip
    tally = Tally(10, 2).after(answer)
    rows = dict(tally.figures())
    assert rows["Status"] == "2.0 a second, 100 % failed; no response: 1, 200 with an error body: 1"
    assert "Latency" not in rows
    assert tally.in_words() == "✖ None of 2 calls, 2 concurrent succeeded"
    assert tally.left == 8


async def test_the_picture_is_drawn_again_when_the_terminal_is_resized_and_without_colour(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with wizard(recorded_answers(burst=Calls())) as walk:
        await open_many(walk)
        await walk.press("enter")
        small = await walk.sees("20 calls, 2 failed", "how many calls", "✖ 4xx", "• 1 call")
        await walk.pilot.resize_terminal(120, 40)
        await walk.until(lambda: walk.text().count("█") > small.count("█") > 2, "longer bars")


async def test_the_progress_stays_in_its_row_when_the_seconds_become_minutes() -> None:
    def batch(asked: dict[str, Any]) -> dict[str, Any]:
        answers.hold("burst")  # the next one
        slow = [{"status_code": 200, "latency_ms": 9000.0, "ok": True, "deployment": "blue", "ended": 9.0}] * 4
        return {"calls": slow, "seconds": 72.5, "first_bad": "", "error": None}

    answers = recorded_answers(burst=batch)
    async with wizard(answers) as walk:
        await open_many(walk)
        await type_into(walk, "load-test-count", "900")
        await walk.press("enter")
        await walk.sees("of 900, 0.1 a second")
        said = walk.app.screen.query_one("#said", Said)
        said._waiting._began -= 600  # ten minutes ago
        screen = await walk.sees(" 10 min ")
        row = next(line for line in screen.splitlines() if "of 900" in line)
        assert re.search(r"┄ 10 min \d\d s +│", row), "the seconds are not in the next row"
