"""Sets up `MLClient`: with our transport and cloud metadata, without telemetry and progress bars."""

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
"""How long a token is reused. Each of the SDK's twenty clients requests one, and the Azure CLI takes a second."""


class _SharedToken:
    """A credential that shares its tokens among several clients."""

    def __init__(self, credential: Any) -> None:
        self._credential = credential
        self._lock = threading.Lock()
        self._known: dict[tuple[str, ...], tuple[float, Any]] = {}

    def get_token(self, *scopes: str, claims: str | None = None, **options: Any) -> Any:
        """As in azure-core's TokenCredential; for the `claims` of a challenge, a new token is always requested."""
        with self._lock:
            since, token = self._known.get(scopes, (-TOKEN_SECONDS, None))
            if claims or time.monotonic() - since >= TOKEN_SECONDS:
                token = self._credential.get_token(*scopes, **({"claims": claims} if claims else {}), **options)
                self._known[scopes] = (time.monotonic(), token)
            return token

    def forget(self) -> None:
        """Discard the tokens, so that new ones are requested."""
        with self._lock:
            self._known.clear()


def connect(workspace: Workspace, metadata: CloudMetadata, credential: Any, arm: ResourceManager) -> MLClient:
    """A client for a workspace that uses the connections of `arm`; sends nothing yet.

    Takes 0.2 s, plus the SDK's import the first time.
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
        retry_total=0,  # the transport retries
        user_agent=f"aml-deploy/{__version__}",  # the SDK adds its own
        enable_telemetry=False,  # a closed network must not wait for it
        show_progress=False,
    )


class _NotAsked:
    """Replaces the host for the discovery of registries.

    For a model in a registry the SDK would call that host ten times, for minutes, to write a log line
    (azure-ai-ml 1.35, check_default_deployment_template); a closed network must not wait for that.
    """

    def __str__(self) -> str:
        raise LookupError("Registries are not called.")


def _cloud(metadata: CloudMetadata) -> dict[str, Any]:
    """The SDK's arguments for a cloud; without them it would read the metadata of a custom cloud itself."""
    return {
        # The SDK caches clouds by name for the life of a process, and a rehearsal's port differs each time.
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
