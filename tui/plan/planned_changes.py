"""Planned changes: what a plan would create, change or skip, given what exists. Does not use Azure's libraries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from tui.common.redact import HIDDEN, looks_secret
from tui.plan.autoscale_settings import count_after, differences
from tui.plan.data_collection import DataCollector
from tui.plan.endpoint_identity import Identity
from tui.plan.model import Plan
from tui.plan.traffic import serving


@dataclass(frozen=True)
class FieldChange:
    """One value before and after; `before` is None for a new value."""

    field: str
    before: Any
    after: Any


@dataclass(frozen=True)
class Change:
    """The planned change of one resource: create, change or skip, with the reason in a sentence.

    `refused` is not empty if Azure would reject the change; it says why, and what to do instead. `how` describes the
    effect on running instances; with `in_place`, only instance count and tags change and no container is replaced.
    """

    resource: str
    name: str
    action: str
    changes: list[FieldChange] = field(default_factory=list)
    why: str = ""
    refused: str = ""
    how: str = ""
    in_place: bool = False

    def as_dict(self) -> dict[str, Any]:
        """The change as JSON data."""
        return asdict(self)


def changes(plan: Plan, live: Mapping[str, Any]) -> list[Change]:
    """Compare a plan with what exists (`tui.cloud.endpoints.live_state.Live`), in the order of a run's tasks."""
    endpoint = live.get("endpoint")
    there = {item["name"]: item for item in (endpoint or {}).get("deployments") or []}
    result = [endpoint_change(plan, endpoint)]
    made = []
    for deployment in plan.every_deployment:
        one = plan.of(deployment.name)
        known = live if deployment.name == plan.deployment.name else (live.get("others") or {}).get(deployment.name, {})
        assets = _asset_changes(one, known)
        result += [change for change in assets if change not in result]
        made.append(deployment_change(one, there.get(deployment.name), _ids(known, assets)))
        scaled = autoscale_change(one, there.get(deployment.name))
        made += [scaled] if scaled else []
    return [*result, *made, traffic_change(plan, endpoint)]


def _asset_changes(plan: Plan, live: Mapping[str, Any]) -> list[Change]:
    """The planned changes of the deployment's model, code and environment."""
    environment = _environment(plan, live.get("environment"))
    result = [_model(plan, live.get("model"))]
    if plan.deployment.code_configuration:
        result.append(_code(plan, live.get("code")))
    return result if environment is None else [*result, environment]


def _ids(live: Mapping[str, Any], assets: list[Change]) -> dict[str, str | None]:
    """The ids of the existing assets; None for assets that the run will register."""
    ids: dict[str, str | None] = {}
    for asset in assets:
        if asset.action == "create":
            ids[asset.resource] = None
        elif live.get(asset.resource):
            ids[asset.resource] = live[asset.resource]["id"]
    return ids


def endpoint_change(plan: Plan, found: Mapping[str, Any] | None) -> Change:
    """The planned change of the endpoint; `found` has the fields of the existing one, with its deployments."""
    wanted = plan.endpoint
    if found is None:
        return Change("endpoint", wanted.name, "create", why="No endpoint with this name exists in the workspace.")
    differing = _differing(("auth_mode", "public_network_access", "description"), found, vars(wanted))
    differing += _named(wanted.tags, found.get("tags"), "tags.") + _failed(found)
    refused = ""
    if found.get("auth_mode") != wanted.auth_mode:
        refused = (
            f"The endpoint exists with auth_mode {found.get('auth_mode')}, which cannot be changed after creation. "
            "Keep it, or choose another endpoint name."
        )
    other = identity_change(wanted.identity, found.get("identity"))
    if other is not None:
        differing.append(other)
        refused = refused or IMMUTABLE
    return _judged("endpoint", wanted.name, differing, "It exists and matches the plan.", refused)


IMMUTABLE = (
    "The endpoint exists with another identity, which cannot be changed after creation. Keep it, or choose another "
    "endpoint name."
)
"""Microsoft, how-to-access-resources-from-endpoints-managed-identities, Limitations."""


def identity_change(wanted: Identity | None, found: Any) -> FieldChange | None:
    """The difference between planned and existing identity; a plan without an identity accepts any."""
    if wanted is None or not isinstance(found, Mapping):
        return None
    kinds = {part.strip().lower() for part in str(found.get("type") or "").split(",")}
    before = [str(name) for name in found.get("userAssignedIdentities") or {}]
    if wanted.type == "system_assigned":
        same = kinds == {"systemassigned"}
    else:
        same = kinds == {"userassigned"} and {name.lower() for name in before} == {
            name.lower() for name in wanted.user_assigned_identities
        }
    if same:
        return None
    now = ", ".join(_last(name) for name in before) or "system_assigned"
    after = ", ".join(_last(name) for name in wanted.user_assigned_identities) or "system_assigned"
    return FieldChange("identity", now, after)


def _last(identifier: str) -> str:
    return identifier.rstrip("/").rpartition("/")[2]


def _model(plan: Plan, found: Mapping[str, Any] | None) -> Change:
    wanted = plan.deployment.model
    if not wanted.given:
        return Change("model", "none", "skip", why="The image or the scoring script has the model.")
    if wanted.registered:
        return Change("model", wanted.registered, "skip", why="The plan refers to a registered model.")
    same = "A version with the same content and type is already registered."
    return _asset("model", wanted.name, found, same, "No version with this content is registered.")


def _asset(kind: str, name: str, found: Mapping[str, Any] | None, same: str, missing: str) -> Change:
    """Create a version unless one with the same content was `found`; `same` and `missing` are the reasons."""
    if found is None:
        return Change(kind, name, "create", why=missing)
    return Change(kind, f"{found['name']}:{found['version']}", "skip", why=same)


def _code(plan: Plan, found: Mapping[str, Any] | None) -> Change:
    assert plan.deployment.code_configuration is not None
    name = plan.deployment.code_configuration.code.name
    if found is not None:
        return Change("code", name, "skip", why="A folder with the same content is already registered.")
    return Change("code", name, "create", why="No folder with this content is registered.")


def _environment(plan: Plan, found: Mapping[str, Any] | None) -> Change | None:
    wanted = plan.deployment.environment
    if wanted.registered:
        refused = _needs_server(plan, found) if found is not None else ""
        return Change(
            "environment",
            wanted.registered,
            "skip",
            why="The plan refers to a registered environment.",
            refused=refused,
        )
    if not wanted.given:
        return None
    what = "build context" if wanted.build else "conda file and image" if wanted.conda_file else "image"
    if wanted.inference_config:
        what += " with these routes" if "and" in what else " and routes"
    same = f"A version with the same {what} is already registered."
    return _asset("environment", wanted.name, found, same, f"No version has this {what}.")


def _needs_server(plan: Plan, found: Mapping[str, Any]) -> str:
    """Why a registered environment cannot serve a custom model without a scoring script; "" if it can or might."""
    model = plan.deployment.model
    brought = (model.path or model.source) and model.type == "custom_model"
    alone = plan.deployment.code_configuration is None and brought
    if not alone or found.get("routes") or "/registries/" in str(found.get("id")):
        return ""
    return (
        f"{found['name']}:{found['version']} has no inference routes, and the plan has no scoring script, so nothing "
        "would answer requests. Add a scoring script, or use an environment with inference_config."
    )


def deployment_change(plan: Plan, found: Mapping[str, Any] | None, ids: Mapping[str, str | None]) -> Change:
    """The planned change of the deployment.

    `ids` are the Resource Manager ids of its model, environment and code: None for a version that the run will
    register, absent if unknown.
    """
    wanted = plan.deployment
    if found is None:
        return Change("deployment", wanted.name, "create", why="The endpoint has no deployment with this name.")
    rule = found.get("autoscale")
    differing = [
        FieldChange(key, found.get(key), value)
        for key, value in (
            ("instance_type", wanted.instance_type),
            ("instance_count", count_after(wanted.autoscale, wanted.instance_count, found)),
            ("app_insights_enabled", wanted.app_insights_enabled),
            ("description", wanted.description),
        )
        if (str(found.get(key)).lower() != str(value).lower() if key == "instance_type" else found.get(key) != value)
    ]
    egress, refused = wanted.egress_public_network_access, ""
    if egress and found.get("egress_public_network_access") not in (None, egress):
        refused = (
            "The egress flag of a deployment cannot be changed. Choose another deployment name, for example green, "
            "and move the traffic once it works."
        )
        differing.append(FieldChange("egress_public_network_access", found["egress_public_network_access"], egress))
    for group in ("request_settings", "liveness_probe", "readiness_probe"):
        before = found.get(group) or {}
        after = vars(getattr(wanted, group))
        differing += _differing([key for key in after if before.get(key) is not None], before, after, f"{group}.")
    if wanted.model_mount_path:
        differing += _differing(("model_mount_path",), found, vars(wanted))
    differing += _collector(wanted.data_collector, found.get("data_collector") or {})
    differing += _named(wanted.environment_variables, found.get("environment_variables"), "environment_variables.")
    differing += _named(wanted.tags, found.get("tags"), "tags.")
    differing += _assets(plan, found, ids)
    code = wanted.code_configuration
    if code and found.get("scoring_script") not in (None, code.scoring_script):
        differing.append(FieldChange("scoring_script", found["scoring_script"], code.scoring_script))
    differing += _failed(found)
    same = "It exists and matches the plan."
    if rule:
        same += f" Its autoscale rule {rule['name']} sets the instance count: {found.get('instance_count')}."
    change = _judged("deployment", wanted.name, differing, same, refused)
    if change.action == "skip" or refused:
        return change
    change = _with_effect(change, found)
    if change.in_place:
        return change
    # A replaced deployment has the plan's settings only; Azure sets its own variables again.
    lost = unnamed(wanted.environment_variables, found.get("environment_variables"))
    # What it was may be a secret that only an earlier plan referred to.
    more = [FieldChange(f"environment_variables.{name}", HIDDEN, None) for name in lost]
    if found.get("model_mount_path") and not wanted.model_mount_path:
        more.append(FieldChange("model_mount_path", found["model_mount_path"], None))
    return replace(change, changes=[*change.changes, *more])


def autoscale_change(plan: Plan, found: Mapping[str, Any] | None) -> Change | None:
    """The planned change of the deployment's autoscale setting (`autoscale_setting` of `found`), whoever made it.

    None if the plan has none, and there is none that an earlier run made and this one removes.
    """
    wanted, there = plan.deployment.autoscale, (found or {}).get("autoscale_setting")
    if wanted is None and "aml-deploy" not in ((there or {}).get("tags") or {}):
        return None
    differing = [FieldChange(*one) for one in differences(wanted, there)]
    name = plan.deployment.name
    if wanted is None:
        return Change("autoscale", name, "change", differing, "The plan has none: what an earlier run made is removed.")
    if there is None:
        return Change("autoscale", name, "create", differing, "The deployment has no autoscale setting.")
    return _judged("autoscale", name, differing, "It exists and matches the plan.", "")


def unnamed(wanted: Mapping[str, str], found: Mapping[str, str] | None) -> list[str]:
    """The variables and tags that exist but are not in the plan, without those of Azure and of this program."""
    return sorted(name for name in found or {} if name not in wanted and not name.startswith(OWN_NAMES))


OWN_NAMES = ("AZUREML_", "AML_APP_ROOT", "aml-deploy", "hidden-")
"""How variables and tags begin that Azure or this program sets by itself."""


def _collector(wanted: DataCollector | None, found: Mapping[str, Any]) -> list[FieldChange]:
    """Changes in data collection; a plan without a data collector stops it."""
    before = {str(name): one for name, one in (found.get("collections") or {}).items() if one.get("enabled")}
    after = {name: one for name, one in (wanted.collections if wanted else {}).items() if one.enabled}
    old, new = dict.fromkeys(before, "enabled"), dict.fromkeys(after, "enabled")
    differing = _differing(sorted({*before, *after}), old, new, "data_collector.collections.")
    if wanted is None or not before:
        return differing
    share = next((one["sampling_rate"] for one in before.values() if one.get("sampling_rate") is not None), 1.0)
    now = {
        "sampling_rate": float(share),
        "rolling_rate": str(found.get("rolling_rate") or "hour"),
        "capture_headers": list(found.get("capture_headers") or ()),
    }
    then = {**vars(wanted), "capture_headers": list(wanted.capture_headers)}
    return differing + _differing(now, now, then, "data_collector.")


SCALED = ("instance_count", "tags")
"""What PATCH of a deployment changes: its instance count and its tags (Microsoft, REST API of Azure Machine
Learning, OnlineDeployments_Update, PartialMinimalTrackedResourceWithSku)."""
SCALE = "Only adds or removes instances; the others keep serving."
ROLL = (
    "Azure replaces the instances in place, 20 % at a time. To test the change first and be able to roll back, deploy "
    "it under another name alongside this one."
)
"""Microsoft, how-to-deploy-online-endpoints: deployments are updated with 20 % of the nodes at a time."""
RESIZE = "While it replaces the instances, Azure needs quota for both the old and the new size."
AGAIN = "It is recreated in place: a failed deployment serves no requests."


def _with_effect(change: Change, found: Mapping[str, Any]) -> Change:
    """The change with its effect on running instances."""
    keys = {item.field.partition(".")[0] for item in change.changes}
    if "provisioning_state" in keys:
        return replace(change, how=AGAIN)
    if keys <= set(SCALED):
        return replace(change, how=SCALE if "instance_count" in keys else "", in_place=True)
    return replace(change, how=f"{ROLL} {RESIZE}" if "instance_type" in keys else ROLL)


def _assets(plan: Plan, found: Mapping[str, Any], ids: Mapping[str, str | None]) -> list[FieldChange]:
    names = {"model": plan.deployment.model.name, "environment": plan.deployment.environment.name, "code": "code"}
    differing = []
    if found.get("model") and not plan.deployment.model.given:
        differing.append(FieldChange("model", short_id(found["model"]), None))
    for kind, wanted in ids.items():
        before = found.get(kind)
        if wanted is None and (kind != "code" or before):
            differing.append(FieldChange(kind, short_id(before), f"{names[kind]} (new version)"))
        elif wanted and str(before).lower() != wanted.lower():
            differing.append(FieldChange(kind, short_id(before), short_id(wanted)))
    return differing


def traffic_change(plan: Plan, endpoint: Mapping[str, Any] | None) -> Change:
    """The planned change of the traffic split and of mirrored traffic."""
    before, after = serving((endpoint or {}).get("traffic") or {}), serving(plan.traffic)
    copied = serving((endpoint or {}).get("mirror_traffic") or {})
    copies = mirror_after(plan, copied)
    if plan.rollout is not None:  # a rollout mirrors only before it shifts traffic
        copies = copied if before == after else {}
    if before == after and copied == copies:
        return Change("traffic", plan.endpoint.name, "skip", why="The split matches the plan.")
    differing = _differing(sorted({*before, *after}), before, after, nothing=0)
    differing += _differing(sorted({*copied, *copies}), copied, copies, "mirror_traffic.", nothing=0)
    action = "change" if before else "create"
    why = "The split is set once the deployment is ready."
    if plan.rollout is not None and before:
        steps = ", ".join(f"{step} %" for step in plan.rollout.steps)
        why = (
            f"{plan.rollout.deployment} takes over in steps: {steps}; errors or high latency restore the current split."
        )
    return Change("traffic", plan.endpoint.name, action, differing, why)


def mirror_after(plan: Plan, now: Mapping[str, int]) -> dict[str, int]:
    """The mirrored traffic after a run. What the plan does not name is kept, unless Azure would refuse it: no
    deployment can have both."""
    wanted = serving(plan.traffic)
    return plan.mirror_traffic or {name: share for name, share in now.items() if not wanted.get(name)}


def _judged(resource: str, name: str, differing: list[FieldChange], same: str, refused: str) -> Change:
    if not differing:
        return Change(resource, name, "skip", why=same)
    fields = ", ".join(change.field for change in differing)
    return Change(resource, name, "change", differing, f"Differs in: {fields}.", refused)


def _differing(
    keys: Iterable[str], before: Mapping[str, Any], after: Mapping[str, Any], prefix: str = "", nothing: Any = None
) -> list[FieldChange]:
    """The keys whose values differ; `nothing` is used for a missing value."""
    pairs = [(key, before.get(key, nothing), after.get(key, nothing)) for key in keys]
    return [FieldChange(f"{prefix}{key}", old, new) for key, old, new in pairs if old != new]


def _failed(found: Mapping[str, Any]) -> list[FieldChange]:
    """A failed or canceled resource is created again."""
    state = str(found.get("provisioning_state") or "")
    return [FieldChange("provisioning_state", state, "Succeeded")] if state.lower() in {"failed", "canceled"} else []


def _named(wanted: Mapping[str, str], found: Mapping[str, str] | None, prefix: str) -> list[FieldChange]:
    """Changes in what the plan names of a map; Azure, this program and others add tags and variables of their own.

    Where one value looks like a secret, the other one is hidden too: it may be what the secret was before.
    """
    return [
        FieldChange(one.field, HIDDEN if one.before else one.before, HIDDEN if one.after else one.after)
        if any(looks_secret(one.field.partition(".")[2], str(value)) for value in (one.before, one.after) if value)
        else one
        for one in _differing(sorted(wanted), found or {}, wanted, prefix)
    ]


def short_id(identifier: Any) -> str | None:
    """`name:version` of an asset id; other texts unchanged."""
    parts = str(identifier or "").split("/")
    if len(parts) >= 3 and parts[-2] == "versions":
        return f"{parts[-3]}:{parts[-1]}"
    return str(identifier) if identifier else None
