"""One instance of a deployment: a scoring server in a separate process group, on a private socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import shutil
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import aiohttp

from tui.rehearsal.programs import Program, start
from tui.rehearsal.serving import no_identity
from tui.rehearsal.serving.container_log import DeploymentLog

ENTRY = Path(__file__).with_name("container_entry.py")
PORT = 31311
"""The port passed to the server, Azure's own in recorded container logs. Nothing listens on it."""

_WORKER_DEATH = re.compile(r"gunicorn\.error - Worker \(pid:\d+\) (exited with code|was sent)")
_INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class ProbeSettings:
    """A liveness or readiness probe. Seconds and counts; the defaults are Azure's (online deployment YAML)."""

    initial_delay: float = 10
    period: float = 10
    timeout: float = 2
    success_threshold: int = 1
    failure_threshold: int = 30


@dataclass(frozen=True)
class DeploymentSpec:
    """The configuration of a deployment's containers. Times are in seconds, paths absolute."""

    endpoint: str
    deployment: str
    python: Path
    code_dir: Path
    scoring_script: str
    model_dir: Path | None
    work_dir: Path
    environment_variables: dict[str, str] = field(default_factory=dict)
    instance_count: int = 1
    liveness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    readiness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    request_timeout: float = 5.0
    max_concurrent: int = 1


class Container:
    """Starts, probes and ends one scoring server. Restarts are done by `replicas`."""

    def __init__(self, spec: DeploymentSpec, number: int, log: DeploymentLog) -> None:
        self.spec = spec
        self.number = number
        self.ready = False
        self.in_flight = 0
        self.restarts = 0
        self.worker_deaths = 0
        """Workers that the running server has lost, by its log (gunicorn replaces them automatically)."""
        self._log = log
        self._process: Program | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._run_dir: Path | None = None

    @property
    def running(self) -> bool:
        """Whether the process has started and not ended."""
        return self._process is not None and self._process.exit_code is None

    @property
    def pid(self) -> int | None:
        """Id of the process group, or None if nothing was started."""
        return self._process.pid if self._process else None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client whose requests all go to this container; the URL may have any host name."""
        assert self._session is not None
        return self._session

    def _environment(self, home: Path, run_dir: Path) -> dict[str, str]:
        """The environment variables of a container on Azure, without this machine's or user's settings."""
        spec = self.spec
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment.update(
            PATH=os.pathsep.join([str(spec.python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            HOME=str(home),
            PYTHONUNBUFFERED="1",
            # gunicorn 24 and later creates a control socket here; in HOME its path may be too long.
            XDG_RUNTIME_DIR=str(run_dir),
            HOSTNAME=f"{spec.deployment}-{self.number}",
            AML_APP_ROOT=str(spec.code_dir),
            AZUREML_ENTRY_SCRIPT=spec.scoring_script,
        )
        environment.update(spec.environment_variables)
        if spec.model_dir is not None:
            environment["AZUREML_MODEL_DIR"] = str(spec.model_dir)
        return environment

    async def start(self) -> None:
        """Start the server process; returns at once. Raises OSError if no process can be started."""
        await self.stop()
        home = self.spec.work_dir / f"instance-{self.number}"
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True, mode=0o700)
        # A socket's path is limited to 100 characters, and a state folder's path is often longer.
        self._run_dir = Path(tempfile.mkdtemp(prefix="aml-"))
        socket_path = self._run_dir / "s"
        script = self.spec.code_dir / self.spec.scoring_script
        self._process = await start(
            [
                self.spec.python,
                ENTRY,
                socket_path,
                "--entry_script",
                script,
                *(("--model_dir", self.spec.model_dir) if self.spec.model_dir is not None else ()),
                "--port",
                str(PORT),
            ],
            env=self._environment(home, self._run_dir),
            cwd=self.spec.code_dir,
            remove=self._run_dir,
        )
        # The server closes every connection after its response; reused ones would fail.
        connector = aiohttp.UnixConnector(path=str(socket_path), force_close=True, limit=0)
        self._session = aiohttp.ClientSession(
            connector=connector,
            trust_env=False,
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None),
        )
        self.worker_deaths = 0
        self._reader = asyncio.ensure_future(self._read(self._process))

    async def _read(self, process: Program) -> None:
        needs_identity = False
        async for line in process.lines():
            if _WORKER_DEATH.search(line):
                self.worker_deaths += 1
            self._log.write(line)
            if no_identity.FRAME.search(line):
                needs_identity = True
            elif needs_identity and line[:1].strip():  # the traceback has ended
                self._log.write(f"{no_identity.SENTENCE}.")
                needs_identity = False

    async def wait(self) -> int:
        """Wait until the process has ended and its last output is in the log; return its exit code."""
        assert self._process is not None and self._reader is not None
        code = await self._process.wait()
        # An escaped process that holds the output open must not delay this.
        await asyncio.wait([self._reader], timeout=2)
        return code

    async def probe(self, timeout: float) -> str | None:
        """Call the server's health route; None if healthy, else the reason in the kubelet's wording."""
        if not self.running:
            return "HTTP probe failed with statuscode: 502"
        try:
            async with self.session.get(
                "http://container/",
                timeout=aiohttp.ClientTimeout(total=timeout),
                headers={"User-Agent": "kube-probe/1.29"},
                allow_redirects=False,
            ) as answer:
                await answer.read()
                # As in the kubelet, 200 to 399 is success.
                return None if 200 <= answer.status < 400 else f"HTTP probe failed with statuscode: {answer.status}"
        except asyncio.TimeoutError:
            return f'Get "http://127.0.0.1:{PORT}/": context deadline exceeded'
        except (aiohttp.ClientError, OSError):
            # On Azure, a proxy in front of the container answers 502 while nothing listens.
            return "HTTP probe failed with statuscode: 502"

    async def stop(self) -> None:
        """End the process and its child processes, and wait for them. Cannot be cancelled once started."""
        self.ready = False
        if self._stopping is None or self._stopping.done():
            self._stopping = asyncio.ensure_future(self._stop())
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        process, self._process = self._process, None
        session, self._session = self._session, None
        reader, self._reader = self._reader, None
        run_dir, self._run_dir = self._run_dir, None
        if session is not None:
            await session.close()
        if process is not None:
            await process.stop()
        if reader is not None:
            await asyncio.wait([reader], timeout=1)
            reader.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await reader
        if process is not None:
            process.close()
        if run_dir is not None:
            await asyncio.to_thread(shutil.rmtree, run_dir, True)
