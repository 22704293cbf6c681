"""Check that the plan's network flags match the workspace's isolation.

The rules are those of Microsoft's concept-secure-online-endpoint and how-to-secure-online-endpoint.
"""

from __future__ import annotations

from collections.abc import Iterator

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding, PlanFix
from tui.checks.model.artifact_findings import SCORING, SCORING_REMEDY, mlflow_without_code
from tui.checks.workspace.workspace import az_workspace
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.plan.model import Plan

EGRESS = "deployment.egress_public_network_access"
_DOCS = "https://learn.microsoft.com/azure/machine-learning/concept-secure-online-endpoint"
_PROVISION = "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network"


def check(plan: Plan, info: WorkspaceInfo) -> list[Finding]:
    """All findings about inbound and outbound network settings."""
    found = [
        *(_flag_ignored(plan, info) if info.isolation == "managed_network" else _egress_open(plan, info)),
        *provisioned(info),
        *_registered_elsewhere(plan, info),
    ]
    if not found:
        message = "The plan's network flags match the workspace's isolation."
        found.append(Finding("isolation", OK, EGRESS, message, docs=_DOCS, looked_at=info.id))
    return found


def _flag_ignored(plan: Plan, info: WorkspaceInfo) -> Iterator[Finding]:
    if plan.deployment.egress_public_network_access is not None:
        yield Finding(
            "egress-flag",
            WARNING,
            EGRESS,
            f"{info.name} has a managed virtual network, in which egress_public_network_access does not apply.",
            "Remove it from the plan; the workspace's outbound rules apply instead.",
            _DOCS,
            info.id,
            fixes=(PlanFix(EGRESS, None),),
        )


def provisioned(info: WorkspaceInfo) -> list[Finding]:
    """Check that the managed virtual network is provisioned, which the first deployment or a command does."""
    network = info.managed_network or {}
    status = network.get("status")
    if info.isolation != "managed_network" or (status and status.lower() == "active"):
        return []
    if not status:
        message = f"Whether the managed virtual network of {info.name} is provisioned is unknown."
        return [Finding("managed-network", UNKNOWN, "workspace.name", message, docs=_PROVISION, looked_at=info.id)]
    return [
        Finding(
            "managed-network",
            BLOCKER,
            "workspace.name",
            f"The managed virtual network of {info.name} is not provisioned (status: {status}), so a deployment "
            "fails with WorkspaceManagedNetworkNotReady.",
            "Provision it, and wait until it is Active.",
            _PROVISION,
            info.id,
            (az_workspace("provision-network", info),),
            cause="It is enabled but not provisioned yet; the first deployment or a command provisions it.",
            evidence=(f"managed network: {network.get('isolation_mode')}, {status}",),
        )
    ]


def _egress_open(plan: Plan, info: WorkspaceInfo) -> Iterator[Finding]:
    """Check egress: open egress uses the public network, over which a closed workspace cannot be reached."""
    flag = plan.deployment.egress_public_network_access
    if flag == "disabled" or info.public_network_access.lower() != "disabled":
        return
    remedy = "Set deployment.egress_public_network_access to disabled."
    fixes: tuple[PlanFix, ...] = (PlanFix(EGRESS, "disabled"),)
    if mlflow_without_code(plan):
        # For these models, closed egress is rejected too.
        fixes = ()
        remedy = (
            f"{SCORING_REMEDY}, with deployment.egress_public_network_access set to disabled, or use a workspace "
            "with a managed virtual network."
        )
    written = "is enabled" if flag else "is not set, and the default is enabled"
    yield Finding(
        "egress-closed-workspace",
        BLOCKER,
        EGRESS,
        f"egress_public_network_access {written}, but {info.name} is closed to public networks and has no managed "
        "virtual network: the deployment could not reach it.",
        remedy,
        _DOCS,
        info.id,
        (SCORING,) if mlflow_without_code(plan) else (),
        fixes=fixes,
    )


def _registered_elsewhere(plan: Plan, info: WorkspaceInfo) -> Iterator[Finding]:
    """Check shared registries: under legacy isolation only the workspace's own storage is reachable."""
    path = plan.deployment.model.registered or ""
    closed = info.isolation != "managed_network" and plan.deployment.egress_public_network_access == "disabled"
    if closed and path.startswith("azureml://registries/"):
        yield Finding(
            "model-elsewhere",
            WARNING,
            "deployment.model.path",
            (
                "The model is in a registry, but a deployment with egress disabled can reach only the workspace's "
                "storage."
            ),
            "Register the model in the workspace itself.",
            _DOCS,
            path,
        )
