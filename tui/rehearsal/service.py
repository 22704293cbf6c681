"""The state that the parts of a running rehearsal share."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from aiohttp import web

from tui.rehearsal.arm.added_assets import AddedAssets
from tui.rehearsal.arm.operations import Operations
from tui.rehearsal.arm.read_limits import ReadLimits
from tui.rehearsal.arm.rights import ActiveRights
from tui.rehearsal.arm.workspaces import Workspaces
from tui.rehearsal.blobs.store import BlobStore
from tui.rehearsal.container_engine.finder import EngineFinder
from tui.rehearsal.entra.tokens import TokenSigner
from tui.rehearsal.pace import Pace
from tui.rehearsal.places import Home
from tui.rehearsal.scenarios.scenarios import Active
from tui.rehearsal.seed import Seed
from tui.rehearsal.serving.front_end import ScoringEndpoint
from tui.rehearsal.serving.replicas import ReplicaSet
from tui.rehearsal.store import Resource, Store


class Containers(Protocol):
    """The interface of `tui.rehearsal.serving.running_deployments` for the rest of the rehearsal."""

    async def provision(self, resource_id: str) -> dict[str, str]:
        """Create or change a deployment."""

    async def scale(self, resource_id: str) -> None:
        """Give a deployment as many instances as it should have."""

    def instances(self, resource_id: str) -> ReplicaSet | None:
        """The instances of a deployment, if they were started."""

    def log_text(self, deployment: Resource, container: str, tail: int) -> str:
        """The content of getLogs."""

    def scoring_endpoint(self, endpoint: Resource) -> ScoringEndpoint:
        """The front end's view of an endpoint."""

    async def remove(self, resource_id: str) -> None:
        """End a deployment."""

    async def remove_below(self, endpoint_id: str) -> None:
        """End all deployments of an endpoint."""

    async def stop(self) -> None:
        """End all deployments."""


@dataclass
class Service:
    """One rehearsal: origin, store, identity, and running deployments."""

    home: Home
    origin: str
    store: Store
    seed: Seed
    signer: TokenSigner
    operations: Operations
    workspaces: Workspaces
    blobs: BlobStore
    scenarios: Active
    pace: Pace
    rights: ActiveRights
    added: AddedAssets
    engine: EngineFinder
    scoring_python: Path | None = None
    identity_variables: dict[str, str] = field(default_factory=dict)
    running_deployments: Containers = field(init=False)
    last_request: float = field(default_factory=time.monotonic)
    open_requests: int = 0
    read_limits: ReadLimits = field(default_factory=ReadLimits)

    @property
    def authority(self) -> str:
        """Host and port, `127.0.0.1:PORT`."""
        return self.origin.split("//", 1)[1]

    @property
    def storage_account(self) -> str:
        """The storage account's name in a datastore, from which the SDK composes a path-style URL."""
        if "storage-host-unresolved" in self.scenarios:
            return "closed.invalid/rehearsal"  # RFC 2606: a name that does not resolve
        return f"{self.authority}/rehearsal"

    @property
    def blob_origin(self) -> str:
        """The blob endpoint of the storage account."""
        return f"{self.origin}/rehearsal.blob.core.windows.net"

    def at_home(self, url: str) -> str:
        """A blob URL of an earlier run, with the current port."""
        marker = "/rehearsal.blob.core.windows.net"
        position = url.find(marker)
        if url.startswith("https://127.0.0.1:") and position >= 0:
            return self.blob_origin + url[position + len(marker) :]
        return url


SERVICE: web.AppKey[Service] = web.AppKey("service", Service)


async def content_up_to(most: int, request: web.Request) -> bytes | None:
    """The body of a request; None if it is larger than `most` bytes, and then not read completely."""
    if (request.content_length or 0) > most:
        return None
    content = b""
    async for chunk in request.content.iter_any():
        content += chunk
        if len(content) > most:
            return None
    return content
