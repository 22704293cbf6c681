"""A container engine, docker or podman: found, tried with a container of its own, and driven by its command line.

A machine may have the program and no service, or a service whose containers do not start (limits of a container in
a container, a runtime that refuses the machine's cgroups). So an engine counts only after it has started a container;
the options with which it did are used for all.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import re
import secrets
import shutil
import signal
import tarfile
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tui.rehearsal import settings
from tui.rehearsal.programs import Program, start, without_secrets

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

NAMES = settings.ENGINES[2:]
TRIAL_IMAGE = "localhost/aml-deploy-rehearsal-trial"
LABEL = "aml-deploy-rehearsal"
"""The label of everything that is made here; its value tells which rehearsal made it."""
_OPTIONS: tuple[tuple[str, ...], ...] = (
    (),
    ("--runtime", "runc"),
    # Inside a container or a small virtual machine the default limits may be above what is allowed.
    ("--runtime", "runc", "--ulimit", "nofile=20000:20000", "--ulimit", "nproc=1000:1000"),
)
_FULL = re.compile(r"no space left on device|disk quota exceeded", re.IGNORECASE)
_UNLIMITED = re.compile(r"Limitation discarded|limits are not supported", re.IGNORECASE)
"""How docker and podman warn that they start a container without the limits."""
FULL = "The disk of the container engine is full: `docker system df` or `podman system df` shows what takes it"
_STARTED = 127
"""The exit code of both programs for a container that was started and has no such command."""
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
ANSWER_SECONDS, TRIAL_SECONDS, CALL_SECONDS, FINISH_SECONDS, PUT_SECONDS = 30.0, 90.0, 90.0, 10.0, 3_600.0


class EngineFault(Exception):
    """A command of the engine failed; the text is what it printed last."""


@dataclass(frozen=True)
class Unusable:
    """Why no engine is used, as a clause: `no executable program docker or podman is in PATH`."""

    why: str


@dataclass(frozen=True)
class Engine:
    """An engine that has started a container. Memory is in bytes, of the machine (or virtual machine) that it uses."""

    name: str
    program: Path
    version: str
    owner: str
    """The value of LABEL."""
    cores: int
    memory: int
    options: tuple[str, ...] = ()
    limits: bool = True
    """Whether a container's memory and cores can be limited."""
    passed_over: str = ""
    """Why an engine that comes before this one is not used, as a clause."""

    @property
    def label(self) -> tuple[str, str]:
        """The option that marks what is made."""
        return ("--label", f"{LABEL}={self.owner}")

    @property
    def no_proxy(self) -> tuple[str, ...]:
        """The options that keep this machine's proxies, and their passwords, out of a container and of its image."""
        if self.name == "podman":
            return ("--http-proxy=false",)
        # docker takes them from its configuration file, unless they are set (docs.docker.com/engine/cli/proxy).
        return tuple(f"--env={name}=" for name in (*PROXIES, *map(str.lower, PROXIES)))

    @property
    def open_network(self) -> str:
        """The name of the network that every engine has, with the way out."""
        return "bridge" if self.name == "docker" else "podman"

    async def begin(self, *arguments: str | Path, stdin: bytes | None = None) -> Program:
        """Start a long command (a build, a log); the caller reads its lines and ends it. Raises OSError."""
        return await start([self.program, *arguments], env=without_secrets(os.environ), cwd=Path.cwd(), stdin=stdin)

    @property
    def log_driver(self) -> str:
        """The name of a log driver that keeps a container's output for `logs`, whatever the machine's default is."""
        return "json-file" if self.name == "docker" else "k8s-file"

    async def call(
        self,
        *arguments: str | Path,
        seconds: float = CALL_SECONDS,
        stdin: bytes | int = b"",
        variables: Mapping[str, str] | None = None,
    ) -> str:
        """What a command prints. Raises EngineFault if it fails or takes longer than `seconds`."""
        code, text = await self.outcome(*arguments, seconds=seconds, stdin=stdin, variables=variables)
        if code != 0:
            raise EngineFault(text or f"{self.name} {arguments[0]} ended with exit code {code}")
        return text

    async def outcome(
        self,
        *arguments: str | Path,
        seconds: float = CALL_SECONDS,
        stdin: bytes | int = b"",
        variables: Mapping[str, str] | None = None,
    ) -> tuple[int, str]:
        """The exit code of a command, with `variables` in its environment, and what it printed; 0: without warnings.

        `stdin`: its input, or a file descriptor of that.

        Raises EngineFault if it cannot start or takes too long. When cancelled, it first lets the command finish for
        FINISH_SECONDS: what an ended one leaves half made would be removed under no name.
        """
        running = asyncio.ensure_future(self._outcome(arguments, seconds, stdin, variables or {}))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.wait([running], timeout=FINISH_SECONDS)
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            raise

    async def _outcome(
        self, arguments: tuple[str | Path, ...], seconds: float, stdin: bytes | int, variables: Mapping[str, str]
    ) -> tuple[int, str]:
        # Not under a keeper, which would end the daemons that a command leaves (conmon, a name server); and into
        # files, since these keep the output open. What a killed rehearsal leaves, the reaper removes.
        with tempfile.TemporaryFile() as said, tempfile.TemporaryFile() as warned:
            try:
                process = await asyncio.create_subprocess_exec(
                    self.program, *arguments, stdout=said, stderr=warned,
                    stdin=stdin if isinstance(stdin, int) else asyncio.subprocess.PIPE,
                    env={**without_secrets(os.environ), **variables}, start_new_session=True,
                )  # fmt: skip
            except OSError as error:
                raise EngineFault(f"{self.program} cannot be started: {error.strerror}") from None
            try:
                await asyncio.wait_for(process.communicate(None if isinstance(stdin, int) else stdin), seconds)
            except asyncio.TimeoutError:
                raise EngineFault(f"{self.name} {arguments[0]} did not answer within {seconds:.0f} s") from None
            finally:
                if process.returncode is None:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(process.pid, signal.SIGKILL)
                    await process.wait()
            text = b""
            for file in (said, warned) if process.returncode else (said,):
                file.seek(0)
                text += file.read()
            return process.returncode or 0, text.decode("utf-8", "replace").strip()

    async def inspect(self, name: str, kind: str = "container") -> dict[str, Any]:
        """What the engine knows of a container or an image. Raises EngineFault."""
        text = await self.call("inspect", "--type", kind, name)
        try:
            found: dict[str, Any] = json.loads(text)[0]
        except (ValueError, LookupError):
            raise EngineFault(f"{self.name} inspect answered: {text[:200]}") from None
        return found

    async def remove(self, container: str) -> None:
        """Kill and remove a container; one that is gone is no error."""
        # One only: of several, podman removes none if one is gone. It would wait ten seconds for a container that
        # ignores SIGTERM; docker kills at once.
        at_once = ("-t", "0") if self.name == "podman" else ()
        with contextlib.suppress(EngineFault):
            await self.call("rm", "-f", "-v", *at_once, container)

    async def put(self, container: str, files: Mapping[str, Path | bytes]) -> None:
        """Copy files and folders to absolute paths of a container that does not run yet, readable for every user.

        As a stream, since the engine may be in a virtual machine that sees no folder of this one. Raises EngineFault.
        """
        if not files:
            return
        ours, theirs = os.pipe()
        packing = asyncio.ensure_future(asyncio.to_thread(_pack, files, theirs))
        try:
            await self.call("cp", "-", f"{container}:/", seconds=PUT_SECONDS, stdin=ours)
        finally:
            os.close(ours)  # which ends the packing
            await packing


def _pack(files: Mapping[str, Path | bytes], pipe: int) -> None:
    with contextlib.suppress(BrokenPipeError), open(pipe, "wb") as end, tarfile.open(fileobj=end, mode="w|") as stream:
        for path, content in files.items():
            if isinstance(content, bytes):
                entry = tarfile.TarInfo(path.lstrip("/"))
                entry.size, entry.mode = len(content), 0o755
                stream.addfile(entry, io.BytesIO(content))
            else:
                stream.add(content, path.lstrip("/"), filter=_readable)


def _readable(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o755 if entry.isdir() or entry.mode & 0o100 else 0o644
    return entry


async def find(choice: str, owner: str) -> Engine | Unusable:
    """The engine to use: the first of NAMES that starts a container, or the one named by `choice` (or `none`)."""
    if choice == settings.NO_ENGINE:
        return Unusable("--container-engine none was chosen")
    reasons: list[str] = []
    for name in NAMES if choice == settings.AUTOMATIC else (choice,):
        program = shutil.which(name)
        if program is None:
            continue
        try:
            engine = Engine(name, Path(program), "", owner, 0, 0, passed_over="; ".join(reasons))
            return await asyncio.wait_for(_tried(engine), TRIAL_SECONDS)
        except asyncio.TimeoutError:
            reasons.append(f"{name} started no container within {TRIAL_SECONDS:.0f} s")
        except EngineFault as fault:
            reasons.append(str(fault))
    if reasons:
        return Unusable("; ".join(reasons))
    wanted = " or ".join(NAMES) if choice == settings.AUTOMATIC else choice
    return Unusable(f"no executable program {wanted} is in PATH")


async def _tried(engine: Engine) -> Engine:
    """Ask the engine for its version, and start a container of an empty image until that works. Raises EngineFault."""
    try:
        engine = await _with_facts(engine)
        with io.BytesIO() as empty:
            tarfile.open(fileobj=empty, mode="w").close()
            image = f"{TRIAL_IMAGE}:{secrets.token_hex(4)}"
            await engine.call("import", "-", image, stdin=empty.getvalue())
    except EngineFault as fault:
        raise EngineFault(f"{engine.name} does not work: {last_line(fault)}") from None
    try:
        return await _started(engine, image)
    except EngineFault as fault:
        raise EngineFault(f"{engine.name} {engine.version} starts no container: {last_line(fault)}") from None
    finally:
        with contextlib.suppress(EngineFault):
            await engine.call("rmi", "-f", image, seconds=ANSWER_SECONDS)


async def _started(engine: Engine, image: str) -> Engine:
    text = ""
    limit = ("--memory", "64m", "--cpus", "0.5")
    for options in _OPTIONS[: 1 if engine.name == "docker" else None]:
        for limits in (limit, ()):
            # Under no label of a rehearsal, whose reaper may be at work.
            code, said = await engine.outcome("run", "--rm", *options, *limits, "--network", "none", image, "/nothing")
            if code == _STARTED:
                return replace(engine, options=options, limits=bool(limits) and not _UNLIMITED.search(said))
            text = text or said
    raise EngineFault(text)


async def _with_facts(engine: Engine) -> Engine:
    """The version of the service, and the cores and memory it has. Raises EngineFault."""
    ask = "{{json .}}"
    try:
        text = await engine.call("info", "--format", ask, seconds=ANSWER_SECONDS)
        info = json.loads(text[text.index("{") :])
        if engine.name == "docker":
            if info.get("ServerErrors"):
                raise EngineFault(str(info["ServerErrors"][0]))
            return replace(engine, version=info["ServerVersion"], cores=info["NCPU"], memory=info["MemTotal"])
        host = info["host"]
        return replace(engine, version=info["version"]["Version"], cores=host["cpus"], memory=host["memTotal"])
    except (ValueError, LookupError, TypeError):
        raise EngineFault("its answer to `info` cannot be read") from None


def last_line(fault: EngineFault) -> str:
    """The last line that an engine printed, which holds the reason; with what to do if its disk is full."""
    lines = ["".join(filter(str.isprintable, line)).strip() for line in str(fault).splitlines()]
    last = next((line for line in reversed(lines) if line), "no reason was given")
    said = last.removeprefix("Error: ")[:500].rstrip(".?")
    return f"{said}. {FULL}" if _FULL.search(str(fault)) else said
