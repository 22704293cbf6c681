"""Environments: a conda file on a base image, registered under a name, or one that is there already."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.cloud import arm
from tui.cloud.errors import CloudError
from tui.cloud.models import parse_reference
from tui.cloud.session import Cloud
from tui.plan.model import Environment


@dataclass(frozen=True)
class EnvironmentVersion:
    """A registered environment; `conda` is the conda file as a tree, `reused` when nothing had to be made."""

    id: str
    name: str
    version: str
    image: str | None
    conda: Any
    reused: bool = False


def read(cloud: Cloud, name: str, version: str) -> EnvironmentVersion | None:
    """One version, or None when it is not there. Raises CloudError."""
    found = cloud.arm.find(
        f"{cloud.workspace_id}/environments/{name}/versions/{version}",
        arm.ENVIRONMENTS,
        doing=f"reading the environment {name}",
    )
    return None if found is None else _info(found)


def find(cloud: Cloud, environment: Environment) -> EnvironmentVersion | None:
    """The version that has the plan's content: the one it names, else the newest. Raises CloudError."""
    if environment.registered:
        return resolve(cloud, environment.registered)
    wanted = _content(environment.conda_file)
    version = environment.version or _versions(cloud, environment.name)[0]
    found = read(cloud, environment.name, version) if version else None
    if found is not None and found.image == environment.image and found.conda == wanted:
        return found
    return None


def resolve(cloud: Cloud, reference: str) -> EnvironmentVersion:
    """The environment that `azureml:NAME:VERSION`, `azureml:NAME@latest` or an id means. Raises CloudError.

    Ids of registries (azureml://registries/…) are passed on as they are.
    """
    if "/registries/" in reference:
        return EnvironmentVersion(reference, reference.rsplit("/", 3)[-3], reference.rsplit("/", 1)[-1], None, None)
    name, version = parse_reference(reference, "environments")
    version = version or _versions(cloud, name)[0]
    found = read(cloud, name, version) if version else None
    if found is None:
        raise CloudError(
            title=f"The environment {reference} is not registered",
            cause=f"The workspace {cloud.plan.workspace.name} has no such environment or version.",
            remedy="Check name and version (az ml environment list), or give a conda file and an image.",
            code="EnvironmentNotFound",
            status=404,
        )
    return found


def register(cloud: Cloud, environment: Environment, base: Path | None = None) -> EnvironmentVersion:
    """Registers the plan's environment, or takes the one that has the same content already. Raises CloudError."""
    found = find(cloud, environment)
    if found is not None:
        return EnvironmentVersion(**{**found.__dict__, "reused": True})
    version = environment.version or _versions(cloud, environment.name)[1]
    conda = environment.conda_file
    if conda is not None and base is not None and not conda.is_absolute():
        conda = base / conda
    tree = _content(conda)
    properties: dict[str, Any] = {
        **({"condaFile": _as_text(tree)} if tree is not None else {}),
        "image": environment.image,
        "tags": {},
        "isAnonymous": False,
        "isArchived": False,
    }
    doing = f"registering the environment {environment.name}"
    where = f"{cloud.workspace_id}/environments/{environment.name}/versions/{version}"
    return _info(cloud.arm.call("PUT", where, arm.ENVIRONMENTS, {"properties": properties}, doing=doing).body)


def _as_text(conda: Any) -> str:
    """The conda file as azure-ai-ml 1.35 sends it: the service compares and hashes these words."""
    import yaml

    return str(yaml.dump(conda))


def _versions(cloud: Cloud, name: str) -> tuple[str | None, str]:
    """The latest version, None when there is none, and the next one to make."""
    found = cloud.arm.find(
        f"{cloud.workspace_id}/environments/{name}", arm.ENVIRONMENTS, doing=f"reading the environment {name}"
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
        return yaml.safe_load(conda_file.read_text("utf-8"))
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
    name, version = parse_reference(identifier, "environments")
    return EnvironmentVersion(
        id=identifier,
        name=name,
        version=str(version or body.get("name") or ""),
        image=properties.get("image"),
        conda=conda or None,
    )
