"""Managed online endpoints: read, create, change, remove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.deployments import list_all as list_deployments
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud
from tui.plan.endpoint_identity import Identity
from tui.plan.model import Endpoint

_AUTH_MODES = {"key": "Key", "aml_token": "AMLToken", "aad_token": "AADToken"}


@dataclass(frozen=True)
class EndpointInfo:
    """An endpoint as Azure has it; values are the words of the plan (auth_mode key, access enabled or disabled)."""

    name: str
    id: str
    provisioning_state: str
    scoring_uri: str | None
    auth_mode: str
    public_network_access: str
    description: str
    tags: dict[str, str]
    traffic: dict[str, int]
    location: str
    kind: str | None = None
    mirror_traffic: dict[str, int] = field(default_factory=dict)
    identity: dict[str, Any] | None = None
    openapi_uri: str | None = None
    deployments: list[DeploymentInfo] = field(default_factory=list)


def path(cloud: Cloud, name: str) -> str:
    """The Resource Manager id of an endpoint of the plan's workspace."""
    return f"{cloud.workspace_id}/onlineEndpoints/{name}"


def read(cloud: Cloud, name: str, deployments: bool = True) -> EndpointInfo | None:
    """The endpoint with its deployments, or None when there is none of that name. Raises CloudError."""
    body = cloud.arm.find(path(cloud, name), arm.ENDPOINTS, doing=f"reading the endpoint {name}")
    if body is None:
        return None
    return info(body, list_deployments(cloud, name) if deployments else [])


def existing(cloud: Cloud, name: str, deployments: bool = True) -> EndpointInfo:
    """As `read`; an endpoint that is not there is a CloudError, `EndpointNotFound`."""
    found = read(cloud, name, deployments)
    if found is None:
        raise CloudError(
            title=f"The endpoint {name} does not exist",
            cause=f"The workspace {cloud.plan.workspace.name} has no endpoint of that name.",
            remedy="Deploy it first, or correct the name, or name the endpoint's plan or run.",
            code="EndpointNotFound",
            status=404,
        )
    return found


def begin_create_or_update(
    cloud: Cloud,
    endpoint: Endpoint,
    tags: Mapping[str, str] | None = None,
    traffic: Mapping[str, int] | None = None,
) -> Operation[EndpointInfo]:
    """Creates or replaces an endpoint; `tags` mark it as made by this program.

    They are put on a new endpoint and renewed on one that has them; one that somebody else made stays unmarked, so
    that it is not removed with the plan. Other tags that it has are kept.

    Traffic cannot be set at creation (Microsoft, reference-yaml-endpoint-online); for an endpoint that exists its
    traffic must be passed, or what is there is kept. Raises CloudError when Azure refuses the request.
    """
    resource = path(cloud, endpoint.name)
    doing = f"creating the endpoint {endpoint.name}"
    existing = cloud.arm.find(resource, arm.ENDPOINTS, doing=doing)
    there = existing or {}
    kept = there.get("properties") or {}
    body = {
        "location": there.get("location") or cloud.location,
        "tags": marked(endpoint.tags, tags or {}, existing),
        "identity": _writable_identity(there.get("identity"), endpoint.identity),
        "properties": {
            "description": endpoint.description or None,
            "authMode": _AUTH_MODES.get(endpoint.auth_mode, endpoint.auth_mode),
            "publicNetworkAccess": endpoint.public_network_access.capitalize(),
            "properties": {},
            "traffic": dict(traffic) if there and traffic is not None else _shares(kept.get("traffic")),
            "mirrorTraffic": _shares(kept.get("mirrorTraffic")),
        },
    }
    return _put(cloud, endpoint.name, body, doing)


def marked(wanted: Mapping[str, str], marks: Mapping[str, str], existing: Mapping[str, Any] | None) -> dict[str, str]:
    """The tags to send: those that are there, the plan's, and the marks unless somebody else made the resource."""
    if existing is None:
        return {**wanted, **marks}
    there = {str(key): str(value) for key, value in (existing.get("tags") or {}).items()}
    ours = any(key in there for key in marks)
    return {**there, **wanted, **(marks if ours else {})}


def begin_change(
    cloud: Cloud, name: str, change: Mapping[str, Any], tags: Mapping[str, str] | None = None
) -> Operation[EndpointInfo]:
    """Replaces single properties (Resource Manager's names) of an endpoint, adds tags, and keeps everything else."""
    doing = f"changing the endpoint {name}"
    existing = cloud.arm.call("GET", path(cloud, name), arm.ENDPOINTS, doing=doing).body
    kept = existing.get("properties") or {}
    properties = {
        key: kept.get(key)
        for key in ("description", "authMode", "publicNetworkAccess", "traffic", "mirrorTraffic")
        if kept.get(key) is not None
    }
    body = {
        "location": existing.get("location"),
        "tags": {**(existing.get("tags") or {}), **(tags or {})},
        "identity": _writable_identity(existing.get("identity")),
        "properties": {**properties, "properties": {}, **change},
    }
    return _put(cloud, name, body, doing)


def follow(cloud: Cloud, name: str, started: Mapping[str, str]) -> Operation[EndpointInfo]:
    """A creation or change that another process has begun; `started` is what its `Operation.started` was."""
    return _operation(cloud, name, arm.Answer(202, started, None), f"creating the endpoint {name}")


def begin_delete(cloud: Cloud, name: str) -> Operation[None]:
    """Removes an endpoint with all its deployments; one that is not there is no error."""
    started = cloud.arm.call("DELETE", path(cloud, name), arm.ENDPOINTS, doing=f"removing the endpoint {name}")
    return Operation(
        cloud.arm,
        started,
        path(cloud, name),
        arm.ENDPOINTS,
        lambda: None,
        f"the removal of the endpoint {name}",
        deletes=True,
    )


def list_all(cloud: Cloud) -> list[EndpointInfo]:
    """The endpoints of the workspace, without their deployments. Raises CloudError."""
    found = cloud.arm.items(f"{cloud.workspace_id}/onlineEndpoints", arm.ENDPOINTS, doing="listing the endpoints")
    return list(map(info, found))


def _put(cloud: Cloud, name: str, body: dict[str, Any], doing: str) -> Operation[EndpointInfo]:
    started = cloud.arm.call("PUT", path(cloud, name), arm.ENDPOINTS, body=body, doing=doing)
    return _operation(cloud, name, started, doing)


def _operation(cloud: Cloud, name: str, started: arm.Answer, doing: str) -> Operation[EndpointInfo]:
    resource = path(cloud, name)

    def finish() -> EndpointInfo:
        return info(cloud.arm.call("GET", resource, arm.ENDPOINTS, doing=doing).body)

    return Operation(cloud.arm, started, resource, arm.ENDPOINTS, finish, f"the endpoint {name}")


def _writable_identity(found: dict[str, Any] | None, wanted: Identity | None = None) -> dict[str, Any]:
    """The identity to send: what is there, else what the plan wants; Azure does not change it afterwards."""
    if not found and wanted is not None and wanted.user_assigned_identities:
        return {
            "type": "UserAssigned",
            "userAssignedIdentities": {resource: {} for resource in wanted.user_assigned_identities},
        }
    if not found:
        return {"type": "SystemAssigned"}
    identity: dict[str, Any] = {"type": found.get("type") or "SystemAssigned"}
    if found.get("userAssignedIdentities"):
        identity["userAssignedIdentities"] = {resource: {} for resource in found["userAssignedIdentities"]}
    return identity


def _shares(found: Any) -> dict[str, int]:
    return {str(name): int(share) for name, share in (found or {}).items()}


def info(body: dict[str, Any], deployments: Sequence[DeploymentInfo] = ()) -> EndpointInfo:
    """An EndpointInfo from Resource Manager's JSON."""
    properties = body.get("properties") or {}
    mode = str(properties.get("authMode") or "")
    words = {value.lower(): key for key, value in _AUTH_MODES.items()}
    return EndpointInfo(
        name=str(body.get("name")),
        id=str(body.get("id")),
        provisioning_state=str(properties.get("provisioningState") or ""),
        scoring_uri=properties.get("scoringUri") or None,
        auth_mode=words.get(mode.lower(), mode),
        public_network_access=str(properties.get("publicNetworkAccess") or "Enabled").lower(),
        description=str(properties.get("description") or ""),
        tags={str(key): str(value) for key, value in (body.get("tags") or {}).items()},
        traffic=_shares(properties.get("traffic")),
        location=str(body.get("location") or ""),
        kind=body.get("kind"),
        mirror_traffic=_shares(properties.get("mirrorTraffic")),
        identity=body.get("identity"),
        openapi_uri=properties.get("swaggerUri"),
        deployments=list(deployments),
    )
