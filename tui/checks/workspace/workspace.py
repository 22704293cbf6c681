"""Check that the workspace exists and endpoints can be created in it."""

from __future__ import annotations

from tui.checks.finding import BLOCKER, OK, WARNING, Finding
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az

FIELD = "workspace.name"
_LEGACY = "https://learn.microsoft.com/azure/machine-learning/how-to-configure-network-isolation-with-v2"
_PATCHED = "2025-12-01"
"""A version of Resource Manager's API whose update of a workspace has v1LegacyMode (that of azure-ai-ml 1.35)."""


def group_of(resource: str) -> str:
    """The resource group in a resource id, for commands; GROUP if the id has none."""
    parts = resource.split("/")
    return parts[4] if len(parts) > 5 else "GROUP"


def az_workspace(verb: str, info: WorkspaceInfo, /, **options: str) -> str:
    """A command of `az ml workspace` for a workspace: none of them does without its name and resource group."""
    return az(f"ml workspace {verb}", name=info.name, resource_group=group_of(info.id), **options)


def there(info: WorkspaceInfo) -> Finding:
    """Report the workspace that was read, and whether it is being changed."""
    state = (info.provisioning_state or "Succeeded").lower()
    if state != "succeeded":
        return Finding(
            "workspace",
            WARNING,
            FIELD,
            f"The workspace {info.name} is in the state {info.provisioning_state}.",
            "Wait until it is ready, or check it in the portal.",
            looked_at=info.id,
        )
    return Finding("workspace", OK, FIELD, f"{info.name} in {info.location}. {info.explain}", looked_at=info.id)


def version_two(info: WorkspaceInfo) -> list[Finding]:
    """Block `v1_legacy_mode`, which disables the API that managed endpoints need (Microsoft, troubleshooting)."""
    if not info.v1_legacy_mode:
        return []
    return [
        Finding(
            "v1-legacy-mode",
            BLOCKER,
            FIELD,
            f"The workspace {info.name} is in v1 legacy mode, so its endpoints can be neither created nor changed.",
            (
                "Ask the administrator of the workspace's network to turn it off; it may have been turned on for a "
                "reason."
            ),
            _LEGACY,
            info.id,
            # `az ml workspace update` cannot: its --set changes nothing but tags.
            (az("resource patch", ids=info.id, api_version=_PATCHED, properties='{"v1LegacyMode": false}'),),
            cause="v1_legacy_mode is true, which disables the v2 API.",
            evidence=(f"{info.name}: v1LegacyMode true",),
        )
    ]
