"""Runs the rehearsal's programs (uv, scoring servers) so that none of them outlives it."""

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
"""Maximum characters of a line of output; longer lines are truncated to limit memory."""


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """A copy without variables of Azure and the rehearsal, and without those that look like secrets.

    Settings of pip and uv are kept, since a private package index may need them.
    """
    return {
        name: value
        for name, value in environ.items()
        if _INDEX_SETTING.match(name) or not (_OWN.match(name) or _SECRET.search(name))
    }


class Program:
    """A running program in a separate process group, under a keeper that ends it with the rehearsal."""

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
        """Wait for the end of the program and its child processes; return its exit code."""
        code = await self._ended()
        self._let_go()
        self._sweep()
        return code

    async def _ended(self) -> int:
        # Since Python 3.11, asyncio's wait() also waits for the end of the output, which an escaped process
        # may hold open, so the exit code is checked too.
        ending = asyncio.ensure_future(self._process.wait())
        try:
            while self._process.returncode is None:
                await asyncio.wait([ending], timeout=0.5)
        finally:
            ending.cancel()
        return self._process.returncode

    def _sweep(self) -> None:
        """Kill the rest of the process group if the keeper itself was killed."""
        if self._process.returncode is not None and self._process.returncode < 0:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, signal.SIGKILL)

    def _let_go(self) -> None:
        if self._lifeline >= 0:
            os.close(self._lifeline)
            self._lifeline = -1

    async def stop(self) -> None:
        """End the program and its child processes: terminate, and kill the rest a second later."""
        self._let_go()
        try:
            await asyncio.wait_for(self._ended(), 5)
        except asyncio.TimeoutError:
            self.kill()
            await self._ended()
        self._sweep()

    def close(self) -> None:
        """Close the output of an ended program although another process still holds the other end."""
        # asyncio closes it only at the end of the output, and has no public way to do it earlier.
        transport = getattr(self._process, "_transport", None)
        if transport is not None:
            transport.close()

    def kill(self) -> None:
        """Kill the whole process group at once."""
        self._let_go()
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)

    async def feed(self, text: bytes) -> None:
        """Write to the program's standard input and close it; a program that does not read is no error."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(text)
            await self._process.stdin.drain()
        self._process.stdin.close()

    async def lines(self) -> AsyncIterator[str]:
        """Yield the output (stdout and stderr combined) line by line, without line endings, until it ends."""
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
                # Keep the start of a very long line, and drop the rest until the next line ending.
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
    """Start `command` (absolute program path first) with exactly the environment `env`.

    `stdin` is written to its standard input, which is then closed; None means an empty one.
    `remove` is a folder without subfolders that is removed when the program has ended. Raises OSError.
    """
    starting = asyncio.ensure_future(_spawn(command, env, cwd, stdin is not None, remove))
    try:
        program = await asyncio.shield(starting)
    except asyncio.CancelledError:
        # asyncio would kill only the keeper: let the start finish, then end everything.
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
    """The lines that a program prints; None if it cannot be started, fails, or takes longer than `seconds`."""
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
