"""What one exchange leaves in the file of a recording."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import requests

from tui.cloud.recording import recorder as module
from tui.cloud.recording.recorder import MAX_BODY, RESOURCE_MANAGER, SCORING, STORAGE, Recorder

URL = "https://management.azure.com/subscriptions"


def asked(body: Any = None, method: str = "PUT", url: str = URL, **headers: str) -> requests.PreparedRequest:
    request = requests.PreparedRequest()
    request.method, request.url, request.body = method, url, body
    request.headers = requests.structures.CaseInsensitiveDict({k.replace("_", "-"): v for k, v in headers.items()})
    return request


def answered(content: bytes = b"", status: int = 200, **headers: str) -> requests.Response:
    response = requests.Response()
    response.status_code, response._content = status, content
    response.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return response


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "recording.jsonl"


def exchange(
    path: Path, request: requests.PreparedRequest, response: Any, service: str = RESOURCE_MANAGER
) -> dict[str, Any]:
    Recorder(path).write(service, request, response, None, 0.01236)
    return lines(path)[-1]


@pytest.mark.parametrize(
    ("service", "body", "kind", "described"),
    [
        (
            RESOURCE_MANAGER,
            b'{"state": "Succeeded"}',
            "application/json",
            {"bytes": 22, "body": {"state": "Succeeded"}},
        ),
        (RESOURCE_MANAGER, '{"state": "Succeeded"}', "Application/JSON", {"bytes": 22, "body": {"state": "Succeeded"}}),
        (RESOURCE_MANAGER, b"{", "application/json", {"bytes": 1}),
        (RESOURCE_MANAGER, b"hello", "text/plain", {"bytes": 5}),
        (RESOURCE_MANAGER, b"", "application/json", {"bytes": 7}),
        (RESOURCE_MANAGER, None, "application/json", {"bytes": 7}),
        (
            RESOURCE_MANAGER,
            b"grant_type=client_credentials&client_secret=abcdefgh",
            "application/x-www-form-urlencoded",
            {"bytes": 52, "form": {"grant_type": "client_credentials", "client_secret": "{value}"}},
        ),
        (STORAGE, b"{}", "application/json", {"bytes": 2}),
        (SCORING, b"{}", "application/json", {"bytes": 2}),
    ],
)
def test_a_request_is_described_as_far_as_it_may(
    path: Path, service: str, body: Any, kind: str, described: dict[str, Any]
) -> None:
    request = asked(body, Content_Type=kind, Content_Length="7")
    found = exchange(path, request, answered(), service)["request"]
    assert {key: value for key, value in found.items() if key != "headers"} == described


@pytest.mark.parametrize(
    ("service", "content", "kind", "described"),
    [
        (RESOURCE_MANAGER, b'{"a": 1}', "application/json", {"bytes": 8, "body": {"a": 1}}),
        (RESOURCE_MANAGER, b"null", "application/json", {"bytes": 4, "body": None}),
        (RESOURCE_MANAGER, b"{", "application/json", {"bytes": 1}),
        (RESOURCE_MANAGER, b"", "application/json", {"bytes": 0}),
        (RESOURCE_MANAGER, b"page", "text/html", {"bytes": 9}),
        (STORAGE, b"{}", "application/json", {"bytes": 9}),
    ],
)
def test_a_response_is_described_as_far_as_it_may(
    path: Path, service: str, content: bytes, kind: str, described: dict[str, Any]
) -> None:
    found = exchange(path, asked(), answered(content, 201, Content_Type=kind, Content_Length="9"), service)
    assert found["latency_ms"] == 12.4
    assert {key: value for key, value in found["response"].items() if key != "headers"} == {"status": 201, **described}


@pytest.mark.parametrize(("more", "kept"), [(0, True), (1, False)])
def test_a_body_above_the_limit_is_counted_only(path: Path, more: int, kept: bool) -> None:
    text = json.dumps({"a": "b" * (MAX_BODY - 9 + more)}).encode()
    assert len(text) == MAX_BODY + more
    found = exchange(path, asked(text, Content_Type="json"), answered(text, Content_Type="json"))
    assert [("body" in found[side], found[side]["bytes"]) for side in ("request", "response")] == [
        (kept, len(text))
    ] * 2


def test_what_says_no_length_has_none(path: Path) -> None:
    found = exchange(path, asked(), answered(b"page", Content_Type="text/html"))
    assert (found["request"]["bytes"], found["response"]["bytes"]) == (0, 0)
    assert found["request"] == {"headers": {}, "bytes": 0}


def test_headers_of_the_interface_are_kept_and_no_others(path: Path) -> None:
    request = asked(Accept="application/json", Authorization="Bearer abcdefgh", x_ms_other="12", x_custom="12")
    response = answered(ETag='"x"', x_ms_request_id="12", x_ms_meta_owner="12", Set_Cookie="12", Retry_After="5")
    found = exchange(path, request, response)
    assert found["request"]["headers"] == {"Accept": "application/json"}
    assert found["response"]["headers"] == {"ETag": "{value}", "x-ms-request-id": "12", "Retry-After": "5"}


@pytest.mark.parametrize("name", ["Authorization", "X-IDENTITY-HEADER", "Secret", "api-key"])
@pytest.mark.parametrize(("value", "secret"), [("Bearer abcdefgh", "abcdefgh"), ("abcdefgh", "abcdefgh")])
def test_a_credential_in_a_header_is_found_nowhere(path: Path, name: str, value: str, secret: str) -> None:
    request = asked(b'{"name": "x"}', **{name: value}, Content_Type="application/json")
    found = exchange(path, request, answered(b'{"state": "%s"}' % secret.encode(), Content_Type="json"))
    assert secret not in json.dumps(found)


def test_an_exchange_without_a_response_names_the_error(path: Path) -> None:
    recorder = Recorder(path, ("plantedsecret", None))
    recorder.write(RESOURCE_MANAGER, asked(url="https://management.azure.com/?api-version=plantedsecret"), None,
                   requests.ConnectionError("x"), 1)  # fmt: skip
    first, last = lines(path)
    assert (first["format"], first["seq"], last["seq"]) == (module.FORMAT, 0, 1)
    assert {"python", "azure-ai-ml"} <= set(first["versions"]) and first["versions"]["python"].count(".") == 2
    assert (last["response"], last["error"], last["method"]) == (None, "ConnectionError", "PUT")
    assert "plantedsecret" not in path.read_text()
    assert "error" not in exchange(path, asked(), answered())
    assert path.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_described_does_not_stop_the_run(path: Path) -> None:
    assert exchange(path, asked(Content_Length="many"), answered())["unrecorded"] == "ValueError"


@pytest.mark.parametrize(
    ("there", "seq", "whole"), [("", 0, 0), ("{}\n", 1, 1), ("{}\n{}\n", 2, 2), ('{}\n{"cut', 2, 1)]
)
def test_a_resumed_recording_goes_on_after_the_last_line(path: Path, there: str, seq: int, whole: int) -> None:
    path.write_text(there)
    Recorder(path).write(RESOURCE_MANAGER, asked(), answered(), None, 0)
    kept = path.read_text().splitlines()
    first = json.loads(kept[whole if seq == whole else whole + 1])
    assert first["seq"] == seq and ("format" in first) == (seq == 0)
    assert json.loads(kept[-1])["seq"] == (1 if seq == 0 else seq)


def test_a_full_disk_ends_the_recording_and_not_the_run(
    path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    recorder = Recorder(path)
    written = os.write
    monkeypatch.setattr(module.os, "write", lambda file, data: written(file, data[:10]))
    recorder.write(RESOURCE_MANAGER, asked(), answered(), None, 0)
    assert lines(path)[-1]["seq"] == 1, "what was written in parts is complete"

    def full(file: int, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "write", full)
    for _ in range(2):
        recorder.write(RESOURCE_MANAGER, asked(), answered(), None, 0)
    assert capfd.readouterr().err.count("No space left on device") == 1
    assert len(lines(path)) == 2


def test_a_session_records_what_it_sends_and_what_breaks(path: Path) -> None:
    recorder = Recorder(path)
    assert [recorder.session(SCORING).get_adapter(f"{scheme}://x")._pool_maxsize for scheme in ("https", "http")] == [
        10,
        10,
    ]
    session = recorder.session(SCORING, 3)
    assert session.get_adapter("https://x")._pool_maxsize == 3
    for scheme in ("https", "http"):
        with pytest.raises(requests.RequestException):
            session.get(f"{scheme}://127.0.0.1:9/x", timeout=5)
    assert [(line["service"], line["error"]) for line in lines(path)[1:]] == [(SCORING, "ConnectionError")] * 2
