"""What a workspace's network isolation means for the two network flags of a plan.

The rules are those of Microsoft's concept-secure-online-endpoint and how-to-secure-online-endpoint.
"""

from __future__ import annotations

from typing import Any

from tui.app.state.store import Store

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
            f"{name} has a managed virtual network: its outbound rules decide what a deployment may reach (its "
            "egress), and Azure ignores this flag."
        )
    if isolation == "legacy":
        return (
            f"{name} is closed to public networks and has no managed virtual network: only with closed egress does the "
            "deployment reach it, its storage and its registry, by private endpoints of its own."
        )
    return f"Egress is what the deployment itself may reach. {name} is open to public networks: both are possible."


def ingress_reason(workspace: dict[str, Any], value: str) -> str:
    """What the endpoint's flag means in this workspace."""
    if value == "enabled":
        closed = str(workspace.get("public_network_access", "")).lower() == "disabled"
        return "Anyone on the internet with a key can call the endpoint" + (
            ", although the workspace itself is closed." if closed else "."
        )
    name = workspace.get("name", "the workspace")
    return f"Only callers inside the virtual network get an answer, through the private endpoint (address) of {name}."


def refused_egress(workspace: dict[str, Any], store: Store) -> dict[str, str]:
    """The values of the egress flag that the workspace, the plan's model and the deployment that exists rule out,
    each with the reason in a sentence."""
    refused = {}
    fixed, value = required_egress(workspace)
    if fixed:
        reason = egress_reason(workspace)
        refused = {choice: reason for choice in ("", "enabled", "disabled") if choice != (value or "")}
    if workspace.get("isolation") == "managed_network":
        return refused
    if without_code(store):
        refused.setdefault(
            "disabled",
            "Azure refuses closed egress for an MLflow model without a scoring script, which fetches its packages "
            "from public networks.",
        )
    before = str(store.existing_deployment().get("egress_public_network_access") or "").lower()
    if before:
        for choice in ("", "enabled", "disabled"):
            if (choice or "enabled") != before:
                refused.setdefault(
                    choice,
                    f"The deployment {store.value('deployment.name')} exists with {before}, and Azure does not change "
                    "this flag. Choose another deployment name, for example green.",
                )
    return refused


def without_code(store: Store) -> bool:
    """Whether Azure is to make the scoring script itself."""
    code = store.value("deployment.code_configuration.code")
    return store.value("deployment.model.type") == "mlflow_model" and not code


def illegal(workspace: dict[str, Any], store: Store) -> list[str]:
    """What is wrong with the flags as they stand together, in sentences; empty where Azure would take them."""
    refused = refused_egress(workspace, store)
    found = []
    if len(refused) == 3:
        if without_code(store):
            found.append(
                "No value of the egress flag is possible: this workspace needs closed egress, and Azure refuses that "
                "for an MLflow model without a scoring script. Use custom_model with a scoring script and a conda "
                "file, or a workspace with a managed virtual network."
            )
        else:
            found.append("No value of the egress flag is possible here: " + next(iter(refused.values())))
    else:
        value = str(store.value(EGRESS) or "")
        if value in refused:
            found.append(f"Egress {value or 'not set'} is not possible: {refused[value]}")
    if workspace.get("v1_legacy_mode"):
        found.append(
            "The workspace has v1_legacy_mode on, under which Azure refuses managed online endpoints. An owner of the "
            "workspace can turn it off."
        )
    return found


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
