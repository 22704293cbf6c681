"""Converts the plan to YAML files of the Azure CLI: endpoint.yml, and a deployment.yml for each deployment.

The keys are those of Microsoft's reference-yaml-endpoint-online and reference-yaml-deployment-managed-online.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tui.app.state.store import Store
from tui.plan import data_collection, endpoint_identity
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand, has_reference

_SCHEMAS = "https://azuremlschemas.azureedge.net/latest/"
_ENDPOINT = ("name", "description", "tags", "auth_mode", "public_network_access", "identity")
_DEPLOYMENT = (
    "description", "tags", "model", "code_configuration", "environment", "environment_variables", "instance_type",
    "instance_count", "app_insights_enabled", "egress_public_network_access", "request_settings", "liveness_probe",
    "readiness_probe",
    "data_collector",
    "model_mount_path",
)  # fmt: skip
_ALWAYS = ("endpoint.name", "endpoint.auth_mode", "endpoint.public_network_access", "deployment.name",
           "deployment.instance_type", "deployment.instance_count", "deployment.model.type")  # fmt: skip


def endpoint(store: Store) -> dict[str, Any]:
    """Return endpoint.yml as data; references are resolved where possible."""
    written = _fields(store, store.document, "endpoint", _ENDPOINT)
    given = written.get("identity")
    if given:
        # az ml expects mappings; the plan may list bare ids.
        ids = endpoint_identity.listed(given.get("user_assigned_identities") or ()) or []
        given.update({"user_assigned_identities": [{"resource_id": one} for one in ids]} if ids else {})
    return {"$schema": f"{_SCHEMAS}managedOnlineEndpoint.schema.json", **written}


def deployments(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """Return each deployment's file name and data: deployment.yml, or with several, a file named after each."""
    several = store.document.each()
    found = []
    for one in several:
        tree = deployment(store, one)
        found.append(("deployment.yml" if len(several) == 1 else f"deployment-{tree['name']}.yml", tree))
    return found


def deployment(store: Store, document: Document | None = None) -> dict[str, Any]:
    """Return deployment.yml as data; a registered model or environment appears as its reference.

    `document` is the plan with another of its deployments as `deployment:`.
    """
    plan = store.document if document is None else document
    tree: dict[str, Any] = {
        "$schema": f"{_SCHEMAS}managedOnlineDeployment.schema.json",
        "name": _value(store, plan, "deployment.name"),
        "endpoint_name": _value(store, plan, "endpoint.name"),
        **_fields(store, plan, "deployment", _DEPLOYMENT),
    }
    model = tree.get("model")
    if isinstance(model, dict) and str(model.get("path") or "").startswith("azureml:"):
        tree["model"] = model["path"]
    environment = tree.get("environment")
    if isinstance(environment, dict):
        registered = environment.pop("registered", None)
        environment.pop("name", None)  # an inline environment is registered without a user-defined name
        tree["environment"] = registered or environment
        if not tree["environment"]:
            del tree["environment"]
    collected = tree.get("data_collector", {}).get("collections")
    if isinstance(collected, dict):
        tree["data_collector"]["collections"] = data_collection.as_az(collected)
    if "code_configuration" in tree and not tree["code_configuration"].get("code"):
        del tree["code_configuration"]
    elif "code_configuration" in tree:
        tree["code_configuration"].setdefault("scoring_script", "score.py")
    return tree


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """Convert values by dotted keys to a tree."""
    tree: dict[str, Any] = {}
    for key, value in values.items():
        *parents, last = key.split(".")
        node = tree
        for parent in parents:
            node = node.setdefault(parent, {})
        node[last] = value
    return tree


def _fields(store: Store, document: Document, group: str, names: Sequence[str]) -> dict[str, Any]:
    """Return the values of a plan group's fields with these names, and of the fields below them, by name."""
    keys = [key for name in names for key in BY_KEY if f"{key}.".startswith(f"{group}.{name}.")]
    values = {key[len(group) + 1 :]: _value(store, document, key) for key in keys if document.asked(key)}
    return nested({key: value for key, value in values.items() if value not in (None, "", {})})


def _value(store: Store, document: Document, key: str) -> Any:
    """Return the resolved value; a default only if the file would mean something else without it."""
    if BY_KEY[key].kind == "secret":
        return None
    value = document.value(key) if key in _ALWAYS else document.get(key)
    if not has_reference(value):
        return value
    try:
        return expand(str(value), store.environ)
    except Unresolved:
        return value
