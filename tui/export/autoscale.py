"""A plan's autoscale rules in exports: as the body that Azure Monitor gets, and in words."""

from __future__ import annotations

import json

from tui.export.plan_source import Source
from tui.plan import autoscale, autoscale_settings
from tui.plan.autoscale import Autoscale
from tui.plan.data_collection import texts
from tui.plan.load_save.references import has_reference
from tui.plan.problems import PlanInvalid

DEPLOYMENT, ENDPOINT, LOCATION = "<DEPLOYMENT_ID>", "<ENDPOINT_ID>", "<LOCATION>"
"""What the body has in place of values that only Azure knows."""


def of(source: Source) -> Autoscale | None:
    """The autoscale of a source's only deployment. Raises PlanInvalid for a reference: the body is no template."""
    key = "deployment.autoscale"
    tree = source.document.get(key) or {}
    if any(map(has_reference, texts(tree))):
        raise PlanInvalid([source.document.problem(key, "A reference in autoscale rules cannot be exported.")])
    return autoscale.autoscale(**tree) if {"minimum", "maximum"} <= tree.keys() else None


def body(wanted: Autoscale) -> str:
    """The body as JSON; its three placeholders are to be replaced."""
    made = autoscale_settings.body(
        wanted, deployment_id=DEPLOYMENT, endpoint_id=ENDPOINT, name="", location=LOCATION, tags={}
    )
    del made["properties"]["name"]  # the address has it
    return json.dumps(made, indent=2)


def in_words(wanted: Autoscale) -> str:
    """The limits, the rules and the times, in one line."""
    made = autoscale.tree(wanted)
    rules = autoscale.show(made.get("rules", ()), autoscale.RULE_LEADING)
    times = autoscale.show(made.get("schedule", ()), autoscale.SCHEDULE_LEADING)
    return "; ".join(filter(None, [f"{wanted.minimum} to {wanted.maximum} instances", rules, times]))
