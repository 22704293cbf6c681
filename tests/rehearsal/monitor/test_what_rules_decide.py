"""What an autoscale setting decides, case by case as Microsoft documents it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from typing import Any

import pytest

from tui.rehearsal.monitor.autoscale_rules import Decision, active_profile, decide

CPU, MEMORY, LATENCY = "CpuUtilizationPercentage", "CpuMemoryUtilizationPercentage", "RequestLatency"


def rule(metric: str, sign: str, threshold: float, change: str, cooldown: str = "PT5M") -> dict[str, Any]:
    """A rule such as `CPU > 70` with `out 1`, `in 20%` or `to 3`."""
    direction, amount = change.split()
    kind = "ExactCount" if direction == "to" else "PercentChangeCount" if amount.endswith("%") else "ChangeCount"
    return {
        "metricTrigger": {
            "metricName": metric, "metricResourceUri": "/d", "timeGrain": "PT1M", "statistic": "Average",
            "timeWindow": "PT5M", "timeAggregation": "Average", "threshold": threshold,
            "operator": {">": "GreaterThan", "<": "LessThan", ">=": "GreaterThanOrEqual"}[sign],
        },
        "scaleAction": {
            "direction": {"out": "Increase", "in": "Decrease", "to": "None"}[direction],
            "type": kind, "value": amount.rstrip("%"), "cooldown": cooldown,
        },
    }  # fmt: skip


def decided(
    rules: list[dict[str, Any]],
    count: int,
    metrics: Mapping[str, float],
    *,
    limits: str = "1 10 1",
    cooling: bool = False,
) -> Decision:
    minimum, maximum, default = limits.split()
    profile = {"name": "p", "rules": rules, "capacity": dict(minimum=minimum, maximum=maximum, default=default)}
    return decide(profile, count, lambda trigger: metrics.get(str(trigger["metricName"])), cooling=cooling)


OUT, IN = rule(CPU, ">", 70, "out 1"), rule(CPU, "<", 30, "in 1")


@pytest.mark.parametrize(
    ("rules", "count", "metrics", "becomes", "why"),
    [
        ([OUT, IN], 2, {CPU: 71}, 3, "CpuUtilizationPercentage > 70 average 5m"),
        ([OUT, IN], 2, {CPU: 70}, 2, "no rule applies"),
        ([OUT, IN], 3, {CPU: 20}, 2, "CpuUtilizationPercentage < 30 average 5m"),
        # Any scale-out rule is enough, and the highest count is taken.
        ([rule(CPU, ">", 75, "out 3"), rule(MEMORY, ">", 75, "out 5")], 2, {CPU: 76, MEMORY: 76}, 7, MEMORY),
        ([rule(CPU, ">", 75, "out 3"), rule(MEMORY, ">", 75, "out 15%")], 2, {CPU: 76, MEMORY: 76}, 5, CPU),
        # All scale-in rules must be met (the documented 25 % and 51 %), and the highest count is taken.
        ([rule(CPU, "<", 30, "in 1"), rule(MEMORY, "<", 50, "in 1")], 4, {CPU: 25, MEMORY: 51}, 4, "no rule"),
        ([rule(CPU, "<", 30, "in 1"), rule(MEMORY, "<", 50, "in 1")], 4, {CPU: 29, MEMORY: 49}, 3, CPU),
        ([rule(CPU, "<", 30, "in 50%"), rule(CPU, "<", 31, "in 3")], 10, {CPU: 5}, 7, "< 31"),
        # Never beyond the limits.
        ([rule(CPU, ">", 70, "out 20")], 8, {CPU: 90}, 10, ">"),
        ([OUT], 10, {CPU: 90}, 10, "but 10 is the maximum"),
        ([IN], 1, {CPU: 5}, 1, "but 1 is the minimum"),
        # To a count: out or in, as it is greater or less.
        ([rule(CPU, ">", 70, "to 6")], 2, {CPU: 90}, 6, ">"),
        ([rule(CPU, "<", 10, "to 2")], 6, {CPU: 5}, 2, "<"),
        ([rule(CPU, ">", 70, "to 6"), IN], 6, {CPU: 5}, 5, "<"),
    ],
)  # fmt: skip
def test_rules(rules: list[dict[str, Any]], count: int, metrics: dict[str, float], becomes: int, why: str) -> None:
    found = decided(rules, count, metrics)
    assert (found.count, why in found.why) == (becomes, True), found


def test_a_scale_in_that_would_be_undone_is_deferred_or_made_smaller() -> None:
    thin = [rule(CPU, ">", 50, "out 1"), rule(CPU, "<", 30, "in 1")]
    kept = decided(thin, 2, {CPU: 28})
    assert (kept.count, kept.flapping) == (2, True), "28 % of two are 56 % of one"
    assert "flapping" in kept.why
    assert decided(thin, 2, {CPU: 24}).count == 1
    # The documented 30 instances at 65 %, of which 10 should go: with fewer than 28 they would be above 70 %.
    wide = [rule(CPU, ">", 70, "out 20"), rule(LATENCY, "<", 50, "in 10")]
    fewer = decided(wide, 30, {CPU: 65, LATENCY: 40}, limits="1 50 1")
    assert (fewer.count, fewer.flapping) == (28, True)


def test_limits_come_before_rules_and_a_cooldown_before_both() -> None:
    assert decided([OUT, IN], 1, {CPU: 20}, limits="3 6 3").count == 3
    assert decided([OUT, IN], 8, {CPU: 90}, limits="3 6 3").count == 6
    assert decided([OUT, IN], 8, {CPU: 5}, limits="3 6 3", cooling=True).count == 8
    for cpu in (90, 5):
        assert decided([OUT, IN], 3, {CPU: cpu}, cooling=True).why == "cooling down"
    assert decided([rule(CPU, ">", 70, "out 1", "PT60M"), IN], 2, {CPU: 90}).cooldown == 3600


def test_a_missing_metric_raises_to_the_default_and_never_lowers() -> None:
    assert decided([OUT, IN], 2, {}, limits="1 9 4").count == 4
    assert decided([OUT, IN], 6, {}, limits="1 9 4").count == 6
    assert decided([OUT, rule(MEMORY, "<", 9, "in 1")], 6, {CPU: 5}, limits="1 9 4").count == 6, "not all are met"
    assert decided([OUT, IN], 6, {}).seen == {
        "CpuUtilizationPercentage > 70 average 5m": None, "CpuUtilizationPercentage < 30 average 5m": None,
    }  # fmt: skip


def recurring(name: str, days: str, at: str, zone: str = "UTC") -> dict[str, Any]:
    hour, minute = at.split(":")
    schedule = {"timeZone": zone, "days": days.split(), "hours": [int(hour)], "minutes": [int(minute)]}
    return {"name": name, "recurrence": {"frequency": "Week", "schedule": schedule}}


@pytest.mark.parametrize(
    ("now", "name"),
    [
        ("2026-12-04T23:59", "after"),  # a Friday
        ("2026-12-05T05:59", "after"),
        ("2026-12-05T06:00", "weekend"),
        ("2026-12-06T18:59", "weekend"),
        ("2026-12-06T19:00", "after"),
        ("2026-12-05T12:30", "launch"),  # a fixed date comes first, in its own time zone
        ("2026-12-05T13:30", "weekend"),
    ],
)
def test_profiles(now: str, name: str) -> None:
    fixed = {"timeZone": "Eastern Standard Time", "start": "2026-12-05T07:00:00Z", "end": "2026-12-05T08:00:00Z"}
    profiles = [
        {"name": "default"}, recurring("weekend", "Saturday Sunday", "6:0"),
        recurring("after", "Saturday Sunday", "19:0"), {"name": "launch", "fixedDate": fixed},
    ]  # fmt: skip
    # On Saturday evening "after" begins, and on Sunday morning "weekend" again.
    moment = datetime.fromisoformat(now).replace(tzinfo=timezone.utc)
    assert active_profile(profiles, moment)["name"] == name
    assert active_profile([profiles[0], profiles[3]], moment)["name"] == ("launch" if name == "launch" else "default")


@pytest.mark.parametrize(
    ("zone", "hour"), [("UTC", 6), ("Tokyo Standard Time", 21), ("UTC-02", 8), ("Eastern Standard Time", 11)]
)
def test_a_recurring_profile_begins_by_its_time_zone(zone: str, hour: int) -> None:
    profiles = [recurring("a", "Monday Tuesday", "6:0", zone), recurring("b", "Monday Tuesday", "7:0", zone)]
    day = 30 if zone != "Tokyo Standard Time" else 29
    begun = datetime(2026, 11, day, hour, 30, tzinfo=timezone.utc)
    if zone == "Tokyo Standard Time":
        assert begun.strftime("%A") == "Sunday"
    assert active_profile(profiles, begun)["name"] == "a"
