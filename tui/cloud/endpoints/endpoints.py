"""Reads, creates, changes and removes managed online endpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from tui.cloud import ml_client
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.deployments import list_all as list_deployments
from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.session import Cloud
from tui.plan import sdk_entities
from tui.plan.model import Endpoint

_AUTH_MODES = {"key": "Key", "aml_token": "AMLToken", "aad_token": "AADToken"}


@dataclass(frozen=True)
class EndpointInfo:
    """The state of an endpoint in Azure, with the plan's values (auth_mode key, access enabled or disabled)."""

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
    compute: str | None = None  # the id of the cluster behind a Kubernetes endpoint
    deployments: list[DeploymentInfo] = field(default_factory=list)


def path(cloud: Cloud, name: str) -> str:
    """The Resource Manager id of an endpoint of the plan's workspace."""
    return f"{cloud.workspace_id}/onlineEndpoints/{name}"


def read(cloud: Cloud, name: str, deployments: bool = True) -> EndpointInfo | None:
    """The endpoint with its deployments, or None if it does not exist. Raises CloudError."""
    body = cloud.arm.find(path(cloud, name), arm.ENDPOINTS, doing=f"reading the endpoint {name}")
    if body is None:
        return None
    return info(body, list_deployments(cloud, name) if deployments else [])


def existing(cloud: Cloud, name: str, deployments: bool = True) -> EndpointInfo:
    """Like `read`, but raises CloudError with the code `EndpointNotFound` if the endpoint does not exist."""
    found = read(cloud, name, deployments)
    if found is None:
        raise CloudError(
            title=f"The endpoint {name} does not exist",
            cause=f"The workspace {cloud.plan.workspace.name} has no endpoint of that name.",
            remedy="Deploy it first, correct the name, or specify the endpoint's plan or run.",
            code="EndpointNotFound",
            status=404,
        )
    return found


def begin_create_or_update(
    cloud: Cloud, endpoint: Endpoint, tags: Mapping[str, str] | None = None
) -> Operation[EndpointInfo]:
    """Create an endpoint, or change it to match a plan; `tags` mark it as created by this program.

    They are set on a new endpoint and updated on one that has them; an endpoint of somebody else stays unmarked, so
    that it is not removed with the plan. Its other tags are kept, as are its traffic and its identity, which Azure
    does not change. Raises CloudError if Azure refuses the request.
    """
    found = read(cloud, endpoint.name, deployments=False)
    wanted = sdk_entities.Tree({"endpoint": asdict(endpoint)})
    if found is None:
        made = sdk_entities.endpoint(wanted, tags={**endpoint.tags, **(tags or {})})
    else:
        ours = any(key in found.tags for key in tags or {})
        marked = {**found.tags, **endpoint.tags, **((tags or {}) if ours else {})}
        made = sdk_entities.endpoint(wanted, tags=marked, **_kept(found))
    return _begin(cloud, made)


def begin_traffic(
    cloud: Cloud,
    name: str,
    traffic: Mapping[str, int],
    mirrored: Mapping[str, int] | None = None,
    tags: Mapping[str, str] | None = None,
) -> Operation[EndpointInfo]:
    """Replace an endpoint's traffic split, and its mirrored traffic if given; add tags.

    Everything else stays unchanged. Raises CloudError.
    """
    found = existing(cloud, name, deployments=False)
    change: dict[str, Any] = {"traffic": dict(traffic), "tags": {**found.tags, **(tags or {})}}
    if mirrored is not None:
        change["mirror_traffic"] = dict(mirrored)
    there = sdk_entities.Tree({"endpoint": {**asdict(found), "identity": None}})
    return _begin(cloud, sdk_entities.endpoint(there, **{**_kept(found), **change}))


def _kept(found: EndpointInfo) -> dict[str, Any]:
    """The properties of an existing endpoint to keep. Its traffic must be sent too, or it would be lost."""
    identity = sdk_entities.identity_of(found.identity)
    kept = {"identity": identity, "traffic": found.traffic, "mirror_traffic": found.mirror_traffic}
    return {**kept, "compute": found.compute} if found.compute else kept


def follow(cloud: Cloud, name: str, started: Mapping[str, str]) -> Operation[EndpointInfo]:
    """A creation or change that another process has begun; `started` is what its `Operation.started` was."""

    def finish() -> EndpointInfo:
        return existing(cloud, name, deployments=False)

    answer = arm.Answer(202, started, None)
    return Operation(cloud.arm, answer, path(cloud, name), arm.ENDPOINTS, finish, f"the endpoint {name}")


def begin_delete(cloud: Cloud, name: str) -> Operation[None]:
    """Remove an endpoint with its deployments. An endpoint that does not exist is no error. Raises CloudError."""
    return ml_client.begin(
        cloud,
        lambda client: client.online_endpoints.begin_delete(name),
        path(cloud, name),
        arm.ENDPOINTS,
        lambda: None,
        what=f"the removal of the endpoint {name}",
        doing=f"removing the endpoint {name}",
        deletes=True,
    )


def list_all(cloud: Cloud) -> list[EndpointInfo]:
    """The endpoints of the workspace, without their deployments. Raises CloudError."""
    found = cloud.arm.items(f"{cloud.workspace_id}/onlineEndpoints", arm.ENDPOINTS, doing="listing the endpoints")
    return list(map(info, found))


def _begin(cloud: Cloud, made: sdk_entities.Entity) -> Operation[EndpointInfo]:
    name = str(made.arguments["name"])
    return ml_client.begin(
        cloud,
        lambda client: client.online_endpoints.begin_create_or_update(ml_client.entity(made)),
        path(cloud, name),
        arm.ENDPOINTS,
        lambda: existing(cloud, name, deployments=False),
        what=f"the endpoint {name}",
        doing=f"creating or changing the endpoint {name}",
    )


def _shares(found: Any) -> dict[str, int]:
    return {str(name): int(share) for name, share in (found or {}).items()}


@reading("an endpoint")
def info(body: dict[str, Any], deployments: Sequence[DeploymentInfo] = ()) -> EndpointInfo:
    """An EndpointInfo from Resource Manager's JSON. Raises CloudError if its parts have other types."""
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
        tags={str(key): "" if value is None else str(value) for key, value in (body.get("tags") or {}).items()},
        traffic=_shares(properties.get("traffic")),
        location=str(body.get("location") or ""),
        kind=body.get("kind"),
        mirror_traffic=_shares(properties.get("mirrorTraffic")),
        identity=body.get("identity"),
        openapi_uri=properties.get("swaggerUri"),
        compute=properties.get("compute") or None,
        deployments=list(deployments),
    )
