"""The managed identity that an endpoint uses to access other Azure services."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

TYPES = ("system_assigned", "user_assigned")
_RESOURCE = re.compile(
    r"^/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.ManagedIdentity"
    r"/userAssignedIdentities/[A-Za-z0-9][A-Za-z0-9_-]{2,127}$",
    re.IGNORECASE,
)
_FORM = (
    "/subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/Microsoft.ManagedIdentity/userAssignedIdentities/NAME"
)


@dataclass(frozen=True)
class Identity:
    """An endpoint's identity: `type` is system_assigned or user_assigned, the latter with its Resource Manager ids."""

    type: str = "system_assigned"
    user_assigned_identities: tuple[str, ...] = ()


def listed(value: Any) -> list[str] | None:
    """The ids in `user_assigned_identities`, whose items are ids or maps with `resource_id`; None for anything else.

    Microsoft's reference-yaml-endpoint-online shows ids; the loader of azure-ai-ml 1.35 accepts maps.
    """
    if isinstance(value, str):
        value = [part for part in re.split(r"[,\s]+", value) if part]
    if not isinstance(value, (list, tuple)):
        return None
    found = []
    for item in value:
        if isinstance(item, dict):
            item = item.get("resource_id") if set(item) <= {"resource_id", "client_id", "principal_id"} else None
        if not isinstance(item, str):
            return None
        found.append(item.strip())
    return found


def rule(value: Any) -> str | None:
    """A field rule: exactly one Resource Manager id of a user-assigned identity."""
    ids = listed(value)
    if ids is None:
        return "Expected a list of identities, each as a resource id or as `resource_id: …`."
    if len(ids) != 1:
        return (
            f"There are {len(ids)} identities; az ml and Azure's SDK accept exactly one user-assigned identity per "
            "endpoint."
        )
    if "${" in ids[0] or _RESOURCE.match(ids[0]):
        return None
    return f"{ids[0]} is not the resource id of a user-assigned identity. Expected: {_FORM}."
