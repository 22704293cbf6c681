"""Stand-ins for Databricks and for a Key Vault, which the unmodified SDKs talk to."""

from __future__ import annotations

import base64
import contextlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.certificates import self_signed

SECRET = "a-value-that-must-stay-in-memory"
TOKEN = "dapi-test"
KEPT = {("deploy", "sp-secret"): SECRET}  # what the stand-in for Databricks holds, by scope and key
Answer = tuple[int, dict[str, str], Any]


def serve(answer: Callable[[str, dict[str, str]], Answer], context: ssl.SSLContext | None = None) -> Any:
    """A server on loopback that answers GETs with JSON."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = answer(self.path, dict(self.headers))
            raw = json.dumps(body).encode()
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    return server


def _databricks(path: str, headers: dict[str, str]) -> Answer:
    """What `GET /api/2.0/secrets/get` answers, after Databricks' REST API reference."""

    def error(status: int, code: str, message: str) -> Answer:
        return status, {}, {"error_code": code, "message": message}

    asked = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    if not path.startswith("/api/2.0/secrets/get"):
        return error(404, "ENDPOINT_NOT_FOUND", f"No API found for {path}")
    if headers.get("Authorization") != f"Bearer {TOKEN}":
        return error(401, "UNAUTHENTICATED", "Invalid access token")
    if asked["scope"] == "closed":
        return error(403, "PERMISSION_DENIED", "User does not have READ permission on scope closed")
    if asked["scope"] == "notebooks-only":
        return error(400, "BAD_REQUEST", "Secrets can only be fetched in a notebook")
    value = KEPT.get((asked["scope"], asked["key"]))
    if value is None:
        return error(404, "RESOURCE_DOES_NOT_EXIST", f"Secret does not exist with scope: {asked['scope']}")
    return 200, {}, {"key": asked["key"], "value": base64.b64encode(value.encode()).decode()}


@pytest.fixture
def databricks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """A Databricks workspace with one secret; this process and its children are signed in to it."""
    pytest.importorskip("databricks.sdk", reason="databricks-sdk needs Python 3.10")
    server = serve(_databricks)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    for name in ("DATABRICKS_CONFIG_PROFILE", "ARM_CLIENT_ID", "ARM_CLIENT_SECRET", "ARM_TENANT_ID"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DATABRICKS_HOST", url)
    monkeypatch.setenv("DATABRICKS_TOKEN", TOKEN)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path / "no-such-file"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    yield url
    server.shutdown()
    server.server_close()


class Vault:
    """A Key Vault behind a proxy that leads its public name here, as a corporate proxy leads somewhere."""

    host = "churn-kv.vault.azure.net"

    def __init__(self, context: ssl.SSLContext) -> None:
        self.refusal: Answer | None = None
        self.audience = ""
        self._server = serve(self._answer, context)
        self._proxy = socket.create_server(("127.0.0.1", 0))
        self.proxy = f"http://127.0.0.1:{self._proxy.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _answer(self, path: str, headers: dict[str, str]) -> Answer:
        """The challenge, then the secret (Microsoft, "Authentication, requests and responses" of Key Vault)."""
        kind, _, token = headers.get("Authorization", "").partition(" ")
        if kind != "Bearer":
            told = 'Bearer authorization="https://login.microsoftonline.com/tenant", resource="https://vault.azure.net"'
            return 401, {"WWW-Authenticate": told}, {"error": {"code": "Unauthorized", "message": "AKV10000"}}
        claims = token.split(".")[1]
        self.audience = json.loads(base64.urlsafe_b64decode(claims + "=="))["aud"]
        if self.refusal is not None:
            return self.refusal
        name = path.split("/")[2].partition("?")[0]
        if name != "sp-secret":
            message = f"A secret with (name/id) {name} was not found in this key vault."
            return 404, {}, {"error": {"code": "SecretNotFound", "message": message}}
        return 200, {}, {"value": SECRET, "id": f"https://{self.host}/secrets/sp-secret/{'0' * 32}", "attributes": {}}

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._proxy.accept()
            except OSError:
                return
            threading.Thread(target=self._tunnel, args=(client,), daemon=True).start()

    def _tunnel(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            asked = b""
            while b"\r\n\r\n" not in asked:
                asked += client.recv(4096)
            if not asked.startswith(f"CONNECT {self.host}:443 ".encode()):
                client.sendall(b"HTTP/1.1 403 Forbidden\r\n\r\n")
                return
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            with socket.create_connection(self._server.server_address[:2]) as behind:
                while True:
                    for end in select.select([client, behind], [], [])[0]:
                        data = end.recv(65536)
                        if not data:
                            return
                        (behind if end is client else client).sendall(data)

    def close(self) -> None:
        """End both."""
        self._proxy.close()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def vault(rehearsal: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Vault]:
    """A Key Vault that accepts the rehearsal's tokens; this process and its children find it."""
    pytest.importorskip("azure.keyvault.secrets")
    certificate = tmp_path / "vault.pem"
    certificate.write_bytes(b"".join(self_signed(Vault.host)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    trusted = tmp_path / "trusted.pem"
    trusted.write_bytes(Path(rehearsal["set"]["REQUESTS_CA_BUNDLE"]).read_bytes() + b"\n" + certificate.read_bytes())
    made = Vault(context)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(trusted))
    monkeypatch.setenv("HTTPS_PROXY", made.proxy)
    monkeypatch.setenv("https_proxy", made.proxy)
    yield made
    made.close()
