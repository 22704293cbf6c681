"""Runs a deployment's server as a bare process of this machine: no image, and no limit but of chosen cores."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from urllib.parse import urlsplit

import aiohttp

from tui.rehearsal import settings
from tui.rehearsal.programs import Program, start
from tui.rehearsal.serving import cpu_group, no_identity, serving_memory
from tui.rehearsal.serving.deployment_spec import PORT, DeploymentSpec

ENTRY = Path(__file__).with_name("container_entry.py")
CLOSED = Path(__file__).with_name("closed_network.py")
_tried: list[str | None] = []
_INHERITED = ("LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


async def closing_refused() -> str | None:
    """None if the kernel lets this user close a process's network, else why not. It is tried once."""
    if not _tried:
        program = await start([sys.executable, "-I", "-S", CLOSED], env={}, cwd=Path.cwd())
        lines = [line async for line in program.lines()]
        _tried.append(None if await program.wait() == 0 else " ".join(lines) or "the trial failed")
    return _tried[0]


class BareProcess:
    """One scoring server in a separate process group, on a private socket."""

    def __init__(self, program: Program, folder: Path, group: Path | None) -> None:
        self._program = program
        self._folder = folder
        self._group = group

    @property
    def connector(self) -> aiohttp.BaseConnector:
        """A new connector to the server."""
        # The server closes every connection after its response; reused ones would fail.
        return aiohttp.UnixConnector(path=str(self._folder / "s"), force_close=True, limit=0)

    @property
    def pid(self) -> int | None:
        """Id of the process group."""
        return self._program.pid

    @property
    def ended(self) -> bool:
        """Whether the process has ended."""
        return self._program.exit_code is not None

    def url(self, path: str, _port: int) -> str:
        """The address of a route; the connector ignores the host."""
        return f"http://container{path}"

    def lines(self) -> AsyncIterator[str]:
        """What the server prints."""
        return self._program.lines()

    async def wait(self) -> tuple[int, str]:
        """Wait for the end; the exit code, and no reason."""
        return await self._program.wait(), ""

    async def processor_seconds(self) -> float | None:
        """The processor time of the process group, and of what it started that has ended."""
        return await asyncio.to_thread(serving_memory.processor_seconds, self._program.pid)

    async def killed(self) -> str:
        """Nothing limits its memory."""
        return ""

    async def stop(self) -> None:
        """End the process and its child processes, and wait for them."""
        await self._program.stop()

    async def clear(self) -> None:
        """Close the output, and remove the socket's folder and the control group."""
        self._program.close()
        if self._group is not None:
            cpu_group.remove(self._group)
        await asyncio.to_thread(shutil.rmtree, self._folder, True)


class BareProcesses:
    """Starts the servers of one deployment."""

    def __init__(
        self,
        spec: DeploymentSpec,
        python: Path,
        variables: Mapping[str, str] | None = None,
        why: str = "",
    ) -> None:
        """`variables`: those of the identity's endpoint; `why`: why no container is used, as a clause."""
        self.spec = spec
        self.python = python
        self._variables = variables or {}
        self._why = why

    async def open(self) -> str:
        """Nothing is made; says what isolates a process."""
        bare = f"It runs as a bare process of this machine: without an image, and {await self._limits()}"
        if self._why:
            bare += f", since {self._why}"
        egress = self.spec.egress
        if not egress.closed:
            return f"{bare}."
        refused = await closing_refused()
        if refused is None:
            rules = ", ".join((*egress.hosts, *egress.others))
            opened = f" What outbound rules allow is closed here too: {rules}." if rules else ""
            return f"{bare}. Its egress is closed: it has a network of its own.{opened}"
        return f"{bare}. Its egress should be closed and is not, since the kernel refuses that: {refused}."

    async def _limits(self) -> str:
        cores = settings.cores_of(os.environ)
        group = await cpu_group.group_of("said", cores) if cores else None
        if group is None:
            missed = f" ({settings.CORES_VARIABLE} is not limited here: no control group can be made)" if cores else ""
            return f"without limits of memory and cores{missed}"
        cpu_group.remove(group)
        return f"with {cores:g} cores ({settings.CORES_VARIABLE}) and no limit of memory"

    async def close(self) -> None:
        """Nothing was needed."""

    async def launch(self, number: int) -> BareProcess:
        """Start a server; returns at once. Raises OSError."""
        spec = self.spec
        home = spec.work_dir / f"instance-{number}"
        await asyncio.to_thread(home.mkdir, parents=True, exist_ok=True, mode=0o700)
        # A socket's path is limited to 100 characters, and a state folder's path is often longer.
        folder = Path(tempfile.mkdtemp(prefix="aml-"))
        command: list[str | Path] = [
            self.python,
            ENTRY,
            folder / "s",
            "--entry_script",
            spec.code_dir / spec.scoring_script,
        ]
        if spec.model_dir is not None:
            command += ["--model_dir", spec.model_dir]
        command += ["--port", str(PORT)]
        environment = self._environment(number, home, folder)
        if spec.egress.closed and await closing_refused() is None:
            port = urlsplit(self._variables["MSI_ENDPOINT"]).port
            command = [sys.executable, "-I", "-S", CLOSED, str(port), no_identity.ANSWER, *command]
        cores = settings.cores_of(os.environ)
        group = await cpu_group.group_of(folder.name, cores) if cores else None
        if group is not None:
            command = [*cpu_group.inside(group), *command]
        return BareProcess(await start(command, env=environment, cwd=spec.code_dir, remove=folder), folder, group)

    async def retire(self, number: int) -> None:
        """A process leaves nothing."""

    @property
    def cores(self) -> float:
        """The chosen cores, else all of this machine."""
        return settings.cores_of(os.environ) or float(os.cpu_count() or 1)

    def _environment(self, number: int, home: Path, folder: Path) -> dict[str, str]:
        """The environment variables of a container on Azure, without this machine's or user's settings."""
        spec = self.spec
        environment = {name: os.environ[name] for name in _INHERITED if name in os.environ}
        environment.update(
            PATH=os.pathsep.join([str(self.python.parent), "/usr/local/bin", "/usr/bin", "/bin"]),
            HOME=str(home),
            PYTHONUNBUFFERED="1",
            # gunicorn 24 and later creates a control socket here; in HOME its path may be too long.
            XDG_RUNTIME_DIR=str(folder),
            HOSTNAME=f"{spec.deployment}-{number}",
            AML_APP_ROOT=str(spec.code_dir),
            AZUREML_ENTRY_SCRIPT=spec.scoring_script,
        )
        environment.update(self._variables)
        environment.update(spec.environment_variables)
        if spec.model_dir is not None:
            environment["AZUREML_MODEL_DIR"] = str(spec.model_dir)
        return environment
