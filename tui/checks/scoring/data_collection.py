"""Check that the environment has the package that data collection needs."""

from __future__ import annotations

from tui.checks.environment.conda_file import CondaFile
from tui.checks.finding import WARNING, Finding
from tui.plan.data_collection import PACKAGE, PAYLOAD
from tui.plan.model import Plan

_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-collect-production-data"


def about(plan: Plan, conda: CondaFile | None) -> list[Finding]:
    """Warn about collections that a scoring script writes if the environment lacks the package for it."""
    collector = plan.deployment.data_collector
    if collector is None or plan.deployment.code_configuration is None:
        return []
    own = [name for name, one in collector.collections.items() if one.enabled and name not in PAYLOAD]
    if not own or conda is None or not conda.found or conda.problem or PACKAGE in conda.packages:
        return []
    named = ", ".join(own)
    message = f"{named} {'is' if len(own) == 1 else 'are'} written by the scoring script with the package "
    message += f"{PACKAGE}, which {conda.path.name} does not list, so nothing would be collected."
    remedy = f"Add {PACKAGE} to the pip section of {conda.path.name} and pass the data in run() "
    remedy += "(Collector.collect); request and response are collected without the script."
    return [
        Finding(
            "data-collection", WARNING, "deployment.data_collector.collections", message, remedy, _DOCS, str(conda.path)
        )
    ]
