"""The network of one deployment's containers: a relay for each, whose network it shares, and what leads there.

A container of a closed network has a loopback device and nothing else: on a network without a way out (`--internal`)
it still reaches this machine, and other containers. Its relay, in the same network, passes on through Unix sockets in
a volume what a second relay with the way out publishes on 127.0.0.1: that works without root, and where the engine
runs in a virtual machine (Docker Desktop). In an open network the first relay publishes its ports itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from pathlib import Path

from tui.rehearsal.container_engine.engine import Engine, EngineFault, last_line
from tui.rehearsal.programs import Program

RELAY = Path(__file__).with_name("relay.pl")
RELAY_IMAGE = "docker.io/library/debian:stable-slim"
"""The relay's image where the deployment's own has no Perl."""
START_SECONDS = 20.0
IDENTITY_PORT = 42_356
FIRST_PORT = 42_400
"""Ports of the relay, which a container finds in use."""
WEB_PORTS = (443, 80)
_SOCKETS = "/aml-deploy-relay"


class DeploymentNetwork:
    """The network of `containers` (name → host name), with servers at `ports`. `closed`: nothing else can be reached.

    `allowed`: host names that a closed network may reach, on ports 443 and 80.
    """

    def __init__(
        self, engine: Engine, name: str, containers: Mapping[str, str], *, closed: bool, allowed: Sequence[str] = ()
    ) -> None:
        self.engine = engine
        self.name = name
        self.containers = dict(containers)
        self.closed = closed
        self.allowed = tuple(allowed)
        self._own = [name] if closed else []
        self._ports: dict[tuple[str, int], int] = {}

    async def open(self, image: str, ports: Sequence[int], identity: str) -> None:
        """Start the relays; they answer with `identity` at IDENTITY_PORT of a container.

        `image`: the deployment's own, tried first. Raises EngineFault.
        """
        fault = EngineFault("")
        # Twice: podman chooses a port when it creates a container, and another program may take it before the start.
        for relay_image in (image, image, RELAY_IMAGE):
            try:
                await self.close()
                if self.closed:
                    await self.engine.call("volume", "create", *self.engine.label, self.name)
                await self._start_all(relay_image, ports, identity)
                return
            except EngineFault as error:
                fault = fault if str(fault) else error
        raise EngineFault(f"the relay does not start: {last_line(fault)}")

    async def _start_all(self, image: str, ports: Sequence[int], identity: str) -> None:
        engine, sockets = self.engine, ("--volume", f"{self.name}:{_SOCKETS}") if self.closed else ()
        way_out = ("--network", engine.open_network)
        outer = [f"{_SOCKETS}/{port}?{port}:{','.join(self.allowed)}" for port in WEB_PORTS if self.allowed]
        publish: list[str] = []
        targets: dict[tuple[str, int], int] = {}
        starts = []
        for container, hostname in self.containers.items():
            rules = [f"127.0.0.1:{IDENTITY_PORT}!{identity}"]
            rules += [f"127.0.0.1:{port}={_SOCKETS}/{port}" for port in WEB_PORTS if self.allowed and port not in ports]
            for port in ports:
                number = FIRST_PORT + len(targets)
                targets[container, port] = number
                place = f"{_SOCKETS}/{number}" if self.closed else str(number)
                # Not 127.0.0.1: on Azure nobody reaches a server that listens only there.
                rules.append(f"{place}=127.0.0.2:{port}")
                outer.append(f"{number}={place}")
                publish.append(f"--publish=127.0.0.1::{number}")
            options = [f"--add-host={host}:127.0.0.1" for host in self.allowed] + ["--hostname", hostname, *sockets]
            options += ["--network", "none"] if self.closed else [*way_out, *publish[-len(ports) :]]
            starts.append(self._start(_relay_of(container), image, options, rules))
        if self.closed:
            starts.append(self._start(_relay_of(self.name), image, [*way_out, *sockets, *publish], outer))
        for result in await asyncio.gather(*starts, return_exceptions=True):
            if isinstance(result, BaseException):
                raise result
        for (container, port), number in targets.items():
            found = await engine.inspect(_relay_of(self.name if self.closed else container))
            self._ports[container, port] = int(found["NetworkSettings"]["Ports"][f"{number}/tcp"][0]["HostPort"])

    async def _start(self, name: str, image: str, options: Sequence[str], rules: Sequence[str]) -> None:
        engine = self.engine
        await engine.call(
            "create", "--name", name, *engine.label, *engine.options, *engine.no_proxy, *options, "--user", "0",
            # With SELinux each container may only use its own sockets.
            "--security-opt", "label=disable",
            "--entrypoint", "perl", image, "-e", RELAY.read_text(encoding="ascii"), *rules,
        )  # fmt: skip
        await engine.call("start", name)
        program = await engine.begin("logs", "-f", name)
        try:
            said = await asyncio.wait_for(_until_ready(program), START_SECONDS)
        except asyncio.TimeoutError:
            said = "no answer"
        finally:
            await program.stop()
            program.close()
        if said:
            raise EngineFault(said)

    async def stands(self) -> bool:
        """Whether all relays run."""
        relays = map(_relay_of, [*self.containers, *self._own])
        try:
            found = await self.engine.call("inspect", "--type", "container", "--format", "{{.State.Running}}", *relays)
        except EngineFault:
            return False
        return set(found.split()) == {"true"}

    def origin(self, container: str, port: int) -> str:
        """Where the front end reaches a container's port."""
        return f"http://127.0.0.1:{self._ports[container, port]}"

    def options(self, container: str) -> list[str]:
        """The options with which a container gets its network."""
        options = ["--network", f"container:{_relay_of(container)}"]
        if self.engine.name == "podman":
            # docker takes the relay's name and hosts by itself, and refuses to be told.
            options += ["--hostname", self.containers[container], *(["--no-hosts"] if self.allowed else [])]
        return options

    def files(self, container: str) -> dict[str, bytes]:
        """What a container must be given for its network."""
        if self.engine.name != "podman" or not self.allowed:
            return {}
        return {"/etc/hosts": f"127.0.0.1 localhost {self.containers[container]} {' '.join(self.allowed)}\n".encode()}

    async def drop(self, container: str) -> None:
        """Remove one container and its relay, and with the last one all of it."""
        if len(self.containers) == 1:
            await self.close()
            return
        del self.containers[container]
        await self.engine.remove(container)
        await self.engine.remove(_relay_of(container))

    async def close(self) -> None:
        """Remove the containers, also those whose start was cancelled, and all of it; nothing there is no error."""
        # First the containers, which need their relays' network.
        for names in (self.containers, map(_relay_of, [*self.containers, *self._own])):
            await asyncio.gather(*map(self.engine.remove, names))
        if self.closed:
            with contextlib.suppress(EngineFault):
                await self.engine.call("volume", "rm", "-f", self.name)


def _relay_of(name: str) -> str:
    return f"{name}-relay"


async def _until_ready(program: Program) -> str:
    """An empty text once the relay is ready, else what it said last."""
    said = ""
    async for line in program.lines():
        if line == "ready":
            return ""
        said = line
    return said or f"it ended with exit code {await program.wait()}"
