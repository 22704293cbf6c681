"""The data collector of a deployment: its data assets, and its members in Resource Manager's words.

az ml registers a data asset for each collection before it makes the deployment (azure-ai-ml 1.35,
OnlineDeploymentOperations); so the same requests are made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.cloud.session import Cloud
from tui.plan.data_collection import Collection, asset
from tui.plan.model import Plan

DATA = "2023-04-01-preview"
"""The version that azure-ai-ml 1.35 asks data assets for."""


def register(cloud: Cloud, plan: Plan) -> dict[str, Any] | None:
    """The body of the plan's data collector, with its data assets registered; None without one. Raises CloudError."""
    wanted = plan.deployment.data_collector
    if wanted is None:
        return None
    body: dict[str, Any] = {
        "collections": {
            name: {
                "dataCollectionMode": "Enabled" if one.enabled else "Disabled",
                "samplingRate": wanted.sampling_rate,
                "dataId": _asset(cloud, plan, name, one),
            }
            for name, one in wanted.collections.items()
        },
        "rollingRate": wanted.rolling_rate.capitalize(),
    }
    if wanted.capture_headers:
        body["requestLogging"] = {"captureHeaders": list(wanted.capture_headers)}
    return body


def _asset(cloud: Cloud, plan: Plan, name: str, one: Collection) -> str:
    """The id of the data asset of a collection, registered where it is not there yet."""
    called, version, path = asset(one, plan.endpoint.name, plan.deployment.name, name)
    resource = f"{cloud.workspace_id}/data/{called}/versions/{version}"
    doing = f"registering the data asset {called}"
    if cloud.arm.find(resource, DATA, doing=doing) is None:
        properties = {"dataType": "uri_folder", "dataUri": path, "isAnonymous": False, "isArchived": False}
        cloud.arm.call("PUT", resource, DATA, body={"properties": properties}, doing=doing)
    return resource


def info(found: Mapping[str, Any]) -> dict[str, Any]:
    """A data collector as Resource Manager has it, in the words of the plan; empty for none."""
    collections = found.get("collections")
    if not isinstance(collections, Mapping) or not collections:
        return {}
    return {
        "collections": {
            str(name): {
                "enabled": str(one.get("dataCollectionMode") or "").lower() == "enabled",
                "sampling_rate": one.get("samplingRate"),
                "data": one.get("dataId"),
            }
            for name, one in collections.items()
        },
        "rolling_rate": str(found.get("rollingRate") or "hour").lower(),
        "capture_headers": list((found.get("requestLogging") or {}).get("captureHeaders") or ()),
    }
