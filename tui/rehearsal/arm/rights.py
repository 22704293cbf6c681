"""Permissions of the rehearsal's identities: roles that can be removed, to rehearse missing roles.

Roles as in Microsoft's list of built-in roles (AzureML Data Scientist, Reader, Contributor, Storage Blob Data Reader
and Contributor), and a custom one: less than Contributor, no built-in role sets autoscale rules. Standard library only.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace

from tui.rehearsal.files import Watched, read_json, replace_json
from tui.rehearsal.places import Home
from tui.rehearsal.process import UsageError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_SERVICE = "Microsoft.MachineLearningServices"


@dataclass(frozen=True)
class Role:
    """A role of Azure: its display name, allowed actions, and excluded actions."""

    title: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()


ROLES = {
    "reader": Role("Reader", ("*/read",)),
    "data-scientist": Role(
        "AzureML Data Scientist",
        tuple(f"{_SERVICE}/workspaces/*/{verb}" for verb in ("read", "action", "delete", "write")),
        (
            f"{_SERVICE}/workspaces/delete",
            f"{_SERVICE}/workspaces/write",
            f"{_SERVICE}/workspaces/computes/*/write",
            f"{_SERVICE}/workspaces/computes/*/delete",
            f"{_SERVICE}/workspaces/computes/listKeys/action",
            f"{_SERVICE}/workspaces/listKeys/action",
        ),
    ),
    "autoscale": Role("Autoscale Operator", ("Microsoft.Insights/autoscaleSettings/*",)),
    "contributor": Role(
        "Contributor",
        ("*",),
        (
            "Microsoft.Authorization/*/Delete",
            "Microsoft.Authorization/*/Write",
            "Microsoft.Authorization/elevateAccess/Action",
        ),
    ),
}
# The permission letters of a shared access signature for each data role.
STORAGE_ROLES = {"none": "", "reader": "rl", "contributor": "racwdl"}
IDENTITIES = ("managed identity", "service principal")


@dataclass(frozen=True)
class Rights:
    """The permissions of one identity: roles, single denied actions, and its role on the storage account."""

    roles: tuple[str, ...] = ("reader", "data-scientist", "autoscale")
    denied: tuple[str, ...] = ()
    storage: str = "contributor"

    def allow(self, action: str) -> bool:
        """Whether an action such as `Microsoft.MachineLearningServices/workspaces/read` is allowed."""
        return not any(_matches(pattern, action) for pattern in self.denied) and any(
            any(_matches(pattern, action) for pattern in ROLES[role].actions)
            and not any(_matches(pattern, action) for pattern in ROLES[role].not_actions)
            for role in self.roles
        )

    def permissions(self) -> list[dict[str, Any]]:
        """The response of the permissions API: one object for each role."""
        return [
            {
                "actions": list(ROLES[role].actions),
                "notActions": [*ROLES[role].not_actions, *self.denied],
                "dataActions": [],
                "notDataActions": [],
            }
            for role in self.roles
        ]


@functools.lru_cache(maxsize=1024)
def _pattern(pattern: str) -> re.Pattern[str]:
    # `workspaces/*/read` covers `workspaces/read` too: its holders can read the workspace itself.
    text = fnmatch.translate(pattern.lower().replace("/*/", "/\x00/")).replace("/\x00/", "/(?:.*/)?")
    return re.compile(text)


def _matches(pattern: str, action: str) -> bool:
    return _pattern(pattern).match(action.lower()) is not None


def action_of(method: str, path: str) -> str:
    """The action that a request needs; `path` with its `{names}`, as in the route.

    A `POST` needs the action that its last segment names.
    """
    parts = [part for part in path.strip("/").split("/") if part]
    provider = "Microsoft.Resources"
    # The last provider is used: permissions are read below a workspace, at another provider.
    for index in range(len(parts) - 2, -1, -1):
        if parts[index].lower() == "providers" and not parts[index + 1].startswith("{"):
            provider, parts = parts[index + 1], parts[index + 2 :]
            break
    names = "/".join(part for part in parts if not part.startswith("{"))
    verb = {"GET": "read", "HEAD": "read", "PUT": "write", "PATCH": "write", "DELETE": "delete"}.get(method, "action")
    return f"{provider}/{names}/{verb}"


def _read(home: Home) -> dict[str, Rights]:
    found = {name: Rights() for name in IDENTITIES}
    content = read_json(home.rights_file)
    with contextlib.suppress(TypeError, KeyError):
        for name in found.keys() & content:
            kept = content[name]
            found[name] = Rights(tuple(kept["roles"]), tuple(kept["denied"]), str(kept["storage"]))
    return found


def change(
    home: Home,
    identities: Iterable[str] = IDENTITIES,
    *,
    roles: Sequence[str] | None = None,
    denied: Sequence[str] | None = None,
    storage: str | None = None,
    reset: bool = False,
) -> dict[str, Rights]:
    """Change the permissions of these identities, also in a running rehearsal; return all permissions.

    `roles` may be `["none"]`. Raises UsageError for an unknown name, and OSError.
    """
    for role in roles or ():
        if role not in ROLES and role != "none":
            raise UsageError(f"There is no role '{role}'. Roles: {', '.join(ROLES)}, none.")
    if roles and "none" in roles and len(roles) > 1:
        raise UsageError("The role none cannot be combined with another one.")
    if storage is not None and storage not in STORAGE_ROLES:
        raise UsageError(f"There is no storage role '{storage}'. Storage roles: {', '.join(STORAGE_ROLES)}.")
    for action in denied or ():
        if not re.fullmatch(r"[\w.*]+(?:/[\w.*]+)+", action):
            raise UsageError(
                f"'{action}' is not an action. Write actions like "
                "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/write."
            )
    given: dict[str, Any] = {
        "roles": None if roles is None else tuple(role for role in roles if role != "none"),
        "denied": None if denied is None else tuple(denied),
        "storage": storage,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    found = _read(home)
    for name in identities:
        found[name] = replace(Rights() if reset else found[name], **changes)
    replace_json(home.rights_file, {name: asdict(rights) for name, rights in found.items()})
    return found


def forget(home: Home) -> None:
    """Restore the permissions that both identities have at the start. Raises OSError."""
    home.rights_file.unlink(missing_ok=True)


class ActiveRights:
    """The current permissions of the identities, read again after a change."""

    def __init__(self, home: Home) -> None:
        self._rights = Watched(home.rights_file, lambda: _read(home))

    def of(self, claims: Any) -> Rights:
        """The permissions of the identity in a token's claims (`appidacr` 2 is a managed identity)."""
        found: Rights = self._rights.now[IDENTITIES[0] if str(claims.get("appidacr")) == "2" else IDENTITIES[1]]
        return found
