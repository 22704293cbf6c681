"""The scoring front end: authentication, routing, limits, and the headers that Azure's front end adds.

Comments state which bodies and headers are recorded or documented, and which are assumed.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import random
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from tui.rehearsal.serving.replicas import ContainerCrashed, NoReadyInstance, ReplicaSet

SERVER = "azureml-frontdoor"  # recorded, with the header azureml-model-deployment
PIN = "azureml-model-deployment"
# Recorded: a wrong key, and an Authorization header that cannot be parsed.
ACCESS_DENIED = "key_auth_access_denied"
BAD_HEADER = "key_auth_bad_header_forbidden"
# Quoted in Microsoft's troubleshooting articles.
NO_ROUTE = (
    "No valid deployments to route to. Please check that the endpoint has at least one deployment with positive "
    "weight values or use a deployment specific header to route."
)
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer"}
    | {"transfer-encoding", "upgrade", "content-length", "host", "expect"}
)
_NOT_FOR_CONTAINERS = _HOP_BY_HOP | {"authorization", "cookie", "x-request-id", "x-ms-client-request-id"}

_NOT_FOR_CALLERS = _HOP_BY_HOP | {"server", "date", "set-cookie"}

_mirrors: set[asyncio.Task[None]] = set()


@dataclass
class ScoringEndpoint:
    """The front end's view of one endpoint. Percentages are 0 to 100; keys are (primary, secondary)."""

    name: str
    auth_mode: str
    keys: tuple[str, str]
    verify_token: Callable[[str], bool]
    traffic: dict[str, int] = field(default_factory=dict)
    mirror_traffic: dict[str, int] = field(default_factory=dict)
    replicas: dict[str, ReplicaSet] = field(default_factory=dict)


@dataclass(frozen=True)
class _Call:
    """A request as the container receives it; mirrors receive the same one."""

    method: str
    path: str
    headers: CIMultiDict[str]
    body: bytes


async def score(request: web.Request, endpoint: ScoringEndpoint, path: str = "/score") -> web.StreamResponse:
    """Answer one scoring request; `path` is the container's route with its query, if any."""
    headers: dict[str, str] = {"Server": SERVER, "x-request-id": str(uuid.uuid4())}
    # Documented: letters, digits, hyphen and underscore only, at most 40 characters.
    client_id = re.sub(r"[^A-Za-z0-9_-]", "", request.headers.get("x-ms-client-request-id", ""))[:40]
    if client_id:
        headers["x-ms-client-request-id"] = client_id
    refusal = _refusal(request.headers, endpoint)
    if refusal is not None:
        return web.Response(status=401, text=refusal, headers=headers)
    pinned = request.headers.get(PIN)
    name = _route(endpoint, pinned)
    if name is None:
        # The status is documented; the message for an unknown pinned deployment is assumed.
        return web.Response(status=404, text=f"Deployment {pinned} not found." if pinned else NO_ROUTE, headers=headers)
    forwarded = CIMultiDict(
        (key, value) for key, value in request.headers.items() if key.lower() not in _NOT_FOR_CONTAINERS
    )
    forwarded["x-request-id"] = headers["x-request-id"]
    if client_id:
        forwarded["x-ms-client-request-id"] = client_id
    call = _Call(request.method, path, forwarded, await request.read())
    if pinned is None:
        _mirror(endpoint, name, call)
    headers[PIN] = name
    return await _to_deployment(request, endpoint.replicas[name], call, headers)


def _refusal(headers: Mapping[str, str], endpoint: ScoringEndpoint) -> str | None:
    """None if the caller may score, else the body of the 401."""
    scheme, _, credential = headers.get("Authorization", "").strip().partition(" ")
    credential = credential.strip()
    if scheme.lower() != "bearer" or not credential:
        return BAD_HEADER
    if endpoint.auth_mode.lower().replace("_", "") == "key":
        given = credential.encode("utf-8", "surrogateescape")
        # Both are always compared, in constant time.
        matches = [hmac.compare_digest(given, key.encode()) for key in endpoint.keys if key]
        return None if any(matches) else ACCESS_DENIED
    # Not recorded for tokens; the status is documented.
    return None if endpoint.verify_token(credential) else "token_auth_access_denied"


def _route(endpoint: ScoringEndpoint, pinned: str | None) -> str | None:
    if pinned is not None:
        # Azure's names are case-insensitive.
        return next((name for name in endpoint.replicas if name.lower() == pinned.strip().lower()), None)
    weights = {name: weight for name, weight in endpoint.traffic.items() if weight > 0 and name in endpoint.replicas}
    return random.choices(list(weights), list(weights.values()))[0] if weights else None


async def _to_deployment(
    request: web.Request, replicas: ReplicaSet, call: _Call, headers: dict[str, str]
) -> web.StreamResponse:
    if replicas.pending >= replicas.capacity:
        headers["ms-azureml-model-error-reason"] = "too_many_pending_request"
        return web.Response(status=429, text="", headers=headers)
    replicas.pending += 1
    try:
        await replicas.ensure_running()
        return await asyncio.wait_for(_relay(request, replicas, call, headers), replicas.spec.request_timeout)
    except asyncio.TimeoutError:
        # The status is documented; the message is from Envoy, which Azure's front end uses.
        return web.Response(status=408, text="upstream request timeout", headers=headers)
    except (ContainerCrashed, NoReadyInstance):
        # The reason is one of Azure's; its status and the empty body are assumed.
        return _model_error(503, "model_not_ready", "", headers)
    except (aiohttp.ClientError, OSError):
        # The container ended or sent an invalid response: the proxy in front of it answers 502 (seen in probe events).
        return _model_error(502, "model_error", "upstream connect error or disconnect", headers)
    finally:
        replicas.pending -= 1


def _model_error(status: int, reason: str, body: str, headers: dict[str, str]) -> web.Response:
    headers["ms-azureml-model-error-statuscode"] = str(status)
    headers["ms-azureml-model-error-reason"] = reason
    return web.Response(status=424, reason="Failed Dependency", text=body, headers=headers)


async def _relay(
    request: web.Request, replicas: ReplicaSet, call: _Call, headers: dict[str, str]
) -> web.StreamResponse:
    async with _answer(replicas, call) as answer:
        own = CIMultiDict((key, value) for key, value in answer.headers.items() if key.lower() not in _NOT_FOR_CALLERS)
        own.update(headers)
        if answer.status != 200:
            # Recorded 424s carry the container's own body; 201 and 204 are errors too.
            own["ms-azureml-model-error-statuscode"] = str(answer.status)
            own["ms-azureml-model-error-reason"] = "model_error"
            return web.Response(status=424, reason="Failed Dependency", body=await answer.read(), headers=own)
        if "Content-Length" in answer.headers:
            return web.Response(status=200, body=await answer.read(), headers=own)
        return await _stream(request, answer, own)


async def _stream(
    request: web.Request, answer: aiohttp.ClientResponse, headers: CIMultiDict[str]
) -> web.StreamResponse:
    """Stream a response of unknown length (server-sent events, generators)."""
    response = web.StreamResponse(status=200, headers=headers)
    try:
        async for block in answer.content.iter_any():
            if not response.prepared:
                await response.prepare(request)
            await response.write(block)
        if not response.prepared:
            await response.prepare(request)
        await response.write_eof()
    except (asyncio.CancelledError, aiohttp.ClientError, OSError):
        if response.prepared and request.transport is not None:
            # Too late for another status: the caller must notice that the response is incomplete.
            request.transport.abort()
            return response
        raise
    return response


@contextlib.asynccontextmanager
async def _answer(replicas: ReplicaSet, call: _Call) -> AsyncIterator[aiohttp.ClientResponse]:
    """The response of the next free instance, which is busy until the end of the block."""
    instance = await replicas.acquire()
    try:
        async with instance.session.request(
            call.method, instance.url(call.path), headers=call.headers, data=call.body, allow_redirects=False
        ) as answer:
            if answer.status >= 500:
                instance.look_for_kill()
            yield answer
    except (aiohttp.ClientError, OSError):
        instance.look_for_kill()
        raise
    finally:
        replicas.release(instance)


def _mirror(endpoint: ScoringEndpoint, routed: str, call: _Call) -> None:
    """Send copies to mirrors, by their percentage; their responses are discarded."""
    for name, percent in endpoint.mirror_traffic.items():
        if name != routed and name in endpoint.replicas and random.uniform(0, 100) < percent:
            task = asyncio.ensure_future(_copy(endpoint.replicas[name], call))
            _mirrors.add(task)
            task.add_done_callback(_mirrors.discard)


async def _copy(replicas: ReplicaSet, call: _Call) -> None:
    if replicas.pending >= replicas.capacity:
        return
    replicas.pending += 1
    try:
        await replicas.ensure_running()
        await asyncio.wait_for(_discard(replicas, call), replicas.spec.request_timeout)
    except (asyncio.TimeoutError, ContainerCrashed, NoReadyInstance, aiohttp.ClientError, OSError):
        return
    finally:
        replicas.pending -= 1


async def _discard(replicas: ReplicaSet, call: _Call) -> None:
    async with _answer(replicas, call) as answer:
        await answer.read()
