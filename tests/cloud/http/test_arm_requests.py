"""Requests to Resource Manager: what is an answer, what is an error, what is somebody else's change."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
import requests
from scripted_service import Reply, Service

from tui.cloud.errors import CloudError
from tui.cloud.http import connections
from tui.cloud.http.arm import _made_by
from tui.cloud.recording.recorder import Recorder
from tui.common.deadlines import until

PATH = "/subscriptions/s/x"


@pytest.mark.parametrize(
    ("sent", "found", "ours"),
    [
        ({"properties": {}}, {}, True),
        ({}, {}, True),
        (None, {}, False),
        ("text", {}, False),
        ({"properties": {"authMode": "Key"}}, {"properties": {"authMode": "key"}}, True),
        ({"properties": {"authMode": "Key"}}, {"properties": {"authMode": "AMLToken"}}, False),
        ({"properties": {"authMode": "Key"}}, {"properties": {}}, False),
        ({"properties": {"authMode": None}}, {"properties": {"authMode": "Key"}}, True),
        ({"properties": {"description": "a"}}, {"properties": {"description": "b"}}, True),
        ({"properties": {"traffic": {"Blue": 100, "green": 0}}}, {"properties": {"traffic": {"blue": 100}}}, True),
        ({"properties": {"traffic": {"blue": 100}}}, {"properties": {"traffic": {"blue": 90}}}, False),
        ({"properties": {"traffic": {}}}, {"properties": {}}, True),
        ({"properties": {"mirrorTraffic": {"blue": 10}}}, {"properties": {}}, False),
        ({"properties": {"authMode": "Key", "traffic": {"a": 1}}},
         {"properties": {"authMode": "x", "traffic": {"a": 1}}}, False),
        ({"sku": {"capacity": 2}}, {"sku": {"capacity": 2}}, True),
        ({"sku": {"capacity": 2}}, {"sku": {"capacity": 3}}, False),
        ({"sku": {"capacity": 2}}, {}, False),
        ({}, {"sku": {"capacity": 3}}, True),
        ({"tags": {"a": 1}}, {"tags": {"a": "1", "b": "2"}}, True),
        ({"tags": {"a": 1}}, {"tags": {"a": "2"}}, False),
        ({"tags": {"a": 1}}, {}, False),
    ],
)  # fmt: skip
def test_a_resource_is_known_as_the_result_of_a_request(sent: Any, found: dict[str, Any], ours: bool) -> None:
    assert _made_by(sent, found) is ours


RESOURCE = {"properties": {"provisioningState": "Updating", "authMode": "Key"}}
WANTED = {"properties": {"authMode": "Key"}}


@pytest.mark.parametrize(
    ("method", "reply", "body", "status"),
    [
        ("PUT", Reply(200, RESOURCE), WANTED, 201),
        ("PUT", Reply(200, RESOURCE), {"properties": {"authMode": "AMLToken"}}, None),
        ("PUT", Reply(404, {}), WANTED, None),
        ("PUT", Reply(200, {"properties": None}), WANTED, None),
        ("PUT", Reply(200, []), WANTED, None),
        ("PUT", Reply(403, RESOURCE), WANTED, None),
        ("DELETE", Reply(404, {}), None, 204),
        ("DELETE", Reply(200, RESOURCE), None, None),
        ("DELETE", Reply(200, {"properties": {"provisioningState": "Deleting"}}), None, 202),
        ("PUT", Reply(200, {"properties": {"provisioningState": "Deleting"}}), WANTED, None),
    ],
)
def test_a_change_whose_response_was_lost_is_found(
    service: Service, cloud: Any, method: str, reply: Reply, body: Any, status: int | None
) -> None:
    service.on("GET", PATH, reply)
    found = cloud.arm.begun_already(method, PATH, "v", body)
    assert (found and found.status) == status
    assert found is None or found.headers == {}


def test_the_address_of_the_last_operation_is_in_the_resource(service: Service, cloud: Any) -> None:
    properties = {**RESOURCE["properties"], "properties": {"AzureAsyncOperationUri": "https://o"}}
    service.on("GET", PATH, Reply(200, {"properties": properties}))
    assert cloud.arm.begun_already("PUT", PATH, "v", WANTED).headers == {"Azure-AsyncOperation": "https://o"}


@pytest.mark.parametrize(("raw", "body"), [(b'{"a": 1}', {"a": 1}), (b"", None), (b"null", None), (b"[]", [])])
def test_the_body_of_an_answer(service: Service, cloud: Any, raw: bytes, body: Any) -> None:
    service.on("GET", PATH, Reply(200, raw))
    assert cloud.arm.ask("GET", PATH, "v").body == body


@pytest.mark.parametrize(("status", "raised"), [(399, False), (400, True), (404, True)])
def test_a_status_of_400_is_an_error(service: Service, cloud: Any, status: int, raised: bool) -> None:
    service.on("GET", PATH, Reply(status, {}))
    assert cloud.arm.ask("GET", PATH).status == status
    assert "api-version" not in service.requests[-1][1]
    if raised:
        with pytest.raises(CloudError) as caught:
            cloud.arm.call("GET", PATH, doing="looking")
        assert caught.value.status == status and caught.value.title.endswith("while looking")
    else:
        assert cloud.arm.call("GET", PATH, "v1").status == status
        assert "api-version=v1" in service.requests[-1][1]


@pytest.mark.parametrize(
    ("status", "code", "none"),
    [(404, "ResourceNotFound", True), (404, "ResourceGroupNotFound", False), (404, "SubscriptionNotFound", False),
     (404, "ParentResourceNotFound", False), (403, "ResourceNotFound", False)],
)  # fmt: skip
def test_a_missing_parent_is_an_error_and_a_missing_resource_is_none(
    service: Service, cloud: Any, status: int, code: str, none: bool
) -> None:
    service.on("GET", PATH, Reply(status, {"error": {"code": code}}))
    if none:
        assert cloud.arm.find(PATH, "v") is None
    else:
        with pytest.raises(CloudError):
            cloud.arm.find(PATH, "v")


def test_pages_are_followed_and_odd_items_left_out(service: Service, cloud: Any) -> None:
    service.on("GET", PATH, Reply(200, []))
    with pytest.raises(CloudError, match="cannot be read"):
        cloud.arm.find(PATH, "v")
    service.on("GET", "page=2", Reply(200, {"value": None}))
    service.on("GET", PATH + r"\?api", Reply(200, {"value": [{"a": 1}, "x"], "nextLink": f"{service.url}/p?page=2"}))
    assert list(cloud.arm.items(PATH, "v")) == [{"a": 1}]
    assert service.count("GET", "page=2") == 1


def test_a_list_whose_pages_refer_to_each_other_ends_with_an_error(service: Service, cloud: Any) -> None:
    service.on("GET", PATH, Reply(200, {"value": [{}], "nextLink": f"{service.url}/p?page=2"}))
    service.on("GET", "page=2", Reply(200, {"value": [{}], "nextLink": f"{service.url}/p?page=3"}))
    service.on("GET", "page=3", Reply(200, {"value": [{}], "nextLink": f"{service.url}/p?page=2"}))
    with pytest.raises(CloudError) as caught:
        list(cloud.arm.items(PATH, "v"))
    assert caught.value.code == "EndlessList"
    assert [service.count("GET", f"page={number}") for number in (2, 3)] == [1, 1]


def test_an_answer_that_comes_byte_by_byte_ends_with_the_wait_of_its_caller(service: Service, cloud: Any) -> None:
    service.on("GET", PATH, Reply(200, {"value": "x" * 1000}, drip=0.2))
    stop = threading.Event()
    threading.Timer(0.3, stop.set).start()
    with until(stop.is_set), pytest.raises(CloudError):
        cloud.arm.call("GET", PATH, "v")


@pytest.mark.parametrize("recorded", [False, True])
def test_an_answer_has_a_limit_as_a_whole(
    recorded: bool, service: Service, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(connections, "WHOLE_SECONDS", 0.2)
    service.on("GET", PATH, Reply(200, {"value": "x" * 1000}, drip=0.2))
    made = Recorder(tmp_path / "recording").session("resource-manager") if recorded else connections.session()
    with made as session, pytest.raises(requests.ReadTimeout):
        session.get(f"{service.url}{PATH}", timeout=(0.1, 0.3))


def test_only_a_lost_response_makes_a_conflict_ones_own(service: Service, cloud: Any) -> None:
    service.on("PUT", PATH, Reply(409, {}))
    service.on("GET", PATH, Reply(200, RESOURCE))
    with pytest.raises(CloudError):
        cloud.arm.call("PUT", PATH, "v", body=WANTED)
    service.on("GET", PATH, Reply(500, {}))
    before = service.count("GET", PATH)
    with pytest.raises(CloudError):
        cloud.arm.call("GET", PATH, "v", retry=False)
    assert service.count("GET", PATH) == before + 1
