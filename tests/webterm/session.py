"""One process on one pseudo-terminal, as a web terminal has it."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import signal
import struct
import termios
import time
from collections.abc import Mapping
from typing import Any

# What the terminal around the tests says of itself must not reach the command.
NOT_INHERITED = {"COLORTERM", "TERM_PROGRAM", "TERM_PROGRAM_VERSION", "TMUX", "TMUX_PANE", "STY", "LINES", "COLUMNS"}


async def _ready(fd: int, add: Any, remove: Any) -> None:
    """Wait until `fd` can be read (or written), with the event loop's add_reader and remove_reader (or _writer)."""
    future = asyncio.get_running_loop().create_future()
    add(fd, lambda: future.done() or future.set_result(None))
    try:
        await future
    finally:
        remove(fd)


class Session:
    """The process. `status` is its exit status once it has ended (-N: by signal N)."""

    def __init__(self, command: list[str], environ: Mapping[str, str], columns: int, rows: int) -> None:
        self.bytes_out = 0
        self.written_at: float | None = None
        self.replies: list[float] = []  # seconds from an input to the first output after it
        self.status: int | None = None
        size = struct.pack("HHHH", rows, columns, 0, 0)
        kept = {name: value for name, value in environ.items() if name not in NOT_INHERITED}
        self.pid, self.fd = os.forkpty()
        if self.pid == 0:
            try:
                fcntl.ioctl(0, termios.TIOCSWINSZ, size)
                for name in ("HUP", "INT", "QUIT", "TERM", "PIPE", "TSTP"):  # not as a background job left them
                    signal.signal(signal.Signals[f"SIG{name}"], signal.SIG_DFL)
                os.execvpe(command[0], command, {**kept, "TERM": "xterm-256color"})
            finally:
                os._exit(127)
        os.set_blocking(self.fd, False)
        self.ended = asyncio.ensure_future(self._wait())

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        _, status = await loop.run_in_executor(None, os.waitpid, self.pid, 0)
        self.status = os.waitstatus_to_exitcode(status)

    async def read(self) -> bytes:
        """The next output; empty when nobody holds the other side any more."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                data = os.read(self.fd, 65536)
            except BlockingIOError:
                await _ready(self.fd, loop.add_reader, loop.remove_reader)
                continue
            except OSError:
                data = b""
            if data and self.written_at:
                self.replies.append(time.perf_counter() - self.written_at)
                self.written_at = None
            self.bytes_out += len(data)
            return data

    async def write(self, data: bytes) -> None:
        """Give the process input."""
        loop = asyncio.get_running_loop()
        self.written_at = time.perf_counter()
        while data:
            try:
                data = data[os.write(self.fd, data) :]
            except BlockingIOError:
                await _ready(self.fd, loop.add_writer, loop.remove_writer)
            except OSError:
                return

    def resize(self, columns: int, rows: int) -> None:
        """The window has another size."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def signal(self, number: int) -> None:
        """Send a signal to the process group."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.pid, number)

    async def close(self, grace: float) -> None:
        """End the process group for good: SIGHUP, and SIGKILL after `grace` seconds."""
        self.signal(signal.SIGHUP)
        await asyncio.wait([self.ended], timeout=grace)
        self.signal(signal.SIGKILL)
        await self.ended
        os.close(self.fd)
