"""A service between the program and the rehearsal that passes everything on, writes down each call, and answers badly
where a rule says so. To the program it is the cloud: its address replaces the rehearsal's in everything that passes.
"""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.hostile.calls import pattern_of

_OF_THE_CONNECTION = frozenset({"content-length", "transfer-encoding", "connection"})


@dataclass
class Answer:
    """What the rehearsal answers: status, headers as they came, body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Exchange:
    """One request at the proxy. A behaviour answers it with `reply`, or breaks the connection."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    ask: Callable[[], Answer]
    write: Callable[[bytes], object]
    pause: Callable[[float], object]

    def head(self, status: int, headers: list[tuple[str, str]], length: int) -> None:
        """Send the status line and the headers."""
        kept = [pair for pair in headers if pair[0].lower() not in _OF_THE_CONNECTION]
        lines = [
            f"{name}: {value}" for name, value in [*kept, ("Content-Length", str(length)), ("Connection", "close")]
        ]
        self.write("\r\n".join([f"HTTP/1.1 {status} X", *lines, "", ""]).encode("latin-1"))

    def reply(self, status: int, body: bytes, headers: list[tuple[str, str]]) -> None:
        """Send a whole answer."""
        self.head(status, headers, len(body))
        if self.method != "HEAD":
            self.write(body)


Behaviour = Callable[[Exchange], None]


@dataclass
class Rule:
    """Calls that are answered by a behaviour: so many, then they are passed on again."""

    method: str
    pattern: re.Pattern[str]
    behaviour: Behaviour
    times: float
    met: int = field(default=0)


def honest(exchange: Exchange) -> None:
    """Pass the answer on."""
    answer = exchange.ask()
    exchange.reply(answer.status, answer.body, answer.headers)


class Proxy:
    """Listens on a port of this machine; use as a context manager.

    `calls` are the patterns of all calls at the socket, `tokens` all that has passed as a bearer token or a key, and
    `clients` the ports that connections came from.
    """

    def __init__(self, env: dict[str, str], certificate: tuple[Path, Path]) -> None:
        """`env` leads to the rehearsal; `certificate` is the proxy's, with its key."""
        self._env = env
        self.target = urlsplit(env["ARM_CLOUD_METADATA_URL"]).netloc
        self._trust = ssl.create_default_context(cafile=env["REQUESTS_CA_BUNDLE"])
        self.certificate = certificate[0]
        self.use(certificate)
        self.rules: list[Rule] = []
        self.calls: list[str] = []
        self.tokens: set[str] = set()
        self.clients: set[int] = set()
        self._lock, self._closed = threading.Lock(), threading.Event()
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                self.request.settimeout(120)
                self.request = proxy.context.wrap_socket(self.request, server_side=True)
                super().setup()

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.close_connection = True  # so that another certificate is met at once
                proxy._answer(self, body)

            do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = _serve

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 64

            def handle_error(self, request: object, client_address: object) -> None:
                """A handshake that a client has refused, or a connection that it has left."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self.netloc = f"127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def __enter__(self) -> Proxy:
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        self._server.shutdown()
        self._server.server_close()

    @property
    def environ(self) -> dict[str, str]:
        """The environment that leads to the rehearsal through this proxy."""
        changed = {name: value.replace(self.target, self.netloc) for name, value in self._env.items()}
        return {**changed, "REQUESTS_CA_BUNDLE": str(self.certificate), "SSL_CERT_FILE": str(self.certificate)}

    def use(self, certificate: tuple[Path, Path]) -> None:
        """Present this certificate to the connections that are made from now on."""
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)

    def on(self, method: str, pattern: str, behaviour: Behaviour, times: float = 1) -> Rule:
        """Answer the next calls of this kind by a behaviour."""
        rule = Rule(method, re.compile(pattern), behaviour, times)
        self.rules.append(rule)
        return rule

    def _answer(self, handler: BaseHTTPRequestHandler, body: bytes) -> None:
        method, path, headers = handler.command, handler.path, dict(handler.headers.items())
        with self._lock:
            self.calls.append(pattern_of(method, path))
            self.clients.add(handler.client_address[1])
            self.tokens |= {word.rpartition(" ")[2] for name, word in headers.items() if name == "Authorization"}
            found = [one for one in self.rules if one.method in (method, "*") and one.pattern.search(path)]
            rule = next((one for one in found if one.met < one.times), None)
            if rule is not None:
                rule.met += 1
        exchange = Exchange(
            method, path, headers, body, lambda: self._forward(method, path, headers, body), handler.wfile.write,
            self._closed.wait,
        )  # fmt: skip
        with contextlib.suppress(ConnectionError, ssl.SSLError, socket.timeout):
            (rule.behaviour if rule is not None else honest)(exchange)

    def _forward(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        sent = {name: value.replace(self.netloc, self.target) for name, value in headers.items()}
        sent = {**sent, "Host": self.target, "Accept-Encoding": "identity", "Connection": "close"}
        if re.search("json|form", sent.get("Content-Type", "")):
            for here, there in ((self.netloc, self.target), (quote(self.netloc), quote(self.target))):
                body = body.replace(here.encode(), there.encode())
            sent["Content-Length"] = str(len(body))
        connection = http.client.HTTPSConnection(self.target, context=self._trust, timeout=300)
        try:
            connection.request(method, path.replace(self.netloc, self.target), body or None, sent)
            answer = connection.getresponse()
            content = answer.read()
            passed = [(name, value.replace(self.target, self.netloc)) for name, value in answer.getheaders()]
            kind = answer.getheader("Content-Type") or ""
            if "json" in kind or "xml" in kind or "text" in kind:
                content = content.replace(self.target.encode(), self.netloc.encode())
            return Answer(answer.status, passed, content)
        finally:
            connection.close()
