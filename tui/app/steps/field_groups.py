"""Groups less common fields under a heading, with shortened labels."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tui.plan.fields.all_fields import Field


class Group(NamedTuple):
    """Fields whose keys start with `keys`; `first` is the label prefix that the heading makes redundant."""

    keys: tuple[str, ...]
    first: str
    heading: str


GROUPS: tuple[Group, ...] = (
    Group(("endpoint.identity",), "", "Identity: the identity with which the endpoint reads models, images and data"),
    Group(("deployment.environment.inference_config", "deployment.model_mount_path"), "Container: ",
          "Custom container: its routes, and where it finds the model"),
    Group(("deployment.environment",), "", "Environment"),
    Group(("deployment.model",), "Model ", "The model's version in the workspace"),
    Group(("deployment.data_collector",), "Collector: ", "Data collection: requests and responses, stored as files"),
    Group(("deployment.autoscale",), "Autoscale: ", "Autoscale: rules of Azure Monitor set the number of instances"),
    Group(("deployment.liveness_probe",), "Liveness: ", "Liveness probe: an instance that fails it is restarted"),
    Group(("deployment.readiness_probe",), "Readiness: ",
          "Readiness probe: an instance that fails it gets no requests"),
    Group(("deployment.description", "deployment.tags"), "Deployment ", "Deployment"),
    Group(("limits",), "Limit: ", "How long a run waits before it stops watching"),
    Group(("rollout",), "Rollout: ", "Rollout: how a second deployment takes over the traffic"),
)  # fmt: skip
# Labels under a heading that repeats their end.
SHORT: dict[str, str] = {
    "deployment.environment.registered": "Registered",
    "endpoint.identity.user_assigned_identities": "User-assigned",
}


def group_of(field: Field) -> tuple[str, str]:
    """Return the heading of a less common field, or "", and its label under it."""
    if field.advanced:
        for group in GROUPS:
            if field.key.startswith(group.keys):
                if field.key in SHORT:
                    return group.heading, SHORT[field.key]
                rest = field.label[len(group.first) :] if field.label.startswith(group.first) else field.label
                return group.heading, rest[:1].upper() + rest[1:]
    return "", field.label


def grouped(fields: Iterable[Field]) -> list[tuple[str, list[tuple[Field, str]]]]:
    """Group fields by heading, in order of first appearance, each with its label under the heading."""
    found: dict[str, list[tuple[Field, str]]] = {}
    for field in fields:
        heading, label = group_of(field)
        found.setdefault(heading, []).append((field, label))
    return list(found.items())
