"""The content of the review, as data: values with their sources, changes, findings, cost. Contains no screens."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tui.app.text import formatting
from tui.common.redact import HIDDEN, looks_secret
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

SEVERITIES: dict[str, tuple[int, str, str]] = {
    "blocker": (0, "✖", "blocker"),
    "warning": (1, "!", "warning"),
    "unknown": (2, "?", "not known"),
    "ok": (3, "✔", "OK"),
}

ACTIONS: dict[str, tuple[str, str]] = {
    "create": ("+", "create"),
    "change": ("▸", "change"),
    "skip": ("–", "skip"),
    "refused": ("✖", "refused"),
}

# The field through which each resource is edited.
FIELD_OF_RESOURCE: dict[str, str] = {
    "endpoint": "endpoint.name",
    "model": "deployment.model.path",
    "code": "deployment.code_configuration.code",
    "environment": "deployment.environment.conda_file",
    "deployment": "deployment.name",
    "traffic": "traffic",
}


@dataclass(frozen=True)
class Finding:
    """A finding of the preflight or the plan's own checks; `key` is the field concerned, if any."""

    severity: str
    message: str
    remedy: str = ""
    key: str = ""
    docs: str = ""
    looked_at: str = ""

    @property
    def step(self) -> str:
        """The step in which to fix it, or an empty text."""
        return BY_KEY[self.key].step if self.key in BY_KEY else ""


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
        value = {
            name: HIDDEN if not has_reference(text) and looks_secret(name, str(text)) else text
            for name, text in value.items()
        }
    if field.kind == "secret" or not has_reference(value):
        return field.show(value) or "empty"
    try:
        return expand(str(value), store.environ)
    except Unresolved:
        return str(value)


def local_findings(store: Store) -> list[Finding]:
    """Return the problems found in the plan itself. Reads the disk: call it outside the event loop."""
    found = []
    for field in FIELDS:
        problem = store.problem(field.key)
        if problem:
            found.append(Finding("blocker", f"{field.label}: {problem}", key=field.key))
    if not found:
        found = _cross_field_problems(store)
    return found


def _cross_field_problems(store: Store) -> list[Finding]:
    """Return the conflicts between values that are each valid."""
    from tui.plan.load_save.resolve import resolve
    from tui.plan.problems import PlanInvalid

    if not store.ready.is_set():
        return []
    try:
        resolve(store.document, store.environ, store.secrets)
    except PlanInvalid as invalid:
        return [Finding("blocker", problem.message, problem.remedy, problem.key) for problem in invalid.problems]
    return []


def answered_findings(answer: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Convert the helper's answer to findings."""
    return [
        Finding(
            str(item.get("severity") or "unknown"),
            str(item.get("message") or item.get("id") or ""),
            _with_command(str(item.get("remedy") or ""), str(item.get("command") or "")),
            str(item.get("field") or ""),
            str(item.get("docs") or ""),
            str(item.get("looked_at") or ""),
        )
        for item in answer
    ]


def _with_command(remedy: str, command: str) -> str:
    """Return a remedy, followed by its command unless the sentence already contains it."""
    return remedy if not command or command in remedy else f"{remedy} {command}".strip()


def worst_first(findings: Sequence[Finding]) -> list[Finding]:
    """Sort findings: blockers, warnings, unknown, OK; each message once."""
    seen: dict[tuple[str, str], Finding] = {}
    for finding in findings:
        seen.setdefault((finding.severity, finding.message), finding)
    return sorted(seen.values(), key=lambda finding: SEVERITIES.get(finding.severity, SEVERITIES["unknown"])[0])


def refused(changes: Sequence[Mapping[str, Any]]) -> list[Finding]:
    """Return the changes that Azure would refuse, as findings."""
    return [
        Finding(
            "blocker",
            f"{change.get('resource', '')} {change.get('name', '')}: {change['refused']}",
            key=FIELD_OF_RESOURCE.get(str(change.get("resource")), ""),
        )
        for change in changes
        if change.get("refused")
    ]


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
        "traffic": in_words(traffic, none="", zeros=True) if isinstance(traffic, dict) else "",
    }


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
    answer = estimate(store)
    if answer is not None:
        on_top = " ".join(str(one) for one in answer.get("extras") or ())
        words = _cost_words(answer["hour"], answer["month"], answer["currency"], f"{number} × {size}", answer["dated"])
        return f"{words} Plus: {on_top[:1].lower()}{on_top[1:]}" if on_top else words
    each = sizes.price_per_hour(size, region) if region else None
    if each is None:
        why = f"no list price available for {size} in {region}" if region else "the workspace's region is not read yet"
        return f"Cost not known: {why}."
    hour = each * number
    what = f"{number} × {size}"
    return _cost_words(hour, hour * HOURS_A_MONTH, sizes.price_currency(), what, sizes.price_date())


def _cost_words(hour: float, month: float, money: str, what: str, dated: str) -> str:
    return f"{hour:.2f} {money} an hour, {month:,.0f} {money} a month ({what}, {dated})."


def estimate(store: Store) -> dict[str, Any] | None:
    """Return the helper's cost estimate, if it is for the plan's current size and number of instances."""
    answer: dict[str, Any] = store.facts.get("cost") or {}
    wanted = (store.document.value("deployment.instance_type"), store.document.value("deployment.instance_count"))
    known = answer.get("hour") is not None and (answer.get("size"), answer.get("count")) == wanted
    return answer if known else None
