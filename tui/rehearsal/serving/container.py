"""One instance of a deployment: a scoring server in a process group of its own, on a private socket."""

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
from tui.rehearsal.serving.container_log import DeploymentLog

ENTRY = Path(__file__).with_name("container_entry.py")
PORT = 31311
"""The port that the server is told; Azure's own, seen in recorded container logs. Nothing listens on it."""

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
    """Everything that a deployment's containers need. Times in seconds; paths absolute."""

    endpoint: str
    deployment: str
    python: Path
    code_dir: Path
    scoring_script: str
    model_dir: Path
    work_dir: Path
    environment_variables: dict[str, str] = field(default_factory=dict)
    instance_count: int = 1
    liveness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    readiness_probe: ProbeSettings = field(default_factory=ProbeSettings)
    request_timeout: float = 5.0
    max_concurrent: int = 1


class Container:
    """Starts, probes and ends one scoring server. Not restarted by itself: see replicas."""

    def __init__(self, spec: DeploymentSpec, number: int, log: DeploymentLog) -> None:
        self.spec = spec
        self.number = number
        self.ready = False
        self.in_flight = 0
        self.restarts = 0
        self.worker_deaths = 0
        """Workers that the running server has lost, as its log says (gunicorn replaces them by itself)."""
        self._log = log
        self._process: Program | None = None
        self._reader: asyncio.Task[None] | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._session: aiohttp.ClientSession | None = None
        self._run_dir: Path | None = None

    @property
    def running(self) -> bool:
        """Whether the process has been started and has not ended."""
        return self._process is not None and self._process.exit_code is None

    @property
    def pid(self) -> int | None:
        """Id of the process group, or None when nothing was started."""
        return self._process.pid if self._process else None

    @property
    def session(self) -> aiohttp.ClientSession:
        """The client whose every request goes to this container; any host name will do in the URL."""
        assert self._session is not None
        return self._session

    def _environment(self, home: Path, run_dir: Path) -> dict[str, str]:
        """Only what a container has on Azure: nothing of this machine's or this user's settings."""
        spec = self.spec
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment.update(
            PATH=os.pathsep.join([str(spec.python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            HOME=str(home),
            PYTHONUNBUFFERED="1",
            # gunicorn 24 and later puts a control socket here; in HOME its path may be too long.
            XDG_RUNTIME_DIR=str(run_dir),
            HOSTNAME=f"{spec.deployment}-{self.number}",
            AML_APP_ROOT=str(spec.code_dir),
            AZUREML_ENTRY_SCRIPT=spec.scoring_script,
        )
        environment.update(spec.environment_variables)
        environment["AZUREML_MODEL_DIR"] = str(spec.model_dir)
        return environment

    async def start(self) -> None:
        """Starts the server process; returns at once. Raises OSError when no process can be started."""
        await self.stop()
        home = self.spec.work_dir / f"instance-{self.number}"
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True, mode=0o700)
        # A socket's path may have 100 characters, and a state folder is often longer than that.
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
                "--model_dir",
                self.spec.model_dir,
                "--port",
                str(PORT),
            ],
            env=self._environment(home, self._run_dir),
            cwd=self.spec.code_dir,
            remove=self._run_dir,
        )
        # The server closes every connection after its answer; kept ones would only fail later.
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
        async for line in process.lines():
            if _WORKER_DEATH.search(line):
                self.worker_deaths += 1
            self._log.write(line)

    async def wait(self) -> int:
        """Waits until the process has ended and its last output is in the log; returns its exit code."""
        assert self._process is not None and self._reader is not None
        code = await self._process.wait()
        # Output held open by a process that escaped must not hold up the news.
        await asyncio.wait([self._reader], timeout=2)
        return code

    async def probe(self, timeout: float) -> str | None:
        """Asks the server's health route; None when healthy, else why not, in the kubelet's words."""
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
                # As the kubelet has it: 200 to 399 is success.
                return None if 200 <= answer.status < 400 else f"HTTP probe failed with statuscode: {answer.status}"
        except asyncio.TimeoutError:
            return f'Get "http://127.0.0.1:{PORT}/": context deadline exceeded'
        except (aiohttp.ClientError, OSError):
            # On Azure a proxy stands before the container and answers 502 while nothing listens.
            return "HTTP probe failed with statuscode: 502"

    async def stop(self) -> None:
        """Ends the process with all that it started, and waits for it. Once begun, it is not cancelled half-way."""
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
