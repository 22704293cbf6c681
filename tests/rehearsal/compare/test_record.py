"""A recording holds what was said to and by Azure, and nothing that opens or names something."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from recorded_run import ENDPOINT, RecordedRun, command

from tui.cloud.recording.recorder import RESOURCE_MANAGER, Recorder

SECRETS = {
    "client_secret": "Xk38Q~planted.Secret_value-0123456789abcd",
    "key": "cGxhbnRlZC1hY2NvdW50LWtleS0wMTIzNDU2Nzg5YWJjZGVm==",
    "signature": "planted%2Bsignature%3D0123456789",
    "token": "eyJhbGciOiJub25lIn0.eyJwbGFudGVkIjoxfQ.cGxhbnRlZA",
    "password": "swordfish",
    "person": "jane.planted@contoso.example",
    "name": "Jane Planted",
    "address": "10.20.30.40",
    "guid": "0f0e0d0c-0b0a-4908-8706-050403020100",
    "host": "secret-host.corp.example",
}


class Echo:
    """A service on loopback that answers what a test wants it to answer."""

    def __init__(self) -> None:
        echo = self
        self.status, self.headers, self.body = 200, {}, b"{}"

        class Handler(BaseHTTPRequestHandler):
            def _serve(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response(echo.status)
                for name, value in {"Content-Type": "application/json", **echo.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(echo.body)))
                self.end_headers()
                self.wfile.write(echo.body)

            do_GET = do_PUT = do_POST = _serve

            def log_message(self, format: str, *args: Any) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()


@pytest.fixture
def echo() -> Iterator[Echo]:
    made = Echo()
    yield made
    made.server.shutdown()
    made.server.server_close()


def recorded(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def planted_somewhere(randomly: random.Random, depth: int = 0) -> Any:
    """JSON as no service sends it, with secrets as values and as keys."""
    choice = randomly.randrange(6 if depth < 4 else 3)
    if choice == 0:
        return randomly.choice(list(SECRETS.values()))
    if choice == 1:
        return f"see {randomly.choice(list(SECRETS.values()))} there"
    if choice == 2:
        return f"https://{SECRETS['host']}/{SECRETS['password']}/x?sig={SECRETS['signature']}&c={SECRETS['key']}"
    if choice == 3:
        return [planted_somewhere(randomly, depth + 1) for _ in range(3)]
    names = [
        "message",
        "description",
        "content",
        "error",
        "tags",
        "properties",
        "value",
        "id",
        "createdBy",
        "state",
        "x",
    ]
    fields = {name: planted_somewhere(randomly, depth + 1) for name in randomly.sample(names, 4)}
    fields["tags"] = {SECRETS["person"]: SECRETS["name"], SECRETS["password"] * 3: SECRETS["key"]}
    return fields


@pytest.mark.parametrize("seed", range(25))
def test_secrets_are_found_nowhere(echo: Echo, tmp_path: Path, seed: int) -> None:
    randomly = random.Random(seed)
    path = tmp_path / "recording.jsonl"
    recorder = Recorder(path, (SECRETS["client_secret"],))
    echo.body = json.dumps(planted_somewhere(randomly)).encode()
    echo.headers = {
        "Location": f"https://{SECRETS['host']}/subscriptions/{SECRETS['guid']}/x?s={SECRETS['signature']}",
        "x-ms-planted": SECRETS["key"],
        "x-ms-meta-owner": SECRETS["person"],
        "Set-Cookie": SECRETS["token"],
        "WWW-Authenticate": f'Bearer realm="{SECRETS["host"]}", token="{SECRETS["token"]}"',
    }
    session = recorder.session(RESOURCE_MANAGER)
    session.post(
        f"{echo.url}/subscriptions/{SECRETS['guid']}/{SECRETS['password']}?sig={SECRETS['signature']}",
        json=planted_somewhere(randomly),
        headers={"Authorization": f"Bearer {SECRETS['token']}", "x-custom": SECRETS["key"]},
        timeout=10,
    )
    session.post(
        f"{echo.url}/tenant/oauth2/v2.0/token",
        data={"grant_type": "client_credentials", "client_secret": SECRETS["client_secret"], "scope": SECRETS["host"]},
        timeout=10,
    )
    text = path.read_text()
    assert [name for name, secret in SECRETS.items() if secret in text] == []
    assert "127.0.0.1" not in text
    assert len(recorded(path)) == 3
    assert "client_credentials" in text


def test_a_service_that_repeats_a_secret_in_harmless_fields(echo: Echo, tmp_path: Path) -> None:
    """A word that was seen as a secret goes wherever it stands, also where words may stay."""
    path = tmp_path / "recording.jsonl"
    session = Recorder(path).session(RESOURCE_MANAGER)
    echo.body = json.dumps({"primaryKey": "Swordfishword", "status": "Swordfishword", "code": "Failed"}).encode()
    session.get(echo.url, timeout=10)
    body = recorded(path)[1]["response"]["body"]
    assert body == {"primaryKey": "{secret}", "status": "{secret}", "code": "Failed"}


def test_the_caller_gets_the_answer_unchanged(echo: Echo, tmp_path: Path) -> None:
    session = Recorder(tmp_path / "recording.jsonl").session(RESOURCE_MANAGER)
    echo.body = b'{"a": [1, 2, "\xc3\xa9"]}'
    assert session.get(echo.url, timeout=10).content == echo.body
    streamed = session.get(echo.url, timeout=10, stream=True)
    assert b"".join(streamed.iter_content(3)) == echo.body


def test_no_answer_is_recorded_too(tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    with pytest.raises(requests.ConnectionError):
        Recorder(path).session(RESOURCE_MANAGER).get("http://127.0.0.1:1/x", timeout=5)
    line = recorded(path)[1]
    assert (line["response"], line["error"]) == (None, "ConnectionError")


def test_a_killed_run_leaves_whole_lines_and_a_resumed_one_goes_on(echo: Echo, tmp_path: Path) -> None:
    path = tmp_path / "recording.jsonl"
    code = (
        "import os, sys; from pathlib import Path; from tui.cloud.recording.recorder import Recorder\n"
        "session = Recorder(Path(sys.argv[1])).session('resource-manager')\n"
        "for _ in range(3): session.get(sys.argv[2], timeout=10)\n"
        "os.kill(os.getpid(), 9)\n"
    )
    killed = subprocess.run([sys.executable, "-c", code, str(path), echo.url], timeout=60, check=False)
    assert killed.returncode == -9
    assert [line["seq"] for line in recorded(path)] == [0, 1, 2, 3]
    with path.open("a") as file:
        file.write('{"seq": 4, "cut o')
    Recorder(path).session(RESOURCE_MANAGER).get(echo.url, timeout=10)
    lines = path.read_text().splitlines()
    assert json.loads(lines[-1])["seq"] == 5
    assert path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_loaded_when_nothing_is_recorded() -> None:
    code = (
        "import sys, tui.engine.run, tui.cloud.session, tui.cloud.storage.uploader\n"
        "import tui.cloud.assets.code, tui.cloud.endpoints.scoring\n"
        "print([name for name in sys.modules if 'recorder' in name or 'anonymise' in name])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[]"


def test_a_file_that_exists_is_kept(tmp_path: Path, rehearsal_home: dict[str, str]) -> None:
    there = tmp_path / "there.jsonl"
    there.write_text("mine")
    refused = command("apply", "churn-xgboost", "--rehearse", "--yes", "--record", there, env=rehearsal_home)
    assert refused.returncode == 2
    assert "already exists" in refused.stderr
    assert there.read_text() == "mine"
    nowhere = tmp_path / "nowhere" / "x.jsonl"
    refused = command("apply", "churn-xgboost", "--rehearse", "--yes", "--record", nowhere, env=rehearsal_home)
    assert refused.returncode == 2
    assert "no folder" in refused.stderr


@pytest.mark.slow
def test_a_whole_run_without_its_secrets(recorded_run: RecordedRun) -> None:
    assert [name for name, secret in recorded_run.secrets.items() if secret in recorded_run.text] == []


@pytest.mark.slow
def test_a_whole_run_is_there(recorded_run: RecordedRun) -> None:
    exchanges = recorded_run.lines[1:]
    assert {line["service"] for line in exchanges} == {
        "metadata",
        "identity",
        "resource-manager",
        "storage",
        "scoring",
    }
    assert [line["seq"] for line in recorded_run.lines] == list(range(len(recorded_run.lines)))
    agents = {line["request"]["headers"].get("User-Agent", "") for line in exchanges}
    assert any("aml-deploy/" in agent for agent in agents)
    assert any("azsdk-python-identity/" in agent for agent in agents)
    made = next(
        line
        for line in exchanges
        if line["method"] == "PUT" and line["url"].partition("?")[0].endswith("/onlineEndpoints/{endpoint-1}")
    )
    assert made["response"]["status"] == 201
    assert made["response"]["body"]["name"] == "{endpoint-1}"
    assert made["response"]["body"]["properties"]["provisioningState"] == "Creating"
    assert "/mfeOperationsStatus/oeidp:{guid-" in made["response"]["headers"]["Azure-AsyncOperation"]
    assert all("Authorization" not in line["request"]["headers"] for line in exchanges)
    assert all("body" not in line["request"] for line in exchanges if line["service"] in ("storage", "scoring"))
    assert recorded_run.events[-1]["endpoint"] == ENDPOINT
