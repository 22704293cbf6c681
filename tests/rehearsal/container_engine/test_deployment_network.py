"""What a container reaches, tried by connecting from inside it: nothing if closed, but what outbound rules allow."""

from __future__ import annotations

import asyncio
import http.server
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.rehearsal.container_engine.conftest import build_image
from tests.rehearsal.container_engine.machine import Machine, own_server_plan, until
from tui.rehearsal.container_engine.engine import LABEL, Engine

# A server that does what a request tells it to do on its network.
SERVER = """
import http.client, json, socket, ssl, time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def connect(host, port):
    with socket.create_connection((host, port), 5):
        return "reached"


def link_local(port):
    # Every neighbour on every link, this container's own addresses aside.
    own = [line.split() for line in open("/proc/net/if_inet6")]
    for name in {line[5] for line in own if line[5] != "lo"}:
        index = socket.if_nametoindex(name)
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.sendto(b"", ("ff02::1", port, 0, index))
    return "reached" if own and {line[5] for line in own} != {"lo"} else "no link"


def resolve(host):
    begun = time.monotonic()
    try:
        return socket.getaddrinfo(host, 443)[0][4][0]
    except OSError as error:
        return f"{type(error).__name__} after {time.monotonic() - begun:.0f} s"


def get(scheme, host, at, port):
    context = ssl._create_unverified_context()
    connection = socket.create_connection((at, port), 5)
    if scheme == "https":
        connection = context.wrap_socket(connection, server_hostname=host)
    connection.sendall(f"GET / HTTP/1.1\\r\\nHost: {host}\\r\\nConnection: close\\r\\n\\r\\n".encode())
    answer = b""
    while block := connection.recv(65536):
        answer += block
    return answer.decode() or "nothing"


class Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.reply({})

    def do_POST(self):
        told = self.rfile.read(int(self.headers["Content-Length"] or 0))
        answers = []
        for name, *arguments in json.loads(told)["do"]:
            try:
                answers.append(globals()[name](*arguments))
            except Exception as error:
                answers.append(f"{type(error).__name__}: {error}")
        self.reply(answers)

    def reply(self, answer):
        body = json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Server(ThreadingHTTPServer):
    address_family = socket.AF_INET6


Server(("::", 8501), Answer).serve_forever()
"""


@pytest.fixture(scope="session")
def reaching_image(engine: Engine, base_image: str) -> str:
    """An image whose server connects to what a request names."""
    text = f'FROM {base_image}\nCOPY serve.py /serve.py\nENTRYPOINT ["python3", "/serve.py"]\n'
    return build_image(engine, "reaching", text, {"serve.py": SERVER})


class Listener(http.server.BaseHTTPRequestHandler):
    """Answers with the name that it was asked for."""

    def do_GET(self) -> None:
        body = f"this is {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Say nothing."""


class _OnAllAddresses(http.server.ThreadingHTTPServer):
    address_family = socket.AF_INET6


@contextmanager
def listening() -> Iterator[int]:
    """A web server of this machine on all its addresses, IPv4 and IPv6; its port."""
    with _OnAllAddresses(("::", 0), Listener) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def do(machine: Machine, *what: tuple[Any, ...], plan: str = "own-server") -> list[Any]:
    """Let the container do this; its answers."""
    (machine.folder / "do.json").write_text(json.dumps({"do": what}))
    done = machine.run("invoke", plan, "--rehearse", "--request", "do.json", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found: list[Any] = json.loads(done.stdout)["response"]
    return found


def own_addresses(engine: Engine, machine: Machine) -> list[str]:
    """The addresses of this machine and of all its containers: the relay with the way out has one."""
    every = asyncio.run(engine.call("ps", "-q", "--filter", f"label={LABEL}={machine.home.folder.name}")).split()
    containers = [asyncio.run(engine.inspect(name))["NetworkSettings"] for name in every]
    networks = [network for one in containers for network in (one, *(one.get("Networks") or {}).values())]
    found = {network[what] for network in networks for what in ("IPAddress", "Gateway")}
    assert found > {""}, "the relay has no address"
    listed = subprocess.run(["hostname", "-I"], capture_output=True, text=True, check=True).stdout.split()
    return sorted({*found, *listed, "127.0.0.1", "::1"} - {""})


def isolation(machine: Machine) -> str:
    """What isolates the deployments, in the rehearsal's words."""
    return machine.run("rehearsal", "--status").stdout


def test_a_closed_container_reaches_nothing(shared: Machine, engine: Engine, reaching_image: str) -> None:
    code, events = shared.apply(own_server_plan(reaching_image, "closed", instance_count=2))
    assert code == 0, events
    rehearsal = int(json.loads(shared.home.server_file.read_text())["port"])
    with listening() as port:
        with socket.create_connection(("::1", port), 5):
            pass  # it does listen
        places = [(host, number) for host in own_addresses(engine, shared) for number in (port, rehearsal, 42_400)]
        places += [("1.1.1.1", 443), ("2606:4700:4700::1111", 443), ("host.containers.internal", port)]
        answers = do(shared, *(("connect", *place) for place in places), ("link_local", port), plan="closed")
    assert {place: answer for place, answer in zip(places, answers) if answer == "reached"} == {}
    assert answers[-1] == "no link"
    assert do(shared, ("resolve", "example.org"), plan="closed") == ["gaierror after 0 s"]
    assert "with no network but the front end" in isolation(shared)


def test_a_container_with_open_egress_reaches_this_machine(shared: Machine, reaching_image: str) -> None:
    plan = own_server_plan(reaching_image, "open", egress_public_network_access="enabled")
    code, events = shared.apply(plan)
    assert code == 0, events
    with listening() as port:
        assert do(shared, ("connect", "host.containers.internal", port), plan="open") == ["reached"]


RULES = """
import sys
from azure.ai.ml import MLClient
from azure.ai.ml.entities import FqdnDestination, ManagedNetwork, ServiceTagDestination, Workspace
from azure.identity import DefaultAzureCredential

client = MLClient(DefaultAzureCredential(), "00000000-0000-0000-0000-000000000001", "rg", "ws-one")
rules = [
    FqdnDestination(name="here", destination="files.aml-deploy.test"),
    FqdnDestination(name="all", destination="*.example.org"),
    ServiceTagDestination(name="tag", service_tag="Storage", protocol="TCP", port_ranges="443"),
]
network = ManagedNetwork(isolation_mode="AllowOnlyApprovedOutbound", outbound_rules=rules)
client.workspaces.begin_update(Workspace(name="ws-one", managed_network=network)).result()
"""


def test_outbound_rules_open_their_hosts_only(machine: Machine, reaching_image: str, engine: Engine) -> None:
    if engine.name != "podman":
        pytest.skip("only podman's settings give its containers the name of a host of ours")
    plan = own_server_plan(reaching_image)
    del plan["deployment"]["egress_public_network_access"]
    assert machine.run("check", write(machine, plan), "--rehearse").returncode == 0
    assert machine.run("rehearsal", "--role", "contributor").returncode == 0
    told = json.loads(machine.run("rehearsal", "--env", "--json").stdout)
    env = {name: value for name, value in machine.env.items() if name not in told["unset"]}
    subprocess.run([sys.executable, "-c", RULES], env={**env, **told["set"]}, check=True, timeout=120)
    assert machine.run("rehearsal", "--stop").returncode == 0  # the rules survive that
    name = "files.aml-deploy.test"
    with web_servers(engine, reaching_image, machine.folder) as address:
        (machine.folder / "hosts").write_text(f"{address} {name}\n")
        (machine.folder / "containers.conf").write_text(
            f'[containers]\nbase_hosts_file = "{machine.folder / "hosts"}"\n'
        )
        machine.env["CONTAINERS_CONF"] = str(machine.folder / "containers.conf")
        code, events = machine.apply(plan)
        assert code == 0, events
        answers = do(
            machine,
            ("get", "http", name, name, 80),
            ("get", "https", name, name, 443),
            ("get", "https", "example.com", name, 443),
            ("get", "http", "example.com", name, 80),
            ("connect", "1.1.1.1", 443),
            ("resolve", "www.example.org"),
            ("connect", address, 80),
        )
    assert answers[0].endswith(f"this is {name}")
    assert answers[1].endswith(f"this is {name}")
    assert "SSL" in answers[2] or "reset" in answers[2]
    assert answers[3] == "nothing"
    assert "unreachable" in answers[4]
    assert "gaierror" in answers[5]
    assert "unreachable" in answers[6]
    said = isolation(machine)
    assert f"with no network but the front end and {name}" in said
    assert "all (*.example.org)" in said
    assert "tag (ServiceTag)" in said


def write(machine: Machine, plan: dict[str, Any]) -> Path:
    """The plan as a file."""
    path = machine.folder / "written.yml"
    path.write_text(json.dumps(plan))
    return path


WEB = """
import http.server, os, ssl, threading


class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"this is {self.headers['Host']}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


with open("/tmp/both.pem", "w") as file:
    file.write(os.environ["BOTH"])
tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
tls.load_cert_chain("/tmp/both.pem")
plain, secure = [http.server.ThreadingHTTPServer(("", port), Answer) for port in (80, 443)]
secure.socket = tls.wrap_socket(secure.socket, server_side=True)
threading.Thread(target=secure.serve_forever).start()
print("ready", flush=True)
plain.serve_forever()
"""


@contextmanager
def web_servers(engine: Engine, image: str, folder: Path) -> Iterator[str]:
    """Servers on ports 80 and 443 of a container, since these of this machine may be in use; its address."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "k.pem", "-out", "c.pem", "-days", "2",
         "-subj", "/CN=files.aml-deploy.test"],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    both = (folder / "k.pem").read_text() + (folder / "c.pem").read_text()
    options = ["--network", engine.open_network, "--entrypoint", "python3", "--env", f"BOTH={both}"]
    name = asyncio.run(engine.call("create", *engine.options, *options, image, "-c", WEB)).split()[-1]
    try:
        asyncio.run(engine.call("start", name))
        until(lambda: "ready" in asyncio.run(engine.call("logs", name)), "it listens")
        settings = asyncio.run(engine.inspect(name))["NetworkSettings"]
        yield settings["IPAddress"] or settings["Networks"][engine.open_network]["IPAddress"]
    finally:
        asyncio.run(engine.remove(name))


DOWNLOADS = """
import urllib.request


def init():
    urllib.request.urlretrieve("https://files.example.org/weights.bin", "/tmp/weights")


def run(text):
    return text
"""


def test_the_card_of_a_script_that_downloads_its_weights(shared: Machine, script_image: str) -> None:
    (shared.folder / "code").mkdir()
    (shared.folder / "code" / "score.py").write_text(DOWNLOADS)
    plan = own_server_plan(script_image, "downloads", environment={"name": "downloads", "image": script_image})
    plan["deployment"]["code_configuration"] = {"code": "code", "scoring_script": "score.py"}
    code, events = shared.apply(plan)
    assert code == 1, events
    card = next((event["card"] for event in events if "card" in event), {})
    assert card.get("id") == "start-no-network", events[-10:]
    assert card["certainty"] == "sure"
    assert "egress is disabled" in card["cause"]
    assert "AZUREML_MODEL_DIR" in card["remedy"]
