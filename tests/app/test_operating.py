"""Test: many calls with their figures and plot, the traffic with its sliders, and removing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.recorded import ENDPOINT_ANSWER
from tui.app import burst, shares
from tui.app.burst import Tally
from tui.app.removal import removals
from tui.app.screens.burst import BurstScreen
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

MADE = {"aml-deploy": "0.1.0"}


def deployment(name: str, count: int = 1, **more: Any) -> dict[str, Any]:
    """A deployment as the helper tells it."""
    return {
        "name": name, "provisioning_state": "Succeeded", "instance_type": "Standard_DS3_v2", "instance_count": count,
        "tags": MADE, **more,
    }  # fmt: skip


def endpoint(traffic: dict[str, int], **more: Any) -> dict[str, Any]:
    """An endpoint with blue and green."""
    return {
        **ENDPOINT_ANSWER, "name": "churn-endpoint-01", "location": "eastus2", "tags": MADE, "traffic": traffic,
        "deployments": [deployment("blue", 3), deployment("green")], **more,
    }  # fmt: skip


class Calls:
    """Answers bursts, ten calls a piece; the fifth call of each piece is refused."""

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
    """Open the screen for many calls."""
    await walk.to("test")
    await walk.sees("JSON: 2 rows in data")
    await walk.tab_to("test-many")
    await walk.press("enter")
    await walk.sees("Send many times", "Each is a real request")


async def type_into(walk: Walk, wanted: str, text: str) -> None:
    """Replace what a field holds."""
    await walk.tab_to(wanted)
    await walk.press("end", "ctrl+u", *text)


async def test_many_calls_give_percentiles_errors_by_status_and_a_plot() -> None:
    made = Calls()
    async with wizard(recorded_answers(burst=made)) as walk:
        await open_many(walk)
        await type_into(walk, "burst-count", "40")
        await type_into(walk, "burst-parallel", "4")
        await walk.tab_to("burst-start")
        await walk.press("enter")
        screen = await walk.sees("40 calls, 4 at a time, 4 failed: p50 15 ms, p95 19 ms, p99 19 ms", "200: 36, 429: 4")
        assert "blue: 40" in screen
        assert "Too many requests at once." in screen
        await walk.sees("┤", "•", "x: failed")
        assert [asked["count"] for asked in made.asked] == [40, 30, 20, 10]
        assert all(asked["parallel"] == 4 for asked in made.asked)
        await walk.tab_to("burst-copy")
        await walk.press("enter")
        await walk.sees("already copied")
        assert "5\t429\t14.0\tblue" in walk.app.clipboard
        await walk.press("escape", "escape")
        await walk.sees("! 40 calls, 4 at a time, 4 failed")


async def test_a_burst_is_cancelled_while_calls_are_under_way() -> None:
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
    assert "whole number from 1 to" in burst.judged(count, parallel)[2]


def test_no_more_at_a_time_than_there_are_calls() -> None:
    assert burst.judged("3", "10") == (3, 3, "")


async def test_a_burst_that_cannot_begin_says_why() -> None:
    error = HelperError("The endpoint churn-endpoint-01 does not exist", "The workspace has none.", "Deploy it.")
    async with wizard(recorded_answers(burst=error)) as walk:
        await open_many(walk)
        await walk.press("enter")
        await walk.sees("✖ The endpoint churn-endpoint-01 does not exist", "The workspace")
        assert isinstance(walk.app.screen, BurstScreen)


def test_a_tally_counts_what_is_no_answer_and_what_only_looks_like_one() -> None:
    answer = {
        "calls": [{"status_code": None, "latency_ms": None, "ok": False},
                  {"status_code": 200, "latency_ms": 5.0, "ok": False, "deployment": "blue"}],
        "seconds": 1.0, "error": {"title": "No route", "cause": "The name is private"},
    }  # fmt: skip
    tally = Tally(10, 2).after(answer)
    rows = dict(tally.figures())
    assert rows["Answers"] == "no answer: 1, 200 with an error text: 1"
    assert "Latency" not in rows
    assert tally.in_words() == "✖ None of 2 calls, 2 at a time was answered well"
    assert tally.left == 8


# Traffic


async def open_traffic(walk: Walk) -> None:
    """Open the screen with the sliders."""
    await walk.to("test")
    await walk.tab_to("test-traffic")
    await walk.press("enter")
    await walk.sees("Traffic", "Now")


async def test_sliders_keep_the_total_and_nothing_changes_before_apply() -> None:
    state = endpoint({"blue": 90, "green": 10})
    answers = recorded_answers(endpoint=lambda asked: state)
    shift = {"endpoint": "churn-endpoint-01", "before": {"blue": 90}, "after": {"blue": 80, "green": 20}}
    answers.answers["traffic"] = lambda asked: state["traffic"].update(asked["shares"]) or shift
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.press("left", "left")
        screen = await walk.sees("90 % → 80 %", "10 % → 20 %")
        assert "Apply   blue 80 %, green 20 %" in screen
        assert "traffic" not in dict(answers.asked)
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.sees("✔ The traffic is blue 80 %, green 20 % now.", "nothing was moved")
        assert dict(answers.asked)["traffic"]["shares"] == {"blue": 80, "green": 20}


async def test_roll_back_names_the_split_that_it_goes_to() -> None:
    tags = {**MADE, "aml-deploy-traffic-before": "blue=100"}
    shift = {"endpoint": "e", "before": {"green": 100}, "after": {"blue": 100}}
    answers = recorded_answers(endpoint=endpoint({"green": 100}, tags=tags), rollback=shift)
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.sees("Back to blue 100 %, the split before the last change")
        await walk.tab_to("traffic-back")
        await walk.press("enter")
        await walk.sees("✔ The traffic is blue 100 % now.")


async def test_a_refused_split_is_said_with_its_reason() -> None:
    refused = HelperError("The deployment green cannot take requests", "Its provisioning state is Failed.", "Mend it.")
    async with wizard(recorded_answers(endpoint=endpoint({"blue": 100}), traffic=refused)) as walk:
        await open_traffic(walk)
        await walk.press("left")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.sees("✖ The deployment green cannot take requests", "Mend it.", "100 % → 95 %")


@pytest.mark.parametrize(
    ("split", "name", "by", "after"),
    [
        ({"blue": 100, "green": 0}, "green", 1, {"blue": 95, "green": 5}),
        ({"blue": 97, "green": 3}, "green", 1, {"blue": 95, "green": 5}),
        ({"blue": 97, "green": 3}, "green", -1, {"blue": 100, "green": 0}),
        ({"blue": 100, "green": 0}, "blue", 1, {"blue": 100, "green": 0}),
        ({"a": 50, "b": 30, "c": 20}, "c", 1, {"a": 45, "b": 30, "c": 25}),
        ({"a": 5, "b": 5, "c": 90}, "c", 1, {"a": 0, "b": 5, "c": 95}),
        ({"only": 100}, "only", -1, {"only": 100}),
    ],
)
def test_moving_a_share_keeps_the_total_at_100(
    split: dict[str, int], name: str, by: int, after: dict[str, int]
) -> None:
    assert shares.moved(split, name, by) == after
    assert sum(after.values()) == 100


def test_where_nothing_is_sent_anywhere_everything_is_offered_to_the_plans_deployment() -> None:
    assert shares.begun({}, ["blue", "green"], "green") == {"blue": 0, "green": 100}
    assert shares.split_before({"aml-deploy-traffic-before": "blue=90,green=10"}) == {"blue": 90, "green": 10}
    assert shares.split_before({"aml-deploy-traffic-before": "nonsense"}) == {}


# Removing


async def test_removing_says_what_goes_and_stays_and_costs_and_asks_again() -> None:
    answers = recorded_answers(
        endpoint=endpoint({"blue": 90, "green": 10}),
        remove={"removed": ["deployment green"], "left": ["endpoint churn-endpoint-01", "deployment blue"]},
    )
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.tab_to("traffic-remove")
        await walk.press("enter")
        screen = await walk.sees("All that the plan made", "deployment blue, 3 × Standard_DS3_v2", "Price")
        assert "its 90 % of the requests, which go to green" in screen
        assert "USD an hour less" in screen
        assert walk.focused == "close"
        await walk.tab_to("remove-what")
        for key in ("enter", "down", "down", "enter"):
            await walk.press(key)
        await walk.sees("deployment green, 1 × Standard_DS3_v2")
        await walk.tab_to("remove-go")
        await walk.press("enter")
        await walk.sees("This cannot be undone", "Yes, remove it")
        assert walk.focused == "close"
        assert "remove" not in dict(answers.asked)
        await walk.tab_to("remove-go")
        await walk.press("enter")
        await walk.sees("✔ Removed: deployment green. Left: endpoint churn-endpoint-01")
        assert dict(answers.asked)["remove"]["deployment"] == "green"


def test_what_the_program_did_not_make_is_not_offered_with_the_plan() -> None:
    foreign = endpoint({"blue": 100}, deployments=[deployment("blue", tags={})])
    whole, alone = removals(foreign, "blue", "eastus2")
    assert "was not made by this program" in whole.refused
    assert not alone.refused
    assert "which nobody answers then" in " ".join(alone.goes)


def test_the_endpoint_goes_with_its_last_deployment() -> None:
    whole = removals(endpoint({"blue": 100}, deployments=[deployment("blue", 2)]), "blue", "eastus2")[0]
    assert any(line.startswith("endpoint churn-endpoint-01") for line in whole.goes)
    assert whole.price.startswith("0.46 USD an hour less.")
    nowhere = removals(endpoint({"blue": 100}, deployments=[deployment("blue", 2)]), "blue")[0]
    assert "not known" in nowhere.price
