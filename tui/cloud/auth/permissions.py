"""Reads what an identity may do from Azure's permissions API."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tui.cloud.session import Cloud

AUTHORIZATION = "2022-04-01"
PROVIDERS = "2021-04-01"


@dataclass(frozen=True)
class Permission:
    """One entry of the permissions API: the actions that a role allows and excludes, with Azure's wildcards."""

    actions: tuple[str, ...] = ()
    not_actions: tuple[str, ...] = ()
    data_actions: tuple[str, ...] = ()
    not_data_actions: tuple[str, ...] = ()

    def allows(self, action: str, data: bool = False) -> bool:
        """Whether this entry allows an action, or a data action."""
        given = self.data_actions if data else self.actions
        taken = self.not_data_actions if data else self.not_actions
        return any(_matches(pattern, action) for pattern in given) and not any(_matches(p, action) for p in taken)


def granted(cloud: Cloud, scope: str) -> list[Permission]:
    """The permissions of the signed-in identity at a scope. Raises CloudError."""
    path = f"{scope}/providers/Microsoft.Authorization/permissions"
    listed = cloud.arm.items(path, AUTHORIZATION, doing="reading what this identity may do")
    return list(map(entry, listed))


def entry(told: Mapping[str, Any]) -> Permission:
    """A Permission from JSON of the permissions API or of a role definition."""
    names = ("actions", "notActions", "dataActions", "notDataActions")
    return Permission(*(tuple(map(str, told.get(name) or ())) for name in names))


def missing(permissions: Sequence[Permission], actions: Sequence[str], data: bool = False) -> list[str]:
    """The actions that no entry allows, in the given order."""
    return [action for action in actions if not any(one.allows(action, data) for one in permissions)]


def registration(cloud: Cloud, provider: str) -> str | None:
    """Registered, Registering, NotRegistered or Unregistered; None if not reported. Raises CloudError."""
    path = f"/subscriptions/{cloud.plan.workspace.subscription_id}/providers/{provider}"
    body = cloud.arm.find(path, PROVIDERS, doing=f"reading the resource provider {provider}")
    return str(body["registrationState"]) if body and body.get("registrationState") else None


@functools.lru_cache(maxsize=512)
def _pattern(pattern: str) -> re.Pattern[str]:
    text = re.escape(pattern.lower()).replace(r"\*", ".*")
    # AzureML Data Scientist reads the workspace itself by `workspaces/*/read`, so a wildcard may match nothing.
    return re.compile(text.replace("/.*/", "/(?:.*/)?"))


def _matches(pattern: str, action: str) -> bool:
    return _pattern(pattern).fullmatch(action.lower()) is not None
