"""The content of the review, as data: values with their sources, changes, findings, cost. Contains no screens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.app.state.findings import Finding
from tui.app.text import formatting
from tui.common.redact import hide_secrets
from tui.plan.autoscale import limits_in_words
from tui.plan.fields.all_fields import BY_KEY, FIELDS, Field
from tui.plan.load_save.references import Unresolved, expand, has_reference
from tui.plan.traffic import in_words

if TYPE_CHECKING:
    from tui.app.state.store import Store

CODE = "deployment.code_configuration.code"
SCRIPT = "deployment.code_configuration.scoring_script"
_DEFAULT_OF = {SCRIPT: CODE, "deployment.model.type": "deployment.model.path"}
"""Fields whose default means something only if the other one is set."""
HOURS_A_MONTH = 730  # Azure's own convention for monthly estimates

ACTIONS: dict[str, tuple[str, str]] = {
    "create": ("+", "create"),
    "change": ("▸", "change"),
    "skip": ("–", "skip"),
    "refused": ("✖", "refused"),
}


@dataclass(frozen=True)
class Value:
    """A field that is set: its value as shown, and its source."""

    field: Field
    shown: str
    source: str
    problem: str = ""


def values(store: Store, problems: Mapping[str, str]) -> list[Value]:
    """Return the fields that apply and have a value, or lack a required one, in the order of the steps."""
    rows = []
    for field in FIELDS:
        if not store.document.asked(field.key):
            continue
        problem = problems.get(field.key, "")
        written = store.document.get(field.key)
        is_set = written is not None or field.key in store.secrets
        of = _DEFAULT_OF.get(field.key)
        without_use = field.default is None or (of and not store.document.value(of))
        if not problem and not is_set and (field.advanced or without_use):
            continue
        rows.append(Value(field, shown(store, field), store.provenance(field.key), problem))
    return rows


def shown(store: Store, field: Field) -> str:
    """Return a value to show: references are resolved, except secrets, and what looks like a secret is hidden."""
    if field.key in store.secrets:
        return "kept in memory"
    value = store.document.value(field.key)
    if isinstance(value, dict):  # a variable of the container, or a tag; a reference is shown as such
        value = hide_secrets(value)
    if field.kind == "secret" or not has_reference(value):
        return field.show(value) or "empty"
    try:
        return expand(str(value), store.environ)
    except Unresolved:
        return str(value)


def changes_in_words(changes: Sequence[Mapping[str, Any]]) -> str:
    """Summarize changes: `creates 5, changes 1, leaves 2`."""
    numbers = Counter(change.get("action") for change in changes)
    words = (("create", "creates"), ("change", "changes"), ("skip", "leaves"))
    parts = [f"{verb} {numbers[action]}" for action, verb in words if numbers[action]]
    return ", ".join(parts) or "changes nothing"


def made_of(store: Store) -> dict[str, str]:
    """Describe the resources to create in a few words, from the plan's values."""

    def text(key: str) -> str:
        return shown(store, BY_KEY[key])

    closed = store.document.value("endpoint.public_network_access") == "disabled"
    number, size = text("deployment.instance_count"), text("deployment.instance_type")
    name = text("deployment.name")
    conda, image = text("deployment.environment.conda_file"), text("deployment.environment.image")
    traffic = store.document.get("traffic") or {name: 100}
    return {
        "endpoint": f"{text('endpoint.auth_mode')}, public access {'disabled' if closed else 'enabled'}",
        "model": text("deployment.model.path"),
        "code": text(SCRIPT),
        "environment": conda if conda != "empty" else image,
        "deployment": f"{number} × {size}",
        "autoscale": "".join(limits(store)),
        "traffic": in_words(traffic, none="", zeros=True) if isinstance(traffic, dict) else "",
    }


def limits(store: Store) -> tuple[str, ...]:
    """The limits of autoscale in words, if the plan has both."""
    least, most = (store.document.value(f"deployment.autoscale.{one}") for one in ("minimum", "maximum"))
    return (limits_in_words(least, most),) if least and most else ()


def findings_in_words(findings: Sequence[Finding]) -> str:
    """Summarize findings: `2 blockers, 1 warning`."""
    blockers = sum(finding.severity == "blocker" for finding in findings)
    warnings = sum(finding.severity == "warning" for finding in findings)
    parts = [formatting.count(blockers, "blocker")] if blockers else ["ready"]
    parts += [formatting.count(warnings, "warning")] if warnings else []
    return ", ".join(parts)


def cost(store: Store) -> str:
    """Return the cost of the instances, as a sentence; says so if the price is not known."""
    from tui.plan import sizes

    size = str(store.document.value("deployment.instance_type") or "")
    number = store.document.value("deployment.instance_count")
    workspace: dict[str, Any] | None = store.facts.get("workspace")
    region = str((workspace or {}).get("location") or "")
    if not size or not isinstance(number, int) or isinstance(number, bool):
        return "The cost is shown once size and instances are set."
    answer, what = estimate(store), f"{number} × {size}"
    if answer is not None:
        about = (answer["hour"], answer["month"], answer["currency"], what, answer["dated"])
        words = sizes.cost_words(*about, extras=answer.get("extras") or ())
        return f"{words} {autoscaled(store, answer['hour'] / number, answer['currency'])}".strip()
    each = sizes.price_per_hour(size, region) if region else None
    if each is None:
        why = f"no list price available for {size} in {region}" if region else "the workspace's region is not read yet"
        return f"Cost not known: {why}."
    hour = each * number
    words = sizes.cost_words(hour, hour * HOURS_A_MONTH, sizes.price_currency(), what, sizes.price_date())
    return f"{words} {autoscaled(store, each, sizes.price_currency())}".strip()


def autoscaled(store: Store, each: float | None, currency: str) -> str:
    """A sentence with the limits of autoscale and the cost of the most instances, at `each` an hour; empty without."""
    words, most = "".join(limits(store)), store.document.value("deployment.autoscale.maximum")
    if words and isinstance(most, int) and each is not None:
        words += f": at most {most * each:.2f} {currency} an hour"
    return words and f"{words}."


def estimate(store: Store) -> dict[str, Any] | None:
    """Return the helper's cost estimate, if it is for the plan's current size and number of instances."""
    answer: dict[str, Any] = store.facts.get("cost") or {}
    wanted = (store.document.value("deployment.instance_type"), store.document.value("deployment.instance_count"))
    known = answer.get("hour") is not None and (answer.get("size"), answer.get("count")) == wanted
    return answer if known else None
