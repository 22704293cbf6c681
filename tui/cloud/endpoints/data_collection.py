"""Converts the data collector of a deployment from Resource Manager's form to the plan's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.cloud.assets import asset_reference
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.plan.data_collection import Collection, asset
from tui.plan.sdk_entities import Tree

DATA = "2023-04-01-preview"
"""The API version that azure-ai-ml 1.35 uses for data assets."""


def registered(cloud: Cloud, values: Tree) -> list[str]:
    """The ids of a deployment's data assets that are already registered.

    The SDK would register each of them again when it creates the deployment, and overwrite what others have changed.
    Raises CloudError.
    """
    endpoint, deployment = (str(values.value(f"{kind}.name")) for kind in ("endpoint", "deployment"))
    found = []
    for name, one in (values.value("deployment.data_collector.collections") or {}).items():
        data = one["data"] or {}
        called, version, _ = asset(Collection(True, data.get("name"), data.get("version")), endpoint, deployment, name)
        resource = f"{cloud.workspace_id}/data/{called}/versions/{version}"
        if cloud.arm.find(resource, DATA, doing=f"looking for the data asset {called}") is not None:
            found.append(resource)
    return found


def require_told_by_the_sdk(cloud: Cloud, found: Mapping[str, Any]) -> None:
    """Refuse to recreate a deployment if the SDK would change its data collector. Raises CloudError."""
    collections = (found.get("collections") or {}).values()
    ours = f"{cloud.workspace_id}/data/".lower()
    foreign = [one for one in collections if not str(one["data"] or "").lower().startswith(ours)]
    if foreign or len({one["sampling_rate"] for one in collections}) > 1:
        raise CloudError(
            title="The deployment's data collector cannot be kept unchanged",
            cause="Its collections have their own sampling rates, or data assets outside this workspace. Azure's "
            "SDK does not send these.",
            remedy="Make this change where the deployment was created: in the studio, or in its template.",
            code="DataCollectorNotKept",
        )


def info(found: Mapping[str, Any]) -> dict[str, Any]:
    """A data collector of Resource Manager with the plan's keys; empty for none."""
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


def in_words_of_a_plan(found: Mapping[str, Any]) -> dict[str, Any]:
    """The result of `info` as `data_collector:` of a plan; empty for none."""
    collections = {
        name: {"enabled": str(one["enabled"]), "data": _asset(one["data"])}
        for name, one in (found.get("collections") or {}).items()
    }
    shares = [one["sampling_rate"] for one in (found.get("collections") or {}).values()]
    return {
        "collections": collections,
        "sampling_rate": shares[0] if shares else None,
        "rolling_rate": found.get("rolling_rate"),
        "request_logging": {"capture_headers": found.get("capture_headers")},
    }


def _asset(identifier: str | None) -> dict[str, str] | None:
    """Name and version of the data asset with an id; the SDK does not accept ids."""
    if not identifier:
        return None
    data = asset_reference.parse(identifier, "data")
    return {"name": data.name, **({"version": data.version} if data.version else {})}
