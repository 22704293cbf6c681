"""Diagnose the endpoint itself, its traffic, and each of its deployments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Callable

from tui.checks.finding import BLOCKER, UNKNOWN, WARNING, Finding, Fix, Recognise, last_lines, with_card
from tui.checks.troubleshoot import fixes
from tui.checks.troubleshoot.fixes import words
from tui.checks.troubleshoot.snapshot import LOG_NOT_THERE, Snapshot
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.monitor.activity_log import Change
from tui.common.az_command import az_ml
from tui.plan import sizes

ARTICLE = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"
Facts = Callable[[DeploymentInfo], Mapping[str, Any]]
_FAILED = ("failed", "canceled")
# Cards after which the same deployment succeeds, once somebody else has done their part.
_ELSEWHERE = (
    "startup-authorization", "startup-roles", "image-download", "image-download-egress", "managed-net-not-ready",
    "secrets-injection", "operation-canceled", "operation-canceled-priority", "operation-canceled-lock", "svc-500",
    "region-capacity", "model-download", "image-build-acr", "image-build-acr-keys", "key-vault-bypass",
)  # fmt: skip

ROLES = ("startup-authorization", "startup-roles", "rbac", "role-assignment-write", "linked-authorization")
"""Cards of failures that a role assignment mends."""


def endpoint(snapshot: Snapshot) -> Iterator[Finding]:
    """Diagnose the endpoint's own state."""
    found = snapshot.there
    state = found.provisioning_state
    if state.lower() in _FAILED:
        last = _last_failure(snapshot, found.id)
        yield Finding(
            "endpoint-state",
            BLOCKER,
            "",
            f"The endpoint {found.name} is {state}.",
            cause=last.reason if last else "Its last change did not succeed; the activity log does not say why.",
            remedy="Repeat the last change, or delete the endpoint and create it again from its plan.",
            evidence=last.lines() if last else (),
            docs=ARTICLE,
            looked_at=found.id,
        )
    elif state and state != "Succeeded":
        message = (
            f"The endpoint {found.name} is {state}: an operation is in progress, and changes are rejected until "
            "it has finished."
        )
        yield Finding("endpoint-busy", UNKNOWN, "", message, remedy="Refresh in a minute.", looked_at=found.id)


def traffic(snapshot: Snapshot) -> list[Finding]:
    """Diagnose the traffic: which deployments get it, and whether they can answer."""
    found = snapshot.there
    if not found.deployments:
        return [
            Finding(
                "no-deployment",
                BLOCKER,
                "deployment.name",
                f"The endpoint {found.name} has no deployment, so every call returns 404.",
                cause="None was created, or all were deleted.",
                remedy="Deploy one: aml-deploy apply PLAN --yes",
                docs=ARTICLE,
                looked_at=found.id,
            )
        ]
    shares = {name: share for name, share in found.traffic.items() if share}
    ready = [one for one in found.deployments if one.provisioning_state == "Succeeded"]
    if not shares:
        return [_no_traffic(found, ready)]
    names = {one.name: one for one in found.deployments}
    broken = [name for name in shares if name not in names or names[name].provisioning_state.lower() in _FAILED]
    return [_broken_traffic(found, broken, shares, ready)] if broken else []


def _no_traffic(found: EndpointInfo, ready: list[DeploymentInfo]) -> Finding:
    names = ", ".join(one.name for one in ready)
    return Finding(
        "traffic-zero",
        BLOCKER,
        "traffic",
        f"No deployment of {found.name} has traffic, so every call returns 404.",
        cause="A new deployment gets no traffic automatically, and none was set (or it was removed).",
        remedy=f"Give traffic to a deployment that is ready: {names}." if ready else "No deployment is ready yet.",
        evidence=(
            f"traffic: {words(found.traffic)}",
            *(f"{one.name}: {one.provisioning_state}" for one in found.deployments),
        ),
        commands=(f"aml-deploy traffic {found.name} {ready[0].name}=100 WHERE",) if ready else (),
        docs=ARTICLE,
        looked_at=found.id,
        card="no-traffic",
        fixes=_takers(found, ready),
    )


def _broken_traffic(
    found: EndpointInfo, broken: list[str], shares: Mapping[str, int], ready: list[DeploymentInfo]
) -> Finding:
    lost = sum(shares[name] for name in broken)
    return Finding(
        "traffic-broken",
        BLOCKER,
        "traffic",
        f"{lost} % of the traffic goes to {', '.join(broken)}, which cannot answer.",
        cause="The deployment failed or does not exist, but still has traffic.",
        remedy="Move the traffic to a deployment that is ready.",
        evidence=(
            f"traffic: {words(found.traffic)}",
            *(f"{one.name}: {one.provisioning_state}" for one in found.deployments),
        ),
        docs=ARTICLE,
        deployment=broken[0],
        looked_at=found.id,
        fixes=_takers(found, [one for one in ready if one.name not in broken]),
    )


def _takers(found: EndpointInfo, ready: list[DeploymentInfo]) -> tuple[Fix, ...]:
    back = fixes.rollback(found)
    offered = [fixes.set_traffic(found, {one.name: 100}) for one in ready[:3]]
    return tuple([*offered, back] if back is not None and offered else offered)


def each(snapshot: Snapshot, facts: Facts, recognise: Recognise) -> Iterator[Finding]:
    """Deployments that failed, that are in progress, and that cost money without traffic."""
    for one in snapshot.there.deployments:
        state = one.provisioning_state.lower()
        if state in _FAILED:
            failed = _failed(snapshot, one, facts(one), recognise)
            yield from (_without_role(found, failed) for found in [snapshot.there] if failed.card in ROLES)
            yield failed
        elif state and state != "succeeded":
            yield _under_way(snapshot, one)
        elif _serves_nobody(snapshot.there, one):
            yield _idle(snapshot.there, one)


def _serves_nobody(endpoint: EndpointInfo, one: DeploymentInfo) -> bool:
    """Whether the other deployments get all the traffic."""
    has = endpoint.traffic.get(one.name) or endpoint.mirror_traffic.get(one.name)
    return not has and any(endpoint.traffic.values())


def _failed(snapshot: Snapshot, one: DeploymentInfo, facts: Mapping[str, Any], recognise: Recognise) -> Finding:
    endpoint = snapshot.there
    last = _last_failure(snapshot, one.id)
    log = snapshot.log_of(one.name)
    card = recognise("\n".join([log, last.raw if last else ""]), last.code if last else None, facts)
    serves = bool(endpoint.traffic.get(one.name))
    told = last.lines() if last else ()
    lines = last_lines(log) if not any(words in log.lower() for words in LOG_NOT_THERE) else ()
    in_workspace = (str(facts.get("resource_group", "GROUP")), str(facts.get("workspace", "WORKSPACE")))
    offered = list(_of_card(card, one))
    away = fixes.remove_deployment(endpoint, one)
    if away is not None:
        offered.append(away)
    if not log and last is None:
        remedy = "Its log is empty and the activity log has no reason: rehearse the same plan on this machine."
    else:
        remedy = "Read the evidence, fix in the plan what it names, and deploy again."
    when = f" (since {last.time[:16].replace('T', ' ')}, requested by {last.caller})" if last else ""
    return with_card(
        card,
        id="deployment-failed",
        severity=BLOCKER if serves or not any(endpoint.traffic.values()) else WARNING,
        message=f"The deployment {one.name} {one.provisioning_state.lower()}{when}.",
        cause=last.reason if last and last.message else "The activity log of the last 24 hours does not say why.",
        remedy=remedy,
        evidence=(*told, *lines),
        commands=(
            az_ml("online-deployment get-logs", *in_workspace, endpoint_name=endpoint.name, name=one.name, lines="300"),
        ),
        docs=ARTICLE,
        deployment=one.name,
        looked_at=one.id,
        request_ids=(last.correlation_id,) if last and last.correlation_id else (),
        fixes=tuple(offered),
    )


def _without_role(endpoint: EndpointInfo, failed: Finding) -> Finding:
    """The missing role that made a deployment fail, as a finding of its own: somebody else has to assign it."""
    why, _, more = failed.cause.partition(". ")
    return replace(
        failed,
        id="role-missing",
        message=f"A role is missing: {why[0].lower()}{why[1:]}.",
        cause=more,
        looked_at=endpoint.id,
        request="\n".join((f"Please assign the role. {failed.remedy}", f"About: {endpoint.id}", *failed.commands)),
        card="",
        fixes=(),
    )


def _of_card(card: Mapping[str, Any] | None, one: DeploymentInfo) -> list[Fix]:
    """A fix for the failure of a card, if it can be done from here."""
    id = str(card["id"]) if card else ""
    if id == "probe-too-short":
        return [fixes.raise_probe_delay(one)]
    if id in _ELSEWHERE:
        return [fixes.redeploy(one, "once the remedy has been carried out")]
    return []


def _under_way(snapshot: Snapshot, one: DeploymentInfo) -> Finding:
    changed = snapshot.told.get(one.name, {}).get("changed_at", "")[:16].replace("T", " ")
    since = f" since {changed}" if changed else ""
    lines = last_lines(snapshot.log_of(one.name))
    return Finding(
        "deployment-under-way",
        UNKNOWN,
        "",
        f"The deployment {one.name} is {one.provisioning_state}{since}.",
        cause="Azure is working on it. Eight to twenty minutes are usual; building the image first takes longer.",
        remedy="Refresh, or keep watching: aml-deploy troubleshoot ENDPOINT WHERE --watch",
        evidence=lines,
        deployment=one.name,
        looked_at=one.id,
    )


def _idle(endpoint: EndpointInfo, one: DeploymentInfo) -> Finding:
    price = sizes.price_per_hour(one.instance_type, endpoint.location)
    cost = f" It costs {price * one.instance_count:.2f} {sizes.price_currency()} an hour." if price is not None else ""
    away = fixes.remove_deployment(endpoint, one)
    return Finding(
        "deployment-idle",
        WARNING,
        "",
        f"The deployment {one.name} is ready but has no traffic.{cost}",
        cause="It may be waiting for a rollout, or be left over from one.",
        remedy="Give it traffic, keep it for a roll back, or remove it.",
        evidence=(f"traffic: {words(endpoint.traffic)}", f"{one.name}: {one.instance_count} × {one.instance_type}"),
        deployment=one.name,
        looked_at=one.id,
        fixes=(away,) if away is not None else (),
        advice=True,
    )


def _last_failure(snapshot: Snapshot, resource: str) -> Change | None:
    """The most recent failed operation of a resource."""
    return next(
        (
            change
            for change in snapshot.changes or []
            if change.status == "Failed" and change.resource.lower() == resource.lower()
        ),
        None,
    )
