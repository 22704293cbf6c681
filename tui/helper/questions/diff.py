"""What a run of a plan would change in Azure, and what somebody changed there since the last run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

from tui.helper import sessions
from tui.plan.load_save.document import Document, deployment_trees
from tui.plan.load_save.resolve import resolve

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo
    from tui.cloud.endpoints.kept_plans import KeptPlan
    from tui.cloud.monitor.activity_log import Change as Entry
    from tui.cloud.session import Cloud
    from tui.fleet.drift import Kept
    from tui.plan.model import Plan
    from tui.plan.planned_changes import Change

_NOTHING_KEPT = "No plan is kept in the workspace for this endpoint, so who changed what is not known."


def diff(plan: dict[str, Any], progress: Callable[[int, int], None] = lambda done, total: None) -> dict[str, Any]:
    """The plan's changes, told apart: `{"changes", "reason", "not_compared", "plan_hash", "approval"}`.

    `progress` receives bytes done and in total while the model's files are read, on several threads.
    """
    from tui.cloud.endpoints import live_state
    from tui.fleet import approval
    from tui.plan.planned_changes import changes as compare

    cloud = sessions.cloud_of(plan)
    found = live_state.read(cloud, cloud.plan, progress)
    planned = [_with_attributes(cloud.plan, change) for change in compare(cloud.plan, found.as_dict())]
    changes, reason = _told_apart(cloud, found.endpoint, planned, plan["document"])
    return {
        "changes": changes,
        "reason": reason,
        "not_compared": _not_compared(cloud.plan, found.as_dict()),
        "plan_hash": cloud.plan.hash,
        "approval": approval.approvable(cloud.plan, found, changes),
    }


def diff_of_endpoint(plan: dict[str, Any]) -> dict[str, Any]:
    """What somebody changed of the endpoint that a document names since its last run: `{"changes", "reason"}`."""
    from tui.cloud.endpoints import endpoints

    cloud = sessions.cloud_of(plan)
    changes, reason = _told_apart(cloud, endpoints.read(cloud, cloud.plan.endpoint.name), None, {})
    return {"changes": changes, "reason": reason}


def _told_apart(
    cloud: Cloud, endpoint: EndpointInfo | None, planned: list[Change] | None, document: dict[str, Any]
) -> tuple[list[dict[str, Any]], str]:
    from tui.cloud.endpoints import scaling
    from tui.cloud.errors import CloudError
    from tui.common.redact import HIDDEN
    from tui.fleet import drift

    notes: list[str] = []
    unread = False
    rules: dict[str, dict[str, Any]] = {}
    log: list[Entry] = []
    if endpoint is not None:
        try:
            read = scaling.with_rules(cloud, endpoint.id, endpoint.deployments, cloud.plan if planned else None)
            endpoint = replace(endpoint, deployments=read)
            rules = {one.name: dict(one.autoscale) for one in read if one.autoscale}
        except CloudError as error:
            notes.append(f"The autoscale rules could not be read: {error.title}.")
            unread = True
    newest, kept = _kept(cloud, endpoint, notes)
    since = None
    if newest is not None and kept:
        log = drift.after(_log(cloud, endpoint, notes), newest.time)
        since = drift.changes_since(kept, asdict(endpoint) if endpoint else None)
        if unread:
            since = [one for one in since if one.resource != "autoscale"]
    wanted = {one.name: one.instance_count for one in cloud.plan.every_deployment} if planned is not None else {}
    for one in endpoint.deployments if endpoint else ():
        if one.name in rules:
            count = wanted.get(one.name) or (kept[one.name].plan.deployment.instance_count if one.name in kept else 0)
            rules[one.name] |= {"instance_count": one.instance_count, "wanted": count or one.instance_count}
    rules = {name: rule for name, rule in rules.items() if "wanted" in rule}
    told = drift.changes_told_apart(planned or [], since, rules, log)
    # Whoever writes a variable as a reference hides its value, also the one that Azure shows.
    hidden = {f"deployment.{key}" for tree in deployment_trees(document) for key in drift.references(tree)}
    hidden = hidden.union(*(part.references for part in kept.values()))
    for each in told:
        if f"{each['resource']}.{each['field']}" in hidden and each["field"].startswith(drift.VARIABLES):
            each.update({key: HIDDEN for key in ("before", "after") if each[key] is not None})
    return told, " ".join(notes)


def _kept(cloud: Cloud, endpoint: EndpointInfo | None, notes: list[str]) -> tuple[KeptPlan | None, dict[str, Kept]]:
    """The newest kept plan, and what is kept of the endpoint (under "") and of each deployment."""
    from tui.cloud.endpoints import kept_plans
    from tui.cloud.errors import CloudError
    from tui.fleet.drift import Kept, references, without_references

    name = cloud.plan.endpoint.name
    try:
        listed = kept_plans.listed(cloud, name)
        if not listed:
            notes += [_NOTHING_KEPT] if endpoint else []
            return None, {}
        newest_of = {"": listed[0]}
        for one in listed:
            for deployment in filter(None, one.deployment.split(",")):
                newest_of.setdefault(deployment.strip(), one)
        there = {one.name for one in endpoint.deployments} if endpoint else set()
        ours = {one.name for one in cloud.plan.every_deployment}
        wanted = {part: one for part, one in newest_of.items() if not part or part in there | ours or one == listed[0]}
        contents = {one.run: kept_plans.read(cloud, one) for one in wanted.values()}
    except CloudError as error:
        notes.append(f"The kept plans could not be read, so who changed what is not known: {error.title}.")
        return None, {}
    found = {}
    for part, one in wanted.items():
        tree = contents[one.run]["document"]
        whole = resolve(Document(tree=without_references(tree)), {}, lenient=True)
        parts = [tree, *({"deployment": each} for each in tree.get("deployments") or () if each.get("name") == part)]
        unknown = frozenset(key for each in parts for key in references(each))
        ids = {kind: value for kind, value in (contents[one.run]["assets"].get(part) or {}).items() if value}
        found[part] = Kept(whole.of(part), ids, unknown)
    return listed[0], found


def _log(cloud: Cloud, endpoint: EndpointInfo | None, notes: list[str]) -> list[Entry]:
    """What happened to the endpoint, newest first, from the activity log and, since that is late, systemData."""
    from tui.checks.troubleshoot.snapshot import happened_near, told_of_each
    from tui.cloud.endpoints import endpoints, scaling
    from tui.cloud.errors import CloudError
    from tui.cloud.monitor import activity_log
    from tui.fleet.drift import SETTING

    found: list[Entry] = []
    resource = endpoints.path(cloud, cloud.plan.endpoint.name)
    try:
        log = activity_log.of_subscription(cloud, cloud.plan.workspace.subscription_id)
        found = [one for one in log.changes if f"{one.resource}/".lower().startswith(f"{resource}/".lower())]
        if not log.whole:
            notes.append(f"The activity log was read back to {log.since[:10]}; who changed what before is not known.")
    except CloudError as error:
        notes.append(f"The activity log could not be read: {error.title}.")
    late: list[Entry] = []
    with contextlib.suppress(CloudError):
        for name, told in (told_of_each(cloud, resource) if endpoint else {}).items():
            place = f"{resource}/deployments/{name}" if name else resource
            at, who = told["changed_at"], told["changed_by"]
            own = [one for one in found if one.resource.lower() == place.lower()]
            if at and who and not any(happened_near(one.time, at) for one in own):  # systemData names people otherwise
                late.append(activity_log.Change(at, "", "systemData/write", place, "Succeeded", who))
    for one in endpoint.deployments if endpoint else ():
        told = scaling.told_of(one.autoscale_setting or {})  # whose records are Azure Monitor's
        if told["changed_at"]:
            place, at, who = f"{resource}/deployments/{one.name}{SETTING}", told["changed_at"], told["changed_by"]
            late.append(activity_log.Change(at, "", "systemData/write", place, "Succeeded", who))
    found += late
    return sorted(found, key=lambda one: one.time[:19], reverse=True)


def _with_attributes(plan: Plan, change: Change) -> Change:
    """The creation of an endpoint or a deployment with the attributes that it will have."""
    from tui.plan.planned_changes import deployment_change, endpoint_change

    if change.action != "create" or change.resource not in ("endpoint", "deployment"):
        return change
    one = plan.of(change.name)
    whole = endpoint_change(plan, {}) if change.resource == "endpoint" else deployment_change(one, {}, {})
    return replace(change, changes=[each for each in whole.changes if each.after not in (None, "", False)])


def _not_compared(plan: Plan, live: Mapping[str, Any]) -> list[str]:
    """What the plan sets and Azure does not tell, as sentences."""
    found = ["The endpoint's keys: a run does not change them."] if plan.endpoint.auth_mode == "key" else []
    there = {one["name"]: one for one in (live["endpoint"] or {}).get("deployments") or ()}
    for wanted in plan.every_deployment:
        one = there.get(wanted.name)
        if one is None:
            continue
        silent = [
            f"{group}.{key}"
            for group in ("request_settings", "liveness_probe", "readiness_probe")
            for key in vars(getattr(wanted, group))
            if one[group].get(key) is None
        ]
        if wanted.egress_public_network_access and not one["egress_public_network_access"]:
            silent.append("egress_public_network_access")
        if silent:
            found.append(f"{wanted.name}: {', '.join(silent)} (Azure does not tell).")
        own = [key for key in ("description", "tags") if getattr(wanted.model, key)]
        if own and one["model"]:
            found.append(f"{wanted.name}: the model's {', '.join(own)} (a version that is registered keeps its own).")
    return found
