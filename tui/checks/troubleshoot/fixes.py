"""Fixes that are safe to offer, each with a preview of its changes; `apply_fix` applies them."""

from __future__ import annotations

from collections.abc import Mapping

from tui.checks.finding import Fix
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.plan import sizes, traffic

MOST_INSTANCES = 50  # of one deployment (Microsoft, how-to-manage-quotas)
LONGEST_TIMEOUT_MS = 180_000  # of a request (same article)
MOST_DELAY = 3600  # seconds; longer than any reasonable startup
_REPLACES = (
    "The deployment is updated with the same model, code and environment; its containers are replaced one after the "
    "other."
)


def words(shares: Mapping[str, int]) -> str:
    """Format a split, largest share first."""
    return traffic.in_words(traffic.largest_first(shares))


def set_traffic(endpoint: EndpointInfo, shares: Mapping[str, int]) -> Fix:
    """A change of the traffic split."""
    return Fix(
        "set_traffic",
        f"Change the traffic to {words(shares)}.",
        (
            f"traffic of {endpoint.name}",
            f"  now   {words(endpoint.traffic)}",
            f"  new   {words(shares)}",
            "Deployments are not changed. The endpoint keeps the previous split for a roll back.",
        ),
        {"shares": dict(shares)},
    )


def rollback(endpoint: EndpointInfo) -> Fix | None:
    """A roll back to the split before the last change, if there is one and its deployments are ready."""
    before = traffic.from_tag(endpoint.tags)
    ready = {one.name for one in endpoint.deployments if one.provisioning_state == "Succeeded"}
    if not before or before == traffic.serving(endpoint.traffic) or not set(before) <= ready:
        return None
    return Fix(
        "rollback",
        f"Roll back to the previous traffic: {words(before)}.",
        (f"traffic of {endpoint.name}", f"  now   {words(endpoint.traffic)}", f"  new   {words(before)}"),
    )


def scale(endpoint: EndpointInfo, one: DeploymentInfo, instances: int) -> Fix | None:
    """A change of the instance count, with its effect on cost and quota."""
    wanted = max(1, min(instances, MOST_INSTANCES))
    if wanted == one.instance_count:
        return None
    lines = [f"instances of {one.name}: {one.instance_count} → {wanted} ({one.instance_type})"]
    price = sizes.price_per_hour(one.instance_type, endpoint.location)
    if price is None:
        lines.append("cost: no list price available for this size and region")
    else:
        more = price * (wanted - one.instance_count)
        lines.append(f"cost: {more:+.2f} {sizes.price_currency()} an hour. {sizes.price_note()}")
    size = sizes.find(one.instance_type)
    if size is not None:
        before, after = sizes.quota_needed(size, one.instance_count), sizes.quota_needed(size, wanted)
        lines.append(f"quota: {before} → {after} cores of {size.family}, including the reserve for upgrades")
    lines.append("Running containers are not replaced.")
    verb = "more" if wanted > one.instance_count else "fewer"
    return Fix(
        "scale",
        f"Run {wanted} instances of {one.name}, {abs(wanted - one.instance_count)} {verb} than now.",
        tuple(lines),
        {"deployment": one.name, "instances": wanted},
    )


def remove_deployment(endpoint: EndpointInfo, one: DeploymentInfo) -> Fix | None:
    """Delete a deployment without traffic; None if it has traffic."""
    if endpoint.traffic.get(one.name) or endpoint.mirror_traffic.get(one.name):
        return None
    lines = [
        f"deployment {one.name} of {endpoint.name}: deleted ({one.instance_count} × {one.instance_type}, state "
        f"{one.provisioning_state or 'unknown'}, 0 % of the traffic)",
    ]
    price = sizes.price_per_hour(one.instance_type, endpoint.location)
    if price is not None:
        lines.append(f"cost: {-price * one.instance_count:+.2f} {sizes.price_currency()} an hour. {sizes.price_note()}")
    size = sizes.find(one.instance_type)
    if size is not None:
        lines.append(f"quota: {sizes.quota_needed(size, one.instance_count)} cores of {size.family} are released")
    stay = ", ".join(item.name for item in endpoint.deployments if item.name != one.name)
    lines.append(f"kept: the endpoint{', ' + stay if stay else ''}, the registered model, environment and code")
    lines.append("Its logs are deleted with it; copy what you need first. This cannot be undone.")
    return Fix("remove_deployment", f"Remove the deployment {one.name}.", tuple(lines), {"deployment": one.name})


def raise_probe_delay(one: DeploymentInfo) -> Fix:
    """Give the container more time before probes start; the containers are recreated."""
    now = max(_seconds(one.liveness_probe), _seconds(one.readiness_probe), 10)
    wanted = min(MOST_DELAY, max(300, now * 3))
    return Fix(
        "raise_probe_delay",
        f"Wait {wanted} s before the first probes of {one.name}.",
        (
            f"liveness_probe.initial_delay of {one.name}: {_seconds(one.liveness_probe)} s → {wanted} s",
            f"readiness_probe.initial_delay of {one.name}: {_seconds(one.readiness_probe)} s → {wanted} s",
            _REPLACES,
        ),
        {"deployment": one.name, "seconds": wanted},
    )


def raise_timeout(one: DeploymentInfo) -> Fix | None:
    """Give requests more time; None if the timeout is already the maximum."""
    now = int(one.request_settings.get("request_timeout_ms") or 5000)
    wanted = min(LONGEST_TIMEOUT_MS, max(30_000, now * 3))
    if wanted <= now:
        return None
    return Fix(
        "raise_timeout",
        f"Set the request timeout of {one.name} to {wanted // 1000} s instead of {now / 1000:g} s.",
        (
            f"request_settings.request_timeout_ms of {one.name}: {now} → {wanted}",
            _REPLACES,
            "A slow model stays slow: callers wait longer instead of getting 408.",
        ),
        {"deployment": one.name, "milliseconds": wanted},
    )


def redeploy(one: DeploymentInfo, once: str) -> Fix:
    """Create a deployment again unchanged; `once` is the condition that must be met first."""
    return Fix(
        "redeploy",
        f"Create the deployment {one.name} again, {once}.",
        (
            f"deployment {one.name}: created again from the same model, code and environment "
            f"({one.instance_count} × {one.instance_type})",
            f"It helps only {once}. It takes as long as a new deployment.",
        ),
        {"deployment": one.name},
    )


def approve(connection: str, workspace: str) -> Fix:
    """Approve a pending private endpoint connection of the workspace."""
    return Fix(
        "approve",
        f"Approve the private endpoint connection {connection} of {workspace}.",
        (
            f"private endpoint connection {connection} of the workspace {workspace}: Pending → Approved",
            (
                "The network of that private endpoint can then reach the workspace. Approve only connections that "
                "you know."
            ),
        ),
        {"connection": connection},
    )


def write_key(endpoint: EndpointInfo) -> Fix:
    """Write the endpoint's key to a file, for a caller that has a wrong key."""
    return Fix(
        "write_key",
        "Write the endpoint's primary key to a new file that only you can read, to pass on to the caller.",
        (
            f"a new file in the state folder, readable only by you, with the primary key of {endpoint.name}",
            "The key itself is never shown. Nothing is changed in Azure; other callers' keys stay valid.",
        ),
        {"which": "primary"},
    )


def enter_secret() -> Fix:
    """Set a new client secret, for this session only."""
    return Fix(
        "enter_secret",
        "Enter the new client secret and sign in again; it is kept in memory only.",
        ("The secret is used in this session only and not stored.",
         "Also update it at the plan's reference; otherwise the next run fails in the same way."),
        asks="credential.client_secret",
    )  # fmt: skip


def _seconds(probe: Mapping[str, object]) -> int:
    found = probe.get("initial_delay")
    return int(str(found)) if found is not None else 10


def provision_network(info: WorkspaceInfo) -> Fix:
    """Provision the managed virtual network of a workspace that has none yet."""
    now = (info.managed_network or {}).get("status")
    return Fix(
        "provision_network",
        f"Provision the managed virtual network of {info.name}.",
        (
            f"managed virtual network of {info.name}: {now} → Active",
            "Azure creates the network, and in it private endpoints to the workspace's resources, which cost "
            "money by the hour. It takes some minutes. Existing deployments are not changed.",
        ),
    )
