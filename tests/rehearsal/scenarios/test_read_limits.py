"""Resource Manager's and Resource Graph's own limits, enforced, and a graph that refuses or lags."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import requests
from practised import Practised

from tests.published_interfaces import check_answer

LEFT = "x-ms-ratelimit-remaining-subscription-reads"
GRAPH = "/providers/Microsoft.ResourceGraph/resources"
ENDPOINTS = (
    "resources | where type =~ 'microsoft.machinelearningservices/workspaces/onlineendpoints' | project id, name"
)
WORKSPACES = "resources | where type =~ 'microsoft.machinelearningservices/workspaces' | project id"


@pytest.fixture(autouse=True)
def nothing_left(practising: Practised) -> Iterator[None]:
    practising.choose()
    yield
    practising.choose()


def many(practising: Practised, count: int, method: str, path: str, body: Any = None) -> list[requests.Response]:
    with ThreadPoolExecutor(16) as pool:
        return list(pool.map(lambda _: practising.arm.call(method, path, body), range(count)))


def test_reads_beyond_the_published_bucket_are_throttled(practising: Practised) -> None:
    subscription = f"/subscriptions/{practising.env['AZURE_SUBSCRIPTION_ID']}"
    before = many(practising, 300, "GET", subscription)
    assert {answer.status_code for answer in before} == {200}
    assert {answer.headers[LEFT] for answer in before} == {"249"}
    practising.choose("read-limits")
    # More than a bucket, and what flows into it in the minute that this may take.
    answers: list[requests.Response] = []
    while not any(answer.status_code == 429 for answer in answers):
        assert len(answers) < 2000
        answers += many(practising, 300, "GET", subscription)
    good = [answer for answer in answers if answer.status_code == 200]
    assert len(good) >= 250
    assert max(int(answer.headers[LEFT]) for answer in good) == 249
    throttled = next(answer for answer in answers if answer.status_code == 429)
    assert (throttled.headers["Retry-After"], throttled.headers[LEFT]) == ("1", "0")
    error = throttled.json()["error"]
    assert error["code"] == "SubscriptionRequestsThrottled"
    assert f"'{practising.env['AZURE_SUBSCRIPTION_ID']}'" in error["message"]
    # Tenant, writes and other subscriptions are counted apart; the graph is, too.
    tenant = practising.arm.call("GET", "/subscriptions")
    assert (tenant.status_code, tenant.headers["x-ms-ratelimit-remaining-tenant-reads"]) == (200, "249")
    assert practising.arm.call("POST", GRAPH, {"query": WORKSPACES}).status_code == 200
    assert practising.arm.call("DELETE", "onlineEndpoints/none-there").status_code == 204


def test_queries_beyond_the_published_window_are_throttled(practising: Practised) -> None:
    before = many(practising, 20, "POST", GRAPH, {"query": WORKSPACES})
    assert {(answer.status_code, answer.headers["x-ms-user-quota-remaining"]) for answer in before} == {(200, "14")}
    practising.choose("read-limits")
    answers: list[requests.Response] = []
    while not any(answer.status_code == 429 for answer in answers):
        assert len(answers) < 600
        answers += many(practising, 40, "POST", GRAPH, {"query": WORKSPACES})
    assert sum(answer.status_code == 200 for answer in answers) >= 15
    throttled = next(answer for answer in answers if answer.status_code == 429)
    check_answer("resource graph", throttled.json(), error=True)
    assert throttled.json()["error"]["code"] == "RateLimiting"
    assert throttled.headers["x-ms-user-quota-remaining"] == "0"
    assert throttled.headers["x-ms-user-quota-resets-after"] in [f"00:00:0{seconds}" for seconds in range(1, 6)]
    assert "Retry-After" not in throttled.headers


def test_a_graph_that_refuses(practising: Practised) -> None:
    practising.choose("graph-forbidden")
    answer = practising.arm.call("POST", GRAPH, {"query": ENDPOINTS})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "AccessDenied")
    check_answer("resource graph", answer.json(), error=True)
    assert practising.arm.call("GET", practising.arm.workspace).status_code == 200


def test_a_graph_that_lags_lacks_a_workspace_and_what_is_in_it(practising: Practised) -> None:
    def told(text: str) -> set[str]:
        return {row["id"] for row in practising.arm.call("POST", GRAPH, {"query": text}).json()["data"]}

    everything = told(WORKSPACES)
    practising.choose("graph-partial")
    (lacking,) = everything - told(WORKSPACES)
    name = "lagging"
    workspace = lacking.rpartition("/")[2]
    practising.choose()
    below = practising.arm.workspace.rpartition("/")[0]
    url = f"{below}/{workspace}/onlineEndpoints/{name}"
    assert practising.arm.call("PUT", url, {"location": "eastus", "properties": {"authMode": "Key"}}).status_code == 201
    assert url.lower() in {item.lower() for item in told(ENDPOINTS)}
    practising.choose("graph-partial")
    assert url.lower() not in {item.lower() for item in told(ENDPOINTS)}
