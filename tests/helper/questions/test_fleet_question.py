"""The fleet as a real helper tells it: a rehearsal with 100 endpoints of all kinds, full and narrowed rights."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import ROOT, rehearsal_command
from tests.rehearsal.arm_client import Arm
from tui.helper.client import HelperClient, HelperError

NUMBER = 100
ML = "Microsoft.MachineLearningServices/workspaces"
CELLS = (
    "id endpoint workspace resource_group subscription subscription_name location workspace_id state health reason "
    "deployments traffic mirror_traffic instances requests errors p95_ms cost_per_hour currency price_date "
    "key_age_days changed_at changed_by made_by plan run drift drift_reason ends auth_mode public_network_access "
    "scoring_uri portal_url endpoint_kind findings why pending read_at changed kind"
)
Row = dict[str, Any]


class Seen:
    """The parts of an answer, in order, and the newest row of each endpoint."""

    def __init__(self) -> None:
        self.parts: list[Row] = []
        self.rows: dict[str, Row] = {}
        self.answer: Row = {}

    def take(self, part: Row) -> None:
        self.parts.append(part)
        if part["kind"] == "endpoint":
            self.rows[part["id"]] = part

    def of(self, kind: str) -> list[Row]:
        return [part for part in self.parts if part["kind"] == kind]

    def workspace(self, name: str) -> Row:
        """The last that was said of it."""
        return next(part for part in reversed(self.of("workspace")) if part["name"] == name)

    def all(self) -> list[Row]:
        return list(self.rows.values())


class Fleet:
    """A rehearsal of its own with a fleet."""

    def __init__(self, home: dict[str, str]) -> None:
        run = [sys.executable, "-m", "tui", "rehearsal", "--env", "--json", "--fleet", str(NUMBER)]
        made = subprocess.run(run, env=home, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert made.returncode == 0, made.stderr
        self.home, self.told = home, json.loads(made.stdout)
        self.env = {name: value for name, value in home.items() if name not in self.told["unset"]} | self.told["set"]
        self.arm = Arm(self.env, self.told["url"])

    def rights(self, *arguments: str) -> None:
        done = rehearsal_command("rights", "--identity", "service-principal", *arguments, env=self.home)
        assert done.returncode == 0, done.stderr

    def scenario(self, *arguments: str) -> None:
        done = rehearsal_command("env", *arguments, env=self.home)
        assert done.returncode == 0, done.stderr

    def plan(self, principal: bool = False) -> Row:
        values, tree, secrets = self.told["set"], {}, {}
        if principal:
            tree["credential"] = {
                "method": "service_principal",
                "tenant_id": values["REHEARSAL_TENANT_ID"],
                "client_id": values["REHEARSAL_CLIENT_ID"],
            }
            secrets["credential.client_secret"] = values["REHEARSAL_CLIENT_SECRET"]
        return {"document": tree, "base": "/", "secrets": secrets}


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp("fleet")
    home = {**os.environ, "AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CACHE": str(folder / "cache")}
    yield Fleet(home)
    stopped = rehearsal_command("stop", env=home)
    assert stopped.returncode == 0, stopped.stderr


@pytest.fixture
def narrowed(fleet: Fleet) -> Iterator[Callable[..., None]]:
    """Changes the rights of the practice service principal, and gives them back at the end."""
    yield fleet.rights
    fleet.rights("--reset")


Ask = Callable[..., Any]


@pytest_asyncio.fixture
async def ask(fleet: Fleet) -> AsyncIterator[Ask]:
    client = HelperClient(fleet.env)

    async def question(principal: bool = False, **wish: Any) -> Seen:
        seen = Seen()
        seen.answer = await client.ask("fleet", part=seen.take, plan=fleet.plan(principal), **wish)
        return seen

    yield question
    await client.close()


async def test_every_cell_is_filled_or_says_why_and_a_workspace_that_hangs_holds_up_nobody(
    ask: Ask, fleet: Fleet
) -> None:
    seen = await ask()
    rows = seen.all()
    assert all(set(row) == set(CELLS.split()) for row in rows)
    assert not [row["pending"] for row in rows if row["pending"]]
    for row in rows:
        assert not {key for key, value in row.items() if value is None} - set(row["why"])
        assert not [key for key in row["why"] if row.get(key) is not None]
        assert all(why and not why.endswith(".") for why in row["why"].values())
        assert row["reason"].endswith(".")
    silent, refused = seen.workspace("risk-archive"), seen.workspace("partners")
    assert (silent["state"], refused["state"]) == ("silent", "refused")
    assert "did not answer within 10 seconds" in silent["reason"] and "the role Reader" in refused["reason"]
    # Everything else was complete before it was given up.
    given_up = next(place for place, part in enumerate(seen.parts) if part.get("state") == "silent")
    before = {part["id"]: part for part in seen.parts[:given_up] if part["kind"] == "endpoint"}
    others = [row for row in rows if row["workspace"] != "risk-archive"]
    assert [before[row["id"]]["pending"] for row in others] == [[]] * len(others)
    # Resource Graph knows endpoints of the silent workspace.
    archived = [row for row in rows if row["workspace"] == "risk-archive"]
    assert archived and {(row["health"], row["reason"]) for row in archived} == {("unreachable", silent["reason"])}
    assert {(row["instances"], row["cost_per_hour"]) for row in archived} == {(None, None)}, "it does not tell them"
    assert {row["health"] for row in others} == {"healthy", "degraded", "failing", "idle", "unknown"}
    assert {row["drift"] for row in others} == {"none", "changed", "autoscale", "no plan"}
    assert seen.answer["endpoints"] == len(rows) and seen.answer["subscriptions"] == 4
    assert {one["what"] for one in seen.answer["unseen"]} == {"the workspace risk-archive", "the workspace partners"}
    for row in others:
        there = fleet.arm.call("GET", row["id"]).json()
        below = fleet.arm.call("GET", f"{row['id']}/deployments").json()["value"]
        assert row["state"] == there["properties"]["provisioningState"]
        assert row["traffic"] == there["properties"]["traffic"]
        assert {(one["name"], one["state"], one["instances"]) for one in row["deployments"]} == {
            (one["name"], one["properties"]["provisioningState"], one["sku"]["capacity"]) for one in below
        }


async def test_rows_come_before_their_deployments_and_metrics_and_name_what_is_pending(ask: Ask) -> None:
    seen = await ask(workspaces=["shop-prod"])
    first: dict[str, Row] = {}
    for row in seen.of("endpoint"):
        first.setdefault(row["id"], row)
    assert all({"deployments", "requests", "ends"} <= set(row["pending"]) for row in first.values())
    assert {row["workspace"] for row in seen.all()} == {"shop-prod"}
    assert seen.workspace("shop-prod")["endpoints"] == len(seen.rows) == seen.answer["endpoints"]
    assert 0 < seen.answer["requests"] <= 2 * len(seen.rows)


async def test_cells_of_what_is_known_of_each_kind(ask: Ask) -> None:
    rows = (await ask(subscriptions=["Contoso Production"])).all()
    by_words = {
        "retires": [row for row in rows if any("NC6s_v3 retires" in one["what"] for one in row["ends"] or ())],
        "no keys": [row for row in rows if "has no keys" in row["why"].get("key_age_days", "")],
        "old keys": [row for row in rows if "90 days back" in row["why"].get("key_age_days", "")],
        "autoscaled": [row for row in rows if any(one["autoscale"] for one in row["deployments"] or ())],
        "mirrored": [row for row in rows if row["mirror_traffic"]],
        "Kubernetes": [row for row in rows if row["endpoint_kind"] == "Kubernetes"],
        "by hand": [row for row in rows if row["drift"] == "changed" and row["changed_by"] in row["drift_reason"]],
        "foreign": [row for row in rows if row["drift"] == "no plan" and not row["made_by"] and not row["plan"]],
        "own": [row for row in rows if row["made_by"].startswith("aml-deploy ") and row["run"] and row["plan"]],
    }
    assert [name for name, found in by_words.items() if not found] == []
    for row in rows:
        priced = [one["price_per_hour"] for one in row["deployments"]]
        assert row["cost_per_hour"] == (None if None in priced else pytest.approx(sum(priced)))
        assert row["instances"] == sum(one["instances"] for one in row["deployments"])
        assert row["requests"] == sum(one["requests"] for one in row["deployments"])
        told = {one["id"] for one in row["findings"]}
        assert ("fleet-ends" in told) == bool(row["ends"])
        assert bool({"fleet-failing", "fleet-degraded"} & told) == (row["health"] in ("failing", "degraded"))
    assert all(row["key_age_days"] is not None or "key_age_days" in row["why"] for row in rows)


async def test_a_refresh_sends_only_what_changed_and_what_is_gone(ask: Ask, fleet: Fleet) -> None:
    first = await ask(workspaces=["shop-test"])
    healthy = [row for row in first.all() if row["health"] == "healthy" and len(row["deployments"]) == 1]
    changed, removed = healthy[0]["id"], healthy[1]["id"]
    again = await ask(workspaces=["shop-test"])
    assert again.of("workspace") == again.of("gone") == []
    assert again.answer["requests"] < first.answer["requests"] / 2
    reopened = await ask(workspaces=["shop-test"], resend=True)
    assert set(reopened.rows) == set(first.rows) and reopened.workspace("shop-test")["state"] == "read"
    assert reopened.answer["requests"] < first.answer["requests"] / 2

    body = fleet.arm.call("GET", changed).json()
    body["properties"]["traffic"] = {}
    assert fleet.arm.call("PUT", changed, body).status_code < 300
    assert fleet.arm.call("DELETE", removed).status_code < 300
    alone = await ask(endpoints=[changed])
    row = alone.rows[changed]
    assert set(alone.rows) == {changed} and row["traffic"] == {}
    assert {"traffic", "changed_at"} <= set(row["changed"]) and "endpoint" not in row["changed"]

    deadline = time.monotonic() + 60
    while fleet.arm.call("GET", removed).status_code != 404:
        assert time.monotonic() < deadline
    last = await ask(workspaces=["shop-test"], fresh=True)
    assert [part["id"] for part in last.of("gone")] == [removed] and removed not in last.rows
    assert (await ask(endpoints=[removed])).answer["unseen"] == []


async def test_a_screen_that_is_opened_while_another_reads_gets_every_row_whole(ask: Ask) -> None:
    both = ask(workspaces=["forecast"], fresh=True), ask(workspaces=["forecast"], resend=True)
    first, second = await asyncio.gather(*both)
    assert second.rows and set(second.rows) == set(first.rows)
    assert not [row["endpoint"] for row in second.all() if row["pending"]]
    assert second.workspace("forecast")["state"] == "read"


async def test_an_endpoint_that_is_removed_while_the_fleet_is_read_is_gone(fleet: Fleet) -> None:
    seen, client, doomed, begun = Seen(), HelperClient(fleet.env), "", asyncio.Event()

    def take(part: Row) -> None:
        nonlocal doomed
        seen.take(part)
        if part["kind"] == "endpoint" and not doomed and part["deployments"] is None:
            doomed = part["id"]
            begun.set()

    def remove() -> None:
        assert fleet.arm.call("DELETE", doomed).status_code in (200, 202)
        deadline = time.monotonic() + 60
        while fleet.arm.call("GET", doomed).status_code != 404:
            assert time.monotonic() < deadline

    fleet.scenario("--latency", "400")
    try:
        wish = {"plan": fleet.plan(), "workspaces": ["risk-prod"]}
        reading = asyncio.create_task(client.ask("fleet", part=take, **wish))
        await asyncio.wait_for(begun.wait(), 60)
        await asyncio.to_thread(remove)
        await reading
        if not seen.of("gone"):  # its deployments were read before it went
            await client.ask("fleet", part=take, **wish, fresh=True)
    finally:
        await client.close()
        fleet.scenario("--latency", "0")
    assert [part["id"] for part in seen.of("gone")] == [doomed]


async def test_after_signing_in_again_nothing_is_known_of_who_it_was_before(fleet: Fleet) -> None:
    first, second, client = Seen(), Seen(), HelperClient(fleet.env)
    wish = {"plan": fleet.plan(), "workspaces": ["forecast"]}
    try:
        await client.ask("fleet", part=first.take, **wish)
        await client.ask("sign_in", plan=fleet.plan())
        await client.ask("fleet", part=second.take, **wish)
    finally:
        await client.close()
    assert set(second.rows) == set(first.rows) and second.workspace("forecast")["state"] == "read"


async def test_what_is_no_endpoints_id_is_an_error(ask: Ask) -> None:
    with pytest.raises(HelperError, match="nonsense is not the id"):
        await ask(endpoints=["nonsense"])


async def test_what_a_role_does_not_allow_is_said_in_the_cells(ask: Ask, narrowed: Callable[..., None]) -> None:
    narrowed("--deny", "Microsoft.Insights/*", "--deny", f"{ML}/onlineEndpoints/deployments/read")
    rows = (await ask(principal=True, workspaces=["shop-prod"])).all()
    for row in rows:
        assert (row["requests"], row["deployments"], row["cost_per_hour"]) == (None, None, None)
        assert row["why"]["requests"] == "the role does not allow reading metrics"
        assert row["why"]["deployments"] == "the role does not allow reading its deployments"
        assert row["why"]["autoscale"] == "the role does not allow reading autoscale rules"
        if row["auth_mode"] == "key":
            assert row["why"]["key_age_days"] == "the role does not allow reading the activity log"
        if row["state"] == "Succeeded":
            assert (row["health"], "does not allow" in row["reason"]) == ("unknown", True)


@pytest.mark.parametrize(
    ("denied", "unknown", "said"),
    [
        ("Microsoft.Insights/metrics/read", {"requests", "errors", "p95_ms"}, "metrics"),
        ("Microsoft.Insights/eventtypes/*", {"key_age_days", "drift"}, "the activity log"),
        (
            f"{ML}/onlineEndpoints/deployments/read",
            {"deployments", "instances", "cost_per_hour", "ends", "drift"},
            "its deploy",
        ),
    ],
)
async def test_one_right_that_is_missing_empties_only_its_cells(
    ask: Ask, narrowed: Callable[..., None], denied: str, unknown: set[str], said: str
) -> None:
    whole = (await ask(principal=True, workspaces=["shop-prod"], fresh=True)).rows
    narrowed("--deny", denied)
    rows = (await ask(principal=True, workspaces=["shop-prod"], fresh=True)).rows
    empty = {
        key for identity, row in rows.items() for key in row if row[key] is None and whole[identity][key] is not None
    }
    assert empty - {"autoscale"} == unknown
    for identity, row in rows.items():
        told = {row["why"][key] for key in unknown if row[key] is None and whole[identity][key] is not None}
        assert all(why.startswith(f"the role does not allow reading {said}") for why in told)


async def test_a_readers_role_is_enough(ask: Ask, narrowed: Callable[..., None]) -> None:
    narrowed("--role", "reader")
    rows = (await ask(principal=True, workspaces=["shop-prod"])).all()
    assert rows and not [row["why"] for row in rows if any("role" in why for why in row["why"].values())]


async def test_a_workspace_whose_endpoints_may_not_be_listed_names_the_role(
    ask: Ask, narrowed: Callable[..., None]
) -> None:
    wish = {"principal": True, "workspaces": ["shop-prod", "nowhere"], "fresh": True}
    before = (await ask(**wish)).rows
    narrowed("--deny", f"{ML}/onlineEndpoints/read")
    seen = await ask(**wish)
    narrowed("--reset")
    after = (await ask(**wish)).rows
    assert {row["health"] for row in seen.all()} == {"unreachable"} and set(seen.rows) == set(before) == set(after)
    assert {key: row["health"] for key, row in after.items()} == {key: row["health"] for key, row in before.items()}
    assert seen.workspace("shop-prod")["state"] == "refused"
    assert [one["what"] for one in seen.answer["unseen"]] == ["the workspace nowhere", "the workspace shop-prod"]
    assert "the role Reader" in seen.answer["unseen"][1]["why"]


async def test_a_subscription_whose_workspaces_may_not_be_listed_is_said(
    ask: Ask, narrowed: Callable[..., None]
) -> None:
    narrowed("--deny", f"{ML}/read")
    seen = await ask(principal=True, subscriptions=["Contoso Test"])
    assert [one["what"] for one in seen.answer["unseen"]] == ["the workspaces of the subscription Contoso Test"]
    assert any("Contoso Test" in part["text"] for part in seen.of("note")) and not seen.rows


@pytest.mark.parametrize(("scenario", "said"), [("graph-forbidden", True), ("graph-partial", False)])
async def test_without_the_whole_resource_graph_lists_find_the_same(
    ask: Ask, fleet: Fleet, scenario: str, said: bool
) -> None:
    fleet.scenario("--scenario", scenario)
    try:
        seen = await ask(subscriptions=["Contoso Production"])
    finally:
        fleet.scenario("--clear-scenarios")
    assert any("Resource Graph" in part["text"] for part in seen.of("note")) == said
    assert {part["state"] for part in seen.of("workspace")} >= {"read"} and seen.rows
    assert seen.answer["unseen"] == []
