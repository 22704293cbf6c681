"""Workspaces of a fleet that do not answer: one is silent, one refuses."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError, not_authorized
from tui.rehearsal.arm.resource_paths import WORKSPACE
from tui.rehearsal.arm.rights import action_of
from tui.rehearsal.fleet.places import OBSTACLES, REFUSING, SILENT

_LOOK_SECONDS = 0.2


async def obstruct(request: web.Request, claims: Mapping[str, Any], path: str, parameters: Mapping[str, str]) -> None:
    """Hold a request to a silent workspace until its client leaves; refuse one to what is below a refusing one.

    `path` as in the route, with the values of its names. Raises ArmError 403, or 499, which nobody receives.
    """
    if not path.startswith(WORKSPACE):
        return
    obstacle = OBSTACLES.get(WORKSPACE.format_map(parameters).lower())
    # The workspace itself can be read: who may list workspaces sees it.
    if obstacle == REFUSING and path != WORKSPACE:
        raise not_authorized(claims, action_of(request.method, path), request.path)
    if obstacle == SILENT:
        # Nothing tells a handler that its client has left.
        while request.transport is not None and not request.transport.is_closing():  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_SECONDS)
        raise ArmError(499, "ClientClosedRequest", "The client left.")
