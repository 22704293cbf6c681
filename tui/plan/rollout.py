"""Rules across the deployments of one endpoint: their names, the traffic split, the rollout."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from tui.plan.model import Limits, Plan, Rollout
from tui.plan.rules.durations import seconds_of
from tui.plan.rules.value_rules import steps_of

if TYPE_CHECKING:
    from tui.plan.load_save.document import Document
    from tui.plan.problems import Problem


def problems(document: Document, everything: Sequence[Mapping[str, Any]]) -> Iterator[Problem]:
    """Problems between the deployments of a plan; `everything` has the values of each deployment."""
    yield from _names(document)
    values, target = everything[-1], str(everything[-1].get("deployment.name") or "")
    traffic, mirrored = values.get("traffic") or {}, values.get("mirror_traffic") or {}
    planned = wanted_rollout(values)
    steps = steps_of(values.get("rollout.steps") or Rollout.steps) or (100,)
    if planned and isinstance(traffic, dict) and traffic and traffic.get(target, 0) != steps[-1]:
        yield document.problem(
            "traffic",
            f"traffic gives {target} {traffic.get(target, 0)} %, but the last step of the rollout is {steps[-1]} %.",
            "Use the same value in both, or omit traffic.",
        )
    if planned and not traffic and steps[-1] != 100:
        yield document.problem(
            "rollout.steps",
            f"The last step is {steps[-1]} %, and the plan does not say which deployment gets the rest.",
            "End with 100, or set the final split under traffic.",
        )
    for name in mirrored if isinstance(mirrored, dict) else ():
        if planned and name != target:
            yield document.problem(
                "mirror_traffic", f"The rollout is for {target}, not for {name}.", f"Mirror to {target}."
            )
        elif not planned and (traffic or {target: 100}).get(name):
            yield document.problem(
                "mirror_traffic",
                f"{name} gets live traffic, so requests cannot be mirrored to it.",
                "Choose a deployment without traffic. In a rollout, mirroring comes before the first step.",
            )


def _names(document: Document) -> Iterator[Problem]:
    seen: set[str] = set()
    for number, item in enumerate(document.listed()):
        key, name = f"deployments.{number}.name", str(item.get("name") or "")
        if not name:
            yield document.problem(key, "Each deployment needs its own name.", "For example green.")
        elif name.lower() in seen:
            yield document.problem(key, f"Two deployments are named {name}.", "Rename one of them.")
        seen.add(name.lower())


def wanted_rollout(values: Mapping[str, Any]) -> bool:
    """Whether the plan has a rollout, that is, sets any of its keys."""
    return any(key.startswith("rollout.") for key in values)


def combined(plans: Sequence[Plan], everything: Sequence[Mapping[str, Any]], *, listed: bool) -> Plan:
    """Merge the plans of the single deployments into one; the last deployment takes over the traffic."""
    plan, values = plans[-1], everything[-1]
    target = plan.deployment.name
    planned = None
    if wanted_rollout(values):
        given: dict[str, Any] = {
            "steps": steps_of(values.get("rollout.steps") or ()),
            "pause": seconds_of(values.get("rollout.pause", "")),
            "probe_every": seconds_of(values.get("rollout.probe_every", "")),
            **{key: values.get(f"rollout.{key}") for key in ("min_requests", "max_error_percent", "max_p95_ms")},
        }
        planned = Rollout(target, **{key: value for key, value in given.items() if value is not None})
    hashed = plan.hash
    if len(plans) > 1:
        import hashlib  # loads OpenSSL

        hashed = hashlib.sha256(",".join(one.hash for one in plans).encode()).hexdigest()[:12]
    return replace(
        plan,
        deployments=tuple(one.deployment for one in plans) if listed else (),
        traffic=plan.traffic or {target: 100},
        rollout=planned,
        hash=hashed,
    )


def limits(values: Mapping[str, Any]) -> Limits:
    """The time limits that the plan sets, in seconds."""
    return Limits(**{one.name: seconds_of(values.get(f"limits.{one.name}", "")) for one in fields(Limits)})
