"""Check each deployment of a plan separately, and merge findings that are the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from tui.checks.finding import Finding, ordered
from tui.checks.model import artifacts
from tui.common.deadlines import Question
from tui.plan.model import Plan


def files(plan: Plan) -> list[Finding]:
    """Findings about the files of all deployments of a plan (`artifacts.check`), read in parallel."""
    asked = [Question(lambda one=one: artifacts.check(one), 60.0) for one in plans(plan)]  # type: ignore[misc]
    return ordered(merged(plan, [question.answer() for question in asked]))


def plans(plan: Plan) -> list[Plan]:
    """The plan once per deployment; the plan itself if it has only `deployment:`."""
    return [plan.of(one.name) for one in plan.deployments] or [plan]


def each(plan: Plan, check: Callable[[Plan], Iterable[Finding]]) -> list[Finding]:
    """The findings of one check for all deployments of a plan."""
    return merged(plan, [check(one) for one in plans(plan)])


def merged(plan: Plan, found: Sequence[Iterable[Finding]]) -> list[Finding]:
    """Merge the findings of `plans(plan)`, given in that order; findings that not all share name their deployments.

    With several deployments, automatic fixes are omitted: the value can be in one item or in the common part.
    """
    if not plan.deployments:
        return [finding for findings in found for finding in findings]
    names: dict[tuple[str, str, str], list[str]] = {}
    first: dict[tuple[str, str, str], Finding] = {}
    for deployment, findings in zip(plan.deployments, found):
        for finding in findings:
            if _about_the_others(finding, plan):
                continue
            key = (finding.id, finding.field, finding.message)
            first.setdefault(key, finding)
            names.setdefault(key, []).append(deployment.name)
    return [_of(finding, names[key], len(plan.deployments)) for key, finding in first.items()]


def _of(finding: Finding, names: list[str], number: int) -> Finding:
    if len(names) < number and not any(name in finding.message for name in names):
        finding = replace(finding, message=f"{', '.join(names)}: {finding.message}")
    return replace(finding, fixes=())


def _about_the_others(finding: Finding, plan: Plan) -> bool:
    """Whether a finding reports a deployment as missing that the plan itself creates, because each is checked alone."""
    if finding.id != "traffic" or "there is no such deployment" not in finding.message:
        return False
    names = {one.name.lower() for one in plan.deployments}
    missed = finding.message.removeprefix("The plan gives traffic to ").partition(", but there is")[0]
    return names.issuperset(name.strip().lower() for name in missed.split(","))
