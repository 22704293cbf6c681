"""Builds a deployment's scoring environment: a virtual environment made with uv from its conda file.

Azure builds a Docker image from the base image and the conda file. Where the rehearsal uses no container engine, the
base image is not pulled, and the conda file's packages come from PyPI (see image_requirements). Everything else is
real: the resolution, the download, the log, the failure.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from tui.common import conda_requirements, uv_program
from tui.common.conda_requirements import CondaFileInvalid, Requirements
from tui.common.redact import hide_logins
from tui.rehearsal.images import interpreters, package_index
from tui.rehearsal.process import locked
from tui.rehearsal.programs import start, without_secrets

_RECIPE = 2
"""Part of the content hash; increased when the build procedure changes."""
_MARKER = "rehearsal-image.json"
_MESSAGE_LINES = 30


class ImageBuildFailure(Exception):
    """The image cannot be built. `message` has Azure's form, with uv's own message as the reason."""

    code = "ImageBuildFailure"

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.message = (
            f"Image build failed: {reason}\n"
            "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-imagebuildfailure"
        )
        super().__init__(self.message)


def python_of(environment: Path) -> Path:
    """The interpreter inside a virtual environment."""
    return environment / "bin" / "python"


async def build(
    conda_yaml: str, image: str | None, *, cache: Path, log: Callable[[str], None], scoring_python: Path | None = None
) -> Path:
    """Build the environment of `conda_yaml`, or find it in the cache; return the path of its interpreter.

    `image`, the base image, is only named in the log. `log` receives each line of the build log.
    Environments are cached in `<cache>/environments/<content hash>`; simultaneous builds of the same content, also
    in two processes, are done once. With `scoring_python` nothing is built: that interpreter's environment is
    used unchanged, for networks without a package index. Cancelling ends uv and its child processes.

    Raises ImageBuildFailure.
    """

    def say(line: str) -> None:
        log(hide_logins(line))

    begun = time.monotonic()
    try:
        tree = conda_requirements.parse(conda_yaml)
        requirements = conda_requirements.read(tree)
    except CondaFileInvalid as error:
        raise ImageBuildFailure(str(error)) from None
    say(f"Image build: base image {image or '(none)'} is not pulled in a rehearsal; its system packages are absent.")
    for warning in requirements.warnings:
        say(f"WARNING: {warning}")
    if scoring_python is not None:
        return await _as_it_is(scoring_python, requirements, say)
    try:
        choice = await interpreters.find(requirements.python)
    except interpreters.NoInterpreter as error:
        raise ImageBuildFailure(str(error)) from None
    interpreter = choice.interpreter
    if choice.warning:
        say(f"WARNING: {choice.warning}")
    folder = cache / "environments"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    target = folder / content_hash(tree, interpreter)
    async with _exclusive(folder / f"{target.name}.lock", say):
        if await _is_built(target):
            say(f"Image build: taken from the cache, built before from the same conda file with Python {interpreter}.")
            return python_of(target)
        # Only the holder of the lock builds this content, so an unfinished build belongs to a process that died.
        for leftover in folder.glob(f".{target.name}.*"):
            await asyncio.to_thread(shutil.rmtree, leftover, True)
        scratch = folder / f".{target.name}.{secrets.token_hex(4)}"
        try:
            await _build_in(scratch, requirements, interpreter, say)
            seconds = time.monotonic() - begun
            (scratch / _MARKER).write_text(json.dumps({"python": str(interpreter), "seconds": round(seconds, 1)}))
            scratch.rename(target)
        finally:
            await asyncio.to_thread(shutil.rmtree, scratch, True)
    say(f"Image build: succeeded in {seconds:.1f} s with Python {interpreter}.")
    return python_of(target)


def content_hash(tree: dict[str, Any], interpreter: interpreters.Interpreter) -> str:
    """A hash of the conda file's content, the interpreter and the platform, which identify an environment."""
    meaning = {key: value for key, value in tree.items() if key not in ("name", "prefix")}
    parts = [_RECIPE, meaning, str(interpreter), str(interpreter.base), interpreter.platform]
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()[:32]


@contextlib.asynccontextmanager
async def _exclusive(path: Path, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Hold a lock between processes, which the system releases when its holder dies."""
    with contextlib.ExitStack() as held:
        waiting = False
        while True:
            try:
                held.enter_context(locked(path, wait=False))
                break
            except BlockingIOError:
                if not waiting:
                    say("Image build: the same environment is already being built; waiting for it.")
                waiting = True
                await asyncio.sleep(0.1)
        yield


async def _is_built(target: Path) -> bool:
    if (target / _MARKER).is_file() and python_of(target).exists():
        return True
    # Unfinished, or its base interpreter no longer exists.
    await asyncio.to_thread(shutil.rmtree, target, True)
    return False


async def _build_in(
    scratch: Path, requirements: Requirements, interpreter: interpreters.Interpreter, say: Callable[[str], None]
) -> None:
    uv = _uv()
    settings = await package_index.pip_settings()
    environment = uv_program.environment(settings, requirements.options, without_secrets(os.environ))
    scratch.parent.mkdir(parents=True, exist_ok=True)
    await _run(
        [uv, "venv", "--quiet", "--relocatable", "--python", interpreter.base, scratch],
        environment,
        scratch.parent,
        say,
    )
    if not requirements.packages:
        say("WARNING: The conda file names no packages.")
        return
    arguments = uv_program.arguments(requirements.options, settings)
    say("Installing pip dependencies: " + ", ".join(requirements.packages))
    try:
        await _run(
            # Requirements are passed on standard input, since an address in them may contain a password.
            [uv, "pip", "install", "--python", python_of(scratch), *arguments, "--requirements", "-"],
            environment,
            scratch.parent,
            say,
            stdin="\n".join(requirements.packages).encode() + b"\n",
        )
    except ImageBuildFailure as error:
        missing = requirements.not_found(error.reason)
        if missing:
            raise ImageBuildFailure(conda_requirements.not_on_pypi(missing)) from None
        raise


def _uv() -> str:
    program = uv_program.find()
    if program is None:
        raise ImageBuildFailure(
            "The program uv, which builds scoring environments, is not installed; install aml-deploy[rehearsal]."
        )
    return program


async def _run(
    command: list[str | Path],
    environment: dict[str, str],
    cwd: Path,
    say: Callable[[str], None],
    stdin: bytes | None = None,
) -> None:
    lines: list[str] = []
    process = await start(command, env=environment, cwd=cwd, stdin=stdin)
    try:
        async for line in process.lines():
            if line.strip():
                lines.append(line)
                say(line)
        code = await process.wait()
    finally:
        await process.stop()
    if code != 0:
        raise ImageBuildFailure(hide_logins(_reason(lines, code)))


def _reason(lines: list[str], code: int) -> str:
    """uv's own message: from the last line that starts a diagnosis to the end."""
    starts = ("error:", "×", "x ", "  ×")
    first = next((n for n, line in enumerate(lines) if line.startswith(starts)), max(0, len(lines) - _MESSAGE_LINES))
    words = lines[first:][:_MESSAGE_LINES]
    if not words:
        return f"uv ended with exit code {code} and printed nothing."
    return "the packages of the conda file can't be installed.\n" + "\n".join(words)


async def _as_it_is(python: Path, requirements: Requirements, say: Callable[[str], None]) -> Path:
    """Use an existing environment; log which packages of the conda file it lacks."""
    interpreter = await interpreters.probe(python)
    if interpreter is None:
        raise ImageBuildFailure(
            f"The scoring interpreter {python} does not run. Specify another one with --scoring-python."
        )
    say(f"Image build: nothing is installed; the environment of {python} (Python {interpreter}) is used as it is.")
    if requirements.python and not interpreters.satisfies(interpreter.version, requirements.python):
        say(f"WARNING: The conda file requires Python {requirements.python}; this environment has {interpreter}.")
    if requirements.packages:
        environment = uv_program.environment({}, [], without_secrets(os.environ))
        environment["UV_OFFLINE"] = "1"
        command: list[str | Path] = [_uv(), "pip", "install", "--dry-run", "--no-index", "--python", python]
        try:
            await _run(
                [*command, "--requirements", "-"],
                environment,
                Path.cwd(),
                lambda _line: None,
                stdin="\n".join(requirements.packages).encode() + b"\n",
            )
        except ImageBuildFailure as error:
            say(f"WARNING: This environment lacks a requirement of the conda file. {error.reason}")
    return python
