"""A scripted service on loopback, over TLS, that the unmodified Azure libraries talk to."""

from __future__ import annotations

import base64
import datetime
import ipaddress
import json
import re
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import pytest

from tui.plan.model import Credential, Endpoint, Plan, Workspace

WORKSPACE = Workspace("11111111-1111-1111-1111-111111111111", "group", "workspace")


@dataclass(frozen=True)
class Reply:
    """What the service answers to one request."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


class Service:
    """Answers by rules; a rule with several replies gives them in turn and repeats the last."""

    def __init__(self, certificate: tuple[Path, Path]) -> None:
        self.requests: list[tuple[str, str, bytes, dict[str, str]]] = []
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
                if self.command != "HEAD":
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
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "loopback")])
    now = datetime.datetime.now(datetime.timezone.utc)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), False)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate_file, key_file


def token(**claims: Any) -> str:
    """A JSON web token without a signature that anybody checks."""
    parts = [{"alg": "none"}, claims]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


@pytest.fixture
def service(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A cloud of its own with a managed identity; the environment leads there as it leads to any cloud."""
    made = Service(certificate)
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "IDENTITY_SERVER_THUMBPRINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", f"{made.url}/metadata/endpoints?api-version=2019-05-01")
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "LeftOverFromAnotherProcess")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{made.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made.on(
        "GET",
        "^/metadata/endpoints",
        Reply(
            body=[
                {
                    # A name of its own: the SDK keeps clouds by name for the life of a process.
                    "name": f"Loopback{made.port}",
                    "portal": "https://portal.azure.loopback.test/",
                    "resourceManager": made.url,
                    "authentication": {"loginEndpoint": made.url, "audiences": [made.url]},
                    "suffixes": {"storage": "core.windows.net"},
                }
            ]
        ),
    )
    expires = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) + 3600
    access = token(oid="object", appid="client", tid="tenant", exp=expires, xms_mirid="/a/userAssignedIdentities/id1")
    made.on("GET", "^/msi/token", Reply(body={"access_token": access, "expires_on": str(expires), "resource": "x"}))
    made.on(
        "GET",
        r"/workspaces/workspace\?",
        Reply(
            body={
                "id": WORKSPACE.id,
                "name": "workspace",
                "location": "eastus",
                "properties": {"publicNetworkAccess": "Disabled", "workspaceId": "guid"},
            }
        ),
    )
    yield made
    made.close()


@pytest.fixture
def plan() -> Plan:
    return Plan(workspace=WORKSPACE, credential=Credential(), endpoint=Endpoint(name="churn"))


@pytest.fixture
def cloud(service: Service, plan: Plan) -> Any:
    from tui.cloud.session import connect

    return connect(plan)


@pytest.fixture(scope="session")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A rehearsal of its own; the variables that lead to it, and its workspaces."""
    import os
    import subprocess
    import sys

    command = [sys.executable, "-m", "tui.rehearsal"]
    environ = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path_factory.mktemp("state"))}
    done = subprocess.run([*command, "env", "--json"], env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    environ.update(found["set"])
    for name in found["unset"]:
        environ.pop(name, None)
    yield {**found, "environ": environ}
    subprocess.run([*command, "stop"], env=environ, capture_output=True, timeout=60, check=True)


@pytest.fixture
def rehearsed(rehearsal: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """This process, too, is led to the rehearsal."""
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    return rehearsal
