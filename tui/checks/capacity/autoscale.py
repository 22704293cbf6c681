"""Check whether the plan's autoscale rules fit together.

Sources: Microsoft, "Best practices for autoscale" (rules for both directions, with a margin) and "Flapping in
autoscale": Azure leaves out a scale-in after which the same load would be above the threshold of scaling out.
"""

from __future__ import annotations

from collections.abc import Iterator

from tui.checks.finding import WARNING, Finding
from tui.plan.autoscale import Autoscale
from tui.plan.model import Plan

RULES = "deployment.autoscale.rules"
_DOCS = "https://learn.microsoft.com/azure/azure-monitor/autoscale/autoscale-best-practices"


def about(plan: Plan) -> list[Finding]:
    """Warn about rules that leave the number of instances alone, move it one way only, or would not scale in."""
    wanted = plan.deployment.autoscale
    return [
        Finding("autoscale-rules", WARNING, RULES, message, remedy, _DOCS, RULES)
        for message, remedy in (_problems(wanted) if wanted else ())
    ]


def _problems(wanted: Autoscale) -> Iterator[tuple[str, str]]:
    if not wanted.rules and not wanted.schedule:
        text = "Autoscale has no rule and no schedule, so the number of instances never changes."
        yield text, "Add rules, for example CpuUtilizationPercentage > 70 avg 5m, out 1 and < 30 avg 5m, in 1."
    outs, ins = ([rule for rule in wanted.rules if rule.direction in (way, "to")] for way in ("out", "in"))
    if outs and not ins:
        yield "Rules add instances and none removes any, so the most are kept once reached.", "Add a rule with in."
    if ins and not outs:
        yield "Rules remove instances and none adds any, so the least are kept.", "Add a rule with out."
    for rule in ins:
        for other in outs:
            count = wanted.minimum + rule.amount  # the fewest from which the rule removes: each of the rest gets most
            opposite = rule.operator.startswith("<") and other.operator.startswith(">") and not rule.percent
            same = (rule.metric, rule.resource) == (other.metric, other.resource)
            below = other.threshold * wanted.minimum / count
            if same and opposite and {rule.direction, other.direction} == {"in", "out"} and rule.threshold >= below:
                text = f"{rule.condition} and {other.condition} are too close: with {count} instances, Azure removes "
                text += f"{rule.amount} only below {below:g}, since it would have to add again at once."
                yield text, f"Lower {rule.threshold:g} below {below:g}, or raise {other.threshold:g}."
