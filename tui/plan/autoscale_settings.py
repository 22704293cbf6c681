"""Autoscale settings of Azure Monitor (Autoscale Settings, 2022-10-01): made from a plan's, and read as such.

A recurring profile begins and never ends: the limits for other times come back with a second profile, whose name says
so in the form that the portal and az use ("Autoscale with multiple profiles"; azure-cli, autoscale_settings.py).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import zip_longest
from typing import Any

from tui.plan.autoscale import (
    DAYS,
    RESOURCES,
    RULE_LEADING,
    SCHEDULE_LEADING,
    Autoscale,
    ScaleRule,
    Schedule,
    show,
    tree,
)

KIND = "Microsoft.Insights/autoscaleSettings"
VERSION = "2022-10-01"
DEFAULT = "default"
OFF, KEPT, UNHURT = "it is switched off", ("its notifications", "its prediction"), "while metrics are missing, at least"
_OPERATORS = {
    ">": "GreaterThan", ">=": "GreaterThanOrEqual", "<": "LessThan", "<=": "LessThanOrEqual", "==": "Equals",
    "!=": "NotEquals",
}  # fmt: skip
_AGGREGATIONS = {
    "avg": "Average", "min": "Minimum", "max": "Maximum", "total": "Total", "count": "Count", "last": "Last",
}  # fmt: skip
_DIRECTIONS = {"out": "Increase", "in": "Decrease", "to": "None"}
_DAYS = dict(zip(DAYS, ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")))
_DURATION = re.compile(r"^P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d+)?)S)?)?$")


def setting_name(endpoint: str, deployment: str) -> str:
    """The name of the setting that is made for a deployment."""
    return f"autoscale-{endpoint}-{deployment}"


def body(
    autoscale: Autoscale, *, deployment_id: str, endpoint_id: str, name: str, location: str, tags: Mapping[str, str]
) -> dict[str, Any]:
    """The body of the setting's PUT. Without metrics, Azure keeps at least the minimum (`default`)."""
    ids = {"deployment": deployment_id, "endpoint": endpoint_id}
    rules = [_rule(rule, ids[rule.resource]) for rule in autoscale.rules]
    usual = {"capacity": _capacity(autoscale), "rules": rules}
    profiles: list[dict[str, Any]] = [{"name": DEFAULT, **usual}]
    for one in autoscale.schedule:
        own = {"name": one.name, "capacity": _capacity(one), "rules": rules}
        if not one.days:
            start, end = f"{one.start}:00Z", f"{one.end}:00Z"  # of the time zone, as az writes it
            profiles.append({**own, "fixedDate": {"timeZone": one.timezone, "start": start, "end": end}})
            continue
        after = json.dumps({"name": DEFAULT, "for": one.name})
        profiles.append({**own, "recurrence": _recurrence(one.days, one.start, one.timezone)})
        profiles.append({"name": after, **usual, "recurrence": _recurrence(_end_days(one), one.end, one.timezone)})
    return {
        "location": location,
        "tags": dict(tags),
        "properties": {"name": name, "enabled": True, "targetResourceUri": deployment_id, "profiles": profiles},
    }


def _capacity(limits: Autoscale | Schedule) -> dict[str, str]:
    least, most = str(limits.minimum), str(limits.maximum)
    return {"minimum": least, "maximum": most, "default": least}


def _rule(rule: ScaleRule, resource_id: str) -> dict[str, Any]:
    kind = "ExactCount" if rule.direction == "to" else "PercentChangeCount" if rule.percent else "ChangeCount"
    return {
        "metricTrigger": {
            "metricName": rule.metric,
            "metricResourceUri": resource_id,
            "timeGrain": "PT1M",
            "statistic": "Average",
            "timeWindow": _duration(rule.window),
            "timeAggregation": _AGGREGATIONS[rule.statistic],
            "operator": _OPERATORS[rule.operator],
            "threshold": rule.threshold,
        },
        "scaleAction": {
            "direction": _DIRECTIONS[rule.direction],
            "type": kind,
            "value": str(rule.amount),
            "cooldown": _duration(rule.cooldown),
        },
    }


def _duration(seconds: float) -> str:
    return f"PT{seconds / 60:.0f}M" if seconds % 60 == 0 else f"PT{seconds:g}S"


def _recurrence(days: tuple[str, ...], at: str, timezone: str) -> dict[str, Any]:
    hour, minute = at.split(":")
    schedule = {"timeZone": timezone, "days": [_DAYS[day] for day in days], "hours": [int(hour)]}
    return {"frequency": "Week", "schedule": {**schedule, "minutes": [int(minute)]}}


def _end_days(one: Schedule) -> tuple[str, ...]:
    """The days on which a schedule ends: the following ones if it lasts over midnight."""
    if one.end > one.start:
        return one.days
    following = {DAYS[(DAYS.index(day) + 1) % 7] for day in one.days}
    return tuple(day for day in DAYS if day in following)


def read(body: Mapping[str, Any]) -> tuple[Autoscale, list[str]]:
    """A setting of any author as a plan's, and in words what a plan does not hold. Limits it lacks are 1."""
    properties = body.get("properties") or body
    notes = []
    if properties.get("enabled") is False:
        notes.append(OFF)
    if properties.get("notifications"):
        notes.append(KEPT[0])
    if (properties.get("predictiveAutoscalePolicy") or {}).get("scaleMode") not in (None, "Disabled"):
        notes.append(KEPT[1])
    profiles = [one for one in properties.get("profiles") or () if isinstance(one, Mapping)]
    ends = {name: one for one in profiles for name in [_ended(one)] if name}
    plain = [one for one in profiles if not one.get("recurrence") and not one.get("fixedDate")]
    timed = [one for one in profiles if one not in plain and not _ended(one)]
    usual: Mapping[str, Any] = next(iter((*plain, *ends.values(), *profiles)), {})
    if any(_limits(one) != _limits(usual) or one.get("rules") != usual.get("rules") for one in ends.values()):
        notes.append("the limits and rules after some of its times, which differ from the others")
    minimum, maximum = _limits(usual)
    rules = tuple(filter(None, (_read_rule(one, notes) for one in usual.get("rules") or ())))
    schedule = tuple(filter(None, (_read_schedule(one, ends, usual, notes) for one in timed)))
    default = _whole((usual.get("capacity") or {}).get("default"))
    if default != minimum:
        notes.append(f"{UNHURT} {default} instances")
    return Autoscale(minimum, maximum, rules, schedule), list(dict.fromkeys(notes))


def differences(wanted: Autoscale | None, setting: Mapping[str, Any] | None) -> list[tuple[str, Any, Any]]:
    """The attributes that differ between a setting and a plan's, each with its value before and after.

    What Azure does while metrics are missing (`default`), notifications and prediction are no attributes of a plan.
    """
    found, notes = read(setting) if setting else (None, [])
    before, after = attributes(found), attributes(wanted)
    differing = [(key, before.get(key), after.get(key)) for key in ("minimum", "maximum")]
    old = [rule for rule in before["rules"] if rule not in after["rules"]]
    new = [rule for rule in after["rules"] if rule not in before["rules"]]
    differing += [(f"rules.{number}", *pair) for number, pair in enumerate(zip_longest(old, new), 1)]
    names = dict.fromkeys((*before["schedule"], *after["schedule"]))
    differing += [(f"schedule.{name}", before["schedule"].get(name), after["schedule"].get(name)) for name in names]
    if OFF in notes and wanted:
        differing.append(("enabled", False, True))
    differing += [("other", note, None) for note in lost(notes) if note != OFF]
    return [one for one in differing if one[1] != one[2]]


def lost(notes: list[str]) -> list[str]:
    """Of what a plan does not hold (`read`), what a run of the plan would change."""
    return [note for note in notes if note not in KEPT and not note.startswith(UNHURT)]


def count_after(wanted: Autoscale | None, planned: int, found: Mapping[str, Any]) -> int:
    """The number of instances that a run leaves of an existing deployment (`found`), of which `planned` are the plan's.

    That of its rules, as far as it is within the plan's limits; without any, the plan's.
    """
    count = int(found.get("instance_count") or 0)
    if wanted is not None:
        return wanted.within(count)
    return count if found.get("autoscale") else planned


def attributes(given: Autoscale | None) -> dict[str, Any]:
    """The attributes as shown: a rule and a time as one line each."""
    made = tree(given) if given else {}
    schedule = {one["name"]: show([one], SCHEDULE_LEADING).partition(", ")[2] for one in made.get("schedule", ())}
    return {**made, "rules": [show([one], RULE_LEADING) for one in made.get("rules", ())], "schedule": schedule}


def _ended(profile: Mapping[str, Any]) -> str:
    """The name of the recurring profile after which this one comes; empty if it is none of these."""
    try:
        named = json.loads(profile.get("name") or "") if profile.get("recurrence") else None
    except ValueError:
        return ""
    return str(named.get("for") or "") if isinstance(named, dict) else ""


def _limits(profile: Mapping[str, Any]) -> tuple[int, int]:
    capacity = profile.get("capacity") or {}
    return _whole(capacity.get("minimum")), _whole(capacity.get("maximum"))


def _whole(value: Any) -> int:
    return int(value) if str(value).isdecimal() else 1


def _read_rule(item: Mapping[str, Any], notes: list[str]) -> ScaleRule | None:
    """A rule as a plan's; None, with a note, if a plan cannot hold it."""
    trigger, action = item.get("metricTrigger") or {}, item.get("scaleAction") or {}
    metric = str(trigger.get("metricName") or "")
    kind = str(trigger.get("metricResourceUri") or "").lower().rpartition("/")[0].rpartition("/")[2]
    resource = {"deployments": RESOURCES[0], "onlineendpoints": RESOURCES[1]}.get(kind)
    operator = _key(_OPERATORS, trigger.get("operator"))
    statistic = _key(_AGGREGATIONS, trigger.get("timeAggregation") or "Average")
    exact = action.get("type") == "ExactCount"
    direction = "to" if exact else _key(_DIRECTIONS, action.get("direction"))
    window, cooldown = _seconds(trigger.get("timeWindow")), _seconds(action.get("cooldown"))
    known = action.get("type") in ("ChangeCount", "PercentChangeCount", "ExactCount")
    if not (resource and operator and statistic and direction and window and cooldown and known):
        notes.append(f"its rule on {metric or 'no metric'}, which has a form that a plan does not know")
        return None
    parts = ("statistic", "timeGrain", "dimensions", "dividePerInstance")
    other = [key for key in parts if trigger.get(key) not in (None, False, [], "Average", "PT1M")]
    if other:
        notes.append(f"{', '.join(other)} of its rule on {metric}")
    threshold, amount = float(trigger.get("threshold") or 0), _whole(action.get("value"))
    percent = action.get("type") == "PercentChangeCount"
    return ScaleRule(metric, operator, threshold, statistic, window, direction, amount, percent, cooldown, resource)


def _key(names: Mapping[str, str], value: Any) -> str:
    return next((key for key, name in names.items() if name.lower() == str(value).lower()), "")


def _seconds(text: Any) -> float:
    """The seconds of an ISO 8601 duration; 0 for anything else."""
    found = _DURATION.match(str(text))
    days, hours, minutes, seconds = (float(part or 0) for part in (found.groups() if found else ("",) * 4))
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


def _read_schedule(
    profile: Mapping[str, Any], ends: Mapping[str, Mapping[str, Any]], usual: Mapping[str, Any], notes: list[str]
) -> Schedule | None:
    """A profile with a time as a plan's; None, with a note, if a plan cannot hold it."""
    name, (minimum, maximum) = str(profile.get("name") or ""), _limits(profile)
    if profile.get("rules") != usual.get("rules") and minimum != maximum:
        notes.append(f"the rules of its profile {name}, which are not those of other times")
    fixed, begins = profile.get("fixedDate") or {}, _moment(profile)
    if fixed:
        start, end = (str(fixed.get(key) or "").rstrip("Z")[:16] for key in ("start", "end"))
        return Schedule(name, minimum, maximum, start, end, (), str(fixed.get("timeZone") or "UTC"))
    after = _moment(ends.get(name) or {})
    if begins and after:
        (days, start, zone), (end_days, end, _) = begins, after
        made = Schedule(name, minimum, maximum, start, end, days, zone)
        if end_days == _end_days(made):
            return made
    notes.append(f"its profile {name}, whose beginning and end a plan does not know")
    return None


def _moment(profile: Mapping[str, Any]) -> tuple[tuple[str, ...], str, str] | None:
    """Days, time and time zone of a weekly recurrence with one time a day; None for any other."""
    recurrence = profile.get("recurrence") or {}
    schedule = recurrence.get("schedule") or {}
    hours, minutes = schedule.get("hours") or [], schedule.get("minutes") or []
    found = {_key(_DAYS, day) for day in schedule.get("days") or ()}
    if recurrence.get("frequency") != "Week" or len(hours) != 1 or len(minutes) != 1 or not found - {""}:
        return None
    days = tuple(day for day in DAYS if day in found)
    return days, f"{int(hours[0]):02}:{int(minutes[0]):02}", str(schedule.get("timeZone") or "UTC")
