"""Makes the chosen scenarios happen. Codes and texts are Microsoft's where documentation or reports give them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tui.rehearsal.blob_answers import BlobError
from tui.rehearsal.errors import ArmError, additional_info
from tui.rehearsal.operations import OperationFailed
from tui.rehearsal.service import Service
from tui.rehearsal.workspaces import Workspace

# From how-to-troubleshoot-online-endpoints; the sentences are the article's, shortened.
_DEPLOYMENT_FAILURES = {
    "image-build": (
        "ImageBuildFailure",
        "Image build failed: failed to communicate with the workspace's container registry. The registry is in a "
        "virtual network and cannot be reached by the image build; set the workspace's image_build_compute to a "
        "compute cluster inside the network. "
        "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-imagebuildfailure",
    ),
    "out-of-capacity": (
        "OutOfQuota",
        "The specified VM size failed to provision due to a lack of Azure Machine Learning capacity in the region. "
        "Retry later or try deploying to a different region. "
        "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-outofquota",
    ),
    "storage-access": (
        "BadArgument",
        "Startup task failed due to authorization error: the endpoint's identity is not allowed to read the model in "
        "the workspace's storage account. It needs the role Storage Blob Data Reader there and AcrPull on the "
        "container registry. Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-badargument",
    ),
    "managed-network-not-ready": (
        "WorkspaceManagedNetworkNotReady",
        "The workspace managed network is enabled but has not been provisioned. Provision it before you create an "
        "online deployment.",
    ),
    "operation-canceled": (
        "OperationCanceled",
        "The operation was canceled by another operation that has a higher priority. Retry the operation.",
    ),
    "internal-error": ("InternalServerError", "An internal server error occurred. Please try again later."),
}


def disturb_deployment(service: Service, workspace: Workspace) -> None:
    """Ends a deployment's operation where a scenario says so. Raises OperationFailed."""
    for name, (code, message) in _DEPLOYMENT_FAILURES.items():
        if name == "managed-network-not-ready" and not workspace.has_managed_network:
            continue
        if name in service.scenarios:
            raise OperationFailed(code, message, additional=additional_info(workspace.location))


async def disturb_storage(service: Service, permissions: str) -> None:
    """Delays or refuses a request to storage. `permissions`: what it needs. Raises BlobError."""
    if "slow-storage" in service.scenarios:
        await asyncio.sleep(0.5)
    if "upload-forbidden" in service.scenarios and "w" in permissions:
        raise BlobError(
            403,
            "AuthorizationPermissionMismatch",
            "This request is not authorized to perform this operation using this permission.",
        )


def disturb_resource_manager(service: Service, request: web.Request, claims: Mapping[str, Any]) -> None:
    """Refuses a request to Resource Manager, or cuts it off. Raises ArmError."""
    scenarios = service.scenarios
    if scenarios.every("connection-reset", 10) and request.transport is not None:
        request.transport.abort()
    if scenarios.every("throttling", 3):
        raise ArmError(
            429,
            "TooManyRequests",
            "The request is being throttled as the limit has been reached for operation type. Retry after some time.",
            headers={"Retry-After": "1"},
        )
    path = request.path.lower()
    if "/mfeoperationsstatus/" in path and scenarios.every("server-errors", 3):
        raise ArmError(500, "InternalServerError", "Encountered internal server error. Please retry later.")
    writes_endpoint = request.method in ("PUT", "PATCH", "DELETE") and "/onlineendpoints/" in path
    if "signin-forbidden" in scenarios or ("endpoint-forbidden" in scenarios and writes_endpoint):
        action = "write" if request.method in ("PUT", "PATCH") else request.method.lower()
        kind = "Microsoft.MachineLearningServices/workspaces" + ("/onlineEndpoints" if writes_endpoint else "")
        raise ArmError(
            403,
            "AuthorizationFailed",
            f"The client '{claims.get('appid')}' with object id '{claims.get('oid')}' does not have authorization to "
            f"perform action '{kind}/{'read' if action == 'get' else action}' over scope '{request.path}' or the scope "
            "is invalid. If access was recently granted, please refresh your credentials.",
        )
