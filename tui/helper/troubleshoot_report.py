"""Formats the answer to `troubleshoot` as lines, for every front end. Standard library only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tui.plan.autoscale import limits_in_words
from tui.plan.traffic import in_words, largest_first

SIGNS = {"blocker": "✖", "warning": "!", "unknown": "?", "ok": "✔"}
WORDS = {"blocker": "wrong", "warning": "warning", "unknown": "unknown", "ok": "OK"}

Report = Mapping[str, Any]


def differences(before: Report, after: Report) -> list[str]:
    """The relevant changes between two reports, as sentences."""
    old, new = _findings(before), _findings(after)
    appeared, left = [new[key] for key in new if key not in old], [old[key] for key in old if key not in new]
    known = {_event(change) for change in before.get("history") or ()}
    changes = reversed(list(after.get("history") or ())) if before.get("history") is not None else ()
    return [
        *(f"new: {one['message']}" for one in appeared if one["severity"] != "ok"),
        *(f"resolved: {one['message']}" for one in left if one["severity"] != "ok"),
        *(f"now: {one['message']}" for one in appeared if one["severity"] == "ok"),
        *_states(before, after),
        *(history_line(change) for change in changes if _event(change) not in known and not _only_read(change)),
    ]


def _findings(report: Report) -> dict[tuple[str, str], Mapping[str, Any]]:
    return {key_of(item): item for item in report.get("findings") or ()}


def key_of(item: Mapping[str, Any]) -> tuple[str, str]:
    """What makes a finding the same one in another report."""
    return item["id"], item.get("deployment") or ""


def _event(change: Mapping[str, Any]) -> tuple[str, ...]:
    return (str(change.get("correlation_id")), str(change.get("action")), str(change.get("status")))


# Azure lists these as actions, and a test call causes them: each refresh would report itself.
_READING = ("/listkeys/action", "/token/action", "/getlogs/action")


def _only_read(change: Mapping[str, Any]) -> bool:
    return str(change.get("action") or "").lower().endswith(_READING)


def _states(before: Report, after: Report) -> Iterator[str]:
    old, new = before.get("endpoint") or {}, after.get("endpoint") or {}
    if old.get("provisioning_state") != new.get("provisioning_state"):
        yield f"endpoint: {_was(old.get('provisioning_state'))} → {_was(new.get('provisioning_state'))}"
    if split(old.get("traffic") or {}) != split(new.get("traffic") or {}):
        yield f"traffic: {split(old.get('traffic') or {})} → {split(new.get('traffic') or {})}"
    earlier = {one["name"]: one for one in before.get("deployments") or ()}
    later = {one["name"]: one for one in after.get("deployments") or ()}
    yield from (f"deployment {name}: deleted" for name in earlier if name not in later)
    for name, one in later.items():
        was = earlier.get(name)
        if was is None:
            yield f"deployment {name}: new, {one['provisioning_state']}"
            continue
        if was["provisioning_state"] != one["provisioning_state"]:
            yield f"deployment {name}: {was['provisioning_state']} → {one['provisioning_state']}"
        if was["instance_count"] != one["instance_count"]:
            yield f"deployment {name}: {was['instance_count']} → {one['instance_count']} instances"


def _was(state: Any) -> str:
    return str(state or "not seen")


def split(shares: Mapping[str, int]) -> str:
    """A traffic split as text, the largest share first."""
    return in_words(largest_first(shares))


def headline(report: Report) -> str:
    """The endpoint's state in one line."""
    findings = report.get("findings") or ()
    counted = Counter(item["severity"] for item in findings if not item.get("advice") and not item.get("follows"))
    consequences = sum(bool(item.get("follows")) for item in findings)
    advice = sum(bool(item.get("advice")) for item in findings)
    parts = []
    for kind, one, more in (("blocker", "problem", "problems"), ("warning", "warning", "warnings"),
                            ("unknown", "unknown", "unknown")):  # fmt: skip
        if counted[kind]:
            parts.append(f"{counted[kind]} {one if counted[kind] == 1 else more}")
    if consequences:
        parts.append(f"{consequences} consequence{'s' if consequences > 1 else ''}")
    if advice:
        parts.append(f"{advice} recommendation{'s' if advice > 1 else ''}")
    return f"{report.get('name')}: {', '.join(parts) or 'no problems found'}."


def state_lines(report: Report) -> list[tuple[str, str]]:
    """The endpoint's properties, as names and values for a table."""
    endpoint = report.get("endpoint")
    if not endpoint:
        return []
    cost = report.get("cost") or {}
    rows = [
        ("State", str(endpoint.get("provisioning_state") or "unknown")),
        ("Traffic", split(endpoint.get("traffic") or {})),
        ("Mirrored traffic", split(endpoint.get("mirror_traffic") or {}) if endpoint.get("mirror_traffic") else ""),
        ("Scoring URL", str(endpoint.get("scoring_uri") or "none yet")),
        ("Sign-in", str(endpoint.get("auth_mode") or "")),
        ("Public access", str(endpoint.get("public_network_access") or "")),
        ("Region", str(endpoint.get("location") or "")),
        ("Age", _made(endpoint)),
        ("Changed", _changed(endpoint)),
        ("Cost", money(cost)),
        ("Workspace", str((report.get("workspace") or {}).get("explain") or "")),
        ("Portal", str(endpoint.get("portal_url") or "")),
    ]
    return [(name, value) for name, value in rows if value]


def money(cost: Mapping[str, Any]) -> str:
    """The cost of all instances as text."""
    if cost.get("per_hour") is None:
        return f"unknown. {cost.get('note') or ''}".strip() if cost else ""
    currency = cost.get("currency") or ""
    return f"{cost['per_hour']:.2f} {currency} an hour, {cost['per_month']:.0f} {currency} a month. {cost.get('note')}"


def _made(one: Mapping[str, Any]) -> str:
    if one.get("age_seconds") is None:
        return ""
    by = f", created by {one['created_by']}" if one.get("created_by") else ""
    return f"{span(one['age_seconds'])}, since {moment(str(one.get('created_at') or ''))}{by}"


def _changed(one: Mapping[str, Any]) -> str:
    by = f" by {one['changed_by']}" if one.get("changed_by") else ""
    return f"{moment(str(one['changed_at']))}{by}" if one.get("changed_at") else ""


def span(seconds: float) -> str:
    """`3 days`, `5 hours`, `12 minutes`, `40 seconds`."""
    for size, word in ((86400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= size:
            number = int(seconds // size)
            return f"{number} {word}{'s' if number != 1 else ''}"
    return f"{int(seconds)} second{'s' if int(seconds) != 1 else ''}"


def moment(text: str) -> str:
    """A time in UTC to the second, as text."""
    return f"{text[:10]} {text[11:19]} UTC" if len(text) >= 19 else text


def deployment_line(one: Mapping[str, Any]) -> str:
    """A deployment as one line."""
    price = one.get("price_per_hour")
    parts = [
        f"{one['name']}  {one['provisioning_state'] or 'state unknown'}, {one['traffic']} % of traffic",
        f"{one['instance_count']} × {one['instance_type']}",
    ]
    if price is not None:
        parts.append(f"{price:.2f} an hour")
    if one.get("age_seconds") is not None:
        parts.append(f"{span(one['age_seconds'])} old")
    parts += [
        limits_in_words(rule["minimum"], rule["maximum"]) for rule in one.get("autoscale") or () if rule["enabled"]
    ]
    return ", ".join(parts)


def hop_line(hop: Mapping[str, Any]) -> str:
    """A host on the network path as one line."""
    state = str(hop.get("state") or "unknown")
    words = {
        "reachable": "reachable", "unreachable": "unreachable", "unresolved": "no address",
        "wrong_address": "public address", "tls": "wrong certificate", "not_tried": "not tested",
    }.get(state, "unknown")  # fmt: skip
    bad = state in ("unreachable", "unresolved", "wrong_address", "tls")
    sign = ("✖" if hop.get("needed") else "!") if bad else "✔" if state == "reachable" else "·"
    address = ", ".join(hop.get("addresses") or ()) or "-"
    return f"{sign} {hop.get('title') or hop.get('name')}: {words}, {hop.get('host') or 'unknown name'} → {address}"


def history_line(change: Mapping[str, Any]) -> str:
    """A change as one line: time, operation, resource, result, caller."""
    code = f" ({change['code']})" if change.get("code") and change.get("status") == "Failed" else ""
    name = str(change.get("resource") or "").rstrip("/").rpartition("/")[2]
    return (
        f"{moment(str(change.get('time') or ''))}  {change.get('operation')}: {name}, {change.get('status')}{code}, "
        f"by {change.get('caller') or 'an unknown caller'}"
    )


def metric_lines(report: Report) -> list[str]:
    """The last hour's metrics: requests by deployment and status, latency, load."""
    hour = report.get("metrics")
    if hour is None:
        return []
    if not hour.get("answers"):
        lines = ["No requests in the last hour. Metrics are a minute or two late."]
    else:
        lines = [
            f"{item['count']:.0f} requests {'to ' + item['deployment'] if item['deployment'] else 'to no deployment'} "
            f"answered {item['status']}"
            for item in hour["answers"]
        ]
    for name, found in (hour.get("latency") or {}).items():
        if name:
            shown = ", ".join(f"{key[:3]} {value:.0f} ms" for key, value in sorted(found.items()))
            lines.append(f"{name}: slowest minute {shown}")
    for name, found in (hour.get("load") or {}).items():
        shown = ", ".join(f"{key.split('_')[0]} {value:.0f} %" for key, value in sorted(found.items()))
        lines.append(f"{name}: busiest minute {shown}")
    return lines


def test_line(call: Mapping[str, Any]) -> str:
    """A test call as one line."""
    sign = "✔" if call.get("ok") else "✖"
    status = call.get("status_code") or "no answer"
    took = f" in {call['latency_ms']:.0f} ms" if call.get("latency_ms") is not None else ""
    by = f" by {call['deployment']}" if call.get("deployment") else ""
    note = f". {call['note']}" if call.get("note") else ""
    return f"{sign} {call.get('route')}: {status}{by}{took}{note}"


def every_fix(report: Report) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """All available fixes with their findings, the worst first, each fix once."""
    found: dict[tuple[str, str], tuple[Mapping[str, Any], Mapping[str, Any]]] = {}
    for item in report.get("findings") or ():
        for fix in item.get("fixes") or ():
            found.setdefault((fix["action"], repr(sorted((fix.get("with") or {}).items()))), (item, fix))
    return list(found.values())


def for_support(report: Report, lines: int = 40) -> str:
    """The report as one text for a support request: ids, times, findings, changes, last log lines."""
    parts = [headline(report), f"Read at {moment(str(report.get('time') or ''))} as {report.get('principal') or '?'}"]
    parts += [f"{name}: {value}" for name, value in state_lines(report)]
    parts += [deployment_line(one) for one in report.get("deployments") or ()]
    for item in report.get("findings") or ():
        parts += ["", f"{WORDS.get(item['severity'], item['severity'])}: {item['message']}"]
        parts += [f"  follows from: {item['follows_from']}"] if item.get("follows") else []
        parts += [f"  why: {item['cause']}"] if item.get("cause") else []
        parts += [f"  {line}" for line in item.get("evidence") or ()]
        parts += [f"  request id: {value}" for value in item.get("request_ids") or ()]
    parts += ["", "Changes of the last 24 hours", *(history_line(change) for change in report.get("history") or ())]
    for log in report.get("logs") or ():
        tail: Sequence[str] = str(log["content"]).splitlines()[-lines:]
        parts += ["", f"Log of {log['deployment']}, {log['container']}, last {len(tail)} lines", *tail]
    return "\n".join(parts) + "\n"
