"""Resolve a document into a plan: replace references, validate values, make paths absolute and check they exist."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.common import redact
from tui.common.typed_path import NOT_UTF8, UnusablePath, not_utf8, real_path, typed_path
from tui.plan import model as m
from tui.plan import rollout
from tui.plan.fields import sources
from tui.plan.fields.all_fields import FIELDS, Field
from tui.plan.fields.field import NESTED, PROBLEMS
from tui.plan.load_save.assemble import plan_of
from tui.plan.load_save.document import Document, is_local_path
from tui.plan.load_save.references import Unresolved, expand, has_reference, has_secret, names
from tui.plan.problems import PlanInvalid, Problem
from tui.plan.rules import cross_field_rules
from tui.plan.rules.value_rules import unfit

VARIABLES = "deployment.environment_variables"
SECRET_FIELDS = tuple(field.key for field in FIELDS if field.kind == "secret")


def resolve(
    document: Document, environ: Mapping[str, str], secrets: Mapping[str, str] | None = None, *, lenient: bool = False
) -> m.Plan:
    """Resolve a document into a plan.

    `secrets` are typed values by key, which replace the references in the document. With `lenient`, missing and
    invalid values get their defaults, for queries about a partly filled form.

    Raises PlanInvalid with all problems at once (never with `lenient`).
    """
    problems: list[Problem] = []
    everything: list[dict[str, Any]] = []
    documents = document.each()
    for one in documents:
        values, wrong = _judged(one, environ, secrets or {})
        everything.append(values)
        problems.extend(problem for problem in wrong if problem not in problems)
    problems.extend(rollout.problems(document, everything))
    if problems and not lenient:
        raise PlanInvalid(sorted(problems, key=lambda p: (p.file or "", p.line or 0)))
    plans = [plan_of(values, one.base) for one, values in zip(documents, everything)]
    return rollout.combined(plans, everything, listed=bool(document.listed()))


def _judged(
    document: Document, environ: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of a document with one deployment, and their problems."""
    problems = list(document.problems)
    values: dict[str, Any] = {}
    for field in FIELDS:
        if not document.asked(field.key):
            continue
        value, problem = _value(document, field, environ, secrets)
        if problem:
            problems.append(problem)
        if value is not None:
            values[field.key] = value
    redact.learn(*_secrets(document, values, environ))
    return values, [*problems, *cross_field_rules.problems(document, values)]


def _secrets(document: Document, values: Mapping[str, Any], environ: Mapping[str, str]) -> set[str]:
    """The plan's secret values: its secret fields, and what its containers' environment variables refer to.

    A value that is also in the plan as something else is none, such as `production` in `churn-production`: where it is
    hidden, an id or an address cannot be used any more.
    """
    written = document.value(VARIABLES) if document.asked(VARIABLES) else None
    texts = [*written.values()] if isinstance(written, dict) else []
    texts += [document.value(key) for key in SECRET_FIELDS]
    found = {environ.get(name) for text in texts for name in names(text)} | {values.get(key) for key in SECRET_FIELDS}
    shown = "\n".join(str(value) for key, value in values.items() if key not in (VARIABLES, *SECRET_FIELDS))
    return {
        value
        for value in found
        if isinstance(value, str)
        and not has_reference(value)
        # As whole words: a secret must not be told because a longer word begins like it.
        and not re.search(rf"(?<![A-Za-z0-9]){re.escape(value)}(?![A-Za-z0-9])", shown)
    }


def value_problem(document: Document, key: str, environ: Mapping[str, str], secrets: Mapping[str, str]) -> str | None:
    """Validate the current value of one field: a message or None. Forms use it when a field loses focus."""
    from tui.plan.fields.all_fields import BY_KEY

    if not document.asked(key):
        return None
    _, problem = _value(document, BY_KEY[key], environ, secrets)
    return f"{problem.message} {problem.remedy}".strip() if problem else None


def _value(
    document: Document, field: Field, environ: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[Any, Problem | None]:
    """The resolved value of a field, and its problem; a path that does not exist has both."""
    if secrets.get(field.key):
        return secrets[field.key], None
    value = document.value(field.key)
    wrong = unfit(value)
    if wrong:
        return None, document.problem(field.key, wrong)
    if sources.signed(value):
        return None, document.problem(field.key, *sources.SIGNED)
    if not has_reference(value):
        wrong = field.check(value)
        if wrong:
            return None, _wrong(document, field, value, wrong)
    else:
        if has_secret(value) and not sources.may_be_secret(field.key):
            return None, document.problem(field.key, sources.NO_SECRET_HERE)
        try:
            expanded = expand(value, environ, later=True)
        except Unresolved as missing:
            return None, document.problem(field.key, str(missing))
        if has_secret(expanded) and field.kind != "map":
            return expanded, None  # read and validated in the processes that talk to Azure
        value = expanded if field.kind == "secret" else field.parse(expanded)
        if unfit(value):
            return None, document.problem(field.key, f"After resolving the reference: {unfit(value)}")
        check = field.rule if field.kind == "map" else field.check
        wrong = None if field.kind == "secret" else check(value)
        if wrong:
            return None, document.problem(field.key, f"After resolving the reference: {wrong}")
    if field.kind == "map" and isinstance(value, dict):
        try:
            value = {
                str(name): expand(item, environ, later=sources.may_be_secret(field.key))
                if isinstance(item, str)
                else item
                for name, item in value.items()
            }
        except Unresolved as missing:
            return None, document.problem(field.key, str(missing))
    if field.kind in NESTED and value is not None:
        return _nested(document, field, value, environ)
    if field.kind == "path" and isinstance(value, str):
        return _path(document, field, value)
    return value, None


def _wrong(document: Document, field: Field, value: Any, message: str) -> Problem:
    """The problem with a value, at the line of the invalid part."""
    found = PROBLEMS[field.kind](value) if field.kind in PROBLEMS else None
    file, line = document.where(f"{field.key}.{found[0]}".rstrip(".") if found else field.key)
    return Problem(field.key, message, "", file, line)


def _nested(document: Document, field: Field, value: Any, environ: Mapping[str, str]) -> tuple[Any, Problem | None]:
    """Resolve the references in a list or in collections, and validate the result."""

    def resolved(item: Any) -> Any:
        if isinstance(item, dict):
            return {name: resolved(below) for name, below in item.items()}
        if isinstance(item, (list, tuple)):
            return [resolved(below) for below in item]
        return expand(item, environ) if has_reference(item) else item

    try:
        found = resolved(value)
    except Unresolved as missing:
        return None, document.problem(field.key, str(missing))
    wrong = field.check(found)
    if wrong:
        return None, _wrong(document, field, found, wrong)
    return found, None


def _path(document: Document, field: Field, value: str) -> tuple[Any, Problem | None]:
    if sources.signed(value):  # in what a reference stands for
        return None, document.problem(field.key, *sources.SIGNED)
    if field.key == "deployment.model.path" and sources.is_registered(value):
        return value, None
    if field.key == "deployment.environment.build.path" and value.startswith("https://"):
        return value, None  # Azure fetches it, for instance from a Git repository
    value = sources.mounted(value)
    if not is_local_path(value):
        wrong = sources.wrong_source(field.key, value)
        return (None, document.problem(field.key, *wrong)) if wrong else (value, None)
    try:
        path = real_path(document.base / typed_path(value))
    except UnusablePath as unusable:
        return None, document.problem(field.key, str(unusable))
    problem = None
    if not_utf8(path):
        return None, document.problem(field.key, *NOT_UTF8)
    try:
        if not path.exists():
            wanted = "file or folder" if field.must_exist == "any" else field.must_exist
            problem = f"The {wanted} {path} does not exist."
        elif field.must_exist == "folder" and not path.is_dir():
            problem = f"{path} is a file; it must be a folder."
        elif field.must_exist == "file" and not path.is_file():
            problem = f"{path} is a folder; it must be a file."
        elif field.key == "test.requests":
            _require_golden(path, path.stat().st_mtime_ns)
    except ValueError as wrong:
        return path, document.problem(field.key, str(wrong))
    except OSError as error:
        problem = f"{path} cannot be read: {error.strerror}."
    elsewhere = sources.not_here(str(path)) if problem else None
    if elsewhere:
        return path, document.problem(field.key, *elsewhere)
    if problem:
        return path, document.problem(field.key, problem, f"Relative paths start from {document.base}.")
    return path, None


@functools.lru_cache(8)
def _require_golden(path: Path, changed: int) -> None:
    """Read a file of golden requests, once for each of its states if it is valid. Raises OSError, GoldenInvalid."""
    from tui.common import golden_requests

    golden_requests.read(path)
