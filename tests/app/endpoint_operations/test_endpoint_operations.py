"""The traffic sliders, removal and keys."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import VARIABLES, Walk, home, recorded_answers, wizard
from tests.app.recorded import ENDPOINT_ANSWER, Answers
from tui.app.endpoint_operations import traffic_shares
from tui.app.endpoint_operations.removal import choices, removal
from tui.common.write_atomic import write_atomic
from tui.engine.journal.journal import JournalWriter
from tui.engine.journal.runs import write_engine
from tui.helper.client import HelperError
from tui.plan.traffic import from_tag

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

MADE = {"aml-deploy": "0.1.0"}


def deployment(name: str, count: int = 1, **more: Any) -> dict[str, Any]:
    """Return a deployment as in the helper's answer."""
    return {
        "name": name, "provisioning_state": "Succeeded", "instance_type": "Standard_DS3_v2", "instance_count": count,
        "tags": MADE, **more,
    }  # fmt: skip


def endpoint(traffic: dict[str, int], **more: Any) -> dict[str, Any]:
    """Return an endpoint with the deployments blue and green."""
    return {
        **ENDPOINT_ANSWER, "name": "churn-endpoint-01", "location": "eastus2", "tags": MADE, "traffic": traffic,
        "deployments": [deployment("blue", 3), deployment("green")], **more,
    }  # fmt: skip


# Traffic


async def open_traffic(walk: Walk) -> None:
    """Open the traffic dialog."""
    await walk.to("test")
    await walk.tab_to("test-traffic")
    await walk.press("enter")
    await walk.sees("Traffic", "Now")


async def confirm(walk: Walk, button: str, change: str, answers: Answers, question: str) -> None:
    """Press a button, check that the change is shown and that nothing has happened, and press the button again."""
    await walk.tab_to(button)
    await walk.press("enter")
    await walk.sees(change, "Yes, ")
    assert walk.focused == "close", "a second Enter changes nothing"
    assert question not in dict(answers.asked)
    await walk.tab_to(button)
    await walk.press("enter")


async def test_tab_and_enter_twice_from_unmoved_sliders_change_no_traffic() -> None:
    """Apply is disabled until a slider is moved, so Tab reaches Roll back."""
    tags = {**MADE, "aml-deploy-traffic-before": "blue=100"}
    answers = recorded_answers(endpoint=endpoint({"green": 100}, tags=tags))
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.until(lambda: walk.focused == "", "the focus is on the first slider")
        await walk.tab_to("traffic-back")
        await walk.press("enter")
        await walk.sees("green 100 % → blue 100 %. Change it?", "Yes, roll back")
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.name == "wizard", "the second Enter closes the dialog")
        assert not {"traffic", "rollback"} & set(dict(answers.asked))


async def test_moving_a_slider_takes_the_question_back() -> None:
    answers = recorded_answers(endpoint=endpoint({"blue": 90, "green": 10}))
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.press("left")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.sees("→ blue 85 %, green 15 %.", "Yes, apply")
        await walk.tab_to("")
        await walk.press("left")
        await walk.sees("Apply …", "Nothing has been changed yet.")


async def test_saving_a_key_takes_the_question_about_the_other_key_back() -> None:
    """The focus moves to Regenerate after a key is saved: its next Enter must ask."""
    keys = Keys()
    answers = recorded_answers(keys=keys.read, regenerate_key=keys.regenerate, put_key=lambda asked: asked)
    async with wizard(answers) as walk:
        await walk.to("test")
        await walk.tab_to("test-keys")
        await walk.press("enter")
        await walk.sees("No key has been regenerated yet.")
        await walk.tab_to("keys-replace")
        await walk.press("enter")
        await walk.sees("Yes, regenerate primary")
        await walk.tab_to("keys-put")
        await walk.press("enter")
        await walk.sees("✔ The secondary key is in")
        assert walk.focused == "keys-replace"
        await walk.press("enter")
        await walk.sees("Yes, regenerate primary")
        assert "regenerate_key" not in dict(answers.asked)


async def test_sliders_keep_the_total_and_nothing_changes_before_apply() -> None:
    state = endpoint({"blue": 90, "green": 10})
    answers = recorded_answers(endpoint=lambda asked: state)
    shift = {"endpoint": "churn-endpoint-01", "before": {"blue": 90}, "after": {"blue": 80, "green": 20}}
    answers.answers["traffic"] = lambda asked: state["traffic"].update(asked["shares"]) or shift
    async with wizard(answers) as walk:
        walk.store.set("limits.traffic", "3m")
        await open_traffic(walk)
        await walk.press("left", "left")
        screen = await walk.sees("90 % → 80 %", "10 % → 20 %")
        assert "Apply   blue ████████░░ 80 %  green ██░░░░░░░░ 20 %" in screen
        await confirm(walk, "traffic-apply", "blue 90 %, green 10 % → blue 80 %, green 20 %", answers, "traffic")
        await walk.sees("✔ The traffic is now blue 80 %, green 20 %.", "no change")
        assert dict(answers.asked)["traffic"]["shares"] == {"blue": 80, "green": 20}
        assert answers.waits["traffic"] == 180.0


async def test_the_bars_fit_after_a_resize_and_names_are_whole() -> None:
    blue, green = "scoring-of-november-blue", "scoring-of-november-green"
    found = endpoint({blue: 90, green: 10}, deployments=[deployment(blue), deployment(green)])
    async with wizard(recorded_answers(endpoint=found), size=(120, 40)) as walk:
        await open_traffic(walk)
        wide = f"Now     {blue} █████████░ 90 %  {green} █░░░░░░░░░ 10 %"
        screen = await walk.sees(wide)
        assert f"▸ {blue} " in screen
        await walk.pilot.resize_terminal(80, 24)
        await walk.until(lambda: f"Now     {blue} 90 %, {green} 10 % " in walk.text(), "words where bars do not fit")


async def test_resources_that_could_not_be_read_are_not_waited_for_any_more() -> None:
    refused = HelperError("Not allowed", "The identity may not list deployments.", "Ask for the role.")
    async with wizard(recorded_answers(endpoint=endpoint({"blue": 100}), inventory=refused)) as walk:
        await open_traffic(walk)
        await walk.tab_to("traffic-remove")
        await walk.press("enter")
        screen = await walk.sees("✖ Not read  Not allowed. The identity may not list deployments.")
        assert "Reading the resources" not in screen


async def test_what_azure_said_before_a_change_that_failed_is_forgotten() -> None:
    lost = HelperError("No response in time", "Azure may still carry it out.", "Look again.")
    async with wizard(recorded_answers(endpoint=endpoint({"blue": 90, "green": 10}), traffic=lost)) as walk:
        walk.store.facts["changes"] = []
        await open_traffic(walk)
        await walk.press("left")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.sees("No response in time. Azure may still carry it out.")
        assert "changes" not in walk.store.facts


async def test_roll_back_names_the_split_that_it_goes_to() -> None:
    tags = {**MADE, "aml-deploy-traffic-before": "blue=100"}
    shift = {"endpoint": "e", "before": {"green": 100}, "after": {"blue": 100}}
    answers = recorded_answers(endpoint=endpoint({"green": 100}, tags=tags), rollback=shift)
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.sees("Back to blue ██████████ 100 %, the split before the last change")
        await confirm(walk, "traffic-back", "green 100 % → blue 100 %", answers, "rollback")
        await walk.sees("✔ The traffic is now blue 100 %.")


async def test_a_refused_split_is_said_with_its_reason() -> None:
    refused = HelperError("The deployment green cannot take requests", "Its provisioning state is Failed.", "Mend it.")
    async with wizard(recorded_answers(endpoint=endpoint({"blue": 100}), traffic=refused)) as walk:
        await open_traffic(walk)
        await walk.press("left")
        await walk.tab_to("traffic-apply")
        await walk.press("enter")
        await walk.sees("Yes, apply")
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
    assert traffic_shares.moved(split, name, by) == after
    assert sum(after.values()) == 100


def test_where_nothing_is_sent_anywhere_everything_is_offered_to_the_plans_deployment() -> None:
    assert traffic_shares.begun({}, ["blue", "green"], "green") == {"blue": 0, "green": 100}
    assert from_tag({"aml-deploy-traffic-before": "blue=90,green=10"}) == {"blue": 90, "green": 10}
    assert from_tag({"aml-deploy-traffic-before": "nonsense"}) == {}


# Removal


def item(name: str, goes: bool, why: str, share: int = 0, count: int = 1, **more: Any) -> dict[str, Any]:
    """Return a deployment of an inventory."""
    return {
        "kind": "deployment", "name": name, "state": "Succeeded", "goes": goes, "why": why, "failed": False,
        "traffic": share, "instances": count, "instance_type": "Standard_DS3_v2", "price_per_hour": 0.23 * count,
        "made_by": "", **more,
    }  # fmt: skip


def inventory(*items: dict[str, Any], whole: bool = False) -> dict[str, Any]:
    """Return an inventory of these deployments and their endpoint."""
    why = "it belongs to the plan and has no other deployments" if whole else "it keeps other deployments"
    place = {"kind": "endpoint", "name": "churn-endpoint-01", "state": "Succeeded", "goes": whole, "why": why,
             "failed": False, "traffic": 0, "instances": 0, "instance_type": "", "price_per_hour": None,
             "made_by": ""}  # fmt: skip
    return {"items": [*items, place], "currency": "USD", "price_note": "List prices of 2026-11."}


def by_choice(asked: dict[str, Any]) -> dict[str, Any]:
    """Return an inventory that would remove some of blue, green and a broken deployment."""
    broken = item("broken", asked["failed"], "it failed and has no traffic; --failed removes it too", state="Failed",
                  failed=True)  # fmt: skip
    alone = asked["deployment"]
    return inventory(
        item("blue", alone in (None, "blue"), "it is the plan's", 90, 3),
        item("green", alone == "green", "it was named" if alone == "green" else "it is not the plan's", 10),
        broken,
    )


async def test_removing_says_what_goes_and_stays_and_costs_and_asks_again() -> None:
    answers = recorded_answers(
        endpoint=endpoint({"blue": 90, "green": 10}),
        inventory=by_choice,
        remove={"removed": ["deployment green"], "left": ["endpoint churn-endpoint-01", "deployment blue"]},
    )
    async with wizard(answers) as walk:
        walk.store.set("limits.total", "90s")
        await open_traffic(walk)
        await walk.tab_to("traffic-remove")
        await walk.press("enter")
        screen = await walk.sees("Everything the plan created", "deployment blue, 3 × Standard_DS3_v2", "Price")
        assert "its 90 % of the traffic goes to green" in screen
        assert "0.69 USD an hour less" in screen
        assert walk.focused == "close"
        await walk.tab_to("remove-what")
        await walk.press("enter", "down", "enter")
        await walk.sees("Also failed deployments: broken", "0.92 USD an hour less")
        await walk.press("enter", "down", "down", "enter")
        await walk.sees("deployment green, 1 × Standard_DS3_v2", "0.23 USD an hour less")
        await walk.tab_to("remove-go")
        await walk.press("enter")
        await walk.sees("This cannot be undone", "Yes, remove it")
        assert walk.focused == "close"
        assert "remove" not in dict(answers.asked)
        await walk.tab_to("remove-go")
        await walk.press("enter")
        await walk.sees("✔ Removed: deployment green. Kept: endpoint churn-endpoint-01")
        asked = dict(answers.asked)["remove"]
        assert (asked["deployment"], asked["failed"]) == ("green", False)
        assert answers.waits["remove"] == 90.0


async def test_nothing_is_removed_while_a_run_elsewhere_works_on_the_endpoint(home: Path) -> None:
    folder = home / "runs" / "r-1"
    folder.mkdir(parents=True)
    about = {"run": "r-1", "endpoint": "churn-endpoint-01", "deployment": "blue", "started": "2026", "rehearsed": False}
    write_atomic(folder / "run.json", json.dumps(about))
    names = zip(("subscription_id", "resource_group", "name"), VARIABLES.values())
    writer = JournalWriter(folder, "r-1")
    writer.emit("run_started", workspace=dict(names))
    writer.close()
    write_engine(folder, os.getpid())
    answers = recorded_answers(endpoint=endpoint({"blue": 90, "green": 10}), inventory=by_choice)
    async with wizard(answers) as walk:
        await open_traffic(walk)
        await walk.tab_to("traffic-remove")
        await walk.press("enter")
        await walk.sees("Everything the plan created", "Price")
        for word in ("This cannot be undone", "Run r-1 is working on churn-endpoint-01; nothing was removed."):
            await walk.tab_to("remove-go")
            await walk.press("enter")
            await walk.sees(word)
        assert "remove" not in dict(answers.asked)


def test_what_the_program_did_not_make_is_not_offered_with_the_plan() -> None:
    found = inventory(item("blue", False, "this program did not make it", 100))
    whole = removal(found, {})
    assert "Nothing would be removed" in whole.refused
    assert "this program did not make it" in whole.stays[0]
    assert [choice.deployment for choice in choices(found)] == ["blue"]


def test_nothing_that_has_all_requests_goes_while_another_one_could_take_them() -> None:
    found = inventory(item("blue", True, "it is the plan's", 100), item("green", False, "it is not the plan's"))
    assert removal(found, {}).refused == "blue still has all the traffic. Shift it to green first, under Traffic."


def test_the_endpoint_goes_with_its_last_deployment() -> None:
    whole = removal(inventory(item("blue", True, "it is the plan's", 100, 2), whole=True), ENDPOINT_ANSWER)
    assert any(line.startswith("endpoint churn-endpoint-01") for line in whole.goes)
    assert whole.price.startswith("0.46 USD an hour less.")
    assert any("USD an hour" in line for line in whole.goes)
    assert not whole.refused
    dear = item("blue", True, "it is the plan's", 100, price_per_hour=None)
    assert "not known" in removal(inventory(dear, whole=True), {}).price
    assert "does not exist in the workspace" in removal({"items": []}, {}).refused


# Keys


class Keys:
    """Answers with the fingerprints of an endpoint's keys; the helper never returns more."""

    def __init__(self) -> None:
        self.now = {"primary": "11111111", "secondary": "22222222"}

    def read(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"endpoint": "churn-endpoint-01", "keys": dict(self.now)}

    def regenerate(self, asked: dict[str, Any]) -> dict[str, Any]:
        before = dict(self.now)
        self.now[asked["which"]] = {"primary": "aaaaaaaa", "secondary": "bbbbbbbb"}[asked["which"]]
        return {"endpoint": "churn-endpoint-01", "keys": dict(self.now), "before": before}


async def test_keys_are_replaced_one_after_the_other_and_put_into_files() -> None:
    keys = Keys()
    answers = recorded_answers(
        keys=keys.read,
        regenerate_key=keys.regenerate,
        put_key=lambda asked: {**asked, "endpoint": "churn-endpoint-01", "fingerprint": keys.now[asked["which"]]},
    )
    async with wizard(answers) as walk:
        walk.store.set("limits.endpoint", "7m")
        await walk.to("test")
        await walk.tab_to("test-keys")
        await walk.press("enter")
        await walk.sees("fingerprint 11111111", "fingerprint 22222222", "Step 1 of 2", "to the secondary key")
        await walk.tab_to("keys-put")
        await walk.press("enter")
        await walk.sees("✔ The secondary key is in ~/churn-endpoint-01.secondary.key", "az keyvault secret set")
        assert answers.waits["put_key"] == 420.0
        await walk.tab_to("keys-replace")
        await walk.press("enter")
        await walk.sees("Callers that still use the primary key will", "Yes, regenerate primary")
        await walk.press("enter")
        assert "regenerate_key" not in dict(answers.asked), "a second Enter closes, and replaces nothing"
        await walk.sees("Load test …")
        await walk.tab_to("test-keys")
        await walk.press("enter")
        await walk.sees("Step 1 of 2", "No key has been regenerated yet.")
        for step, new in (
            ("primary", "aaaaaaaa, new; it was 11111111"),
            ("secondary", "bbbbbbbb, new; it was 22222222"),
        ):
            await walk.tab_to("keys-replace")
            await walk.press("enter")
            await walk.sees(f"Yes, regenerate {step}")
            await walk.tab_to("keys-replace")
            await walk.press("enter")
            await walk.sees(f"fingerprint {new}")
        await walk.sees("Both keys are new")
        assert [asked["which"] for name, asked in answers.asked if name == "regenerate_key"] == ["primary", "secondary"]


async def test_an_endpoint_without_keys_says_so() -> None:
    refused = HelperError("The endpoint churn-endpoint-01 has no keys", "Its callers sign in with aad_token.",
                          "There is nothing to rotate.")  # fmt: skip
    async with wizard(recorded_answers(keys=refused)) as walk:
        await walk.to("test")
        await walk.tab_to("test-keys")
        await walk.press("enter")
        await walk.sees("has no keys", "nothing to rotate")
        assert walk.focused == "close"
