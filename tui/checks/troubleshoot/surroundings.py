"""What is wrong around an endpoint: workspace, network, what was tried lately, and whether logs are kept."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tui.checks.finding import BLOCKER, WARNING, Finding, Fix, Recognise, with_card
from tui.checks.troubleshoot import fixes
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.cloud.monitor.activity_log import Change
from tui.cloud.workspace.workspace import WorkspaceInfo

LEGACY = "https://learn.microsoft.com/azure/machine-learning/how-to-configure-network-isolation-with-v2"
PRIVATE_LINK = "https://learn.microsoft.com/azure/machine-learning/how-to-configure-private-link"
DNS = "https://learn.microsoft.com/azure/machine-learning/how-to-custom-dns"
MONITOR = "https://learn.microsoft.com/azure/machine-learning/how-to-monitor-online-endpoints"
ARTICLE = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints"
_BAD = {"unreachable", "unresolved", "wrong_address", "tls"}
_QUOTA = ("quota", "out-of-quota", "region-capacity")


def workspace(snapshot: Snapshot) -> list[Finding]:
    """Legacy mode, the managed virtual network, private endpoint connections that wait."""
    info = snapshot.workspace
    if info is None:
        return []
    found = [_legacy_mode(info), _managed_network(info), *(_connection(info, one) for one in snapshot.connections)]
    return [trouble for trouble in found if trouble is not None]


def _legacy_mode(info: WorkspaceInfo) -> Finding | None:
    if not info.v1_legacy_mode:
        return None
    command = f"az ml workspace update --name {info.name} --set v1_legacy_mode=false"
    return Finding(
        "v1-legacy-mode",
        BLOCKER,
        "",
        f"The workspace {info.name} is in v1 legacy mode: its endpoints can be neither made nor changed.",
        cause="v1_legacy_mode is true, which switches the v2 API off.",
        remedy="Ask whoever answers for the workspace's network to switch it off; there was a reason.",
        evidence=(f"{info.name}: v1LegacyMode true",),
        commands=(command,),
        docs=LEGACY,
        looked_at=info.id,
        card="v1-legacy",
        request=_request(f"Please set v1_legacy_mode of the workspace {info.name} to false.", command, info.id),
    )


def _managed_network(info: WorkspaceInfo) -> Finding | None:
    network = info.managed_network or {}
    if info.isolation != "managed_network" or (network.get("status") or "").lower() in ("active", ""):
        return None
    command = f"az ml workspace provision-network --name {info.name}"
    return Finding(
        "managed-network",
        BLOCKER,
        "",
        f"The managed virtual network of {info.name} is {network.get('status')}: new deployments fail.",
        cause="It is switched on and not provisioned yet, which the first deployment or a command does.",
        remedy="Have it provisioned, and wait until it is Active.",
        evidence=(f"managed network: {network.get('isolation_mode')}, {network.get('status')}",),
        commands=(command,),
        docs=ARTICLE,
        looked_at=info.id,
        card="managed-net-not-ready",
        request=_request(f"Please provision the managed network of {info.name}.", command, info.id),
    )


def _connection(info: WorkspaceInfo, connection: Mapping[str, str]) -> Finding | None:
    """A private endpoint connection of the workspace that does not work."""
    status = connection["status"].lower()
    if status == "pending":
        name = connection["private_endpoint"] or connection["name"]
        return Finding(
            "private-endpoint-pending",
            WARNING,
            "",
            f"The private endpoint {name} waits for approval: nobody behind it reaches {info.name} yet.",
            cause="Its connection to the workspace was asked for and not approved.",
            remedy="Approve it, if you know what it is for.",
            evidence=(f"{connection['name']}: {connection['status']}  {connection['description']}".rstrip(),),
            docs=PRIVATE_LINK,
            looked_at=info.id,
            fixes=(fixes.approve(connection["name"], info.name),),
        )
    if status in ("rejected", "disconnected"):
        return Finding(
            "private-endpoint-rejected",
            WARNING,
            "",
            f"The private endpoint connection {connection['name']} is {status}.",
            remedy="Make the private endpoint anew.",
            docs=PRIVATE_LINK,
            looked_at=info.id,
        )
    return None


def reachability(snapshot: Snapshot) -> list[Finding]:
    """Names on the way to the endpoint that do not lead there from this machine."""
    found = []
    for hop in snapshot.connectivity.get("hops") or []:
        state = str(hop.get("state") or "")
        if state not in _BAD:
            continue
        scoring = hop.get("name") == "scoring"
        needed = bool(hop.get("needed")) or scoring
        others = hop.get("name") not in ("scoring", "resource-manager", "login", "storage")
        if others and state != "wrong_address":
            continue
        title = hop.get("title") or hop.get("name")
        seen = ", ".join(hop.get("addresses") or ()) or "no address"
        command = str(hop.get("command") or "")
        words = f"{hop.get('remedy') or ''}".strip()
        found.append(
            Finding(
                f"reach-{hop.get('name')}",
                BLOCKER if needed and not others else WARNING,
                "",
                f"{title} {hop.get('host')} is not reached rightly from here. {hop.get('detail') or ''}".strip(),
                cause=_connectivity_cause(state),
                remedy=words or "Ask whoever answers for the network and its name servers.",
                evidence=(
                    f"{hop.get('host')} → {' → '.join([*(hop.get('cnames') or ()), seen])}",
                    f"state: {state}; expected: {hop.get('expected') or 'any'} address",
                ),
                commands=(command,) if command else (),
                docs=DNS,
                looked_at=str(hop.get("host") or ""),
                card="endpoint-dns" if scoring and state in ("unresolved", "wrong_address") else "",
                request=_request(
                    f"Please see to it that {hop.get('host')} is reached from this machine. {words}",
                    command,
                    f"It resolves to {seen} now.",
                ),
            )
        )
    return found


def _connectivity_cause(state: str) -> str:
    return {
        "unresolved": "Name servers that this machine asks do not know the name: a private DNS zone is not linked to "
        "this network, or a forwarder is missing.",
        "wrong_address": "The name leads to a public address, where the workspace answers on a private one only: the "
        "private DNS zone is not linked to this network, or does not hold the record.",
        "unreachable": "The address is known and nobody answers there: a firewall, a route or a peering is in between.",
        "tls": "Something else answers, or something in between opens the connection: its certificate is not trusted.",
    }[state]


def history(snapshot: Snapshot, facts: Mapping[str, Any], recognise: Recognise) -> list[Finding]:
    """Operations that failed in the last day and were not made good since; failed deployments speak for themselves."""
    endpoint = snapshot.endpoint
    assert endpoint is not None
    there = {one.id.lower() for one in endpoint.deployments if one.provisioning_state.lower() in ("failed", "canceled")}
    found = []
    for change in snapshot.failed_changes()[:5]:
        if change.resource.lower() in there:
            continue
        card = recognise(change.raw, change.code, {**facts, **_deployment_of(change)})
        quota = bool(card) and str((card or {}).get("id")) in _QUOTA
        found.append(
            with_card(
                card,
                id="change-failed",
                severity=WARNING,
                message=f"{change.operation} on {change.name} failed on {_moment(change.time)}, for {change.caller}.",
                cause=change.reason or "The activity log does not say why.",
                remedy="Mend what the evidence names, and do it again.",
                evidence=change.lines(),
                docs=ARTICLE,
                deployment=change.name if "/deployments/" in change.resource.lower() else "",
                looked_at=change.resource,
                request_ids=(change.correlation_id,) if change.correlation_id else (),
                fixes=tuple(_room(snapshot)) if quota else (),
            )
        )
    return found


def _room(snapshot: Snapshot) -> list[Fix]:
    """What gives quota back: deployments that serve nobody, then instances of those that have several."""
    endpoint = snapshot.endpoint
    assert endpoint is not None
    offered: list[Fix | None] = []
    if any(endpoint.traffic.values()):
        offered += [fixes.remove_deployment(endpoint, one) for one in endpoint.deployments]
    offered += [
        fixes.scale(endpoint, one, one.instance_count // 2) for one in endpoint.deployments if one.instance_count > 1
    ]
    return [fix for fix in offered if fix is not None][:3]


def _deployment_of(change: Change) -> dict[str, str]:
    return {"deployment": change.name} if "/deployments/" in change.resource.lower() else {}


def logs_kept(snapshot: Snapshot) -> list[Finding]:
    """Whether the containers' logs are kept where they outlive the containers."""
    endpoint, kept = snapshot.endpoint, snapshot.diagnostics
    assert endpoint is not None
    if kept is None or kept.on:
        return []
    command = (
        f"az monitor diagnostic-settings create --name logs --resource {endpoint.id} "
        "--workspace LOG_ANALYTICS_WORKSPACE "
        '--logs \'[{"category": "AmlOnlineEndpointConsoleLog", "enabled": true}, '
        '{"category": "AmlOnlineEndpointTrafficLog", "enabled": true}, '
        '{"category": "AmlOnlineEndpointEventLog", "enabled": true}]\''
    )
    what = "go elsewhere than to Log Analytics" if kept.settings else "are not kept"
    return [
        Finding(
            "logs-not-kept",
            WARNING,
            "",
            f"The logs of {endpoint.name} {what}: what a container said is gone with it.",
            cause="No diagnostic setting sends the console's log to a Log Analytics workspace. It must be there before "
            "something fails.",
            remedy="Have a diagnostic setting made for the endpoint.",
            evidence=tuple(f"diagnostic setting: {name}" for name in kept.settings) or ("diagnostic settings: none",),
            commands=(command,),
            docs=MONITOR,
            looked_at=endpoint.id,
            advice=True,
            request=_request(f"Please keep the logs of the endpoint {endpoint.name}.", command, endpoint.id),
        )
    ]


def _request(what: str, command: str, about: str) -> str:
    """What to send to whoever has to do it."""
    return "\n".join(part for part in (what, f"About: {about}", f"Command: {command}" if command else "") if part)


def _moment(text: str) -> str:
    return text[:16].replace("T", " ") + " UTC" if len(text) >= 16 else text
