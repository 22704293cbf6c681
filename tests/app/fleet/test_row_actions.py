"""What is done from a row: dialogs that preview and confirm, and the way back to the same row."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.app.fleet.rows import DEGRADED, FAILING, SOME, WORKSPACES, Fleet, fleet
from tests.app.fleet.test_fleet_screen import filled, marked
from tests.app.panes import home, recorded_answers
from tests.app.scenes import choose
from tests.app.troubleshoot.test_troubleshoot import REPORT
from tui.app.endpoint_operations.removal_dialog import RemovalDialog
from tui.app.fleet.logs_dialog import LogsDialog
from tui.app.troubleshoot.screen import TroubleshootScreen
from tui.helper.client import HelperError
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

ENDPOINT = {
    "exists": True, "name": "pricing", "provisioning_state": "Succeeded", "traffic": {"blue": 90, "green": 10},
    "tags": {"aml-deploy-traffic-before": "blue=100"}, "scoring_uri": "https://pricing/score",
    "deployments": [
        {"name": name, "provisioning_state": "Succeeded", "instance_type": "Standard_D4as_v4", "instance_count": 2}
        for name in ("blue", "green")
    ],
}  # fmt: skip
DIFF = {
    "changes": [
        {"resource": "deployment", "name": "blue", "field": field, "before": before, "after": after, "by": by,
         "who": who, "when": when, "action": "change", "apply": False, "refused": ""}
        for field, before, after, by, who, when in (
            ("instance_count", 2, 5, "autoscale", "", ""),
            ("liveness_probe.period", 10, None, "hand", "bob@contoso.com", "2026-11-22T21:00:00Z"),
        )
    ],
    "reason": "",
}  # fmt: skip
HISTORY = {
    "entries": [
        {"time": "2026-11-20T09:00:00Z", "run": "20261120-090000-ab12", "by": "ann@contoso.com", "deployment": "blue",
         "action": "deploy", "status": "Succeeded", "plan_hash": "0123456789ab", "kept": True,
         "what": "Deployed blue."},
    ],
    "note": "The activity log reaches 90 days back.",
}  # fmt: skip


def answers(**more: Any) -> Fleet:
    """A fleet whose rows can be operated."""
    told: dict[str, Any] = {
        "troubleshoot": REPORT, "endpoint": ENDPOINT, "diff_of_endpoint": DIFF, "history": HISTORY,
        "traffic": {"before": {"blue": 90}, "after": {"blue": 100}},
        "inventory": {"items": [], "currency": "USD", "price_note": ""},
    }  # fmt: skip
    return Fleet([*WORKSPACES, *SOME], **{**told, **more})


def documents(fleet: Fleet, question: str) -> list[Any]:
    """The workspace and the endpoint that a question was about."""
    found = [with_["plan"]["document"] for name, with_ in fleet.asked if name == question]
    return [(one["workspace"]["name"], one["endpoint"]["name"]) for one in found]


async def test_troubleshooting_returns_to_the_row_the_filter_and_the_scroll_position() -> None:
    told = answers()
    async with fleet(told) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("slash", *"ws-", "enter", "down")
        await walk.sees("5 of 5 endpoints match")
        await walk.press("enter")
        await walk.until(lambda: isinstance(walk.app.screen, TroubleshootScreen), "the screen")
        await walk.sees("1 problem", "Back")
        assert documents(told, "troubleshoot") == [("ws-pricing", "pricing")]
        await walk.press("escape", "escape")
        await walk.until(lambda: walk.app.screen is screen, "back")
        assert marked(screen) == "pricing" and walk.focused == "fleet"
        await walk.sees("5 of 5 endpoints match")
        await walk.until(lambda: told.asked[-1][1].get("endpoints") == [DEGRADED["id"]], "the row is read again")
        await walk.press("enter")
        await walk.until(lambda: isinstance(walk.app.screen, TroubleshootScreen), "the screen")
        await walk.tab_to("home")
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen is screen, "back by the button")


async def test_traffic_is_previewed_and_confirmed_and_the_row_is_read_again() -> None:
    told = answers()
    async with fleet(told) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("down", "t")
        await walk.sees("Now     blue █████████░ 90 %  green █░░░░░░░░░ 10 %")
        await walk.press("left", "left", "tab", "tab")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.sees("Callers' traffic: blue 90 %, green 10 % →")
        assert walk.focused == "close" and not documents(told, "traffic")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.until(lambda: documents(told, "traffic") == [("ws-pricing", "pricing")], "it is changed")
        await walk.sees("✔ The traffic is now")
        await walk.press("escape")
        await walk.until(lambda: told.asked[-1][1].get("endpoints") == [DEGRADED["id"]], "the row is read again")


async def test_roll_back_begins_at_its_button_and_asks() -> None:
    from tui.plan.traffic import BEFORE_TAG  # the tag with the split before the last change

    told = answers(endpoint={**ENDPOINT, "tags": {BEFORE_TAG: "blue=100"}}, rollback={"after": {"blue": 100}})
    async with fleet(told) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("down", "r")
        await walk.until(lambda: walk.focused == "traffic-back", "the button")
        await walk.press("enter")
        await walk.sees("blue 90 %, green 10 % → blue 100 %")
        assert not documents(told, "rollback")


async def test_read_only_refuses_what_would_change_something() -> None:
    told = answers()
    async with fleet(told, readonly=True) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.sees("read-only")
        for key in ("t", "r", "x"):
            await walk.press(key)
            await walk.sees("! Read-only, by --readonly: nothing can be changed here.")
            assert walk.app.screen is screen
        await walk.press("enter")
        await walk.until(lambda: isinstance(walk.app.screen, TroubleshootScreen), "looking is allowed")
        store = walk.app.screen.store  # type: ignore[attr-defined]
        refused = await store.answer("apply_fix", action="set_traffic", arguments={})
        assert refused.error and refused.error.title == "Read-only"
        assert not [name for name, _ in told.asked if name == "apply_fix"]


async def test_read_only_stays_when_the_table_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.plain.ask_helper.import_endpoint", lambda *given: load("churn-xgboost"))
    told = answers(**recorded_answers().answers)
    async with fleet(told, readonly=True) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("enter")
        await walk.sees("read-only", "Findings")
        await walk.tab_to("home")
        await walk.press("enter", "i")
        await walk.sees("step 1 of 9", "read-only")
        await walk.to("review")
        await walk.sees("Ready, 1 warning")
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.sees("✖ Not deployed: Read-only, by --readonly: nothing can be changed here.")
        walk.app.go_home()
        await walk.sees("Presets", "read-only")
        await choose(walk, "Endpoints")
        await walk.sees("5 endpoints in 4 of 6 workspaces", "read-only")
        await walk.press("t")
        await walk.sees("! Read-only")


async def test_removal_shows_what_goes_first() -> None:
    told = answers()
    async with fleet(told) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("down", "x")
        await walk.until(lambda: isinstance(walk.app.screen, RemovalDialog), "the dialog")
        await walk.sees("Everything that aml-deploy created")
        assert walk.focused == "close"
        await walk.until(lambda: bool(documents(told, "inventory")), "it is asked what goes")
        asked = next(with_ for name, with_ in told.asked if name == "inventory")
        named = asked["plan"]["document"]["deployments"]
        assert [one["name"] for one in named] == ["blue", "green"]


async def test_differences_and_history_are_texts_to_copy() -> None:
    told = answers()
    async with fleet(told, size=(120, 40)) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("down", "d")
        by_hand = "by hand: bob@contoso.com, 2026-11-22 21:00:00 UTC"
        await walk.sees("deployment blue", "instance_count: 2 → 5", "by autoscale", "10 → not set", by_hand)
        await walk.press("escape", "h")
        await walk.sees(
            "Deployed blue.", "its plan is kept", "aml-deploy rollback", "--to 20261120-090000-ab12", "90 days back"
        )
        await walk.press("escape", "o")
        await walk.sees("https://ml.azure.com/endpoints/realtime/pricing/detail")
    assert documents(told, "diff_of_endpoint") == documents(told, "history") == [("ws-pricing", "pricing")]


async def test_a_refusal_of_azure_is_shown_whole() -> None:
    refused = HelperError("The identity has no permission", "It may not read.", "Ask for the role Reader.", "raw text")
    async with fleet(answers(history=refused)) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("h")
        await walk.sees("✖ The identity has no permission", "It may not read.", "Ask for the role Reader.", "raw text")


async def test_logs_of_all_containers_are_followed(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.fleet.logs_dialog.SECONDS", 0.2)
    contents = {"inference-server": ["one", "two"], "storage-initializer": ["downloaded"]}

    def log(with_: dict[str, Any]) -> Any:
        if with_["deployment"] == "green":
            return HelperError("The log cannot be read", "The deployment is being created.", "Wait.")
        return {"content": "\n".join(contents[with_["container"]])}

    async with fleet(answers(logs=log)) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("down", "l")
        await walk.until(lambda: isinstance(walk.app.screen, LogsDialog), "the dialog")
        await walk.sees("blue", "one", "two", "blue init", "downloaded", "✖ green init: The log cannot be read.")
        contents["inference-server"] = ["two", "three"]
        await walk.sees("three")
        assert walk.text().count("two") == 1, "tails are joined"
        await walk.tab_to("log-save")
        await walk.press("enter")
        await walk.until(lambda: (home / "log-pricing.txt").exists(), "the file")
        assert "three" in (home / "log-pricing.txt").read_text()


async def test_a_round_of_reading_logs_may_take_longer_than_the_time_between_two(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app.fleet.logs_dialog.SECONDS", 0.01)

    async def log(with_: dict[str, Any]) -> Any:
        await asyncio.sleep(0.1)
        return {"content": f"a line of {with_['deployment']} {with_['container']}"}

    told = answers()
    told.answers["logs"] = log
    async with fleet(told) as (walk, screen):
        await filled(walk, screen, 5)
        await walk.press("down", "l")
        await walk.sees("a line of blue inference-server", "a line of green storage-initializer")


async def test_home_and_the_troubleshoot_question_lead_to_the_fleet(home: Path) -> None:
    import os

    from tests.app.panes import Walk
    from tui.app.app import WizardApp

    app = WizardApp(environ=dict(os.environ), helper=answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Endpoints")
        await choose(walk, "Endpoints")
        await walk.sees("5 endpoints in 4 of 6 workspaces", FAILING["endpoint"][:12])
        await walk.press("escape", "enter")
        await walk.sees("Presets")
        await choose(walk, "Troubleshoot an endpoint")
        await walk.tab_to("all")
        await walk.press("enter")
        await walk.sees("5 endpoints in 4 of 6 workspaces")
