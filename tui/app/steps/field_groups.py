"""Less usual fields that belong together: a heading, and what is left of their labels below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from tui.plan.fields.all_fields import Field


class Group(NamedTuple):
    """Fields whose keys begin with `keys`; the heading says what `first`, the beginning of their labels, says."""

    keys: tuple[str, ...]
    first: str
    heading: str


GROUPS: tuple[Group, ...] = (
    Group(("endpoint.identity",), "", "Identity: as whom the endpoint reads models, images and data"),
    Group(("deployment.environment.inference_config", "deployment.model_mount_path"), "Container: ",
          "A container of your own: where it answers, and where it finds the model"),
    Group(("deployment.environment",), "", "Environment"),
    Group(("deployment.model",), "Model ", "The model's version in the workspace"),
    Group(("deployment.data_collector",), "Collector: ", "Data collection: requests and answers, kept as files"),
    Group(("deployment.liveness_probe",), "Liveness: ", "Liveness probe: an instance that fails it is restarted"),
    Group(("deployment.readiness_probe",), "Readiness: ",
          "Readiness probe: an instance that fails it gets no requests"),
    Group(("deployment.description", "deployment.tags"), "Deployment ", "Deployment"),
    Group(("limits",), "Limit: ", "How long a run waits before it gives up watching"),
    Group(("rollout",), "Rollout: ", "Rollout: how a second deployment takes over the requests"),
)  # fmt: skip
# What is left of labels whose end says it again.
SHORT: dict[str, str] = {
    "deployment.environment.registered": "Registered",
    "endpoint.identity.user_assigned_identities": "User-assigned",
}


def group_of(field: Field) -> tuple[str, str]:
    """The heading that a less usual field stands below, or "", and its label there."""
    if field.advanced:
        for group in GROUPS:
            if field.key.startswith(group.keys):
                if field.key in SHORT:
                    return group.heading, SHORT[field.key]
                rest = field.label[len(group.first) :] if field.label.startswith(group.first) else field.label
                return group.heading, rest[:1].upper() + rest[1:]
    return "", field.label


def grouped(fields: Iterable[Field]) -> list[tuple[str, list[tuple[Field, str]]]]:
    """Fields by heading, in the order in which the headings come first; each with its label there."""
    found: dict[str, list[tuple[Field, str]]] = {}
    for field in fields:
        heading, label = group_of(field)
        found.setdefault(heading, []).append((field, label))
    return list(found.items())
