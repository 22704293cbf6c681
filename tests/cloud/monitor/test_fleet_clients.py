"""The readers of a whole subscription against the rehearsal: Resource Graph, metrics, activity log, age of keys."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tui.cloud.endpoints import scaling
from tui.cloud.errors import CloudError
from tui.cloud.http import read_budget
from tui.cloud.monitor import activity_log, metrics_batch, resource_graph
from tui.cloud.monitor.key_age import key_age
from tui.cloud.monitor.metrics_batch import LastHour
from tui.cloud.session import Cloud, connect
from tui.plan.model import Credential, Endpoint, Plan, Workspace
from tui.rehearsal.arm.rights import change, forget
from tui.rehearsal.places import Home
from tui.rehearsal.scenarios.scenarios import select
from tui.rehearsal.store import Resource, Store

TYPE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"


@pytest.fixture
def home(rehearsal_home: dict[str, str]) -> Iterator[Home]:
    found = Home.of(rehearsal_home)
    yield found
    forget(found)
    select(found, ())


@pytest.fixture
def cloud(rehearsed: dict[str, Any]) -> Cloud:
    place = (rehearsed["set"][f"AZURE_{name}"] for name in ("SUBSCRIPTION_ID", "RESOURCE_GROUP", "ML_WORKSPACE"))
    return connect(Plan(workspace=Workspace(*place), credential=Credential(), endpoint=Endpoint(name="fleet")))


@pytest.fixture
def sixty(home: Home, cloud: Cloud) -> Iterator[list[str]]:
    """The ids of sixty endpoints; the first one's deployment says what it has answered."""
    store = Store(home.database)
    made = []
    for number in range(60):
        identity = f"{cloud.workspace_id}/onlineEndpoints/fleet-reader-{number:02}"
        body = {"id": identity, "name": identity.rpartition("/")[2], "type": TYPE, "location": "eastus", "tags": {},
                "kind": "Managed", "properties": {"provisioningState": "Succeeded", "authMode": "Key", "traffic": {},
                                                  "properties": {}}}  # fmt: skip
        store.put(Resource(identity, "onlineEndpoints", cloud.workspace_id, body))
        made.append(identity)
    blue = {
        **body,
        "id": f"{made[0]}/deployments/blue",
        "name": "blue",
        "type": f"{TYPE}/deployments",
        "sku": {"capacity": 1},
    }
    store.put(Resource(blue["id"], "deployments", made[0], blue, {"fleet": {"failing": 0.25, "p95_ms": 80}}))
    first = store.get(made[0])
    assert first is not None
    first.properties["traffic"], first.internal["fleet"] = {"blue": 100}, {"requests": 12}
    store.put(first)
    yield made
    for identity in (blue["id"], *made):
        store.delete(identity)
    store.close()


def test_resource_graph_knows_them_and_says_so_if_it_is_refused(sixty: list[str], cloud: Cloud, home: Home) -> None:
    subscription = cloud.plan.workspace.subscription_id
    found = resource_graph.query(cloud, resource_graph.ENDPOINTS, [subscription])
    assert found.complete and {one.lower() for one in sixty} <= {row["id"].lower() for row in found.rows}
    (blue,) = resource_graph.query(cloud, resource_graph.DEPLOYMENTS.replace(
        "| project", f"| where id =~ '{sixty[0]}/deployments/blue' | project"), [subscription]).rows  # fmt: skip
    assert set(blue) == {
        *("id", "name", "type", "location", "resourceGroup", "subscriptionId", "kind", "tags", "properties")
    }
    with pytest.raises(CloudError) as unknown:
        resource_graph.query(cloud, "resources | where typo", [subscription])
    assert unknown.value.status == 400
    select(home, ("graph-forbidden",))
    with pytest.raises(CloudError) as refused:
        resource_graph.query(cloud, resource_graph.ENDPOINTS, [subscription])
    assert refused.value.status == 403


def test_metrics_in_batches_are_those_of_single_requests(sixty: list[str], cloud: Cloud, home: Home) -> None:
    subscription, budget = cloud.plan.workspace.subscription_id, read_budget.of(cloud)
    found = metrics_batch.last_hour(cloud, subscription, "eastus", sixty)
    assert set(found) == {one.lower() for one in sixty} and budget.requests == 0
    busy = found.pop(sixty[0].lower())
    assert isinstance(busy, LastHour) and busy.p95_ms == 80 and set(busy.by_deployment) == {"blue"}
    assert (busy.requests, busy.errors) == (60 * 12, 60 * 3)
    assert set(map(str, found.values())) == {str(LastHour(0, 0, None, {}))}
    # Of another region than the endpoints', the host refuses all with 400.
    for number, region in enumerate(("westeurope", "")):
        alone = metrics_batch.last_hour(cloud, subscription, region, sixty[:2])
        one = alone[sixty[0].lower()]
        assert isinstance(one, LastHour) and set(one.by_deployment) == {"blue"}
        assert budget.requests == 3 * number + 3
    change(home, denied=["Microsoft.Insights/metrics/read"])
    refused = metrics_batch.last_hour(cloud, subscription, "eastus", sixty[:2])
    assert [getattr(one, "status", 0) for one in refused.values()] == [403, 403] and budget.requests == 8


def test_a_regenerated_key_is_young(sixty: list[str], cloud: Cloud) -> None:
    subscription, old = cloud.plan.workspace.subscription_id, "2020-01-01T00:00:00Z"
    before = activity_log.of_subscription(cloud, subscription)
    assert before.whole and key_age(sixty[1], old, before)[0] is None
    answer = cloud.arm.call("POST", f"{sixty[1]}/regenerateKeys", "2024-04-01", {"keyType": "Primary"})
    address = answer.headers["Location"]
    deadline = time.monotonic() + 90
    while cloud.arm.call("GET", address).status == 202:
        assert time.monotonic() < deadline, address
    log = activity_log.of_subscription(cloud, subscription)
    assert key_age(sixty[1].upper(), old, log) == (0, "") and key_age(sixty[2], old, log)[0] is None
    assert log.changes[0].time >= log.changes[-1].time and log.changes[0].caller
    assert len(activity_log.of_subscription(cloud, "no-such-subscription-00").changes) == 0


def test_the_subscriptions_autoscale_settings_are_the_groups(
    sixty: list[str], cloud: Cloud, home: Home, rehearsed: dict[str, Any]
) -> None:
    change(home, roles=["contributor"])
    group = cloud.workspace_id.partition("/providers/")[0]
    setting = f"{cloud.arm.base}{group}/providers/Microsoft.Insights/autoscaleSettings/fleet"
    profile = {"name": "all", "capacity": {"minimum": "1", "maximum": "4", "default": "1"}, "rules": []}
    body = {"location": "eastus", "properties": {"targetResourceUri": f"{sixty[0]}/deployments/blue",
                                                 "enabled": False, "profiles": [profile]}}  # fmt: skip
    other = requests.Session()  # another client: the program itself changes no rules
    other.headers["Authorization"], other.verify = cloud.arm.authorization(), rehearsed["set"]["REQUESTS_CA_BUNDLE"]
    version = {"api-version": scaling.AUTOSCALE}
    assert other.put(setting, params=version, json=body, timeout=30).status_code in (200, 201)
    rules = scaling.of_subscription(cloud, cloud.plan.workspace.subscription_id)[sixty[0].lower()]
    assert rules == scaling.autoscale(cloud, sixty[0]) == [scaling.Autoscale("fleet", "blue", False, 1, 4)]
    assert other.delete(setting, params=version, timeout=30).status_code in (200, 204)
    assert sixty[0].lower() not in scaling.of_subscription(cloud, cloud.plan.workspace.subscription_id)
