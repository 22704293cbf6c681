"""Validates environments with their own container, and refuses to run them.

A rehearsal has no Docker. Unsupported environments are refused by name, so that no other container is mistaken for
the requested one.
"""

from __future__ import annotations

from typing import Any

from tui.rehearsal.arm.errors import user_error
from tui.rehearsal.arm.front import Fields
from tui.rehearsal.arm.operations import OperationFailed
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


def refuse(environment: Resource | None, *, may_serve: bool, is_triton: bool = False) -> None:
    """Refuse what needs Docker, by name. `may_serve`: an interpreter replaces images. Raises OperationFailed."""
    if environment is None and is_triton:
        raise OperationFailed(
            CODE,
            "The rehearsal has no Docker, so it cannot start the Triton server of a triton_model. The model was "
            "registered as asked. Azure would start its own container now.",
        )
    if environment is None:
        return
    properties = environment.properties
    named = "/".join(environment.id.split("/")[-3::2])
    build, routes = properties.get("build"), properties.get("inferenceConfig")
    if build:
        raise OperationFailed(
            CODE,
            f"The rehearsal has no Docker, so it cannot build the Dockerfile '{build.get('dockerfilePath')}' of the "
            f"environment '{named}'. {_REGISTERED}Azure would build the image now. {_HOW}",
        )
    if routes:
        scoring = routes.get("scoringRoute") or {}
        raise OperationFailed(
            CODE,
            f"The rehearsal has no Docker, so it cannot start the container of the environment '{named}', which "
            f"answers at its own route {scoring.get('path')} on port {scoring.get('port')}. {_REGISTERED}Azure would "
            f"start it now. {_HOW}",
        )
    if not (properties.get("condaFile") or "").strip() and not may_serve:
        raise OperationFailed(
            CODE,
            f"The rehearsal has no Docker, so it cannot run the container image '{properties.get('image')}' of the "
            f"environment '{named}', which has no conda file. {_REGISTERED}Azure would pull and start it now. {_HOW}",
        )
