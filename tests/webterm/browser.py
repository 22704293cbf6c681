"""Headless Chromium, driven in the DevTools protocol over a pipe."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import tempfile
from typing import Any

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-breakpad",
    "--disable-crash-reporter",
    "--disable-domain-reliability",
    "--disable-client-side-phishing-detection",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-features=Translate,OptimizationHints,MediaRouter",
    "--metrics-recording-only",
    "--mute-audio",
    "--no-proxy-server",
    "--password-store=basic",
    "--force-color-profile=srgb",
    "--remote-debugging-pipe",
]


class Failed(Exception):
    """What was waited for did not come."""


class Browser:
    """Headless Chromium, spoken to in the DevTools protocol over a pipe: it goes when this process goes."""

    def __init__(self) -> None:
        self.profile = tempfile.mkdtemp(prefix="webterm-")
        self.process: Any = None

    async def start(self, program: str) -> None:
        """Start it."""
        its_input, our_output = os.pipe()
        our_input, its_output = os.pipe()

        def place_pipes() -> None:
            os.dup2(its_input, 3)
            os.dup2(its_output, 4)

        self.pipe = os.fdopen(our_output, "wb", buffering=0)
        self.replies: dict[int, Any] = {}
        self.number = 0
        reader = asyncio.StreamReader(limit=2**28)
        self.incoming, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(our_input, "rb")
        )
        self.listening = asyncio.ensure_future(self.listen(reader))
        nothing = asyncio.subprocess.DEVNULL
        self.process = await asyncio.create_subprocess_exec(
            program,
            *FLAGS,
            f"--user-data-dir={self.profile}",
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            env={**os.environ, "TMPDIR": self.profile, "XDG_CONFIG_HOME": self.profile},
            start_new_session=True,
            preexec_fn=place_pipes,
            pass_fds=(3, 4),
        )
        os.close(its_input)
        os.close(its_output)

    async def listen(self, reader: asyncio.StreamReader) -> None:
        """Hand every answer to who waits for it."""
        try:
            while True:
                message = json.loads((await reader.readuntil(b"\0"))[:-1])
                if reply := self.replies.pop(message.get("id"), None):
                    reply.done() or reply.set_result(message)
        except asyncio.IncompleteReadError:
            for reply in self.replies.values():
                reply.done() or reply.set_result({"error": {"message": "the browser is gone"}})

    async def call(self, method: str, tab: str | None = None, **parameters: Any) -> Any:
        """A method of the protocol, in a tab or in the browser. Raises Failed."""
        self.number += 1
        reply = self.replies[self.number] = asyncio.get_running_loop().create_future()
        message = {"id": self.number, "method": method, "params": parameters} | ({"sessionId": tab} if tab else {})
        try:
            self.pipe.write(json.dumps(message).encode() + b"\0")
            answer = await asyncio.wait_for(reply, 30)
        except (OSError, asyncio.TimeoutError) as problem:
            raise Failed(f"{method}: the browser does not answer ({problem!r})") from None
        if "error" in answer:
            raise Failed(f"{method}: {answer['error']['message']}")
        return answer["result"]

    async def stop(self) -> None:
        """End it, and remove its profile."""
        if self.process:
            self.pipe.close()
            self.incoming.close()
            self.listening.cancel()
            await asyncio.wait([asyncio.ensure_future(self.process.wait())], timeout=3)
            for _ in range(100):  # its helpers go a little later, and only then can the profile be removed
                try:
                    os.killpg(self.process.pid, signal.SIGKILL)
                except ProcessLookupError:
                    break
                await asyncio.sleep(0.02)
            await self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)
