"""A scripted service on loopback, over TLS, that the unmodified Azure libraries talk to."""

from __future__ import annotations

import base64
import json
import re
import ssl
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

from tui.plan.model import Workspace

WORKSPACE = Workspace("11111111-1111-1111-1111-111111111111", "group", "workspace")


@dataclass(frozen=True)
class Reply:
    """What the service answers to one request; `drip` are the seconds before each byte of the body."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    drip: float = 0.0


class Service:
    """Answers by rules; a rule with several replies gives them in turn and repeats the last."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.requests: list[tuple[str, str, bytes, dict[str, str]]] = []
        self.closed = threading.Event()
        self._rules: list[tuple[str, re.Pattern[str], list[Reply | Callable[[], Reply]]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                service.requests.append((self.command, self.path, self.rfile.read(length), dict(self.headers)))
                reply = service._reply(self.command, self.path)
                raw = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
                if reply.status in (202, 204) and reply.body is None:
                    raw = b""
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                if reply.drip:
                    for number in range(len(raw)):
                        service.closed.wait(reply.drip)
                        self.wfile.write(raw[number : number + 1])
                elif self.command != "HEAD":
                    self.wfile.write(raw)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.port = self._server.server_address[1]
        self.url = f"https://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def on(self, method: str, pattern: str, *replies: Reply | Callable[[], Reply]) -> None:
        """Rules that were added later come first."""
        self._rules.insert(0, (method, re.compile(pattern), list(replies)))

    def count(self, method: str, pattern: str) -> int:
        """How many requests matched."""
        return sum(1 for verb, path, _, _ in self.requests if verb == method and re.search(pattern, path))

    def _reply(self, method: str, path: str) -> Reply:
        for verb, pattern, replies in self._rules:
            if verb == method and pattern.search(path):
                reply = replies.pop(0) if len(replies) > 1 else replies[0]
                return reply() if callable(reply) else reply
        return Reply(404, {"error": {"code": "ResourceNotFound", "message": f"{method} {path} has no rule"}})

    def close(self) -> None:
        self.closed.set()
        self._server.shutdown()
        self._server.server_close()


def token(**claims: Any) -> str:
    """A JSON web token without a signature that anybody checks."""
    parts = [{"alg": "none"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])
