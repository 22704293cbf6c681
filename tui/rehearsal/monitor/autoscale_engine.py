"""Carries autoscale settings out on the load of the rehearsal itself, once in each of Azure's minutes.

A minute lasts as long as the pace says (`--speed`), at full speed one second. Of the metrics there are the requests and
latencies of the scoring front end, the processors of the instances, and their number; others are missing. A minute
without requests counts as 0 requests and has no latency. Each run is a line of JSON in the file `autoscale.jsonl`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from aiohttp import web

from tui.rehearsal.arm import operations
from tui.rehearsal.arm.errors import ArmError, timestamp
from tui.rehearsal.monitor import activity_log
from tui.rehearsal.monitor.autoscale_rules import Decision, active_profile, decide
from tui.rehearsal.monitor.metrics import KEPT_MINUTES, PER_MINUTE, Counts, figure
from tui.rehearsal.online_endpoints.deployments import SCALE, resize, work
from tui.rehearsal.online_endpoints.online_resources import begin_by
from tui.rehearsal.online_endpoints.rules import AUTOSCALE, seconds
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

log = logging.getLogger(__name__)

CPU = "CpuUtilizationPercentage"
_VERSION = "2023-10-01"
AGAIN = 300.0
"""Seconds until a refused change is tried again."""
_LEAST, _MOST = 0.1, 1.0
"""Seconds between two looks whether another minute has passed."""
_FILE_BYTES = 4_000_000
_COMBINE: dict[str, Callable[[Sequence[float]], float]] = {
    "average": lambda values: sum(values) / len(values), "minimum": min, "min": min, "maximum": max, "max": max,
    "total": sum, "sum": sum, "count": len, "last": lambda values: values[-1],
}  # fmt: skip


class AutoscaleEngine:
    """The settings of one rehearsal at work."""

    def __init__(self, service: Service, counts: Counts) -> None:
        self._service = service
        self._counts = counts
        self._cpu: dict[str, dict[int, list[float]]] = defaultdict(dict)
        self._used: dict[tuple[str, int], tuple[float, float]] = {}
        self._minute = 0
        self._acted: dict[str, tuple[float, float]] = {}

    async def run(self) -> None:
        """Evaluate all settings, minute after minute."""
        self._service.home.autoscale_file.unlink(missing_ok=True)
        while True:
            left = (60 - self._service.pace.now() % 60) / self._service.pace.factor
            await asyncio.sleep(min(max(left, _LEAST), _MOST))
            minute = int(self._service.pace.now() // 60)
            if minute == self._minute:
                continue
            running = self._service.running_deployments
            found = [item for item in self._service.store.of_kind(AUTOSCALE) if running.instances(_target_of(item))]
            try:
                await self._look(found, minute)
                for setting in found:
                    self.evaluate(setting)
            except Exception:
                log.exception("The autoscale settings could not be carried out")
            self._minute = minute

    async def _look(self, settings: list[Resource], minute: int) -> None:
        """Note how busy the instances were whose processors rules are about, since the last look."""
        for resource in {
            _resource_of(rule) for item in settings for rule in _triggers(item) if rule["metricName"] == CPU
        }:
            replicas = self._service.running_deployments.instances(resource)
            if replicas is None:
                continue
            shares = []
            for number, used in (await replicas.processor_seconds()).items():
                now, key = time.monotonic(), (resource, number)
                before = self._used.get(key)
                self._used[key] = (now, used)
                if before is not None and used >= before[1]:
                    shares.append(min(100.0, 100 * (used - before[1]) / (now - before[0]) / replicas.cores))
            if shares:
                kept = {at: found for at, found in self._cpu[resource].items() if at >= minute - KEPT_MINUTES}
                self._cpu[resource] = {**kept, **dict.fromkeys(range(self._minute, minute), shares)}

    def evaluate(self, setting: Resource) -> None:
        """Let a setting act once, if its deployment is there."""
        service, properties = self._service, setting.properties
        deployment = service.store.get(_target_of(setting))
        if deployment is None or not properties["enabled"]:
            return
        count, now = int(deployment.body["sku"]["capacity"]), service.pace.now()
        acted, cooldown = self._acted.get(deployment.id, (0.0, 0.0))
        profile = active_profile(properties["profiles"], datetime.now(timezone.utc))
        decision = decide(profile, count, lambda trigger: self._value(trigger, count), cooling=now < acted + cooldown)
        state, why = deployment.properties["provisioningState"], decision.why
        if state != "Succeeded":
            decision, why = Decision(count, "", decision.profile, decision.seen), f"waits: the deployment is {state}"
        elif decision.count != count:
            try:
                self._acted[deployment.id] = (now, decision.cooldown)
                self._act(setting, deployment, decision)
            except ArmError as error:
                self._acted[deployment.id] = (now, max(decision.cooldown, AGAIN))
                decision, why = Decision(count, "", decision.profile, decision.seen), f"refused: {error.message}"
        self._note(deployment, count, decision, why)

    def _act(self, setting: Resource, deployment: Resource, decision: Decision) -> None:
        """Begin the change of the number of instances. Raises ArmError if the quota does not allow it."""
        service, before = self._service, int(deployment.body["sku"]["capacity"])
        workspace = service.workspaces.of(deployment.body["id"])
        try:
            resize(service, workspace, deployment, decision.count)
        except ArmError as error:
            activity_log.keep_scaling(service, setting, deployment, before, decision, error=error.message)
            raise
        path = begin_by(service, _VERSION, workspace, deployment, operations.DEPLOYMENT, SCALE, work)
        activity_log.keep_scaling(service, setting, deployment, before, decision, operation=path.rpartition("/")[2])

    def _value(self, trigger: Mapping[str, Any], count: int) -> float | None:
        """What a metric trigger sees: each minute of its window by its statistic, and these by its aggregation."""
        minute, window = int(self._service.pace.now() // 60), seconds(trigger.get("timeWindow"), "timeWindow", 600)
        values = self._series(trigger, range(max(0, minute - max(1, round(window / 60))), minute), count)
        if not values:
            return None
        share = count if trigger.get("dividePerInstance") else 1
        return _COMBINE[str(trigger.get("timeAggregation") or "Average").lower()](values) / share

    def _series(self, trigger: Mapping[str, Any], minutes: range, count: int) -> list[float]:
        """The value of each of these minutes that has one."""
        name, resource = str(trigger["metricName"]), _resource_of(trigger)
        if name == CPU:
            combine, shares = _COMBINE[str(trigger.get("statistic") or "Average").lower()], self._cpu[resource]
            return [combine(shares[at]) for at in minutes if at in shares]
        if name == "DeploymentCapacity":
            return [float(count)] * len(minutes)
        if not name.startswith("Request"):
            return []
        endpoint, _, deployment = resource.partition("/deployments/")
        took: dict[int, list[float]] = {at: [] for at in minutes}
        for at, found, values in self._counts.of(endpoint.rpartition("/")[2]):
            if (
                at in took
                and (not deployment or found["deployment"].lower() == deployment)
                and all(_fits(one, found) for one in trigger.get("dimensions") or ())
            ):
                took[at] += values
        return [figure(name, values) if values else 0.0 for values in took.values() if values or name == PER_MINUTE]

    def _note(self, deployment: Resource, count: int, decision: Decision, why: str) -> None:
        """Add a line to the file: what was seen and decided, and the requests of the last whole minute."""
        now, place = self._service.pace.now() / 60, deployment.id.split("/")
        rows = [
            (row["statusCode"], len(took))
            for at, row, took in self._counts.of(place[-3])
            if at == int(now) - 1 and row["deployment"].lower() == place[-1]
        ]
        running = self._service.running_deployments.instances(deployment.id)
        line = {
            "time": timestamp(), "minute": round(now, 2), "deployment": "/".join(place[-3::2]),
            "profile": decision.profile, "count": count, "ready": running.ready if running else 0,
            "to": decision.count, "why": why,
            "seen": {name: value if value is None else round(value, 2) for name, value in decision.seen.items()},
            "requests": sum(number for _, number in rows),
            "refused": sum(number for status, number in rows if status == "429"),
        }  # fmt: skip
        with contextlib.suppress(OSError):
            path = self._service.home.autoscale_file
            if path.exists() and path.stat().st_size > _FILE_BYTES:
                path.replace(path.with_suffix(".old.jsonl"))
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")


def _target_of(setting: Resource) -> str:
    return str(setting.properties["targetResourceUri"]).lower()


def _triggers(setting: Resource) -> list[Mapping[str, Any]]:
    return [rule["metricTrigger"] for profile in setting.properties["profiles"] for rule in profile["rules"]]


def _resource_of(trigger: Mapping[str, Any]) -> str:
    return str(trigger.get("metricResourceUri")).lower()


def _fits(dimension: Mapping[str, Any], found: Mapping[str, str]) -> bool:
    """Whether a request is among the values of a dimension (Equals), or not among them (NotEquals)."""
    name, values = (
        str(dimension.get("DimensionName")).lower(),
        [str(one).lower() for one in dimension.get("Values", ())],
    )
    value = next((value.lower() for key, value in found.items() if key.lower() == name), "")
    return (value in values) == (str(dimension.get("Operator")).lower() == "equals")


ENGINE: web.AppKey[AutoscaleEngine] = web.AppKey("autoscale", AutoscaleEngine)
