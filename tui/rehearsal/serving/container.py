"""One instance of a deployment: a server that is started, probed and ended, whatever runs it."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from typing import Protocol

import aiohttp

from tui.rehearsal.serving import no_identity
from tui.rehearsal.serving.container_log import DeploymentLog
from tui.rehearsal.serving.deployment_spec import DeploymentSpec, Route

_WORKER_DEATH = re.compile(r"gunicorn\.error - Worker \(pid:\d+\) (exited with code|was sent)")


class Server(Protocol):
    """A running server: a bare process or a container of an engine."""

    @property
    def connector(self) -> aiohttp.BaseConnector:
        """A new connector, for requests to this server only."""

    @property
    def pid(self) -> int | None:
        """Id of its process group, if it is a process of this machine's."""

    @property
    def ended(self) -> bool:
        """Whether it has ended."""

    def url(self, path: str, port: int) -> str:
        """The address of a route."""

    def lines(self) -> AsyncIterator[str]:
        """What it prints."""

    async def wait(self) -> tuple[int, str]:
        """Wait for its end; the exit code, and why it ended if that was the memory limit (`OOMKilled: …`)."""

    async def processor_seconds(self) -> float | None:
        """The processor time that it has used with all it started; None if that cannot be read."""

    async def killed(self) -> str:
        """Why one of its processes was killed since this was asked last, if that was the memory limit; else empty."""

    async def stop(self) -> None:
        """End it."""

    async def clear(self) -> None:
        """Remove what it leaves."""


class Runner(Protocol):
    """What starts the servers of one deployment."""

    async def open(self) -> str:
        """Make what all its servers need; return a sentence about what isolates them. Raises OSError."""

    async def close(self) -> None:
        """Remove that."""

    async def launch(self, number: int) -> Server:
        """Start a server; returns at once. Raises OSError."""

    async def retire(self, number: int) -> None:
        """Remove what an ended server needed alone, since it is not started again."""

    @property
    def cores(self) -> float:
        """The cores of each server."""


class Container:
    """Starts, probes and ends one server. Restarts are done by `replicas`."""

    def __init__(self, spec: DeploymentSpec, number: int, log: DeploymentLog, runner: Runner) -> None:
        self.spec = spec
        self.number = number
        self.ready = False
        self.in_flight = 0
        self.restarts = 0
        self.worker_deaths = 0
        """Workers that the running server has lost, by its log (gunicorn replaces them automatically)."""
        self._log = log
        self._runner = runner
        self._server: Server | None = None
        self._reader: asyncio.Task[None] | None = None
        self._look: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None

    @property
    def running(self) -> bool:
        """Whether the server has started and not ended."""
        return self._server is not None and not self._server.ended

    @property
    def pid(self) -> int | None:
        """Id of the process group, or None if nothing was started."""
        return self._server.pid if self._server else None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client whose requests all go to this container."""
        assert self._session is not None
        return self._session

    def url(self, path: str) -> str:
        """The address of a path at the scoring port."""
        assert self._server is not None
        return self._server.url(path, self.spec.scoring.port)

    async def start(self) -> None:
        """Start the server; returns at once. Raises OSError if it cannot be started."""
        await self.stop()
        self._server = await self._runner.launch(self.number)
        self._session = aiohttp.ClientSession(
            connector=self._server.connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self.worker_deaths = 0
        self._reader = asyncio.ensure_future(self._read(self._server))

    async def _read(self, server: Server) -> None:
        needs_identity = False
        async for line in server.lines():
            self._log.write(line)
            if "was sent SIGKILL" in line:
                await self.look_for_kill()
            if _WORKER_DEATH.search(line):
                self.worker_deaths += 1
            if no_identity.FRAME.search(line):
                needs_identity = True
            elif needs_identity and line[:1].strip():  # the traceback has ended
                self._log.write(f"{no_identity.SENTENCE}.")
                needs_identity = False

    async def processor_seconds(self) -> float | None:
        """The processor time of the running server; None if that cannot be read."""
        return await self._server.processor_seconds() if self._server else None

    def look_for_kill(self) -> asyncio.Task[None]:
        """Say in the log if a process was killed at the memory limit while the server lives on."""
        if self._look is None or self._look.done():
            self._look = asyncio.ensure_future(self._note_kill())
        return self._look

    async def _note_kill(self) -> None:
        reason = await self._server.killed() if self._server else ""
        if reason:
            self._log.write(f"{reason}.")
            self._log.event("OOMKilled", reason.partition(": ")[2], "Warning")

    async def wait(self) -> tuple[int, str]:
        """Wait until the server has ended and its last output is in the log; return exit code and reason."""
        assert self._server is not None and self._reader is not None
        ended = await self._server.wait()
        # An escaped process that holds the output open must not delay this.
        await asyncio.wait([self._reader], timeout=2)
        if ended[1]:
            self._log.write(f"{ended[1]}.")
        return ended

    async def probe(self, route: Route, timeout: float) -> str | None:
        """Call a health route; None if healthy, else the reason in the kubelet's wording."""
        if not self.running or self._server is None:
            return "HTTP probe failed with statuscode: 502"
        try:
            async with self.session.get(
                self._server.url(route.path, route.port),
                timeout=aiohttp.ClientTimeout(total=timeout),
                headers={"User-Agent": "kube-probe/1.29"},
                allow_redirects=False,
            ) as answer:
                await answer.read()
                # As in the kubelet, 200 to 399 is success.
                return None if 200 <= answer.status < 400 else f"HTTP probe failed with statuscode: {answer.status}"
        except asyncio.TimeoutError:
            return f'Get "http://127.0.0.1:{route.port}{route.path}": context deadline exceeded'
        except (aiohttp.ClientError, OSError):
            # On Azure, a proxy in front of the container answers 502 while nothing listens.
            return "HTTP probe failed with statuscode: 502"

    async def stop(self) -> None:
        """End the server and all it started, and wait for that. Cannot be cancelled once started."""
        self.ready = False
        if self._stopping is None or self._stopping.done():
            self._stopping = asyncio.ensure_future(self._stop())
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        server, self._server = self._server, None
        session, self._session = self._session, None
        reader, self._reader = self._reader, None
        if session is not None:
            await session.close()
        if server is not None:
            await server.stop()
        if reader is not None:
            await asyncio.wait([reader], timeout=1)
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        if server is not None:
            await server.clear()
