"""From the document to the plan: references resolved, every value judged, paths made absolute and looked for."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.plan import data_collection, fields_sources, identity, rollout, rules, together
from tui.plan import model as m
from tui.plan.document import Document, is_local_path
from tui.plan.field import NESTED
from tui.plan.fields import FIELDS, Field
from tui.plan.problems import PlanInvalid, Problem
from tui.plan.references import Unresolved, expand, has_reference, has_secret


def resolve(
    document: Document,
    environ: Mapping[str, str],
    secrets: Mapping[str, str] | None = None,
    *,
    lenient: bool = False,
) -> m.Plan:
    """The plan that a document stands for.

    `secrets` are typed values by key; they take the place of what the document refers to. With `lenient`, what is
    missing or wrong is left at its default, for questions about a half-filled form.

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
    plans = [_plan(one, values) for one, values in zip(documents, everything)]
    return rollout.together(plans, everything, listed=bool(document.listed()))


def _judged(
    document: Document, environ: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[dict[str, Any], list[Problem]]:
    """The values of a document with one deployment, and what is wrong with them."""
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
    return values, [*problems, *together.problems(document, values)]


def value_problem(document: Document, key: str, environ: Mapping[str, str], secrets: Mapping[str, str]) -> str | None:
    """What is wrong with one field as it stands, or None; used by forms when a field is left."""
    from tui.plan.fields import BY_KEY

    if not document.asked(key):
        return None
    _, problem = _value(document, BY_KEY[key], environ, secrets)
    return f"{problem.message} {problem.remedy}".strip() if problem else None


def _value(
    document: Document, field: Field, environ: Mapping[str, str], secrets: Mapping[str, str]
) -> tuple[Any, Problem | None]:
    """The resolved value of a field, and the problem with it; a path that is not there has both."""
    if secrets.get(field.key):
        return secrets[field.key], None
    value = document.value(field.key)
    if not has_reference(value):
        wrong = field.check(value)
        if wrong:
            return None, _wrong(document, field, value, wrong)
    elif field.kind != "map":
        if has_secret(value) and not fields_sources.may_be_secret(field.key):
            return None, document.problem(field.key, fields_sources.NO_SECRET_HERE)
        try:
            expanded = expand(value, environ, later=True)
        except Unresolved as missing:
            return None, document.problem(field.key, str(missing))
        if has_secret(expanded):
            return expanded, None  # read by the processes that talk to Azure, and judged there
        value = expanded if field.kind == "secret" else field.parse(expanded)
        wrong = None if field.kind == "secret" else field.check(value)
        if wrong:
            return None, document.problem(field.key, f"With its reference resolved: {wrong}")
    if field.kind == "map" and isinstance(value, dict):
        try:
            value = {
                str(name): expand(item, environ, later=fields_sources.may_be_secret(field.key))
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
    """The problem with a value, at the line of what is wrong inside it."""
    found = data_collection.problem(value) if field.kind == "collections" else None
    file, line = document.where(f"{field.key}.{found[0]}".rstrip(".") if found else field.key)
    return Problem(field.key, message, "", file, line)


def _nested(document: Document, field: Field, value: Any, environ: Mapping[str, str]) -> tuple[Any, Problem | None]:
    """A list or collections with the references in them resolved, and judged again."""

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
    if field.key == "deployment.model.path" and value.startswith("azureml:"):
        return value, None
    if field.key == "deployment.environment.build.path" and value.startswith("https://"):
        return value, None  # Azure fetches it by itself, from a Git repository for instance
    value = fields_sources.mounted(value)
    if not is_local_path(value):
        wrong = fields_sources.wrong_source(field.key, value)
        return (None, document.problem(field.key, *wrong)) if wrong else (value, None)
    path = (document.base / Path(value).expanduser()).resolve()
    problem = None
    try:
        if not path.exists():
            problem = f"There is no {_word(field)} {path}."
        elif field.must_exist == "folder" and not path.is_dir():
            problem = f"{path} is a file; a folder is expected."
        elif field.must_exist == "file" and not path.is_file():
            problem = f"{path} is a folder; a file is expected."
    except OSError as error:
        problem = f"{path} cannot be looked at: {error.strerror}."
    if problem:
        return path, document.problem(field.key, problem, f"Relative paths start from {document.base}.")
    return path, None


def _word(field: Field) -> str:
    return {"folder": "folder", "file": "file"}.get(field.must_exist, "file or folder")


def _plan(document: Document, values: dict[str, Any]) -> m.Plan:
    def group(prefix: str, *keys: str) -> dict[str, Any]:
        found = {key: values.get(f"{prefix}.{key}") for key in keys}
        return {key: value for key, value in found.items() if value is not None}

    def texts(key: str) -> dict[str, str]:
        return {name: str(item) for name, item in (values.get(key) or {}).items()}

    model = group("deployment.model", "name", "type", "description")
    version = values.get("deployment.model.version")
    path = values.get("deployment.model.path")
    registered = path if isinstance(path, str) and path.startswith("azureml:") else None
    source = path if isinstance(path, str) and not registered else None
    environment = group("deployment.environment", "name", "conda_file", "image", "registered")
    environment.update(build=_build(values), inference_config=_routes(values))
    if not environment.get("name"):
        environment["name"] = f"{model.get('name') or values.get('endpoint.name', 'scoring')}-env"
    code = values.get("deployment.code_configuration.code")
    probe_keys = ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
    deployment = m.Deployment(
        model=m.Model(
            **model,
            path=None if registered or source else path,
            registered=registered,
            source=source,
            version=None if version is None else str(version),
            tags=texts("deployment.model.tags"),
        ),
        code_configuration=m.CodeConfiguration(
            code, values.get("deployment.code_configuration.scoring_script", "score.py")
        )
        if code
        else None,
        environment=m.Environment(**environment),
        environment_variables=texts("deployment.environment_variables"),
        request_settings=m.RequestSettings(
            **group("deployment.request_settings", "request_timeout_ms", "max_concurrent_requests_per_instance")
        ),
        liveness_probe=m.ProbeSettings(**group("deployment.liveness_probe", *probe_keys)),
        readiness_probe=m.ProbeSettings(**group("deployment.readiness_probe", *probe_keys)),
        tags=texts("deployment.tags"),
        **group(
            "deployment",
            "name",
            "instance_type",
            "instance_count",
            "egress_public_network_access",
            "app_insights_enabled",
            "description",
            "model_mount_path",
        ),
        data_collector=_collector(values),
    )
    return m.Plan(
        workspace=m.Workspace(**group("workspace", "subscription_id", "resource_group", "name")),
        credential=m.Credential(**group("credential", "method", "tenant_id", "client_id", "client_secret")),
        endpoint=m.Endpoint(
            **group("endpoint", "name", "auth_mode", "public_network_access", "description"),
            tags=texts("endpoint.tags"),
            identity=_identity(values),
        ),
        deployment=deployment,
        traffic=values.get("traffic") or {},
        mirror_traffic=values.get("mirror_traffic") or {},
        limits=rollout.limits(values),
        test=m.Test(values.get("test.request")),
        description=str(values.get("description") or ""),
        base=document.base,
        hash=plan_hash(values),
    )


def _identity(values: Mapping[str, Any]) -> identity.Identity | None:
    kind = values.get("endpoint.identity.type")
    named = identity.listed(values.get("endpoint.identity.user_assigned_identities") or ()) or []
    return identity.Identity(kind, tuple(named)) if kind else None


def _build(values: Mapping[str, Any]) -> m.BuildContext | None:
    path = values.get("deployment.environment.build.path")
    dockerfile = values.get("deployment.environment.build.dockerfile_path") or "Dockerfile"
    if not path:
        return None
    return m.BuildContext(path if isinstance(path, Path) else None, path if isinstance(path, str) else None, dockerfile)


def _routes(values: Mapping[str, Any]) -> m.InferenceConfig | None:
    def route(name: str) -> m.Route | None:
        prefix = f"deployment.environment.inference_config.{name}_route"
        path, port = values.get(f"{prefix}.path"), values.get(f"{prefix}.port")
        return m.Route(path, port) if path and port else None

    found = {f"{name}_route": route(name) for name in together.ROUTES}
    return m.InferenceConfig(**{key: one for key, one in found.items() if one}) if all(found.values()) else None


def _collector(values: Mapping[str, Any]) -> data_collection.DataCollector | None:
    prefix = "deployment.data_collector"
    collections = values.get(f"{prefix}.collections")
    if not collections:
        return None
    share, headers = values.get(f"{prefix}.sampling_rate"), values.get(f"{prefix}.request_logging.capture_headers")
    return data_collection.DataCollector(
        data_collection.collections(collections),
        1.0 if share is None else float(share),
        str(values.get(f"{prefix}.rolling_rate") or "hour").lower(),
        tuple(rules.listed(headers or ()) or ()),
    )


def plan_hash(values: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that change with any value but a credential's and the limits of waiting."""
    public = {key: str(value) for key, value in values.items() if not key.startswith(("credential.", "limits."))}
    return hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:12]
