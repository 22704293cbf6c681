"""Converts the plan to YAML files of the Azure CLI: endpoint.yml, and a deployment.yml for each deployment."""

from __future__ import annotations

from typing import Any

from tui.app.state.store import Store
from tui.export.az_yaml import SCHEMAS
from tui.plan import sdk_entities
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.fields.sources import is_registered
from tui.plan.load_save.document import Document
from tui.plan.load_save.references import Unresolved, expand, has_reference

_FIRST = ("name", "endpoint_name", "description", "tags")  # the order in the files


class _Shown:
    """The values of a plan as the wizard shows them: references are resolved where possible, secrets are None."""

    def __init__(self, store: Store, document: Document) -> None:
        self._environ, self._document = store.environ, document

    def value(self, key: str) -> Any:
        """The value at a key, or the field's default."""
        value = self._document.value(key)
        if key in BY_KEY and BY_KEY[key].kind == "secret":
            return None
        if not has_reference(value):
            return value
        try:
            return expand(str(value), self._environ)
        except Unresolved:
            return value

    def written(self, key: str) -> Any:
        """The value at a key if it is set and applies, else None."""
        applies = key not in BY_KEY or self._document.asked(key)
        return self.value(key) if applies and self._document.get(key) not in (None, "", {}) else None


def endpoint(store: Store) -> dict[str, Any]:
    """Return endpoint.yml as data; references are resolved where possible."""
    return _file("managedOnlineEndpoint", sdk_entities.endpoint(_Shown(store, store.document)))


def deployments(store: Store) -> list[tuple[str, dict[str, Any]]]:
    """Return each deployment's file name and data: deployment.yml, or with several, a file named after each."""
    trees = [deployment(store, one) for one in store.document.each()]
    return [("deployment.yml" if len(trees) == 1 else f"deployment-{tree['name']}.yml", tree) for tree in trees]


def deployment(store: Store, document: Document | None = None) -> dict[str, Any]:
    """Return deployment.yml as data; a registered model or environment appears as its reference.

    `document` is the plan with another of its deployments as `deployment:`.
    """
    plan = _Shown(store, store.document if document is None else document)
    path, image = plan.written("deployment.model.path"), "deployment.environment"
    # An inline environment is registered without a user-defined name.
    inline = sdk_entities.environment(
        plan, None, plan.written(f"{image}.conda_file"), plan.written(f"{image}.build.path")
    )
    made = sdk_entities.deployment(
        plan,
        model=sdk_entities.model_of(plan, path if is_registered(path) else None, path),
        environment=plan.written(f"{image}.registered") or inline,
        code=plan.written("deployment.code_configuration.code"),
    )
    return _file("managedOnlineDeployment", made)


def _file(schema: str, made: sdk_entities.Entity) -> dict[str, Any]:
    tree = made.tree()
    first = {name: tree[name] for name in _FIRST if name in tree}
    return {"$schema": f"{SCHEMAS}{schema}.schema.json", **first, **tree}
