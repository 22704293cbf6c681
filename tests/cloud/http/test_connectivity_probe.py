"""What a probe of a host finds, by itself and through a proxy: sockets of this machine, no network."""

from __future__ import annotations

import base64
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tui.cloud.http import connectivity
from tui.cloud.http.connectivity import Probe, look_up, probe
from tui.cloud.http.proxies import Trust, parse, proxy_for, shown, trust


class Listener:
    """Accepts connections; a proxy that gives one answer to each request, or a silent or closing host."""

    def __init__(self, answer: bytes | None) -> None:
        self.asked: list[bytes] = []
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        self._answer = answer
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                self.asked.append(connection.recv(4096))
                connection.sendall(self._answer or b"")

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def listen() -> Iterator[Any]:
    made: list[Listener] = []

    def start(answer: bytes | None = b"") -> Listener:
        made.append(Listener(answer))
        return made[-1]

    yield start
    for one in made:
        one.close()


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "http_proxy",
                 "HTTP_PROXY"):  # fmt: skip
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("addresses", "private"),
    [((), None), (("10.0.0.1",), True), (("10.0.0.1", "8.8.8.8"), False), (("8.8.8.8",), False)],
)
def test_a_host_is_private_if_all_its_addresses_are(addresses: tuple[str, ...], private: bool | None) -> None:
    assert Probe("x", addresses).private is private


def test_names_are_resolved_as_by_other_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    one = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.4", 443))
    monkeypatch.setattr(connectivity.socket, "getaddrinfo", lambda *args, **options: [one, one])
    aliases = ("A.privatelink.example.", "host.example")
    monkeypatch.setattr(connectivity.socket, "gethostbyname_ex", lambda host: ("real.example", list(aliases), []))
    assert look_up("Host.example.") == Probe(
        "unknown", addresses=("10.0.0.4",), cnames=("a.privatelink.example", "real.example")
    )
    monkeypatch.setattr(connectivity.socket, "gethostbyname_ex", lambda host: raise_(OSError()))
    assert look_up("host.example").cnames == ()
    assert look_up("[fe80::1]").addresses == ("fe80::1",)


def raise_(error: BaseException) -> Any:
    raise error


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (socket.gaierror(socket.EAI_AGAIN, "x"), "unknown", "no-name-server"),
        (socket.gaierror(socket.EAI_NONAME, "x"), "unresolved", "no-address"),
        (UnicodeError("x"), "unresolved", "no-address"),
        (OSError("x"), "unresolved", "no-address"),
    ],
)
def test_a_name_without_an_address(monkeypatch: pytest.MonkeyPatch, error: Exception, state: str, reason: str) -> None:
    monkeypatch.setattr(connectivity.socket, "getaddrinfo", lambda *args, **options: raise_(error))
    found = probe("host.example")
    assert (found.state, found.reason, found.addresses) == (state, reason, ())


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (TimeoutError(), "timeout"),
        (socket.timeout(), "timeout"),
        (ConnectionRefusedError(), "refused"),
        (OSError(113, "No route to host"), "no-route"),
    ],
)
def test_a_connection_that_fails(monkeypatch: pytest.MonkeyPatch, error: OSError, reason: str) -> None:
    monkeypatch.setattr(connectivity.socket, "create_connection", lambda *args, **options: raise_(error))
    found = probe("10.0.0.4")
    assert (found.state, found.reason) == ("unreachable", reason)
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    found = probe("10.0.0.4")
    assert (found.state, found.reason) == ("unreachable", "proxy-timeout" if reason == "timeout" else "proxy")
    assert found.proxy == "http://proxy.example:3128"


def test_up_to_four_addresses_are_tried_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def connect(address: tuple[str, int], timeout: float) -> Any:
        tried.append(address[0])
        assert 0.1 <= timeout <= connectivity.CONNECT_SECONDS
        raise ConnectionRefusedError

    monkeypatch.setattr(connectivity.socket, "create_connection", connect)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (f"10.0.0.{number}", 443)) for number in range(6)]
    monkeypatch.setattr(connectivity.socket, "getaddrinfo", lambda *args, **options: found)
    monkeypatch.setattr(connectivity.socket, "gethostbyname_ex", lambda host: ("", [], []))
    assert probe("host.example").reason == "refused"
    assert tried == ["10.0.0.0", "10.0.0.1", "10.0.0.2", "10.0.0.3"]
    tried.clear()
    assert probe("host.example", seconds=-1).reason == "refused", "with several addresses each one gets its time"
    assert probe("10.9.9.9", seconds=-1).reason == "timeout" and "10.9.9.9" not in tried


def test_without_a_handshake_a_connection_is_enough(listen: Any) -> None:
    assert probe("127.0.0.1", listen().port, handshake=False).state == "reachable"


def test_what_does_not_answer_with_tls_is_told(listen: Any) -> None:
    found = probe("127.0.0.1", listen(b"HTTP/1.1 400 Bad\r\n\r\n").port)
    assert (found.state, found.reason) == ("tls", "broken")
    silent = socket.create_server(("127.0.0.1", 0))
    found = probe("127.0.0.1", silent.getsockname()[1], seconds=0.2)
    assert (found.state, found.reason) == ("unreachable", "timeout")
    silent.close()


@pytest.fixture
def served(certificate: tuple[Path, Path]) -> Iterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    threading.Thread(target=serve, daemon=True).start()
    yield server.getsockname()[1]
    server.close()


def test_a_certificate_is_read_and_judged(
    served: int, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    monkeypatch.delenv("CURL_CA_BUNDLE", raising=False)
    foreign = probe("127.0.0.1", served)
    assert (foreign.state, foreign.reason, foreign.system_trusts) == ("tls", "untrusted", False)
    assert foreign.issuer and foreign.subject
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    found = probe("127.0.0.1", served)
    assert (found.state, found.issuer, found.subject) == ("reachable", foreign.issuer, foreign.subject)
    assert probe("localhost", served).reason == "not-this-host"
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "none.pem"))
    missing = probe("127.0.0.1", served)
    assert (missing.state, missing.reason) == ("tls", "bundle") and "does not exist" in missing.detail


@pytest.mark.parametrize(
    ("answer", "state", "reason"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", "reachable", ""),
        (b"HTTP/1.0 200 OK\r\n\r\n", "reachable", ""),
        (b"HTTP/1.1 407 Login\r\n\r\n", "unreachable", "proxy-login"),
        (b"HTTP/1.1 403 No\r\n\r\n", "unreachable", "proxy"),
        (b"SSH-2.0\r\n\r\n", "unreachable", "proxy"),
        (b"", "unreachable", "proxy"),
    ],
)
def test_the_answer_of_a_proxy(
    listen: Any, monkeypatch: pytest.MonkeyPatch, answer: bytes, state: str, reason: str
) -> None:
    proxy = listen(answer)
    monkeypatch.setenv("HTTPS_PROXY", f"http://me:p%40ss@127.0.0.1:{proxy.port}")
    found = probe("10.0.0.4", 8443, handshake=False)
    assert (found.state, found.reason, found.addresses) == (state, reason, ("10.0.0.4",))
    lines = proxy.asked[0].split(b"\r\n")
    assert lines[0] == b"CONNECT 10.0.0.4:8443 HTTP/1.1"
    assert b"Proxy-Authorization: Basic " + base64.b64encode(b"me:p@ss") in lines
    assert "p@ss" not in repr(found) and "p%40ss" not in found.detail


def test_proxies_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, listen: Any) -> None:
    proxy = listen(b"HTTP/1.1 200 OK\r\n\r\n")
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{proxy.port}")
    assert probe("10.0.0.4").state == "tls", "with a handshake the proxy's 200 alone is not enough"
    assert b"Proxy-Authorization" not in proxy.asked[0]
    monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:9")
    assert (probe("10.0.0.4").state, probe("10.0.0.4").reason) == ("unknown", "proxy")
    monkeypatch.setenv("HTTPS_PROXY", "http://:80")
    assert (probe("10.0.0.4").state, probe("10.0.0.4").reason) == ("unreachable", "proxy")


@pytest.mark.parametrize(
    ("text", "address", "credentials"),
    [
        ("proxy", "http://proxy:80", None),
        ("proxy:3128", "http://proxy:3128", None),
        ("https://proxy", "https://proxy:443", None),
        ("socks5h://proxy", "socks5h://proxy:1080", None),
        ("http://me@proxy", "http://proxy:80", "me:"),
        ("http://me:a%3Ab@proxy:1", "http://proxy:1", "me:a:b"),
    ],
)
def test_a_proxys_address(text: str, address: str, credentials: str | None) -> None:
    found = parse(text)
    assert (found.shown, found.credentials, repr(found)) == (address, credentials, f"Proxy({address})")


def test_the_environments_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown({}) == "" and shown({"HTTPS_PROXY": "http://me:pw@p:1"}) == "http://p:1"
    assert shown({"ALL_PROXY": "http://p:2", "https_proxy": "http://p:1"}) == "http://p:1"
    assert "HTTPS_PROXY" in shown({"HTTPS_PROXY": "http://:1"})
    assert proxy_for("https://a.example/") is None
    monkeypatch.setenv("HTTPS_PROXY", "http://p:1")
    monkeypatch.setenv("NO_PROXY", "b.example")
    found = proxy_for("https://a.example/")
    assert found is not None and found.port == 1 and proxy_for("https://b.example/") is None


def test_the_file_of_authorities(tmp_path: Path) -> None:
    assert trust({}).variable == "certifi" and trust({}).problem == ""
    assert trust({"CURL_CA_BUNDLE": "/c", "REQUESTS_CA_BUNDLE": "/r"}) == Trust("REQUESTS_CA_BUNDLE", "/r")
    assert trust({"CURL_CA_BUNDLE": "/c", "REQUESTS_CA_BUNDLE": ""}) == Trust("CURL_CA_BUNDLE", "/c")
    assert "does not exist" in Trust("X", str(tmp_path / "no")).problem
    assert Trust("X", str(tmp_path)).problem == ""
    (tmp_path / "empty").write_text("nothing")
    assert "no certificates" in Trust("X", str(tmp_path / "empty")).problem


@pytest.mark.parametrize(
    ("code", "issuer", "subject", "words"),
    [
        (10, "CA", "x", "has expired"), (62, "CA", "other.example", "by CA for other.example"),
        (64, None, "other.example", "issued for other.example"), (62, None, None, "not this host's."),
        (18, "CA", "x", "issued by CA, which is not trusted"), (11, None, None,
        "by an authority, which is not trusted"),
    ],
)  # fmt: skip
def test_why_a_certificate_is_refused(code: int, issuer: str | None, subject: str | None, words: str) -> None:
    error = ssl.SSLCertVerificationError()
    error.verify_code = code
    assert words in connectivity._not_trusted(error, issuer, subject)
