"""An operator's stories, from the fleet alone, by keyboard at 80×24: a real helper against a rehearsal with a fleet."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.app.fleet.test_fleet_screen import marked
from tests.app.panes import Walk
from tests.conftest import rehearsal_command
from tests.rehearsal.arm_client import Arm
from tui.app.app import WizardApp
from tui.app.endpoint_operations.removal_dialog import RemovalDialog
from tui.app.endpoint_operations.traffic_dialog import TrafficDialog
from tui.app.fleet.logs_dialog import LogsDialog
from tui.app.fleet.screen import FleetScreen
from tui.app.troubleshoot.screen import TroubleshootScreen
from tui.app.widgets.log_view import LogView
from tui.helper import fleet_report as words

NUMBER = 100
Row = dict[str, Any]


class Place:
    """A rehearsal with a fleet, 100 ms a request, and Resource Manager's limits of reads."""

    def __init__(self, home: dict[str, str]) -> None:
        options = ("--fleet", str(NUMBER), "--latency", "100", "--scenario", "read-limits")
        made = rehearsal_command("env", "--json", *options, env=home)
        assert made.returncode == 0, made.stderr
        self.home, told = home, json.loads(made.stdout)
        self.env = {name: value for name, value in home.items() if name not in told["unset"]} | told["set"]
        self.arm = Arm(self.env, told["url"])

    def azure(self, endpoint: Row) -> Row:
        """What Azure tells of an endpoint."""
        return dict(self.arm.call("GET", endpoint["id"]).json())


@pytest.fixture(scope="module")
def place(rehearsal_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    found = Place({**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path_factory.mktemp("stories"))})
    yield found
    assert rehearsal_command("stop", env=found.home).returncode == 0


@asynccontextmanager
async def operator(
    place: Place, monkeypatch: pytest.MonkeyPatch, *workspaces: str, readonly: bool = False
) -> AsyncIterator[tuple[Walk, FleetScreen]]:
    """The screen with the endpoints of some workspaces (default: shop-prod), all of them read."""
    monkeypatch.setenv("AML_DEPLOY_HOME", place.home["AML_DEPLOY_HOME"])
    screens: list[FleetScreen] = []

    def begin(app: WizardApp) -> None:
        screens.append(app.fleet(workspaces=workspaces or ("shop-prod",)))

    app = WizardApp(environ=place.env, rehearse=True, begin=begin)
    app.readonly = readonly
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: screens and screens[0].is_mounted, "the screen")
        await walk.until(lambda: screens[0]._read_at, "all is read", 120)
        yield walk, screens[0]


async def to(walk: Walk, screen: FleetScreen, wanted: Callable[[Row], Any]) -> Row:
    """Filter for the first endpoint of this kind, and go to it."""
    row = next(dict(one) for one in words.order(screen.rows.values()) if wanted(one))
    await walk.press("slash", *row["endpoint"], "enter")
    await walk.until(lambda: len(screen.table.rows) == 1 and marked(screen) == row["endpoint"], "the filter")
    return row


async def sorted_by(walk: Walk, screen: FleetScreen, key: str) -> list[Row]:
    """Choose the column by arrow, and sort by it."""
    for _ in words.COLUMNS:
        if screen.table.column == key:
            break
        await walk.press("right")
    await walk.press("s")
    await walk.sees(f"▼{words.TITLES[key]}")
    assert screen.marked is screen.table.rows[0], "the first is explained"
    return [dict(one) for one in screen.table.rows]


async def confirm(walk: Walk, button: str, question: str) -> None:
    """Press a button, see what it changes, and confirm that; a second Enter would have closed the dialog."""
    await walk.tab_to(button)
    await walk.press("enter")
    await walk.sees(question)
    assert walk.focused == "close"
    await walk.tab_to(button)
    await walk.press("enter")


def failed_with_traffic(row: Row) -> bool:
    return any(one["state"] == "Failed" and one["traffic"] for one in row["deployments"] or ())


async def test_which_endpoint_is_failing_and_why_and_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch) as (walk, screen):
        assert (screen.marked or {})["health"] == "failing", "the worst is under the cursor at once"
        row = await to(walk, screen, failed_with_traffic)
        await walk.sees("failing: 100 % of the traffic goes to blue, whose state is Failed.")
        await walk.press("enter")
        await walk.until(lambda: isinstance(walk.app.screen, TroubleshootScreen), "the screen")
        await walk.sees("The deployment blue failed.", "which cannot answer")
        await walk.press("enter")
        await walk.sees("Why", "RuntimeError: the model could not be loaded", "What to do")
        await walk.press("escape", "escape", "escape")
        await walk.until(lambda: walk.app.screen is screen, "back")
        assert marked(screen) == row["endpoint"] and walk.focused == "fleet"
        await walk.sees(f"1 of {len(screen.rows)} endpoints match the filter")


async def test_its_log_is_followed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch) as (walk, screen):
        await to(walk, screen, failed_with_traffic)
        await walk.press("l")
        await walk.until(lambda: isinstance(walk.app.screen, LogsDialog), "the dialog")
        dialog = walk.app.screen
        assert isinstance(dialog, LogsDialog)
        await walk.sees("RuntimeError: the model could not be loaded", "Follow: on", "Azure gives the last 300 lines")
        log = dialog.query_one(LogView)
        assert {"blue", "blue init"} <= {one.task for one in log.lines}, "both containers"
        before = len(log.lines)
        await walk.until(lambda: len(log.lines) > before, "the script fails again, and that is added")
        await walk.press("escape")
        await walk.until(lambda: walk.app.screen is screen, "back")


async def test_traffic_is_shifted_to_what_answers(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch) as (walk, screen):
        row = await to(walk, screen, lambda one: one["traffic"] == {"red": 100})
        await walk.press("t")
        await walk.until(lambda: isinstance(walk.app.screen, TrafficDialog), "the dialog")
        await walk.until(lambda: walk.app.screen.query("ShareRow"), "the deployments")
        await walk.press("end")
        await confirm(walk, "traffic-apply", "red 100 % → blue 100 %. Change it?")
        await walk.sees("✔ The traffic is now blue 100 %.")
        await walk.press("escape")
        await walk.until(lambda: screen.rows[row["id"]]["traffic"] == {"blue": 100}, "the row is read again")
        await walk.until(lambda: "traffic: red 100 % → blue 100 %" in " ".join(walk.text().split()), "the change")
        assert screen.rows[row["id"]]["health"] != "failing"
        assert place.azure(row)["properties"]["traffic"] == {"blue": 100}


async def test_a_split_is_rolled_back(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch) as (walk, screen):
        row = await to(walk, screen, lambda one: one["traffic"] == {"blue": 90, "green": 10})
        await walk.press("r")
        await walk.sees("no earlier split is known")
        assert walk.focused not in ("traffic-back", "traffic-apply")
        await walk.until(lambda: walk.app.screen.query("ShareRow"), "the deployments")
        await walk.press("end")
        await confirm(walk, "traffic-apply", "blue 90 %, green 10 % → blue 100 %. Change it?")
        await walk.sees("✔ The traffic is now blue 100 %.")
        await walk.press("escape")
        await walk.until(lambda: screen.rows[row["id"]]["traffic"] == {"blue": 100}, "the row is read again")
        await walk.press("r")
        await walk.until(lambda: walk.focused == "traffic-back", "the button")
        await confirm(walk, "traffic-back", "blue 100 % → blue 90 %, green 10 %. Change it?")
        await walk.sees("✔ The traffic is now blue 90 %, green 10 %.")
        await walk.press("escape")
        await walk.until(lambda: screen.rows[row["id"]]["traffic"] == row["traffic"], "the row is read again")
        assert place.azure(row)["properties"]["traffic"] == row["traffic"]


async def test_who_changed_it_and_what_is_known_of_its_plan(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch, "shop-test") as (walk, screen):
        row = await to(walk, screen, lambda one: one["drift"] == "changed")
        await walk.sees("* " if row["changed"] else "Drift", "changed since")
        await walk.press("h")
        await walk.sees(f"History of {row['endpoint']}", f"by {row['changed_by']}", row["changed_at"][:10])
        await walk.press("escape", "d")
        await walk.sees(f"Changes of {row['endpoint']}", "No plan is kept in the workspace")
        await walk.press("escape")
        await walk.until(lambda: walk.app.screen is screen, "back")


async def test_what_ends_costs_most_and_has_old_keys_comes_first(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch, "shop-prod", "forecast") as (walk, screen):
        costs = [row["cost_per_hour"] for row in await sorted_by(walk, screen, "cost_per_hour")]
        known = [cost for cost in costs if cost is not None]
        assert known and costs == sorted(known, reverse=True) + [None] * (len(costs) - len(known))
        ends = [row["ends"] for row in await sorted_by(walk, screen, "ends")]
        dates = [found[0]["date"] for found in ends if found]
        assert dates == sorted(dates) and dates and all(ends[: len(dates)])
        await walk.sees(dates[0], "retires")
        ages = [(row["key_age_days"], row["why"].get("key_age_days", "")) for row in
                await sorted_by(walk, screen, "key_age_days")]  # fmt: skip
        assert ages[0][0] is None and "older than the activity log" in ages[0][1], "older than all that are known"
        days = [age for age, _ in ages if age is not None]
        assert days == sorted(days, reverse=True)
        assert ages[-1][0] is not None or "older" not in ages[-1][1], "unknown for another reason is last"
        await walk.sees("Key age")


async def test_a_workspace_that_hangs_and_one_that_refuses(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("shop-test", "risk-archive", "partners")
    monkeypatch.setenv("AML_DEPLOY_HOME", place.home["AML_DEPLOY_HOME"])
    screens: list[FleetScreen] = []
    app = WizardApp(environ=place.env, rehearse=True, begin=lambda app: screens.append(app.fleet(workspaces=names)))
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: screens and screens[0].is_mounted, "the screen")
        await walk.until(lambda: [one for one in screens[0].rows.values() if not one["pending"]], "complete rows")
        assert screens[0]._reading, "nobody waits for the workspace that hangs"
        await walk.press("down", "slash", *"shop-test", "enter")
        await walk.sees("match the filter")
        await walk.press("escape")
        await walk.sees("in 1 of 3 workspaces, read ", "Not read (2)")
        await walk.press("u")
        await walk.sees("risk-archive", "did not answer", "10 seconds", "partners", "needs the role Reader")
        await walk.press("escape")
        lost = await to(walk, screens[0], lambda one: one["workspace"] == "risk-archive")
        assert lost["health"] == "unreachable"
        await walk.sees("✖ unreachable", "unknown")


async def test_a_half_made_endpoint_is_removed(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch) as (walk, screen):
        row = await to(walk, screen, lambda one: one["deployments"] == [] and one["state"] == "Succeeded")
        await walk.sees("It has no deployment.")
        await walk.press("x")
        await walk.until(lambda: isinstance(walk.app.screen, RemovalDialog), "the dialog")
        await walk.sees("Everything that aml-deploy created", f"endpoint {row['endpoint']}", "Nothing has been removed")
        assert walk.focused == "close"
        await confirm(walk, "remove-go", "This cannot be undone.")
        await walk.sees(f"✔ Removed: endpoint {row['endpoint']}.")
        await walk.press("escape")
        await walk.until(lambda: row["id"] not in screen.rows, "it is gone from the table")
        assert place.arm.call("GET", row["id"]).status_code == 404


async def test_what_another_tool_made_is_not_removed_but_becomes_a_plan(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with operator(place, monkeypatch) as (walk, screen):
        row = await to(walk, screen, lambda one: one["drift"] == "no plan" and one["endpoint_kind"] == "Managed")
        await walk.press("x")
        await walk.sees("this program did not make it", "! Nothing would be removed")
        await walk.press("escape", "i")
        await walk.sees("Imported with omissions", "sample request")
        await walk.press("escape")
        await walk.sees("step 1 of 9")
        assert walk.store.document.value("endpoint.name") == row["endpoint"]
        assert walk.store.document.value("workspace.name") == "shop-prod"


async def test_traffic_and_removal_know_that_there_is_no_plan(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch, "forecast") as (walk, screen):
        await to(walk, screen, lambda one: len(one["deployments"] or ()) > 1 and one["health"] == "healthy")
        await walk.press("t")
        await walk.until(lambda: walk.app.screen.query("ShareRow"), "the deployments")
        await walk.tab_to("traffic-remove")
        await walk.press("enter")
        screen_text = await walk.sees("Everything that aml-deploy created", "deployment green", "Price")
        assert "plan's" not in screen_text


async def test_a_readonly_session_changes_nothing(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    async with operator(place, monkeypatch, readonly=True) as (walk, screen):
        await walk.sees("read-only")
        for button, key in (("do-traffic", "t"), ("do-back", "r"), ("do-remove", "x")):
            await walk.press(key)
            await walk.sees("! Read-only")
            await walk.tab_to(button)
            await walk.press("enter")
            assert walk.app.screen is screen
            screen.table.focus()
        await to(walk, screen, failed_with_traffic)
        await walk.press("enter")
        await walk.sees("The deployment blue failed.")
        await walk.press("escape", "escape")
        await walk.until(lambda: walk.app.screen is screen, "back")
