"""Long-running operations as Resource Manager shapes them: ended at once, never asked again."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoints
from tui.cloud.errors import CloudError, OperationFailed
from tui.cloud.http import operation
from tui.cloud.http.retry import observed
from tui.cloud.http.retry_policy import POLICIES, RetryPolicy
from tui.cloud.http.run_operation import follow
from tui.plan.model import Endpoint

ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"
STATUS = "/subscriptions/s/providers/Microsoft.MachineLearningServices/locations/eastus/mfeOperationsStatus/oeidp:1"
UPDATING = Reply(body={"status": "Updating", "percentComplete": 0.0})
SUCCEEDED = Reply(body={"status": "Succeeded"})


def resource(state: str, **more: Any) -> dict[str, Any]:
    return {"id": ENDPOINT, "name": "churn", "location": "eastus", "properties": {"provisioningState": state, **more}}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_INTERVAL", 0.01)
    monkeypatch.setitem(POLICIES, "operation", RetryPolicy((0.02, 0.04)))


def started(service: Service, **headers: str) -> None:
    """PUT is accepted; the first GET finds nothing, as for a new endpoint."""
    service.on(
        "GET",
        r"onlineEndpoints/churn\?",
        Reply(404, {"error": {"code": "NotFound"}}),
        Reply(body=resource("Succeeded")),
    )
    service.on(
        "PUT", r"onlineEndpoints/churn\?", Reply(201, resource("Creating"), {"x-ms-request-id": "put-id", **headers})
    )


def begin(cloud: Any) -> operation.Operation[endpoints.EndpointInfo]:
    return endpoints.begin_create_or_update(cloud, Endpoint(name="churn"), {"by": "me"})


def test_it_ends_as_soon_as_the_service_says_so(service: Service, cloud: Any) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on("GET", "mfeOperationsStatus", UPDATING, UPDATING, SUCCEEDED, Reply(500))
    running = begin(cloud)
    made = running.result()
    assert (made.name, made.provisioning_state) == ("churn", "Succeeded")
    assert running.wait(0) is True
    assert service.count("GET", "mfeOperationsStatus") == 3


def test_a_failure_carries_the_words_of_the_service(service: Service, cloud: Any) -> None:
    error = {
        "code": "BadRequest",
        "message": "The request is invalid.",
        "details": [{"code": "ImageBuildFailure", "message": "No matching distribution for nosuchpackage==1"}],
        "additionalInfo": [{"type": "Correlation", "info": {"value": "x"}}],
    }
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on(
        "GET",
        "mfeOperationsStatus",
        UPDATING,
        Reply(200, {"status": "Failed", "error": error}, {"x-ms-request-id": "poll-id"}),
        Reply(500),
    )
    running = begin(cloud)
    with pytest.raises(OperationFailed) as caught:
        running.result()
    failure = caught.value
    assert failure.code == "BadRequest"
    assert "nosuchpackage==1" in failure.message
    assert failure.details[0]["code"] == "ImageBuildFailure"
    assert failure.request_ids == ["put-id", "poll-id"]
    assert "additionalInfo" in failure.raw
    assert service.count("GET", "mfeOperationsStatus") == 2
    with pytest.raises(OperationFailed):
        running.result()
    assert service.count("GET", "mfeOperationsStatus") == 2


def test_canceled_is_an_end_too(service: Service, cloud: Any) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on("GET", "mfeOperationsStatus", Reply(body={"status": "Canceled"}))
    with pytest.raises(OperationFailed) as caught:
        begin(cloud).result()
    assert caught.value.outcome == "Canceled"
    assert "was canceled" in caught.value.title


def test_retry_after_is_honoured(service: Service, cloud: Any) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}", "Retry-After": "3600"})
    service.on("GET", "mfeOperationsStatus", SUCCEEDED)
    assert begin(cloud).wait(0.2) is False
    assert service.count("GET", "mfeOperationsStatus") == 0


def test_a_question_without_an_answer_does_not_end_it(service: Service, cloud: Any) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    throttled = Reply(429, {"error": {"code": "TooManyRequests", "message": "slow down"}})
    service.on("GET", "mfeOperationsStatus", throttled, Reply(503, b""), UPDATING, SUCCEEDED)
    told: list[tuple[str, float]] = []
    with observed(lambda reason, delay: told.append((reason, delay))):
        assert begin(cloud).result().provisioning_state == "Succeeded"
    assert [reason for reason, _ in told] == ["slow down", "The service answered 503 without giving a reason."]


@pytest.mark.parametrize("status", [429, 503])
def test_the_service_says_when_it_wants_to_be_asked_again(service: Service, cloud: Any, status: int) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    busy = Reply(status, {"error": {"code": "Busy", "message": "slow down"}}, {"Retry-After": "120"})
    service.on("GET", "mfeOperationsStatus", busy, SUCCEEDED)
    told: list[tuple[str, float]] = []
    with observed(lambda reason, delay: told.append((reason, delay))):
        assert begin(cloud).wait(0.3) is False
    assert told == [("slow down", 120.0)]
    assert service.count("GET", "mfeOperationsStatus") == 1


def test_the_moment_of_the_next_question_may_be_a_date(service: Service, cloud: Any) -> None:
    past, later = "Mon, 01 Jan 2024 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    replies = [Reply(503, b"", {"Retry-After": moment}) for moment in (past, "soon", later)]
    service.on("GET", "mfeOperationsStatus", *replies, SUCCEEDED)
    delays: list[float] = []
    with observed(lambda reason, delay: delays.append(delay)):
        assert begin(cloud).wait(0.5) is False
    assert delays[0] == 0.02, "the shortest delay of the policy"
    assert 0 < delays[1] < 1
    assert delays[2] == 300.0


def test_a_page_of_a_gateway_is_told_in_a_sentence(service: Service, cloud: Any) -> None:
    page = b"<html><head><title>503 Service Unavailable</title></head><body><h1>503</h1></body></html>"
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on("GET", "mfeOperationsStatus", Reply(503, page, {"Content-Type": "text/html"}), SUCCEEDED)
    told: list[str] = []
    with observed(lambda reason, delay: told.append(reason)):
        assert begin(cloud).result().provisioning_state == "Succeeded"
    assert told == ["A proxy or gateway in front of the service answered 503 with a web page."]


def test_a_connection_that_breaks_is_told_without_a_library_s_words(service: Service, cloud: Any) -> None:
    def broken() -> Reply:
        raise ConnectionAbortedError  # the server's thread ends, and the connection with it

    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on("GET", "mfeOperationsStatus", broken, SUCCEEDED)
    told: list[str] = []
    with observed(lambda reason, delay: told.append(reason)):
        assert begin(cloud).result().provisioning_state == "Succeeded"
    (reason,) = told
    assert reason.startswith("The connection to ")
    assert "asking about the endpoint churn" in reason
    assert "Error" not in reason and "RemoteDisconnected" not in reason


def test_a_record_that_is_gone_is_replaced_by_the_resource(service: Service, cloud: Any) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on("GET", "mfeOperationsStatus", Reply(404, {"error": {"code": "NotFound"}}))
    assert begin(cloud).result().provisioning_state == "Succeeded"


def test_without_a_status_url_the_resource_tells(service: Service, cloud: Any) -> None:
    started(service, Location=f"{service.url}{ENDPOINT}?api-version=2022-02-01-preview")
    assert begin(cloud).result().provisioning_state == "Succeeded"


def test_a_deletion_is_followed_by_its_location(service: Service, cloud: Any) -> None:
    location = f"{service.url}{STATUS.replace('OperationsStatus', 'OperationResults')}"
    service.on("DELETE", "onlineEndpoints/churn", Reply(202, None, {"Location": location, "Retry-After": "0"}))
    service.on("GET", "mfeOperationResults", Reply(202, None, {"Retry-After": "0"}), Reply(204), Reply(500))
    running = endpoints.begin_delete(cloud, "churn")
    running.result()
    assert service.count("GET", "mfeOperationResults") == 2


def test_a_deletion_whose_record_is_gone_is_judged_by_the_resource(service: Service, cloud: Any) -> None:
    service.on("DELETE", "onlineEndpoints/churn", Reply(202, None, {"Location": f"{service.url}{STATUS}"}))
    gone = Reply(404, {"error": {"code": "NotFound"}})
    service.on("GET", "mfeOperationsStatus", gone)
    service.on("GET", r"onlineEndpoints/churn\?", Reply(body=resource("Deleting")), gone)
    endpoints.begin_delete(cloud, "churn").result()
    assert service.count("GET", r"onlineEndpoints/churn\?") == 2


def test_deleting_what_is_not_there_is_done_at_once(service: Service, cloud: Any) -> None:
    service.on("DELETE", "onlineEndpoints/churn", Reply(204))
    running = endpoints.begin_delete(cloud, "churn")
    assert running.wait(0) is True
    running.result()


def test_a_refused_start_raises_where_it_happens(service: Service, cloud: Any) -> None:
    service.on("GET", r"onlineEndpoints/churn\?", Reply(404, {"error": {"code": "NotFound"}}))
    body = {"error": {"code": "AuthorizationFailed", "message": "no action 'onlineEndpoints/write' over scope"}}
    service.on("PUT", r"onlineEndpoints/churn\?", Reply(403, body))
    with pytest.raises(CloudError) as caught:
        begin(cloud)
    assert caught.value.code == "AuthorizationFailed"
    assert "AzureML Data Scientist" in caught.value.remedy


def test_an_operation_whose_state_comes_byte_by_byte_ends_at_its_limit(service: Service, cloud: Any) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}"})
    service.on("GET", "mfeOperationsStatus", Reply(body={"status": "Updating", "more": "x" * 1000}, drip=0.2))
    with pytest.raises(CloudError) as caught:
        follow(begin(cloud), limit=0.3)
    assert caught.value.code == "TimeLimit"


@pytest.mark.parametrize("wish", ["0", "-1", "nan", "Thu, 01 Jan 2015 00:00:00 GMT"])
def test_an_operation_is_never_polled_without_a_pause(service: Service, cloud: Any, wish: str) -> None:
    headers = {"Retry-After": wish}
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}", **headers})
    service.on("GET", "mfeOperationsStatus", Reply(body={"status": "Updating"}, headers=headers))
    with pytest.raises(CloudError):
        follow(begin(cloud), limit=0.5)
    assert 1 <= service.count("GET", "mfeOperationsStatus") <= 55


@pytest.mark.parametrize("wish", ["inf", "99999999"])
def test_an_operation_that_is_to_be_asked_in_a_year_ends_at_its_limit(service: Service, cloud: Any, wish: str) -> None:
    started(service, **{"Azure-AsyncOperation": f"{service.url}{STATUS}", "Retry-After": wish})
    with pytest.raises(CloudError) as caught:
        follow(begin(cloud), limit=0.2)
    assert caught.value.code == "TimeLimit"
