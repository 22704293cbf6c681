"""References to registered assets: of the plan's workspace, of another workspace, or of a shared registry."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.cloud.errors import CloudError

_PROVIDER = "providers/Microsoft.MachineLearningServices"
_LONG = re.compile(
    r"^(?:azureml:)?/{1,2}"
    rf"(?:subscriptions/(?P<subscription>[^/]+)/resourceGroups/(?P<group>[^/]+)/(?:{_PROVIDER}/)?)?"
    r"(?P<holder>workspaces|registries)/(?P<where>[^/]+)/"
    r"(?P<kind>[^/]+)/(?P<name>[^/]+)/(?P<by>versions|labels)/(?P<version>[^/]+)$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class AssetReference:
    """An asset's name and version; the version is None for the latest.

    `workspace` is the resource id of the workspace that holds it, "" for the plan's own; `registry` is the name of the
    registry that holds it, else "".
    """

    name: str
    version: str | None
    workspace: str = ""
    registry: str = ""


def parse(reference: str, kind: str) -> AssetReference:
    """Parse `azureml:NAME:VERSION`, `azureml:NAME@latest`, a resource id or an `azureml://…` id; `kind` is as in ids.

    Raises CloudError for another form, which could otherwise be read as an asset of the plan's own workspace.
    """
    text = reference[len("azureml:") :] if reference.startswith("azureml:") else reference
    if found := _LONG.match(reference):
        in_registry = found["holder"].lower() == "registries"
        if found["kind"].lower() == kind and (in_registry or found["subscription"]):
            version = _version(reference, found["version"], label=found["by"].lower() == "labels")
            if in_registry:
                return AssetReference(found["name"], version, registry=found["where"])
            scope = f"/subscriptions/{found['subscription']}/resourceGroups/{found['group']}"
            return AssetReference(found["name"], version, f"{scope}/{_PROVIDER}/workspaces/{found['where']}")
    elif "/" not in text:
        name, label, version = text.partition("@")
        if label:
            return AssetReference(name, _version(reference, version, label=True))
        name, _, version = text.partition(":")
        return AssetReference(name, None if version in ("", "latest") else version)
    raise _not_understood(reference, kind)


def in_plan(identifier: str, kind: str, own: str) -> str:
    """How a plan names an asset: shortly if it is of its `own` workspace, else as given. Raises CloudError."""
    asset = parse(identifier, kind)
    if asset.registry:
        return identifier
    if asset.workspace.lower() in ("", own.lower()):
        return f"azureml:{asset.name}:{asset.version}"
    return f"azureml:/{asset.workspace}/{kind}/{asset.name}/versions/{asset.version}"


def _version(reference: str, version: str, label: bool) -> str | None:
    if not label:
        return version
    if version != "latest":
        raise CloudError(
            title=f"The label of {reference} is not supported",
            cause="Only the label latest can be resolved.",
            remedy="Name the version.",
            code="ReferenceNotUnderstood",
            status=400,
        )
    return None


def _not_understood(reference: str, kind: str) -> CloudError:
    return CloudError(
        title=f"{reference} is not a reference to one of the {kind}",
        cause="It is neither a short name nor the id of an asset in a workspace or a registry.",
        remedy=f"Write azureml:NAME:VERSION, azureml://registries/REGISTRY/{kind}/NAME/versions/VERSION, or the "
        "asset's resource id.",
        code="ReferenceNotUnderstood",
        status=400,
    )
