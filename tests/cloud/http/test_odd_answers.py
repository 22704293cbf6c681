"""Answers that no documentation knows: a clear error, never an internal one, and never taken for "nothing there"."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import Reply, Service

from tui.cloud import clouds
from tui.cloud.endpoints import deployments, endpoints
from tui.cloud.errors import CloudError

DEEP = b"[" * 50_000 + b"]" * 50_000
ODD = [DEEP, b"<html>sign in</html>", b'{"value": [', [1], "text", 7]


@pytest.mark.parametrize("body", [*ODD, {"value": {"a": 1}}, {"value": "x"}], ids=lambda body: str(body)[:12])
def test_a_list_that_is_none(service: Service, cloud: Any, body: Any) -> None:
    service.on("GET", "/onlineEndpoints", Reply(body=body))
    with pytest.raises(CloudError) as caught:
        endpoints.list_all(cloud)
    assert caught.value.code == "UnreadableAnswer" and "listing the endpoints" in caught.value.title


@pytest.mark.parametrize(
    "properties",
    [[1], "x", {"traffic": [1]}, {"traffic": {"blue": "much"}}, {"traffic": {"blue": None}}, {"mirrorTraffic": 5}],
)
def test_an_endpoint_of_other_types(service: Service, cloud: Any, properties: Any) -> None:
    body = {"name": "churn", "id": "i", "properties": properties}
    service.on("GET", "/onlineEndpoints/churn", Reply(body=body))
    with pytest.raises(CloudError) as caught:
        endpoints.read(cloud, "churn", deployments=False)
    assert caught.value.code == "UnreadableAnswer"


@pytest.mark.parametrize(
    "body",
    [
        {"properties": [1]},
        {"sku": "x"},
        {"sku": {"capacity": "many"}},
        {"properties": {"environmentVariables": 5}},
        {"tags": [1]},
    ],
)
def test_a_deployment_of_other_types(body: Any) -> None:
    with pytest.raises(CloudError, match="reading a deployment"):
        deployments.info({"name": "blue", **body})


@pytest.mark.parametrize("properties", [None, [], "x"])
def test_a_workspace_without_properties(service: Service, cloud: Any, properties: Any) -> None:
    service.on("GET", r"/workspaces/workspace\?", Reply(body={"properties": properties}))
    with pytest.raises(CloudError, match="could not be read"):
        cloud.read_workspace()


def test_a_deeply_nested_error_is_an_error(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints", Reply(400, DEEP))
    with pytest.raises(CloudError) as caught:
        endpoints.list_all(cloud)
    assert caught.value.status == 400


@pytest.mark.parametrize(("failures", "passes"), [(1, True), (9, False)])
def test_the_metadata_are_asked_for_again_after_a_fault(
    service: Service, failures: int, passes: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clouds, "pause", lambda seconds: None)
    (answer,) = [rule[2][0] for rule in service._rules if rule[1].pattern == "^/metadata/endpoints"]
    service.on("GET", "^/metadata/endpoints", *[Reply(500, {})] * failures, answer)
    if passes:
        assert clouds.current().resource_manager == service.url
        return
    with pytest.raises(CloudError) as caught:
        clouds.current()
    assert caught.value.status == 500 and service.count("GET", "metadata") == 4


def test_deeply_nested_metadata(service: Service) -> None:
    service.on("GET", "^/metadata/endpoints", Reply(body=DEEP))
    with pytest.raises(CloudError) as caught:
        clouds.current()
    assert caught.value.code == "UnreadableAnswer"
