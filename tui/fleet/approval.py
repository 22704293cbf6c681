"""What a second person approves, and what has moved since.

It holds the plan, Azure's state and the hashes of local content, attribute by attribute. What is or may be secret is in
it as eight digits of a salted hash, which suffice to see a change, and take some 0.06 seconds for each guess. So the
plan's own hash, which takes none, is not in it.
"""

from __future__ import annotations

import functools
import hashlib
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from datetime import datetime, timezone
from pathlib import PurePath
from typing import Any

from tui.cloud.endpoints import live_state
from tui.cloud.endpoints.deployments import MADE_TAG
from tui.cloud.endpoints.live_state import Live
from tui.common.redact import HIDDEN, looks_secret
from tui.plan.approved_change import FORMAT
from tui.plan.autoscale import Autoscale
from tui.plan.autoscale_settings import attributes
from tui.plan.autoscale_settings import read as read_setting
from tui.plan.model import Plan
from tui.plan.planned_changes import short_id

_LOCAL = ("workspace.location", "credential", "limits", "base", "hash", "test", "description")
_DERIVED = ("id", "name", "location", "kind", "scoring_uri", "openapi_uri")
_BROKEN = ("Failed", "Canceled")
ROUNDS = 100_000
"""Of PBKDF2: a file that is passed around must not let a short password be guessed."""


def approvable(plan: Plan, live: Live, changes: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What is approved: the changes of a plan, and the plan and the state of Azure on which they rest."""
    salt = secrets.token_hex(8)
    return {
        "format": FORMAT,
        "time": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "workspace": plan.workspace.id,
        "endpoint": plan.endpoint.name,
        "changes": [_without_value(one, salt) for one in changes if one["apply"]],
        "salt": salt,
        "plan": {key: _shown(key, value, salt) for key, value in _of_plan(plan).items()},
        "azure": {key: _shown(key, value, salt) for key, value in _of_azure(live, plan).items()},
        "content": live_state.contents(plan, live),
    }


def moved(approval: Mapping[str, Any], plan: Plan, live: Live) -> list[str]:
    """What is no longer as it was approved, as sentences; empty if nothing is."""
    salt = str(approval["salt"])
    approved = {(one["resource"], one["name"], one["field"]) for one in approval["changes"]}
    found, contents = [], live_state.contents(plan, live)
    changed = {key for key in {**approval["content"], **contents} if approval["content"].get(key) != contents.get(key)}
    # Whether other files are registered than those that were approved says nothing more.
    changed |= {f"registered.{key}" for key in changed} | {
        f"registered.{key.partition('.')[2]}" for key in changed if key.startswith(f"{plan.deployment.name}.")
    }
    for kind, words, now in (
        ("plan", "In the plan, {}", _of_plan(plan)),
        ("azure", "In Azure, {}", _of_azure(live, plan)),
        ("content", "The content of {}", contents),
    ):
        before = approval[kind]
        kept = {key.rpartition(".")[0] for key in (*before, *now) if key.endswith("autoscale.name")}
        whole = {key for key in {*before} ^ {*now} if kind == "azure" and key.endswith(".provisioning_state")}
        for key in sorted({*before, *now} - (changed if kind == "azure" else set())):
            old, new = before.get(key, ""), now.get(key, "")
            place, rule, _ = key.partition(".autoscale.") if ".autoscale." in key else key.rpartition(".instance_count")
            scaled = bool(rule) and f"{place}.autoscale" in kept
            if scaled and ("deployment", place.rpartition(".")[2], "instance_count") not in approved:
                continue  # a rule keeps the count whatever it is, and so does the run
            resource = next(
                (one.rpartition(".")[0] for one in whole if key.startswith(one.rpartition(".")[0] + ".")), ""
            )
            if key in whole:
                found.append(f"In Azure, {resource.replace('.', ' ')} was {'created' if new else 'removed'} since.")
            elif not resource and old != (_hashed(new, salt) if old.startswith("(hash ") else new):
                was, shown = short_id(old) or "not set", short_id(_shown(key, new, salt)) or "not set"
                was, shown = ("different", "changed") if kind == "content" else (was, shown)
                found.append(f"{words.format(key)} was {was} when it was approved, and is {shown} now.")
    return found


def _of_plan(plan: Plan) -> dict[str, str]:
    """The plan's values by key; of files only the names, since `content` has what is in them."""
    return {key: value for key, value in _flat(plan, "") if not key.startswith(_LOCAL)}


def _of_azure(live: Live, plan: Plan) -> dict[str, str]:
    """The state of what a run may change: the endpoint with its deployments, and the assets that it would reuse.

    An autoscale setting is in it if the plan has autoscale or had it; a run leaves other ones alone.
    """
    found = asdict(live)
    endpoint = {key: value for key, value in (found["endpoint"] or {}).items() if key not in _DERIVED}
    deployments = {one["name"]: one for one in endpoint.pop("deployments", ())}
    scaled = {one.name for one in plan.every_deployment if one.autoscale is not None}
    for name, one in deployments.items():
        setting = one.pop("autoscale_setting", None) or {}
        if setting and (name in scaled or MADE_TAG in (setting.get("tags") or {})):
            one["autoscale_setting"] = {"name": setting.get("name"), **attributes(read_setting(setting)[0])}
    for one in (endpoint, *deployments.values()):
        if one and one["provisioning_state"] not in _BROKEN:
            one["provisioning_state"] = "not failed"  # whatever is in progress, a run waits for its end
    assets = {kind: (found[kind] or {}).get("id") for kind in ("model", "code", "environment")}
    for name, other in found["others"].items():
        assets |= {f"{name}.{kind}": (other[kind] or {}).get("id") for kind in ("model", "code", "environment")}
    return dict(_flat({"endpoint": endpoint, "deployment": deployments, "registered": assets}, ""))


def _flat(value: Any, at: str) -> Iterator[tuple[str, str]]:
    """The values in nested data by dotted key, as texts; empty ones are omitted."""
    if isinstance(value, Autoscale):
        value = attributes(value)
    if is_dataclass(value) and not isinstance(value, type):
        value = vars(value)
    if isinstance(value, (list, tuple)) and any(map(is_dataclass, value)):
        value = {one.name: one for one in value}
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _flat(item, f"{at}.{key}" if at else str(key))
    elif value is not None and value not in ("", (), []):
        yield at, value.name if isinstance(value, PurePath) else str(value)


def _without_value(change: Mapping[str, Any], salt: str) -> dict[str, Any]:
    """A change as the file has it: the value of a variable, in the plan or in Azure, only as a hash."""
    variable = change["field"].startswith("environment_variables.")
    return {
        key: _hashed(str(value), salt)
        if variable and key in ("before", "after") and value not in (None, HIDDEN)
        else value
        for key, value in change.items()
    }


def _shown(key: str, value: str, salt: str) -> str:
    """A value as the file has it: that of a variable, or of what may be secret, only as a hash."""
    name = key.partition(".tags.")[2] or key.rpartition(".")[2]
    secret = ".environment_variables." in key or name == "aml-deploy-plan" or looks_secret(name, value)
    return _hashed(value, salt) if secret and value else value


@functools.lru_cache(maxsize=1000)  # a value is both in the plan and in Azure
def _hashed(value: str, salt: str) -> str:
    return f"(hash {hashlib.pbkdf2_hmac('sha256', value.encode(), salt.encode(), ROUNDS, 4).hex()})"
