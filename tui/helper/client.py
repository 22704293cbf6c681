"""The front ends' client of the helper process; imports little, to keep front ends light."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections import deque
from collections.abc import Mapping
from time import monotonic
from typing import Any, Callable

from tui.common import child_process
from tui.common.regular_file import json_object

_LINE_LIMIT = 64 * 1024 * 1024  # bytes in one answer
_GRACE = 2.0  # seconds for the helper to end by itself


class HelperError(Exception):
    """A question failed: what happened, why, what to do, and the raw text."""

    def __init__(self, title: str, cause: str = "", remedy: str = "", raw: str = "", code: str | None = None) -> None:
        super().__init__(f"{title}. {cause}" if cause else title)
        self.title, self.cause, self.remedy, self.raw, self.code = title, cause, remedy, raw, code


class HelperClient:
    """One helper process and its pending questions; belongs to one event loop.

    The process is started by `start` or the first question, and restarted by the next question after it died.
    """

    def __init__(self, env: Mapping[str, str] | None = None) -> None:
        self._env = dict(env) if env is not None else None
        self._process: asyncio.subprocess.Process | None = None
        self._starting: asyncio.Lock | None = None
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._hearing: dict[int, tuple[Callable[[int, int], None], Callable[[Any], None]]] = {}
        self._readers: list[asyncio.Task[None]] = []
        self._stderr: deque[str] = deque(maxlen=30)
        self._number = 0

    @property
    def running(self) -> bool:
        """Whether the process is alive."""
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int | None:
        """The process id while it runs."""
        return self._process.pid if self._process is not None and self.running else None

    async def start(self, env: Mapping[str, str] | None = None) -> None:
        """Start the process if it does not run; replace one that runs with another environment."""
        wanted = dict(env) if env is not None else self._env
        if self.running and wanted != self._env:
            await self.close()
        self._env = wanted
        await self._ensure()

    async def ask(
        self,
        name: str,
        /,
        timeout: float = 120.0,
        progress: Callable[[int, int], None] = lambda done, total: None,
        part: Callable[[Any], None] = lambda found: None,
        **with_: Any,
    ) -> Any:
        """Ask a question and wait at most `timeout` seconds for the answer, or for a sign of it; raises HelperError.

        `progress` receives bytes done and in total, about once a second, if the question reads large files; `part`
        receives the parts of a streamed answer, in order; what these raise is raised. An answer that arrives after the
        timeout, or after the caller was cancelled, is dropped.
        """
        process = await self._ensure()
        self._number += 1
        number = self._number
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        heard = monotonic()

        def hear(done: int, total: int) -> None:
            nonlocal heard
            heard = monotonic()
            progress(done, total)

        def take(found: Any) -> None:
            nonlocal heard
            heard = monotonic()
            part(found)

        self._waiting[number], self._hearing[number] = answer, (hear, take)
        try:
            line = json.dumps({"id": number, "ask": name, "with": with_}, default=str) + "\n"
            assert process.stdin is not None
            process.stdin.write(line.encode())
            with contextlib.suppress(ConnectionError):  # the reader reports how it ended
                await process.stdin.drain()
            while not answer.done():
                left = heard + timeout - monotonic()
                if left <= 0:
                    raise HelperError(
                        "There was no answer in time",
                        f"The question {name} was not answered within {timeout:g} s.",
                        "Check the connection to Azure, then ask again. Azure may still finish a change it began; "
                        "for more time, raise limits in the plan.",
                        code="Timeout",
                    )
                await asyncio.wait({answer}, timeout=left)
            return answer.result()
        finally:
            self._waiting.pop(number, None)
            self._hearing.pop(number, None)
            answer.cancel()

    async def close(self) -> None:
        """End the process; pending questions fail."""
        process, self._process = self._process, None
        readers, self._readers = self._readers, []
        if process is not None and process.returncode is None:
            if process.stdin is not None:
                process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), _GRACE)
            except asyncio.TimeoutError:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
        for reader in readers:
            reader.cancel()
        await asyncio.gather(*readers, return_exceptions=True)
        self._fail_all(HelperError("The helper was closed"))

    async def _ensure(self) -> asyncio.subprocess.Process:
        if self._starting is None:  # created here because in Python 3.9 a lock binds to the loop in which it is created
            self._starting = asyncio.Lock()
        async with self._starting:
            if self._process is not None and self._process.returncode is None:
                return self._process
            self._stderr.clear()
            try:
                process = await asyncio.create_subprocess_exec(
                    *child_process.command("tui.helper"),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=asyncio.subprocess.PIPE,
                    env=child_process.environment(self._env if self._env is not None else os.environ),
                    limit=_LINE_LIMIT,
                    # Ctrl+C in the terminal is for the front end; the helper ends when its input closes.
                    start_new_session=True,
                )
            except OSError as error:
                raise HelperError("The helper did not start", str(error), "Check the installation.") from None
            self._process = process
            words = asyncio.create_task(self._keep_stderr(process))
            self._readers = [asyncio.create_task(self._read(process, words)), words]
            return process

    async def _read(self, process: asyncio.subprocess.Process, words: asyncio.Task[None]) -> None:
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except (ValueError, ConnectionError):  # a line beyond the limit cannot be matched to its question
                break
            if not line:
                break
            self._deliver(line)
        code = await process.wait()
        await asyncio.wait({words}, timeout=1)  # its last output says why it ended
        if self._process is process:
            self._process = None
            self._fail_all(
                HelperError(
                    "The helper process ended",
                    f"It ended with {code}; the next question restarts it.",
                    "Ask again.",
                    "\n".join(self._stderr),
                    code="HelperEnded",
                )
            )

    async def _keep_stderr(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while chunk := await process.stderr.read(4096):
            self._stderr.extend(chunk.decode("utf-8", "replace").splitlines())

    def _deliver(self, line: bytes) -> None:
        try:
            message = json_object(line)
            answer = self._waiting[message["id"]]
            done, total = message.get("progress", (0, 0))
        except (ValueError, KeyError, TypeError):  # nothing of ours, or nobody waits for it any more
            return
        if answer.done():
            return
        if "progress" in message or "part" in message:
            try:
                hear, take = self._hearing[message["id"]]
                hear(done, total) if "progress" in message else take(message["part"])
            except Exception as failed:  # of the front end: for who asked, so that other questions go on
                answer.set_exception(failed)
            return
        error = message.get("error")
        if error is None:
            answer.set_result(message.get("result"))
        else:
            answer.set_exception(
                HelperError(
                    str(error.get("title") or "The question failed"),
                    str(error.get("cause") or ""),
                    str(error.get("remedy") or ""),
                    str(error.get("raw") or ""),
                    error.get("code"),
                )
            )

    def _fail_all(self, error: HelperError) -> None:
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(error)
