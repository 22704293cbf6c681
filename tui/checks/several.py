"""The checks of a plan with several deployments: each for itself, and what they say told once."""

from __future__ import annotations

from collections.abc import Callable

from tui.checks import artifacts, preflight
from tui.checks.finding import Finding, ordered
from tui.cloud.session import Cloud
from tui.plan.model import Plan


def files(plan: Plan) -> list[Finding]:
    """Findings about the files of every deployment of a plan (`artifacts.check`)."""
    return _each(plan, artifacts.check)


def run(plan: Plan, cloud: Cloud) -> list[Finding]:
    """The preflight's findings about every deployment of a plan; changes nothing."""
    return _each(plan, lambda one: preflight.run(one, cloud.for_plan(one)))


def _each(plan: Plan, check: Callable[[Plan], list[Finding]]) -> list[Finding]:
    if not plan.deployments:
        return check(plan)
    found: dict[tuple[str, str, str], Finding] = {}
    for deployment in plan.deployments:
        for finding in check(plan.of(deployment.name)):
            if not _about_the_others(finding, plan):
                found.setdefault((finding.id, finding.field, finding.message), finding)
    return ordered(list(found.values()))


def _about_the_others(finding: Finding, plan: Plan) -> bool:
    """Whether a finding misses a deployment that the plan itself brings: each is checked as if it were alone."""
    if finding.id != "traffic" or "there is no such deployment" not in finding.message:
        return False
    names = {one.name.lower() for one in plan.deployments}
    missed = finding.message.removeprefix("Traffic is planned for ").partition(", and there is")[0]
    return names.issuperset(name.strip().lower() for name in missed.split(","))
