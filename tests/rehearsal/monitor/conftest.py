"""Endpoints about which questions over many are asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from arm_client import Arm

from tui.rehearsal.arm.rights import change, forget
from tui.rehearsal.places import Home
from tui.rehearsal.store import Resource, Store


@pytest.fixture
def home(rehearsal_home: dict[str, str]) -> Iterator[Home]:
    found = Home.of(rehearsal_home)
    yield found
    forget(found)


@pytest.fixture
def two(arm: Arm, name: str, settled: Callable[[str], dict[str, Any]], home: Home) -> Iterator[list[dict[str, Any]]]:
    """Two endpoints, the first with a deployment that states what it answered."""
    found = []
    for item in (f"{name}-a", f"{name}-b"):
        arm.call("PUT", f"onlineEndpoints/{item}", {"location": "eastus", "properties": {"authMode": "Key"}})
        found.append(settled(f"onlineEndpoints/{item}"))
    endpoint = found[0]["id"]
    blue = {
        "id": f"{endpoint}/deployments/blue", "name": "blue", "location": "eastus", "tags": {}, "kind": "Managed",
        "type": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments",
        "sku": {"name": "Default", "capacity": 1},
        "properties": {"provisioningState": "Succeeded", "environmentId": "", "properties": {}},
    }  # fmt: skip
    stated = {"failing": 0.5 / 12, "p95_ms": 80}
    store = Store(home.database)
    above = store.get(endpoint)
    assert above is not None
    above.properties["traffic"], above.internal["fleet"] = {"blue": 100}, {"requests": 12}
    store.put(above)
    found[0]["properties"]["traffic"] = {"blue": 100}
    store.put(Resource(blue["id"], "deployments", endpoint, blue, {"fleet": stated}))
    yield found
    store.delete(blue["id"])
    store.close()
    for item in found:
        arm.call("DELETE", item["id"])


@pytest.fixture
def rule(arm: Arm, two: list[dict[str, Any]], home: Home) -> Iterator[str]:
    """The name of an autoscale setting."""
    group, endpoint = arm.workspace.partition("/providers/")[0], two[1]["id"]
    profile = {"name": "p", "rules": [], "capacity": {"minimum": "1", "maximum": "3", "default": "1"}}
    body = {
        "location": "eastus",
        "properties": {"profiles": [profile], "targetResourceUri": f"{endpoint}/deployments/x"},
    }
    path = f"{group}/providers/Microsoft.Insights/autoscaleSettings/{two[1]['name']}"
    change(home, roles=["contributor"])
    arm.call("PUT", path, body)
    yield two[1]["name"]
    arm.call("DELETE", path)
