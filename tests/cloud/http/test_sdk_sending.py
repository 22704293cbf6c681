"""Which of the SDK's requests are sent, answered from memory, or kept as the first response to a change."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from azure.core.rest import HttpRequest

from tui.cloud.clouds import BUILT_IN
from tui.cloud.http.arm import Answer
from tui.cloud.http.sdk_transport import NotFollowed, SdkTransport, _json, watching

BASE = "https://arm.example"
WORKSPACE = "/Subscriptions/s/workspaces/W"
RESOURCE = f"{WORKSPACE}/onlineEndpoints/churn"


class Sent:
    """The connections of Resource Manager: answers in turn, and keeps what was sent."""

    metadata = replace(BUILT_IN["AzureCloud"], resource_manager=BASE)

    def __init__(self, *answers: tuple[int, Any]) -> None:
        self.answers, self.requests, self.asked = list(answers), [], []
        self.transport, self.forgotten = self, 0

    def send(self, request: Any, **options: Any) -> Any:
        self.requests.append(request)
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        text = json.dumps(body) if body is not None else ""
        return SimpleNamespace(status_code=status, headers={}, text=lambda: text, read=lambda: None, request=request)

    def begun_already(self, *asked: Any) -> Answer | None:
        self.asked.append(asked)
        return Answer(201, {}, {}) if asked[3] == {"ours": True} else None

    def forget_token(self) -> None:
        self.forgotten += 1

    def authorization(self) -> str:
        return f"Bearer token {self.forgotten}"

    def open(self) -> None:
        pass

    def sleep(self, seconds: float) -> None:
        pass


def sending(*answers: tuple[int, Any]) -> tuple[SdkTransport, Sent]:
    sent = Sent(*answers)
    return SdkTransport(sent, WORKSPACE), sent  # type: ignore[arg-type]


def request(method: str, path: str, body: Any = None) -> HttpRequest:
    return HttpRequest(method, f"{BASE}{path}?api-version=v1", json=body)


@pytest.mark.parametrize(
    ("method", "path", "kept"),
    [
        ("PUT", RESOURCE, True), ("PATCH", RESOURCE, True), ("DELETE", RESOURCE.lower(), True), ("POST", RESOURCE,
        True),
        ("GET", RESOURCE, False), ("PUT", f"{RESOURCE}/deployments/blue", False), ("PUT", WORKSPACE, False),
    ],
)  # fmt: skip
def test_the_response_to_a_change_is_kept(method: str, path: str, kept: bool) -> None:
    transport, sent = sending((201, {"a": 1}))
    with watching(RESOURCE) as watched:
        assert transport.send(request(method, path)).status_code == 201
    assert (watched.answer is not None) is kept and sent.forgotten == 0 and watched.unanswered is False
    assert watched.answer is None or (watched.answer.status, watched.answer.body) == (201, {"a": 1})


def test_outside_of_a_change_nothing_is_sent() -> None:
    transport, sent = sending((200, {}))
    with pytest.raises(NotFollowed):
        transport.send(request("GET", RESOURCE))
    with pytest.raises(NotFollowed):
        transport.sleep(1)
    with watching(RESOURCE), watching() as inner:
        transport.send(request("PUT", RESOURCE))
    assert inner.answer is None and len(sent.requests) == 1


@pytest.mark.parametrize(
    ("answers", "status", "tokens"),
    [
        ([(401, {}), (200, {})], 200, ["Bearer token 1"]),
        ([(401, {})], 401, ["Bearer token 1"]),
        ([(403, {})], 403, []),
        ([(200, {})], 200, []),
    ],
)
def test_a_token_that_is_not_accepted_is_renewed_once(answers: Any, status: int, tokens: list[str]) -> None:
    transport, sent = sending(*answers)
    with watching(RESOURCE):
        assert transport.send(request("GET", RESOURCE)).status_code == status
    assert sent.forgotten == len(tokens)
    assert [one.headers.get("Authorization") for one in sent.requests[1:]] == tokens


@pytest.mark.parametrize(
    ("method", "path", "sent_as"),
    [("PUT", "/data/A", "GET"), ("PUT", "/data/b", "PUT"), ("DELETE", "/data/A", "DELETE"), ("GET", "/data/A", "GET")],
)
def test_what_exists_is_read_and_not_sent_again(method: str, path: str, sent_as: str) -> None:
    transport, sent = sending((200, {}))
    with watching(RESOURCE, ["/Data/a"]):
        transport.send(request(method, path, {"x": 1}))
    (only,) = sent.requests
    assert only.method == sent_as
    assert ("Content-Type" in only.headers) is (method == sent_as), "a GET has no body"


@pytest.mark.parametrize(
    ("method", "path", "first", "sent"),
    [
        ("GET", WORKSPACE, (200, {"location": "eastus"}), 1),
        ("GET", WORKSPACE.upper(), (200, {"location": "eastus"}), 1),
        ("GET", WORKSPACE, (200, {"location": ""}), 2),
        ("GET", WORKSPACE, (200, ["page"]), 2),
        ("GET", WORKSPACE, (403, {"location": "eastus"}), 2),
        ("GET", RESOURCE, (200, {"location": "eastus"}), 2),
        ("DELETE", WORKSPACE, (200, {"location": "eastus"}), 2),
    ],
)
def test_the_workspace_is_read_once(method: str, path: str, first: tuple[int, Any], sent: int) -> None:
    transport, connections = sending(first)
    for _ in range(2):
        with watching(RESOURCE):
            assert transport.send(request(method, path)).status_code == first[0]
    assert len(connections.requests) == sent


@pytest.mark.parametrize(
    ("answers", "body", "status"),
    [
        ([(502, None), (409, {})], {"ours": True}, 201),
        ([(502, None), (409, {})], {"ours": False}, 409),
        ([(409, {})], {"ours": True}, 409),
        ([(502, None), (400, {})], {"ours": True}, 400),
    ],
)
def test_a_conflict_after_a_lost_response_may_be_ones_own(answers: Any, body: Any, status: int) -> None:
    transport, sent = sending(*answers)
    with watching(RESOURCE) as watched:
        transport.send(request("PUT", RESOURCE, body))
    assert watched.answer is not None and watched.answer.status == status
    assert watched.unanswered is (len(answers) == 2)
    assert [one[:3] for one in sent.asked] == ([("PUT", RESOURCE, "v1")] if len(answers) == 2 and status != 400 else [])


@pytest.mark.parametrize(
    ("text", "value"), [("", None), (b"", None), ("[1]", [1]), ("<html>", "<html>"), ("null", None)]
)
def test_a_text_that_may_be_json(text: Any, value: Any) -> None:
    assert _json(text) == value
