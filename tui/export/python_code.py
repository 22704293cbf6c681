"""A plan as Python that uses Azure's SDK alone: the sections that script and notebook share, from one template.

Classes and keyword arguments are those of azure-ai-ml 1.35 (azure.ai.ml.entities) and azure-identity. The rollout is
done as `aml-deploy apply` does it (Microsoft, how-to-safely-rollout-managed-endpoints), without Azure's own metrics.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from tui.export.fill_template import filled, sections, template
from tui.export.plan_source import Source
from tui.export.python_literals import Literals
from tui.plan import data_collection
from tui.plan.endpoint_identity import listed
from tui.plan.load_save.references import has_reference
from tui.plan.model import Rollout
from tui.plan.rules.durations import seconds_of
from tui.plan.rules.value_rules import steps_of
from tui.plan.traffic import serving

PROBE = ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
SETTINGS = ("request_timeout_ms", "max_concurrent_requests_per_instance")
ENTITIES = (
    "BuildContext", "CodeConfiguration", "DataAsset", "DataCollector", "DeploymentCollection", "Environment",
    "IdentityConfiguration", "ManagedIdentityConfiguration", "ManagedOnlineDeployment", "ManagedOnlineEndpoint",
    "Model", "OnlineRequestSettings", "ProbeSettings", "RequestLogging",
)  # fmt: skip
CREDENTIALS = {
    "service_principal": "ClientSecretCredential",
    "managed_identity": "ManagedIdentityCredential",
    "azure_cli": "AzureCliCredential",
}
ROLLOUT_NOTE = (
    "rollout: the program goes the steps, judges its own test calls and goes back by itself; Azure's own metrics and "
    "what somebody else changes meanwhile are looked at by aml-deploy apply only."
)


@dataclass(frozen=True)
class Program:
    """A program's sections after imports, the values that its head is filled with, and notes for people."""

    head: str
    sections: list[str]
    values: dict[str, Any]
    notes: list[str]


def program(source: Source, *, setting: str) -> Program:
    """The program of a plan; `setting` is the function that looks references up.

    Raises PlanInvalid where the SDK could not do what the plan says.
    """
    parts = sections(template("deploy.py"))
    literals = Literals(source, setting)
    credential = CREDENTIALS.get(str(source.value("credential.method")), "DefaultAzureCredential")
    made = [
        filled(parts["workspace"], {"credential": credential, **_workspace(literals, credential)}),
        filled(parts["endpoint"], _endpoint(literals)),
    ]
    for one in source.deployments():
        values = _deployment(Literals(one, setting))
        made += [filled(parts[name], values) for name in ("model", "environment", "deployment") if values[name]]
    rollout, test_request = bool(source.document.get("rollout")), literals.path("test.request")
    if rollout:
        made.append(filled(parts["rollout"], _rollout(literals)))
    else:
        mirrored = literals.of(source.value("mirror_traffic")) if source.value("mirror_traffic") else None
        made.append(filled(parts["traffic"], {"traffic": literals.of(source.traffic()), "mirror_traffic": mirrored}))
    if test_request:
        made.append(filled(parts["test"], {"test_request": test_request}))
    code = "".join(made)
    settings, here = f"{setting}(" in code, "HERE" in code
    values = {
        "credential": credential,
        "entities": "\n".join(f"{name}," for name in ENTITIES if f"{name}(" in code),
        "rollout": rollout,
        "calls_in_rollout": rollout and test_request,
        "settings": settings,
        "here": here,
        "paths": here or "Path(" in code,
    }
    values["standard_library"] = rollout or settings or values["paths"]
    notes = [*source.limits_note(), *([ROLLOUT_NOTE] if rollout else [])]
    return Program(parts["head"], made, values, notes)


def _workspace(literals: Literals, credential: str) -> dict[str, Any]:
    source = literals.source
    given: dict[str, Any] = dict.fromkeys(("tenant_id", "client_id", "client_secret"))
    if credential == "ClientSecretCredential":
        for key in given:
            given[key] = literals.of(source.value(f"credential.{key}") or f"${{env:AZURE_{key.upper()}}}")
    elif credential == "ManagedIdentityCredential" and source.value("credential.client_id"):
        given["client_id"] = literals.value("credential.client_id")
    return {
        **given,
        "credential_is_given": given["client_id"],
        "subscription_id": literals.value("workspace.subscription_id"),
        "resource_group": literals.value("workspace.resource_group"),
        "workspace_name": literals.value("workspace.name"),
    }


def _endpoint(literals: Literals) -> dict[str, Any]:
    return {
        "endpoint_name": literals.value("endpoint.name"),
        "auth_mode": literals.value("endpoint.auth_mode"),
        "public_network_access": literals.value("endpoint.public_network_access"),
        "endpoint_description": literals.set_value("endpoint.description"),
        "endpoint_tags": literals.set_value("endpoint.tags"),
        "identity": _identity(literals),
    }


def _identity(literals: Literals) -> str | None:
    source = literals.source
    if not source.written("endpoint.identity.type"):
        return None
    kind = source.value("endpoint.identity.type")
    given = listed(source.value("endpoint.identity.user_assigned_identities") or ()) if kind == "user_assigned" else ()
    users = ", ".join(f"ManagedIdentityConfiguration(resource_id={literals.of(one)})" for one in given or ())
    more = f", user_assigned_identities=[{users}]" if users else ""
    return f"IdentityConfiguration(type={literals.of(kind)}{more})"


def _deployment(literals: Literals) -> dict[str, Any]:
    """What one deployment's sections are filled with: model, environment and the deployment itself."""
    source = literals.source
    registered_model, registered = source.registered_model(), source.value("deployment.environment.registered")
    version = source.written("deployment.model.version")
    label = source.value("deployment.environment.name")
    label = label or f"{source.value('deployment.model.name') or source.value('endpoint.name')}-env"
    made_of = {
        "image": literals.set_value("deployment.environment.image"),
        "conda_file": literals.path("deployment.environment.conda_file"),
        "build": _build(literals),
    }
    environment = "environment" if registered else "environment.id" if any(made_of.values()) else None
    variables = source.written("deployment.environment_variables")
    tags = source.written("deployment.tags")
    return {
        "registered_model": literals.of(registered_model) if registered_model else None,
        "model_name": literals.value("deployment.model.name"),
        "model_path": None if registered_model else literals.path("deployment.model.path"),
        "model_type": literals.value("deployment.model.type"),
        "model_version": literals.of(str(version)) if version else None,
        "model_description": literals.set_value("deployment.model.description"),
        "model_tags": literals.set_value("deployment.model.tags"),
        "registered_environment": literals.of(registered) if registered else None,
        "environment_name": literals.of(label),
        **made_of,
        "inference_config": _routes(literals),
        "label": source.value("deployment.name"),
        "deployment": literals.value("deployment.name"),
        "model": "model" if registered_model else "model.id",
        "environment": environment,
        "code": literals.path("deployment.code_configuration.code"),
        "scoring_script": literals.value("deployment.code_configuration.scoring_script"),
        "instance_type": literals.value("deployment.instance_type"),
        "instance_count": literals.value("deployment.instance_count"),
        **_collector(literals),
        **{
            name: literals.set_value(f"deployment.{name}")
            for name in ("egress_public_network_access", "app_insights_enabled", "description", "model_mount_path")
        },
        "tags": _texts(literals, tags),
        "environment_variables": _texts(literals, variables),
        "request_settings": literals.arguments("deployment.request_settings", SETTINGS),
        "liveness_probe": literals.arguments("deployment.liveness_probe", PROBE),
        "readiness_probe": literals.arguments("deployment.readiness_probe", PROBE),
    }


def _texts(literals: Literals, given: dict[str, Any] | None) -> str | None:
    """A map whose values the SDK wants as texts."""
    return literals.of({name: str(item) for name, item in given.items()}) if given else None


def _build(literals: Literals) -> str | None:
    """The arguments of a build context."""
    source, key = literals.source, "deployment.environment.build"
    if not source.written(f"{key}.path"):
        return None
    given = str(source.value(f"{key}.path"))
    where = literals.of(given) if given.startswith("https://") else f"str({literals.path(f'{key}.path')})"
    dockerfile = source.value(f"{key}.dockerfile_path")
    return f"path={where}{f', dockerfile_path={literals.of(dockerfile)}' if dockerfile else ''}"


def _routes(literals: Literals) -> str | None:
    """The lines of a container's routes; a map, which the SDK takes."""
    given = literals.source.document.get("deployment.environment.inference_config") or {}
    return "\n".join(f"{json.dumps(name)}: {literals.of(route)}," for name, route in given.items()) or None


def _collector(literals: Literals) -> dict[str, Any]:
    """What of the requests is collected."""
    source, prefix = literals.source, "deployment.data_collector"
    lines = []
    if source.written(f"{prefix}.collections"):
        for name, item in data_collection.as_az(source.value(f"{prefix}.collections")).items():
            words = f"enabled={literals.of(item['enabled'].lower())}"
            if item.get("data"):
                parts = ", ".join(f"{key}={literals.of(str(part))}" for key, part in item["data"].items())
                words += f", data=DataAsset({parts})"
            lines.append(f"{json.dumps(name)}: DeploymentCollection({words}),")
    share, rate = source.written(f"{prefix}.sampling_rate"), source.written(f"{prefix}.rolling_rate")
    headers = source.written(f"{prefix}.request_logging.capture_headers")
    return {
        "collections": "\n".join(lines) or None,
        "sampling_rate": literals.of(share if share is not None else 1.0),
        "rolling_rate": literals.of(rate if has_reference(rate) else str(rate or "hour").lower()),
        "capture_headers": literals.of(list(headers)) if headers else None,
    }


def _rollout(literals: Literals) -> dict[str, Any]:
    source = literals.source

    def seconds(key: str, otherwise: float) -> str:
        given = source.value(f"rollout.{key}")
        found = None if given is None else seconds_of(given)
        return f"{otherwise if found is None else found:g}"

    def number(key: str, otherwise: int | None) -> str:
        given = source.value(f"rollout.{key}")
        return literals.of(otherwise if given is None else given)

    mirrored, timeout = source.value("mirror_traffic"), source.value("deployment.request_settings.request_timeout_ms")
    return {
        "new": literals.of(source.deployments()[-1].value("deployment.name")),
        "final": literals.of(serving(source.traffic())),
        "steps": literals.of(steps_of(source.value("rollout.steps") or Rollout.steps) or Rollout.steps),
        "pause": seconds("pause", Rollout.pause),
        "probe_every": seconds("probe_every", Rollout.probe_every),
        "min_requests": number("min_requests", Rollout.min_requests),
        "max_error_percent": number("max_error_percent", Rollout.max_error_percent),
        "max_p95_ms": number("max_p95_ms", None),
        "timeout_ms": literals.of(timeout) if isinstance(timeout, int) else "60_000",
        "test_request": literals.path("test.request"),
        "mirror_traffic": literals.of(mirrored) if mirrored else None,
    }
