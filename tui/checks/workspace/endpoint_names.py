"""Check the names of endpoint and deployment: available, or used by something that the plan can change."""

from __future__ import annotations

from collections.abc import Iterator

from tui.checks.finding import BLOCKER, OK, WARNING, Finding, PlanFix
from tui.cloud.endpoints.endpoint_names import NameInRegion
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az_ml
from tui.plan.model import Plan
from tui.plan.planned_changes import identity_change

TAG = "aml-deploy"  # the engine sets this tag on what it creates
_BUSY = ("Creating", "Updating", "Deleting", "Scaling")
_DOCS = "https://learn.microsoft.com/azure/machine-learning/how-to-manage-quotas"
_IDENTITIES = (
    "https://learn.microsoft.com/azure/machine-learning/how-to-access-resources-from-endpoints-managed-identities"
)
_SECURE = "https://learn.microsoft.com/azure/machine-learning/how-to-secure-online-endpoint"


def taken(plan: Plan, found: NameInRegion, workspace: WorkspaceInfo) -> list[Finding]:
    """Check whether another workspace in the region has an endpoint with the plan's name."""
    if found.state != "taken":
        return []
    return [
        Finding(
            "endpoint-taken",
            BLOCKER,
            "endpoint.name",
            f"The name {plan.endpoint.name} is already in use in {workspace.location or 'this region'}: the "
            f"workspace {found.workspace} in the resource group {found.resource_group} has an endpoint with that "
            "name.",
            f"Choose another name, such as {plan.endpoint.name[:29]}-02.",
            _DOCS,
            f"{found.id}/onlineEndpoints/{plan.endpoint.name}",
        )
    ]


def check(
    plan: Plan, endpoint: EndpointInfo | None, workspace: WorkspaceInfo, asked: int | None = None
) -> list[Finding]:
    """All findings about an endpoint with the plan's name; `asked` is how many other workspaces do not have it."""
    if endpoint is None:
        region = workspace.location or "its region"
        message = f"There is no endpoint {plan.endpoint.name} in {workspace.name} yet. "
        if asked:
            others = "one other workspace" if asked == 1 else f"{asked} other workspaces"
            message += (
                f"{others[0].upper()}{others[1:]} of {region} that this identity can read {_have(asked)} it either. "
            )
        message += f"The name must be unique in {region}; Azure checks this when the endpoint is created."
        at = f"{workspace.id}/onlineEndpoints/{plan.endpoint.name}"
        return [*_traffic(plan, None), Finding("endpoint", OK, "endpoint.name", message, docs=_DOCS, looked_at=at)]
    found = [
        *_state(plan, endpoint),
        *_compatible(plan, endpoint),
        *_deployment(plan, endpoint, workspace),
        *_traffic(plan, endpoint),
    ]
    if not any(finding.severity in (BLOCKER, WARNING) for finding in found):
        message = f"The endpoint {endpoint.name} exists and can be changed as planned."
        found.append(Finding("endpoint", OK, "endpoint.name", message, looked_at=endpoint.id))
    return found


def _have(count: int) -> str:
    return "does not have" if count == 1 else "do not have"


def _state(plan: Plan, endpoint: EndpointInfo) -> Iterator[Finding]:
    state = endpoint.provisioning_state
    in_workspace = (plan.workspace.resource_group, plan.workspace.name)
    if state in _BUSY:
        yield Finding(
            "endpoint-busy",
            BLOCKER if state == "Deleting" else WARNING,
            "endpoint.name",
            f"The endpoint {endpoint.name} is in the state {state}: another operation is in progress.",
            "Wait until it has finished, then check again.",
            looked_at=endpoint.id,
        )
    elif state == "Failed":
        yield Finding(
            "endpoint-failed",
            WARNING,
            "endpoint.name",
            f"The endpoint {endpoint.name} exists in the state Failed.",
            "If it cannot be changed, delete it.",
            looked_at=endpoint.id,
            commands=(az_ml("online-endpoint delete", *in_workspace, name=endpoint.name),),
        )
    if TAG not in endpoint.tags:
        yield Finding(
            "endpoint-others",
            WARNING,
            "endpoint.name",
            f"An endpoint {endpoint.name} already exists and was not created by this tool; the plan changes it.",
            "If it is not yours, choose another name.",
            looked_at=endpoint.id,
        )


def _compatible(plan: Plan, endpoint: EndpointInfo) -> Iterator[Finding]:
    wanted = plan.endpoint
    if (endpoint.kind or "Managed").lower() in ("k8s", "kubernetes"):
        yield Finding(
            "endpoint-kind",
            BLOCKER,
            "endpoint.name",
            f"The endpoint {endpoint.name} is a Kubernetes endpoint, but the plan is for a managed one.",
            "Choose another name.",
            looked_at=endpoint.id,
        )
    if endpoint.auth_mode and endpoint.auth_mode != wanted.auth_mode:
        yield Finding(
            "endpoint-auth-mode",
            BLOCKER,
            "endpoint.auth_mode",
            f"The endpoint {endpoint.name} has auth_mode {endpoint.auth_mode}, but the plan has "
            f"{wanted.auth_mode}. Callers depend on the mode, which cannot be changed on an existing endpoint.",
            f"Set endpoint.auth_mode to {endpoint.auth_mode}, or choose another name.",
            looked_at=endpoint.id,
            fixes=(PlanFix("endpoint.auth_mode", endpoint.auth_mode),),
        )
    other = identity_change(wanted.identity, endpoint.identity)
    if other is not None:
        yield Finding(
            "endpoint-identity",
            BLOCKER,
            "endpoint.identity.type",
            f"The endpoint {endpoint.name} has the identity {other.before}, but the plan has {other.after}. The "
            "identity of an existing endpoint cannot be changed.",
            "Remove endpoint.identity from the plan to keep the identity, or choose another name.",
            _IDENTITIES,
            endpoint.id,
        )
    if endpoint.public_network_access != wanted.public_network_access:
        now, then = endpoint.public_network_access, wanted.public_network_access
        effect = "opens it to the internet" if then == "enabled" else "blocks callers from outside the network"
        yield Finding(
            "endpoint-access",
            WARNING,
            "endpoint.public_network_access",
            f"Public network access of the endpoint {endpoint.name} changes from {now} to {then}, which {effect}.",
            f"If that is not intended, set endpoint.public_network_access to {now}.",
            _SECURE,
            endpoint.id,
        )


def _deployment(plan: Plan, endpoint: EndpointInfo, workspace: WorkspaceInfo) -> Iterator[Finding]:
    name = plan.deployment.name
    existing = next((item for item in endpoint.deployments if item.name.lower() == name.lower()), None)
    if existing is None:
        return
    if existing.provisioning_state in _BUSY:
        yield Finding(
            "deployment-busy",
            BLOCKER if existing.provisioning_state == "Deleting" else WARNING,
            "deployment.name",
            f"The deployment {name} is in the state {existing.provisioning_state}: another operation is in progress.",
            "Wait until it has finished, then check again.",
            looked_at=existing.id,
        )
    before = existing.egress_public_network_access or "enabled"
    after = plan.deployment.egress_public_network_access or "enabled"
    if workspace.isolation != "managed_network" and before != after:
        yield Finding(
            "deployment-egress",
            BLOCKER,
            "deployment.egress_public_network_access",
            f"The deployment {name} was created with egress_public_network_access {before}, which cannot be changed.",
            f"Choose another deployment name, or set the flag to {before}.",
            _SECURE,
            existing.id,
            fixes=(PlanFix("deployment.egress_public_network_access", before),),
        )


def _traffic(plan: Plan, endpoint: EndpointInfo | None) -> Iterator[Finding]:
    there = {item.name.lower() for item in endpoint.deployments} if endpoint else set()
    there.update(deployment.name.lower() for deployment in plan.every_deployment)
    there.add(plan.deployment.name.lower())
    unknown = [name for name, share in plan.traffic.items() if share and name.lower() not in there]
    if unknown:
        yield Finding(
            "traffic",
            BLOCKER,
            "traffic",
            f"The plan gives traffic to {', '.join(unknown)}, but there is no such deployment.",
            f"Give traffic to {', '.join(sorted(there))}.",
            looked_at=endpoint.id if endpoint else "traffic, deployment.name",
        )
        return
    now = {name: share for name, share in endpoint.traffic.items() if share} if endpoint else {}
    then = {name: share for name, share in plan.traffic.items() if share}
    if now and now != then:
        yield Finding(
            "traffic",
            WARNING,
            "traffic",
            f"The traffic of the endpoint {plan.endpoint.name} changes from {_shares(now)} to {_shares(then)}.",
            "If that is not intended, set the current shares in the plan.",
            looked_at=endpoint.id if endpoint else "",
        )


def _shares(traffic: dict[str, int]) -> str:
    return ", ".join(f"{name}={share}" for name, share in traffic.items())
