"""A command in a browser's terminal: xterm.js <- websocket -> pty, as ttyd does it.

Every tab gets its own pty and its own process; when the tab's socket closes, the process group gets SIGHUP. As with
ttyd, and unlike a terminal window that is closed, the pty then stays open and unread until the process ends.

The websocket speaks ttyd's protocol: first {"columns": C, "rows": R}, then "0" + input or "1" + a new size; back come
"0" + output. It listens on 127.0.0.1 only and turns away pages of any other origin.
"""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Mapping
from typing import Any

from aiohttp import WSMsgType, web

from tests.webterm.page import page
from tests.webterm.session import Session

GRACE = 3.0  # seconds between SIGHUP and SIGKILL at the end


class WebTerm:
    """The server: `async with WebTerm(command, environ) as server` serves at server.url until the block is left."""

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self.command, self.environ = command, environ
        self.sessions: list[Session] = []  # the oldest first
        self.transports: dict[Session, Any] = {}  # the browser's connection, while there is one
        self.url = ""

    async def __aenter__(self) -> WebTerm:
        self.html = await asyncio.to_thread(page)
        app = web.Application()
        app.add_routes([web.get("/", self._page), web.get("/ws", self._tty)])
        self.runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", 0).start()
        self.origin = f"http://127.0.0.1:{self.runner.addresses[0][1]}"
        self.url = f"{self.origin}/"
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(session.close(GRACE) for session in self.sessions))
        await self.runner.cleanup()

    async def _page(self, request: web.Request) -> web.Response:
        return web.Response(text=self.html, content_type="text/html")

    async def _tty(self, request: web.Request) -> web.WebSocketResponse:
        if request.headers.get("Origin") != self.origin:
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(protocols=["tty"], max_msg_size=2**26)
        await socket.prepare(request)
        session = output = None
        try:
            async for message in socket:
                data = message.data.encode() if message.type == WSMsgType.TEXT else message.data
                if session is None:
                    size = json.loads(data)
                    session = Session(self.command, self.environ, size["columns"], size["rows"])
                    self.sessions.append(session)
                    self.transports[session] = request.transport
                    output = asyncio.ensure_future(self._output(session, socket))
                elif data[:1] == b"0":
                    await session.write(data[1:])
                elif data[:1] == b"1":
                    size = json.loads(data[1:])
                    session.resize(size["columns"], size["rows"])
        finally:
            if session is not None:
                if output is not None:
                    output.cancel()
                del self.transports[session]
                if session.status is None:
                    session.signal(signal.SIGHUP)
        return socket

    async def _output(self, session: Session, socket: web.WebSocketResponse) -> None:
        async def copy() -> None:
            while data := await session.read():
                await socket.send_bytes(b"0" + data)

        copying = asyncio.ensure_future(copy())
        try:
            await asyncio.wait([session.ended])  # (to await it would pass a cancellation on)
            await asyncio.wait([copying], timeout=0.2)  # what is still in the pty
            await socket.close()
        finally:
            copying.cancel()
