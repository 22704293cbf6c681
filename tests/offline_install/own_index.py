"""A package index as in a closed company network: TLS by a private authority, a password, behind a proxy."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import io
import ssl
import threading
import zipfile
from pathlib import Path
from types import TracebackType

from aiohttp import web

from tests.certificates import certified

HOST = "packages.house.invalid"
"""Resolves nowhere (RFC 2606): it can be reached through the proxy only."""
USER, PASSWORD = "builder", "hush-hush"


def wheel(name: str, version: str, tag: str = "py3-none-any", requires: str = "") -> tuple[str, bytes]:
    """A wheel with one module, and its file name."""
    stem = f"{name}-{version}"
    files = {
        f"{name}.py": f"version = {version!r}\n",
        f"{stem}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        + (f"Requires-Dist: {requires}\n" if requires else ""),
        f"{stem}.dist-info/WHEEL": f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n",
    }
    rows = "".join(f"{path},,\n" for path in [*files, f"{stem}.dist-info/RECORD"])
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, text in {**files, f"{stem}.dist-info/RECORD": rows}.items():
            archive.writestr(path, text)
    return f"{stem}-{tag}.whl", content.getvalue()


def _certified(folder: Path) -> tuple[Path, Path]:
    """The authority's file, and a file with the server's certificate and key."""
    authority, leaf, key = certified([HOST], "House of Cards")
    trusted, own = folder / "house.pem", folder / "server.pem"
    trusted.write_bytes(authority)
    own.write_bytes(leaf + key)
    return trusted, own


class OwnIndex:
    """The running index and proxy; `asked` lists the requests: CONNECT targets and paths of the index."""

    def __init__(self, folder: Path, wheels: dict[str, bytes]) -> None:
        self.trusted, self._own = _certified(folder)
        self.asked: list[str] = []
        self._wheels = wheels
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def address(self) -> str:
        """As pip's setting index-url."""
        return f"https://{USER}:{PASSWORD}@{HOST}/simple"

    @property
    def proxy(self) -> str:
        return f"http://127.0.0.1:{self._proxy_port}"

    def __enter__(self) -> OwnIndex:
        self._thread.start()
        assert self._ready.wait(20)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(20)

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_until_complete(self._start())
        self._ready.set()
        self._loop.run_forever()

    async def _start(self) -> None:
        application = web.Application()
        application.router.add_get("/{path:.*}", self._answer)
        runner = web.AppRunner(application)
        await runner.setup()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._own)
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
        self._index_port = runner.addresses[0][1]
        server = await asyncio.start_server(self._connect, "127.0.0.1", 0)
        self._proxy_port = server.sockets[0].getsockname()[1]

    async def _answer(self, request: web.Request) -> web.Response:
        wanted = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if request.headers.get("Authorization") != wanted:
            return web.Response(status=401, headers={"WWW-Authenticate": "Basic"})
        self.asked.append(request.path)
        name = request.path.rstrip("/").rpartition("/")[2]
        if name in self._wheels:
            return web.Response(body=self._wheels[name], content_type="application/octet-stream")
        links = [
            f'<a href="/files/{file}#sha256={hashlib.sha256(content).hexdigest()}">{file}</a>'
            for file, content in self._wheels.items()
            if file.partition("-")[0].replace("_", "-") == name
        ]
        return web.Response(status=200 if links else 404, text="<html>" + "".join(links), content_type="text/html")

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(None, 2)
        self.asked.append(f"{method} {target}")
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", self._index_port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")

        async def pump(source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(65536):
                    to.write(data)
                    await to.drain()
            except ConnectionError:
                pass
            finally:
                to.close()

        await asyncio.gather(pump(reader, inner_writer), pump(inner_reader, writer), return_exceptions=True)
