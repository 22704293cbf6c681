"""What a scoring script reaches without a container engine: by raw sockets, as any library would."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import Arm
from flow import Flow

from tests.conftest import ROOT, rehearsal_command
from tui.rehearsal.serving.no_identity import SENTENCE

if sys.platform != "linux":
    pytest.skip("only Linux has network namespaces", allow_module_level=True)

SCRIPT = """
import errno, json, os, socket, urllib.error, urllib.request

def init():
    pass

def run(text):
    told = {}
    for host, port in json.loads(text)["targets"]:
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as one:
            one.settimeout(20)
            try:
                one.connect((host, port))
                told[host] = one.recv(100).decode()
            except OSError as error:
                told[host] = errno.errorcode.get(error.errno, repr(error))
    try:
        urllib.request.urlopen(os.environ["MSI_ENDPOINT"], timeout=20)
    except urllib.error.HTTPError as error:
        told["identity"] = f"{error.code} {error.reason}"
    return told
"""
OUTSIDE = "1.1.1.1", "2606:4700:4700::1111"
"""Nothing but the attempt is made: these addresses answer on port 443 wherever the internet can be reached."""
UNPRIVILEGED = ("setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin") if os.geteuid() == 0 else ()
"""Root without the right to make a namespace, so that it needs one of its own, as every other user does."""
REFUSED = ("unshare", "-U", "-r", "sh", "-c", 'echo 0 > /proc/sys/user/max_net_namespaces; exec "$@"', "sh")
"""In this user namespace only, the kernel makes no more networks."""


class Deployed:
    """A rehearsal of its own, started under a prefix, with an endpoint in a workspace without a managed network."""

    def __init__(self, env: dict[str, str], artifacts: Path, prefix: tuple[str, ...] = (), isolation: str = "legacy"):
        place = ("5eed0000-0000-4000-8000-00000000c105", "reach", isolation)
        serve = ["env", "--json", "--isolation", isolation, "--workspace", *place]
        command = [*prefix, sys.executable, "-m", "tui.rehearsal", *serve]
        started = subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
        assert started.returncode == 0, started.stderr
        described = json.loads(started.stdout)
        names = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")
        self.arm = Arm({**env, **described["set"], **dict(zip(names, place))}, described["url"])
        self.port = int(described["url"].rpartition(":")[2])
        self.flow = Flow(self.arm, artifacts)
        self.code = self.flow.code("reaching", SCRIPT)
        self.endpoint = f"onlineEndpoints/reach-{isolation}"
        self.arm.call("PUT", self.endpoint, {"location": "eastus", "properties": {"authMode": "Key"}})
        made = self.flow.until(self.endpoint, lambda one: one["properties"]["provisioningState"] == "Succeeded")
        self.uri = made["properties"]["scoringUri"]
        self.key = self.arm.call("POST", f"{self.endpoint}/listKeys").json()["primaryKey"]

    def deploy(self, name: str, egress: str) -> str:
        """A deployment with the script; its log."""
        path = f"{self.endpoint}/deployments/{name}"
        settings: dict[str, Any] = {"egressPublicNetworkAccess": egress, "requestSettings": {"requestTimeout": "PT90S"}}
        ended = self.flow.deploy(path, self.code, **settings)
        assert ended["status"] == "Succeeded", ended
        return str(self.arm.call("POST", f"{path}/getLogs", {"tail": 100}).json()["content"])

    def reached(self, name: str, *targets: tuple[str, int]) -> dict[str, str]:
        """What the deployment's script says of its attempts: what it read there, or the error's name."""
        answer = requests.post(
            self.uri,
            json={"targets": targets},
            headers={"Authorization": f"Bearer {self.key}", "azureml-model-deployment": name},
            verify=self.arm.env["REQUESTS_CA_BUNDLE"],
            timeout=100,
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, str] = answer.json()
        return found


@pytest.fixture
def env(rehearsal_home: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a rehearsal of its own; built environments are shared with the session's."""
    own = {**rehearsal_home, "AML_DEPLOY_HOME": str(tmp_path / "own-home")}
    yield own
    assert rehearsal_command("stop", env=own).returncode == 0


@pytest.fixture
def deployed(request: pytest.FixtureRequest, env: dict[str, str], artifacts: Path) -> Deployed:
    """With legacy isolation; the parameter is the prefix."""
    prefix = getattr(request, "param", ())
    if prefix:
        usable = shutil.which(prefix[0]) and subprocess.run([*prefix, "true"], capture_output=True, check=False)
        if not usable or usable.returncode != 0:
            assert os.environ.get("CI") != "true", f"this machine refuses {prefix}"
            pytest.skip(f"this machine refuses {prefix}")
    return Deployed(env, artifacts, prefix)


class Listener:
    """Greets whoever connects to this machine, on all its addresses, and counts them."""

    def __init__(self) -> None:
        self.callers = 0
        self.socket = socket.create_server(("", 0))
        self.port = int(self.socket.getsockname()[1])
        threading.Thread(target=self._greet, daemon=True).start()

    def _greet(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                caller, _ = self.socket.accept()
                self.callers += 1
                with caller:
                    caller.sendall(b"hello")


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.socket.close()


def own_addresses() -> list[str]:
    """127.0.0.1, and the address with which this machine would leave for another network, if it has one."""
    found = ["127.0.0.1"]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one, contextlib.suppress(OSError):
        one.connect((OUTSIDE[0], 9))  # of a datagram socket: nothing is sent
        found.append(str(one.getsockname()[0]))
    return found


@pytest.mark.parametrize("deployed", [(), UNPRIVILEGED], indirect=True, ids=["as this user", "without the right"])
def test_closed_egress_reaches_nothing_but_the_refusing_identity(deployed: Deployed, listener: Listener) -> None:
    log = deployed.deploy("closed", "Disabled")
    assert "without an image, and without limits of memory and cores" in log
    assert ". Its egress is closed: it has a network of its own." in log
    here = [(address, listener.port) for address in own_addresses()]
    told = deployed.reached("closed", *here, *((address, 443) for address in OUTSIDE))
    # The identity is refused there by name too, although the rehearsal cannot be reached.
    assert told.pop("identity") == f"400 {SENTENCE}"
    assert told.pop("127.0.0.1") == "ECONNREFUSED"  # its own loopback, where nobody listens
    assert set(told.values()) == {"ENETUNREACH"}, told
    assert deployed.reached("closed", ("127.0.0.1", deployed.port))["127.0.0.1"] == "ECONNREFUSED"
    assert listener.callers == 0


def test_open_egress_reaches_what_is_there(env: dict[str, str], artifacts: Path, listener: Listener) -> None:
    deployed = Deployed(env, artifacts, isolation="public")
    assert "egress" not in deployed.deploy("open", "Enabled")
    told = deployed.reached("open", *((address, listener.port) for address in own_addresses()))
    assert told == {"identity": f"400 {SENTENCE}", **dict.fromkeys(own_addresses(), "hello")}


@pytest.mark.parametrize("deployed", [REFUSED], indirect=True, ids=["no namespace"])
def test_where_the_kernel_makes_no_network_the_log_and_the_status_say_so(
    deployed: Deployed, listener: Listener, env: dict[str, str]
) -> None:
    why = "no network namespace (the limits in /proc/sys/user are reached)"
    log = deployed.deploy("closed", "Disabled")
    assert f"Its egress should be closed and is not, since the kernel refuses that: {why}." in log
    assert deployed.reached("closed", ("127.0.0.1", listener.port))["127.0.0.1"] == "hello"
    asked = [*REFUSED, sys.executable, "-m", "tui", "rehearsal", "--status"]
    status = subprocess.run(asked, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    said = status.stdout + status.stderr
    assert f"not enforced here, since the kernel refuses a network of one's own: {why}." in said
    assert "reach-legacy/closed: It runs as a bare process of this machine" in said
