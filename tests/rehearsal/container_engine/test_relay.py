"""The relay, run on this machine: large bodies, slow and impatient callers, many connections, and what it leaves."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from tui.rehearsal.container_engine.network import RELAY

pytestmark = pytest.mark.skipif(
    shutil.which("perl") is None and os.environ.get("CI") != "true", reason="no perl, in which the relay is written"
)
LARGE = bytes(range(256)) * 4 * 10_000  # 10 MB


@contextmanager
def relay(*rules: str) -> Iterator[subprocess.Popen[bytes]]:
    """The relay with these rules, once it is ready."""
    process = subprocess.Popen(["perl", RELAY, *rules], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"ready\n"
        yield process
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@contextmanager
def server(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A server on all of 127.0.0.0/8 whose connections go to `answer`, each in a thread; its port."""
    with socket.create_server(("", 0), backlog=300) as listener:

        def accept() -> None:
            while True:
                try:
                    caller, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(caller,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


def everything(connection: socket.socket) -> bytes:
    """What comes until the end."""
    found = bytearray()
    while block := connection.recv(1 << 20):
        found += block
    return bytes(found)


def echo(caller: socket.socket) -> None:
    """Send back what came, once the caller has ended its half."""
    with caller:
        caller.sendall(everything(caller))


def call(path: Path) -> socket.socket:
    """A connection to the relay's socket; it gives up after a minute."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(str(path))
    return connection


def processes_of(process: subprocess.Popen[bytes]) -> int:
    """How many processes the relay has, ended ones included."""
    return 1 + len(psutil.Process(process.pid).children(recursive=True))


def test_large_bodies_both_ways_with_a_half_that_ends_first(tmp_path: Path) -> None:
    with server(echo) as port, relay(f"{tmp_path}/s=127.0.0.2:{port}"), call(tmp_path / "s") as connection:
        threading.Thread(target=lambda: (connection.sendall(LARGE), connection.shutdown(socket.SHUT_WR))).start()
        assert everything(connection) == LARGE


def test_two_relays_pass_on_two_hundred_connections_and_keep_nothing(tmp_path: Path) -> None:
    rules = (f"{tmp_path}/in=127.0.0.2:{{}}", f"{tmp_path}/out={tmp_path}/in")
    with server(echo) as port, relay(rules[0].format(port)) as inner, relay(rules[1]) as outer:
        before = _open_files(inner, outer)
        connections = [call(tmp_path / "out") for _ in range(200)]
        for number, connection in enumerate(connections):
            connection.sendall(str(number).encode() * 1000)
        for connection in reversed(connections):
            connection.shutdown(socket.SHUT_WR)
        for number, connection in enumerate(connections):
            assert everything(connection) == str(number).encode() * 1000
            connection.close()
        with call(tmp_path / "out") as connection:  # after it, the ends of the others have been seen
            connection.shutdown(socket.SHUT_WR)
            assert everything(connection) == b""
        assert max(_open_files(inner, outer)) < max(before) + 10
        assert (processes_of(inner), processes_of(outer)) == (2, 2)


def _open_files(*relays: subprocess.Popen[bytes]) -> list[int]:
    """How many files the process of each relay's only rule has open."""
    return [child.num_fds() for one in relays for child in psutil.Process(one.pid).children()]


def test_an_early_answer_arrives_although_the_server_does_not_read(tmp_path: Path) -> None:
    def refuse(caller: socket.socket) -> None:
        with caller:
            caller.recv(10)
            caller.sendall(b"too large")
            caller.shutdown(socket.SHUT_WR)

    with server(refuse) as port, relay(f"{tmp_path}/s=127.0.0.2:{port}"), call(tmp_path / "s") as connection:
        with suppress(OSError):  # as without a relay
            connection.sendall(LARGE)
        assert everything(connection) == b"too large"


def test_a_slow_caller_holds_up_nobody(tmp_path: Path) -> None:
    def much(caller: socket.socket) -> None:
        with caller:
            if caller.recv(1) == b"m":
                caller.sendall(LARGE)
            else:
                caller.sendall(b"little")

    with server(much) as port, relay(f"{tmp_path}/s=127.0.0.2:{port}"), call(tmp_path / "s") as slow:
        slow.sendall(b"m")
        assert slow.recv(1) == LARGE[:1]  # and then nothing for a while
        with call(tmp_path / "s") as other:
            other.sendall(b"l")
            assert everything(other) == b"little"
        assert everything(slow) == LARGE[1:]


def test_a_server_learns_that_its_caller_has_gone(tmp_path: Path) -> None:
    stopped = threading.Event()

    def endless(caller: socket.socket) -> None:
        with caller:
            try:
                while True:
                    caller.sendall(b"more" * 1000)
            except OSError:
                stopped.set()

    with server(endless) as port, relay(f"{tmp_path}/s=127.0.0.2:{port}"):
        with call(tmp_path / "s") as connection:
            assert connection.recv(4) == b"more"
        assert stopped.wait(60)


def test_nobody_answers_for_a_server_that_does_not_listen(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as only_here:
        port = only_here.getsockname()[1]
        with relay(f"{tmp_path}/s=127.0.0.2:{port}", f"{tmp_path}/t=127.0.0.1:{port}"):
            with call(tmp_path / "s") as connection:
                assert everything(connection) == b""
            with call(tmp_path / "t"):
                only_here.accept()[0].close()


def test_fixed_answers_leave_no_process(tmp_path: Path) -> None:
    with relay(f"{tmp_path}/s!told you") as process:
        for _ in range(20):
            with call(tmp_path / "s") as connection:
                connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
                assert everything(connection) == b"told you"
        with call(tmp_path / "s"):
            assert processes_of(process) < 10


@pytest.mark.parametrize(
    ("said", "arrives"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", True),
        (b"GET / HTTP/1.1\r\nX: y\r\nhOST: LOCALHOST:80\r\n\r\nbody", True),
        (b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n", False),
        (b"GET / HTTP/1.1\r\nHost: example.org\r\nX: Host: localhost\r\n\r\n", False),
        (b"GET http://localhost/ HTTP/1.0\r\n\r\n", False),
    ],
)
def test_a_caller_is_passed_on_by_the_host_that_it_names(tmp_path: Path, said: bytes, arrives: bool) -> None:
    with (
        server(echo) as port,
        relay(f"{tmp_path}/s?{port}:other.invalid,localhost"),
        call(tmp_path / "s") as connection,
    ):
        connection.sendall(said[:20])
        connection.sendall(said[20:])
        connection.shutdown(socket.SHUT_WR)
        assert everything(connection) == (said if arrives else b"")
