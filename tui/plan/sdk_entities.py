"""A plan as entities of Azure's SDK (class name and keyword arguments), without loading the SDK.

The requests to Azure, the exported Python and the exported `az ml` files are made from these. Class and argument
names are those of `azure.ai.ml.entities` (azure-ai-ml 1.35), which are also the keys of `az ml` YAML.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from tui.plan import data_collection
from tui.plan.endpoint_identity import listed
from tui.plan.load_save.references import has_reference
from tui.plan.model import Plan
from tui.plan.rules import value_rules

PROBE = ("initial_delay", "period", "timeout", "success_threshold", "failure_threshold")
SETTINGS = ("request_timeout_ms", "max_concurrent_requests_per_instance", "max_queue_wait_ms")


@dataclass(frozen=True)
class Entity:
    """The call `azure.ai.ml.entities.KIND(**arguments)`; arguments can contain further entities."""

    kind: str
    arguments: dict[str, Any]

    def tree(self) -> dict[str, Any]:
        """The entity as a tree for `az ml` YAML."""
        found: dict[str, Any] = _tree(self)
        return found

    def kinds(self) -> Iterator[str]:
        """The names of all classes that the entity uses."""
        yield self.kind
        yield from _kinds(self.arguments)


class Values(Protocol):
    """The source of an entity's values, by the keys of a plan."""

    def value(self, key: str) -> Any:
        """The value at a key, or the field's default."""

    def written(self, key: str) -> Any:
        """The value at a key if it is set, else None."""


class Tree:
    """The values of a resolved plan, or of what exists in Azure under the plan's keys."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self._tree = tree

    def value(self, key: str) -> Any:
        """The value at a key, or None."""
        found: Any = self._tree
        for part in key.split("."):
            found = found.get(part) if isinstance(found, Mapping) else None
        return found

    def written(self, key: str) -> Any:
        """As `value`, but None for an empty text, list or map."""
        found = self.value(key)
        return None if found in ("", [], (), {}) else found


def of_plan(plan: Plan) -> Tree:
    """The values of a plan, for its current `deployment`."""
    tree = {"endpoint": asdict(plan.endpoint), "deployment": asdict(plan.deployment)}
    collector = tree["deployment"]["data_collector"]
    if collector is not None:
        for one in collector["collections"].values():
            parts = {name: one.pop(name) for name in ("name", "version", "path")}
            one["data"] = {name: part for name, part in parts.items() if part is not None}
        collector["request_logging"] = {"capture_headers": collector.pop("capture_headers")}
    return Tree(tree)


def identity_of(found: Mapping[str, Any] | None) -> Entity | None:
    """The identity of a resource from its Resource Manager JSON; None if it has none."""
    if not found or not found.get("type"):
        return None
    words = str(found["type"]).replace("SystemAssigned", "system_assigned").replace("UserAssigned", "user_assigned")
    return identity(words, list(found.get("userAssignedIdentities") or {}))


def endpoint(values: Values, **other: Any) -> Entity:
    """A managed online endpoint, or with `compute` a Kubernetes one; `other` arguments override the plan's."""
    managed = {"public_network_access": values.value("endpoint.public_network_access")}
    return _made(
        "KubernetesOnlineEndpoint" if "compute" in other else "ManagedOnlineEndpoint",
        {
            "name": values.value("endpoint.name"),
            "auth_mode": values.value("endpoint.auth_mode"),
            **({} if "compute" in other else managed),
            "description": values.written("endpoint.description"),
            "tags": values.written("endpoint.tags"),
            "identity": identity(
                values.written("endpoint.identity.type"), values.value("endpoint.identity.user_assigned_identities")
            ),
            **other,
        },
    )


def identity(kind: str | None, user_assigned: Any = ()) -> Entity | None:
    """An endpoint's identity: system_assigned, or user_assigned with its resource ids."""
    if not kind:
        return None
    users = listed(user_assigned or ()) or [] if "user_assigned" in kind or has_reference(kind) else []
    named = [_made("ManagedIdentityConfiguration", {"resource_id": one}) for one in users]
    return _made("IdentityConfiguration", {"type": kind, "user_assigned_identities": named or None})


def model(values: Values, path: Any, **other: Any) -> Entity:
    """A model to register; `path` is the location of its files."""
    version = values.written("deployment.model.version")
    return _made(
        "Model",
        {
            "name": values.value("deployment.model.name"),
            "path": path,
            "type": values.value("deployment.model.type"),
            "version": str(version) if version else None,
            "description": values.written("deployment.model.description"),
            "tags": values.written("deployment.model.tags"),
            **other,
        },
    )


def model_of(values: Values, registered: str | None, path: Any) -> Entity | str | None:
    """A registered model's reference, or the model to register; None if the deployment has none."""
    return registered or (model(values, path) if path else None)


def environment(values: Values, name: Any, conda_file: Any, context: Any, **other: Any) -> Entity | None:
    """An environment to register; `conda_file` is a path or a tree, `context` the location of a build context.

    None if the plan describes none: an MLflow model brings its own.
    """
    image = values.written("deployment.environment.image")
    if not (image or conda_file or context):
        return None
    build = {"path": context, "dockerfile_path": values.written("deployment.environment.build.dockerfile_path")}
    return _made(
        "Environment",
        {
            "name": name,
            "image": image,
            "conda_file": conda_file,
            "build": _made("BuildContext", build) if context else None,
            "inference_config": values.written("deployment.environment.inference_config"),
            **other,
        },
    )


def deployment(values: Values, *, model: Any, environment: Any, code: Any, **other: Any) -> Entity:
    """A managed online deployment of a model in an environment, with a code folder if it has one.

    Model, environment and code are entities, ids or placeholders; `other` arguments override the plan's.
    """
    script = values.value("deployment.code_configuration.scoring_script")
    configuration = _made("CodeConfiguration", {"code": code, "scoring_script": script}) if code else None
    given = {name: values.value(f"deployment.{name}") for name in ("instance_type", "instance_count")} | {
        name: values.written(f"deployment.{name}")
        for name in ("egress_public_network_access", "app_insights_enabled", "description", "model_mount_path", "tags")
    }
    variables = values.written("deployment.environment_variables")
    return _made(
        "ManagedOnlineDeployment",
        {
            "name": values.value("deployment.name"),
            "endpoint_name": values.value("endpoint.name"),
            "model": model,
            "environment": environment,
            "code_configuration": configuration,
            **given,
            "environment_variables": _texts(variables),
            "request_settings": _group(values, "request_settings", "OnlineRequestSettings", SETTINGS),
            "liveness_probe": _group(values, "liveness_probe", "ProbeSettings", PROBE),
            "readiness_probe": _group(values, "readiness_probe", "ProbeSettings", PROBE),
            "data_collector": _collector(values),
            **other,
        },
    )


def _group(values: Values, group: str, kind: str, names: tuple[str, ...]) -> Entity | None:
    """The entity for a group of keys; None if none of them is set."""
    if all(values.written(f"deployment.{group}.{name}") is None for name in names):
        return None
    return _made(kind, {name: values.value(f"deployment.{group}.{name}") for name in names})


def _collector(values: Values) -> Entity | None:
    """The data collector. The SDK names the data assets of collections that have none."""
    key = "deployment.data_collector"
    collections = values.written(f"{key}.collections")
    if not collections:
        return None
    made = {}
    for name, one in data_collection.as_az(collections).items():
        data = {part: str(text) for part, text in (one.get("data") or {}).items()}
        asset = _made("DataAsset", data) if data else None
        made[name] = _made("DeploymentCollection", {"enabled": one["enabled"].lower(), "data": asset})
    share, rate = values.written(f"{key}.sampling_rate"), values.written(f"{key}.rolling_rate")
    headers = value_rules.listed(values.written(f"{key}.request_logging.capture_headers") or ())
    return _made(
        "DataCollector",
        {
            "collections": made,
            "sampling_rate": 1.0 if share is None else share,
            "rolling_rate": rate if has_reference(rate) else str(rate or "hour").lower(),
            "request_logging": _made("RequestLogging", {"capture_headers": headers}) if headers else None,
        },
    )


def _texts(given: Mapping[str, Any] | None) -> dict[str, str] | None:
    """A map with its values as strings, as the SDK requires."""
    return {name: str(item) for name, item in given.items()} if given else None


def _made(kind: str, arguments: Mapping[str, Any]) -> Entity:
    """An entity without the arguments that are None."""
    return Entity(kind, {name: item for name, item in arguments.items() if item is not None})


def _tree(given: Any) -> Any:
    if isinstance(given, Entity):
        return {name: _tree(item) for name, item in given.arguments.items()}
    if isinstance(given, Mapping):
        return {name: _tree(item) for name, item in given.items()}
    return [_tree(item) for item in given] if isinstance(given, (list, tuple)) else given


def _kinds(given: Any) -> Iterator[str]:
    if isinstance(given, Entity):
        yield from given.kinds()
    elif isinstance(given, Mapping):
        for item in given.values():
            yield from _kinds(item)
    elif isinstance(given, (list, tuple)):
        for item in given:
            yield from _kinds(item)
