"""Finds out what is wrong with an existing endpoint, and applies fixes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any

from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.helper import sessions
from tui.plan import sizes

if TYPE_CHECKING:
    from tui.checks.troubleshoot.snapshot import Snapshot

HOURS_A_MONTH = 730
SHOWN_LOG = 200_000  # characters of one container's log


def troubleshoot(
    plan: dict[str, Any], body: str | None = None, pinned: str | None = None, lines: int = 300
) -> dict[str, Any]:
    """Everything that this identity can see of the plan's endpoint, and its problems, the worst first.

    `body` is a request for test calls; without it no call is made.
    """
    from tui.checks.finding import wrong
    from tui.checks.troubleshoot.diagnose import diagnose
    from tui.checks.troubleshoot.snapshot import look

    cloud = sessions.cloud_of(plan)
    name = cloud.plan.endpoint.name
    snapshot = look(cloud, name, body=body, pinned=pinned, lines=lines)
    if snapshot.failure is not None:
        sessions.forget(plan)  # permissions may have been corrected by the next question
    found = diagnose(cloud.plan, snapshot, recognise)
    kept, diagnostics = snapshot.kept, snapshot.diagnostics
    return {
        "name": name,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "wrong": wrong(found),
        "findings": [one.as_report() for one in found],
        "principal": snapshot.who.principal if snapshot.who else "",
        "workspace": None if snapshot.workspace is None else {
            key: getattr(snapshot.workspace, key)
            for key in ("id", "name", "location", "isolation", "public_network_access", "explain", "v1_legacy_mode")
        },
        "endpoint": None if snapshot.endpoint is None else _endpoint(cloud, snapshot.endpoint, snapshot.told),
        "deployments": _deployments(snapshot),
        "cost": None if snapshot.endpoint is None else cost(snapshot.endpoint),
        "reach": snapshot.connectivity,
        "logs": [_log(log) for log in snapshot.logs],
        "history": None if snapshot.changes is None else [asdict(change) for change in snapshot.changes],
        "metrics": None if snapshot.hour is None else asdict(snapshot.hour),
        "diagnostics": None if diagnostics is None else {**asdict(diagnostics), "on": diagnostics.on},
        "log_analytics": None if kept is None else asdict(kept),
        "tests": snapshot.tests,
        "unseen": [asdict(item) for item in snapshot.unseen],
        "seconds": snapshot.seconds,
    }  # fmt: skip


def apply_fix(plan: dict[str, Any], action: str, arguments: dict[str, Any] | None = None) -> dict[str, str]:
    """Apply one fix of a finding; returns `{"done": sentence}`. `write_key` needs the `path` of a new file."""
    given = dict(arguments or {})
    if action == "write_key":
        from tui.helper.questions.removal_and_keys import put_key

        which, path = str(given.get("which") or "primary"), str(given["path"])
        put_key(plan, which, path)
        done = f"The {which} key is in {path}, which only you can read. Delete the file when the caller has the key."
        return {"done": done}
    from tui.checks.troubleshoot.apply_fix import apply_fix as carry_out

    cloud = sessions.cloud_of(plan)
    return {"done": carry_out(cloud, cloud.plan.endpoint.name, action, given)}


def endpoint_of_url(plan: dict[str, Any], url: str) -> dict[str, Any]:
    """The endpoint of the plan's workspace with this scoring URL: `{"name": name or "", "names": all}`."""
    from tui.cloud.endpoints import endpoints

    cloud = sessions.cloud_of(plan)
    found = endpoints.list_all(cloud)
    wanted = url.rstrip("/")
    name = next((one.name for one in found if (one.scoring_uri or "").rstrip("/") == wanted), "")
    return {"name": name, "names": [one.name for one in found]}


def recognise(text: str, code: str | None, facts: Mapping[str, Any]) -> dict[str, Any] | None:
    """The best match for a text in the catalogue of remedies, or None."""
    from tui.remedies.matcher import match

    if not text.strip() and not code:
        return None
    found = match(text, code=code, facts=facts)
    return found[0].as_dict() if found else None


def cost(endpoint: EndpointInfo) -> dict[str, Any]:
    """The list price of all instances; None if the table lacks one of the sizes."""
    prices = [sizes.price_per_hour(one.instance_type, endpoint.location) for one in endpoint.deployments]
    known = [price * one.instance_count for price, one in zip(prices, endpoint.deployments) if price is not None]
    whole = len(known) == len(prices)
    return {
        "per_hour": round(sum(known), 4) if whole else None,
        "per_month": round(sum(known) * HOURS_A_MONTH, 2) if whole else None,
        "currency": sizes.price_currency(),
        "note": sizes.price_note(),
    }


def _endpoint(cloud: Any, endpoint: EndpointInfo, told: Mapping[str, dict[str, str]]) -> dict[str, Any]:
    from tui.cloud.workspace.workspace import portal_url

    own = told.get("", {})
    return {
        "name": endpoint.name,
        "id": endpoint.id,
        "provisioning_state": endpoint.provisioning_state,
        "scoring_uri": endpoint.scoring_uri,
        "auth_mode": endpoint.auth_mode,
        "public_network_access": endpoint.public_network_access,
        "traffic": endpoint.traffic,
        "mirror_traffic": endpoint.mirror_traffic,
        "location": endpoint.location,
        "tags": endpoint.tags,
        "portal_url": portal_url(cloud, endpoint.name),
        "age_seconds": age(own.get("created_at", "")),
        **own,
    }


def _deployments(snapshot: Snapshot) -> list[dict[str, Any]]:
    endpoint = snapshot.endpoint
    if endpoint is None:
        return []
    found = []
    for one in endpoint.deployments:
        own = snapshot.told.get(one.name, {})
        price = sizes.price_per_hour(one.instance_type, endpoint.location)
        found.append(
            {
                "name": one.name,
                "provisioning_state": one.provisioning_state,
                "traffic": endpoint.traffic.get(one.name, 0),
                "mirror_traffic": endpoint.mirror_traffic.get(one.name, 0),
                "instance_type": one.instance_type,
                "instance_count": one.instance_count,
                "price_per_hour": None if price is None else round(price * one.instance_count, 4),
                "model": one.model,
                "environment": one.environment,
                "egress_public_network_access": one.egress_public_network_access,
                "request_settings": one.request_settings,
                "liveness_probe": one.liveness_probe,
                "readiness_probe": one.readiness_probe,
                "autoscale": [rule.as_dict() for rule in snapshot.autoscale if rule.deployment == one.name],
                "age_seconds": age(own.get("created_at", "")),
                **own,
            }
        )
    return found


def age(created: str) -> float | None:
    """Seconds since a time in ISO 8601, UTC; None if it is invalid."""
    try:
        moment = datetime.strptime(created[:19], "%Y-%m-%dT%H:%M:%S").replace(tzinfo=timezone.utc)
    except ValueError:
        return None
    return max(0.0, (datetime.now(timezone.utc) - moment).total_seconds())


def _log(log: Any) -> dict[str, str]:
    return {"deployment": log.deployment, "container": log.container, "content": log.content[-SHOWN_LOG:]}
