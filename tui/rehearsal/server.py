"""The server process: combines the parts, answers requests, and ends when it is idle."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import functools
import logging
import os
import re
import signal
import socket
import sys
import time
import uuid
from pathlib import Path
from typing import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

from tui.common.redact import RedactingFilter
from tui.rehearsal import portal, settings
from tui.rehearsal.arm import (
    assets,
    capacity,
    datastores,
    diagnose,
    identities,
    networks,
    not_offered,
    operation_routes,
    rights,
    subscriptions,
    workspace_routes,
)
from tui.rehearsal.arm.added_assets import AddedAssets
from tui.rehearsal.arm.errors import ArmError, timestamp
from tui.rehearsal.arm.front import TABLE, Call, Fields, Routes, bearer_claims, read_body, require_right
from tui.rehearsal.arm.operations import Operations
from tui.rehearsal.arm.workspaces import Workspaces
from tui.rehearsal.blobs import blobs
from tui.rehearsal.blobs.answers import STORAGE_VERSION, BlobError
from tui.rehearsal.blobs.sas import ACCOUNT
from tui.rehearsal.blobs.store import BlobStore
from tui.rehearsal.certificates import server_context
from tui.rehearsal.container_engine.finder import EngineFinder
from tui.rehearsal.entra import entra
from tui.rehearsal.entra.tokens import TokenSigner
from tui.rehearsal.fleet.obstacles import obstruct
from tui.rehearsal.monitor import activity_log, autoscale, autoscale_engine, metrics, metrics_batch, resource_graph
from tui.rehearsal.online_endpoints import deployments, endpoints, own_containers
from tui.rehearsal.online_endpoints.online_resources import mark_failed
from tui.rehearsal.pace import Pace
from tui.rehearsal.places import Home
from tui.rehearsal.practice_options import welcome
from tui.rehearsal.process import RehearsalError, hold_for_life, read_server, write_server
from tui.rehearsal.scenarios.disturbances import disturb_resource_manager, stamp_date
from tui.rehearsal.scenarios.scenarios import Active
from tui.rehearsal.seed import Seed
from tui.rehearsal.service import SERVICE, Service
from tui.rehearsal.serving import no_identity
from tui.rehearsal.serving.running_deployments import RunningDeployments, handle_scoring
from tui.rehearsal.store import Store

log = logging.getLogger(__name__)

# Paths of Resource Manager and Azure Monitor.
_AZURE = ("/subscriptions", "/providers/", "/tenants", "/metrics/")
IDLE_MINUTES = 30.0
LOOK_SECONDS = 5.0  # between looks whether it is still needed
LOG_BYTES = 5_000_000
_ARM_AUDIENCES = ("https://management.azure.com", "https://management.core.windows.net")


def _routes() -> Routes:
    return Routes(
        [
            *subscriptions.ROUTES,
            *identities.ROUTES,
            *workspace_routes.ROUTES,
            *networks.ROUTES,
            *diagnose.ROUTES,
            *datastores.ROUTES,
            *assets.ROUTES,
            *endpoints.ROUTES,
            *deployments.ROUTES,
            *own_containers.OPERATIONS,
            *capacity.ROUTES,
            *operation_routes.ROUTES,
            *activity_log.ROUTES,
            *autoscale.ROUTES,
            *metrics.ROUTES,
            *resource_graph.ROUTES,
            # The refusals come last, so that offered operations take precedence for the same path.
            *not_offered.ROUTES,
        ]
    )


async def _resource_manager(request: web.Request) -> web.StreamResponse:
    service = request.app[SERVICE]
    claims = request["claims"] = bearer_claims(service, request, (service.origin, *_ARM_AUDIENCES))
    if request.method in ("GET", "HEAD"):
        found = re.match(r"/subscriptions/([^/]+)", request.path, re.IGNORECASE)
        enforced = "read-limits" in service.scenarios
        caller = str(claims.get("oid", ""))
        request["limits"] = service.read_limits.read(caller, found[1] if found else "", enforced=enforced)
    handler, path, parameters = request.app[TABLE].find(request.method, request.path)
    require_right(service, request, claims, path)
    disturbed = disturb_resource_manager(service, request, claims)
    if disturbed is not None:
        return disturbed
    await obstruct(request, claims, path, parameters)
    body = await read_body(request) if request.method in ("PUT", "PATCH", "POST") else Fields({})
    return await handler(Call(service, request, parameters, body, claims))


@web.middleware
async def _envelope(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Add ids to every response, convert errors to responses, and count requests in progress."""
    service = request.app[SERVICE]
    service.last_request = time.monotonic()
    service.open_requests += 1
    request_id = str(uuid.uuid4())
    request["id"] = request_id
    started = time.monotonic()
    storage = request.path.startswith(f"/{ACCOUNT}.blob.")
    status = 0
    try:
        if storage or request.path.startswith(_AZURE):
            await service.pace.latency()
        try:
            response = await handler(request)
        except ArmError as error:
            response = error.response()
        except BlobError as error:
            response = error.response(request_id)
        except web.HTTPException as error:
            response = _refused(error.status, error.reason, storage, request_id)
        except (ConnectionError, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("%s %s failed in the rehearsal itself", request.method, request.path)
            message = "An internal error of the rehearsal; see its log."
            response = _refused(500, message, storage, request_id)
        status = response.status
        return response
    finally:
        service.open_requests -= 1
        service.last_request = time.monotonic()
        milliseconds, client = (time.monotonic() - started) * 1000, request.headers.get("User-Agent", "-")
        log.info("%s %s %s %.0f ms %s", request.method, request.path, status, milliseconds, client)


_STORAGE_CODES = {404: "InvalidUri", 500: "InternalError"}
_CODES = {404: "NotFound", 405: "MethodNotAllowed", 500: "InternalServerError"}


def _refused(status: int, message: str, storage: bool, request_id: str) -> web.StreamResponse:
    if storage:
        return BlobError(status, _STORAGE_CODES.get(status, "InvalidInput"), message).response(request_id)
    return ArmError(status, _CODES.get(status, "BadRequest"), message).response()


async def _stamp(request: web.Request, response: web.StreamResponse) -> None:
    request_id = request.get("id") or str(uuid.uuid4())
    headers = response.headers
    headers.setdefault("x-ms-request-id", request_id)
    stamp_date(request.app[SERVICE], headers)
    client_id = request.headers.get("x-ms-client-request-id", "")
    if client_id and client_id.isascii() and client_id.isprintable():
        headers.setdefault("x-ms-client-request-id", client_id[:64])
    if request.path.startswith(f"/{ACCOUNT}.blob."):
        headers.setdefault("x-ms-version", STORAGE_VERSION)
        headers["Server"] = "Windows-Azure-Blob/1.0 Microsoft-HTTPAPI/2.0"
    elif request.path.startswith(_AZURE):
        usual = {
            **request.get("limits", {}),
            "x-ms-correlation-request-id": request_id,
            "x-ms-routing-request-id": f"EASTUS:{timestamp()[:19].replace('-', '')}Z:{request_id}",
            "Cache-Control": "no-cache",
            "Pragma": "no-cache",
            "X-Content-Type-Options": "nosniff",
        }
        for name, value in usual.items():
            headers.setdefault(name, value)


def application(service: Service) -> web.Application:
    """The web application of one rehearsal."""
    app = web.Application(
        middlewares=[activity_log.middleware, metrics.middleware, _envelope], client_max_size=64 * 1024 * 1024
    )
    app[SERVICE] = service
    by_pace = metrics.Counts(lambda: int(service.pace.now() // 60))
    app[metrics.COUNTS] = [metrics.Counts(), by_pace]
    app[autoscale_engine.ENGINE] = autoscale_engine.AutoscaleEngine(service, by_pace)
    app[TABLE] = _routes()
    app.add_routes([*entra.ROUTES, *blobs.ROUTES, *portal.ROUTES, *metrics_batch.ROUTES])
    app.router.add_route("*", "/endpoints/{endpoint}/{path:.*}", handle_scoring)
    app.router.add_route("*", "/{path:.*}", _resource_manager)
    app.on_response_prepare.append(_stamp)
    return app


def _take_up(service: Service) -> None:
    """Resume operations that were interrupted by the end of an earlier process."""
    for record in service.operations.interrupted():
        resource, verb = str(record["resource"]), str(record["verb"])
        module = deployments if "/deployments/" in resource.lower() else endpoints
        if service.store.get(resource) is None:
            service.operations.give_up(record)
        else:
            work = functools.partial(module.work, service, resource, verb)
            service.operations.take_up(record, work, functools.partial(mark_failed, service, resource))


def _listen(home: Home, port: int | None) -> socket.socket:
    """A socket on 127.0.0.1: the given port, else the last one if it is free, else any."""
    last = (read_server(home) or {}).get("port")
    wanted = [port] if port is not None else [last, 0] if last else [0]
    for number in wanted:
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", number))
            return listener
        except (OSError, OverflowError) as error:
            listener.close()
            if port is None:
                continue
            if isinstance(error, OSError) and error.errno == errno.EADDRINUSE:
                raise RehearsalError(
                    f"Port {port} is in use by another program. Choose another one with --port, or omit --port."
                ) from error
            raise RehearsalError(f"Port {port} cannot be used: {error}.") from error
    raise RehearsalError("No port on 127.0.0.1 is free.")


async def _until_idle(service: Service, home: Home, stop: asyncio.Event, limit: float) -> None:
    """Wait until the rehearsal is asked to stop, has been idle for `limit` seconds, or its folder was removed."""
    while not stop.is_set():
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), timeout=min(LOOK_SECONDS, limit / 4))
        if not home.server_file.exists():  # nobody could find this process any more, and end it
            stop.set()
        busy = service.open_requests or service.operations.under_way
        idle = time.monotonic() - service.last_request
        with contextlib.suppress(OSError):
            idle = min(idle, time.time() - home.used_mark.stat().st_mtime)
        if not busy and idle > limit:
            log.info("The rehearsal was not used for %g minutes and ends.", limit / 60)
            return


async def _run(home: Home, port: int | None, scoring_python: str | None, quiet: bool, idle: float) -> None:
    listener = _listen(home, port)
    number = listener.getsockname()[1]
    context = server_context(home)
    seed = Seed.load(home.secrets_file)
    store = Store(home.database)
    home.containers.mkdir(mode=0o700, exist_ok=True)
    service = Service(
        home=home,
        origin=f"https://127.0.0.1:{number}",
        store=store,
        seed=seed,
        signer=TokenSigner.load(home.folder / "signing-key.pem"),
        operations=Operations(store),
        workspaces=Workspaces(home, seed),
        blobs=BlobStore(home.blobs, store),
        scoring_python=Path(scoring_python) if scoring_python else None,
        scenarios=Active(home),
        pace=Pace(home),
        rights=rights.ActiveRights(home),
        added=AddedAssets(home),
        engine=EngineFinder(home),
    )
    refusing, service.identity_variables = await no_identity.listen()
    service.running_deployments = RunningDeployments(service)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(name, stop.set)
    # Bodies are passed on unchanged: clients may compress blobs and scoring requests.
    app = application(service)
    runner = web.AppRunner(app, access_log=None, auto_decompress=False)
    await runner.setup()
    scaling = asyncio.ensure_future(app[autoscale_engine.ENGINE].run())
    try:
        await web.SockSite(runner, listener, ssl_context=context, shutdown_timeout=1.0).start()
        _take_up(service)
        engine = os.environ.get(settings.ENGINE_VARIABLE)
        about = {"started": timestamp(), "scoring_python": scoring_python, settings.ENGINE_VARIABLE: engine}
        write_server(home, pid=os.getpid(), port=number, ready=True, **about)
        log.info("The rehearsal answers at %s", service.origin)
        if not quiet:
            print(welcome(home, service.origin), file=sys.stderr, flush=True)
        await _until_idle(service, home, stop, idle)
        if not quiet:
            why = "" if stop.is_set() else f"It was not used for {idle / 60:g} minutes. "
            print(f"{why}The rehearsal ends, with everything that it started.", file=sys.stderr, flush=True)
    finally:
        with contextlib.suppress(OSError):  # the folder was removed
            write_server(home, pid=os.getpid(), port=number, started=timestamp(), ready=False)
        scaling.cancel()
        await asyncio.gather(scaling, return_exceptions=True)
        await service.operations.stop()
        await service.running_deployments.stop()
        await service.engine.close()
        await runner.cleanup()
        await refusing.cleanup()
        store.close()
        # Scenarios end with the rehearsal, so that they do not surprise the next user.
        settings.forget(home)
        rights.forget(home)


def _log_to(path: Path) -> None:
    with contextlib.suppress(OSError):
        if path.stat().st_size > LOG_BYTES:
            path.replace(path.with_suffix(".log.1"))
    handler = logging.FileHandler(path, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(RedactingFilter())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def serve(
    home: Home,
    *,
    port: int | None = None,
    set_up: Callable[[], None] = lambda: None,
    scoring_python: str | None = None,
    quiet: bool = False,
    idle_minutes: float = IDLE_MINUTES,
) -> int:
    """Run the server until it is asked to end; return the exit code. Raises RehearsalError and OSError.

    `set_up` applies the options for scenarios and pace; it is called if no other rehearsal runs.
    """
    home.create()
    # A check by another process holds the lock for a moment, so try again before assuming that another one runs.
    deadline = time.monotonic() + 1.0
    while True:
        try:
            hold_for_life(home.alive_lock)
            break
        except BlockingIOError as error:
            if time.monotonic() > deadline:
                running = read_server(home) or {}
                raise RehearsalError(
                    f"A rehearsal is already running at https://127.0.0.1:{running.get('port')}. Point a client to it: "
                    'eval "$(aml-deploy rehearsal --env)". End it with: aml-deploy rehearsal --stop.'
                ) from error
            time.sleep(0.05)
    last = read_server(home) or {}
    write_server(home, pid=os.getpid(), port=last.get("port", 0), started=timestamp(), ready=False)
    _log_to(home.log_file)
    if not quiet:
        # Settings of an earlier rehearsal, in the background or killed, no longer apply.
        settings.forget(home)
    set_up()
    asyncio.run(_run(home, port, scoring_python, quiet, idle_minutes * 60))
    return 0
