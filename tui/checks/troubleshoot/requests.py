"""Diagnose how requests are answered: test calls just made, and callers' requests in the last hour."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Callable

from tui.checks.finding import BLOCKER, WARNING, Finding, Fix, Recognise, last_lines, with_card
from tui.checks.troubleshoot import fixes
from tui.checks.troubleshoot.snapshot import Snapshot
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.monitor.metrics import Answers

CODES = "https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints#http-status-codes"
Facts = Callable[[DeploymentInfo], Mapping[str, Any]]
CLOSE = 0.8  # of a limit
BUSY_PERCENT = 90.0

# Status -> its meaning for callers (Microsoft, how-to-troubleshoot-online-endpoints, HTTP status codes).
_MEANING = {
    "401": ("were rejected with 401", "The caller uses a wrong or old key, or an expired token."),
    "403": ("were rejected with 403", "The caller's identity is not authorized to score on this endpoint."),
    "404": ("returned 404", "No deployment had traffic, or the named deployment does not exist."),
    "408": ("timed out with 408", "The model took longer than request_settings.request_timeout_ms."),
    "413": ("were too large (413)", "The body exceeds the service's limit."),
    "424": ("failed in the model (424)", "The container returned a status other than 200, or was not running."),
    "429": ("were rejected with 429", "There were more concurrent requests than the instances can hold."),
    "500": ("failed in the service (500)", "The service's front end failed."),
}
_REMEDY = {
    "401": "Compare the caller's key with the endpoint's. After keys are regenerated, callers need the new one.",
    "403": "Assign the role AzureML Data Scientist on the endpoint (action .../score/action) to the caller's identity.",
    "404": "Compare the traffic and the header azureml-model-deployment with the existing deployments.",
    "408": "Raise the request timeout, or use a larger size; first measure run() on this machine.",
    "424": "Read the container's log around such a request, and send the same request from here to see the response.",
    "429": "Run more instances, or more concurrent requests (max_concurrent_requests_per_instance, WORKER_COUNT).",
    "500": "Open a support request with the x-request-id of such a response.",
}


def tests(snapshot: Snapshot, facts: Facts, recognise: Recognise) -> Iterator[Finding]:
    """Test calls that failed."""
    told: set[tuple[str, str]] = set()
    for call in snapshot.tests:
        if call["ok"]:
            continue
        one = _deployment(snapshot, str(call.get("deployment") or ""))
        status = str(call["status_code"] or "")
        if (status, one.name if one else "") in told:
            continue  # routed and pinned calls that fail in the same way are one finding
        told.add((status, one.name if one else ""))
        headers = "\n".join(f"{name}: {value}" for name, value in (call.get("headers") or {}).items())
        log = snapshot.log_of(one.name) if one and status in ("424", "200") else ""
        text = "\n".join([f"HTTP {status}", headers, str(call["body"]), log])
        card = recognise(text, None, facts(one)) if one else recognise(text, None, {"endpoint": snapshot.name})
        answered = f"returned {status}" if status else "got no response"
        yield with_card(
            card,
            id=f"test-{status or 'unanswered'}",
            severity=BLOCKER,
            message=f"A test call, {call['route']}, {answered}. {call['note']}".strip(),
            cause=_MEANING.get(status, ("", str(call["note"])))[1],
            remedy=_REMEDY.get(status, "Read the evidence."),
            evidence=(*headers.splitlines(), *str(call["body"]).splitlines()[:10], *last_lines(log, 10)),
            docs=CODES,
            deployment=one.name if one else "",
            looked_at=str(snapshot.there.scoring_uri),
            request_ids=tuple(v for n, v in (call.get("headers") or {}).items() if n.lower() == "x-request-id"),
            fixes=tuple(_of_status(snapshot, status, one)),
        )


def answers(snapshot: Snapshot, facts: Facts, recognise: Recognise) -> Iterator[Finding]:
    """Error statuses that callers got in the last hour, since the endpoint was last changed."""
    if snapshot.hour is None or not snapshot.hour.requests:
        return
    tested = {str(call["status_code"]) for call in snapshot.tests if not call["ok"]}
    bad = {(one.status, one.deployment) for one in snapshot.hour.answers if not one.status.startswith("2")}
    for status, deployment in sorted(bad):
        trouble = _answered(snapshot, status, deployment, facts, recognise)
        if trouble is not None and not (status in tested and trouble.severity != BLOCKER):
            yield trouble


def _counted(requests: float, said: str) -> str:
    """`2 requests were answered …`, and `1 request was answered …`."""
    return f"1 request {said.replace('were ', 'was ')}" if round(requests) == 1 else f"{requests:.0f} requests {said}"


def _answered(snapshot: Snapshot, status: str, deployment: str, facts: Facts, recognise: Recognise) -> Finding | None:
    assert snapshot.hour is not None
    # Problems fixed since then are omitted: a change of the split fixes 404, one of the deployment the rest.
    # A caller's key is not fixed by either change.
    since = "" if status in ("401", "403") else snapshot.changed_at("" if status == "404" else deployment)[:16]
    own = [a for a in snapshot.hour.answers if a.deployment == deployment]
    bad = _after([a for a in own if a.status == status], since)
    if not bad:
        return None
    every = _after(own, since) if deployment else snapshot.hour.requests
    share = min(1.0, bad / every) if every else 1.0
    one = _deployment(snapshot, deployment)
    said, cause = _MEANING.get(status, (f"returned {status}", "See Microsoft's list of status codes."))
    log = snapshot.log_of(deployment) if status == "424" and one else ""
    card = (
        recognise(f"HTTP {status} of online endpoint {snapshot.name}\n{log}", None, facts(one)) if log and one else None
    )
    evidence = [f"{bad:.0f} of {every:.0f} requests {f'to {deployment} ' if deployment else ''}{said} in the last hour"]
    if since:
        evidence[0] += f", counted since {since.replace('T', ' ')}"
    rotated = [c for c in snapshot.changes or [] if c.action.lower().endswith("/regeneratekeys/action")]
    if status == "401" and rotated:
        cause = f"{cause} The keys were regenerated on {rotated[0].time[:16].replace('T', ' ')} by {rotated[0].caller}."
        evidence.append(f"{rotated[0].time}  {rotated[0].operation}  {rotated[0].status}  by {rotated[0].caller}")
    return with_card(
        card,
        id=f"answers-{status}",
        severity=BLOCKER if share >= 0.5 and bad >= 3 else WARNING,
        message=f"{_counted(bad, said)} ({share:.0%} of {f'those to {deployment}' if deployment else 'the hour'}).",
        cause=cause,
        remedy=_REMEDY.get(status, "Read the evidence."),
        evidence=(*evidence, *last_lines(log, 10)),
        docs=CODES,
        deployment=deployment,
        looked_at="metric RequestsPerMinute",
        fixes=tuple(_of_status(snapshot, status, one)),
    )


def _after(found: list[Answers], since: str) -> float:
    """How many responses fall into the minutes after a moment."""
    return sum(number for answer in found for minute, number in answer.minutes if minute[:16] > since)


def _of_status(snapshot: Snapshot, status: str, one: DeploymentInfo | None) -> list[Fix]:
    """A fix for a status, if it is safe to apply from here."""
    endpoint = snapshot.there
    if status == "401" and endpoint.auth_mode == "key":
        return [fixes.write_key(endpoint)]
    if one is None:
        return []
    offered: list[Fix | None] = []
    if status == "429":
        offered.append(fixes.scale(endpoint, one, one.instance_count * 2))
    elif status == "408":
        offered.append(fixes.raise_timeout(one))
    if status in ("424", "200", "408", "") and endpoint.traffic.get(one.name):
        offered.append(fixes.rollback(endpoint))
        others = [o for o in endpoint.deployments if o.name != one.name and o.provisioning_state == "Succeeded"]
        offered += [fixes.set_traffic(endpoint, {other.name: 100}) for other in others[:2]]
    return [fix for fix in offered if fix is not None]


def load(snapshot: Snapshot) -> Iterator[Finding]:
    """Latency close to the timeout, and machines close to their limits."""
    for one in snapshot.there.deployments:
        limit = float(one.request_settings.get("request_timeout_ms") or 5000)
        p95 = (snapshot.hour.latency.get(one.name, {}) if snapshot.hour else {}).get("p95_ms", 0.0)
        if limit * CLOSE < p95:
            fix = fixes.raise_timeout(one)
            yield Finding(
                "latency-close",
                WARNING,
                "",
                (
                    f"The p95 latency of {one.name} is {p95:.0f} ms in the worst minute, close to its request timeout "
                    f"of {limit:.0f} ms."
                ),
                cause="Azure ends a request with 408 if it takes longer.",
                remedy="Raise the request timeout, or use a larger size.",
                evidence=(f"RequestLatency_P95, worst minute of the last hour: {p95:.0f} ms",),
                docs=CODES,
                deployment=one.name,
                looked_at="metric RequestLatency_P95",
                fixes=(fix,) if fix else (),
            )
        for key, percent in (snapshot.hour.load.get(one.name, {}) if snapshot.hour else {}).items():
            if percent < BUSY_PERCENT:
                continue
            what = {"cpu_percent": "processors", "memory_percent": "memory", "disk_percent": "disk"}[key]
            more = fixes.scale(snapshot.there, one, one.instance_count + 1) if key == "cpu_percent" else None
            yield Finding(
                f"load-{what}",
                WARNING,
                "deployment.instance_type",
                f"The {what} of {one.name} reached {percent:.0f} % in the worst minute of the last hour.",
                cause="An instance without spare capacity answers slowly, or its container is killed.",
                remedy="Run more instances." if more else "Use a larger size: deployment.instance_type.",
                evidence=(f"{what}: {percent:.0f} %",),
                deployment=one.name,
                looked_at=f"metric {what}",
                fixes=(more,) if more else (),
            )


def _deployment(snapshot: Snapshot, name: str) -> DeploymentInfo | None:
    return next((one for one in snapshot.there.deployments if one.name == name), None)
