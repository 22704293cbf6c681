"""The workspaces of the rehearsal: built-in ones, and those added by clients."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import Any

from tui.rehearsal.arm.errors import ArmError, resource_not_found
from tui.rehearsal.arm.resource_paths import PROVIDER, REGION_NAME
from tui.rehearsal.client_environment import RESOURCE_GROUP, WORKSPACES
from tui.rehearsal.files import Watched, read_json
from tui.rehearsal.places import Home
from tui.rehearsal.seed import SUBSCRIPTION_ID, Seed

REGISTRY = "registry"


@dataclass(frozen=True)
class Workspace:
    """One workspace of the rehearsal."""

    subscription_id: str
    resource_group: str
    name: str
    isolation: str
    guid: str
    datastore: str = "sas"
    provisioned: bool = True
    location: str = REGION_NAME

    @property
    def id(self) -> str:
        """The resource id; of a registry, the beginning of its assets' ids, as a deployment names them."""
        if self.isolation == REGISTRY:
            return f"azureml://registries/{self.name}"
        return (
            f"/subscriptions/{self.subscription_id}/resourceGroups/{self.resource_group}/providers/{PROVIDER}"
            f"/workspaces/{self.name}"
        )

    @property
    def has_managed_network(self) -> bool:
        """Whether the workspace has a managed virtual network."""
        return self.isolation == "managed"

    @property
    def is_public(self) -> bool:
        """Whether the workspace can be reached over the public network."""
        return self.isolation == "public"

    @property
    def network_id(self) -> str:
        """The id under which the store records that the managed virtual network was provisioned."""
        return f"{self.id}/managedNetworks/default"

    @property
    def network_settings_id(self) -> str:
        """The id under which the store keeps the managed virtual network's isolation mode and outbound rules."""
        return f"{self.id}/managedNetworkSettings/default"

    @property
    def blob_container(self) -> str:
        """The container of the default datastore."""
        return f"azureml-blobstore-{self.guid}"


def registry(name: str) -> Workspace:
    """The shared registry of this name, which always exists; it holds assets, and has nothing else of a workspace."""
    return Workspace("", "", name, REGISTRY, "")


class Workspaces:
    """The built-in workspaces and those added by clients."""

    def __init__(self, home: Home, seed: Seed) -> None:
        self._folder = home.workspaces
        self._seed = seed
        self._known = Watched(self._folder, self._read)
        self._built_in = [
            self._make(SUBSCRIPTION_ID, RESOURCE_GROUP, name, isolation) for isolation, name in WORKSPACES.items()
        ]

    def _make(self, subscription: str, group: str, name: str, isolation: str, **more: Any) -> Workspace:
        guid = self._seed.guid("workspace", subscription.lower(), group.lower(), name.lower())
        return Workspace(subscription, group, name, isolation, guid, **more)

    def _read(self) -> dict[tuple[str, str, str], Workspace]:
        found = []
        for path in sorted(self._folder.glob("*.json")):
            content = read_json(path)
            with contextlib.suppress(KeyError, TypeError):
                workspace = self._make(
                    *(str(content[key]) for key in ("subscription_id", "resource_group", "name", "isolation")),
                    datastore=str(content.get("datastore", "sas")),
                    provisioned=bool(content.get("provisioned", True)),
                )
                found.append(workspace)
        return {
            _key(workspace.subscription_id, workspace.resource_group, workspace.name): workspace
            for workspace in (*found, *self._built_in)
        }

    def all(self) -> list[Workspace]:
        """All workspaces."""
        return list(self._known.now.values())

    def find(self, subscription: str, group: str, name: str) -> Workspace:
        """Find a workspace. Raises ArmError 404 with Resource Manager's message for what is missing."""
        workspace: Workspace | None = self._known.now.get(_key(subscription, group, name))
        if workspace is not None:
            return workspace
        self.require_group(subscription, group)
        raise resource_not_found(f"{PROVIDER}/workspaces", name, group)

    def of(self, resource_id: str) -> Workspace:
        """The workspace that a resource is in. Raises ArmError 404."""
        parts = resource_id.split("/")
        return self.find(parts[2], parts[4], parts[8])

    def require_subscription(self, subscription: str) -> None:
        """Raise ArmError 404 if no workspace is in this subscription."""
        if not any(known.subscription_id.lower() == subscription.lower() for known in self.all()):
            raise ArmError(404, "SubscriptionNotFound", f"The subscription '{subscription}' could not be found.")

    def require_group(self, subscription: str, group: str) -> None:
        """Raise ArmError 404 if subscription or group are unknown."""
        self.require_subscription(subscription)
        if not any(
            _key(subscription, group, "")[:2] == _key(known.subscription_id, known.resource_group, "")[:2]
            for known in self.all()
        ):
            raise ArmError(404, "ResourceGroupNotFound", f"Resource group '{group}' could not be found.")


def _key(subscription: str, group: str, name: str) -> tuple[str, str, str]:
    return subscription.lower(), group.lower(), name.lower()
