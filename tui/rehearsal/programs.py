"""Starts the rehearsal's programs (uv, scoring servers) so that none of them outlives it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

KEEPER = Path(__file__).with_name("keeper.py")

_OWN = re.compile(
    r"^(AZURE_|AZUREML_|AML_|IDENTITY_|REHEARSAL_|MSI_|IMDS_|ARM_|DATABRICKS_|AWS_|GITHUB_|SYSTEM_ACCESSTOKEN)"
)
_SECRET = re.compile(r"SECRET|TOKEN|PASSWORD|PASSWD|CREDENTIAL|API_?KEY|ACCESS_KEY|CONNECTION_STRING", re.IGNORECASE)
_INDEX_SETTING = re.compile(r"^(PIP|UV)_")
MAX_LINE = 16_384
"""Characters of one line of output that are kept; a longer line is cut, so memory stays flat."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """Returns a copy without Azure's, the rehearsal's and any other secret-looking variable.

    Settings of pip and uv stay: they may hold what a private package index asks for.
    """
    return {
        name: value
        for name, value in environ.items()
        if _INDEX_SETTING.match(name) or not (_OWN.match(name) or _SECRET.search(name))
    }


class Program:
    """A running program in a process group of its own, under a keeper that ends it when the rehearsal ends."""

    def __init__(self, process: asyncio.subprocess.Process, lifeline: int) -> None:
        self._process = process
        self._lifeline = lifeline

    @property
    def pid(self) -> int:
        """Process id of the keeper, which leads the process group."""
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """The program's exit code (128 + signal number for a signal), or None while it runs."""
        return self._process.returncode

    async def wait(self) -> int:
        """Waits for the end of the program and of everything it started; returns its exit code."""
        code = await self._ended()
        self._let_go()
        self._sweep()
        return code

    async def _ended(self) -> int:
        # Since Python 3.11 asyncio's wait() also waits for the end of the output, which a process that got away
        # may hold open: so the exit code is looked at too.
        ending = asyncio.ensure_future(self._process.wait())
        try:
            while self._process.returncode is None:
                await asyncio.wait([ending], timeout=0.5)
        finally:
            ending.cancel()
        return self._process.returncode

    def _sweep(self) -> None:
        """After somebody killed the keeper itself: kills what is left of its group."""
        if self._process.returncode is not None and self._process.returncode < 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    async def stop(self) -> None:
        """Ends the program with all it started: asks first, and kills what is left a second later."""
        self._let_go()
        try:
            await asyncio.wait_for(self._ended(), 5)
        except asyncio.TimeoutError:
            self.kill()
            await self._ended()
        self._sweep()

    def close(self) -> None:
        """Lets go of the output, for a program that has ended while something still holds the other end."""
        # asyncio closes it by itself only at the end of the output, and offers no public way to do it earlier.
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()

    def kill(self) -> None:
        """Kills the whole process group at once."""
        self._let_go()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def feed(self, text: bytes) -> None:
        """Writes to the program's standard input and closes it; a program that does not read is no error."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(text)
            await self._process.stdin.drain()
        self._process.stdin.close()

    async def lines(self) -> AsyncIterator[str]:
        """Yields the output (stdout and stderr in one) line by line, without line ends, until it ends."""
        assert self._process.stdout is not None
        rest = b""
        cut = False
        while True:
            block = await self._process.stdout.read(65_536)
            if not block:
                break
            *whole, rest = (rest + block).split(b"\n")
            for line in whole:
                if not cut:
                    yield _text(line)
                cut = False
            if len(rest) > MAX_LINE:
                # An endless line: its beginning is kept, the remainder dropped until the next line end.
                if not cut:
                    yield _text(rest)
                rest, cut = b"", True
        if rest and not cut:
            yield _text(rest)


def _text(line: bytes) -> str:
    line = line.rstrip(b"\r")
    kept = line[:MAX_LINE].decode("utf-8", "replace")
    return kept if len(line) <= MAX_LINE else f"{kept} … (line cut at {MAX_LINE} bytes)"


async def start(
    command: Sequence[str | Path],
    *,
    env: Mapping[str, str],
    cwd: Path,
    stdin: bytes | None = None,
    remove: Path | None = None,
) -> Program:
    """Starts `command` (absolute program path first) with exactly the environment `env`.

    `stdin` is written to its standard input, which is then closed; None gives it an empty one.
    `remove` is a flat folder that goes when the program has ended, whoever ended it. Raises OSError.
    """
    starting = asyncio.ensure_future(_spawn(command, env, cwd, stdin is not None, remove))
    try:
        program = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would kill the keeper alone: the start is let finish, then everything is ended.
        with contextlib.suppress(OSError):
            await (await starting).stop()
        raise
    if stdin is not None:
        try:
            await program.feed(stdin)
        except BaseException:
            await program.stop()
            raise
    return program


async def output_of(command: Sequence[str | Path], env: Mapping[str, str], seconds: float) -> list[str] | None:
    """The lines that a program prints; None where it cannot be started, fails, or takes longer than `seconds`."""
    try:
        program = await start(command, env=env, cwd=Path.cwd())
    except OSError:
        return None
    try:
        lines = await asyncio.wait_for(_all_lines(program), seconds)
        return lines if await program.wait() == 0 else None
    except asyncio.TimeoutError:
        return None
    finally:
        await program.stop()


async def _all_lines(program: Program) -> list[str]:
    return [line async for line in program.lines()]


async def _spawn(
    command: Sequence[str | Path], env: Mapping[str, str], cwd: Path, feed: bool, remove: Path | None
) -> Program:
    read_end, write_end = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-I",
            "-S",
            str(KEEPER),
            str(read_end),
            str(remove or ""),
            *map(str, command),
            stdin=asyncio.subprocess.PIPE if feed else asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            cwd=cwd,
            env=dict(env),
            pass_fds=(read_end,),
            start_new_session=True,
        )
    except BaseException:
        os.close(write_end)
        raise
    finally:
        os.close(read_end)
    return Program(process, write_end)
