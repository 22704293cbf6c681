"""What `MLClient` sends through our transport: begun once, found again, followed by us alone, in silence."""

from __future__ import annotations

import base64
import json
import threading
from dataclasses import replace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoints
from tui.cloud.errors import CloudError
from tui.cloud.http.retry import observed
from tui.cloud.session import connect
from tui.plan.model import Endpoint, Plan

pytestmark = pytest.mark.smoke
ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"
OPERATION = "/mfeOperationsStatus/oeidp:1"
NOT_FOUND = Reply(404, {"error": {"code": "ResourceNotFound", "message": "no"}})


def made(state: str, **properties: Any) -> dict[str, Any]:
    properties = {"authMode": "Key", "publicNetworkAccess": "Disabled", "properties": {}, **properties}
    tags = {"aml-deploy": "1"}
    return {"name": "churn", "id": ENDPOINT, "tags": tags, "properties": {**properties, "provisioningState": state}}


def begun(service: Service, status: int = 201, body: Any = None) -> Reply:
    headers = {"Azure-AsyncOperation": f"{service.url}{OPERATION}?api-version=2022-02-01-preview"}
    return Reply(status, made("Creating") if body is None else body, headers)


def create(cloud: Any) -> Any:
    return endpoints.begin_create_or_update(cloud, Endpoint("churn"), {"aml-deploy": "1"})


def test_an_operation_is_followed_by_us_alone_and_nothing_is_said(
    service: Service, cloud: Any, capfd: pytest.CaptureFixture[str]
) -> None:
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    service.on("PUT", "/onlineEndpoints/churn", begun(service))
    service.on("GET", OPERATION, Reply(body={"status": "Updating"}), Reply(body={"status": "Succeeded"}))
    others = set(threading.enumerate())
    operation = create(cloud)
    assert operation.started == {"Azure-AsyncOperation": f"{service.url}{OPERATION}?api-version=2022-02-01-preview"}
    for poller in {one for one in threading.enumerate() if one.name.startswith("LROPoller")} - others:
        poller.join(10)
        assert not poller.is_alive()
    assert service.count("GET", OPERATION) == 0
    service.on("GET", "/onlineEndpoints/churn", Reply(body=made("Succeeded")))
    assert operation.result().provisioning_state == "Succeeded"
    assert service.count("GET", OPERATION) == 2
    assert capfd.readouterr() == ("", "")


def test_what_was_begun_and_the_answer_lost_is_found_again(service: Service, cloud: Any) -> None:
    operation = f"{service.url}{OPERATION}"
    there = made("Creating", properties={"AzureAsyncOperationUri": operation})
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND, Reply(body=there))
    refused = Reply(409, {"error": {"code": "Conflict", "message": "in Creating state"}})
    service.on("PUT", "/onlineEndpoints/churn", Reply(502, b"<html>a gateway</html>"), refused)
    assert create(cloud).started == {"Azure-AsyncOperation": operation}
    assert service.count("PUT", ".") == 2


def test_a_change_of_somebody_else_is_refused(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    service.on("PUT", "/onlineEndpoints/churn", Reply(409, {"error": {"code": "Conflict", "message": "in Updating"}}))
    with pytest.raises(CloudError, match="Another operation on the resource is in progress") as caught:
        create(cloud)
    assert (caught.value.status, caught.value.code) == (409, "Conflict")
    assert service.count("PUT", ".") == 1


@pytest.mark.parametrize("body", [b"", b"nonsense", ["a", "list"], {"properties": "text"}])
def test_what_the_sdk_cannot_read_is_followed_all_the_same(service: Service, cloud: Any, body: Any) -> None:
    """The service has begun it; to do it once more would be refused, or done twice."""
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    service.on("PUT", "/onlineEndpoints/churn", begun(service, body=body))
    service.on("GET", OPERATION, Reply(body={"status": "Succeeded"}))
    operation = create(cloud)
    service.on("GET", "/onlineEndpoints/churn", Reply(body=made("Succeeded")))
    assert operation.result().provisioning_state == "Succeeded"
    assert service.count("PUT", ".") == 1


def test_a_throttled_change_waits_as_told_and_says_so(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    slow = Reply(429, {"error": {"code": "TooManyRequests", "message": "slow"}}, {"Retry-After": "1"})
    service.on("PUT", "/onlineEndpoints/churn", slow, begun(service))
    told: list[tuple[str, float]] = []
    with observed(lambda reason, seconds: told.append((reason, seconds))):
        create(cloud)
    assert told == [("Azure answered 429", 1.0)]


def test_a_token_that_is_not_accepted_any_more_is_renewed(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    claims = base64.b64encode(b'{"access_token": {"nbf": {"essential": true}}}').decode()
    challenge = {"WWW-Authenticate": f'Bearer error="insufficient_claims", claims="{claims}"'}
    refused = Reply(401, {"error": {"code": "InvalidAuthenticationToken", "message": "revoked"}})
    service.on("PUT", "/onlineEndpoints/churn", refused, Reply(401, refused.body, challenge), begun(service))
    assert create(cloud).started, "the challenge was answered"
    assert service.count("PUT", ".") == 3
    assert service.count("GET", "/msi/token") == 2, "a challenge is answered with a new token"


@pytest.mark.parametrize("group", ["rg(1)", "größe"])
def test_a_resource_group_of_any_letters(service: Service, plan: Plan, group: str) -> None:
    """The SDK quotes them in its addresses."""
    cloud = connect(replace(plan, workspace=replace(WORKSPACE, resource_group=group)))
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    service.on("PUT", "/onlineEndpoints/churn", begun(service))
    service.on("DELETE", "/onlineEndpoints/churn", Reply(204))
    assert create(cloud).started
    assert endpoints.begin_delete(cloud, "churn").wait(1)
    assert service.count("GET", r"/workspaces/workspace\?") == 1, "the workspace is read once"


def test_a_refusal_behind_a_redirect_is_a_refusal(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    service.on("PUT", "/onlineEndpoints/churn", Reply(307, None, {"Location": f"{service.url}/elsewhere"}))
    service.on("PUT", "/elsewhere", Reply(403, {"error": {"code": "AuthorizationFailed", "message": "no"}}))
    with pytest.raises(CloudError, match="no permission"):
        create(cloud)


def test_a_page_in_the_place_of_the_workspace_is_not_kept(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/churn", NOT_FOUND)
    service.on("PUT", "/onlineEndpoints/churn", begun(service))
    good = {"id": WORKSPACE.id, "name": "workspace", "location": "eastus", "properties": {}}
    service.on("GET", r"/workspaces/workspace\?", Reply(200, b"<html>log in</html>"), Reply(200, good))
    with pytest.raises(CloudError):
        create(cloud)
    assert create(cloud).started


def test_what_the_sdk_refuses_itself_is_a_sentence(service: Service, cloud: Any) -> None:
    service.on("GET", "/onlineEndpoints/", NOT_FOUND)
    with pytest.raises(CloudError) as caught:
        endpoints.begin_create_or_update(cloud, Endpoint("a name with blanks"))
    assert "\x1b" not in caught.value.raw
    assert caught.value.cause.startswith("The name for")
    assert service.count("PUT", ".") == 0


def test_an_identity_and_a_split_that_are_there_are_sent_along(service: Service, cloud: Any) -> None:
    user = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/who"
    identity = {"type": "UserAssigned", "userAssignedIdentities": {user: {"clientId": "c"}}}
    there = {**made("Succeeded", traffic={"blue": 90, "green": 10}, mirrorTraffic={"red": 5}), "identity": identity}
    service.on("GET", "/onlineEndpoints/churn", Reply(body=there))
    service.on("PUT", "/onlineEndpoints/churn", begun(service, 200))
    endpoints.begin_create_or_update(cloud, Endpoint("churn", description="new", tags={"team": "a"}))
    (sent,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    assert sent["identity"] == {"type": "UserAssigned", "userAssignedIdentities": {user: {}}}
    assert (sent["properties"]["traffic"], sent["properties"]["mirrorTraffic"]) == (
        {"blue": 90, "green": 10},
        {"red": 5},
    )
    assert sent["tags"] == {"aml-deploy": "1", "team": "a"}
    assert sent["properties"]["description"] == "new"
