"""Check private endpoint approvals, the registry's tier and access, and the key vault's firewall.

The rules are those of Microsoft's how-to-secure-online-endpoint and how-to-troubleshoot-online-endpoints.
"""

from __future__ import annotations

from collections.abc import Mapping

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.network.connectivity_remedies import private_endpoint
from tui.checks.workspace.workspace import az_workspace
from tui.cloud.http.hosts import Dependency
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az
from tui.plan.model import Plan

FIELD = "workspace.name"
_SECURE = "https://learn.microsoft.com/azure/machine-learning/how-to-secure-online-endpoint"
_LINK = "https://learn.microsoft.com/azure/machine-learning/how-to-configure-private-link"
_MANAGED = "https://learn.microsoft.com/azure/machine-learning/how-to-managed-network"
_TROUBLE = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"


def approvals(plan: Plan, info: WorkspaceInfo) -> list[Finding]:
    """Check that a closed workspace has a private endpoint, and that its private endpoints are approved."""
    waiting = {name: state for name, state in info.private_endpoints.items() if state and state != "Approved"}
    if any(state == "Approved" for state in info.private_endpoints.values()):
        found = Finding("private-endpoint", OK, FIELD, _listed(info), docs=_LINK, looked_at=info.id)
        return [found] if not waiting else [_waiting(info, waiting, WARNING)]
    closed = info.public_network_access.lower() == "disabled" or plan.endpoint.public_network_access == "disabled"
    if waiting:
        return [_waiting(info, waiting, BLOCKER if closed else WARNING)]
    if not closed or not info.private_endpoints_told:
        return []
    return [
        Finding(
            "private-endpoint",
            WARNING,
            FIELD,
            f"{info.name} has no private endpoint, but an endpoint with public_network_access disabled is "
            "reachable only through one.",
            "Create one for the workspace (sub-resource amlworkspace) in a virtual network that callers can reach.",
            _LINK,
            info.id,
            (private_endpoint("workspace", info.id, "amlworkspace"),),
        )
    ]


def _listed(info: WorkspaceInfo) -> str:
    names = ", ".join(name for name, state in info.private_endpoints.items() if state == "Approved")
    return f"{info.name} is reachable through the private endpoint {names}, which is approved."


def _waiting(info: WorkspaceInfo, waiting: dict[str, str], severity: str) -> Finding:
    listed = ", ".join(f"{name} is {state}" for name, state in waiting.items())
    return Finding(
        "private-endpoint",
        severity,
        FIELD,
        f"A private endpoint connection of {info.name} is not approved: {listed}.",
        "Ask the owner of the workspace to approve it.",
        _LINK,
        info.id,
        _approving(info.id),
    )


def _approving(resource: str) -> tuple[str, ...]:
    """The commands that approve a connection of a resource; its name is another than its private endpoint's."""
    connection = f"{resource}/privateEndpointConnections/CONNECTION"
    return (
        az("network private-endpoint-connection list", id=resource, output="table"),
        az("network private-endpoint-connection approve", id=connection),
    )


def registry(info: WorkspaceInfo, found: Dependency | None, builds: bool) -> list[Finding]:
    """Check the container registry: its tier, whether it is reachable, and, if it is private, what builds images.

    `builds` is true if Azure must build an image for the plan; `found` is None if the registry cannot be read.
    """
    closed = info.public_network_access.lower() == "disabled"
    if not info.container_registry:
        return [_no_registry_yet(info)] if closed and builds else []
    if found is None:
        return _unseen_registry(info, builds) if closed else []
    name = info.container_registry.rpartition("/")[2]
    result = []
    private = found.access == "disabled" or bool(found.endpoints)
    if private and found.sku and found.sku.lower() != "premium":
        result.append(
            Finding(
                "registry-tier",
                BLOCKER,
                FIELD,
                f"The container registry {name} has the tier {found.sku}, but private endpoints require Premium.",
                "Upgrade its tier.",
                _SECURE,
                found.id,
                (az("acr update", name=name, sku="Premium"),),
            )
        )
    pending = {endpoint: state for endpoint, state in found.endpoints.items() if state in ("Pending", "Rejected")}
    if pending:
        result.append(_not_approved(found, name, pending))
    if found.access == "disabled" and builds and not info.image_build_compute and info.isolation != "managed_network":
        result.append(_no_builder(info, name))
    return result or [_registry_in_order(found, name)]


def _no_registry_yet(info: WorkspaceInfo) -> Finding:
    return Finding(
        "registry",
        UNKNOWN,
        FIELD,
        f"{info.name} has no container registry yet; Azure creates one when it builds the first image.",
        "Behind a private endpoint, its tier must be Premium.",
        _SECURE,
        info.id,
    )


def _not_approved(found: Dependency, name: str, pending: Mapping[str, str]) -> Finding:
    listed = ", ".join(f"{endpoint} is {state}" for endpoint, state in pending.items())
    return Finding(
        "registry-approval",
        WARNING,
        FIELD,
        f"A private endpoint connection of the registry {name} is not approved: {listed}. Deployments that pull "
        "through it fail with an image download error.",
        "Ask the owner of the registry to approve it.",
        _TROUBLE,
        found.id,
        _approving(found.id),
    )


def _registry_in_order(found: Dependency, name: str) -> Finding:
    tier = f" ({found.sku})" if found.sku else ""
    state = "closed to public networks" if found.access == "disabled" else "open according to its rules"
    approved = ", and its private endpoints are approved" if found.endpoints else ""
    message = f"The container registry {name}{tier} is {state}{approved}."
    return Finding("registry", OK, FIELD, message, docs=_SECURE, looked_at=found.id)


def _unseen_registry(info: WorkspaceInfo, builds: bool) -> list[Finding]:
    """Report an unreadable registry only if its tier or network access matters."""
    if not builds or info.image_build_compute or info.isolation == "managed_network":
        return []
    return [
        Finding(
            "image-build-compute",
            UNKNOWN,
            FIELD,
            f"The workspace {info.name} is closed and has no compute for building images. Whether its container "
            "registry is private too is unknown.",
            "If it is, set a compute cluster of the workspace that can reach the package index.",
            _MANAGED,
            info.id,
            (_builder(info),),
        )
    ]


def _no_builder(info: WorkspaceInfo, registry: str) -> Finding:
    return Finding(
        "image-build-compute",
        BLOCKER,
        FIELD,
        f"The container registry {registry} is closed to public networks, and {info.name} has no compute for "
        "building images, so the build of the environment cannot reach the registry.",
        "Set a compute cluster of the workspace that can reach the registry and the package index.",
        _MANAGED,
        info.id,
        (_builder(info),),
    )


def _builder(info: WorkspaceInfo) -> str:
    return az_workspace("update", info, image_build_compute="CLUSTER")


def vault(plan: Plan, info: WorkspaceInfo, found: Dependency | None) -> list[Finding]:
    """Check the vault's firewall: an endpoint with keys stores them there, so it must allow Azure's services."""
    if found is None or found.access in (None, "enabled") or found.azure_services is not False:
        return []
    if plan.endpoint.auth_mode == "aad_token":
        return []
    name = info.key_vault.rpartition("/")[2]
    return [
        Finding(
            "key-vault",
            WARNING,
            "endpoint.auth_mode",
            f"The firewall of the key vault {name} does not allow trusted Azure services, but an endpoint with "
            f"auth_mode {plan.endpoint.auth_mode} stores its keys there.",
            "Allow trusted services, or set endpoint.auth_mode to aad_token.",
            _TROUBLE,
            found.id,
            (az("keyvault update", name=name, bypass="AzureServices"),),
        )
    ]


def storage(info: WorkspaceInfo, found: Dependency | None) -> list[Finding]:
    """Check the storage account's private endpoints, if this identity can read them."""
    pending = {name: state for name, state in (found.endpoints if found else {}).items() if state == "Pending"}
    if found is None or not pending:
        return []
    name = found.id.rpartition("/")[2]
    return [
        Finding(
            "storage-approval",
            WARNING,
            FIELD,
            f"A private endpoint connection of the storage account {name} is not approved: {', '.join(pending)}.",
            "Ask the owner of the storage account to approve it.",
            _LINK,
            found.id,
            _approving(found.id),
        )
    ]
