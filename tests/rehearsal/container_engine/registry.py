"""A container registry, or a package index, that runs in this process and answers as a test wants."""

from __future__ import annotations

import base64
import contextlib
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Answer = tuple[int, bytes]
UNKNOWN = (404, b'{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest tagged by \\"1\\" is not found"}]}')
UNAUTHORIZED = (401, b'{"errors":[{"code":"UNAUTHORIZED","message":"authentication required"}]}')


@contextlib.contextmanager
def served(pages: Mapping[str, Answer], other: Answer, login: str = "") -> Iterator[str]:
    """A server of `pages` by their path, to whom gives the login `USER:PASSWORD`, if any; yields its HOST:PORT."""
    needed = f"Basic {base64.b64encode(login.encode()).decode()}" if login else None

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            code, body = pages.get(self.path, other)
            if needed not in (None, self.headers.get("Authorization")):
                code, body = UNAUTHORIZED
            self.send_response(code)
            if code == 401:
                self.send_header("WWW-Authenticate", 'Basic realm="registry"')
            self.send_header("Content-Type", "text/html" if self.path.endswith("/") else "application/octet-stream")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        do_HEAD = do_GET

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
