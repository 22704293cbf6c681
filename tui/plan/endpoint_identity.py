"""The identity that an endpoint has towards other services of Azure."""

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
    """`type` is system_assigned or user_assigned; a user-assigned one is named by its Resource Manager id."""

    type: str = "system_assigned"
    user_assigned_identities: tuple[str, ...] = ()


def listed(value: Any) -> list[str] | None:
    """The ids of `user_assigned_identities`, whose items are ids or maps with `resource_id`; None for neither.

    The reference shows ids (Microsoft, reference-yaml-endpoint-online), the loader of azure-ai-ml 1.35 takes maps.
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
    """One Resource Manager id of a user-assigned identity."""
    ids = listed(value)
    if ids is None:
        return "A list of identities is expected, each written as its resource id or as `resource_id: …`."
    if len(ids) != 1:
        return (
            f"{len(ids)} identities are named; az ml and Azure's SDK take exactly one user-assigned identity for an "
            "endpoint."
        )
    if "${" in ids[0] or _RESOURCE.match(ids[0]):
        return None
    return f"{ids[0]} is not the resource id of a user-assigned identity; it looks like {_FORM}."
