"""What the files hold, and whether the plan can work."""

from __future__ import annotations

from typing import Any

from tui.cloud.errors import CloudError
from tui.helper import sessions


def inspect_model(plan: dict[str, Any]) -> Any:
    """What is in the model's folder, the scoring script and the conda file; needs no sign-in for files of this machine.

    A model that lies elsewhere is asked for its small files, in Azure's storage with the plan's sign-in.
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
    from tui.helper.questions.references import unread

    try:
        cloud = sessions.cloud_of(plan)
    except CloudError as error:
        return unread(plan, error)
    found = preflight.run(cloud.plan, cloud, with_diagnose=not cloud.plan.deployments)
    return [finding.as_dict() for finding in found]


def step_findings(plan: dict[str, Any], step: str) -> Any:
    """The preflight's findings that belong to one step of the wizard, while the later ones may still be empty."""
    from tui.checks import preflight
    from tui.helper.questions.references import unread

    try:
        cloud = sessions.cloud_of(plan)
    except CloudError as error:
        if error.code == "WorkspaceMissing":
            raise
        return unread(plan, error)
    return [finding.as_dict() for finding in preflight.of_step(cloud.plan, cloud, step)]


def reach(plan: dict[str, Any]) -> Any:
    """From this machine to every name that the plan calls, and to those that others need; under ten seconds."""
    from tui.checks.network.connectivity import look

    cloud = sessions.cloud_of(plan)
    return look(cloud.plan, cloud)


def requests(plan: dict[str, Any], named: str = "PLAN") -> Any:
    """What other people have to do before the plan can work: a page for each administrator. `named` is the plan."""
    from tui.checks.finding import BLOCKER, Finding
    from tui.checks.preflight import Preflight
    from tui.checks.requests.administrator_requests import pages
    from tui.cloud.errors import CloudError

    try:
        cloud = sessions.cloud_of(plan)
    except CloudError as error:
        if error.code == "WorkspaceMissing":
            raise
        # Nobody can be signed in as: that is what has to be asked for.
        found = [Finding("sign-in", BLOCKER, "credential.method", str(error), error.remedy)]
        return [page.as_dict() for page in pages(sessions.plan_of(plan), found, None, None, named)]
    preflight = Preflight(cloud.plan, cloud, with_diagnose=True)
    found = preflight.findings()
    return [page.as_dict() for page in pages(cloud.plan, found, preflight.workspace, preflight.who, named)]
