"""The step Network: the network path in its states, the allowed flags, the explanations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.recorded import ENDPOINT_ANSWER, WORKSPACE_ANSWER
from tui.app.steps.network import isolation, network_path_drawing
from tui.app.steps.network.network_path_widget import NetworkPath
from tui.app.widgets.field_row import FieldRow
from tui.helper.client import HelperError

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

LEGACY = {**WORKSPACE_ANSWER, "isolation": "legacy", "public_network_access": "Disabled", "name": "ws-legacy"}
PUBLIC = {**WORKSPACE_ANSWER, "isolation": "public", "public_network_access": "Enabled", "name": "ws-open"}


def hop(name: str, **more: Any) -> dict[str, Any]:
    """Return a host as in the helper's answer."""
    return {"name": name, "title": name, "host": f"{name}.example", "purpose": "is called", "needed": True,
            "addresses": ["20.1.2.3"], "cnames": [], "private": False, "expected": None, "state": "reachable",
            "issuer": "Microsoft Corporation", "detail": "", "remedy": "", "command": "", **more}  # fmt: skip


REACH = {
    "hops": [
        hop("resource-manager"),
        hop("storage", addresses=["10.1.0.5"], private=True, expected="private",
            cnames=["store.privatelink.blob.example"]),
        hop("scoring", addresses=["20.9.9.9"], expected="private", state="wrong_address",
            detail="It resolves to the public address 20.9.9.9, but its settings require a private one.",
            remedy="Link the zone privatelink.api.azureml.ms to this network."),
        hop("vault", title="The key vault", needed=False, addresses=[], private=None, state="unresolved"),
        hop("login", addresses=["20.190.1.1"], state="tls", issuer="Corporate Proxy CA",
            detail="The certificate is issued by Corporate Proxy CA, which is not trusted here."),
    ],
    "proxy": "http://proxy:8080", "seconds": 1.2,
}  # fmt: skip


def line(screen: str, word: str) -> str:
    """The line of the screen with a word."""
    found = [text for text in screen.splitlines() if word in text]
    assert found, f"{word} is not on\n{screen}"
    return found[0]


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_way_is_drawn_with_address_kind_and_state_in_words(size: tuple[int, int]) -> None:
    async with wizard(recorded_answers(reach=REACH), size=size) as walk:
        await walk.to("network")
        screen = await walk.sees("Resource Manager", "public address")
        assert "── public network ──▶" in line(screen, "Resource Manager")
        assert "reachable" in line(screen, "Resource Manager") and "20.1.2.3" in line(screen, "Resource Manager")
        storage = line(screen, "Workspace's storage")
        assert "── private endpoint ▶" in storage and "10.1.0.5" in storage
        scoring = line(screen, "Scoring host")
        assert "✖" in scoring and "╳" in scoring and "public address" in scoring
        assert "! Key vault" in line(screen, "Key vault"), "what this plan does not call is no error"
        assert "certificate" in line(screen, "Sign-in authority")
        assert "through http://proxy:8080" in screen
        assert all(len(text) <= size[0] for text in screen.splitlines())


async def test_the_chosen_host_tells_what_is_wrong_and_what_to_do() -> None:
    async with wizard(recorded_answers(reach=REACH), size=(120, 40)) as walk:
        await walk.to("network")
        await walk.sees("Scoring host, Sign-in authority are not reachable as required from this machine.")
        await walk.tab_to("path")
        path = walk.app.screen.query_one(NetworkPath)
        assert path.marked is not None and path.marked.name == "scoring", "the first that is wrong is marked"
        await walk.sees("require a private one", "To do: Link the zone privatelink.api.azureml.ms")
        await walk.press("up")
        await walk.sees("store.privatelink.blob.example")
        await walk.press("enter")
        await walk.sees("Workspace's storage: reachable", "Copy", "Write to a file")


async def test_while_it_is_asked_every_host_says_so_and_late_answers_are_dropped() -> None:
    answers = recorded_answers(reach=REACH)
    answers.hold("reach")
    async with wizard(answers) as walk:
        await walk.to("network")
        screen = await walk.sees("▸ Resource Manager", "checking", "Resolving and connecting")
        assert screen.count("checking") == len(network_path_drawing.NEEDED)
        walk.store.set("workspace.name", "ws-other")
        answers.answers["reach"] = {**REACH, "hops": REACH["hops"][:1], "proxy": ""}
        await walk.until(lambda: [name for name, _ in answers.asked].count("reach") == 2, "asked for the new one")
        answers.release("reach")
        await walk.sees("All hosts that this plan calls are reachable from this machine.")
        assert "Scoring host" not in walk.text()


def test_a_scoring_host_that_is_not_there_yet_is_not_said_to_answer() -> None:
    answered, later = hop("storage"), hop("scoring", needed=False, state="not_tried")
    assert "this plan calls" in network_path_drawing.in_words(network_path_drawing.hops({"hops": [answered]}))[1]
    kind, words = network_path_drawing.in_words(network_path_drawing.hops({"hops": [answered, later]}))
    assert kind == "ok" and "before the endpoint exists" in words and "this plan calls" not in words


async def test_what_cannot_be_known_says_why_and_can_be_asked_again() -> None:
    answers = recorded_answers(reach=HelperError("The sign-in failed", "No credential.", "Sign in at the first step."))
    async with wizard(answers) as walk:
        await walk.to("network")
        screen = await walk.sees("not known", "The network path could not be checked. The sign-in failed.")
        assert "reachable" not in screen
        answers.answers["reach"] = REACH
        await walk.tab_to("look")
        await walk.press("enter")
        await walk.sees("── private endpoint ▶")


# Allowed flags


def flag(walk: Walk) -> FieldRow:
    """The row of the egress flag."""
    return walk.app.screen.query_one("#row-deployment-egress_public_network_access", FieldRow)


@pytest.mark.parametrize(
    ("workspace", "sets", "refused"),
    [
        ({**WORKSPACE_ANSWER, "isolation": "managed_network"}, (), {"enabled", "disabled"}),
        (LEGACY, (), {"", "enabled"}),
        (PUBLIC, (), set()),
        (PUBLIC, ("deployment.model.type=mlflow_model", "deployment.code_configuration.code="), {"disabled"}),
        (LEGACY, ("deployment.model.type=mlflow_model", "deployment.code_configuration.code="),
         {"", "enabled", "disabled"}),
    ],
)  # fmt: skip
async def test_only_what_azure_takes_can_be_chosen_and_the_rest_has_a_reason(
    workspace: dict[str, Any], sets: tuple[str, ...], refused: set[str]
) -> None:
    async with wizard(recorded_answers(workspace=workspace, reach=REACH), sets=sets) as walk:
        await walk.store.ask("workspace")
        isolation.apply(walk.store, workspace)
        found = isolation.refused_egress(workspace, walk.store)
        assert set(found) == refused and all(reason.endswith(".") for reason in found.values())
        illegal = isolation.illegal(workspace, walk.store)
        assert bool(illegal) is (len(refused) == 3 or str(walk.store.value(isolation.EGRESS) or "") in refused)


async def test_a_flag_that_a_deployment_has_for_good_cannot_be_changed() -> None:
    endpoint = {**ENDPOINT_ANSWER, "deployments": [
        {"name": "blue", "instance_type": "Standard_DS3_v2", "instance_count": 1,
         "egress_public_network_access": "enabled"}]}  # fmt: skip
    async with wizard(recorded_answers(workspace=PUBLIC, endpoint=endpoint, reach=REACH)) as walk:
        await walk.store.ask("workspace")
        await walk.store.ask("endpoint")
        await walk.to("network")
        await walk.sees("✖ Flags", "cannot be changed", "green")
        await walk.press("pagedown")
        await walk.until(lambda: flag(walk).control.has_focus, "Next goes to the flag")
        assert walk.app.screen.step == "network"
        await walk.until(lambda: "✖ Flags" not in walk.text(), "what the field says is not said twice")
        assert " ".join(walk.text().split()).count("cannot be changed") == 1
        await walk.press("left")
        await walk.until(lambda: walk.store.value(isolation.EGRESS) == "enabled", "what is legal can be taken")
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "review", "and the step is left")


async def test_the_words_are_explained_where_they_first_matter() -> None:
    async with wizard(recorded_answers(workspace=LEGACY, reach=REACH)) as walk:
        await walk.to("network")
        text = " ".join((await walk.sees("private endpoint", "egress")).split())
        assert "Only callers inside the virtual network can call it" in text
        assert "only with egress disabled does the deployment get private endpoints" in text


async def test_the_rehearsals_hosts_are_looked_at_for_real(
    rehearsal_env: dict[str, str], tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tui.app.app import WizardApp
    from tui.plan.load_save.load import load

    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    app = WizardApp(load("churn-xgboost"), environ=rehearsal_env, rehearse=True)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set(), "ready")
        await walk.to("network")
        await walk.until(lambda: "127.0.0.1" in walk.text(), "the rehearsal's address", 90)
        manager = line(walk.text(), "Resource Manager")
        assert "this machine" in manager and "✔" in manager and "reachable" in manager
