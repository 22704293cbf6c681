"""What an autoscale setting decides: the profile that applies, its limits, and its rules.

By Microsoft's "Understand autoscale settings", "Autoscale with multiple profiles", "Best practices for autoscale" and
"Flapping in autoscale": one scale-out rule suffices and the highest count is taken; all scale-in rules must be met and
the highest count is taken, which must not let a scale-out rule follow; the cooldown of the last action holds for both
directions; where a metric is missing, a count below the default is raised to it. Assumed: percentages are rounded so
that more instances stay, and the load of an instance is what is estimated for another count.
"""

from __future__ import annotations

import contextlib
import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from typing import Any

from tui.rehearsal.online_endpoints.rules import seconds

_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "greaterthan": operator.gt, "greaterthanorequal": operator.ge, "lessthan": operator.lt,
    "lessthanorequal": operator.le, "equals": operator.eq, "notequals": operator.ne,
}  # fmt: skip
_SIGNS = dict(zip(_OPERATORS, (">", ">=", "<", "<=", "==", "!=")))
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
# Names of Windows, by CLDR's windowsZones; others that this machine does not know count as UTC.
_ZONES = """Dateline=Etc/GMT+12|Hawaiian=Pacific/Honolulu|Alaskan=America/Anchorage|Pacific=America/Los_Angeles|
US Mountain=America/Phoenix|Mountain=America/Denver|Central=America/Chicago|Central America=America/Guatemala|
Canada Central=America/Regina|Eastern=America/New_York|US Eastern=America/Indianapolis|SA Pacific=America/Bogota|
Atlantic=America/Halifax|SA Western=America/La_Paz|Pacific SA=America/Santiago|Newfoundland=America/St_Johns|
E. South America=America/Sao_Paulo|Argentina=America/Buenos_Aires|Azores=Atlantic/Azores|GMT=Europe/London|
Greenwich=Atlantic/Reykjavik|W. Europe=Europe/Berlin|Central Europe=Europe/Budapest|Romance=Europe/Paris|
Central European=Europe/Warsaw|W. Central Africa=Africa/Lagos|GTB=Europe/Bucharest|FLE=Europe/Kiev|
E. Europe=Europe/Chisinau|South Africa=Africa/Johannesburg|Israel=Asia/Jerusalem|Egypt=Africa/Cairo|
Turkey=Europe/Istanbul|Arab=Asia/Riyadh|Russian=Europe/Moscow|E. Africa=Africa/Nairobi|Iran=Asia/Tehran|
Arabian=Asia/Dubai|Pakistan=Asia/Karachi|India=Asia/Calcutta|Nepal=Asia/Katmandu|Bangladesh=Asia/Dhaka|
SE Asia=Asia/Bangkok|China=Asia/Shanghai|Singapore=Asia/Singapore|Taipei=Asia/Taipei|W. Australia=Australia/Perth|
Tokyo=Asia/Tokyo|Korea=Asia/Seoul|Cen. Australia=Australia/Adelaide|AUS Eastern=Australia/Sydney|
E. Australia=Australia/Brisbane|New Zealand=Pacific/Auckland"""


@dataclass(frozen=True)
class Decision:
    """How many instances there should be, and why. `seen`: the value of each condition, None where none is known."""

    count: int
    why: str
    profile: str
    seen: dict[str, float | None] = field(default_factory=dict)
    cooldown: float = 0.0
    """Seconds during which no rule acts after this."""
    flapping: bool = False


Value = Callable[[Mapping[str, Any]], "float | None"]


def active_profile(profiles: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    """The profile that applies: a fixed date, else the recurring one that began last, else the default.

    `now` has a time zone. A recurring profile lasts until the next one begins.
    """
    for profile in profiles:
        fixed = profile.get("fixedDate")
        start, end = (_moment(fixed, name) for name in ("start", "end")) if fixed else (now, now)
        if fixed and start <= now <= end:
            return profile
    begun = [(start, profile) for profile in profiles if profile.get("recurrence") for start in _starts(profile, now)]
    if begun:
        return max(begun, key=lambda one: one[0])[1]
    plain = [profile for profile in profiles if not profile.get("fixedDate")]
    return (plain or profiles)[0]


def _moment(fixed: Mapping[str, Any], name: str) -> datetime:
    return datetime.fromisoformat(str(fixed[name])[:19]).replace(tzinfo=_zone(fixed.get("timeZone")))


def _starts(profile: Mapping[str, Any], now: datetime) -> list[datetime]:
    """When a recurring profile began within the last week."""
    if profile["recurrence"]["frequency"] != "Week":
        raise ValueError("a recurrence is weekly")
    schedule = profile["recurrence"]["schedule"]
    zone, found = _zone(schedule.get("timeZone")), []
    days = {str(day).lower() for day in schedule["days"]}
    for back in range(8):
        day = now.astimezone(zone) - timedelta(days=back)
        if _DAYS[day.weekday()] in days:
            for hour, minute in zip(schedule["hours"], schedule["minutes"]):
                start = day.replace(hour=int(hour), minute=int(minute), second=0, microsecond=0)
                found += [start] if start <= now else []
    return found


def _zone(name: object) -> tzinfo:
    from zoneinfo import ZoneInfo

    text = str(name or "UTC")
    shift = re.fullmatch(r"UTC([+-]\d\d)", text)
    if shift:
        return timezone(timedelta(hours=int(shift[1])))
    known = dict(item.split("=") for item in _ZONES.replace("\n", "").split("|"))
    # ZoneInfo raises many kinds of errors for a name that is none.
    with contextlib.suppress(Exception):
        return ZoneInfo(known.get(text.replace(" Standard Time", ""), text))
    return timezone.utc


def said(trigger: Mapping[str, Any]) -> str:
    """The condition of a rule, as az writes it: `CpuUtilizationPercentage > 70 average 5m`."""
    window = seconds(trigger.get("timeWindow"), "timeWindow", 600) / 60
    aggregation = str(trigger.get("timeAggregation", "Average")).lower()
    return f"{trigger['metricName']} {_SIGNS[_operator(trigger)]} {trigger['threshold']:g} {aggregation} {window:g}m"


def _operator(trigger: Mapping[str, Any]) -> str:
    return str(trigger.get("operator")).lower()


def _is_met(trigger: Mapping[str, Any], value: float | None) -> bool:
    return value is not None and _OPERATORS[_operator(trigger)](value, float(trigger["threshold"]))


def decide(profile: Mapping[str, Any], count: int, value: Value, *, cooling: bool) -> Decision:
    """What a profile decides for `count` instances. `value` tells what a metric trigger sees; `cooling`: it waits."""
    name, capacity = str(profile["name"]), profile["capacity"]
    least, most, default = (int(capacity[key]) for key in ("minimum", "maximum", "default"))
    rules = [(rule["metricTrigger"], rule["scaleAction"], value(rule["metricTrigger"])) for rule in profile["rules"]]
    seen = {said(trigger): found for trigger, _, found in rules}
    if cooling:
        return Decision(count, "cooling down", name, seen)
    if not least <= count <= most:
        return Decision(min(max(count, least), most), f"brought between {least} and {most}", name, seen)
    out = [(min(_target(action, count), most), trigger, action) for trigger, action, found in rules
           if _grows(action, count) and _is_met(trigger, found)]  # fmt: skip
    if out:
        target, trigger, action = max(out, key=lambda one: one[0])
        why = said(trigger) if target > count else f"{said(trigger)}, but {most} is the maximum"
        return Decision(target, why, name, seen, seconds(action.get("cooldown"), "cooldown", 300))
    if None in seen.values() and count < default:
        return Decision(default, "a metric is missing: the default", name, seen)
    inward = [(trigger, action, found) for trigger, action, found in rules if _shrinks(action, count)]
    if not inward or not all(_is_met(trigger, found) for trigger, _, found in inward):
        return Decision(count, "a metric is missing" if None in seen.values() else "no rule applies", name, seen)
    target, trigger, action = max(
        ((max(_target(action, count), least), trigger, action) for trigger, action, _ in inward), key=lambda one: one[0]
    )
    if target == count:
        return Decision(count, f"{said(trigger)}, but {least} is the minimum", name, seen)
    for fewer in range(target, count):
        if not any(_is_met(trigger, _estimated(trigger, found, count, fewer)) for trigger, action, found in rules
                   if _grows(action, fewer)):  # fmt: skip
            cooldown = seconds(action.get("cooldown"), "cooldown", 300)
            return Decision(fewer, said(trigger), name, seen, cooldown, fewer != target)
    why = f"{said(trigger)}, but with fewer instances a rule would scale out again (flapping)"
    return Decision(count, why, name, seen, flapping=True)


def _grows(action: Mapping[str, Any], count: int) -> bool:
    direction = str(action.get("direction")).lower()
    # `az monitor autoscale rule create --scale to` has no direction.
    return _target(action, count) > count if direction == "none" else direction == "increase"


def _shrinks(action: Mapping[str, Any], count: int) -> bool:
    direction = str(action.get("direction")).lower()
    return _target(action, count) < count if direction == "none" else direction == "decrease"


def _target(action: Mapping[str, Any], count: int) -> int:
    kind, number = str(action.get("type")).lower(), int(action.get("value") or 1)
    if kind == "exactcount":
        return number
    if kind == "percentchangecount":
        number = (math.ceil if _grows({**action, "type": ""}, count) else int)(count * number / 100)
    return count + number if str(action.get("direction")).lower() == "increase" else count - number


def _estimated(trigger: Mapping[str, Any], value: float | None, count: int, fewer: int) -> float | None:
    of_instances = "Utilization" in str(trigger["metricName"]) or trigger.get("dividePerInstance")
    return value * count / fewer if value is not None and of_instances else value
