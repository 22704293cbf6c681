"""Makes the active scenarios happen; the other modules here define them with codes and sentences."""

from __future__ import annotations

import asyncio
import re
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from email.utils import formatdate
from typing import Any, Callable

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError, additional_info, bad_request, not_authorized
from tui.rehearsal.arm.operations import OperationFailed
from tui.rehearsal.arm.resource_paths import REGION_NAME
from tui.rehearsal.arm.workspaces import Workspace
from tui.rehearsal.blobs.answers import BlobError
from tui.rehearsal.scenarios import failures
from tui.rehearsal.scenarios.refusals import REFUSALS, SCORING_ANSWERS, STORAGE_REFUSALS
from tui.rehearsal.service import Service
from tui.rehearsal.serving.container_log import STORAGE_INITIALIZER, DeploymentLog
from tui.rehearsal.store import Resource

SKEW_SECONDS = 600
_SERVER = "azureml-frontdoor"
_LOG_STEPS = {
    failures.BUILT: "UserContainerImagePull",
    failures.DOWNLOADED: "ModelDownload",
    failures.STARTED: "UserContainerStart",
}
_THROTTLED = "The request is being throttled as the limit has been reached for operation type. Retry after some time."
_GATEWAY = "<html><head><title>503 Service Unavailable</title></head><body><h1>503</h1></body></html>"


def _filled(text: str, **values: str) -> str:
    """A message with its placeholders filled in."""
    for name, value in values.items():
        text = text.replace(f"{{{name}}}", value)
    return text


# Operations


class Course:
    """The steps of a deployment: fails according to scenarios, and takes as long as the pace requires."""

    def __init__(
        self,
        service: Service,
        workspace: Workspace,
        deployment: Resource,
        log: DeploymentLog,
        keep_build_log: Callable[[list[str], str], None],
    ) -> None:
        self._service, self._workspace, self._deployment, self._log = service, workspace, deployment, log
        self._keep_build_log = keep_build_log
        self._begun = time.monotonic()

    @asynccontextmanager
    async def step(self, name: str) -> AsyncIterator[None]:
        """One step: "submitted", "image", "download" or "start". Raises OperationFailed."""
        failure = self._failure(name)
        if failure is None:
            yield
        await self._service.pace.deployed(name, self._begun, self._deployment.id)
        if failure is not None:
            raise self._failed(failure)

    def _failure(self, step: str) -> failures.Failure | None:
        for name in sorted(self._service.scenarios.names & failures.FAILURES.keys()):
            found = failures.FAILURES[name]
            fits = not found.managed_only or self._workspace.has_managed_network
            if (found.on, found.at) == (failures.DEPLOYMENT, step) and fits:
                return found
        return None

    def _failed(self, failure: failures.Failure) -> OperationFailed:
        image = uuid.uuid5(uuid.NAMESPACE_URL, self._deployment.id).hex
        if failure.at in _LOG_STEPS:
            self._log.step(_LOG_STEPS[failure.at], "Failed")
        self._log.write_all(failure.log)
        self._log.write_all(failure.initializer, STORAGE_INITIALIZER)
        if "{image}" in failure.message:
            self._keep_build_log(list(failure.log) or [failure.about], image)
        message = _filled(
            failure.text(),
            image=image,
            size=str(self._deployment.properties.get("instanceType")),
            subscription=self._workspace.subscription_id,
            group=self._workspace.resource_group,
            location=self._workspace.location,
        )
        return OperationFailed(failure.code, message, additional=additional_info(self._workspace.location))


async def make_endpoint(service: Service, endpoint: Resource, begun: float, otherwise: float) -> None:
    """Wait as long as creating or changing an endpoint takes; `otherwise` at full speed. Raises OperationFailed."""
    from tui.rehearsal import pace

    made = bool(endpoint.internal.get("made"))
    await service.pace.until(begun, pace.TRAFFIC_SECONDS if made else pace.ENDPOINT_SECONDS, otherwise)
    for name in sorted(service.scenarios.names & failures.FAILURES.keys()):
        failure = failures.FAILURES[name]
        needs_keys = name == "key-vault-bypass"
        if failure.on != failures.ENDPOINT or made or (needs_keys and endpoint.properties["authMode"] != "Key"):
            continue
        raise OperationFailed(failure.code, failure.text(), additional=additional_info(REGION_NAME))


# Resource Manager


def disturb_resource_manager(
    service: Service, request: web.Request, claims: Mapping[str, Any]
) -> web.StreamResponse | None:
    """Refuse or cut off a request to Resource Manager, or return a response that is not JSON. Raises ArmError."""
    scenarios = service.scenarios
    if not scenarios.names:
        return None
    if scenarios.one_in("connection-reset", 10) and request.transport is not None:
        # The request is carried out; only the response is lost, as on a real network.
        request.transport.abort()
    for name, headers in (("throttling", {"Retry-After": "1"}), ("throttling-no-hint", {})):
        if scenarios.one_in(name, 3):
            raise ArmError(429, "TooManyRequests", _THROTTLED, headers=headers)
    if scenarios.one_in("gateway-errors", 3):
        return web.Response(status=503, text=_GATEWAY, content_type="text/html")
    path = request.path.lower()
    if "/mfeoperationsstatus/" in path:
        _disturb_poll(service)
    _forbid(service, request, path, claims)
    for name in sorted(scenarios.names & REFUSALS.keys()):
        _refuse(service, request, path, name)
    return None


def _disturb_poll(service: Service) -> None:
    if service.scenarios.one_in("server-errors", 3):
        raise ArmError(500, "InternalServerError", "Encountered internal server error. Please retry later.")
    if service.scenarios.one_in("expired-tokens", 4):
        now = time.time()
        moments = [time.strftime("%m/%d/%Y %I:%M:%S %p", time.gmtime(moment)) for moment in (now - 60, now)]
        raise ArmError(
            401,
            "ExpiredAuthenticationToken",
            f"The access token expiry UTC time '{moments[0]}' is earlier than current UTC time '{moments[1]}'.",
            headers={
                "WWW-Authenticate": f'Bearer authorization_uri="{service.origin}/common", error="invalid_token", '
                'error_description="The access token has expired."'
            },
        )


_ASSET = re.compile(r"/(models|codes|environments|data)/[^/]+(/versions/[^/]+)?(/startpendingupload)?$")


def _forbid(service: Service, request: web.Request, path: str, claims: Mapping[str, Any]) -> None:
    """403 with Resource Manager's message, for the scenarios about missing roles."""
    scenarios = service.scenarios
    writes = request.method in ("PUT", "PATCH", "DELETE")
    writes_endpoint = writes and "/onlineendpoints/" in path
    asset = _ASSET.search(path) if writes or path.endswith("/startpendingupload") else None
    kind = "Microsoft.MachineLearningServices/workspaces"
    if writes_endpoint and ("signin-forbidden" in scenarios or "endpoint-forbidden" in scenarios):
        kind += "/onlineEndpoints" + ("/deployments" if "/deployments/" in path else "")
    elif asset is not None and ("signin-forbidden" in scenarios or "assets-forbidden" in scenarios):
        kind += f"/{asset[1]}/versions"
    elif "signin-forbidden" not in scenarios:
        return
    action = "delete" if request.method == "DELETE" else "write" if writes or asset else "read"
    raise not_authorized(claims, f"{kind}/{action}", request.path)


def _refuse(service: Service, request: web.Request, path: str, name: str) -> None:
    refusal = REFUSALS[name]
    if request.method not in refusal.methods or not re.search(refusal.path, path):
        return
    if refusal.new_only and service.store.get(request.path) is not None:
        return
    if not service.scenarios.first(name, refusal.times):
        return
    found = re.search(r"/onlineendpoints/([^/]+)", request.path, re.IGNORECASE)
    message = _filled(refusal.message, location=REGION_NAME, endpoint=found[1] if found else "")
    if refusal.detail:
        raise bad_request(refusal.detail, message, REGION_NAME)
    raise ArmError(refusal.status, refusal.code, message, additional=additional_info(REGION_NAME))


# Storage


async def disturb_storage(service: Service, request: web.Request, permissions: str) -> None:
    """Delay, refuse or cut off a request to storage. `permissions` are those that it needs. Raises BlobError."""
    scenarios = service.scenarios
    if not scenarios.names:
        return
    if "slow-storage" in scenarios:
        await asyncio.sleep(0.5)
    if "w" not in permissions:
        return
    if scenarios.one_in("storage-reset", 3) and request.transport is not None:
        await request.content.readany()
        request.transport.abort()
    for name in sorted(scenarios.names & STORAGE_REFUSALS.keys()):
        refusal = STORAGE_REFUSALS[name]
        if (refusal.with_signature and "sig" not in request.query) or not scenarios.one_in(name, refusal.one_in):
            continue
        raise BlobError(refusal.status, refusal.code, refusal.message)


# Scoring


def disturb_scoring(service: Service, request: web.Request, endpoint: Resource) -> web.StreamResponse | None:
    """The response of a scenario instead of the endpoint's own; None if no scenario applies."""
    scenarios = service.scenarios
    if "scoring-reset" in scenarios and request.transport is not None:
        request.transport.abort()
    for name in sorted(scenarios.names & SCORING_ANSWERS.keys()):
        answer = SCORING_ANSWERS[name]
        headers = {"Server": _SERVER, "x-request-id": str(uuid.uuid4()), **dict(answer.headers)}
        deployments = endpoint.properties["traffic"] or {}
        if answer.routed and deployments:
            headers["azureml-model-deployment"] = max(deployments, key=lambda name: deployments[name])
        if "Content-Type" not in headers:
            headers["Content-Type"] = "text/plain; charset=utf-8"
        reason = "Failed Dependency" if answer.status == 424 else None
        return web.Response(status=answer.status, reason=reason, body=answer.body.encode(), headers=headers)
    return None


def scoring_base(service: Service, name: str) -> str:
    """The base of an endpoint's addresses; under a scenario, a name that does not resolve (RFC 2606)."""
    if "scoring-host-unresolved" in service.scenarios:
        return f"https://{name}.{REGION_NAME}.inference.ml.azure.invalid"
    return f"{service.origin}/endpoints/{name}"


# Time


def skew(service: Service) -> int:
    """The seconds by which Azure's clock is ahead of this machine's."""
    return SKEW_SECONDS if "clock-skew" in service.scenarios else 0


def stamp_date(service: Service, headers: Any) -> None:
    """Set a response's date to Azure's clock, if that differs."""
    ahead = skew(service)
    if ahead:
        headers["Date"] = formatdate(time.time() + ahead, usegmt=True)
