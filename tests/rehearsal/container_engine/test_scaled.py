"""The number of a deployment's containers changes while they serve, in a closed network too."""

from __future__ import annotations

import json
from typing import Any

from tests.rehearsal.container_engine.machine import Machine, own_server_plan, until
from tests.rehearsal.monitor.timeline_picture import lines_of
from tui.rehearsal.arm.rights import change
from tui.rehearsal.container_engine.engine import Engine

PATH = "onlineEndpoints/scaled/deployments/blue"


def scaled(machine: Machine, count: int) -> None:
    arm = machine.arm()
    assert arm.call("PATCH", PATH, {"sku": {"name": "Default", "capacity": count}}).status_code == 202
    until(lambda: arm.call("GET", PATH).json()["properties"]["provisioningState"] != "Updating", "it is scaled")
    assert arm.call("GET", PATH).json()["properties"]["provisioningState"] == "Succeeded", machine.log("scaled")
    assert arm.call("GET", PATH).json()["sku"]["capacity"] == count


def hosts(machine: Machine, calls: int) -> set[str]:
    """The host names of the containers that answer."""
    (machine.folder / "request.json").write_text("{}")
    found: set[str] = set()
    for _ in range(calls):
        done = machine.run("invoke", "scaled", "--rehearse", "--request", "request.json", "--json")
        said: dict[str, Any] = json.loads(done.stdout)
        found.add(said["response"]["variables"]["HOSTNAME"])
    return found


def test_containers_come_and_go_while_the_others_serve(machine: Machine, server_image: str, engine: Engine) -> None:
    code, events = machine.apply(own_server_plan(server_image, "scaled", instance_count=2))
    assert code == 0, events
    first = set(machine.labelled(engine, "ps"))
    scaled(machine, 3)
    assert hosts(machine, 3) == {"blue-0", "blue-1", "blue-2"}
    assert first < set(machine.labelled(engine, "ps")), "the first two were not started again"
    scaled(machine, 2)
    assert hosts(machine, 2) == {"blue-0", "blue-1"}, "those of the beginning share a network"
    scaled(machine, 1)
    assert hosts(machine, 1) == {"blue-0"}
    assert set(machine.labelled(engine, "ps", "-a")) < first, "also the relay of the one that left"

    arm = machine.arm()
    group, target = arm.workspace.partition("/providers/")[0], arm.call("GET", PATH).json()["id"]
    trigger = {
        "metricName": "CpuUtilizationPercentage", "metricResourceUri": target, "timeGrain": "PT1M",
        "statistic": "Average", "timeWindow": "PT5M", "timeAggregation": "Average",
        "operator": "LessThan", "threshold": 50,
    }  # fmt: skip
    action = {"direction": "Decrease", "type": "ChangeCount", "value": "1", "cooldown": "PT1M"}
    profile = {
        "name": "p",
        "rules": [{"metricTrigger": trigger, "scaleAction": action}],
        "capacity": {"minimum": "1", "maximum": "3", "default": "1"},
    }
    body = {"location": "eastus", "properties": {"profiles": [profile], "targetResourceUri": target}}
    change(machine.home, roles=["contributor"])
    assert arm.call("PUT", f"{group}/providers/Microsoft.Insights/autoscaleSettings/quiet", body).status_code == 201
    runs = lambda: lines_of(machine.home.autoscale_file)  # noqa: E731
    until(lambda: any(value is not None for run in runs() for value in run["seen"].values()), "a container is measured")
    assert all(0 <= value < 50 for run in runs() for value in run["seen"].values() if value is not None)
