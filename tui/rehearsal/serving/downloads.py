"""The storage initialiser: copies a deployment's model and code from storage to disk."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from tui.rehearsal.arm.asset_properties import blob_place, uri_of
from tui.rehearsal.arm.errors import additional_info
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.service import Service
from tui.rehearsal.serving import mlflow_serving
from tui.rehearsal.serving.container_log import STORAGE_INITIALIZER, DeploymentLog
from tui.rehearsal.store import Resource

# Paths in a container of the service (recorded in the environmentVariables of a finished deployment).
APP_ROOT = "/var/azureml-app"


@dataclass
class Place:
    """The folders of one generation of a deployment on disk, and their paths in its container."""

    folder: Path
    code: Path
    model: Path
    code_name: str
    model_name: str


def code_id_of(deployment: Resource) -> str | None:
    """The id of the deployment's code, or None."""
    configuration = deployment.properties.get("codeConfiguration")
    return str(configuration["codeId"]) if configuration else None


async def download(
    service: Service,
    deployment: Resource,
    workspace: Workspace,
    place: Place,
    log_now: DeploymentLog,
    *,
    serves_itself: bool = False,
) -> None:
    """Copy model and code to their folders, and log to the container `storage-initializer`.

    `serves_itself`: the image has a server, which needs no script. Raises OperationFailed if there is nothing to copy.
    """

    def say(line: str) -> None:
        log_now.write(line, STORAGE_INITIALIZER)

    def fail(code: str, message: str) -> OperationFailed:
        say(message)
        log_now.step("ModelDownload", "Failed")
        return OperationFailed(code, message, additional=additional_info(workspace.location))

    log_now.step("ModelDownload", "Running")
    await asyncio.to_thread(shutil.rmtree, place.code.parent, True)
    place.model.mkdir(parents=True, mode=0o700)
    place.code.mkdir(parents=True, exist_ok=True, mode=0o700)
    model_id, code_id = deployment.properties["model"], code_id_of(deployment)
    if model_id:
        uri = uri_of(service, model_id, "modelUri")
        if not await _copy(service, workspace, uri, place.model, keep_last=True, say=say):
            raise fail(
                "BadArgument",
                f"Unable to download user model: there is nothing at '{uri}'. Make sure that the model is "
                "registered in this workspace and that its files are in its storage.",
            )
    if code_id:
        uri = uri_of(service, code_id, "codeUri")
        if not await _copy(service, workspace, uri, place.code, keep_last=False, say=say):
            raise fail("BadArgument", f"Unable to download user code: there is nothing at '{uri}'.")
    elif mlflow_serving.scores(service, deployment):
        mlflow_serving.put_script(place.code)
        say(f"The scoring script for MLflow models is {mlflow_serving.RESOURCES}/{mlflow_serving.SCRIPT}")
    elif not serves_itself:
        raise fail(
            "BadArgument",
            "The deployment needs codeConfiguration with a script; only MLflow models, and images with a server of "
            "their own, are served without one.",
        )
    log_now.step("ModelDownload", "Succeeded")


async def _copy(
    service: Service, workspace: Workspace, uri: str, target: Path, *, keep_last: bool, say: Callable[[str], None]
) -> int:
    """Copy the files at a URI; return their number. For models, the last folder's name is kept."""
    found = blob_place(service, workspace, uri)
    if found is None:
        return 0
    container, path = found
    files: list[tuple[Path, dict[str, Any]]] = []
    single = service.blobs.get(container, path) if path else None
    if single is not None:
        files.append((target / PurePosixPath(path).name, single))
    prefix = f"{path}/" if path else ""
    base = target / PurePosixPath(path).name if keep_last and path else target
    for name, record in service.blobs.all_below(container, prefix):
        relative = name[len(prefix) :]
        destination = base / relative.lstrip("/")
        # A blob may be called "../x".
        if relative and not relative.endswith("/") and ".." not in PurePosixPath(relative).parts:
            files.append((destination, record))
    total = sum(record["size"] for _, record in files)
    counted = "1 file" if len(files) == 1 else f"{len(files)} files"
    say(f"Downloading {counted}, {total} bytes, from {container}/{path}")
    for destination, record in files:
        await asyncio.to_thread(service.blobs.copy_out, record, destination)
    say(f"Downloaded {counted} to {APP_ROOT}/{target.relative_to(target.parents[0])}")
    return len(files)
