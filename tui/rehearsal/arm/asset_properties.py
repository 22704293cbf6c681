"""Validates the properties of asset versions, and completes them as the service does."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from tui.rehearsal.arm.errors import user_error
from tui.rehearsal.arm.front import Call
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.online_endpoints.own_containers import build_of, routes_of
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

_DATASTORE = re.compile(r"^azureml://(?:.*/)?datastores/(?P<datastore>[^/]+)/paths/(?P<path>.*)$", re.IGNORECASE)
# What a job logs; its named outputs are known to the job only, and the rehearsal has no jobs.
_JOB = re.compile(
    r"^azureml://(?:.*/)?jobs/(?P<job>[^/]+)/outputs/(?:artifacts|default)(?:/paths)?/(?P<path>.*)$", re.IGNORECASE
)
_DATA_TYPES = ("uri_file", "uri_folder", "mltable")
# These properties of a version cannot change; description, tags and the like can.
FIXED = {
    "models": ("modelUri", "modelType"),
    "codes": ("codeUri",),
    "environments": ("image", "condaFile", "build", "inferenceConfig"),
    "data": ("dataUri", "dataType"),
}


def blob_place(service: Service, workspace: Workspace, uri: str) -> tuple[str, str] | None:
    """Container and path of an `azureml://…/datastores/…` or blob URI; None for any other URI."""
    job = _JOB.match(uri)
    if job:
        return f"azureml-{workspace.guid}", f"ExperimentRun/dcid.{job['job']}/{job['path']}".rstrip("/")
    match = _DATASTORE.match(uri)
    if match:
        if match["datastore"].lower() == "workspaceblobstore":
            return workspace.blob_container, match["path"].strip("/")
        if match["datastore"].lower() == "workspaceartifactstore":
            return f"azureml-{workspace.guid}", match["path"].strip("/")
        return None
    uri = service.at_home(uri)
    if uri.startswith(service.blob_origin + "/"):
        path = unquote(urlsplit(uri).path).strip("/").split("/", 2)
        if len(path) > 1:
            return path[1], path[2] if len(path) > 2 else ""
    return None


def uri_of(service: Service, asset_id: str, member: str) -> str:
    """The URI of a registered model's or code's files; empty if it does not exist or has none."""
    asset = service.store.get(asset_id)
    return str((asset.properties.get(member) or "") if asset else "")


def is_mlflow_model(model: Resource | None) -> bool:
    """Whether the resource is a model version in MLflow's format."""
    return model is not None and "mlflow" in str(model.properties.get("modelType", "")).lower()


def is_triton_model(model: Resource | None) -> bool:
    """Whether the resource is a model version for a Triton server."""
    return model is not None and "triton" in str(model.properties.get("modelType", "")).lower()


def yaml_object(content: str | bytes) -> dict[str, Any]:
    """The members of a YAML file; empty if it cannot be read or is not a mapping."""
    try:
        document = yaml.safe_load(content)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def flavors_in(content: str | bytes) -> dict[str, Any]:
    """The flavours that an MLmodel file names."""
    flavors = yaml_object(content).get("flavors")
    return flavors if isinstance(flavors, dict) else {}


def _flavors(service: Service, workspace: Workspace, uri: str) -> dict[str, Any]:
    """The flavours of an MLflow model, which the service reads from its MLmodel file (recorded)."""
    place = blob_place(service, workspace, uri)
    content = service.blobs.read_small(place[0], f"{place[1]}/MLmodel".lstrip("/")) if place else None
    return {
        str(name): {"data": {str(key): _plain(value) for key, value in data.items()}}
        for name, data in flavors_in(content or b"").items()
        if isinstance(data, dict)
    }


def _plain(value: Any) -> Any:
    return (
        value
        if isinstance(value, str)
        else yaml.safe_dump(value, default_flow_style=True).strip().removesuffix("...").strip()
    )


def properties_of(call: Call, workspace: Workspace, kind: str) -> dict[str, Any]:
    """The properties of a version in a `PUT`. Raises ArmError."""
    fields = call.body.object("properties")
    common: dict[str, Any] = {
        "description": fields.text("description"),
        "tags": fields.texts("tags"),
        "properties": fields.texts("properties"),
        "isArchived": fields.boolean("isArchived"),
        "isAnonymous": fields.boolean("isAnonymous"),
    }
    if kind == "codes":
        return {**common, "codeUri": fields.text("codeUri"), "provisioningState": "Succeeded"}
    if kind == "data":
        data_type = fields.text("dataType", "uri_folder") or ""
        if data_type.lower() not in _DATA_TYPES or not fields.text("dataUri"):
            raise user_error(
                "A data asset needs a dataUri, and a dataType that is one of " + ", ".join(_DATA_TYPES) + ".",
                workspace.location,
            )
        data_uri = fields.text("dataUri") or ""
        if data_type.lower() != "uri_file":
            data_uri = data_uri.rstrip("/") + "/"  # as the SDK's own tests find it again
        data = {**common, "dataType": data_type.lower(), "dataUri": data_uri}
        removal = fields.object("autoDeleteSetting")
        if removal.raw("condition") is not None:
            kept = {"condition": removal.text("condition"), "value": removal.raw("value")}
            return {**data, "autoDeleteSetting": kept}
        return data
    if kind == "models":
        uri = fields.text("modelUri")
        flavors = fields.raw("flavors")
        model_type = fields.text("modelType", "custom_model")
        if not flavors and uri and model_type == "mlflow_model":
            flavors = _flavors(call.service, workspace, uri)
        return {
            **common,
            # The SDK fails on null here.
            "flavors": flavors if isinstance(flavors, dict) else {},
            "modelType": model_type,
            "modelUri": uri,
            "jobName": fields.text("jobName"),
            "provisioningState": "Succeeded",
            "stage": fields.text("stage", "Development"),
        }
    environment = {
        **common,
        "environmentType": "UserCreated",
        "image": fields.text("image"),
        "condaFile": fields.text("condaFile"),
        "osType": fields.text("osType", "Linux"),
        "autoRebuild": fields.text("autoRebuild", "Disabled"),
        "provisioningState": "Succeeded",
        "stage": fields.text("stage", "Development"),
        "inferenceConfig": routes_of(fields, workspace.location),
    }
    build = build_of(fields, workspace.location)
    return environment if build is None else {**environment, "build": build}
