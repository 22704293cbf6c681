"""Diagnose an endpoint from everything that was read; the findings are sorted by severity."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

from tui.checks.finding import BLOCKER, OK, UNKNOWN, Finding, Recognise, with_card, wrong
from tui.checks.troubleshoot import causes, deployments, fixes, names, requests, surroundings
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.errors import CloudError
from tui.common.az_command import az_ml
from tui.plan import sizes
from tui.plan.model import Plan

ARTICLE = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"


def diagnose(plan: Plan, snapshot: Snapshot, recognise: Recognise) -> list[Finding]:
    """All problems found, causes before their consequences, or one OK finding if there are none."""

    def finished(found: list[Finding]) -> list[Finding]:
        return causes.in_order([names.filled_in(one, plan, snapshot) for one in found])

    if snapshot.failure is not None:
        return finished([_not_read(plan, snapshot, snapshot.failure, recognise)])
    if snapshot.endpoint is None:
        return finished([_not_there(plan, snapshot), *surroundings.workspace(snapshot), *_unseen(snapshot)])
    of_deployment = partial(facts, plan, snapshot)
    found = [
        *deployments.endpoint(snapshot),
        *deployments.traffic(snapshot),
        *deployments.each(snapshot, of_deployment, recognise),
        *requests.tests(snapshot, of_deployment, recognise),
        *requests.answers(snapshot, of_deployment, recognise),
        *requests.load(snapshot),
        *surroundings.workspace(snapshot),
        *surroundings.reachability(snapshot),
        *surroundings.history(snapshot, facts(plan, snapshot), recognise),
        *surroundings.logs_kept(snapshot),
        *_unseen(snapshot),
    ]
    found = _once(found)
    return finished(found if wrong(found) else [*found, _fine(snapshot)])


def facts(plan: Plan, snapshot: Snapshot, one: DeploymentInfo | None = None) -> dict[str, Any]:
    """Facts under the names that the catalogue of remedies uses; unknown facts are omitted."""
    workspace, endpoint = plan.workspace, snapshot.endpoint
    found: dict[str, Any] = {
        "endpoint": snapshot.name,
        "workspace": workspace.name,
        "resource_group": workspace.resource_group,
        "subscription": workspace.subscription_id,
        "credential_method": plan.credential.method,
        "client_id": plan.credential.client_id,
        "tenant_id": plan.credential.tenant_id,
    }
    if endpoint is not None:
        found.update(
            auth_mode=endpoint.auth_mode,
            public_network_access=endpoint.public_network_access,
            location=endpoint.location,
        )
    if snapshot.workspace is not None:
        found["isolation"] = snapshot.workspace.isolation
    if one is not None:
        found.update(
            deployment=one.name,
            instance_type=one.instance_type,
            larger=sizes.larger(one.instance_type),
            has_code=one.code is not None,
            egress=one.egress_public_network_access,
        )
    return {key: value for key, value in found.items() if value is not None and value != ""}


def _not_read(plan: Plan, snapshot: Snapshot, failure: CloudError, recognise: Recognise) -> Finding:
    """The endpoint could not be read at all, mostly because of the sign-in, a missing role, or the connection."""
    text = "\n".join([failure.raw, failure.title, failure.cause])
    card = recognise(text, failure.code, facts(plan, snapshot))
    signing_in = snapshot.who is None
    own = plan.credential.method == "service_principal"
    return with_card(
        card,
        id="sign-in" if signing_in else "endpoint-unread",
        severity=BLOCKER,
        message=f"{failure.title.rstrip('.')}. Until that is fixed, nothing about {snapshot.name} can be read.",
        cause=failure.cause,
        remedy=failure.remedy,
        evidence=tuple(line for line in failure.raw.splitlines() if line.strip())[:20],
        request_ids=tuple(failure.request_ids),
        field="credential.client_secret" if signing_in and own else "credential.method",
        docs=ARTICLE,
        looked_at=snapshot.name,
        fixes=(fixes.enter_secret(),) if signing_in and own else (),
    )


def _not_there(plan: Plan, snapshot: Snapshot) -> Finding:
    return Finding(
        "endpoint-missing",
        BLOCKER,
        "",
        f"The workspace {plan.workspace.name} has no endpoint {snapshot.name}.",
        cause="It was never created here, was deleted, or belongs to another workspace.",
        remedy="Correct the name or the workspace. To list existing endpoints: aml-deploy troubleshoot WHERE",
        commands=(az_ml("online-endpoint list", plan.workspace.resource_group, plan.workspace.name, output="table"),),
        docs=ARTICLE,
        looked_at=snapshot.name,
    )


def _unseen(snapshot: Snapshot) -> Iterator[Finding]:
    """What could not be read: one finding for missing roles, and one for each other reason."""
    refused = [item for item in snapshot.unseen if item.refused]
    if refused:
        who = snapshot.who.principal if snapshot.who else "This identity"
        commands = tuple(dict.fromkeys(item.command for item in refused if item.command))
        named = "; ".join(item.what[0].lower() + item.what[1:] for item in refused)
        yield Finding(
            "unseen-roles",
            UNKNOWN,
            "",
            f"{who} cannot read everything: {named}.",
            cause="Its roles allow only partial read access, so problems in the rest are not found.",
            remedy=next((item.remedy for item in refused if item.remedy), "Ask for the role AzureML Data Scientist."),
            evidence=tuple(f"{item.what}: {item.why}" for item in refused),
            commands=commands,
            request="\n".join(commands),
        )
    for item in snapshot.unseen:
        if not item.refused:
            message = f"{item.what} could not be read. {item.why}"
            yield Finding("unseen", UNKNOWN, "", message, remedy=item.remedy, looked_at=item.what)


def _once(found: list[Finding]) -> list[Finding]:
    """Remove findings that repeat an earlier one for the same deployment with the same card."""
    seen: set[tuple[str, str]] = set()
    kept = []
    for one in found:
        key = (one.card, one.deployment)
        if one.card and key in seen and one.severity != BLOCKER:
            continue
        seen.add(key)
        kept.append(one)
    return kept


def _fine(snapshot: Snapshot) -> Finding:
    endpoint = snapshot.there
    ready = [one.name for one in endpoint.deployments if one.provisioning_state == "Succeeded"]
    said = [f"{endpoint.name} is {endpoint.provisioning_state}, its traffic is {fixes.words(endpoint.traffic)}"]
    said.append(f"{', '.join(ready)} {'is' if len(ready) == 1 else 'are'} ready")
    if snapshot.tests:
        said.append(f"{len(snapshot.tests)} test call{'s' if len(snapshot.tests) > 1 else ''} succeeded")
    if snapshot.hour is not None:
        said.append(f"{snapshot.hour.requests:.0f} requests in the last hour, without failures since the last change")
    return Finding("healthy", OK, "", f"No problems found: {'; '.join(said)}.", looked_at=endpoint.name)
