"""The preflight: every check that can be made before something is changed, at the same time where possible."""

from __future__ import annotations

from tui.checks import artifact_findings, artifacts, capacity, identity, isolation, names, workspace
from tui.checks.answers import ask
from tui.checks.finding import OK, UNKNOWN, Finding, ordered
from tui.checks.question import NoAnswer, Question
from tui.cloud.session import Cloud
from tui.plan.model import Plan

_NOT_ASKED = "This was not asked, because {reason}."


def run(plan: Plan, cloud: Cloud, *, limit: float = 10.0) -> list[Finding]:
    """Findings about the plan as it would be carried out now: blockers first, then warnings, unknown, in order.

    Each question has `limit` seconds; three can follow on one another (sign-in, workspace, quota). A question that
    nobody answers is a finding of severity unknown. Changes nothing and never raises for what Azure says.
    """
    from tui.cloud import endpoints, signin, sizes
    from tui.cloud import workspace as cloud_workspace

    files = Question(lambda: artifacts.check(plan, limit=limit), limit + 1.0)
    found = [identity.signed_in(Question(lambda: signin.sign_in(cloud), limit))]
    if found[0].severity != OK:
        reason = "nobody is signed in"
        found.append(Finding("workspace", UNKNOWN, workspace.FIELD, _NOT_ASKED.format(reason=reason)))
        return ordered([*found, *capacity.size(plan), *_files(files)])

    # Both at once; what is said about the endpoint depends on the workspace, reading it does not.
    asked_workspace = Question(lambda: cloud_workspace.read(cloud), limit)
    asked_endpoint = Question(lambda: endpoints.read(cloud, plan.endpoint.name), limit)
    info = ask(asked_workspace, "workspace", workspace.FIELD, "The workspace", needed=True)
    if isinstance(info, Finding):
        return ordered([*found, info, *capacity.size(plan), *_files(files)])
    asked_quota = Question(lambda: sizes.offers(cloud, plan.deployment.instance_count), limit)

    builds = plan.deployment.environment.conda_file is not None
    found.append(workspace.there(info))
    found.extend(workspace.version_two(info))
    found.extend(workspace.image_build(info, builds))
    found.extend(isolation.check(plan, info))

    existing = ask(asked_endpoint, "endpoint", "endpoint.name", f"Whether {plan.endpoint.name} exists")
    deployment = None
    if isinstance(existing, Finding):
        found.append(existing)
    else:
        found.extend(names.check(plan, existing, info))
        there = existing.deployments if existing else []
        deployment = next((item for item in there if item.name.lower() == plan.deployment.name.lower()), None)

    found.extend(capacity.size(plan))
    offers = ask(asked_quota, "quota", capacity.TYPE, "What quota is left", blocks=False)
    found.extend([offers] if isinstance(offers, Finding) else capacity.quota(plan, offers, deployment))

    # The files' own check does not know the workspace, so it can only warn about MLflow and the network.
    found.extend(finding for finding in _files(files) if finding.id != "mlflow-network")
    found.extend(artifact_findings.about_mlflow_network(plan, info.isolation))
    return ordered(found)


def _files(question: Question[list[Finding]]) -> list[Finding]:
    try:
        return question.answer()
    except NoAnswer as late:
        return [Finding("artifacts", UNKNOWN, "deployment.model.path", f"The plan's files were not read. {late}")]
