"""Autoscale of a deployment (`deployment.autoscale`): between which limits, by which rules and at which times.

Conditions, changes and recurrences are written as the Azure CLI's autoscale commands take them (azure-cli 2.91,
AutoscaleCondition.g4, which has != and count, but cannot read them); a cooldown is in minutes, as there. Metrics are
those of Microsoft's lists "Supported metrics for Microsoft.MachineLearningServices/workspaces/onlineEndpoints" and
".../onlineEndpoints/deployments"; limits of times are those of Autoscale Settings (2022-10-01).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.plan.rules.durations import seconds_of

LATENCIES = ("RequestLatency_P50", "RequestLatency_P90", "RequestLatency_P95", "RequestLatency_P99")
OF_DEPLOYMENT = (
    "CpuUtilizationPercentage", "CpuMemoryUtilizationPercentage", "GpuUtilizationPercentage",
    "GpuMemoryUtilizationPercentage", "DiskUtilization", "RequestsPerMinute", *LATENCIES, "DeploymentCapacity",
    "GpuEnergyJoules", "DataCollectionErrorsPerMinute", "DataCollectionEventsPerMinute",
)  # fmt: skip
OF_ENDPOINT = (
    "RequestLatency", *LATENCIES, "RequestsPerMinute", "ConnectionsActive", "NewConnectionsPerSecond", "NetworkBytes",
    "DataCollectionErrorsPerMinute", "DataCollectionEventsPerMinute",
)  # fmt: skip
METRICS = tuple(dict.fromkeys((*OF_DEPLOYMENT, *OF_ENDPOINT)))
RESOURCES = ("deployment", "endpoint")
OPERATORS = (">=", "<=", "==", "!=", ">", "<")
STATISTICS = ("avg", "min", "max", "total", "count", "last")
"""Those of az, and Azure's Last, which Microsoft's example in Python has."""
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_INSTANCES = 50
WINDOW, COOLDOWN = (300.0, 43_200.0), (60.0, 604_800.0)
MOST_RULES, MOST_SCHEDULES = 10, 9
"""Azure allows 10 rules in a profile and 20 profiles; a recurring one needs a second for its end."""
RULE_KEYS, SCHEDULE_KEYS = (
    ("condition", "scale", "cooldown", "resource"),
    ("name", "recurrence", "start", "end", "timezone", "minimum", "maximum"),
)
RULE_LEADING, SCHEDULE_LEADING = ("condition", "scale"), ("name",)
EXAMPLE = "CpuUtilizationPercentage > 70 avg 5m"
_CONDITION = re.compile(rf"^\s*(\w+)\s*({'|'.join(OPERATORS)})\s*(\d+(?:\.\d+)?)\s+([a-zA-Z]+)\s+(\w+)\s*$")
_SCALE = re.compile(r"^\s*(out|in|to)\s+(\d+)(\s*%)?\s*$", re.IGNORECASE)
_TIME = re.compile(r"^([01]?\d|2[0-3]):([0-5]\d)$")
_DATE = re.compile(r"^\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?Z?$")


@dataclass(frozen=True)
class ScaleRule:
    """One rule: `window` and `cooldown` in seconds, `direction` out, in or to, `amount` instances or percent.

    `resource` is deployment or endpoint: whose metric it is. Left out, it is the deployment's where it has the metric.
    """

    metric: str
    operator: str
    threshold: float
    statistic: str
    window: float
    direction: str
    amount: int
    percent: bool = False
    cooldown: float = 300.0
    resource: str = ""

    def __post_init__(self) -> None:
        if not self.resource:
            object.__setattr__(self, "resource", resource_of(self.metric))

    @property
    def condition(self) -> str:
        """The condition as az writes it: `CpuUtilizationPercentage > 70 avg 5m`."""
        return f"{self.metric} {self.operator} {self.threshold:.12g} {self.statistic} {_short(self.window)}"

    @property
    def scale(self) -> str:
        """What is done, as az writes it: `out 1`, `in 20%`, `to 3`."""
        return f"{self.direction} {self.amount}{'%' if self.percent else ''}"


@dataclass(frozen=True)
class Schedule:
    """Other limits at some times, with the same rules.

    With `days` (mon to sun), every week on these days from `start` to `end` (HH:MM; an end that is not later is on the
    following day). Without, once from `start` to `end` (YYYY-MM-DDTHH:MM). `timezone` is a name of Windows.
    """

    name: str
    minimum: int
    maximum: int
    start: str = "00:00"
    end: str = "23:59"
    days: tuple[str, ...] = ()
    timezone: str = "UTC"


@dataclass(frozen=True)
class Autoscale:
    """The least and the most instances, the rules that move between them, and the times with other limits."""

    minimum: int
    maximum: int
    rules: tuple[ScaleRule, ...] = ()
    schedule: tuple[Schedule, ...] = ()

    def within(self, count: int) -> int:
        """The number of instances that rules and times may leave as it is: `count`, or the limit nearest to it."""
        least = min((self.minimum, *(one.minimum for one in self.schedule)))
        return min(max(count, least), max((self.maximum, *(one.maximum for one in self.schedule))))


def limits_in_words(least: Any, most: Any) -> str:
    """The limits as shown next to a number of instances: `2 to 6 by autoscale rule`."""
    return f"{least} to {most} by autoscale rule"


def resource_of(metric: str) -> str:
    """Whose metric it is: deployment, or endpoint for what only an endpoint has."""
    return "endpoint" if metric in OF_ENDPOINT and metric not in OF_DEPLOYMENT else "deployment"


def _short(seconds: float) -> str:
    """A duration in one unit: 5m, 2h, 90s."""
    for unit, size in (("h", 3600), ("m", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds // size:.0f}{unit}"
    return f"{seconds:g}s"


def minutes_of(value: Any) -> float | None:
    """The seconds of a cooldown: a number is minutes, as in az; None if it is neither that nor a duration."""
    seconds = seconds_of(value)
    plain = isinstance(value, (int, float)) or str(value).strip().replace(".", "", 1).isdigit()
    return seconds * 60 if seconds is not None and plain else seconds


def autoscale(minimum: int, maximum: int, rules: Any = (), schedule: Any = ()) -> Autoscale:
    """The settings from values that are valid according to `rules_problem` and `schedule_problem`."""
    return Autoscale(minimum, maximum, tuple(map(_rule, rules or ())), tuple(map(_schedule, schedule or ())))


def _rule(item: Mapping[str, Any]) -> ScaleRule:
    metric, operator, threshold, statistic, window = _CONDITION.match(item["condition"]).groups()  # type: ignore[union-attr]
    direction, amount, percent = _SCALE.match(item["scale"]).groups()  # type: ignore[union-attr]
    return ScaleRule(
        metric,
        operator,
        float(threshold),
        statistic.lower(),
        seconds_of(window) or 0.0,
        direction.lower(),
        int(amount),
        bool(percent),
        minutes_of(item.get("cooldown", 5)) or 0.0,
        item.get("resource") or "",
    )


def _schedule(item: Mapping[str, Any]) -> Schedule:
    days = _days(item.get("recurrence"))
    start, end = str(item.get("start") or "00:00"), str(item.get("end") or "23:59")
    start, end = (text.zfill(5) if days else text[:16] for text in (start, end))
    zone = str(item.get("timezone") or "UTC")
    return Schedule(str(item["name"]), item["minimum"], item["maximum"], start, end, days, zone)


def _days(recurrence: Any) -> tuple[str, ...]:
    """The days of `week mon tue`, in the order of a week."""
    found = {word[:3].lower() for word in str(recurrence or "").split()[1:]}
    return tuple(day for day in DAYS if day in found)


def tree(found: Autoscale) -> dict[str, Any]:
    """The settings as written in a plan."""
    made: dict[str, Any] = {"minimum": found.minimum, "maximum": found.maximum}
    if found.rules:
        made["rules"] = [_rule_tree(rule) for rule in found.rules]
    if found.schedule:
        made["schedule"] = [_schedule_tree(one) for one in found.schedule]
    return made


def _rule_tree(rule: ScaleRule) -> dict[str, Any]:
    minutes = rule.cooldown / 60
    made = {
        "condition": rule.condition,
        "scale": rule.scale,
        "cooldown": int(minutes) if minutes == int(minutes) else _short(rule.cooldown),
    }
    return made if rule.resource == resource_of(rule.metric) else {**made, "resource": rule.resource}


def _schedule_tree(one: Schedule) -> dict[str, Any]:
    recurrence = {"recurrence": " ".join(("week", *one.days))} if one.days else {}
    limits = {"timezone": one.timezone, "minimum": one.minimum, "maximum": one.maximum}
    return {"name": one.name, **recurrence, "start": one.start, "end": one.end, **limits}


def parse(typed: str, leading: tuple[str, ...]) -> list[dict[str, Any]]:
    """The items of a text: divided by semicolons or lines, in each first the values of `leading`, then `key value`."""
    found = []
    for line in filter(str.strip, re.split(r"[;\n]", typed)):
        parts = [part.strip() for part in line.split(",")]
        item: dict[str, Any] = dict(zip(leading, parts))
        for key, _, value in (part.partition(" ") for part in parts[len(leading) :]):
            item[key] = int(value) if value.strip().isdecimal() else value.strip()
        found.append(item)
    return found


def show(value: Any, leading: tuple[str, ...]) -> str:
    """The items as the text that `parse` reads; a value that is not a list of maps is shown unchanged."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(item, Mapping) for item in value):
        return str(value)
    lines = []
    for item in value:
        other = [f"{key} {part}" for key, part in item.items() if key not in leading]
        lines.append(", ".join([*(str(item.get(key, "")) for key in leading), *other]))
    return "; ".join(lines)


def rules_problem(value: Any) -> tuple[str, str] | None:
    """The first invalid key below `rules` and a sentence about what is wrong; None if all are valid."""
    return _problem(value, "rule", RULE_KEYS, MOST_RULES, _wrong_rule)


def schedule_problem(value: Any) -> tuple[str, str] | None:
    """The first invalid key below `schedule` and a sentence about what is wrong; None if all are valid."""
    found = _problem(value, "time", SCHEDULE_KEYS, MOST_SCHEDULES, _wrong_schedule)
    if found is None:
        names = [str(item["name"]).lower() for item in value]
        twice = next((at for at, name in enumerate(names) if name in names[:at]), None)
        if twice is not None:
            return f"{twice}.name", f"The name {value[twice]['name']} is there twice; each time needs its own."
    return found


def _problem(value: Any, kind: str, keys: tuple[str, ...], most: int, wrong: Any) -> tuple[str, str] | None:
    if not isinstance(value, (list, tuple)):
        return "", f"Expected a list with one {kind} an item."
    if len(value) > most:
        return str(most), f"There are {len(value)}; Azure allows {most}."
    for number, item in enumerate(value):
        if not isinstance(item, Mapping):
            return str(number), f"{item!r} is not a map with the keys {', '.join(keys)}."
        unknown = next((str(key) for key in item if key not in keys), None)
        found = (unknown, f"Unknown key {unknown}; the known keys are {', '.join(keys)}.") if unknown else wrong(item)
        if found:
            return f"{number}.{found[0]}".rstrip("."), found[1]
    return None


def _wrong_rule(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """The invalid key of a rule, and why."""
    condition, resource = str(item.get("condition") or ""), item.get("resource") or ""
    found = _CONDITION.match(condition)
    if not found:
        return "condition", f"{condition or 'Nothing'} is not a condition; write METRIC > NUMBER avg TIME: {EXAMPLE}."
    metric, _, _, statistic, window = found.groups()
    known = {"endpoint": OF_ENDPOINT, "deployment": OF_DEPLOYMENT}.get(resource, METRICS)
    if resource not in ("", *RESOURCES):
        return "resource", f"{resource} is not one of {', '.join(RESOURCES)}: the resource that has the metric."
    if metric not in known:
        whose = f"a metric of an online {resource}" if resource else "a metric of an online deployment or endpoint"
        return "condition", f"{metric} is not {whose}. {_nearest(metric, known)}"
    if statistic.lower() not in STATISTICS:
        return "condition", f"{statistic} is not one of {', '.join(STATISTICS)}."
    if not _within(seconds_of(window), WINDOW):
        return "condition", f"{window} is not a time from 5 minutes to 12 hours, such as 5m or 1h."
    scale = _SCALE.match(str(item.get("scale") or ""))
    if not scale or int(scale[2]) < 1 or (scale[3] and scale[1].lower() == "to"):
        return "scale", f"{item.get('scale') or 'Nothing'} is not a change; write out 1, in 1, out 20% or to 3."
    if not _within(minutes_of(item.get("cooldown", 5)), COOLDOWN):
        return "cooldown", f"{item['cooldown']} is not a cooldown; it must be from 1 to 10080 minutes (a week)."
    return None


def _wrong_schedule(item: Mapping[str, Any]) -> tuple[str, str] | None:
    """The invalid key of a time, and why."""
    if not re.match(r"^[\w .-]{1,80}$", str(item.get("name") or "")) or str(item["name"]).lower() == "default":
        return "name", "A time needs a name of its own: letters, digits, spaces, dashes and dots, not default."
    recurrence = str(item.get("recurrence") or "")
    week, *days = recurrence.lower().split() or [""]
    weekly = bool(days) and week == "week"
    if recurrence and not (weekly and all(day[:3] in DAYS for day in days)):
        return "recurrence", f"{recurrence} is not a recurrence; write week and days: week sat sun."
    form, example = (_TIME, "20:00") if recurrence else (_DATE, "2026-12-24T00:00")
    for key in ("start", "end"):
        text = item.get(key)
        if (text is None and not recurrence) or (text is not None and not form.match(str(text))):
            return key, f"{text or 'Nothing'} is not a {key}; write it in quotes, such as '{example}'."
    if not recurrence and str(item["start"]) >= str(item["end"]):
        return "end", f"The end {item['end']} is not after the start {item['start']}."
    from tui.plan.time_zones import TIME_ZONES

    zone = str(item.get("timezone") or "UTC")
    if zone not in TIME_ZONES:
        return "timezone", f"{zone} is not a time zone of Azure. {_nearest(zone, TIME_ZONES)}"
    for key in ("minimum", "maximum"):
        number = item.get(key)
        if isinstance(number, bool) or not isinstance(number, int) or not 1 <= number <= MOST_INSTANCES:
            return key, f"{key} must be a whole number from 1 to {MOST_INSTANCES}."
    if item["minimum"] > item["maximum"]:
        return "minimum", f"The minimum {item['minimum']} is above the maximum {item['maximum']}."
    return None


def _within(seconds: float | None, limits: tuple[float, float]) -> bool:
    return seconds is not None and limits[0] <= seconds <= limits[1]


def _nearest(text: str, known: Sequence[str]) -> str:
    """A sentence with the name that was probably meant, of which the text may be the beginning only."""
    from difflib import SequenceMatcher

    def alike(name: str) -> float:
        return max(SequenceMatcher(None, text.lower(), part.lower()).ratio() for part in (name, name[: len(text)]))

    best = max(known, key=alike)
    return f"Did you mean {best}?" if alike(best) >= 0.5 else f"These are: {', '.join(known)}."
