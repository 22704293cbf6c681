"""Runs a deployment's servers as containers of an engine: with its image, its size and its network."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp

from tui.common.vm_sizes import Size
from tui.rehearsal import settings as rehearsal_settings
from tui.rehearsal.container_engine.engine import Engine, EngineFault, last_line
from tui.rehearsal.container_engine.finder import EngineFinder
from tui.rehearsal.container_engine.images import GONE
from tui.rehearsal.container_engine.limits import Limits
from tui.rehearsal.container_engine.network import IDENTITY_PORT, DeploymentNetwork
from tui.rehearsal.programs import Program, without_secrets
from tui.rehearsal.serving import no_identity
from tui.rehearsal.serving.deployment_spec import DeploymentSpec

# A pattern as a name (`*`) would give the container this machine's variables (podman-create(1)).
_PASSED = re.compile(
    r"(?!DOCKER_|_?CONTAINER|PODMAN_|BUILDAH_|XDG_|STORAGE_|REGISTRY_|SSL_|GO|LD_|DYLD_|NOTIFY_|LISTEN_|TMPDIR)[A-Z_]\w*",
    re.ASCII | re.IGNORECASE,
)
"""Names of variables that the engine's command may have itself without a change of what it does."""
KILLED = 137
_COUNTERS = ("/sys/fs/cgroup/memory.events", "/sys/fs/cgroup/memory/memory.oom_control")
"""Where a container sees how many of its processes were killed for memory: one of these, by the kernel's cgroups."""
_PROCESSOR = ("/sys/fs/cgroup/cpu.stat", "/sys/fs/cgroup/cpuacct/cpuacct.usage")
"""Where a container sees the processor time it has used: one of these, in microseconds or nanoseconds."""
_USED = re.compile(r"^(?:usage_usec (\d+)|(\d+))$", re.MULTILINE)
_KILLS = re.compile(r"^oom_kill (\d+)", re.MULTILINE)
MakeAgain = Callable[[], Awaitable[str]]


@dataclass(frozen=True)
class ContainerSettings:
    """How a deployment's containers are made. Paths are in the container."""

    image: str
    command: tuple[str, ...] = ()
    """Replaces the image's own command; empty for an image with a server."""
    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: str = ""
    size: Size | None = None


class EngineContainer:
    """One container that was started."""

    def __init__(self, engine: Engine, name: str, network: DeploymentNetwork, log: Program, limits: Limits) -> None:
        self.pid = None
        self._engine = engine
        self._name = name
        self._network = network
        self._log = log
        self._limits = limits
        self._kills = 0
        self._stopped = False

    @property
    def connector(self) -> aiohttp.BaseConnector:
        """A new connector; the relay closes a connection when the server does."""
        return aiohttp.TCPConnector(force_close=True, limit=0)

    @property
    def ended(self) -> bool:
        """Whether the container has ended: its log does then."""
        return self._log.exit_code is not None

    def url(self, path: str, port: int) -> str:
        """The address of a route, at the relay."""
        return f"{self._network.origin(self._name, port)}{path}"

    def lines(self) -> AsyncIterator[str]:
        """What the container prints."""
        return self._log.lines()

    async def wait(self) -> tuple[int, str]:
        """Wait for the end; exit code, and the reason if that was the memory limit."""
        await self._log.wait()
        try:
            await self._engine.call("wait", self._name, seconds=3_600 * 24)
            state = (await self._engine.inspect(self._name))["State"]
        except EngineFault:
            return KILLED, ""
        code = int(state.get("ExitCode") or 0)
        # podman does not learn it from every version of the kernel's cgroups; SIGKILL has hardly another source here.
        killed = state.get("OOMKilled") or (code == KILLED and self._limits.memory and not self._stopped)
        return code, self._limits.exceeded() if killed else ""

    async def processor_seconds(self) -> float | None:
        """The processor time of the container, by its own control group."""
        with contextlib.suppress(EngineFault):
            _, text = await self._engine.outcome("exec", self._name, "cat", *_PROCESSOR, seconds=10)
            found = _USED.search(text)
            return int(found[1] or found[2]) / (1e6 if found[1] else 1e9) if found else None
        return None

    async def killed(self) -> str:
        """The reason if a process was killed for memory since this was asked last, else empty."""
        with contextlib.suppress(EngineFault):
            _, text = await self._engine.outcome("exec", self._name, "cat", *_COUNTERS, seconds=10)
            before, self._kills = self._kills, max([self._kills, *map(int, _KILLS.findall(text))])
            return self._limits.exceeded() if self._kills > before else ""
        return ""

    async def stop(self) -> None:
        """Kill and remove the container."""
        self._stopped = True
        await self._engine.remove(self._name)
        await self._log.stop()

    async def clear(self) -> None:
        """Close the log."""
        self._log.close()


class EngineContainers:
    """Starts the containers of one deployment."""

    def __init__(
        self, finder: EngineFinder, name: str, spec: DeploymentSpec, settings: ContainerSettings, make_again: MakeAgain
    ) -> None:
        """`make_again`: pulls or builds the image if it was removed, and returns its id; raises OSError."""
        self.name = f"aml-deploy-{finder.owner}-{name}"
        self.spec = spec
        self.settings = settings
        self._finder = finder
        self._make_again = make_again
        self._mending = asyncio.Lock()
        self._engine: Engine | None = None
        self._networks: dict[int, DeploymentNetwork] = {}

    @property
    def engine(self) -> Engine:
        """The engine, once it is open."""
        assert self._engine is not None
        return self._engine

    @property
    def cores(self) -> float:
        """The cores of each container, once it is open: what it is kept to, or all."""
        return self.limits.cores or self.engine.cores

    @property
    def limits(self) -> Limits:
        """The memory and the cores of each container, once it is open."""
        return Limits(self.engine, self.settings.size, rehearsal_settings.cores_of(os.environ))

    def _container(self, number: int) -> str:
        return f"{self.name}-{number}"

    async def open(self) -> str:
        """Make the networks with their relays; says what isolates the containers. Raises OSError."""
        settings = self.settings
        engine = await self._finder.found()
        if not isinstance(engine, Engine):
            raise OSError(engine.why)
        if not await self._has_image(engine):
            self.settings = replace(settings, image=await self._make_again())
        self._engine = engine
        numbers = sorted(self._networks) or range(self.spec.instance_count)
        await self.close()
        await self._connect(self.name, *numbers)
        return f"It runs in containers of {engine.name} {engine.version} {self.limits.in_words()}, {self._reach()}."

    async def _connect(self, name: str, *numbers: int) -> None:
        """Make the network of some of the containers. Raises OSError."""
        spec, egress = self.spec, self.spec.egress
        names = {self._container(number): f"{spec.deployment}-{number}" for number in numbers}
        network = DeploymentNetwork(self.engine, name, names, closed=egress.closed, allowed=egress.hosts)
        self._networks.update(dict.fromkeys(numbers, network))
        ports = sorted({spec.scoring.port, spec.liveness.port, spec.readiness.port})
        try:
            await network.open(self.settings.image, ports, no_identity.ANSWER)
        except EngineFault as fault:
            raise OSError(last_line(fault)) from None

    async def _has_image(self, engine: Engine) -> bool:
        try:
            await engine.inspect(self.settings.image, "image")
            return True
        except EngineFault as fault:
            if GONE.search(str(fault)):
                return False
            raise OSError(last_line(fault)) from None

    async def _mend(self, number: int) -> None:
        """Make what a container lacks: its network, or what was removed by hand (an image goes with its containers)."""
        async with self._mending:
            stand = await asyncio.gather(*(network.stands() for network in set(self._networks.values())))
            if not (all(stand) and await self._has_image(self.engine)):
                await self.open()
            # One at a time: a network that is being made does not stand yet.
            if number not in self._networks:
                await self._connect(f"{self._container(number)}-net", number)

    def _reach(self) -> str:
        egress = self.spec.egress
        if not egress.closed:
            return "with the way out"
        hosts = f" and {', '.join(egress.hosts)}" if egress.hosts else ""
        rules = f" (nothing is opened here for the outbound rules {', '.join(egress.others)})" if egress.others else ""
        return f"with no network but the front end{hosts}{rules}"

    async def close(self) -> None:
        """Remove networks and relays."""
        networks, self._networks = set(self._networks.values()), {}
        await asyncio.gather(*(network.close() for network in networks))

    async def retire(self, number: int) -> None:
        """Remove the relay of one container, and its network if no other one is in it."""
        network = self._networks.pop(number, None)
        if network is not None:
            await network.drop(self._container(number))

    async def launch(self, number: int) -> EngineContainer:
        """Make and start a container; returns at once. Raises OSError."""
        await self._mend(number)
        name, engine, network = self._container(number), self.engine, self._networks[number]
        try:
            await engine.remove(name)
            await engine.call(*self._create(name, network), variables=self._passed())
            await engine.put(name, {**self.settings.files, **network.files(name)})
            await engine.call("start", name)
            log = await engine.begin("logs", "-f", name)
        except EngineFault as fault:
            with contextlib.suppress(EngineFault):
                await engine.remove(name)
            raise OSError(last_line(fault)) from None
        return EngineContainer(engine, name, network, log, self.limits)

    def _create(self, name: str, network: DeploymentNetwork) -> list[str]:
        engine, settings = self.engine, self.settings
        command = ["create", "--name", name, *engine.label, *engine.options, *engine.no_proxy]
        command += [*network.options(name), "--log-driver", engine.log_driver, *self.limits.options()]
        if settings.directory:
            command += ["--workdir", settings.directory]
        passed = self._passed()
        own = {"MSI_ENDPOINT": f"http://127.0.0.1:{IDENTITY_PORT}/msi/token", "MSI_SECRET": "none"}
        for variable, value in {**own, **settings.environment}.items():
            # A value may be a secret: it is taken from the environment of the engine's command, not from its arguments.
            command += ["--env", variable if variable in passed else f"{variable}={value}"]
        if settings.command:
            command += ["--entrypoint", settings.command[0]]
        return [*command, settings.image, *settings.command[1:]]

    def _passed(self) -> dict[str, str]:
        usual, given = without_secrets(os.environ), self.settings.environment
        return {name: given[name] for name in given if name not in usual and _PASSED.fullmatch(name)}
