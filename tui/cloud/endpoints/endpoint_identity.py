"""Reads an endpoint's user-assigned identity and its permissions on other resources."""

from __future__ import annotations

from dataclasses import dataclass

from tui.cloud.auth.permissions import AUTHORIZATION, Permission, entry
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud

IDENTITIES = "2023-01-31"
MISSING = "IdentityMissing"
_GONE = ("ResourceNotFound", "ResourceGroupNotFound", "SubscriptionNotFound")
"""Resource Manager's codes for a resource that does not exist; other 404s mean that the API is unsupported."""


@dataclass(frozen=True)
class UserIdentity:
    """A user-assigned identity: its resource id, and its object id in Microsoft Entra ID."""

    id: str
    object_id: str


def read(cloud: Cloud, resource: str) -> UserIdentity:
    """The identity with that resource id. Raises CloudError, with the code `IdentityMissing` if there is none."""
    name = resource.rpartition("/")[2]
    try:
        body = cloud.arm.call("GET", resource, IDENTITIES, doing=f"reading the identity {name}").body
    except CloudError as error:
        if error.status == 404 and error.code in _GONE:
            raise CloudError(
                title=f"There is no user-assigned identity {name}",
                cause=f"{resource} does not exist.",
                remedy="Correct the resource id, or create the identity.",
                code=MISSING,
                status=404,
            ) from None
        raise
    properties = (body.get("properties") if isinstance(body, dict) else None) or {}
    return UserIdentity(resource, str(properties.get("principalId") or ""))


def held(cloud: Cloud, scope: str, object_id: str) -> list[Permission]:
    """A principal's permissions at a scope: from roles assigned there or above, to it or to a group that contains it.

    Raises CloudError. The filter is from Microsoft's role-assignments-list-rest.
    """
    path = f"{scope}/providers/Microsoft.Authorization/roleAssignments"
    asked = {"$filter": f"atScope() and assignedTo('{object_id}')"}
    doing = f"reading who has roles on {scope.rpartition('/')[2]}"
    listed = list(cloud.arm.items(path, AUTHORIZATION, query=asked, doing=doing))
    roles = {str((item.get("properties") or {}).get("roleDefinitionId") or "") for item in listed}
    found: list[Permission] = []
    for role in sorted(roles - {""}):
        body = cloud.arm.call("GET", role, AUTHORIZATION, doing="reading what a role gives").body
        properties = (body.get("properties") if isinstance(body, dict) else None) or {}
        found.extend(map(entry, properties.get("permissions") or []))
    return found
