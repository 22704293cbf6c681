"""How `MLClient` is set up: our transport, no telemetry, no progress bars, the cloud as we know it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

from tui import __version__
from tui.cloud.clouds import CloudMetadata
from tui.cloud.http.arm import ResourceManager
from tui.cloud.http.sdk_import import import_sdk
from tui.plan.model import Workspace

if TYPE_CHECKING:
    from azure.ai.ml import MLClient

TOKEN_SECONDS = 60.0
"""How long a token is used again. Each of the SDK's twenty clients asks for one, and the Azure CLI takes a second."""


class _SharedToken:
    """A credential whose tokens are used by several clients."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[float, Any]] = {}

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> Any:
        """As azure-core's TokenCredential has it; a challenge's `claims` are always asked for anew."""
        with self._lock:
            since, token = self._known.get(scopes, (-TOKEN_SECONDS, None))
            if claims or time.monotonic() - since >= TOKEN_SECONDS:
                token = self._credential.get_token(*scopes, **({"claims": claims} if claims else {}), **options)
                self._known[scopes] = (time.monotonic(), token)
            return token

    def forget(self) -> None:
        """Ask for new tokens from now on."""
        with self._lock:
            self._known.clear()


def connect(workspace: Workspace, metadata: CloudMetadata, credential: Any, arm: ResourceManager) -> MLClient:
    """A client for a workspace that sends over the connections of `arm`, and nothing yet.

    Takes 0.2 s, and the SDK's import the first time.
    """
    from tui.cloud.http.sdk_transport import SdkTransport

    import_sdk()
    from azure.ai.ml import MLClient

    token = _SharedToken(credential)
    return MLClient(
        token,
        workspace.subscription_id,
        workspace.resource_group,
        workspace.name,
        **_cloud(metadata),
        transport=SdkTransport(arm, workspace.id, token.forget),
        retry_total=0,  # the transport tries again
        user_agent=f"aml-deploy/{__version__}",  # the SDK adds its own
        enable_telemetry=False,  # a closed network must not wait for it
        show_progress=False,
    )


class _NotAsked:
    """Stands for the host of the discovery of registries.

    About a deployment's model in a registry the SDK asks that host ten times, for minutes, to write a line into its log
    (azure-ai-ml 1.35, check_default_deployment_template); a closed network must not wait for it.
    """

    def __str__(self) -> str:
        raise LookupError("Registries are not asked.")


def _cloud(metadata: CloudMetadata) -> dict[str, Any]:
    """The SDK's arguments for a cloud; without them it reads the metadata of one that is not built in by itself."""
    return {
        # The SDK keeps clouds by name for the life of a process, and a rehearsal has another port each time.
        "cloud": f"{metadata.name} {metadata.resource_manager}",
        "cloud_metadata": {
            "azure_portal": metadata.portal,
            "resource_manager": metadata.resource_manager,
            "active_directory": metadata.login,
            "aml_resource_id": metadata.ml_resource,
            "storage_endpoint": metadata.storage_suffix,
            "registry_discovery_endpoint": _NotAsked(),
        },
    }
