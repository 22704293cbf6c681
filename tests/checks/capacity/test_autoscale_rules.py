"""Rules of a plan that leave the count alone, move it one way only, or would scale out again at once."""

from __future__ import annotations

import pytest

from tui.checks.capacity.autoscale import about
from tui.plan.autoscale import Autoscale, autoscale
from tui.plan.model import Deployment, Plan


def said(wanted: Autoscale | None) -> list[str]:
    """The messages about settings, all of them warnings about the rules."""
    found = about(Plan(deployment=Deployment(autoscale=wanted)))
    assert {(one.severity, one.field) for one in found} <= {("warning", "deployment.autoscale.rules")}
    return [one.message for one in found]


def rules(*texts: str) -> list[dict[str, str]]:
    return [dict(zip(("condition", "scale"), text.split(", "))) for text in texts]


OUT = "CpuUtilizationPercentage > 70 avg 5m, out 1"


@pytest.mark.parametrize(
    ("minimum", "texts", "there"),
    [
        (1, (), "never changes"),
        (1, (OUT,), "none removes"),
        (1, ("CpuUtilizationPercentage < 30 avg 5m, in 1",), "none adds"),
        # 40 on each of 2 is 80 on the one that is left.
        (1, (OUT, "CpuUtilizationPercentage < 40 avg 5m, in 1"), "with 2 instances, Azure removes 1 only below 35"),
        (1, (OUT, "CpuUtilizationPercentage <= 30 avg 5m, in 2"), "with 3 instances, Azure removes 2 only below 23.3"),
        (1, (OUT, "CpuUtilizationPercentage < 34 avg 5m, in 1"), ""),
        (3, (OUT, "CpuUtilizationPercentage < 40 avg 5m, in 1"), ""),
        (1, (OUT, "CpuMemoryUtilizationPercentage < 40 avg 5m, in 1"), ""),
        (1, (OUT, "CpuUtilizationPercentage < 40 avg 5m, in 10%"), ""),
        (1, ("CpuUtilizationPercentage > 70 avg 5m, to 3", "CpuUtilizationPercentage < 30 avg 5m, to 1"), ""),
    ],
)
def test_rules_that_do_not_fit_together(minimum: int, texts: tuple[str, ...], there: str) -> None:
    found = said(autoscale(minimum, 5, rules(*texts)))
    assert [there in one for one in found] == ([True] if there else [])


def test_times_alone_are_a_reason_and_no_settings_are_none() -> None:
    night = {"name": "night", "recurrence": "week mon", "start": "20:00", "end": "06:00", "minimum": 1, "maximum": 1}
    assert said(autoscale(1, 5, (), [night])) == said(None) == []
