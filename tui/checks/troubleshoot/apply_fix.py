"""Apply the fixes that findings propose. Azure rejects a fix if the identity lacks permission for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from tui.checks.troubleshoot.fixes import words
from tui.cloud.endpoints import deployments, endpoints, scaling, traffic
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.http.operation import Operation
from tui.cloud.http.run_operation import run_operation
from tui.cloud.session import Cloud
from tui.cloud.workspace import managed_network

Progress = Callable[[str], None]


def apply_fix(
    cloud: Cloud, name: str, action: str, arguments: Mapping[str, Any], progress: Progress = lambda _: None
) -> str:
    """Apply a fix and wait until Azure has finished; returns what was done in a sentence. Raises CloudError."""
    found = _ACTIONS.get(action)
    if found is None:
        raise CloudError(
            title=f"There is no fix {action}", cause=f"There are: {', '.join(sorted(_ACTIONS))}.", code="UnknownFix"
        )
    return found(cloud, name, dict(arguments), progress)


def _set_traffic(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    shares = {str(key): int(value) for key, value in (given.get("shares") or {}).items()}
    done = traffic.shift(cloud, name, shares, progress)
    return f"The traffic of {name} is now {words(done.after)}."


def _rollback(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    done = traffic.rollback(cloud, name, progress)
    return f"The traffic of {name} is restored: {words(done.after)}."


def _scale(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    deployment, wanted = str(given["deployment"]), int(given["instances"])
    _settled(lambda: deployments.begin_scale(cloud, name, deployment, wanted), progress)
    return f"{deployment} now has {wanted} instance{'s' if wanted != 1 else ''}."


def _remove_deployment(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    deployment = str(given["deployment"])
    found = endpoints.read(cloud, name, deployments=False)
    if found is not None and (found.traffic.get(deployment) or found.mirror_traffic.get(deployment)):
        raise CloudError(
            title=f"{deployment} has traffic",
            cause="Its traffic is no longer 0, so removing it would fail callers' requests.",
            remedy="Refresh, and move its traffic first.",
            code="StillServes",
        )
    at = endpoints.path(cloud, name)
    removed, kept = scaling.remove(cloud, at, lambda rule: rule.deployment.lower() == deployment.lower())
    _settled(lambda: deployments.begin_delete(cloud, name, deployment), progress)
    told = f" Removed with it: {removed[0]}." if removed else ""
    return f"The deployment {deployment} was removed.{told}{f' Kept: {kept[0]}.' if kept else ''}"


def _raise_probe_delay(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    deployment, wanted = str(given["deployment"]), int(given["seconds"])
    delay = {"initial_delay": wanted}
    change = {"liveness_probe": delay, "readiness_probe": delay}
    _settled(lambda: deployments.begin_again(cloud, name, deployment, change), progress)
    return f"The initial delay of the probes of {deployment} is now {wanted} s."


def _raise_timeout(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    deployment, wanted = str(given["deployment"]), int(given["milliseconds"])
    change = {"request_settings": {"request_timeout_ms": wanted}}
    _settled(lambda: deployments.begin_again(cloud, name, deployment, change), progress)
    return f"The request timeout of {deployment} is now {wanted // 1000} s."


def _redeploy(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    deployment = str(given["deployment"])
    _settled(lambda: deployments.begin_again(cloud, name, deployment), progress)
    return f"The deployment {deployment} was created again and has succeeded."


def _approve(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    connection = str(given["connection"])
    path = f"{cloud.workspace_id}/privateEndpointConnections/{connection}"
    doing = f"approving the private endpoint connection {connection}"
    found = cloud.arm.call("GET", path, arm.WORKSPACES, doing=doing).body
    properties = dict(found.get("properties") or {})
    state = {**(properties.get("privateLinkServiceConnectionState") or {}), "status": "Approved"}
    body = {**found, "properties": {**properties, "privateLinkServiceConnectionState": state}}
    cloud.arm.call("PUT", path, arm.WORKSPACES, body=body, doing=doing)
    return f"The private endpoint connection {connection} is approved."


def _provision_network(cloud: Cloud, name: str, given: dict[str, Any], progress: Progress) -> str:
    _settled(lambda: managed_network.begin_provision(cloud), progress)
    return f"The managed virtual network of {cloud.plan.workspace.name} is provisioned."


def _settled(begin: Callable[[], Operation[Any]], progress: Progress) -> None:
    """Start an operation once no other change is in progress, and wait for its end. Raises CloudError."""
    run_operation(
        begin,
        waiting=lambda reason, seconds: progress(f"Waiting: {reason}."),
        working=lambda what: progress(f"Azure is working on {what}."),
    )


_ACTIONS: dict[str, Callable[[Cloud, str, dict[str, Any], Progress], str]] = {
    "set_traffic": _set_traffic,
    "rollback": _rollback,
    "scale": _scale,
    "remove_deployment": _remove_deployment,
    "raise_probe_delay": _raise_probe_delay,
    "raise_timeout": _raise_timeout,
    "redeploy": _redeploy,
    "approve": _approve,
    "provision_network": _provision_network,
}
