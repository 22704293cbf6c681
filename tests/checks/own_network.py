"""A small Azure in its own network namespace: name server, addresses, certificates, Resource Manager.

Run as `unshare --net --mount python own_network.py FOLDER`; prints `ready` once it answers, and ends when its standard
input is closed. `FOLDER/network.json` defines what names resolve to and what Resource Manager returns; it is read again
for every request, so that a test can change the world by writing it. Nothing here reaches a real network.
"""

from __future__ import annotations

import json
import socket
import ssl
import struct
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

FOLDER = Path(sys.argv[1]) if len(sys.argv) > 1 else Path()
PUBLIC, STORAGE, SCORING, ELSEWHERE = "20.60.1.1", "10.1.0.6", "10.1.0.7", "10.1.0.66"
NOBODY, SILENT = "10.1.0.9", "10.9.0.77"  # refuses connections; drops them
PROXY_PORT, TOKEN_PORT = 3128, 8081


def world() -> dict[str, Any]:
    """The current names and responses."""
    return dict(json.loads((FOLDER / "network.json").read_text(encoding="utf-8")))


def sh(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)


def set_up() -> None:
    """Set up addresses, and the namespace's own name server and hosts file."""
    sh("mount", "--make-rprivate", "/")
    sh("ip", "link", "set", "lo", "up")
    for address in (PUBLIC, STORAGE, SCORING, ELSEWHERE, NOBODY):
        sh("ip", "address", "add", f"{address}/32", "dev", "lo")
    # A link without a peer, on which no address has to be resolved first.
    sh("ip", "link", "add", "nowhere", "type", "veth", "peer", "name", "nobody")
    sh("ip", "link", "set", "nowhere", "arp", "off")
    sh("ip", "address", "add", "10.9.0.1/24", "dev", "nowhere")
    for end in ("nowhere", "nobody"):
        sh("ip", "link", "set", end, "up")
    # Everything else is dropped too, as behind a firewall.
    sh("ip", "route", "add", "default", "dev", "nowhere")
    for name, text in (("resolv.conf", "nameserver 127.0.0.1\n"), ("hosts", "127.0.0.1 localhost\n")):
        (FOLDER / name).write_text(text, encoding="utf-8")
        sh("mount", "--bind", str(FOLDER / name), str(Path(f"/etc/{name}").resolve()))


def answer_names(server: socket.socket) -> None:
    """A name server for A records and aliases; unknown names do not exist, and some get no answer."""
    while True:
        question, asker = server.recvfrom(4096)
        labels, place = [], 12
        while question[place]:
            labels.append(question[place + 1 : place + 1 + question[place]].decode())
            place += question[place] + 1
        kind = struct.unpack(">H", question[place + 1 : place + 3])[0]
        names = {name.lower(): value for name, value in world()["names"].items()}
        name, chain = ".".join(labels).lower(), []
        while isinstance(names.get(name), str) and not names[name][0].isdigit():
            chain.append((name, 5, names[name]))
            name = names[name]
        found = names.get(name, names.get("*." + name.partition(".")[2]))
        if found == []:
            continue  # never answered
        records = list(chain)
        if found is not None and kind == 1:
            records += [(name, 1, address) for address in ([found] if isinstance(found, str) else found)]
        code = 0 if found is not None or chain else 3
        header = question[:2] + struct.pack(">HHHHH", 0x8180 | code, 1, len(records), 0, 0)
        body = b"".join(
            encoded(owner) + struct.pack(">HHIH", record, 1, 1, len(data)) + data
            for owner, record, value in records
            for data in [socket.inet_aton(value) if record == 1 else encoded(value)]
        )
        server.sendto(header + question[12 : place + 5] + body, asker)


def encoded(name: str) -> bytes:
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


class Azure(BaseHTTPRequestHandler):
    """Return the response with the longest matching part of a path in `answers`; tokens for requests on loopback."""

    protocol_version = "HTTP/1.1"

    def _serve(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        known = world()["answers"]
        matching = sorted((part for part in known if part.lower() in self.path.lower()), key=len)
        status, body = known[matching[-1]] if matching else (404, {"error": {"code": "ResourceNotFound"}})
        raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/xml" if isinstance(body, str) else "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    do_GET = do_POST = do_PUT = do_HEAD = _serve

    def log_message(self, format: str, *args: Any) -> None:
        """Log nothing."""


def context(certificate: str) -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(FOLDER / f"{certificate}.pem", FOLDER / f"{certificate}.key")
    return made


def serve(address: str) -> None:
    """HTTPS on an address: the certificate in `certificates` for the host, or an unrelated one."""
    contexts = {name: context(name) for name in ("azure", "house", "elsewhere")}

    def choose(connection: ssl.SSLObject, host: str | None, _: ssl.SSLContext) -> None:
        connection.context = contexts[world()["certificates"].get(host or "", "azure")]

    listening = contexts["elsewhere"] if address == ELSEWHERE else context("azure")
    if address != ELSEWHERE:
        listening.sni_callback = choose  # type: ignore[assignment]

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def get_request(self) -> tuple[Any, Any]:
            connection, asker = super().get_request()
            connection.settimeout(10)
            return listening.wrap_socket(connection, server_side=True, do_handshake_on_connect=False), asker

        def handle_error(self, request: Any, client_address: Any) -> None:
            """A client that does not trust the certificate closes the connection."""

    threading.Thread(target=Server((address, 443), Azure).serve_forever, daemon=True).start()


def proxy(listening: socket.socket) -> None:
    """A proxy that supports CONNECT and returns the status in `proxy`."""
    while True:
        connection, _ = listening.accept()
        threading.Thread(target=tunnel, args=(connection,), daemon=True).start()


def tunnel(connection: socket.socket) -> None:
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    status = int(world().get("proxy", 200))
    if status != 200:
        connection.sendall(f"HTTP/1.1 {status} No\r\n\r\n".encode())
        connection.close()
        return
    host, _, port = head.split()[1].decode().rpartition(":")
    other = socket.create_connection((host, int(port)), timeout=5)
    connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
    threading.Thread(target=copy, args=(other, connection), daemon=True).start()
    copy(connection, other)


def copy(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    finally:
        target.close()


def main() -> None:
    set_up()
    names = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    names.bind(("127.0.0.1", 53))
    threading.Thread(target=answer_names, args=(names,), daemon=True).start()
    for address in (PUBLIC, STORAGE, SCORING, ELSEWHERE):
        serve(address)
    tokens = ThreadingHTTPServer(("127.0.0.1", TOKEN_PORT), Azure)
    threading.Thread(target=tokens.serve_forever, daemon=True).start()
    threading.Thread(target=proxy, args=(socket.create_server(("127.0.0.1", PROXY_PORT)),), daemon=True).start()
    print("ready", flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
