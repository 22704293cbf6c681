"""Fields that can be chosen from a list, and the helper query that returns it."""

from __future__ import annotations

from typing import NamedTuple


class ListSource(NamedTuple):
    """A field's list: the helper query, the plural noun for its items, and the part of an item that is stored."""

    question: str
    noun: str
    take: str = "value"  # or "label"


LISTS: dict[str, ListSource] = {
    "workspace.subscription_id": ListSource("subscriptions", "subscriptions"),
    "workspace.resource_group": ListSource("resource_groups", "resource groups"),
    "workspace.name": ListSource("workspaces", "workspaces"),
    "endpoint.name": ListSource("endpoints", "endpoints"),
    "deployment.name": ListSource("deployments", "deployments"),
    "deployment.model.name": ListSource("registered_models", "registered models", "label"),
    "deployment.environment.image": ListSource("curated_images", "base images"),
    "deployment.environment.registered": ListSource("environments", "environments"),
}
CHOSEN = "chosen from a list"  # the source recorded for such a value
