"""Validates environments with their own container, and refuses to run them where no container engine is used.

They are refused by name, so that no other container is mistaken for the requested one.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import user_error
from tui.rehearsal.arm.front import Call, Fields, Route
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.resource_paths import WORKSPACE
from tui.rehearsal.container_engine.engine import Unusable
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

CODE = "NotInARehearsal"
"""Not a code of Azure, so that it differs from every error of Azure itself."""
_REGISTERED = "Model and environment were registered as asked; nothing is wrong with them as far as can be told here. "
_HOW = "To rehearse the rest, use an environment with an image and a conda file."
ROUTES = ("livenessRoute", "readinessRoute", "scoringRoute")


def build_of(fields: Fields, location: str) -> dict[str, Any] | None:
    """The build context of an environment. Raises ArmError; the wording is assumed."""
    if fields.raw("build") is None:
        return None
    build = fields.object("build")
    uri = build.text("contextUri")
    if not uri:
        raise user_error("build.contextUri is required: the address of the build context.", location)
    if fields.text("image"):
        raise user_error("An environment has an image or a build, not both.", location)
    if fields.text("condaFile"):
        raise user_error("A condaFile is installed on an image; an environment with a build takes none.", location)
    return {"contextUri": uri, "dockerfilePath": build.text("dockerfilePath", "Dockerfile")}


def routes_of(fields: Fields, location: str) -> dict[str, Any] | None:
    """The routes of a container with its own server; the SDK requires all three. Raises ArmError."""
    if not fields.raw("inferenceConfig"):
        return None
    given = fields.object("inferenceConfig")
    found: dict[str, Any] = {}
    for name in ROUTES:
        route = given.object(name)
        path, port = route.text("path"), route.integer("port", 0)
        if not path or not path.startswith("/") or not 1 <= port <= 65_535:
            raise user_error(f"inferenceConfig.{name} needs a path that begins with / and a port.", location)
        found[name] = {"path": path, "port": port}
    return found


def declared_routes(service: Service, deployment: Resource) -> dict[str, Any]:
    """The routes that the deployment's environment declares for a server of its image; empty for Azure's server."""
    environment = service.store.get(deployment.properties["environmentId"] or "")
    return (environment.properties.get("inferenceConfig") if environment else None) or {}


async def why_none(service: Service) -> str:
    """Why this rehearsal runs no containers, as a clause; empty if it runs them. The first time it takes a second."""
    if service.scoring_python is not None:
        return "--scoring-python was given"
    engine = await service.engine.found()
    return engine.why if isinstance(engine, Unusable) else ""


async def _tell(call: Call) -> web.Response:
    """Not one of Azure's operations: `aml-deploy check` asks before it tells what is refused here."""
    return web.json_response({"whyNone": await why_none(call.service)})


OPERATIONS: list[Route] = [("GET", f"{WORKSPACE}/rehearsalContainers", _tell)]


def refuse_triton() -> None:
    """Refuse a triton_model without an environment. Raises OperationFailed."""
    raise OperationFailed(
        CODE,
        "The rehearsal has no image of Azure's Triton server, so it cannot start the container of a triton_model "
        "without an environment. The model was registered as asked. Azure would start its own container now. To "
        "rehearse the rest, use an environment whose image has the server, with its routes in inference_config.",
    )


def refuse(environment: Resource, *, why: str, may_serve: bool) -> None:
    """Refuse what needs a container engine, by name, where none is used (`why`).

    `may_serve`: an interpreter replaces images. Raises OperationFailed.
    """
    properties, named = environment.properties, "/".join(environment.id.split("/")[-3::2])
    build, routes = properties.get("build"), properties.get("inferenceConfig")
    if build:
        cannot = f"build the Dockerfile '{build.get('dockerfilePath')}' of the environment '{named}'"
        azure = "build the image"
    elif routes:
        scoring = routes.get("scoringRoute") or {}
        cannot = f"start the container of the environment '{named}', which answers at its own route "
        cannot += f"{scoring.get('path')} on port {scoring.get('port')}"
        azure = "start it"
    elif not (properties.get("condaFile") or "").strip() and not may_serve:
        cannot = f"run the container image '{properties.get('image')}' of the environment '{named}', which has no "
        cannot += "conda file"
        azure = "pull and start it"
    else:
        return
    message = f"The rehearsal uses no container engine ({why}), so it cannot {cannot}. {_REGISTERED}"
    raise OperationFailed(CODE, f"{message}Azure would {azure} now. {_HOW}")
