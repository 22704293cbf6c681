"""What a workspace's network isolation means for the two network flags of a plan.

The rules are those of Microsoft's concept-secure-online-endpoint and how-to-secure-online-endpoint.
"""

from __future__ import annotations

from typing import Any

from tui.app.store import Store

EGRESS = "deployment.egress_public_network_access"
INGRESS = "endpoint.public_network_access"
SOURCE = "workspace isolation"


def required_egress(workspace: dict[str, Any]) -> tuple[bool, str | None]:
    """Whether the workspace leaves no choice for the egress flag, and the value it then has (None: not set)."""
    isolation = workspace.get("isolation")
    if isolation == "managed_network":
        return True, None
    if isolation == "legacy":
        return True, "disabled"
    return False, None


def egress_reason(workspace: dict[str, Any]) -> str:
    """Why the egress flag is as it is."""
    name, isolation = workspace.get("name", "The workspace"), workspace.get("isolation")
    if isolation == "managed_network":
        return (
            f"{name} has a managed virtual network: its outbound rules decide what a deployment reaches, and Azure "
            "ignores this flag."
        )
    if isolation == "legacy":
        return (
            f"{name} is closed to public networks and has no managed virtual network: only a deployment with closed "
            "egress gets private endpoints to the workspace, its storage and its registry."
        )
    return f"{name} is open to public networks: both are possible; not set means enabled."


def ingress_reason(workspace: dict[str, Any], value: str) -> str:
    """What the endpoint's flag means in this workspace."""
    if value == "enabled":
        closed = str(workspace.get("public_network_access", "")).lower() == "disabled"
        return "Anyone on the internet with a key can call the endpoint" + (
            ", although the workspace itself is closed." if closed else "."
        )
    return f"Only callers that reach the private endpoint of {workspace.get('name', 'the workspace')} get an answer."


def refused_egress(workspace: dict[str, Any]) -> dict[str, str]:
    """The values of the egress flag that cannot be chosen in this workspace, each with the reason."""
    fixed, value = required_egress(workspace)
    if not fixed:
        return {}
    reason = egress_reason(workspace)
    return {choice: reason for choice in ("", "enabled", "disabled") if choice != (value or "")}


def apply(store: Store, workspace: dict[str, Any]) -> list[str]:
    """Set the flags that the workspace leaves no choice for; returns what was changed, in sentences."""
    fixed, value = required_egress(workspace)
    before = store.value(EGRESS)
    if not fixed or before == value:
        return []
    store.put(EGRESS, value, SOURCE)
    if value is None:
        return [f"The egress flag ({before}) was taken out of the plan."]
    return [f"The egress flag was set to {value}."]
