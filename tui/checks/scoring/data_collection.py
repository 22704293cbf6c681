"""What is to be collected of requests and answers, and whether something would write it."""

from __future__ import annotations

from tui.checks.environment.conda_file import CondaFile
from tui.checks.finding import WARNING, Finding
from tui.plan.data_collection import PACKAGE, PAYLOAD
from tui.plan.model import Plan

_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data"


def about(plan: Plan, conda: CondaFile | None) -> list[Finding]:
    """Collections that a scoring script writes, with the package for it missing from its environment."""
    collector = plan.deployment.data_collector
    if collector is None or plan.deployment.code_configuration is None:
        return []
    own = [name for name, one in collector.collections.items() if one.enabled and name not in PAYLOAD]
    if not own or conda is None or not conda.found or conda.problem or PACKAGE in conda.packages:
        return []
    named = ", ".join(own)
    return [
        Finding(
            "data-collection",
            WARNING,
            "deployment.data_collector.collections",
            f"{named} {'is' if len(own) == 1 else 'are'} written by the scoring script, with the package {PACKAGE}, "
            f"which {conda.path.name} does not list: nothing would be collected.",
            f"Add {PACKAGE} to the pip part of {conda.path.name} and hand the data over in run() (Collector.collect); "
            "request and response are collected without the script.",
            _DOCS,
            str(conda.path),
        )
    ]
