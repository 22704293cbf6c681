"""What a deployment's servers stand on: an interpreter of this machine, or an image of a container engine."""

from __future__ import annotations

import asyncio
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from ssl import get_default_verify_paths
from typing import Any
from urllib.parse import urlsplit

from tui.common import conda_requirements
from tui.common.conda_requirements import CondaFileInvalid
from tui.common.redact import hide_logins
from tui.rehearsal.arm.asset_properties import blob_place, is_triton_model
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.container_engine import images
from tui.rehearsal.container_engine.engine import PROXIES, Engine, EngineFault, last_line
from tui.rehearsal.images.image_build import ImageBuildFailure, build
from tui.rehearsal.images.package_index import pip_settings
from tui.rehearsal.online_endpoints import own_containers
from tui.rehearsal.service import Service
from tui.rehearsal.serving import mlflow_serving
from tui.rehearsal.store import Resource

_PLACES = ("index-url", "extra-index-url", "find-links")


@dataclass(frozen=True)
class Foundation:
    """An interpreter's path, or an image's id and name with digest; `conda`: it got an environment with the server.

    `why` tells, as a clause, why an interpreter is used instead of an image.
    """

    python: str = ""
    image: str = ""
    name: str = ""
    conda: bool = False
    why: str = ""


class ImagePullFailed(ImageBuildFailure):
    """An image cannot be pulled. Code and sentence are assumed."""

    code = "ImagePullFailed"

    def __init__(self, failed: images.PullFailed) -> None:
        super().__init__(f"{failed.image} cannot be pulled from {failed.registry}: {failed.reason}")
        self.message = f"Image pull failed: {self.reason}."


async def make(service: Service, deployment: Resource, workspace: Workspace, say: Callable[[str], None]) -> Foundation:
    """Build or pull what the deployment's environment describes. Raises OperationFailed, ImageBuildFailure."""
    environment = service.store.get(deployment.properties["environmentId"] or "")
    properties: dict[str, Any] = environment.properties if environment else {}
    conda, image = properties.get("condaFile") or "", properties.get("image")
    if environment is None:
        if deployment.properties["environmentId"]:
            raise ImageBuildFailure("Its environment was deleted.")
        if is_triton_model(service.store.get(deployment.properties["model"] or "")):
            own_containers.refuse_triton()
        conda = mlflow_serving.conda_of_model(service, workspace, deployment, say)
        image = mlflow_serving.IMAGE
    why = await own_containers.why_none(service)
    engine = None if why else await service.engine.found()
    as_it_is = environment is not None and not conda.strip()
    own = properties.get("build") or properties.get("inferenceConfig") or as_it_is
    if why and environment is not None:
        own_containers.refuse(environment, why=why, may_serve=service.scoring_python is not None)
    elif isinstance(engine, Engine):
        try:
            if properties.get("build"):
                return await _built(service, workspace, engine, properties["build"], say)
            base = await images.pull(engine, str(image), say)
            return Foundation("", *base) if as_it_is else await _with_packages(engine, base.id, conda, say)
        except images.PullFailed as failed:
            if own or not failed.unreachable:
                raise ImagePullFailed(failed) from None
            why = f"the image's registry {failed.registry} cannot be reached"
            say(
                f"WARNING: The registry {failed.registry} cannot be reached from this machine ({failed.reason}), so "
                "the deployment runs without a container: its packages are installed on this machine."
            )
        except images.BuildFailed as failed:
            # The reason first: cards show the first line.
            raise ImageBuildFailure(f"{last_line(failed)}\n{failed}") from None
        except EngineFault as fault:
            raise ImageBuildFailure(f"{engine.name}: {last_line(fault)}") from None
    python = await build(conda, image, cache=service.home.cache, log=say, scoring_python=service.scoring_python)
    return Foundation(python=str(python), why=why)


async def _built(
    service: Service, workspace: Workspace, engine: Engine, wanted: dict[str, Any], say: Callable[[str], None]
) -> Foundation:
    """Build the Dockerfile of a context that was uploaded."""
    place = blob_place(service, workspace, str(wanted["contextUri"]))
    if place is None:
        uri = hide_logins(str(wanted["contextUri"]))
        raise ImageBuildFailure(f"The rehearsal builds uploaded contexts only; Azure would fetch this one from {uri}.")
    context = Path(tempfile.mkdtemp(prefix="build-", dir=service.home.containers))
    try:
        container, prefix = place[0], f"{place[1].rstrip('/')}/"
        for name, record in service.blobs.all_below(container, prefix):
            target = context / name[len(prefix) :]
            if ".." not in target.parts:
                await asyncio.to_thread(service.blobs.copy_out, record, target)
        await asyncio.to_thread(_open_up, context)
        dockerfile, origin = str(wanted["dockerfilePath"]), str(wanted["contextUri"])
        return Foundation("", *await images.build(engine, context, dockerfile, origin, say))
    finally:
        await asyncio.to_thread(shutil.rmtree, context, True)


def _open_up(context: Path) -> None:
    """Let the image's user read the files: a copied blob is closed to others, and COPY keeps a file's mode."""
    for path in context.rglob("*"):
        path.chmod(0o755 if path.is_dir() else 0o644)


async def _with_packages(engine: Engine, image: str, conda: str, say: Callable[[str], None]) -> Foundation:
    try:
        requirements = conda_requirements.read(conda_requirements.parse(conda))
    except CondaFileInvalid as error:
        raise ImageBuildFailure(str(error)) from None
    lines = "\n".join([*(" ".join(option) for option in requirements.options), *requirements.packages])
    exports = {name: os.environ[name] for name in os.environ if name.upper() in PROXIES}
    for key, value in (await pip_settings()).items():
        remote = " ".join(word for word in value.split() if urlsplit(word).scheme in ("http", "https"))
        if key not in _PLACES or remote:  # a folder of this machine is none of the container's
            exports[f"PIP_{key.upper().replace('-', '_')}"] = remote if key in _PLACES else value
    trusted = exports.pop("PIP_CERT", "") or os.environ.get("REQUESTS_CA_BUNDLE") or get_default_verify_paths().cafile
    authorities = b""
    with suppress(OSError):
        authorities = await asyncio.to_thread(Path(trusted or "").read_bytes)
    built = await images.add_packages(engine, image, conda, lines, exports, authorities, say)
    return Foundation("", *built, conda=True)
