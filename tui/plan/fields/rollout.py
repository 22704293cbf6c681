"""How a new deployment takes over the requests, and how long a run waits."""

from __future__ import annotations

from tui.plan.fields.field import LEARN, Field, Help
from tui.plan.rules import value_rules

ROLLOUT = LEARN + "how-to-safely-rollout-managed-endpoints"
DAY = 86_400.0

ROLLOUT_FIELDS: tuple[Field, ...] = (
    Field(
        "mirror_traffic",
        "network",
        "Mirrored traffic",
        Help(
            "One deployment and the per cent of the requests that are copied to it; callers never see its answers.",
            "A deployment gets requests or copies, not both. With a rollout, copies come before the first step.",
            "green=20",
            ROLLOUT,
        ),
        kind="map",
        rule=value_rules.mirror_traffic,
        advanced=True,
    ),
    Field(
        "rollout.steps",
        "network",
        "Rollout: steps",
        Help(
            "The per cent of the requests that the new deployment gets, one step after the other.",
            "Any of the rollout's fields makes it one; without, all requests move at once. Left empty: 10, 50, 100.",
            "10, 50, 100",
            ROLLOUT,
        ),
        rule=value_rules.steps,
        advanced=True,
    ),
    Field(
        "rollout.pause",
        "network",
        "Rollout: pause",
        Help(
            "How long each step is watched before the next one: seconds, or 90s, 5m, 1h.",
            "Left empty: 5m. Azure's own metrics arrive a minute or two late.",
            "5m",
        ),
        rule=value_rules.duration(0, DAY),
        advanced=True,
    ),
    Field(
        "rollout.probe_every",
        "network",
        "Rollout: test every",
        Help("How often the sample request is sent to the new deployment while a step is watched.", "", "2s"),
        rule=value_rules.duration(0.1, 3600),
        advanced=True,
    ),
    Field(
        "rollout.min_requests",
        "network",
        "Rollout: at least",
        Help("How many answers are awaited before a step is judged.", "Left empty: 10.", "10"),
        kind="number",
        rule=value_rules.number_between(1, 100_000, "requests"),
        advanced=True,
    ),
    Field(
        "rollout.max_error_percent",
        "network",
        "Rollout: errors, at most",
        Help(
            "Above this per cent of failed answers, the split from before the rollout comes back by itself.",
            "Left empty: 5.",
            "5",
        ),
        kind="number",
        rule=value_rules.number_between(0, 100, "per cent"),
        advanced=True,
    ),
    Field(
        "rollout.max_p95_ms",
        "network",
        "Rollout: latency, at most",
        Help(
            "Milliseconds within which 95 of 100 answers must come; above, the split from before comes back.",
            "Left empty: latency is shown and not judged.",
            "500",
        ),
        kind="number",
        rule=value_rules.number_between(1, 180_000, "ms"),
        advanced=True,
    ),
    *(
        Field(
            f"limits.{key}",
            "compute",
            f"Limit: {label}",
            Help(f"{what} Seconds, or 90s, 30m, 2h. Sleep of this machine is not counted.", why, example),
            rule=value_rules.duration(1, 7 * DAY),
            advanced=True,
        )
        for key, label, what, why, example in (
            (
                "endpoint",
                "endpoint",
                "How long the endpoint's creation or change is watched.",
                "Left empty: 30m.",
                "30m",
            ),
            ("deployment", "deployment", "How long the deployment's is watched.", "Left empty: 90m.", "90m"),
            ("traffic", "traffic", "How long a change of the traffic is watched.", "Left empty: 20m.", "20m"),
            ("upload", "upload", "How long the upload of the model or the code may take.", "Left empty: 6h.", "2h"),
            ("settle", "others", "How long a change by somebody else is waited for.", "Left empty: 90m.", "15m"),
            (
                "test",
                "test call",
                "How long the test call is repeated until the traffic has arrived.",
                "Left empty: 30s.",
                "2m",
            ),
            ("total", "whole run", "How long the run may take altogether.", "Left empty: no limit.", "3h"),
        )
    ),
)
