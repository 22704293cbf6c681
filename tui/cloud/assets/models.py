"""Finds models by their content, uploads and registers them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable

from tui.cloud import ml_client
from tui.cloud.assets import asset_reference
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.storage.folder_files import LocalFile, changed_on_the_way, fingerprint, hash_of, remember, walk
from tui.cloud.storage.folder_files import content_hash as content_hash  # part of this module's interface
from tui.cloud.storage.uploader import Progress, upload_and_hash
from tui.plan import sdk_entities
from tui.plan.model import Model

CONTENT_TAG = "aml-deploy-content"
FIGURES_TAG = "aml-deploy-figures"
_LOOK_BACK = 200  # versions examined when searching for one with the same content
_VERSIONS_TRIED = 3  # version numbers to try if others register versions at the same time
_WORTH_OVERLAPPING = 64 * 1024 * 1024  # bytes; less is hashed quickly


@dataclass(frozen=True)
class ModelVersion:
    """A registered model: Resource Manager id, name, version and type (custom_model, mlflow_model, …)."""

    id: str
    name: str
    version: str
    type: str
    path: str
    tags: dict[str, str] = field(default_factory=dict)
    reused: bool = False


def find(cloud: Cloud, model: Model, content_hash: str) -> ModelVersion | None:
    """The newest version of a model with this content, of its type and version if it names them, or None.

    Raises CloudError.
    """
    for found in _newest(cloud, model.name):
        fits = model.type in (None, found.type) and model.version in (None, found.version)
        if found.tags.get(CONTENT_TAG) == content_hash and fits:
            return found
    return None


def _newest(cloud: Cloud, name: str, page: int = 50, workspace: str = "") -> Iterator[ModelVersion]:
    query = {"$orderBy": "createdtime desc", "$top": str(page), "listViewType": "ActiveOnly"}
    path, doing = f"{workspace or cloud.workspace_id}/models/{name}/versions", f"looking for the model {name}"
    try:
        yield from map(_info, itertools.islice(cloud.arm.items(path, arm.MODELS, query, doing), _LOOK_BACK))
    except CloudError as error:
        # A model without versions does not exist.
        if error.status != 404 or error.code in {"ResourceGroupNotFound", "SubscriptionNotFound"}:
            raise


def read(cloud: Cloud, name: str, version: str, workspace: str = "") -> ModelVersion | None:
    """One version, or None if it does not exist; `workspace` is the id of another workspace. Raises CloudError."""
    path = f"{workspace or cloud.workspace_id}/models/{name}/versions/{version}"
    found = cloud.arm.find(path, arm.MODELS, doing=f"reading the model {name}")
    return None if found is None else _info(found)


def resolve(cloud: Cloud, reference: str) -> ModelVersion:
    """The model of a reference (`asset_reference.parse`), read from the workspace to which it points.

    A model of a registry is not read: the deployment gets the reference as it stands. Raises CloudError.
    """
    wanted = asset_reference.parse(reference, "models")
    if wanted.registry:
        return ModelVersion(reference, wanted.name, wanted.version or "latest", "", "")
    found = (
        read(cloud, wanted.name, wanted.version, wanted.workspace)
        if wanted.version
        else next(_newest(cloud, wanted.name, 1, wanted.workspace), None)
    )
    if found is None:
        where = wanted.workspace.rpartition("/")[2] or cloud.plan.workspace.name
        raise CloudError(
            title=f"The model {reference} is not registered",
            cause=f"The workspace {where} has no such model or version.",
            remedy="Check name and version (az ml model list), or use a path to register.",
            code="ModelNotFound",
            status=404,
        )
    return found


def register(
    cloud: Cloud,
    model: Model,
    path: Path,
    content_hash: str,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    tags: Mapping[str, str] | None = None,
    creating: Callable[[], None] = lambda: None,
) -> ModelVersion:
    """Upload and register a folder or file, or reuse a version with the same content and type.

    `progress` receives bytes done and in total, on this thread; `creating` is called before anything is written. Raises
    Cancelled, or CloudError.
    """
    found = find(cloud, model, content_hash)
    if found is not None:
        return replace(found, reused=True)
    creating()
    if model.version and read(cloud, model.name, model.version) is not None:
        raise CloudError(
            title=f"Version {model.version} of {model.name} is already registered",
            cause="Its content or type differs from the path in the plan, and a version cannot be changed.",
            remedy="Omit the version, so that the next one is created, or name an unused one.",
            code="ModelVersionExists",
            status=409,
        )
    target, files = default_datastore(cloud), walk(path)
    prefix = f"aml-deploy/{content_hash[:32]}"
    place, digests = upload_and_hash(target, files, prefix, _folder(path), progress, cancelled)
    if not model.source and hash_of(path, files, digests) != content_hash:  # that of a source is of its listing
        raise changed_on_the_way(path)
    return _register(cloud, model, path, files, f"{target.name}/paths/{place}", content_hash, tags)


def bring(
    cloud: Cloud,
    model: Model,
    path: Path,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
    tags: Mapping[str, str] | None = None,
    creating: Callable[[], None] = lambda: None,
) -> ModelVersion:
    """The version with the content of a folder or file: an existing one or a new one.

    Like `register`, but if no version has the same number of files and bytes, so that none can have the same content,
    large data is hashed during the upload instead of before it. If large data is hashed before, `progress` receives
    the bytes read and in total before `creating` is called.
    """
    files = walk(path)
    figures, large = _figures(files), sum(file.size for file in files) >= _WORTH_OVERLAPPING
    alike = model.version is not None or any(
        version.tags.get(FIGURES_TAG, figures) == figures
        for version in _newest(cloud, model.name)
        if CONTENT_TAG in version.tags
    )
    if alike or not large:
        content = content_hash(path, cancelled, progress if large else lambda done, total: None)
        return register(cloud, model, path, content, progress, cancelled, tags, creating)
    creating()
    target = default_datastore(cloud)
    state = fingerprint(path, files)
    place, digests = upload_and_hash(target, files, f"aml-deploy/{state[:32]}", _folder(path), progress, cancelled)
    content = hash_of(path, files, digests)
    if fingerprint(path, files) != state:
        raise changed_on_the_way(path)  # what was sent can be part old, part new
    remember(path, files, state, content)
    return _register(cloud, model, path, files, f"{target.name}/paths/{place}", content, tags)


def _folder(path: Path) -> str:
    return path.name if path.is_dir() else ""


def _figures(files: list[LocalFile]) -> str:
    return f"{len(files)} files, {sum(file.size for file in files)} bytes"


def _register(
    cloud: Cloud,
    model: Model,
    path: Path,
    files: list[LocalFile],
    place: str,
    content: str,
    tags: Mapping[str, str] | None,
) -> ModelVersion:
    marks = {**(tags or {}), CONTENT_TAG: content, FIGURES_TAG: _figures(files)}
    return create_version(cloud, model, f"azureml://datastores/{place}/{path.name}", marks)


def create_version(cloud: Cloud, model: Model, uri: str, tags: Mapping[str, str]) -> ModelVersion:
    """Register a model at an address that the workspace can read: in a datastore, or the output of a run or job.

    Raises CloudError.
    """
    marks = {**model.tags, **tags}
    values = sdk_entities.Tree({"deployment": {"model": asdict(model)}})
    wanted = sdk_entities.model(values, uri, tags=marks)
    doing = f"registering the model {model.name}"
    for left in reversed(range(_VERSIONS_TRIED)):
        made = ml_client.entity(wanted)
        try:
            registered = ml_client.call(cloud, partial(_create_or_update, made), doing)
        except CloudError as error:
            if error.status not in (400, 409) or not made.version:
                raise
            there = read(cloud, model.name, str(made.version))
            if there is not None and there.tags == marks:
                return there  # it was created, and the response was lost
            # Another client used the number in the meantime; a version's content cannot be changed.
            if model.version or there is None or not left:
                raise
        else:
            kept = {str(key): str(value) for key, value in (registered.tags or {}).items()}
            return ModelVersion(
                registered.id, registered.name, str(registered.version), registered.type, registered.path, kept
            )
    raise AssertionError("the last attempt returns or raises")


def _create_or_update(made: Any, client: Any) -> Any:
    return client.models.create_or_update(made)


def _info(body: Mapping[str, Any]) -> ModelVersion:
    properties = body.get("properties") or {}
    identifier = str(body.get("id") or "")
    name, _, version = identifier.rpartition("/models/")[2].partition("/versions/")
    return ModelVersion(
        id=identifier,
        name=name,
        version=str(version or body.get("name") or ""),
        type=str(properties.get("modelType") or "custom_model"),
        path=str(properties.get("modelUri") or ""),
        tags={str(key): str(value) for key, value in (properties.get("tags") or {}).items()},
    )
