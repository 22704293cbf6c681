"""Finds the role that allows a missing action, also from the message of a refusal.

Actions and roles are from Microsoft's list of built-in roles (AzureML Data Scientist, Reader, Contributor, Storage
Blob Data Contributor, AcrPull, Managed Identity Operator). Monitoring Contributor has no right to autoscale settings.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.common.az_command import az

_REFUSED = re.compile(
    r"The client '(?P<client>[^']*)'(?: with object id '(?P<oid>[^']*)')? does not have authorization to perform "
    r"action '(?P<action>[^']+)'(?: over scope '(?P<scope>[^']+)')?"
)


@dataclass(frozen=True)
class Request:
    """A role to ask for: its name, the scope (a resource id), and the action that it allows."""

    role: str
    scope: str
    action: str
    object_id: str | None = None
    kind: str = ""

    @property
    def sentence(self) -> str:
        """The request to an administrator, as a sentence."""
        name = self.scope.rstrip("/").rpartition("/")[2] or self.scope
        return f"Ask for the role {self.role} on {name}, which allows {self.action}; it takes a few minutes to apply."

    @property
    def command(self) -> str:
        """The command for an administrator who can assign roles at that scope."""
        return az(
            "role assignment create",
            assignee_object_id=self.object_id or "OBJECT_ID",
            assignee_principal_type="User" if self.kind == "user" else "ServicePrincipal",
            role=self.role,
            scope=self.scope,
        )

    @property
    def verify(self) -> str:
        """The command that verifies the assignment."""
        who = self.object_id or "OBJECT_ID"
        return az("role assignment list", assignee=who, scope=self.scope, output="table")


def request_for(action: str, scope: str, object_id: str | None = None, kind: str = "") -> Request:
    """The least privileged role that allows an action, and the scope at which it is usually assigned."""
    role, at = _role(action.lower(), scope)
    return Request(role, at, action, object_id, kind)


def refused(message: str, kind: str = "") -> Request | None:
    """The role to ask for, from the message of an AuthorizationFailed; None if it does not name the action."""
    found = _REFUSED.search(message)
    if found is None:
        return None
    return request_for(found["action"], found["scope"] or "SCOPE", found["oid"] or None, kind)


# Start of an action in lower case, what else it contains -> the role, and the kind of resource to assign it on.
_ROLES = (
    ("microsoft.machinelearningservices/workspaces/computes/", "", "AzureML Compute Operator", "/workspaces/"),
    ("microsoft.machinelearningservices/workspaces/write", "", "Contributor", "/workspaces/"),
    ("microsoft.machinelearningservices/workspaces/delete", "", "Contributor", "/workspaces/"),
    ("microsoft.machinelearningservices/workspaces", "", "AzureML Data Scientist", "/workspaces/"),
    ("microsoft.storage/", "/blobs/read", "Storage Blob Data Reader", "/storageAccounts/"),
    ("microsoft.storage/", "/blobs/", "Storage Blob Data Contributor", "/storageAccounts/"),
    ("microsoft.containerregistry/", "/pull/", "AcrPull", "/registries/"),
    ("microsoft.managedidentity/", "/assign/", "Managed Identity Operator", ""),
    ("microsoft.insights/autoscalesettings/", "/read", "Reader", "/resourceGroups/"),
    ("microsoft.insights/autoscalesettings/", "", "Contributor", "/resourceGroups/"),
    ("microsoft.authorization/roleassignments/", "", "Role Based Access Control Administrator", ""),
)


def _role(action: str, scope: str) -> tuple[str, str]:
    for begins, holds, role, kind in _ROLES:
        if action.startswith(begins) and holds in action:
            return role, _cut(scope, kind) if kind else scope
    return ("Reader" if action.endswith("/read") else "Contributor"), scope


def _cut(scope: str, kind: str) -> str:
    """The id of the resource of a kind that contains a scope; the scope itself if there is none."""
    place = scope.lower().find(kind.lower())
    if place < 0:
        return scope
    end = scope.find("/", place + len(kind))
    return scope if end < 0 else scope[:end]
