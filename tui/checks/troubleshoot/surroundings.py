"""Diagnose what surrounds an endpoint: workspace, network, recent operations, and whether logs are kept."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from tui.checks.finding import BLOCKER, WARNING, Finding, Fix, Recognise, with_card
from tui.checks.network import connectivity, network_flags
from tui.checks.network.connectivity import Hop
from tui.checks.troubleshoot import fixes
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.checks.workspace.workspace import version_two
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.az_command import az

PRIVATE_LINK = "https://learn.microsoft.com/azure/machine-learning/how-to-configure-private-link"
MONITOR = "https://learn.microsoft.com/azure/machine-learning/how-to-monitor-online-endpoints"
ARTICLE = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"
_QUOTA = ("quota", "out-of-quota", "region-capacity")
# For preflight findings about a workspace: the catalogue's card, and the request to the administrator.
_ASKED = {
    "v1-legacy-mode": ("v1-legacy", "Please set v1_legacy_mode of the workspace {name} to false."),
    "managed-network": ("managed-net-not-ready", "Please provision the managed network of {name}."),
}


def workspace(snapshot: Snapshot) -> Iterator[Finding]:
    """Legacy mode, the managed virtual network, pending private endpoint connections."""
    info = snapshot.workspace
    if info is None:
        return
    of_preflight = [*version_two(info), *network_flags.provisioned(info)]
    yield from (_asked(one, info) for one in of_preflight if one.severity == BLOCKER)
    for connection in snapshot.connections:
        yield from _connection(info, connection)


def _asked(found: Finding, info: WorkspaceInfo) -> Finding:
    card, please = _ASKED[found.id]
    request = _request(please.format(name=info.name), found.commands[0], info.id)
    ours = (fixes.provision_network(info),) if found.id == "managed-network" else ()
    return replace(found, field="", card=card, request=request, fixes=ours)


def _connection(info: WorkspaceInfo, connection: Mapping[str, str]) -> Iterator[Finding]:
    """A private endpoint connection of the workspace that does not work."""
    status, about = connection["status"].lower(), connection["name"]
    if status == "pending":
        yield Finding(
            "private-endpoint-pending",
            WARNING,
            "",
            f"The private endpoint {connection['private_endpoint'] or about} is waiting for approval, so its "
            f"network cannot reach {info.name} yet.",
            "Approve it if you know its purpose.",
            PRIVATE_LINK,
            info.id,
            cause="Its connection to the workspace was requested but not approved.",
            evidence=(f"{about}: {connection['status']}  {connection['description']}".rstrip(),),
            fixes=(fixes.approve(about, info.name),),
        )
    elif status in ("rejected", "disconnected"):
        message = f"The private endpoint connection {about} is {status}."
        remedy = "Create the private endpoint again."
        yield Finding("private-endpoint-rejected", WARNING, "", message, remedy, PRIVATE_LINK, info.id)


def reachability(snapshot: Snapshot) -> Iterator[Finding]:
    """Host names of the endpoint that do not resolve or connect correctly from this machine."""
    for told in snapshot.connectivity.get("hops") or []:
        hop = Hop(**told)
        others = hop.name not in ("scoring", "resource-manager", "login", "storage")
        if hop.state not in _CAUSES or (others and hop.state != connectivity.WRONG_ADDRESS):
            continue
        scoring = hop.name == "scoring"
        seen = ", ".join(hop.addresses) or "no address"
        yield replace(
            connectivity.finding(hop),
            # For an existing endpoint, no answer is a failure too.
            severity=WARNING if others or not (hop.needed or scoring) else BLOCKER,
            field="",
            cause=_CAUSES[hop.state],
            remedy=hop.remedy or "Ask the administrator of the network and its name servers.",
            evidence=(
                f"{hop.host} → {' → '.join([*hop.cnames, seen])}",
                f"state: {hop.state}; expected: {hop.expected or 'any'} address",
            ),
            card="endpoint-dns" if scoring and hop.state in ("unresolved", connectivity.WRONG_ADDRESS) else "",
            request=_request(
                f"Please make sure that this machine can reach {hop.host}. {hop.remedy}",
                hop.command,
                f"It currently resolves to {seen}.",
            ),
        )


_CAUSES = {
    "unresolved": "This machine's name servers do not know the name: a private DNS zone is not linked to this network, "
    "or a forwarder is missing.",
    "wrong_address": "The name resolves to a public address, but the workspace answers only on a private one: the "
    "private DNS zone is not linked to this network, or lacks the record.",
    "unreachable": "The name resolves, but the address does not answer: check firewall, routes and peering.",
    "tls": "Another service answers, or a device on the path opens the connection: its certificate is not trusted.",
}


def history(snapshot: Snapshot, facts: Mapping[str, Any], recognise: Recognise) -> Iterator[Finding]:
    """Operations that failed in the last day without a later success; failed deployments have their own findings."""
    endpoint = snapshot.there
    there = {one.id.lower() for one in endpoint.deployments if one.provisioning_state.lower() in ("failed", "canceled")}
    for change in snapshot.failed_changes()[:5]:
        if change.resource.lower() in there:
            continue
        deployment = change.name if "/deployments/" in change.resource.lower() else ""
        card = recognise(change.raw, change.code, {**facts, "deployment": deployment} if deployment else facts)
        quota = bool(card) and str((card or {}).get("id")) in _QUOTA
        yield with_card(
            card,
            id="change-failed",
            severity=WARNING,
            message=f"{change.operation} on {change.name} failed on {_moment(change.time)}, by {change.caller}.",
            cause=change.reason or "The activity log does not say why.",
            remedy="Fix what the evidence names, and repeat the operation.",
            evidence=change.lines(),
            docs=ARTICLE,
            deployment=deployment,
            looked_at=change.resource,
            request_ids=(change.correlation_id,) if change.correlation_id else (),
            fixes=tuple(_room(snapshot)) if quota else (),
        )


def _room(snapshot: Snapshot) -> list[Fix]:
    """Fixes that release quota: delete deployments without traffic, then reduce instances of those with several."""
    endpoint = snapshot.there
    offered: list[Fix | None] = []
    if any(endpoint.traffic.values()):
        offered += [fixes.remove_deployment(endpoint, one) for one in endpoint.deployments]
    offered += [
        fixes.scale(endpoint, one, one.instance_count // 2) for one in endpoint.deployments if one.instance_count > 1
    ]
    return [fix for fix in offered if fix is not None][:3]


def logs_kept(snapshot: Snapshot) -> Iterator[Finding]:
    """Check that the containers' logs are stored outside the containers."""
    endpoint, kept = snapshot.there, snapshot.diagnostics
    if kept is None or kept.on:
        return
    categories = (f"AmlOnlineEndpoint{kind}Log" for kind in ("Console", "Traffic", "Event"))
    command = az(
        "monitor diagnostic-settings create",
        name="logs",
        resource=endpoint.id,
        workspace="LOG_ANALYTICS_WORKSPACE",
        logs=json.dumps([{"category": name, "enabled": True} for name in categories]),
    )
    what = "are sent elsewhere than to Log Analytics" if kept.settings else "are not kept"
    yield Finding(
        "logs-not-kept",
        WARNING,
        "",
        f"The logs of {endpoint.name} {what}: a container's output is lost when it is deleted.",
        cause="No diagnostic setting sends the console log to a Log Analytics workspace. It must exist before a "
        "failure occurs.",
        remedy="Ask for a diagnostic setting for the endpoint.",
        evidence=tuple(f"diagnostic setting: {name}" for name in kept.settings) or ("diagnostic settings: none",),
        commands=(command,),
        docs=MONITOR,
        looked_at=endpoint.id,
        advice=True,
        request=_request(f"Please keep the logs of the endpoint {endpoint.name}.", command, endpoint.id),
    )


def _request(what: str, command: str, about: str) -> str:
    """The text to send to the person responsible."""
    return "\n".join(part for part in (what, f"About: {about}", f"Command: {command}" if command else "") if part)


def _moment(text: str) -> str:
    return text[:16].replace("T", " ") + " UTC" if len(text) >= 16 else text
