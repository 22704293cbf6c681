"""Fixes that are safe to offer, each with what it would change; carrying them out is `apply_fix`."""

from __future__ import annotations

from collections.abc import Mapping

from tui.checks.finding import Fix
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.plan import sizes, traffic

MOST_INSTANCES = 50  # of one deployment (Microsoft, how-to-manage-quotas)
LONGEST_TIMEOUT_MS = 180_000  # of a request (same article)
MOST_DELAY = 3600  # seconds; longer than any start that is worth waiting for


def words(shares: Mapping[str, int]) -> str:
    """A split for people, the largest share first."""
    return traffic.in_words(traffic.largest_first(shares))


def set_traffic(endpoint: EndpointInfo, shares: Mapping[str, int]) -> Fix:
    """Another split of the requests."""
    return Fix(
        "set_traffic",
        f"Send the requests to {words(shares)}.",
        (
            f"traffic of {endpoint.name}",
            f"  now   {words(endpoint.traffic)}",
            f"  then  {words(shares)}",
            "Deployments are not changed. The endpoint remembers the split before, for rollback.",
        ),
        {"shares": dict(shares)},
    )


def rollback(endpoint: EndpointInfo) -> Fix | None:
    """Back to the split before the last change, where the endpoint remembers one whose deployments are ready."""
    before = traffic.from_tag(endpoint.tags)
    ready = {one.name for one in endpoint.deployments if one.provisioning_state == "Succeeded"}
    if not before or before == traffic.serving(endpoint.traffic) or not set(before) <= ready:
        return None
    return Fix(
        "rollback",
        f"Go back to the split before: {words(before)}.",
        (f"traffic of {endpoint.name}", f"  now   {words(endpoint.traffic)}", f"  then  {words(before)}"),
    )


def scale(endpoint: EndpointInfo, one: DeploymentInfo, instances: int) -> Fix | None:
    """Another number of instances, with what it costs and what it takes of the quota."""
    wanted = max(1, min(instances, MOST_INSTANCES))
    if wanted == one.instance_count:
        return None
    lines = [f"instances of {one.name}: {one.instance_count} → {wanted} ({one.instance_type})"]
    price = sizes.price_per_hour(one.instance_type, endpoint.location)
    if price is None:
        lines.append("cost: no list price at hand for this size and region")
    else:
        more = price * (wanted - one.instance_count)
        lines.append(f"cost: {more:+.2f} {sizes.price_currency()} an hour. {sizes.price_note()}")
    size = sizes.find(one.instance_type)
    if size is not None:
        before, after = sizes.quota_needed(size, one.instance_count), sizes.quota_needed(size, wanted)
        lines.append(f"quota: {before} → {after} cores of {size.family}, with the reserve for upgrades")
    lines.append("Containers that serve are not replaced.")
    verb = "more" if wanted > one.instance_count else "fewer"
    return Fix(
        "scale",
        f"Run {wanted} instances of {one.name}, {abs(wanted - one.instance_count)} {verb} than now.",
        tuple(lines),
        {"deployment": one.name, "instances": wanted},
    )


def remove_deployment(endpoint: EndpointInfo, one: DeploymentInfo) -> Fix | None:
    """Removes a deployment that no request goes to; None for one that serves."""
    if endpoint.traffic.get(one.name) or endpoint.mirror_traffic.get(one.name):
        return None
    lines = [
        f"deployment {one.name} of {endpoint.name}: goes ({one.instance_count} × {one.instance_type}, state "
        f"{one.provisioning_state or 'unknown'}, 0 % of the requests)",
    ]
    price = sizes.price_per_hour(one.instance_type, endpoint.location)
    if price is not None:
        lines.append(f"cost: {-price * one.instance_count:+.2f} {sizes.price_currency()} an hour. {sizes.price_note()}")
    size = sizes.find(one.instance_type)
    if size is not None:
        lines.append(f"quota: {sizes.quota_needed(size, one.instance_count)} cores of {size.family} become free")
    stay = ", ".join(item.name for item in endpoint.deployments if item.name != one.name)
    lines.append(f"stays: the endpoint{', ' + stay if stay else ''}, the registered model, environment and code")
    lines.append("Its logs go with it; copy what you need first. This cannot be undone.")
    return Fix("remove_deployment", f"Remove the deployment {one.name}.", tuple(lines), {"deployment": one.name})


def raise_probe_delay(one: DeploymentInfo) -> Fix:
    """Gives the container more time before the probes count against it; the containers are made again."""
    now = max(_seconds(one.liveness_probe), _seconds(one.readiness_probe), 10)
    wanted = min(MOST_DELAY, max(300, now * 3))
    return Fix(
        "raise_probe_delay",
        f"Wait {wanted} s before the probes of {one.name} count.",
        (
            f"liveness_probe.initial_delay of {one.name}: {_seconds(one.liveness_probe)} s → {wanted} s",
            f"readiness_probe.initial_delay of {one.name}: {_seconds(one.readiness_probe)} s → {wanted} s",
            "The deployment is made again from what it is made of; its containers are replaced one after the other.",
        ),
        {"deployment": one.name, "seconds": wanted},
    )


def raise_timeout(one: DeploymentInfo) -> Fix | None:
    """Gives requests more time; None where they have all that Azure gives."""
    now = int(one.request_settings.get("request_timeout_ms") or 5000)
    wanted = min(LONGEST_TIMEOUT_MS, max(30_000, now * 3))
    if wanted <= now:
        return None
    return Fix(
        "raise_timeout",
        f"Give requests to {one.name} {wanted // 1000} s instead of {now / 1000:g} s.",
        (
            f"request_settings.request_timeout_ms of {one.name}: {now} → {wanted}",
            "The deployment is made again from what it is made of; its containers are replaced one after the other.",
            "A slow model stays slow: callers wait longer in place of getting 408.",
        ),
        {"deployment": one.name, "milliseconds": wanted},
    )


def redeploy(one: DeploymentInfo, once: str) -> Fix:
    """Makes a deployment again as it is; `once` says what has to be in order before."""
    return Fix(
        "redeploy",
        f"Make the deployment {one.name} again, {once}.",
        (
            f"deployment {one.name}: made again from the same model, code and environment "
            f"({one.instance_count} × {one.instance_type})",
            f"It only helps {once}. It takes as long as a deployment does.",
        ),
        {"deployment": one.name},
    )


def approve(connection: str, workspace: str) -> Fix:
    """Approves a private endpoint connection of the workspace that waits."""
    return Fix(
        "approve",
        f"Approve the private endpoint connection {connection} of {workspace}.",
        (
            f"private endpoint connection {connection} of the workspace {workspace}: Pending → Approved",
            "From then on, the network of that private endpoint reaches the workspace. Approve only what you know.",
        ),
        {"connection": connection},
    )


def write_key(endpoint: EndpointInfo) -> Fix:
    """Writes the key that opens the endpoint to a file, for the caller that has a wrong one."""
    return Fix(
        "write_key",
        "Write the endpoint's primary key to a new file for your eyes only, to hand to the caller.",
        (
            f"a new file in the state folder, readable by you only, with the primary key of {endpoint.name}",
            "The key itself is never shown. Nothing in Azure is changed; other callers' keys stay good.",
        ),
        {"which": "primary"},
    )


def enter_secret() -> Fix:
    """A new client secret, for this session only."""
    return Fix(
        "enter_secret",
        "Type the new client secret and sign in again; it is kept in memory only.",
        ("The secret is used for this session and written nowhere.",
         "Put it where the plan's reference points too, or the next run fails in the same way."),
        asks="credential.client_secret",
    )  # fmt: skip


def _seconds(probe: Mapping[str, object]) -> int:
    found = probe.get("initial_delay")
    return int(str(found)) if found is not None else 10


def provision_network(info: WorkspaceInfo) -> Fix:
    """Makes the managed virtual network of a workspace that has none yet."""
    now = (info.managed_network or {}).get("status")
    return Fix(
        "provision_network",
        f"Provision the managed virtual network of {info.name}.",
        (
            f"managed virtual network of {info.name}: {now} → Active",
            "Azure makes the network, and private endpoints in it to what belongs to the workspace; these cost by the "
            "hour. It takes some minutes. What serves already is not changed.",
        ),
    )
