"""Large uploads with flat memory, two rehearsals side by side, and nobody else's hands on either."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from arm_client import Arm

ROOT = Path(__file__).resolve().parents[3]
BLOCK = 8 * 1024 * 1024


def _resident(pid: int, what: str = "VmRSS") -> int:
    """Memory of a process in bytes: `VmRSS` now, `VmHWM` at most."""
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) * 1024


def _content(number: int) -> bytes:
    """The content of a block: made when it is needed, never kept."""
    seed = hashlib.sha256(str(number).encode()).digest()
    return (seed * (BLOCK // len(seed) + 1))[:BLOCK]


@pytest.fixture
def beside(tmp_path: Path) -> Iterator[dict[str, Any]]:
    """A second rehearsal beside the session's, in a folder that others could read if it did not see to it."""
    tmp_path.chmod(0o755)
    env = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path / "home"), "AML_DEPLOY_CACHE": str(tmp_path / "cache")}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-m", "tui.rehearsal", *arguments]
        return subprocess.run(
            command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True, umask=0
        ).stdout

    yield {**json.loads(run("env", "--json")), "cache": tmp_path / "cache"}
    run("stop")


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("size", [128 * 1024**2, pytest.param(1024**3, marks=pytest.mark.slow)], ids=["128 MB", "1 GB"])
def test_large_uploads_use_flat_memory(beside: dict[str, Any], name: str, size: int) -> None:
    from azure.storage.blob import BlobBlock, BlobClient

    # Its own rehearsal: what another one still does for an earlier test would be counted too.
    rehearsal, arm = beside, Arm({**os.environ, **beside["set"]}, beside["url"])

    properties = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
    sas = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()["sasToken"]
    url = f"{arm.origin}/rehearsal.blob.core.windows.net/{properties['containerName']}/{name}?{sas}"
    count = size // BLOCK
    ids = [f"{number:08d}" for number in range(count)]
    # Out of order: the last block first, then every second one, as an upload that is broken off leaves them.
    order = [count - 1, *range(0, count - 1, 2)]
    with BlobClient.from_blob_url(url, connection_verify=arm.env["REQUESTS_CA_BUNDLE"]) as client:
        client.stage_block(ids[0], _content(0))
        before = _resident(rehearsal["pid"])
        Path(f"/proc/{rehearsal['pid']}/clear_refs").write_text("5")  # The highest mark begins anew.
        for number in order:
            client.stage_block(ids[number], _content(number))
        # Another client goes on: it asks what is there, and sends the rest.
        there = {block.id for block in client.get_block_list("uncommitted")[1]}
        assert there == {ids[number] for number in order}
        for number in range(count):
            if ids[number] not in there:
                client.stage_block(ids[number], _content(number))
        client.commit_block_list([BlobBlock(block) for block in ids])
        assert client.get_blob_properties().size == size
        # Read back in one stream, block for block.
        expected, found, received = hashlib.md5(usedforsecurity=False), hashlib.md5(usedforsecurity=False), 0
        for number in range(count):
            expected.update(_content(number))
        with arm.session.get(url, headers={"Authorization": ""}, stream=True, timeout=600) as answer:
            for chunk in answer.iter_content(1024 * 1024):
                found.update(chunk)
                received += len(chunk)
        assert (received, found.digest()) == (size, expected.digest())
        client.delete_blob()
    grown = _resident(rehearsal["pid"], "VmHWM") - before
    # Some blocks in flight, whatever the size of the whole.
    assert grown < 32 * 1024**2, f"{grown / 1024**2:.0f} MB more for {size / 1024**2:.0f} MB"


def test_two_side_by_side_share_nothing(arm: Arm, rehearsal: dict[str, Any], beside: dict[str, Any], name: str) -> None:
    assert beside["url"] != rehearsal["url"]
    assert beside["set"]["IDENTITY_HEADER"] != rehearsal["set"]["IDENTITY_HEADER"]
    assert beside["set"]["REHEARSAL_CLIENT_SECRET"] != rehearsal["set"]["REHEARSAL_CLIENT_SECRET"]
    other = Arm({**os.environ, **beside["set"]}, beside["url"])
    endpoint = {"location": "eastus", "properties": {"authMode": "Key"}}
    # The same name in both: each is a region of its own.
    for client in (arm, other):
        assert client.call("PUT", f"onlineEndpoints/{name}", endpoint).status_code == 201
    # A token, a signature and an account key of one open nothing at the other.
    other.session.headers["Authorization"] = arm.session.headers["Authorization"]
    assert other.call("GET", other.workspace).status_code == 401
    sas = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()["sasToken"]
    container = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]["containerName"]
    answer = requests.get(
        f"{beside['url']}/rehearsal.blob.core.windows.net/{container}?restype=container&comp=list&{sas}",
        verify=beside["set"]["REQUESTS_CA_BUNDLE"],
        timeout=30,
    )
    assert (answer.status_code, answer.headers["x-ms-error-code"]) == (403, "AuthenticationFailed")


def test_nobody_else_can_use_it(beside: dict[str, Any], rehearsal: dict[str, Any]) -> None:
    home = next((beside["cache"] / "rehearsals").iterdir())
    # Every way to a secret goes through a folder that only its owner may enter.
    assert home.stat().st_mode & 0o077 == 0
    for secret in ("identity.json", "signing-key.pem"):
        assert (home / secret).stat().st_mode & 0o077 == 0
    verify = beside["set"]["REQUESTS_CA_BUNDLE"]
    for path in ("/subscriptions", "/msi/token?resource=https://management.azure.com"):
        answer = requests.get(beside["url"] + path, verify=verify, timeout=30)
        assert answer.status_code == 401
    guess = requests.get(
        beside["set"]["IDENTITY_ENDPOINT"],
        params={"resource": "https://management.azure.com"},
        headers={"X-IDENTITY-HEADER": rehearsal["set"]["IDENTITY_HEADER"]},
        verify=verify,
        timeout=30,
    )
    assert guess.status_code == 401
    # At least 128 bits that nobody can guess, and nothing secret on a command line that others can list.
    assert len(beside["set"]["IDENTITY_HEADER"]) >= 32
    if Path("/proc/self/cmdline").exists():
        line = Path(f"/proc/{beside['pid']}/cmdline").read_bytes().decode()
        for name in ("IDENTITY_HEADER", "REHEARSAL_CLIENT_SECRET"):
            assert beside["set"][name] not in line


def test_a_forged_token_is_refused(arm: Arm) -> None:
    header, payload, signature = str(arm.session.headers["Authorization"]).split()[1].split(".")

    def encoded(content: dict[str, Any]) -> str:
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode().rstrip("=")

    claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    for forged in (
        f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        f"{encoded({'alg': 'HS256', 'typ': 'JWT'})}.{payload}.{signature}",
        f"{header}.{encoded({**claims, 'exp': claims['exp'] + 10**6})}.{signature}",
        f"{header}.{payload}.{signature[:-4]}AAAA",
    ):
        answer = requests.get(
            f"{arm.origin}{arm.workspace}",
            headers={"Authorization": f"Bearer {forged}"},
            verify=arm.session.verify,
            timeout=30,
        )
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "InvalidAuthenticationToken")
