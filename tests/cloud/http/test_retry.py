"""Requests that are tried again, and are seen to be."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoints
from tui.cloud.errors import CloudError
from tui.cloud.http.retry import observed
from tui.cloud.http.run_operation import busy
from tui.plan.model import Endpoint

THROTTLED = Reply(429, {"error": {"code": "TooManyRequests", "message": "slow down"}})
PATH = "/subscriptions/s/providers/p/listKeys"


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
def test_what_was_throttled_without_a_hint_is_sent_again_after_a_while(
    service: Service, cloud: Any, method: str
) -> None:
    service.on(method, "listKeys", THROTTLED, Reply(200, {"primaryKey": "k"}))
    told: list[tuple[str, float]] = []
    with observed(lambda reason, delay: told.append((reason, delay))):
        assert cloud.arm.call(method, PATH, "2024-04-01").body == {"primaryKey": "k"}
    assert told == [("Azure answered 429", 1.0)]


def test_a_refusal_of_storage_is_told_without_its_xml(service: Service, cloud: Any) -> None:
    code = "KeyBasedAuthenticationNotPermitted"
    words = "Key based authentication is not permitted on this storage account."
    xml = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{words}\nRequestId:1\nTime:2</Message></Error>"
    service.on("GET", "listKeys", Reply(403, xml.encode(), {"Content-Type": "application/xml"}))
    with pytest.raises(CloudError) as caught:
        cloud.arm.call("GET", PATH, "2024-04-01")
    assert caught.value.code == code
    assert caught.value.cause == words
    assert "keys" in caught.value.title


ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"
OPERATION = "/subscriptions/s/providers/Microsoft.MachineLearningServices/locations/eastus/mfeOperationsStatus/oeidp:7"
BUSY = Reply(409, {"error": {"code": "Conflict", "message": "another operation on it is in progress"}})
REFUSED = Reply(400, {"error": {"code": "BadRequest", "message": "maxConcurrentRequestsPerInstance is not valid"}})
LOST = Reply(504, b"<html><body>Gateway Timeout</body></html>", {"Content-Type": "text/html"})


def _there(service: Service, state: str, by: str) -> Reply:
    properties = {
        "provisioningState": state,
        "authMode": "Key",
        "publicNetworkAccess": "Disabled",
        "traffic": {},
        "properties": {"AzureAsyncOperationUri": f"{service.url}{OPERATION}"},
    }
    return Reply(
        200, {"id": ENDPOINT, "name": "churn", "location": "eastus", "tags": {"by": by}, "properties": properties}
    )


def _lost_and_sent_again(service: Service, *, by: str, first: Reply = LOST) -> None:
    nothing = Reply(404, {"error": {"code": "NotFound"}})
    service.on(
        "GET", r"onlineEndpoints/churn\?", nothing, _there(service, "Creating", by), _there(service, "Succeeded", by)
    )
    service.on("PUT", r"onlineEndpoints/churn\?", first, BUSY)
    service.on("GET", "mfeOperationsStatus", Reply(200, {"status": "Updating"}), Reply(200, {"status": "Succeeded"}))


def test_a_change_whose_answer_was_lost_goes_on(service: Service, cloud: Any) -> None:
    _lost_and_sent_again(service, by="me")
    made = endpoints.begin_create_or_update(cloud, Endpoint(name="churn"), {"by": "me"}).result()
    assert (made.name, made.provisioning_state) == ("churn", "Succeeded")
    assert (service.count("PUT", "churn"), service.count("GET", "mfeOperationsStatus")) == (2, 2)


def test_a_change_of_somebody_else_is_not_taken_for_ones_own(service: Service, cloud: Any) -> None:
    _lost_and_sent_again(service, by="somebody else")
    with pytest.raises(CloudError) as caught:
        endpoints.begin_create_or_update(cloud, Endpoint(name="churn"), {"by": "me"})
    assert (caught.value.status, caught.value.code) == (409, "Conflict")


def test_a_change_that_was_throttled_was_not_begun(service: Service, cloud: Any) -> None:
    _lost_and_sent_again(service, by="me", first=THROTTLED)
    with pytest.raises(CloudError) as caught:
        endpoints.begin_create_or_update(cloud, Endpoint(name="churn"), {"by": "me"})
    assert caught.value.status == 409


@pytest.mark.parametrize("state", ["Deleting", None])
def test_a_removal_whose_answer_was_lost_goes_on(service: Service, cloud: Any, state: str | None) -> None:
    service.on("DELETE", "onlineEndpoints/churn", LOST, BUSY)
    nothing = Reply(404, {"error": {"code": "NotFound"}})
    service.on("GET", r"onlineEndpoints/churn\?", _there(service, state, "me") if state else nothing)
    service.on("GET", "mfeOperationsStatus", Reply(200, {"status": "Succeeded"}))
    endpoints.begin_delete(cloud, "churn").result()
    assert service.count("GET", "mfeOperationsStatus") == (1 if state else 0)


def test_what_a_gateway_says_is_kept_for_the_log(service: Service, cloud: Any) -> None:
    service.on("GET", "listKeys", Reply(403, b"<!DOCTYPE html><html><body>Blocked by policy 17</body></html>"))
    with pytest.raises(CloudError) as caught:
        cloud.arm.call("GET", PATH, "2024-04-01")
    assert "<" not in str(caught.value)
    assert "web page" in caught.value.cause
    assert "policy 17" in caught.value.raw


@pytest.mark.parametrize(
    ("endpoint", "deployment", "state"),
    [("Succeeded", "Succeeded", "Succeeded"), ("Succeeded", "Scaling", "Scaling"), ("Updating", "", "Updating")],
)
def test_a_refusal_carries_the_state_that_tells_somebody_elses_change_from_a_wrong_value(
    endpoint: str, deployment: str, state: str, service: Service, cloud: Any
) -> None:
    inside = [{"properties": {"provisioningState": deployment}}] if deployment else []
    service.on("GET", "onlineEndpoints/churn", _there(service, endpoint, "me"))
    service.on("GET", "churn/deployments", Reply(200, {"value": inside}))
    service.on("PUT", "onlineEndpoints/churn", REFUSED)
    with pytest.raises(CloudError) as caught:
        endpoints.begin_traffic(cloud, "churn", {"blue": 100})
    assert (caught.value.status, caught.value.state) == (400, state)
    assert busy(caught.value) is (state != "Succeeded")


def test_a_refused_new_resource_is_absent(service: Service, cloud: Any) -> None:
    service.on("PUT", "onlineEndpoints/churn", BUSY)
    with pytest.raises(CloudError) as caught:
        endpoints.begin_create_or_update(cloud, Endpoint(name="churn"))
    assert (caught.value.state, busy(caught.value)) == ("absent", False)
