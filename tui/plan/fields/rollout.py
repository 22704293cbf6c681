"""Fields for the rollout of a new deployment and for the time limits of a run."""

from __future__ import annotations

from tui.plan.fields.field import LEARN, Field, Help, of_step
from tui.plan.rules import value_rules

ROLLOUT = LEARN + "how-to-safely-rollout-managed-endpoints"
DAY = 86_400.0
_LIMITED = {"settle": "other changes", "test": "test call", "total": "whole run"}

_NETWORK = of_step(
    "network",
    Field(
        "mirror_traffic",
        "Mirrored traffic",
        Help(
            "One deployment and the percentage of requests mirrored to it; callers never see its responses.",
            "A deployment gets live or mirrored traffic, not both. A rollout mirrors before its first step.",
            "green=20",
            ROLLOUT,
        ),
        kind="map",
        rule=value_rules.mirror_traffic,
    ),
    Field(
        "rollout.steps",
        "Rollout: steps",
        Help(
            "The percentages of requests that the new deployment gets, step by step.",
            "Setting any rollout field enables the rollout; without it, all traffic moves at once. "
            "If empty: 10, 50, 100.",
            "10, 50, 100",
            ROLLOUT,
        ),
        rule=value_rules.steps,
    ),
    Field(
        "rollout.pause",
        "Rollout: pause",
        Help(
            "How long each step is monitored before the next one: seconds, or 90s, 5m, 1h.",
            "If empty: 5m. Azure's own metrics arrive one to two minutes late.",
            "5m",
        ),
        rule=value_rules.duration(0, DAY),
    ),
    Field(
        "rollout.probe_every",
        "Rollout: test every",
        Help("How often the sample request is sent to the new deployment during a step.", "", "2s"),
        rule=value_rules.duration(0.1, 3600),
    ),
    Field(
        "rollout.min_requests",
        "Rollout: min requests",
        Help("The number of responses needed before a step is evaluated.", "If empty: 10.", "10"),
        kind="number",
        rule=value_rules.number_between(1, 100_000, "requests"),
    ),
    Field(
        "rollout.max_error_percent",
        "Rollout: max errors (%)",
        Help(
            "Above this percentage of failed requests, the traffic is rolled back automatically.", "If empty: 5.", "5"
        ),
        kind="number",
        rule=value_rules.number_between(0, 100, "percent"),
    ),
    Field(
        "rollout.max_p95_ms",
        "Rollout: max p95 (ms)",
        Help(
            "The limit of the p95 latency in milliseconds; above it, the traffic is rolled back automatically.",
            "If empty: latency is shown, but not limited.",
            "500",
        ),
        kind="number",
        rule=value_rules.number_between(1, 180_000, "ms"),
    ),
    advanced=True,
)
_LIMITS = of_step(
    "compute",
    *(
        Field(
            f"limits.{key}",
            f"Limit: {_LIMITED.get(key, key)}",
            Help(f"{what} Seconds, or 90s, 30m, 2h. Time in which this machine sleeps does not count.", why, example),
            rule=value_rules.duration(1, 7 * DAY),
        )
        for key, what, why, example in (
            (
                "endpoint",
                "How long to wait for the endpoint to be created or updated, for its keys, and for a removal.",
                "If empty: 30m (keys: 10m).",
                "30m",
            ),
            (
                "deployment",
                "How long to wait for the deployment to be created or updated, and for a fix.",
                "If empty: 90m (a fix: 1h).",
                "90m",
            ),
            ("traffic", "How long to wait for a traffic change.", "If empty: 20m (outside of a run: 15m).", "20m"),
            ("upload", "How long the upload of the model or the code may take.", "If empty: 6h.", "2h"),
            ("settle", "How long to wait for changes by others.", "If empty: 90m.", "15m"),
            ("test", "How long to repeat the test call until the traffic change takes effect.", "If empty: 30s.", "2m"),
            ("total", "How long the whole run may take, and any change outside of a run.", "If empty: no limit.", "3h"),
        )
    ),
    advanced=True,
)
ROLLOUT_FIELDS = (*_NETWORK, *_LIMITS)
