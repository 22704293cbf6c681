"""Inspects the model's files and runs the preflight."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Callable

from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.helper import sessions

if TYPE_CHECKING:
    from tui.checks.finding import Finding


def inspect_model(plan: dict[str, Any]) -> Any:
    """Inspect the model's folder, scoring script and conda file; local files need no sign-in.

    Of a model in another source, only the small files are read; in Azure storage with the plan's sign-in.
    """
    from tui.checks.model import source_model
    from tui.checks.model.artifacts import inspect_model as inspect

    wanted = sessions.plan_of(plan)
    if wanted.deployment.model.source:
        return source_model.inspect(wanted, lambda: sessions.cloud_of(plan))
    return inspect(wanted)


def check(plan: dict[str, Any]) -> Any:
    """The preflight's findings."""
    from tui.checks import preflight

    return _findings(plan, lambda cloud: preflight.run(cloud.plan, cloud, with_diagnose=not cloud.plan.deployments))


def step_findings(plan: dict[str, Any], step: str) -> Any:
    """The preflight's findings for one step of the wizard; later steps may still be empty."""
    from tui.checks import preflight

    return _findings(plan, lambda cloud: preflight.of_step(cloud.plan, cloud, step))


def _findings(plan: dict[str, Any], found: Callable[[Cloud], list[Finding]]) -> list[dict[str, Any]]:
    """The findings over a plan's connection, or the finding that a secret cannot be read. Raises CloudError."""
    from tui.helper.questions.references import unread

    try:
        cloud = sessions.cloud_of(plan)
    except CloudError as error:
        return unread(plan, error)
    return [finding.as_dict() for finding in found(cloud)]


def reach(plan: dict[str, Any]) -> Any:
    """Probe every host that the plan or others need from this machine; takes less than ten seconds."""
    from tui.checks.network.connectivity import look

    cloud = sessions.cloud_of(plan)
    return look(cloud.plan, cloud)


def requests(plan: dict[str, Any], named: str = "PLAN") -> Any:
    """The requests to administrators, one page for each. `named` is the plan's name in commands."""
    from tui.checks.finding import BLOCKER, Finding
    from tui.checks.preflight import Preflight
    from tui.checks.requests.administrator_requests import pages

    try:
        cloud = sessions.cloud_of(plan)
    except CloudError as error:
        if error.code == "WorkspaceMissing":
            raise
        # Without an identity to sign in with, that is what must be requested.
        found = [Finding("sign-in", BLOCKER, "credential.method", str(error), error.remedy)]
        return [page.as_dict() for page in pages(sessions.plan_of(plan), found, None, None, named)]
    preflight = Preflight(cloud.plan, cloud, with_diagnose=True)
    found = preflight.findings()
    return [page.as_dict() for page in pages(cloud.plan, found, preflight.workspace, preflight.who, named)]
