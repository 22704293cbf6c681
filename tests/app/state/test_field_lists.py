"""Drop-down lists: opened and used with keys, filtered while typing, refused with a reason, late answers dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.recorded import ENDPOINT_ANSWER
from tests.app.steps.test_forms import row
from tests.conftest import rehearsal_command
from tui.app.app import WizardApp
from tui.app.widgets.drop_list import DropList
from tui.helper.client import HelperError
from tui.plan.load_save.load import load

__all__ = ["home"]

SUBSCRIPTIONS = {
    "items": [
        {"value": f"{number}1111111-2222-3333-4444-555555555555", "label": name, "detail": name, "sets": {}}
        for number, name in enumerate(("Production", "Staging", "Sandbox"), start=1)
    ],
    "reason": "",
}
GROUPS = {"items": [{"value": name, "label": name, "detail": "eastus2", "sets": {}} for name in ("rg-ml", "rg-other")],
          "reason": ""}  # fmt: skip
WORKSPACES = {
    "items": [
        {"value": "ws-churn", "label": "ws-churn", "detail": "rg-ml, eastus2, closed to public networks",
         "sets": {"workspace.resource_group": "rg-ml"}},
        {"value": "ws-fraud", "label": "ws-fraud", "detail": "rg-fraud, eastus2, open to public networks",
         "sets": {"workspace.resource_group": "rg-fraud"}},
    ],
    "reason": "",
}  # fmt: skip
NAME, GROUP, SUBSCRIPTION = "workspace.name", "workspace.resource_group", "workspace.subscription_id"


def drop(walk: Walk, key: str) -> DropList:
    """Return the list of a field."""
    found = row(walk, key).list
    assert found is not None
    return found


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=str)
async def test_a_click_on_the_sign_opens_the_list_and_one_beside_it_does_not(size: tuple[int, int]) -> None:
    async with wizard(recorded_answers(workspaces=WORKSPACES), size=size) as walk:
        await walk.to("workspace")
        line = row(walk, NAME).region.y
        sign = walk.text().splitlines()[line].index("▾")
        for beside in (row(walk, NAME).region.x, sign + 3):
            await walk.pilot.click(offset=(beside, line))
            assert not drop(walk, NAME).display
        await walk.pilot.click(offset=(sign, line))
        await walk.sees("Workspaces: 2.")


@pytest.mark.smoke
@pytest.mark.usefixtures("home")
async def test_down_opens_the_list_enter_takes_and_what_it_decides_is_set_with_it() -> None:
    async with wizard(recorded_answers(workspaces=WORKSPACES)) as walk:
        await walk.to("workspace")
        row(walk, NAME).control.focus()
        await walk.press("down")
        shown = await walk.sees("Workspaces: 2.", "▸● ws-churn", "ws-fraud", "rg-fraud, eastus2")
        assert "Enter: select" in shown and "Esc: cancel" in shown
        await walk.press("down")
        await walk.sees("▸  ws-fraud")
        await walk.press("enter")
        await walk.until(lambda: walk.store.value(NAME) == "ws-fraud")
        assert walk.store.value(GROUP) == "rg-fraud"
        assert row(walk, NAME).control.has_focus and not drop(walk, NAME).display
        await walk.until(lambda: row(walk, NAME).note() == "chosen from a list")
        await walk.press("enter")
        assert walk.focused == "next", "Enter goes on as it does in every field"


@pytest.mark.usefixtures("home")
async def test_the_list_is_opened_by_a_key_that_is_shown_and_tab_leaves_it() -> None:
    async with wizard(recorded_answers(resource_groups=GROUPS)) as walk:
        await walk.to("workspace")
        row(walk, GROUP).control.focus()
        await walk.sees("Down: list · Enter: next")
        await walk.press("down")
        await walk.sees("Resource groups: 2.", "▸● rg-ml")
        assert row(walk, GROUP).control.has_focus
        await walk.press("tab")
        assert not drop(walk, GROUP).display
        assert walk.store.value(GROUP) == "${env:AZURE_RESOURCE_GROUP}", "leaving without a key changes nothing"


@pytest.mark.usefixtures("home")
async def test_typing_filters_and_esc_leaves_the_field_as_it_was() -> None:
    async with wizard(recorded_answers(subscriptions=SUBSCRIPTIONS), sets=(f"{SUBSCRIPTION}=",)) as walk:
        await walk.to("workspace")
        field = row(walk, SUBSCRIPTION)
        before = field.control.value
        await walk.press("down")
        await walk.sees("Production", "Staging", "Sandbox")
        await walk.press("ctrl+u", *"st")
        await walk.until(lambda: [item["label"] for item in drop(walk, SUBSCRIPTION).matches] == ["Staging"])
        await walk.sees("1 of 3")
        await walk.press(*"xyz")
        await walk.sees("None of the 3 subscriptions contains “stxyz”")
        await walk.press("escape")
        assert field.control.value == before and field.control.has_focus
        assert "Production" not in walk.text()
        assert walk.store.value(SUBSCRIPTION) == before


@pytest.mark.usefixtures("home")
async def test_tab_keeps_what_is_typed_and_enter_does_where_nothing_matches() -> None:
    async with wizard(recorded_answers(workspaces=WORKSPACES)) as walk:
        await walk.to("workspace")
        row(walk, NAME).control.focus()
        await walk.press("down")
        await walk.sees("Workspaces: 2.")
        await walk.press("ctrl+u", *"ws-f", "tab")
        assert walk.store.value(NAME) == "ws-f", "Tab takes the text, not the item"
        row(walk, NAME).control.focus()
        await walk.press("down", "ctrl+u", *"ws-new", "enter")
        assert walk.store.value(NAME) == "ws-new"
        assert row(walk, NAME).note() in ("you", "chosen from a list")


@pytest.mark.usefixtures("home")
async def test_a_reference_stays_when_what_it_stands_for_is_chosen() -> None:
    async with wizard(recorded_answers(workspaces=WORKSPACES)) as walk:
        await walk.to("workspace")
        row(walk, NAME).control.focus()
        await walk.press("down")
        await walk.sees("▸● ws-churn")
        await walk.press("enter")
        assert walk.store.value(NAME) == "${env:AZURE_ML_WORKSPACE}"
        assert row(walk, NAME).control.value == "${env:AZURE_ML_WORKSPACE}"


@pytest.mark.usefixtures("home")
async def test_keys_are_answered_while_a_list_loads_and_it_shows_a_sign_of_life() -> None:
    answers = recorded_answers(workspaces=WORKSPACES)
    answers.hold("workspaces")
    async with wizard(answers) as walk:
        await walk.to("workspace")
        row(walk, NAME).control.focus()
        await walk.press("down")
        await walk.sees("▸ Loading the workspaces from Azure …")
        await walk.press("ctrl+u", *"fraud")
        assert row(walk, NAME).control.value == "fraud"
        answers.release("workspaces")
        await walk.sees("▸  ws-fraud", "1 of 2")
        await walk.press("enter")
        assert walk.store.value(NAME) == "ws-fraud"


@pytest.mark.usefixtures("home")
async def test_an_answer_for_another_subscription_is_dropped() -> None:
    """The list is closed, the subscription changed, the list opened anew: the first answer must not fill it."""
    asked: list[str] = []

    def groups(with_: dict[str, Any]) -> dict[str, Any]:
        subscription = with_["plan"]["document"]["workspace"]["subscription_id"]
        asked.append(subscription)
        name = "rg-new" if subscription.startswith("2") else "rg-old"
        return {"items": [{"value": name, "label": name, "detail": "", "sets": {}}], "reason": ""}

    answers = recorded_answers(resource_groups=groups)
    answers.hold("resource_groups")
    async with wizard(answers) as walk:
        await walk.to("workspace")
        row(walk, GROUP).control.focus()
        await walk.press("down")
        await walk.sees("Loading the resource groups from Azure")
        await walk.press("tab")
        walk.store.put(SUBSCRIPTION, "21111111-2222-3333-4444-555555555555", "you")
        answers.release("resource_groups")
        await walk.until(lambda: len(asked) == 1, "the first question is answered")
        await walk.pilot.pause()
        assert "resource_groups" not in walk.store.facts
        row(walk, GROUP).control.focus()
        await walk.press("down")
        await walk.sees("rg-new")
        assert "rg-old" not in walk.text()


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ({"items": [], "reason": "The workspaces cannot be listed: no role. Type what you know."}, ("no role.",)),
        ({"items": [], "reason": ""}, ("There are no workspaces.",)),
        (HelperError("No way to sign in was found", "AzureCli: not there", "Run `az login`."), ("No way to sign in",)),
    ],
)
async def test_what_cannot_be_listed_has_a_reason_and_typing_goes_on(answer: Any, words: tuple[str, ...]) -> None:
    async with wizard(recorded_answers(workspaces=answer)) as walk:
        await walk.to("workspace")
        row(walk, NAME).control.focus()
        await walk.press("down")
        await walk.sees(*words)
        await walk.press("ctrl+u", *"ws-typed", "enter")
        assert walk.store.value(NAME) == "ws-typed"
        assert not drop(walk, NAME).display


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_long_list_is_not_cut_and_page_keys_move_in_it(size: tuple[int, int]) -> None:
    long = "a rather long description of what this workspace is for, who pays for it and whom to ask"
    items = [{"value": f"ws-{number:03}", "label": f"ws-{number:03}", "detail": f"{long} {number}", "sets": {}}
             for number in range(300)]  # fmt: skip
    async with wizard(recorded_answers(workspaces={"items": items, "reason": ""}), size=size) as walk:
        await walk.to("workspace")
        row(walk, NAME).control.focus()
        await walk.press("down")
        await walk.sees("Workspaces: 300.", "ws-000", "more below")
        shown = drop(walk, NAME)
        assert f"{long} 0 " in " ".join(shown.render().plain.split()) + " "
        assert shown.region.height == len(shown.render().plain.splitlines())
        assert walk.app.screen.query_one("#body").region.contains_region(shown.region), "all of it can be seen"
        step = walk.app.screen.step
        await walk.press("pagedown")
        await walk.until(lambda: (drop(walk, NAME).marked or 0) > 0)
        await walk.sees("more above")
        assert walk.app.screen.step == step, "PgDn moves in the open list"
        await walk.press("pageup", "escape", "pagedown")
        await walk.until(lambda: walk.app.screen.step == "endpoint", "PgDn means next again")


@pytest.mark.usefixtures("home")
async def test_an_endpoint_that_exists_is_chosen_with_its_auth_mode_and_a_deployment_put_beside() -> None:
    items = [{"value": "fraud-01", "label": "fraud-01", "detail": "succeeded; aml_token; blue 100 %",
              "sets": {"endpoint.auth_mode": "aml_token"}}]  # fmt: skip
    answers = recorded_answers(
        endpoints={"items": items, "reason": ""}, endpoint={**ENDPOINT_ANSWER, "auth_mode": "aml_token"}
    )
    async with wizard(answers) as walk:
        await walk.to("endpoint")
        await walk.press("down")
        await walk.sees("fraud-01", "blue 100 %")
        await walk.press("enter")
        await walk.until(lambda: walk.store.value("endpoint.name") == "fraud-01")
        assert walk.store.value("endpoint.auth_mode") == "aml_token"
        await walk.sees("fraud-01 exists in this workspace", "100 % of the traffic", "Deploy as green")
        await walk.tab_to("free-name")
        await walk.press("enter")
        await walk.sees("green is created alongside")
        assert walk.text().count("Alongside") == 1
        assert walk.store.value("deployment.name") == "green"
        assert row(walk, "deployment.name").control.value == "green"


@pytest.mark.usefixtures("home")
async def test_a_name_that_another_workspace_has_is_said_with_one_that_may_be_free() -> None:
    where = {"name": "churn-endpoint-01", "region": "eastus2", "state": "taken", "workspace": "ws-theirs",
             "resource_group": "rg-theirs", "asked": 3, "silent": 0, "reason": ""}  # fmt: skip
    async with wizard(recorded_answers(endpoint={"exists": False}, endpoint_name=where)) as walk:
        await walk.to("endpoint")
        await walk.sees("✖ Region", "Taken: the workspace ws-theirs", "Try churn-endpoint-01-2")


# Against the rehearsal


@pytest.fixture
def give(rehearsal: dict[str, Any], rehearsal_home: dict[str, str]) -> Iterator[Callable[..., None]]:
    """Change the managed identity's permissions, and restore them at the end."""

    def change(*arguments: str) -> None:
        done = rehearsal_command("rights", *arguments, env=rehearsal_home)
        assert done.returncode == 0, done.stderr

    yield change
    change("--reset")


@pytest.mark.slow
async def test_the_rehearsal_s_workspaces_are_listed_taken_and_refused(
    rehearsal_env: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, give: Callable[..., None]
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    app = WizardApp(load("churn-xgboost"), environ=rehearsal_env, rehearse=True)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Sign in with")
        await walk.to("workspace")
        await walk.until(lambda: "workspace" in walk.store.facts, "the workspace is read", 90)
        row(walk, NAME).control.focus()
        await walk.press("down")
        await walk.sees("closed-legacy-isolation", "closed-managed-network")
        await walk.press("ctrl+u", *"legacy", "enter")
        await walk.until(lambda: walk.store.value(NAME) == "closed-legacy-isolation")
        await walk.sees("Legacy: closed", "Needs a scoring script", "pe-closed-legacy-isolation (approved)")

        give("--deny", "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/read")
        await walk.to("endpoint")
        row(walk, "endpoint.name").control.focus()
        await walk.press("down")
        await walk.sees("! The endpoints cannot be listed: this identity has no role", "You can type a value instead.")
        await walk.press("ctrl+u", *"typed-01", "enter")
        assert walk.store.value("endpoint.name") == "typed-01"
