"""Connections that break, on real sockets, through both clients that the cloud is asked with: the cause is in words."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable, Iterator

import pytest
import requests

from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError

pytest.importorskip("azure.core")

Conduct = Callable[[socket.socket], None]


def reset(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def silent(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.close()


def other_language(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.sendall(b"nonsense\r\n\r\n")
    peer.close()


def half(peer: socket.socket) -> None:
    peer.recv(4096)
    peer.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
    peer.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Conduct], int]]:
    """Listens on a port of this machine and treats every caller in the same way."""
    listening: list[socket.socket] = []

    def start(conduct: Conduct) -> int:
        listener = socket.socket()
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        listening.append(listener)

        def answer() -> None:
            while True:
                try:
                    conduct(listener.accept()[0])
                except OSError:
                    return

        threading.Thread(target=answer, daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for listener in listening:
        listener.close()


def told(url: str) -> list[CloudError]:
    """What is said of a call with requests, and of the same with azure-core."""
    from azure.core import PipelineClient
    from azure.core.rest import HttpRequest

    session = requests.Session()
    session.trust_env = False
    calls: list[Callable[[], object]] = [
        lambda: session.get(url, timeout=5),
        lambda: PipelineClient(url, policies=[]).send_request(HttpRequest("GET", url), read_timeout=5),
    ]
    found = []
    for call in calls:
        with pytest.raises(Exception) as caught:
            call()
        found.append(explain(caught.value))
    return found


@pytest.mark.parametrize(
    ("scheme", "conduct", "title", "cause"),
    [
        ("http", reset, "The connection to", "The other side reset the connection."),
        ("http", silent, "The connection to", "The other side closed the connection without a response."),
        ("http", other_language, "The connection to", "The server does not use HTTP."),
        ("http", half, "The connection to", "The connection broke during the response."),
        ("https", other_language, "No TLS connection to", "The server does not use TLS."),
        ("https", silent, "No TLS connection to", "The other side ended the connection during the TLS handshake."),
    ],
)
def test_what_broke_is_said_in_words(
    serve: Callable[[Conduct], int], scheme: str, conduct: Conduct, title: str, cause: str
) -> None:
    for error in told(f"{scheme}://127.0.0.1:{serve(conduct)}/"):
        assert error.title.startswith(title)
        assert error.cause == cause
        assert error.code == "Unreachable" and error.raw


def test_a_port_that_nobody_listens_on() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound and not listening, so that nobody else listens there
        for error in told(f"http://127.0.0.1:{taken.getsockname()[1]}/"):
            assert error.title == "The connection to 127.0.0.1 failed"
            assert error.cause == "Nothing accepts connections there: the connection was refused."
