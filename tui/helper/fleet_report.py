"""Words for the rows of the fleet, for every front end: columns, cells, order, filter. Standard library only.

A row is what the question `fleet` sends for an endpoint; a key that is not known is null, and its `why` says why.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from tui.helper.troubleshoot_report import WORDS, moment
from tui.plan.autoscale import limits_in_words
from tui.plan.traffic import in_words, largest_first

Row = Mapping[str, Any]

UNKNOWN, READING, NONE = "unknown", "reading", "none"
SIGNS = {"failing": "✖", "unreachable": "✖", "degraded": "!", "unknown": "?", "idle": "·", "healthy": "✔"}
"""The words for health, the worst first, with the signs that a screen may put before them."""
HEALTH = tuple(SIGNS)
UNHEALTHY = HEALTH[:3]
DRIFT = {"changed": "changed since", "autoscale": "by autoscale"}


class Column(NamedTuple):
    """A column: the row's key, the title, and the usual width."""

    key: str
    title: str
    width: int


COLUMNS = (
    Column("health", "Health", 11),
    Column("endpoint", "Endpoint", 20),
    Column("workspace", "Workspace", 12),
    Column("traffic", "Traffic", 12),
    Column("requests", "Requests", 8),
    Column("errors", "Errors", 12),
    Column("p95_ms", "p95", 8),
    Column("instances", "Instances", 13),
    Column("cost_per_hour", "Cost/hour", 10),
    Column("ends", "Ends", 23),
    Column("drift", "Drift", 13),
    Column("key_age_days", "Key age", 9),
    Column("deployments", "Deployments", 22),
    Column("changed_at", "Changed", 16),
    Column("subscription_name", "Subscription", 16),
    Column("location", "Region", 12),
)
"""All columns, the most important first. Requests, errors and p95 are those of the last hour."""
TITLES = {column.key: column.title for column in COLUMNS}
NUMBERS = ("requests", "errors", "p95_ms", "instances", "cost_per_hour", "key_age_days")
"""The columns that are aligned at the right."""
_FIGURES = ("requests", "errors", "p95_ms", "key_age_days")  # change by themselves
_LARGEST_FIRST = (*NUMBERS, "changed_at")


def cell(row: Row, key: str) -> str:
    """A row's value of a column in words; `why` says why one is unknown."""
    value = row[key]
    if key in row["pending"]:
        return READING
    if key == "p95_ms" and value is None and row["requests"] == 0:
        return NONE
    if key == "key_age_days" and value is None and "key" not in row["auth_mode"].lower():
        return "no keys"
    if value is None or value == "" or (value == [] and key in row["why"]):
        return UNKNOWN
    return str(_FORMATS[key](row, value)) if key in _FORMATS else str(value)


def _traffic(row: Row, value: Mapping[str, int]) -> str:
    mirrored = in_words(largest_first(row["mirror_traffic"]), "")
    return in_words(largest_first(value)) + (f", mirrored {mirrored}" if mirrored else "")


def _errors(row: Row, value: int) -> str:
    share = 100 * value / row["requests"] if row["requests"] else 0
    return f"{value:,}" + (f" ({share:.0f} %)" if share >= 1 else "")


def _instances(row: Row, value: int) -> str:
    return f"{value}" + (" (autoscale)" if any(one["autoscale"] for one in row["deployments"]) else "")


def _ends(row: Row, value: Sequence[Mapping[str, Any]]) -> str:
    return f"{value[0]['date']} {value[0]['what']}" if value else NONE


def _deployments(row: Row, value: Sequence[Mapping[str, Any]]) -> str:
    return ", ".join(f"{one['name']} {one['model']}".strip() for one in value) or NONE


_FORMATS: Mapping[str, Any] = {
    "traffic": _traffic,
    "requests": lambda row, value: f"{value:,}",
    "errors": _errors,
    "p95_ms": lambda row, value: f"{value:,.0f} ms",
    "instances": _instances,
    "cost_per_hour": lambda row, value: f"{value:.2f} {row['currency']}",
    "key_age_days": lambda row, value: _number(value, "day"),
    "ends": _ends,
    "drift": lambda row, value: DRIFT.get(value, value),
    "deployments": _deployments,
    "changed_at": lambda row, value: f"{value[:10]} {row['changed_by'] or ''}".strip(),
}


def _number(count: int, one: str) -> str:
    return f"{count:,} {one}{'' if count == 1 else 's'}"


def why(row: Row, key: str) -> str:
    """Why a cell is unknown, as a sentence fragment; empty for one that is known or still being read."""
    if cell(row, key) != UNKNOWN:
        return ""
    return str(row["reason"] if key == "health" else row["why"].get(key) or "Azure did not tell").rstrip(".")


def unknowns(rows: Iterable[Row]) -> list[str]:
    """The reasons for unknown cells as lines, each once, the most frequent first, with the number of cells."""
    cells: dict[str, Counter[str]] = {}
    for row in rows:
        reasons = [(title, why(row, key)) for key, title in TITLES.items()]
        for title, reason in [*reasons, ("Autoscale", row["why"].get("autoscale"))]:
            if reason:
                cells.setdefault(reason, Counter())[title] += 1
    counted = sorted((-sum(titles.values()), reason, ", ".join(titles)) for reason, titles in cells.items())
    return [f"{_number(-count, 'cell')} ({titles}): {reason}" for count, reason, titles in counted]


def headline(rows: Sequence[Row], workspaces: Sequence[Mapping[str, Any]]) -> str:
    """All endpoints in one sentence; says when workspaces are still being read, or could not be."""
    counted = Counter(row["health"] for row in rows)
    parts = ", ".join(f"{counted[word]} {word}" for word in HEALTH if counted[word])
    states = Counter(one["state"] for one in workspaces)
    failed = states["refused"] + states["silent"]
    text = f"{_number(len(rows), 'endpoint')} in {_number(len(workspaces), 'workspace')}{': ' if parts else ''}{parts}"
    text += f"; {_number(failed, 'workspace')} could not be read" if failed else ""
    return text + (f"; {states['reading']} still being read." if states["reading"] else ".")


def order(rows: Iterable[Row], key: str = "health", reverse: bool = False) -> list[Row]:
    """The rows by a column: the worst, the largest, the soonest or A first. Unknown values are always last."""
    known: list[Row] = []
    unknown: list[Row] = []
    for row in sorted(rows, key=lambda row: (_rank(row), row["endpoint"].lower(), row["id"].lower())):
        (known if row[key] not in (None, "", [], {}) or _beyond(row, key) else unknown).append(row)
    return sorted(known, key=lambda row: _sortable(row, key), reverse=reverse != (key in _LARGEST_FIRST)) + unknown


def _rank(row: Row) -> int:
    return HEALTH.index(row["health"])


def _beyond(row: Row, key: str) -> bool:
    """Whether an age is not known because it is more than the activity log tells: more than all that are known."""
    return key == "key_age_days" and row[key] is None and why(row, key).startswith("older than ")


def _sortable(row: Row, key: str) -> Any:
    if key == "health":
        return _rank(row)
    if key not in _LARGEST_FIRST:
        return cell(row, key).lower()
    return float("inf") if _beyond(row, key) else row[key]


def matches(row: Row, text: str) -> bool:
    """Whether every word of a filter is in the row: in its cells, names, reasons, models, sizes or people."""
    found = [cell(row, key) for key in TITLES]
    found += [str(row[key]) for key in ("reason", "state", "resource_group", "subscription", "changed_by", "made_by",
              "run", "drift_reason")]  # fmt: skip
    parts = [*(row["deployments"] or ()), *(row["ends"] or ())]
    found += [value for part in parts for value in part.values() if isinstance(value, str)]
    everything = "\n".join(found).lower()
    return all(word in everything for word in text.lower().split())


def differences(before: Row, after: Row, *, figures: bool = False) -> list[str]:
    """What changed in a row between two reads, as texts; the last hour's figures only where asked."""
    texts = []
    for key in [*(key for key in TITLES if figures or key not in _FIGURES), "state"]:
        old, new = cell(before, key), cell(after, key)
        if old != new:
            reason = f" ({after['reason'].rstrip('.')})" if key == "health" else ""
            texts.append(f"{TITLES.get(key, key).lower()}: {old} → {new}{reason}")
    return texts


def details(row: Row) -> list[tuple[str, str]]:
    """Everything about an endpoint, as names and values for a table; what is unknown says why."""

    def known(key: str, more: str = "") -> str:
        reason = why(row, key)
        return f"{UNKNOWN}: {reason}" if reason else cell(row, key) + more

    priced = f" an hour (prices of {row['price_date']})" if row["cost_per_hour"] is not None else ""
    by = f" by {row['changed_by']}" if row["changed_by"] else ""
    hour = f"requests {known('requests')}, errors {known('errors')}, p95 {known('p95_ms')}"
    rows = [
        ("Health", f"{cell(row, 'health')}: {row['reason']}".rstrip(": ")),
        ("State", row["state"] or UNKNOWN),
        *(("Finding", _finding(one)) for one in row["findings"]),
        ("Traffic", known("traffic")),
        *(("Deployment", deployment_line(one)) for one in row["deployments"] or ()),
        ("Last hour", hour),
        ("Instances", known("instances")),
        ("Cost", known("cost_per_hour", priced)),
        *(("Ends", f"{one['date']}: {one['what']} ({one['source']})") for one in row["ends"] or ()),
        ("Ends", "" if row["ends"] else known("ends").replace(NONE, f"{NONE} within six months")),
        ("Key age", known("key_age_days")),
        ("Changed", f"{moment(row['changed_at'])}{by}" if row["changed_at"] else known("changed_at")),
        ("Made by", row["made_by"] or "another tool"),
        ("Run", row["run"]),
        ("Drift", known("drift", f": {row['drift_reason']}" if row["drift_reason"] else "")),
        ("Sign-in", row["auth_mode"]),
        ("Public access", row["public_network_access"]),
        ("Workspace", f"{row['workspace']}, resource group {row['resource_group']}, {row['location']}"),
        ("Subscription", f"{row['subscription_name']} ({row['subscription']})"),
        ("Scoring URL", row["scoring_uri"] or "none yet"),
        ("Portal", row["portal_url"]),
        ("Read", moment(row["read_at"])),
    ]
    return [(name, value) for name, value in rows if value]


def _finding(one: Mapping[str, Any]) -> str:
    return f"{WORDS.get(one['severity'], one['severity'])}: {one['message']} {one['remedy']}".strip()


def deployment_line(one: Mapping[str, Any]) -> str:
    """A deployment of a row as one line."""
    rule = one["autoscale"]
    parts = [
        f"{one['name']}: {one['state'] or 'state unknown'}",
        f"{one['traffic'] or 0} % of traffic",
        f"{one['mirror_traffic']} % mirrored" if one["mirror_traffic"] else "",
        f"{one['instances'] or UNKNOWN} × {one['instance_type']}",
        limits_in_words(rule["minimum"], rule["maximum"]) if rule else "",
        one["model"] or "no model",
        one["environment"],
        f"{one['requests']:,} requests, {one['errors']:,} errors" if one["requests"] is not None else "",
        f"p95 {one['p95_ms']:,.0f} ms" if one["p95_ms"] is not None else "",
    ]
    return ", ".join(part for part in parts if part)
