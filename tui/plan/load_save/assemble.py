"""Build a plan from validated values, given by field key."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeVar

from tui.plan import autoscale, data_collection, endpoint_identity, rollout
from tui.plan import model as m
from tui.plan.fields.sources import is_registered
from tui.plan.rules import cross_field_rules, value_rules

Values = Mapping[str, Any]
_Part = TypeVar("_Part")


def plan_of(values: Values, base: Path) -> m.Plan:
    """A plan with one deployment; missing values keep their defaults. Relative paths start from `base`."""
    return m.Plan(
        workspace=_part(m.Workspace, values, "workspace"),
        credential=_part(m.Credential, values, "credential"),
        endpoint=_part(
            m.Endpoint, values, "endpoint", tags=_texts(values, "endpoint.tags"), identity=_identity(values)
        ),
        deployment=_deployment(values),
        traffic=values.get("traffic") or {},
        mirror_traffic=values.get("mirror_traffic") or {},
        limits=rollout.limits(values),
        test=_part(m.Test, values, "test"),
        description=str(values.get("description") or ""),
        base=base,
        hash=plan_hash(values),
    )


def plan_hash(values: Values) -> str:
    """Hash of a plan: 12 hexadecimal digits that depend on all values except credentials and time limits."""
    public = {key: str(value) for key, value in values.items() if not key.startswith(("credential.", "limits."))}
    import hashlib  # loads OpenSSL

    return hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:12]


def _part(kind: type[_Part], values: Values, prefix: str, **own: Any) -> _Part:
    """A part of the plan from the values below a prefix; `own` are members that the values do not have as they are."""
    found = {one.name: values.get(f"{prefix}.{one.name}") for one in fields(kind)}  # type: ignore[arg-type]
    return kind(**{**{name: value for name, value in found.items() if value is not None}, **own})


def _texts(values: Values, key: str) -> dict[str, str]:
    return {name: str(item) for name, item in (values.get(key) or {}).items()}


def _deployment(values: Values) -> m.Deployment:
    return _part(
        m.Deployment,
        values,
        "deployment",
        model=_model(values),
        code_configuration=_code(values),
        environment=_environment(values),
        environment_variables=_texts(values, "deployment.environment_variables"),
        request_settings=_part(m.RequestSettings, values, "deployment.request_settings"),
        liveness_probe=_part(m.ProbeSettings, values, "deployment.liveness_probe"),
        readiness_probe=_part(m.ProbeSettings, values, "deployment.readiness_probe"),
        tags=_texts(values, "deployment.tags"),
        data_collector=_collector(values),
        autoscale=_autoscale(values),
    )


def _model(values: Values) -> m.Model:
    """The model: its path is a local folder or file, a registered model, or a URI elsewhere."""
    path, version = values.get("deployment.model.path"), values.get("deployment.model.version")
    registered = path if is_registered(path) else None
    source = path if isinstance(path, str) and not registered else None
    return _part(
        m.Model,
        values,
        "deployment.model",
        path=None if registered or source else path,
        registered=registered,
        source=source,
        version=None if version is None else str(version),
        tags=_texts(values, "deployment.model.tags"),
    )


def _code(values: Values) -> m.CodeConfiguration | None:
    folder = values.get("deployment.code_configuration.code")
    script = values.get("deployment.code_configuration.scoring_script", "score.py")
    return m.CodeConfiguration(folder, script) if folder else None


def _environment(values: Values) -> m.Environment:
    key = "deployment.environment"
    named = values.get("deployment.model.name") or values.get("endpoint.name", "scoring")
    name = values.get(f"{key}.name") or f"{named}-env"
    return _part(m.Environment, values, key, name=name, build=_build(values), inference_config=_routes(values))


def _identity(values: Values) -> endpoint_identity.Identity | None:
    kind = values.get("endpoint.identity.type")
    named = endpoint_identity.listed(values.get("endpoint.identity.user_assigned_identities") or ()) or []
    return endpoint_identity.Identity(kind, tuple(named)) if kind else None


def _build(values: Values) -> m.BuildContext | None:
    path = values.get("deployment.environment.build.path")
    dockerfile = values.get("deployment.environment.build.dockerfile_path") or "Dockerfile"
    if not path:
        return None
    return m.BuildContext(path if isinstance(path, Path) else None, path if isinstance(path, str) else None, dockerfile)


def _routes(values: Values) -> m.InferenceConfig | None:
    def route(name: str) -> m.Route | None:
        prefix = f"deployment.environment.inference_config.{name}_route"
        path, port = values.get(f"{prefix}.path"), values.get(f"{prefix}.port")
        return m.Route(path, port) if path and port else None

    found = {f"{name}_route": route(name) for name in cross_field_rules.ROUTES}
    return m.InferenceConfig(**{key: one for key, one in found.items() if one}) if all(found.values()) else None


def _collector(values: Values) -> data_collection.DataCollector | None:
    prefix = "deployment.data_collector"
    collections = values.get(f"{prefix}.collections")
    if not collections:
        return None
    share, headers = values.get(f"{prefix}.sampling_rate"), values.get(f"{prefix}.request_logging.capture_headers")
    return data_collection.DataCollector(
        data_collection.collections(collections),
        1.0 if share is None else float(share),
        str(values.get(f"{prefix}.rolling_rate") or "hour").lower(),
        tuple(value_rules.listed(headers or ()) or ()),
    )


def _autoscale(values: Values) -> autoscale.Autoscale | None:
    names = ("minimum", "maximum", "rules", "schedule")
    least, most, rules, schedule = (values.get(f"deployment.autoscale.{name}") for name in names)
    return autoscale.autoscale(least, most, rules, schedule) if least and most else None
