"""Sets up `MLClient`: with our transport and cloud metadata, without telemetry and progress bars."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tui import __version__
from tui.cloud.auth.shared_token import SharedToken
from tui.cloud.clouds import CloudMetadata
from tui.cloud.http.arm import ResourceManager
from tui.cloud.http.sdk_import import import_sdk
from tui.plan.model import Workspace

if TYPE_CHECKING:
    from azure.ai.ml import MLClient


def connect(workspace: Workspace, metadata: CloudMetadata, credential: SharedToken, arm: ResourceManager) -> MLClient:
    """A client for a workspace that uses the connections of `arm`; sends nothing yet.

    Takes 0.2 s, plus the SDK's import the first time.
    """
    from tui.cloud.http.sdk_transport import SdkTransport

    import_sdk()
    from azure.ai.ml import MLClient

    return MLClient(
        credential,
        workspace.subscription_id,
        workspace.resource_group,
        workspace.name,
        **_cloud(metadata),
        transport=SdkTransport(arm, workspace.id),
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
