"""Builds the Python sections that script and notebook share, which use only Azure's SDK, from one template.

Its entities are those that `aml-deploy apply` itself sends (`tui.plan.sdk_entities`). The rollout is that of
`apply` (Microsoft, how-to-safely-rollout-managed-endpoints), without Azure's own metrics.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tui.common.request_body import JSON
from tui.export import autoscale
from tui.export.fill_template import filled, sections, template
from tui.export.plan_source import Source
from tui.export.python_literals import Expression, Literals
from tui.plan import sdk_entities
from tui.plan.autoscale import Autoscale
from tui.plan.load_save.document import is_local_path
from tui.plan.model import Rollout
from tui.plan.rules.durations import seconds_of
from tui.plan.rules.value_rules import steps_of
from tui.plan.sdk_entities import Entity
from tui.plan.traffic import serving

CREDENTIALS = {
    "service_principal": "ClientSecretCredential",
    "managed_identity": "ManagedIdentityCredential",
    "azure_cli": "AzureCliCredential",
}
ROLLOUT_NOTE = (
    "rollout: the program executes the steps, evaluates its own test calls and rolls back automatically; only "
    "aml-deploy apply also checks Azure's metrics and changes made by others."
)


@dataclass(frozen=True)
class Program:
    """A program's sections after the imports, the values for its head, and notes for the user."""

    head: str
    sections: list[str]
    values: dict[str, Any]
    notes: list[str]


def program(source: Source, *, setting: str) -> Program:
    """The program of a plan; `setting` is the name of the function that resolves references.

    Raises PlanInvalid if the SDK does not support the plan.
    """
    parts = sections(template("deploy.py"))
    literals = Literals(source, setting)
    credential = CREDENTIALS.get(str(source.value("credential.method")), "DefaultAzureCredential")
    wanted = sdk_entities.endpoint(source, name=Expression("ENDPOINT"))
    needed = set(wanted.kinds())
    endpoint = {"endpoint_name": literals.value("endpoint.name"), "endpoint": literals.entity(wanted, 4)}
    made = [
        filled(parts["workspace"], {"credential": credential, **_workspace(literals, credential)}),
        filled(parts["endpoint"], endpoint),
    ]
    scaled = False
    for one in source.deployments():
        entities = _entities(Literals(one, setting))
        values = {
            "label": one.value("deployment.name"),
            **dict.fromkeys(("registered_model", "registered_environment")),
        }
        for name, item in entities.items():
            registered = not isinstance(item, Entity)
            values[f"registered_{name}"] = literals.of(item) if registered else None
            values[name] = None if registered else Literals(one, setting).entity(item)
            needed |= set(() if registered else item.kinds())
        made += [filled(parts[name], values) for name in entities]
        rules = autoscale.of(one)
        if rules:
            scaled = True
            made.append(filled(parts["autoscale"], {"label": values["label"], "autoscale": _body(rules)}))
    rollout, test_request = bool(source.document.get("rollout")), literals.path("test.request")
    other = None if source.request_type() == JSON else literals.of(source.request_type())
    if rollout:
        made.append(filled(parts["rollout"], _rollout(literals)))
    else:
        mirrored = literals.of(source.value("mirror_traffic")) if source.value("mirror_traffic") else None
        made.append(filled(parts["traffic"], {"traffic": literals.of(source.traffic()), "mirror_traffic": mirrored}))
    if test_request:
        made.append(filled(parts["test"], {"test_request": test_request, "other_type": other}))
    code = "".join(made)
    settings, here = f"{setting}(" in code, "HERE" in code
    values = {
        "credential": credential,
        "entities": "\n".join(f"{name}," for name in sorted(needed)),
        "rollout": rollout,
        "calls_in_rollout": rollout and test_request,
        "calls_itself": scaled or (test_request and (rollout or other)),
        "settings": settings,
        "here": here,
        "paths": here or "Path(" in code,
    }
    values["standard_library"] = rollout or settings or values["paths"]
    notes = [*source.notes(), *([ROLLOUT_NOTE] if rollout else [])]
    return Program(parts["head"], made, values, notes)


def _body(rules: Autoscale) -> str:
    """The body of an autoscale setting as Python."""
    text = autoscale.body(rules).replace("\n", "\n    ").replace(": true", ": True")
    for mark, value in ((autoscale.DEPLOYMENT, "deployment_id"), (autoscale.ENDPOINT, "endpoint.id")):
        text = text.replace(f'"{mark}"', value)
    return text.replace(f'"{autoscale.LOCATION}"', "endpoint.location")


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


def _entities(literals: Literals) -> dict[str, Any]:
    """Model, environment and deployment of a source's only deployment; the first two may be references."""
    source = literals.source

    def place(key: str) -> Expression | str | None:
        text = source.path(key)
        if text and not is_local_path(text):
            return text  # a datastore, a job's output, or a build context that Azure fetches
        found = literals.path(key)
        return Expression(f"str({found})") if found else None

    image = "deployment.environment"
    name = source.value(f"{image}.name")
    found: dict[str, Any] = {
        "model": sdk_entities.model_of(source, source.registered_model(), place("deployment.model.path")),
        "environment": source.value(f"{image}.registered")
        or sdk_entities.environment(
            source,
            name or f"{source.value('deployment.model.name') or source.value('endpoint.name')}-env",
            place(f"{image}.conda_file"),
            place(f"{image}.build.path"),
        ),
    }
    found = {name: item for name, item in found.items() if item is not None}
    ids = {name: Expression(f"{name}.id" if isinstance(item, Entity) else name) for name, item in found.items()}
    found["deployment"] = sdk_entities.deployment(
        source,
        model=ids.get("model"),
        environment=ids.get("environment"),
        code=place("deployment.code_configuration.code"),
        endpoint_name=Expression("ENDPOINT"),
    )
    return found


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
        "request_type": literals.of(source.request_type()),
        "mirror_traffic": literals.of(mirrored) if mirrored else None,
    }
