"""Load rises tenfold and falls, and the instances of a deployment follow its rules; a minute of Azure is a second."""

from __future__ import annotations

import asyncio
import ssl
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from flow import Flow
from practised import Practised

from tests.rehearsal.monitor.test_what_rules_decide import rule
from tests.rehearsal.monitor.timeline_picture import draw, lines_of
from tui.rehearsal.arm.rights import change
from tui.rehearsal.serving import cpu_group

SCORE = """
import time


def init():
    pass


def run(text):
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
    return {"done": True}
"""
LOW, HIGH = 2, 20
"""Requests a second: of a quarter of a core, 16 and 160 percent."""
PATH = "onlineEndpoints/autoscaled/deployments/blue"
CPU = "CpuUtilizationPercentage"
MOST_SECONDS = 240


class Load:
    """Requests at times that do not depend on the answers; remembers each answer's time and status."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self.answers: list[tuple[float, int]] = []
        self.rate = LOW
        self._session, self._url = session, url
        self._sent: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Send until cancelled."""
        due = time.monotonic()
        while True:
            due += 1 / self.rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.ensure_future(self._send())
            self._sent.add(task)
            task.add_done_callback(self._sent.discard)

    async def _send(self) -> None:
        async with self._session.post(self._url, json={}) as answer:
            await answer.read()
            self.answers.append((time.time(), answer.status))


@pytest.fixture
def own(rehearsal_home: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Practised]:
    """A rehearsal in which every instance has a quarter of a core."""
    home = str(tmp_path_factory.mktemp("autoscaled"))
    found = Practised({**rehearsal_home, "AML_DEPLOY_HOME": home, "AML_DEPLOY_REHEARSAL_CORES": "0.25"})
    change(found.home, roles=["contributor"])
    yield found
    assert found.command("stop").returncode == 0


def setting(target: str, rules: list[dict[str, Any]], limits: str = "1 3 1") -> dict[str, Any]:
    minimum, maximum, default = limits.split()
    for one in rules:
        one["metricTrigger"]["metricResourceUri"] = target
    capacity = {"minimum": minimum, "maximum": maximum, "default": default}
    profile = {"name": "by load", "rules": rules, "capacity": capacity}
    return {"location": "eastus", "properties": {"profiles": [profile], "targetResourceUri": target}}


async def until(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + MOST_SECONDS
    while not (found := condition()):
        assert time.monotonic() < deadline, what
        await asyncio.sleep(0.1)
    return found


def deployed(own: Practised, artifacts: Path, score: str) -> tuple[str, str, dict[str, str]]:
    """The deployment's id, the scoring address, and the headers of a call."""
    flow = Flow(own.arm, artifacts)
    endpoint = own.endpoint("autoscaled")
    settings = {"requestSettings": {"maxConcurrentRequestsPerInstance": 5, "requestTimeout": "PT20S"}}
    done = flow.deploy(PATH, flow.code("score", score), **settings)
    assert done["status"] == "Succeeded", done
    traffic = {"location": "eastus", "properties": {"authMode": "Key", "traffic": {"blue": 100}}}
    assert own.arm.call("PUT", "onlineEndpoints/autoscaled", traffic).status_code == 200
    own.until("onlineEndpoints/autoscaled", lambda body: body["properties"]["provisioningState"] == "Succeeded")
    key = own.arm.call("POST", "onlineEndpoints/autoscaled/listKeys").json()["primaryKey"]
    headers = {"Authorization": f"Bearer {key}"}
    return f"{endpoint['id']}/deployments/blue", endpoint["properties"]["scoringUri"], headers


def put_setting(own: Practised, body: dict[str, Any]) -> int:
    group = own.arm.workspace.partition("/providers/")[0]
    path = f"{group}/providers/Microsoft.Insights/autoscaleSettings/by-load"
    return own.arm.call("PUT", path, body).status_code


async def test_instances_follow_a_load_that_rises_tenfold_and_falls(own: Practised, artifacts: Path) -> None:
    if await cpu_group.group_of("test", 0.25) is None:
        pytest.skip("this machine lets this user make no control group")
    target, url, headers = deployed(own, artifacts, SCORE)
    rules = [rule(CPU, ">", 70, "out 2", "PT1M"), rule(CPU, "<", 30, "in 1", "PT1M")]
    assert put_setting(own, setting(target, rules)) == 201

    def timeline() -> list[dict[str, Any]]:
        return lines_of(own.home.autoscale_file)

    trusted = ssl.create_default_context(cafile=own.env["REQUESTS_CA_BUNDLE"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted, limit=0), headers=headers) as session:
        load = Load(session, url)
        sending = asyncio.ensure_future(load.run())
        out, inward = (f"{CPU} {sign} average 5m" for sign in ("> 70", "< 30"))
        await until(lambda: sum(run["seen"][out] is not None for run in timeline()) > 5, "the processor is measured")
        assert {run["count"] for run in timeline()} == {1}
        load.rate = HIGH
        await until(lambda: any(run["to"] == 3 for run in timeline()), "it scales out")
        assert own.arm.call("GET", PATH).json()["properties"]["provisioningState"] == "Updating"
        await until(lambda: [run for run in timeline() if run["ready"] == 3], "three serve")
        serve = time.time()
        before = len(timeline())
        await until(lambda: len(timeline()) > before + 6, "three serve the load for a while")
        steady = timeline()[before:]
        load.rate = LOW
        await until(lambda: timeline()[-1]["count"] == 1 and "waits" not in timeline()[-1]["why"], "it scales in")
        sending.cancel()
        await asyncio.gather(sending, *load._sent, return_exceptions=True)

    assert {status for _, status in load.answers} == {200, 429}
    refused = [at for at, status in load.answers if status == 429]
    # Between the rise and the moment when the rule's window has seen it and the new instances serve; not after that.
    assert max(refused) < serve + 1, f"{max(refused) - serve:.1f} s after three served"
    assert [run["refused"] for run in steady[2:]] == [0] * len(steady[2:])
    runs = timeline()
    acted = [run for run in runs if run["to"] != run["count"]]
    assert [(run["count"], run["to"]) for run in acted] == [(1, 3), (3, 2), (2, 1)]
    assert [run["why"] for run in acted] == [out, inward, inward]
    for run in runs:
        decided = "waits" not in run["why"] and run["why"] != "cooling down"
        assert not (decided and run["count"] == 1 and (run["seen"][out] or 0) > 70 and run["to"] == 1), run
    print(f"refused for {max(refused) - min(refused):.1f} s, {len(refused)} of {len(load.answers)} requests")

    found = own.arm.call("GET", PATH).json()
    assert (found["sku"]["capacity"], found["properties"]["provisioningState"]) == (1, "Succeeded")
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - 3600))
    wanted = {"$filter": f"eventTimestamp ge '{since}' and resourceProvider eq 'Microsoft.Insights'"}
    subscription = f"{own.origin}/subscriptions/{own.env['AZURE_SUBSCRIPTION_ID']}"
    log = f"{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    events = own.arm.session.get(log, params={"api-version": "2015-04-01", **wanted}, timeout=60).json()["value"]
    ended = [event for event in events if event["status"]["value"] == "Succeeded"]
    assert [event["operationName"]["value"] for event in reversed(ended)] == [
        "Microsoft.Insights/AutoscaleSettings/Scaleup/Action",
        *["Microsoft.Insights/AutoscaleSettings/Scaledown/Action"] * 2,
    ]
    (first,) = [event for event in ended if event["properties"]["NewInstancesCount"] == "3"]
    assert first["caller"] == "Microsoft.Insights/autoscaleSettings"
    assert first["category"]["value"] == "Autoscale"
    assert first["resourceId"].endswith("/autoscalesettings/by-load")
    assert first["properties"]["ResourceName"] == target

    picture = ElementTree.fromstring(draw(runs))
    assert len(picture.findall("{http://www.w3.org/2000/svg}polyline")) == 6
    assert "autoscaled/blue: 1 instance by autoscale" in own.command("status").stdout


async def test_rules_on_requests_and_a_fixed_date(own: Practised, artifacts: Path) -> None:
    target, url, headers = deployed(own, artifacts, SCORE)
    count, endpoint = "RequestsPerMinute", target.partition("/deployments/")[0]
    rules = [rule(count, ">", 5, "to 2", "PT1M"), rule(count, "<", 1, "in 1", "PT1M")]
    body = setting(endpoint, rules, "1 2 1")
    for one in rules:
        one["metricTrigger"]["timeAggregation"] = "Maximum"
    body["properties"]["targetResourceUri"] = target
    assert put_setting(own, body) == 201

    def runs() -> list[dict[str, Any]]:
        return lines_of(own.home.autoscale_file)

    for _ in range(4):
        # Some of them are within one of Azure's minutes, which are seconds.
        own.arm.session.post(url, json={}, headers=headers, timeout=60)
    assert {run["to"] for run in runs()} == {1}
    trusted = ssl.create_default_context(cafile=own.env["REQUESTS_CA_BUNDLE"])
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=trusted), headers=headers) as session:
        for answer in await asyncio.gather(*(session.post(url, json={}) for _ in range(10))):
            answer.close()
    await until(lambda: runs()[-1]["ready"] == 2, "ten requests in a minute are more than five")
    await until(lambda: runs()[-1]["ready"] == 1, "no request in five minutes is less than one")
    acted = [run for run in runs() if run["to"] != run["count"]]
    assert [run["why"] for run in acted] == [f"{count} > 5 maximum 5m", f"{count} < 1 maximum 5m"]

    (usual,) = body["properties"]["profiles"]
    launch = {"timeZone": "UTC", "start": "2020-01-01T00:00:00Z", "end": "2099-01-01T00:00:00Z"}
    capacity = {"minimum": "2", "maximum": "2", "default": "2"}
    body["properties"]["profiles"].append({**usual, "name": "launch", "capacity": capacity, "fixedDate": launch})
    await until(lambda: runs()[-1]["why"] != "cooling down", "the cooldown ends")
    assert put_setting(own, body) == 200
    found = own.arm.call("GET", PATH).json()
    assert (found["sku"]["capacity"], found["properties"]["provisioningState"]) == (2, "Updating"), "at once"
    await until(lambda: runs()[-1]["ready"] == 2, "the date has begun")
    assert runs()[-1]["profile"] == "launch"
