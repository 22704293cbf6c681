"""Proxies and certificates come from the environment for every connection; what replaces a token does not."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Callable

import pytest
from scripted_service import Reply, Service

from tui.cloud import clouds
from tui.cloud.endpoints import endpoints
from tui.cloud.http import connections
from tui.cloud.recording.recorder import SCORING, Recorder
from tui.cloud.storage.blob_transport import Transport
from tui.cloud.workspace import prices
from tui.common.redact import hide


@pytest.fixture
def netrc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's .netrc with a login for every host."""
    file = tmp_path / "netrc"
    file.write_text("default login somebody password else\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    return file


def test_a_netrc_file_replaces_no_token(service: Service, cloud: Any, netrc: Path, tmp_path: Path) -> None:
    service.on("GET", "/onlineEndpoints", Reply(body={"value": []}))
    service.on("POST", "^/score", Reply(200, b"[1]"))
    endpoints.list_all(cloud)
    assert service.requests[-1][3]["Authorization"].startswith("Bearer ")
    for session in (cloud.http, Recorder(tmp_path / "recording").session(SCORING)):
        session.post(f"{service.url}/score", headers={"Authorization": "Bearer key"}, timeout=30)
        assert service.requests[-1][3]["Authorization"] == "Bearer key"
        session.post(f"{service.url}/score", timeout=30)
        assert "Authorization" not in service.requests[-1][3]


def test_what_a_request_signs_in_with_is_known_as_a_secret(service: Service) -> None:
    service.on("GET", "^/score", Reply(200, b"[1]"))
    headers = {"Authorization": "Bearer waterproof-9"}
    connections.session().get(f"{service.url}/score?sv=2&sig=fire%2Fproof-9", headers=headers, timeout=30)
    assert hide("echoes waterproof-9 and fire/proof-9") == "echoes (hidden) and (hidden)"


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """A proxy in HTTPS_PROXY, written `host:port`, that refuses; what it was asked for."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(502)

        def log_message(self, format: str, *args: Any) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    for name in ("https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HTTPS_PROXY", f"localhost:{server.server_address[1]}")
    yield asked
    server.shutdown()
    server.server_close()


URL = "https://a.blob.core.windows.net"


def metadata() -> Any:
    return clouds.current({"ARM_CLOUD_METADATA_URL": f"{URL}/metadata"})


def transport() -> Any:
    from azure.core.pipeline import Pipeline
    from azure.core.rest import HttpRequest

    return Pipeline(connections.transport(), []).run(HttpRequest("GET", f"{URL}/x"))


@pytest.mark.parametrize(
    "call",
    [
        lambda: connections.session().get(f"{URL}/x", timeout=10),
        transport,
        lambda: Transport(URL, 1, None).send("PUT", f"{URL}/x", {}, b"x"),
        metadata,
        lambda: prices._fetched("Standard_DS3_v2", "eastus", f"{URL}/prices"),
    ],
    ids=["session", "azure-core", "upload", "metadata", "prices"],
)
def test_a_proxy_without_a_scheme_is_used_by_every_connection(proxied: list[str], call: Callable[[], Any]) -> None:
    try:
        call()
    except Exception as error:  # of requests, azure-core, or ours
        assert "proxy" in str(error).lower()
    assert proxied == ["a.blob.core.windows.net:443"]
