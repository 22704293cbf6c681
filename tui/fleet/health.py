"""The health of an endpoint in one word, with its reason: a pure function of its row's cells."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

HEALTHY, DEGRADED, FAILING, IDLE, UNREACHABLE, UNKNOWN = (
    "healthy", "degraded", "failing", "idle", "unreachable", "unknown",
)  # fmt: skip
ERRORS = ((FAILING, 5, 50), (DEGRADED, 20, 5), (DEGRADED, 100, 1))
"""Health by errors: of at least so many requests in the last hour, at least so many percent."""
_FAILED = ("failed", "canceled")
_READY = ("succeeded", "updating", "scaling")  # an update replaces the instances one after the other
_TRANSIENT = {"creating": "It is being created.", "deleting": "It is being deleted."}


def health(cells: Mapping[str, Any], unreachable: str = "", missing: str = "") -> tuple[str, str]:
    """The word and a sentence that says why; an empty one if cells are still being read.

    `cells` are state, traffic, mirror_traffic, and deployments, requests and errors, which are None if unknown;
    `missing` then says why, as a fragment. `unreachable` is a sentence about the workspace.
    """
    state = str(cells["state"]).lower()
    if unreachable:
        return UNREACHABLE, unreachable
    if state in _TRANSIENT:
        return UNKNOWN, _TRANSIENT[state]
    if state in _FAILED:
        return FAILING, f"The endpoint's provisioning state is {cells['state']}."
    return _not_served(cells) or _errors(cells) or _impaired(cells) or _working(cells, missing)


def _not_served(cells: Mapping[str, Any]) -> tuple[str, str] | None:
    if cells["deployments"] is None:
        return None
    served = {name: share for name, share in cells["traffic"].items() if share}
    states = {one["name"].lower(): str(one["state"]) for one in cells["deployments"]}
    for name, share in served.items():
        state = states.get(name.lower())
        if state is None:
            return FAILING, f"{share} % of the traffic goes to {name}, which does not exist."
        if state.lower() in _FAILED:
            return FAILING, f"{share} % of the traffic goes to {name}, whose state is {state}."
    if served and not any(states[name.lower()].lower() in _READY for name in served):
        return FAILING, f"No deployment that gets traffic is ready: {', '.join(served)}."
    return None


def _errors(cells: Mapping[str, Any]) -> tuple[str, str] | None:
    requests, errors = cells["requests"] or 0, cells["errors"] or 0
    for word, least, percent in ERRORS:
        if requests >= least and 100 * errors >= percent * requests:
            return word, f"{_count(errors, 'error')} in {_count(requests, 'request')} of the last hour."
    return None


def _impaired(cells: Mapping[str, Any]) -> tuple[str, str] | None:
    for one in cells["deployments"] or ():
        name, p95, limit = one["name"], one.get("p95_ms"), one.get("timeout_ms")
        if str(one["state"]).lower() in _FAILED:
            gets = "mirrored requests" if cells["mirror_traffic"].get(name) else "no traffic"
            return DEGRADED, f"The deployment {name} is {one['state']}; it gets {gets}."
        if p95 is not None and limit is not None and p95 > limit:
            return DEGRADED, f"p95 of {name} is {p95:,.0f} ms, above its request time-out of {limit:,.0f} ms."
    return None


def _working(cells: Mapping[str, Any], missing: str) -> tuple[str, str]:
    requests = cells["requests"]
    if cells["deployments"] == []:
        return IDLE, "It has no deployment."
    if cells["deployments"] is None or requests is None:
        return UNKNOWN, missing and f"Not known: {missing}."
    if not requests:
        without = "" if any(cells["traffic"].values()) else ", and no deployment gets traffic"
        return IDLE, f"No requests in the last hour{without}."
    return HEALTHY, f"{_count(requests, 'request')} in the last hour, {_count(cells['errors'] or 0, 'error')}."


def _count(number: int, one: str) -> str:
    return f"{number:,} {one}{'' if number == 1 else 's'}"
