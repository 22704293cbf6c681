"""Build a plan from validated values, given by field key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.plan import data_collection, endpoint_identity, rollout
from tui.plan import model as m
from tui.plan.fields.sources import is_registered
from tui.plan.rules import cross_field_rules, value_rules

Values = Mapping[str, Any]
_PROBE = ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")


def plan_of(values: Values, base: Path) -> m.Plan:
    """A plan with one deployment; missing values keep their defaults. Relative paths start from `base`."""
    return m.Plan(
        workspace=m.Workspace(**_group(values, "workspace", "subscription_id", "resource_group", "name")),
        credential=m.Credential(**_group(values, "credential", "method", "tenant_id", "client_id", "client_secret")),
        endpoint=m.Endpoint(
            **_group(values, "endpoint", "name", "auth_mode", "public_network_access", "description"),
            tags=_texts(values, "endpoint.tags"),
            identity=_identity(values),
        ),
        deployment=_deployment(values),
        traffic=values.get("traffic") or {},
        mirror_traffic=values.get("mirror_traffic") or {},
        limits=rollout.limits(values),
        test=m.Test(values.get("test.request")),
        description=str(values.get("description") or ""),
        base=base,
        hash=plan_hash(values),
    )


def plan_hash(values: Values) -> str:
    """Hash of a plan: 12 hexadecimal digits that depend on all values except credentials and time limits."""
    public = {key: str(value) for key, value in values.items() if not key.startswith(("credential.", "limits."))}
    return hashlib.sha256(json.dumps(public, sort_keys=True).encode()).hexdigest()[:12]


def _group(values: Values, prefix: str, *keys: str) -> dict[str, Any]:
    """The keys below a prefix that have a value."""
    found = {key: values.get(f"{prefix}.{key}") for key in keys}
    return {key: value for key, value in found.items() if value is not None}


def _texts(values: Values, key: str) -> dict[str, str]:
    return {name: str(item) for name, item in (values.get(key) or {}).items()}


def _deployment(values: Values) -> m.Deployment:
    settings = _group(
        values, "deployment.request_settings", "request_timeout_ms", "max_concurrent_requests_per_instance"
    )
    return m.Deployment(
        model=_model(values),
        code_configuration=_code(values),
        environment=_environment(values),
        environment_variables=_texts(values, "deployment.environment_variables"),
        request_settings=m.RequestSettings(**settings),
        liveness_probe=m.ProbeSettings(**_group(values, "deployment.liveness_probe", *_PROBE)),
        readiness_probe=m.ProbeSettings(**_group(values, "deployment.readiness_probe", *_PROBE)),
        tags=_texts(values, "deployment.tags"),
        **_group(
            values,
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


def _model(values: Values) -> m.Model:
    """The model: its path is a local folder or file, a registered model, or a URI elsewhere."""
    path, version = values.get("deployment.model.path"), values.get("deployment.model.version")
    registered = path if is_registered(path) else None
    source = path if isinstance(path, str) and not registered else None
    return m.Model(
        **_group(values, "deployment.model", "name", "type", "description"),
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
    found = _group(values, "deployment.environment", "name", "conda_file", "image", "registered")
    if not found.get("name"):
        named = values.get("deployment.model.name") or values.get("endpoint.name", "scoring")
        found["name"] = f"{named}-env"
    return m.Environment(**found, build=_build(values), inference_config=_routes(values))


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
