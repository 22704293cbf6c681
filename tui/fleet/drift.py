"""Tells apart what changes between a plan and Azure: by the plan, by hand, by autoscale, by Azure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from tui.cloud.monitor import activity_log
from tui.common.redact import looks_secret
from tui.plan.load_save.references import has_reference
from tui.plan.model import Plan
from tui.plan.planned_changes import (
    Change,
    FieldChange,
    autoscale_change,
    deployment_change,
    endpoint_change,
    traffic_change,
    unnamed,
)

PLAN, HAND, AUTOSCALE, AZURE, UNKNOWN = "plan", "hand", "autoscale", "azure", "unknown"
VARIABLES = "environment_variables."
SETTING = "/autoscale"  # after a deployment's id: its autoscale setting, whose own id does not name the deployment
Told = dict[str, Any]
"""A change of one attribute: resource, name, field, before, after, by, who, when, action, apply, refused.

With `apply`, a run would change `before` (in Azure) to `after` (of the plan). Without, it leaves alone what somebody
changed since the last run: `before` is what that run made, `after` what Azure has.
"""


@dataclass(frozen=True)
class Kept:
    """What a kept plan says of a part of the endpoint; `references` are keys whose values are not known here."""

    plan: Plan
    ids: Mapping[str, str | None]
    references: frozenset[str] = frozenset()

    def of(self, change: Change) -> Change:
        """A change without the attributes whose value was a reference."""
        known = [one for one in change.changes if f"{change.resource}.{one.field}" not in self.references]
        return replace(change, changes=known)


def references(tree: Any, at: str = "") -> Iterator[str]:
    """The dotted keys of a document whose values are references."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from references(value, f"{at}{key}.")
        elif has_reference(value):
            yield f"{at}{key}"


def without_references(tree: Any) -> Any:
    """A document without the values that are references."""
    if isinstance(tree, Mapping):
        return {key: without_references(value) for key, value in tree.items() if not has_reference(value)}
    return [without_references(item) for item in tree] if isinstance(tree, list) else tree


def changes_since(kept: Mapping[str, Kept], endpoint: Mapping[str, Any] | None) -> list[Change]:
    """What a run of the kept plans would change, including what was added: what somebody changed since they ran.

    `kept` says what each deployment was, and under "" what the endpoint and its traffic were.
    """
    newest = kept[""]
    there = {one["name"]: one for one in (endpoint or {}).get("deployments") or ()}
    found = [newest.of(endpoint_change(newest.plan, endpoint)), newest.of(traffic_change(newest.plan, endpoint))]
    if endpoint is not None:
        found += _added("endpoint", endpoint["name"], "tags.", newest, newest.plan.endpoint.tags, endpoint["tags"])
    for name in filter(None, kept):
        one, now = kept[name], there.get(name) or {}
        found.append(one.of(deployment_change(one.plan, there.get(name), one.ids)))
        scaled = autoscale_change(one.plan, there.get(name)) if now else None
        found += [scaled] if scaled else []
        for key in ("environment_variables", "tags"):
            found += _added("deployment", name, f"{key}.", one, getattr(one.plan.deployment, key), now.get(key))
    return found


def _added(
    resource: str, name: str, prefix: str, kept: Kept, wanted: Mapping[str, str], now: Mapping[str, str] | None
) -> list[Change]:
    more = [(f"{prefix}{one}", str((now or {})[one])) for one in unnamed(wanted, now)]
    return [
        Change(resource, name, "change", [FieldChange(field, value, None)])
        for field, value in more  # without what looks secret, which is not kept
        if f"{resource}.{field}" not in kept.references and not looks_secret(field.partition(".")[2], value)
    ]


def changes_told_apart(
    plan_changes: Sequence[Change],
    kept_changes: Sequence[Change] | None,
    rules: Mapping[str, Mapping[str, Any]],
    log: Sequence[activity_log.Change],
) -> list[Told]:
    """What a run of the plan would change, then what it would leave alone; each with its origin.

    `kept_changes` is the result of `changes_since`, or None if no plan is kept; `rules` has the active autoscale rules
    by deployment, with `instance_count` in Azure and `wanted` in the plan; `log` what happened since the last run,
    newest first.
    """
    since = {(each.resource, each.name, field): each for each in kept_changes or () for field, _, _ in _each(each)}
    found = [
        _told(change, one, since, kept_changes is not None, log) for change in plan_changes for one in _each(change)
    ]
    seen = {(one["resource"], one["name"], one["field"]) for one in found}
    created = {(one["resource"], one["name"]) for one in found if one["action"] == "create"}
    for name, rule in rules.items():
        if rule["instance_count"] != rule["wanted"] and ("deployment", name) not in created:
            seen.add(("deployment", name, "instance_count"))
            found.append(
                _entry("deployment", name, "instance_count", rule["wanted"], rule["instance_count"], AUTOSCALE)
                | {"who": str(rule["name"]), "apply": False}
            )
    for change in kept_changes or ():
        for field, before, after in _each(change):
            key = (change.resource, change.name, field)
            if key not in seen and key[:2] not in created:
                seen.add(key)
                by, who, when = _origin(change, field, log)
                if by == UNKNOWN and before is not None and after is None:
                    continue  # an earlier plan set it, the newest one does not name it, and nobody came since
                gone = change.action == "create"
                was, now = ("present", None) if gone else (after, before)
                if not gone or not field:
                    found.append(_entry(*key, was, now, by) | {"who": who, "when": when, "apply": False})
    return found


def after(log: Sequence[activity_log.Change], run: str) -> list[activity_log.Change]:
    """The entries after a run's plan was kept (ISO 8601), newest first; without the run's own, which shifts the traffic
    then, if a resource has later ones."""
    ended = (datetime.strptime(run[:19], _TIME) + timedelta(minutes=2)).strftime(_TIME) if run else ""
    newest: dict[str, activity_log.Change] = {}
    for one in log:
        newest.setdefault(one.resource.lower(), one)
    return [one for one in log if one.time[:19] > ended or (one.time[:19] > run[:19] and one in newest.values())]


_TIME = "%Y-%m-%dT%H:%M:%S"


def _each(change: Change) -> Iterator[tuple[str, Any, Any]]:
    if change.action == "create" and change.resource != "traffic":
        yield "", None, "new"
    for one in change.changes:
        yield one.field, one.before, one.after


def _told(
    change: Change,
    one: tuple[str, Any, Any],
    since: Mapping[Any, Change],
    kept: bool,
    log: Sequence[Any],
) -> Told:
    field, before, after = one
    earlier = since.get((change.resource, change.name, field)) or since.get((change.resource, change.name, ""))
    if earlier is not None:
        by, who, when = _origin(change, field, log)
    elif change.action == "create":
        gone = next(_entries(change, log, "/delete"), None)
        by, who, when = (HAND, gone.caller, gone.time) if gone else (PLAN, "", "")
    else:
        by, who, when = (PLAN if kept else UNKNOWN), "", ""
    return _entry(change.resource, change.name, field, before, after, by) | {
        "who": who, "when": when, "action": change.action, "refused": change.refused,
    }  # fmt: skip


def _entry(resource: str, name: str, field: str, before: Any, after: Any, by: str) -> Told:
    return {
        "resource": resource, "name": name, "field": field, "before": before, "after": after, "by": by,
        "who": "", "when": "", "action": "change", "apply": True, "refused": "",
    }  # fmt: skip


def _origin(change: Change, field: str, log: Sequence[activity_log.Change]) -> tuple[str, str, str]:
    """Who changed an attribute, and when: (by, who, when). The log names resources, not attributes."""
    entries = list(_entries(change, log, "/delete" if change.action == "create" else "/write"))
    if not entries:
        return UNKNOWN, "", ""
    people = [one for one in entries if not _service(one.caller)]
    if not people:
        scaled = field == "instance_count" and "autoscale" in entries[0].caller.lower()
        return AUTOSCALE if scaled else AZURE, entries[0].caller, entries[0].time
    return HAND, " or ".join(dict.fromkeys(one.caller for one in people if one.caller)), people[0].time


def _entries(change: Change, log: Sequence[activity_log.Change], action: str) -> Iterator[activity_log.Change]:
    below = f"/onlineendpoints/{change.name}"
    if change.resource in ("deployment", "autoscale"):
        below = f"/deployments/{change.name}{'' if change.resource == 'deployment' else SETTING}"
    for one in log:
        fits = one.status == "Succeeded" and one.action.lower().endswith(action)
        if fits and one.resource.lower().endswith(below.lower()):
            yield one


def _service(caller: str) -> bool:
    """Whether the activity log or systemData names one of Azure's own services."""
    return caller.lower().startswith(("microsoft.", "azure "))
