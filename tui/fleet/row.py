"""The row of an endpoint: what was read of it, as the cells that the front ends show. No calls to Azure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Callable

from tui.checks.finding import BLOCKER, UNKNOWN, WARNING, Finding
from tui.cloud.endpoints.deployments import MADE_TAG, RUN_TAG, DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.monitor.activity_log import Change, SubscriptionLog
from tui.cloud.monitor.key_age import key_age, moment
from tui.cloud.monitor.metrics_batch import LastHour
from tui.fleet import ends, health
from tui.plan import sizes

PLAN_TAG = "aml-deploy-plan"
_OF_THE_ENDPOINT = ("id", "traffic", "mirror_traffic", "auth_mode", "public_network_access", "scoring_uri")
_OF_THE_PLACE = ("resource_group", "subscription", "subscription_name")
_OF_ONE_RUN = timedelta(hours=2)  # at most between two of its changes

Note = Callable[..., None]
"""Is told a part that was not read yet (None) or refused (Why), and the cells that depend on it."""


class Why(str):
    """Why something is not known: a fragment of a sentence, without a final stop."""


@dataclass(frozen=True)
class Place:
    """A workspace."""

    id: str
    name: str
    resource_group: str
    subscription: str
    subscription_name: str
    location: str


@dataclass
class Facts:
    """What is known of an endpoint; None is not read yet.

    `told` has who created and changed the endpoint (empty name) and its deployments; `images` the texts of their
    environments, by id in lower case; `log` only the endpoint's changes; `unreachable` is a sentence.
    """

    place: Place
    endpoint: EndpointInfo
    told: dict[str, dict[str, str]]
    portal_url: str
    deployments: list[DeploymentInfo] | Why | None = None
    hour: LastHour | Why | None = None
    log: SubscriptionLog | Why | None = None
    rules: list[Autoscale] | Why | None = None
    images: dict[str, str | Why | None] = field(default_factory=dict)
    unreachable: str = ""


def row(facts: Facts) -> dict[str, Any]:
    """All cells; `why` says why one is null, `pending` names those that are not read yet."""
    endpoint, place, tags = facts.endpoint, facts.place, _tags(facts)
    hour = facts.hour if isinstance(facts.hour, LastHour) else None
    deployments = _deployments(facts, hour)
    counts, costs = ([one[key] for one in deployments or ()] for key in ("instances", "price_per_hour"))
    cells: dict[str, Any] = {
        **{key: getattr(endpoint, key) for key in _OF_THE_ENDPOINT},
        **{key: getattr(place, key) for key in _OF_THE_PLACE},
        "endpoint": endpoint.name,
        "workspace": place.name,
        "workspace_id": place.id,
        "location": endpoint.location or place.location,
        "state": endpoint.provisioning_state,
        "deployments": deployments,
        "instances": None if deployments is None or None in counts else sum(counts),
        "requests": None if hour is None else round(hour.requests),
        "errors": None if hour is None else round(hour.errors),
        "p95_ms": hour.p95_ms if hour else None,
        "cost_per_hour": None if deployments is None or None in costs else round(sum(costs), 4),
        "currency": sizes.price_currency(),
        "price_date": sizes.price_date().rpartition(" ")[2],
        "made_by": f"aml-deploy {tags[MADE_TAG]}" if MADE_TAG in tags else "",
        "plan": tags.get(PLAN_TAG, ""),
        "run": tags.get(RUN_TAG, ""),
        "portal_url": facts.portal_url,
        "endpoint_kind": endpoint.kind or "Managed",
        "read_at": f"{datetime.now(timezone.utc):%Y-%m-%dT%H:%M:%SZ}",
        "changed": [],
    }
    quiet = "there were no requests in the last hour" if hour and not hour.requests else "Azure Monitor has no value"
    why = {"p95_ms": quiet, "scoring_uri": "it has none yet"}
    if None in counts:
        source = "Resource Graph" if facts.unreachable else "Azure"
        why["instances"] = why["cost_per_hour"] = f"{source} does not tell how many instances there are"
    elif None in costs:
        unpriced = {one["instance_type"] for one in deployments or () if one["price_per_hour"] is None}
        why["cost_per_hour"] = f"the table of prices has no {', '.join(sorted(unpriced))} in {cells['location']}"
    pending: list[str] = []

    def note(part: Any, *keys: str) -> None:
        if part is None:
            pending.extend(keys)
        elif isinstance(part, Why):
            why.update(dict.fromkeys(keys, str(part)))

    note(facts.deployments, "deployments", "instances", "cost_per_hour", "ends")
    note(facts.hour, "requests", "errors", "p95_ms")
    note(facts.rules, "autoscale")
    missing = next((str(part) for part in (facts.deployments, facts.hour) if isinstance(part, Why)), "")
    word, reason = health.health(cells, facts.unreachable, missing)
    note(None if word == health.UNKNOWN and not reason else "", "health")
    cells.update(health=word, reason=reason)
    cells["ends"] = _ends(facts, note)
    cells["key_age_days"] = _key_age(facts, note)
    cells["changed_at"], cells["changed_by"] = _last_change(facts, note)
    cells["drift"], cells["drift_reason"] = _drift(facts, note)
    cells["findings"] = [one.as_dict() for one in _findings(word, reason, cells["ends"] or [])]
    cells["pending"] = pending = list(dict.fromkeys(pending))
    unknown = [key for key in why if cells.get(key) is None and key not in pending]
    cells["why"] = {key: why[key] for key in unknown}
    return cells


def _tags(facts: Facts) -> dict[str, str]:
    """The tags that tell of a plan: the endpoint's, or a deployment's in an endpoint that is somebody else's."""
    tagged = [facts.endpoint.tags, *(one.tags for one in _known(facts.deployments))]
    return next((tags for tags in tagged if PLAN_TAG in tags), facts.endpoint.tags)


def _known(part: Any) -> list[Any]:
    return part if isinstance(part, list) else []


def _rules(facts: Facts) -> dict[str, Autoscale]:
    """The active autoscale rules, by deployment in lower case."""
    return {rule.deployment.lower(): rule for rule in _known(facts.rules) if rule.enabled}


def _deployments(facts: Facts, hour: LastHour | None) -> list[dict[str, Any]] | None:
    if not isinstance(facts.deployments, list):
        return None
    rules, found = _rules(facts), []
    for one in facts.deployments:
        price = sizes.price_per_hour(one.instance_type, facts.endpoint.location)
        rule, told = rules.get(one.name.lower()), facts.told.get(one.name, {})
        requests, errors, p95 = (hour.by_deployment.get(one.name) or (0, 0, None)) if hour else (None, None, None)
        found.append(
            {
                "name": one.name,
                "state": one.provisioning_state,
                "model": short(one.model),
                "environment": short(one.environment),
                "instance_type": one.instance_type,
                "instances": one.instance_count or None,  # a deployment has at least one
                "autoscale": rule and {"name": rule.name, "minimum": rule.minimum, "maximum": rule.maximum},
                "price_per_hour": round(price * one.instance_count, 4) if price and one.instance_count else None,
                "traffic": facts.endpoint.traffic.get(one.name, 0),
                "mirror_traffic": facts.endpoint.mirror_traffic.get(one.name, 0),
                "requests": None if requests is None else round(requests),
                "errors": None if errors is None else round(errors),
                "p95_ms": p95,
                "timeout_ms": one.request_settings.get("request_timeout_ms"),
                "changed_at": _seconds(told.get("changed_at", "")),
                "changed_by": told.get("changed_by") or None,
            }
        )
    return found


def short(asset: str | None) -> str:
    """NAME:VERSION of an asset's id; the text itself if it is no id, empty if there is none."""
    name, versions, version = str(asset or "").rpartition("/versions/")
    return f"{name.rpartition('/')[2]}:{version}" if versions else str(asset or "").replace("azureml:", "")


def _ends(facts: Facts, note: Note) -> list[dict[str, str]] | None:
    known = _known(facts.deployments)
    otherwise = Why("its workspace could not be read") if facts.unreachable else None
    texts = [facts.images.get(one.environment.lower(), otherwise) for one in known if one.environment]
    for text in texts:
        note(text, "ends")
    if None in texts or not isinstance(facts.deployments, list):
        return None
    read = [str(text) for text in texts if not isinstance(text, Why)]
    found = ends.soon([one.instance_type for one in known], read)
    return found if found or len(read) == len(texts) else None


def _key_age(facts: Facts, note: Note) -> int | None:
    if facts.endpoint.auth_mode != "key":
        note(Why(f"auth_mode {facts.endpoint.auth_mode} has no keys"), "key_age_days")
        return None
    if not isinstance(facts.log, SubscriptionLog):
        note(facts.log, "key_age_days")
        return None
    created = facts.told[""]["created_at"]
    days, reason = key_age(facts.endpoint.id, created, facts.log)
    note(Why(reason if created or not facts.unreachable else "its workspace could not be read"), "key_age_days")
    return days


def _writes(facts: Facts) -> list[Change]:
    """The successful changes of the endpoint and its deployments in the activity log, oldest first."""
    log = facts.log.changes if isinstance(facts.log, SubscriptionLog) else []
    ended = [one for one in log if one.status == "Succeeded" and one.action.lower().endswith(("/write", "/delete"))]
    return sorted(ended, key=lambda change: change.time)


def _last_change(facts: Facts, note: Note) -> tuple[str | None, str | None]:
    """When and by whom the endpoint or one of its deployments was changed last."""
    told = [(one.get("changed_at", ""), one.get("changed_by", "")) for one in facts.told.values()]
    told += [(change.time, change.caller) for change in _writes(facts)[-1:]]
    at, by = max(told, default=("", ""))
    note(Why("Azure did not tell"), "changed_at", "changed_by")
    return _seconds(at), by or None


def _drift(facts: Facts, note: Note) -> tuple[str | None, str]:
    """Whether somebody else changed it after the run, from times and names alone: `diff` compares the attributes."""
    tags = _tags(facts)
    if PLAN_TAG not in tags and isinstance(facts.deployments, list):
        return "no plan", "It was not made from a plan of aml-deploy."
    untold = isinstance(facts.deployments, Why) and PLAN_TAG not in tags  # their tags may tell of one
    if untold or not isinstance(facts.log, SubscriptionLog) or facts.deployments is None:
        note(facts.deployments if untold else facts.log if isinstance(facts.log, Why) else None, "drift")
        return None, ""
    runs = [tags.get(RUN_TAG, ""), *(one.tags.get(RUN_TAG, "") for one in _known(facts.deployments))]
    begun, since = max(filter(None, map(_begin_of, runs)), default=None), moment(facts.log.since)
    if begun is None or (since and begun < since):
        note(Why("the run is older than the activity log"), "drift")
        return None, ""
    rules, who, until = _rules(facts), "", begun
    last: Change | None = None
    scaled, written = set(), set()
    for change in _writes(facts):
        at, resource, name = moment(change.time), change.resource.lower(), change.name.lower()
        if at is None or at < begun:
            continue
        who = who or change.caller
        again = "/deployments/" in resource and resource in written  # a run writes a deployment once
        if change.caller == who and at <= until + _OF_ONE_RUN and not again:
            until = at
            written.add(resource)
        elif name in rules and (not change.caller or "autoscale" in change.caller.lower()):
            scaled.add(name)
        else:
            last = change
    if last is not None:
        return "changed", f"{last.caller or 'Somebody'} changed {last.name} at {_seconds(last.time)}."
    for one in _known(facts.deployments):
        rule = rules.get(one.name.lower())
        if rule and (one.name.lower() in scaled or one.instance_count != rule.minimum):
            limits = f"{rule.minimum} to {rule.maximum}"
            return "autoscale", f"{rule.name} ({limits}) sets the instances of {one.name}, now {one.instance_count}."
    return "none", "Nobody else changed it after its run, as the activity log tells."


def _begin_of(run: str) -> datetime | None:
    """The beginning of a run, which its id starts with."""
    return moment(f"{run[:4]}-{run[4:6]}-{run[6:8]}T{run[9:11]}:{run[11:13]}:{run[13:15]}")


def _findings(word: str, reason: str, ending: Sequence[Mapping[str, str]]) -> list[Finding]:
    severity = {health.FAILING: BLOCKER, health.DEGRADED: WARNING, health.UNREACHABLE: UNKNOWN}.get(word)
    found = []
    if severity:
        remedy = "Troubleshoot the endpoint." if word != health.UNREACHABLE else ""
        found.append(Finding(f"fleet-{word}", severity, "endpoint.name", reason, remedy))
    for one in ending:
        field_of = "deployment.instance_type" if one["what"].endswith("retires") else "deployment.environment"
        message = f"{one['what']} on {one['date']}."
        found.append(Finding("fleet-ends", WARNING, field_of, message, "Deploy with a newer one.", one["source"]))
    return found


def _seconds(stamp: str) -> str | None:
    """A time of Azure, whose fractions of a second have several lengths, without them; None for an empty text."""
    return f"{stamp[:19]}Z" if stamp else None
