"""Finds and registers environments: a conda file on a base image, an image with or without its own routes, or a
Docker build context."""

from __future__ import annotations

import contextlib
import re
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Callable

from tui.cloud import ml_client
from tui.cloud.assets import asset_reference
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.storage.folder_files import changed_on_the_way, content_hash, hash_of, walk
from tui.cloud.storage.uploader import Progress, upload_and_hash
from tui.plan import sdk_entities
from tui.plan.model import BuildContext, Environment, InferenceConfig


@dataclass(frozen=True)
class EnvironmentVersion:
    """A registered environment; `conda` is the conda file as a tree, `reused` if it already existed.

    `context` is the address of a build context and `dockerfile` the Dockerfile in it; `routes` are those of a container
    with its own server, as in Resource Manager.
    """

    id: str
    name: str
    version: str
    image: str | None
    conda: Any
    reused: bool = False
    context: str | None = None
    dockerfile: str | None = None
    routes: dict[str, Any] | None = None


def read(cloud: Cloud, name: str, version: str, workspace: str = "") -> EnvironmentVersion | None:
    """One version, or None if it does not exist; `workspace` is the id of another workspace. Raises CloudError."""
    found = cloud.arm.find(
        f"{workspace or cloud.workspace_id}/environments/{name}/versions/{version}",
        arm.ENVIRONMENTS,
        doing=f"reading the environment {name}",
    )
    return None if found is None else _info(found)


def find(cloud: Cloud, environment: Environment) -> EnvironmentVersion | None:
    """The version with the plan's content: the version that the plan names, else the newest. Raises CloudError.

    The address of an uploaded build context contains the hash of its content.
    """
    if environment.registered:
        return resolve(cloud, environment.registered)
    wanted = _content(environment.conda_file)
    version = environment.version or _versions(cloud, environment.name)[0]
    found = read(cloud, environment.name, version) if version else None
    if found is None or found.image != environment.image or found.conda != wanted:
        return None
    same = _same_context(environment.build, found) and found.routes == routes(environment.inference_config)
    return found if same else None


def _same_context(wanted: BuildContext | None, found: EnvironmentVersion) -> bool:
    if wanted is None or found.context is None:
        return wanted is None and found.context is None
    address = found.context.rstrip("/")
    same = address == (wanted.url or "").rstrip("/") if wanted.path is None else _is_of(wanted.path, address)
    return same and (found.dockerfile or "Dockerfile") == wanted.dockerfile_path


def _is_of(context: Path, address: str) -> bool:
    """Whether a build context was uploaded to an address, which contains the hash of its content."""
    place = rf"/aml-deploy/{content_hash(context)[:32]}(-\d+)?/{re.escape(context.name)}$"
    return re.search(place, address) is not None


def routes(config: InferenceConfig | None) -> dict[str, Any] | None:
    """The routes of a container with its own server, as in Resource Manager."""
    if config is None:
        return None
    pairs = (
        ("livenessRoute", config.liveness_route),
        ("readinessRoute", config.readiness_route),
        ("scoringRoute", config.scoring_route),
    )
    return {name: {"path": route.path, "port": route.port} for name, route in pairs}


def resolve(cloud: Cloud, reference: str) -> EnvironmentVersion:
    """The environment of a reference (`asset_reference.parse`), read from the workspace to which it points.

    An environment of a registry is not read: the deployment gets the reference as it stands. Raises CloudError.
    """
    wanted = asset_reference.parse(reference, "environments")
    if wanted.registry:
        return EnvironmentVersion(reference, wanted.name, wanted.version or "latest", None, None)
    version = wanted.version or _versions(cloud, wanted.name, wanted.workspace)[0]
    found = read(cloud, wanted.name, version, wanted.workspace) if version else None
    if found is None:
        where = wanted.workspace.rpartition("/")[2] or cloud.plan.workspace.name
        raise CloudError(
            title=f"The environment {reference} is not registered",
            cause=f"The workspace {where} has no such environment or version.",
            remedy="Check name and version (az ml environment list), or use a conda file and an image.",
            code="EnvironmentNotFound",
            status=404,
        )
    return found


def register(
    cloud: Cloud,
    environment: Environment,
    base: Path | None = None,
    progress: Progress = lambda done, total: None,
    cancelled: Callable[[], bool] = lambda: False,
) -> EnvironmentVersion:
    """Register the plan's environment, or reuse the version with the same content.

    A build context is first uploaded to the workspace's default datastore; `progress` receives bytes done and in total.
    Raises Cancelled, or CloudError.
    """
    found = find(cloud, environment)
    if found is not None:
        return replace(found, reused=True)
    version = environment.version or _versions(cloud, environment.name)[1]
    conda = environment.conda_file
    if conda is not None and base is not None and not conda.is_absolute():
        conda = base / conda
    context = environment.build and (
        environment.build.url or _uploaded(cloud, environment.build.path, progress, cancelled)
    )
    values = sdk_entities.Tree({"deployment": {"environment": asdict(environment)}})
    wanted = sdk_entities.environment(values, environment.name, _content(conda), context, version=version)
    doing = f"registering the environment {environment.name}"
    made = ml_client.entity(wanted)
    try:
        ml_client.call(cloud, lambda client: client.environments.create_or_update(made), doing)
    except CloudError as error:
        # If the first response was lost, the version exists, with our content.
        there = find(cloud, replace(environment, version=version)) if error.status in (400, 409) else None
        if there is None:
            raise
        return there
    return resolve(cloud, f"azureml:{environment.name}:{version}")


def _uploaded(cloud: Cloud, context: Path | None, progress: Progress, cancelled: Callable[[], bool]) -> str:
    """Upload a build context and return its address, with the final slash that the service needs
    (azure-ai-ml 1.35, _check_and_upload_env_build_context)."""
    assert context is not None
    content = content_hash(context, cancelled)
    target, files = default_datastore(cloud), walk(context)
    prefix = f"aml-deploy/{content[:32]}"
    place, digests = upload_and_hash(target, files, prefix, context.name, progress, cancelled, "the build context")
    if hash_of(context, files, digests) != content:
        raise changed_on_the_way(context)
    return f"{target.account_url}/{target.container}/{place}/{context.name}/"


def _versions(cloud: Cloud, name: str, workspace: str = "") -> tuple[str | None, str]:
    """The latest version (None if there is none) and the next one to create."""
    found = cloud.arm.find(
        f"{workspace or cloud.workspace_id}/environments/{name}",
        arm.ENVIRONMENTS,
        doing=f"reading the environment {name}",
    )
    properties = (found or {}).get("properties") or {}
    latest = properties.get("latestVersion")
    following = properties.get("nextVersion")
    if not following:
        number = str(latest or "0")
        following = str(int(number) + 1) if number.isdigit() else "1"
    return (str(latest) if latest else None), str(following)


def _content(conda_file: Path | None) -> Any:
    import yaml

    if conda_file is None:
        return None
    try:
        tree = yaml.safe_load(conda_file.read_text("utf-8"))
        if tree is not None and not isinstance(tree, dict):
            raise yaml.YAMLError("It has no keys such as dependencies.")
        return tree
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise CloudError(
            title=f"The conda file {conda_file.name} cannot be read",
            cause=str(error),
            remedy="Correct the file.",
            code="CondaFileInvalid",
        ) from None


def _info(body: dict[str, Any]) -> EnvironmentVersion:
    import yaml

    properties = body.get("properties") or {}
    conda: Any = properties.get("condaFile")
    if isinstance(conda, str):
        with contextlib.suppress(yaml.YAMLError):
            conda = yaml.safe_load(conda)
    identifier = str(body.get("id") or "")
    name, _, version = identifier.rpartition("/environments/")[2].partition("/versions/")
    return EnvironmentVersion(
        id=identifier,
        name=name,
        version=str(version or body.get("name") or ""),
        image=properties.get("image") or None,
        conda=conda or None,
        context=(properties.get("build") or {}).get("contextUri"),
        dockerfile=(properties.get("build") or {}).get("dockerfilePath"),
        routes=_plain_routes(properties.get("inferenceConfig")),
    )


def _plain_routes(found: Any) -> dict[str, Any] | None:
    """The routes, without other fields that the service may add."""
    if not isinstance(found, dict) or not found:
        return None
    return {
        str(name): {"path": route.get("path"), "port": route.get("port")}
        for name, route in found.items()
        if isinstance(route, dict)
    }
