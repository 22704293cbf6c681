"""How the fleet is read again: what failed, what is gone, what many have in common, and what our own budget delays."""

from __future__ import annotations

import re
import time
from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.errors import CloudError
from tui.cloud.http.read_budget import ReadBudget
from tui.cloud.monitor.metrics_batch import LastHour
from tui.common.deadlines import NoAnswer, over
from tui.fleet import discover, known, read_fleet
from tui.fleet.known import Known, Wish

ONE = "/subscriptions/one"
ML = "providers/Microsoft.MachineLearningServices/workspaces"
WORKSPACE = f"{ONE}/resourceGroups/g/{ML}/w"
ENDPOINT = f"{WORKSPACE}/onlineEndpoints/churn"
ENVIRONMENT = f"{WORKSPACE}/environments/sklearn/versions/1"
LOG, RULES = (
    f"{ONE}/providers/Microsoft.Insights/{name}" for name in ("eventtypes/management/values", "autoscaleSettings")
)
Body = dict[str, Any]


class Azure:
    """What Resource Manager has, by path; an error is raised. A list that is not there is empty."""

    def __init__(self) -> None:
        self.credential, self.arm, self.watch = self, self, self
        self.workspace_id = WORKSPACE
        self.metadata = SimpleNamespace(studio="", portal="", metrics="")
        self.asked: Counter[str] = Counter()
        self.there: dict[str, Any] = {
            "/subscriptions": [{"subscriptionId": "one", "displayName": "One"}],
            f"{ONE}/{ML}": [{"id": WORKSPACE, "location": "eastus"}],
            f"{WORKSPACE}/onlineEndpoints": [endpoint()],
            ENDPOINT: endpoint(),
            f"{ENDPOINT}/deployments": [deployment("blue", ENVIRONMENT)],
            ENVIRONMENT: {"properties": {"image": "ubuntu20.04"}},
        }

    def items(self, path: str, *_: Any, **__: Any) -> list[Body]:
        self.asked[path] += 1
        found = self.there.get(path, [])
        if isinstance(found, Exception):
            raise found
        return list(found)

    def find(self, path: str, *_: Any, **__: Any) -> Body | None:
        self.asked[path] += 1
        found = self.there.get(path)
        if isinstance(found, Exception):
            raise found
        return found

    def call(self, *given: Any, **__: Any) -> Any:
        """Resource Graph."""
        kind = str(given[3]["query"]).partition("type =~ '")[2].partition("'")[0].lower()
        rows = self.there.get(kind.rpartition("/")[2], [])
        return SimpleNamespace(body={"data": rows}, headers={})


def endpoint(identity: str = ENDPOINT, **tags: str) -> Body:
    properties = {"provisioningState": "Succeeded", "authMode": "Key", "traffic": {"blue": 100}}
    return {"id": identity, "name": identity.rpartition("/")[2], "location": "eastus", "tags": tags,
            "properties": properties}  # fmt: skip


def deployment(name: str, environment: str) -> Body:
    properties = {"provisioningState": "Succeeded", "instanceType": "Standard_DS3_v2", "environmentId": environment}
    return {"id": f"{ENDPOINT}/deployments/{name}", "name": name, "sku": {"capacity": 1}, "properties": properties}


class Screen:
    """Reads the fleet, and keeps what is told."""

    def __init__(self, azure: Azure) -> None:
        self.azure, self.known = azure, Known()
        self.rows: dict[str, Body] = {}
        self.workspaces: dict[str, Body] = {}
        self.gone: list[str] = []
        self.answer: Body = {}

    def take(self, part: Body) -> None:
        if part["kind"] == "endpoint":
            self.rows[part["id"]] = part
        elif part["kind"] == "workspace":
            self.workspaces[part["name"]] = part
        elif part["kind"] == "gone":
            self.gone.append(part["id"])

    def read(self, **wish: Any) -> Body:
        """Read, and return the endpoint's row."""
        self.azure.asked.clear()
        self.answer = read_fleet.read(self.known, self.azure, Wish(**wish), self.take)  # type: ignore[arg-type]
        return self.rows.get(ENDPOINT, {})


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Azure:
    made = Azure()
    hour = LastHour(10, 0, 20.0, {})
    monkeypatch.setattr(
        "tui.cloud.monitor.metrics_batch.last_hour", lambda *given: {one.lower(): hour for one in given[3]}
    )
    monkeypatch.setattr(
        "tui.cloud.assets.environments.read",
        lambda cloud, name, version, workspace: SimpleNamespace(conda=None, **cloud.find(ENVIRONMENT)["properties"]),
    )
    return made


@pytest.fixture
def screen(azure: Azure) -> Screen:
    return Screen(azure)


def later(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """As if so many seconds had passed since everything was read."""
    now = known.time.monotonic() + seconds
    monkeypatch.setattr("tui.fleet.known.time.monotonic", lambda: now)


def busy(status: int = 503) -> CloudError:
    return CloudError("Azure is busy", status=status)


# What could not be read


def test_an_environment_that_was_not_read_is_read_again(screen: Screen, azure: Azure) -> None:
    there, azure.there[ENVIRONMENT] = azure.there[ENVIRONMENT], busy()
    assert screen.read()["why"]["ends"] == "the environment could not be read: Azure is busy"
    azure.there[ENVIRONMENT] = there
    assert screen.read(fresh=True)["ends"] and azure.asked[ENVIRONMENT] == 1
    screen.read(fresh=True)
    assert azure.asked[ENVIRONMENT] == 0, "a version never changes"


@pytest.mark.parametrize(("path", "cell"), [(ENVIRONMENT, "ends"), (LOG, "drift")])
def test_what_was_not_read_is_due_after_a_minute(
    path: str, cell: str, screen: Screen, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    azure.there[f"{WORKSPACE}/onlineEndpoints"] = [endpoint(**{"aml-deploy-plan": "x"})]
    azure.there[path] = busy()
    assert "Azure is busy" in screen.read()["why"][cell]
    azure.there[path] = {"properties": {"image": "x"}} if path == ENVIRONMENT else []
    screen.read()
    assert azure.asked[path] == 0
    later(monkeypatch, 65)
    screen.read()
    assert azure.asked[path] == 1 and "Azure is busy" not in str(screen.rows[ENDPOINT]["why"].get(cell))


def test_subscriptions_that_were_not_listed_are_due_after_a_minute(
    screen: Screen, azure: Azure, monkeypatch: pytest.MonkeyPatch
) -> None:
    there, azure.there["/subscriptions"] = azure.there["/subscriptions"], busy()
    assert screen.read() == {} and "busy" in str(screen.answer["unseen"]).lower()
    azure.there["/subscriptions"] = there
    later(monkeypatch, 65)
    assert screen.read()["health"] == "healthy" and screen.answer["unseen"] == []


def test_an_environments_id_may_have_two_spellings(screen: Screen, azure: Azure) -> None:
    other = ENVIRONMENT.replace("resourceGroups/g", "resourcegroups/G")
    azure.there[f"{ENDPOINT}/deployments"] = [deployment("blue", ENVIRONMENT), deployment("green", other)]
    row = screen.read()
    assert (row["pending"], azure.asked[ENVIRONMENT]) == ([], 1) and row["ends"]


@pytest.mark.parametrize(("status", "role"), [(401, False), (403, True)])
def test_only_a_refusal_is_a_missing_role(status: int, role: bool, screen: Screen, azure: Azure) -> None:
    azure.there[f"{ENDPOINT}/deployments"] = busy(status)
    assert ("role" in screen.read()["why"]["deployments"]) == role
    azure.there[f"{WORKSPACE}/onlineEndpoints"] = busy(status)
    screen.read(fresh=True)
    told = screen.workspaces["w"]
    assert (told["state"], "role" in told["reason"]) == ("refused" if role else "silent", role)


def test_without_the_deployments_nobody_says_that_there_is_no_plan(screen: Screen, azure: Azure) -> None:
    azure.there[f"{ENDPOINT}/deployments"] = busy()
    row = screen.read()
    assert (row["drift"], row["drift_reason"]) == (None, "")
    assert row["why"]["drift"] == "its deployments could not be read: Azure is busy"


# What is not there any more


def test_what_the_identity_no_longer_sees_is_gone(screen: Screen, azure: Azure) -> None:
    assert screen.read()["health"] == "healthy"
    azure.there["/subscriptions"] = busy()
    screen.read(fresh=True)
    assert screen.gone == [], "that list is not whole"
    azure.there["/subscriptions"] = [{"subscriptionId": "other", "displayName": "Other"}]
    screen.read(fresh=True, subscriptions=["one"])
    assert screen.gone == [], "it was asked for"
    screen.read(fresh=True)
    assert (screen.gone, screen.workspaces["w"]["endpoints"], screen.answer["workspaces"]) == ([ENDPOINT], 0, 0)


def test_a_deleted_workspace_that_resource_graph_still_lists_is_not_being_read_for_ever(
    screen: Screen, azure: Azure
) -> None:
    azure.there["workspaces"] = azure.there[f"{ONE}/{ML}"]
    azure.there[f"{WORKSPACE}/onlineEndpoints"] = busy(404)
    screen.read()
    assert (screen.workspaces["w"]["state"], screen.workspaces["w"]["endpoints"]) == ("read", 0)
    azure.there[f"{WORKSPACE}/onlineEndpoints"] = [endpoint()]
    screen.read(fresh=True)
    azure.there[f"{WORKSPACE}/onlineEndpoints"] = busy(404)
    screen.read(fresh=True)
    assert (screen.gone, screen.workspaces["w"]["state"]) == ([ENDPOINT], "read")


# What many endpoints have in common


def test_one_endpoint_alone_does_not_read_again_what_all_have_in_common(screen: Screen, azure: Azure) -> None:
    screen.read()
    assert screen.read(endpoints=[ENDPOINT], fresh=True)["health"] == "healthy" and not screen.gone
    assert (azure.asked[ENDPOINT], azure.asked[LOG], azure.asked[RULES]) == (1, 0, 0)


def test_a_fresh_reading_reads_once_what_many_have_in_common(screen: Screen, azure: Azure) -> None:
    places = [f"{WORKSPACE}{number}" for number in range(5)]
    azure.there[f"{ONE}/{ML}"] = [{"id": place, "location": "eastus"} for place in places]
    for place in places:
        azure.there[f"{place}/onlineEndpoints"] = [endpoint(f"{place}/onlineEndpoints/e{number}") for number in (1, 2)]
    azure.there[ENVIRONMENT] = busy()
    screen.read()
    screen.read(fresh=True)
    assert (len(screen.rows), azure.asked[LOG], azure.asked[RULES]) == (10, 1, 1)


# Our own budget of reads


@pytest.fixture
def narrow(azure: Azure, monkeypatch: pytest.MonkeyPatch) -> ReadBudget:
    """The budget of the subscription may be used up, and a workspace has half a second to answer."""
    budget = ReadBudget()
    items = Azure.items

    def wait(self: Azure, path: str, *given: Any, **more: Any) -> list[Body]:
        if re.search("/onlineEndpoints$", path):
            budget.take("one")
        return items(self, path, *given, **more)

    monkeypatch.setattr(Azure, "items", wait)
    monkeypatch.setattr(discover, "WORKSPACE_LIMIT", 0.5)
    return budget


def test_waiting_for_our_own_budget_is_not_a_workspace_that_does_not_answer(screen: Screen, narrow: ReadBudget) -> None:
    narrow.learn("one", 429, {"Retry-After": "1.5"})
    assert (screen.read()["health"], screen.workspaces["w"]["state"]) == ("healthy", "read")


def test_what_is_known_stays_if_our_budget_is_used_up_for_too_long(
    screen: Screen, narrow: ReadBudget, monkeypatch: pytest.MonkeyPatch
) -> None:
    screen.read()
    monkeypatch.setattr(discover, "BUDGET_LIMIT", 0.5)
    narrow.learn("one", 429, {"Retry-After": "30"})
    assert screen.read(fresh=True)["health"] == "healthy" and screen.workspaces["w"]["state"] == "read"
    (unseen,) = screen.answer["unseen"]
    assert unseen["why"] == "The workspace w was not read: this machine's share of the reads of Azure is used up."
    anew = Screen(screen.azure)
    anew.read()
    assert (anew.workspaces["w"]["state"], anew.workspaces["w"]["reason"]) == ("silent", unseen["why"])


def test_a_call_that_was_broken_off_because_it_was_late_is_no_answer() -> None:
    def read() -> None:
        while not over():
            time.sleep(0.001)
        raise CloudError("The connection to the service failed")

    with pytest.raises(NoAnswer):
        discover.limited(read, 0.1)
    with pytest.raises(CloudError):
        discover.limited(lambda: (_ for _ in ()).throw(CloudError("The connection to the service failed")), 60)
