"""The rehearsal as a process: started once, found again, ended with all it started."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from arm_client import Arm

from tests.conftest import rehearsal_command
from tui.rehearsal.client_environment import TRUST

ROOT = Path(__file__).resolve().parents[2]


def described(env: dict[str, str], *arguments: str) -> dict[str, Any]:
    done = rehearsal_command("env", "--json", *arguments, env=env)
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except OSError:
        return True


@pytest.fixture
def env(tmp_path: Path) -> Iterator[dict[str, str]]:
    """An environment with a rehearsal of its own, ended at the end."""
    own = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path / "home"), "AML_DEPLOY_CACHE": str(tmp_path / "cache")}
    yield own
    assert rehearsal_command("stop", env=own).returncode == 0


def test_many_at_once_start_one(env: dict[str, str]) -> None:
    found: list[dict[str, Any]] = []
    threads = [threading.Thread(target=lambda: found.append(described(env))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({(item["pid"], item["url"]) for item in found}) == 1
    assert len(found) == 4
    folder = Path(found[0]["log"]).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Nobody else can read what could be used: not the seed, not the keys.
    for path in folder.rglob("*.json"):
        assert not (path.stat().st_mode & 0o077) or path.parent == folder


def test_resources_port_and_secrets_survive_a_restart(env: dict[str, str]) -> None:
    first = described(env)
    arm = Arm({**env, **first["set"]}, first["url"])
    body = {"location": "eastus", "properties": {"authMode": "Key"}}
    assert arm.call("PUT", "onlineEndpoints/kept-endpoint", body).status_code == 201
    # Killed in the middle of the operation.
    os.kill(first["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 60
    while not gone(first["pid"]):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    second = described(env)
    assert second["pid"] != first["pid"]
    assert second["set"] == first["set"]
    while arm.call("GET", "onlineEndpoints/kept-endpoint").json()["properties"]["provisioningState"] != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert rehearsal_command("stop", env=env).stderr == "The rehearsal has ended, with everything that it started.\n"
    while not gone(second["pid"]):
        assert time.monotonic() < deadline
    assert rehearsal_command("stop", env=env).stderr == "No rehearsal is running.\n"


def test_two_run_side_by_side(env: dict[str, str], tmp_path: Path) -> None:
    other = {**env, "AML_DEPLOY_HOME": str(tmp_path / "other")}
    try:
        one, two = described(env), described(other)
        assert one["url"] != two["url"]
        assert one["set"]["IDENTITY_HEADER"] != two["set"]["IDENTITY_HEADER"]
        assert rehearsal_command("stop", env=other).returncode == 0
        assert not gone(one["pid"])
    finally:
        rehearsal_command("stop", env=other)


def test_a_workspace_that_a_plan_names_is_answered_for(env: dict[str, str]) -> None:
    subscription = "11111111-2222-4333-8444-555555555555"
    named = ("--workspace", subscription, "rg-churn", "ws-churn")
    assert described(env, *named, "--isolation", "legacy") == described(env, *named, "--isolation", "legacy")
    found = described(env)
    arm = Arm({**env, **found["set"]}, found["url"])
    provider = "providers/Microsoft.MachineLearningServices"
    path = f"/subscriptions/{subscription}/resourceGroups/rg-churn/{provider}/workspaces/ws-churn"
    answer = arm.call("GET", path).json()
    assert answer["properties"]["managedNetwork"]["isolationMode"] == "Disabled"
    assert answer["properties"]["publicNetworkAccess"] == "Disabled"
    # A built-in one keeps its mode.
    managed = found["workspaces"]["managed"]
    described(env, "--workspace", *managed.values(), "--isolation", "legacy")
    kept = arm.call("GET", arm.workspace).json()
    assert kept["properties"]["managedNetwork"]["isolationMode"] == "AllowInternetOutbound"


def test_a_caller_that_captures_output_does_not_hang(env: dict[str, str]) -> None:
    # Reading to the end of a pipe returns only when the server holds no copy of it.
    assert "export ARM_CLOUD_METADATA_URL='https://127.0.0.1:" in rehearsal_command("env", env=env).stdout


def test_the_shell_lines_can_be_evaluated(env: dict[str, str]) -> None:
    script = (
        f"export AZURE_CLIENT_ID=stale; eval \"$('{sys.executable}' -m tui.rehearsal env)\"; "
        'echo "${AZURE_CLIENT_ID-none} $AZURE_TOKEN_CREDENTIALS"'
    )
    done = subprocess.run(["sh", "-c", script], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.stdout == "none ManagedIdentityCredential\n"


def test_the_users_own_authorities_stay_trusted(env: dict[str, str], tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text("-----BEGIN CERTIFICATE-----\nmine\n-----END CERTIFICATE-----\n")
    for name in TRUST:
        env.pop(name, None)
    variables = described({**env, "SSL_CERT_FILE": str(own)})["set"]
    bundle = variables["REQUESTS_CA_BUNDLE"]
    # Each client looks elsewhere: requests, curl, OpenSSL, Node.
    assert {variables[name] for name in TRUST} == {bundle}
    text = Path(bundle).read_text()
    assert "mine" in text
    # certifi's roots are more than a hundred.
    assert text.count("BEGIN CERTIFICATE") > 100
    again = described({**env, "REQUESTS_CA_BUNDLE": bundle})["set"]["REQUESTS_CA_BUNDLE"]
    assert again == bundle


def test_a_port_in_use_is_a_plain_sentence(env: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = rehearsal_command("serve", "--port", str(taken.getsockname()[1]), env=env)
    assert done.returncode == 1
    assert "is in use by another program" in done.stderr
    assert "Traceback" not in done.stderr


def test_only_loopback_answers_and_openssl_s_strict_rules_hold(env: dict[str, str]) -> None:
    import ssl

    found = described(env)
    port = int(found["url"].rsplit(":", 1)[1])
    context = ssl.create_default_context(cafile=found["set"]["REQUESTS_CA_BUNDLE"])
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    for host in ("127.0.0.1", "localhost"):
        plain = socket.create_connection(("127.0.0.1", port), timeout=10)
        with context.wrap_socket(plain, server_hostname=host) as secure:
            assert secure.version() in ("TLSv1.2", "TLSv1.3")
    sockets = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()]
    # State 0A is "listening"; the address is 127.0.0.1 and no other.
    ours = [fields[1] for fields in sockets if fields[1].endswith(f":{port:04X}") and fields[3] == "0A"]
    assert ours == [f"0100007F:{port:04X}"]


def test_it_ends_when_nobody_uses_it(env: dict[str, str]) -> None:
    done = rehearsal_command("serve", "--idle-minutes", "0.02", env=env)
    assert done.returncode == 0
    assert "The rehearsal is running at https://127.0.0.1:" in done.stderr
    # A stranger learns how to get to it.
    assert 'eval "$(aml-deploy rehearsal --env)"' in done.stderr
    assert "It was not used for 0.02 minutes. The rehearsal ends" in done.stderr
    # Nothing runs that would have to be ended.
    assert rehearsal_command("stop", env=env).stderr == "No rehearsal is running.\n"


def test_it_ends_when_its_folder_is_removed(env: dict[str, str]) -> None:
    found = described(env)
    shutil.rmtree(Path(found["log"]).parent)
    deadline = time.monotonic() + 60
    while not gone(found["pid"]):
        assert time.monotonic() < deadline, "it continues, and nobody can find it"
        time.sleep(0.1)
    assert not Path(found["log"]).parent.exists()


def test_nobody_else_can_read_what_a_rehearsal_keeps(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> None:
    database = Path(rehearsal["log"]).with_name("resources.sqlite")
    assert database.is_file()
    open_to_others = [path for path in database.parent.rglob("*") if path.is_file() and path.stat().st_mode & 0o077]
    assert [str(path) for path in open_to_others] == []
