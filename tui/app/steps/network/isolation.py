"""Derives a plan's two network flags from the workspace's network isolation.

The rules are those of Microsoft's concept-secure-online-endpoint and how-to-secure-online-endpoint.
"""

from __future__ import annotations

from typing import Any, Callable

from tui.app.state.side_by_side import existing_deployment
from tui.app.state.store import Store

EGRESS = "deployment.egress_public_network_access"
INGRESS = "endpoint.public_network_access"
SOURCE = "workspace isolation"


def required_egress(workspace: dict[str, Any]) -> tuple[bool, str | None]:
    """Return whether the workspace dictates the egress flag, and its value (None: not set)."""
    isolation = workspace.get("isolation")
    if isolation == "managed_network":
        return True, None
    if isolation == "legacy":
        return True, "disabled"
    return False, None


def egress_reason(workspace: dict[str, Any]) -> str:
    """Explain the egress flag's value."""
    name, isolation = workspace.get("name", "The workspace"), workspace.get("isolation")
    if isolation == "managed_network":
        return (
            f"{name} has a managed virtual network: its outbound rules decide what a deployment may reach (its "
            "egress), and Azure ignores this flag."
        )
    if isolation == "legacy":
        return (
            f"{name} is closed to public networks and has no managed virtual network: only with egress disabled does "
            "the deployment get private endpoints to reach it, its storage and its registry."
        )
    return (
        f"Egress is what the deployment itself may reach. {name} is open to public networks: both values are allowed."
    )


def ingress_reason(workspace: dict[str, Any], value: str) -> str:
    """Explain the endpoint's public access flag in this workspace."""
    if value == "enabled":
        closed = str(workspace.get("public_network_access", "")).lower() == "disabled"
        return "Anyone on the internet with a key can call the endpoint" + (
            ", although the workspace itself is closed." if closed else "."
        )
    name = workspace.get("name", "the workspace")
    return f"Only callers inside the virtual network can call it, through the private endpoint (address) of {name}."


def refused_egress(workspace: dict[str, Any], store: Store) -> dict[str, str]:
    """Return the egress values ruled out by the workspace, the model or the existing deployment, with the reasons."""
    refused = {}
    fixed, value = required_egress(workspace)
    if fixed:
        reason = egress_reason(workspace)
        refused = {choice: reason for choice in ("", "enabled", "disabled") if choice != (value or "")}
    if workspace.get("isolation") == "managed_network":
        return refused
    if without_code(store.value):
        refused.setdefault(
            "disabled",
            "Azure refuses disabled egress for an MLflow model without a scoring script, which downloads its packages "
            "from public networks.",
        )
    before = str(existing_deployment(store).get("egress_public_network_access") or "").lower()
    if before:
        for choice in ("", "enabled", "disabled"):
            if (choice or "enabled") != before:
                refused.setdefault(
                    choice,
                    f"The deployment {store.value('deployment.name')} exists with {before}, and this flag cannot "
                    "be changed. Choose another deployment name, for example green.",
                )
    return refused


def without_code(value: Callable[[str], Any]) -> bool:
    """Whether the model is deployed without code, so that Azure provides the scoring script; `value` reads the plan."""
    return value("deployment.model.type") == "mlflow_model" and not value("deployment.code_configuration.code")


def illegal(workspace: dict[str, Any], store: Store) -> list[str]:
    """Return what is wrong with the combination of flags, as sentences; empty if Azure accepts it."""
    refused = refused_egress(workspace, store)
    found = []
    if len(refused) == 3:
        if without_code(store.value):
            found.append(
                "No value of the egress flag is allowed: this workspace needs egress disabled, and Azure refuses that "
                "for an MLflow model without a scoring script. Use custom_model with a scoring script and a conda "
                "file, or a workspace with a managed virtual network."
            )
        else:
            found.append("No value of the egress flag is allowed here: " + next(iter(refused.values())))
    else:
        value = str(store.value(EGRESS) or "")
        if value in refused:
            found.append(f"Egress {value or 'not set'} is not allowed: {refused[value]}")
    if workspace.get("v1_legacy_mode"):
        found.append(
            "The workspace has v1_legacy_mode enabled, and Azure then refuses managed online endpoints. A workspace "
            "owner can disable it."
        )
    return found


def apply(store: Store, workspace: dict[str, Any]) -> list[str]:
    """Set the flags that the workspace dictates; return the changes, as sentences."""
    fixed, value = required_egress(workspace)
    before = store.value(EGRESS)
    if not fixed or before == value:
        return []
    store.put(EGRESS, value, SOURCE)
    if value is None:
        return [f"The egress flag ({before}) was removed from the plan."]
    return [f"The egress flag was set to {value}."]
