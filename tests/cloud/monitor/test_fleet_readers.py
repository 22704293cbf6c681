"""What is read of a whole subscription: Resource Graph, metrics in batches, the activity log, autoscale, age of keys.

Each request is held against the published descriptions.
"""

from __future__ import annotations

import contextlib
import json
import socket
from datetime import datetime, timedelta, timezone
from typing import Any, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tests.published_interfaces import check_request
from tui.cloud.endpoints import scaling
from tui.cloud.errors import CloudError
from tui.cloud.http import read_budget
from tui.cloud.http.retry import observed
from tui.cloud.monitor import activity_log, metrics_batch, resource_graph
from tui.cloud.monitor.activity_log import SubscriptionLog
from tui.cloud.monitor.key_age import key_age
from tui.cloud.monitor.metrics_batch import LastHour
from tui.cloud.session import connect
from tui.common.deadlines import Question

SUBSCRIPTION = WORKSPACE.subscription_id
GRAPH, BATCH, LOG = "/Microsoft.ResourceGraph/", "metrics:getBatch", "/eventtypes/management/values"
SINGLE = "/providers/Microsoft.Insights/metrics"
REGENERATED = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/regenerateKeys/action"


def asked(service: Service, name: str, pattern: str) -> list[tuple[dict[str, list[str]], Any]]:
    """Query and body of each request for this, all as published."""
    found = []
    for verb, path, sent, headers in service.requests:
        if pattern in path:
            check_request(name, verb, f"{service.url}{path}", headers, sent)
            found.append((parse_qs(urlsplit(path).query), json.loads(sent or b"null")))
    return found


def endpoint(number: int = 0) -> str:
    return f"{WORKSPACE.id}/onlineEndpoints/E{number}"


# Resource Graph


def page(*ids: str, total: int | None = None, **more: Any) -> Reply:
    body = {"totalRecords": len(ids) if total is None else total, "count": len(ids), "resultTruncated": "false"}
    return Reply(200, {**body, "data": [{"id": one} for one in ids], **more})


def test_a_query_is_read_page_by_page(service: Service, cloud: Any) -> None:
    service.on("POST", GRAPH, page("a", total=3, **{"$skipToken": "t"}), page("b", total=3, **{"$skipToken": "u"}),
               page("c", total=3))  # fmt: skip
    found = resource_graph.query(cloud, resource_graph.ENDPOINTS, [SUBSCRIPTION])
    assert ([row["id"] for row in found.rows], found.complete, found.reason) == (["a", "b", "c"], True, "")
    bodies = [body for _, body in asked(service, "resource graph", GRAPH)]
    assert [body["options"].get("$skipToken") for body in bodies] == [None, "t", "u"]
    assert {body["query"] for body in bodies} == {resource_graph.ENDPOINTS}
    assert {tuple(body["subscriptions"]) for body in bodies} == {(SUBSCRIPTION,)}


def test_many_subscriptions_are_asked_for_in_groups(service: Service, cloud: Any) -> None:
    service.on("POST", GRAPH, page("a"))
    found = resource_graph.query(cloud, resource_graph.WORKSPACES, [f"s{number}" for number in range(600)])
    assert len(found.rows) == 3 and found.complete
    assert [len(body["subscriptions"]) for _, body in asked(service, "resource graph", GRAPH)] == [250, 250, 100]
    assert resource_graph.query(cloud, resource_graph.WORKSPACES, []) == resource_graph.Graph()


@pytest.mark.parametrize(
    ("replies", "rows", "reason"),
    [
        ([page("a", total=9)], 1, "1 of 9"),
        ([page("a", resultTruncated="true")], 1, "1 of 1"),
        ([Reply(200, page("a").body, {"x-ms-tenant-subscription-limit-hit": "true"})], 1, "part of the subscriptions"),
        ([page("a", total=2, **{"$skipToken": "t"}), Reply(403, {"error": {"code": "X", "message": "no more"}})], 1,
         "no more"),
        ([page("a", total=2, **{"$skipToken": "t"}), Reply(200, {"data": "x"})], 1, "cannot be read"),
        ([page("a", total=9, **{"$skipToken": "t"})], 2, "does not end"),
        ([*(page("a", **{"$skipToken": one}) for one in "tutv"), page("a")], 3, "does not end"),
        ([page("a", **{"$skipToken": [1]})], 2, "does not end"),
    ],
)  # fmt: skip
def test_an_answer_that_is_not_all_is_told(
    service: Service, cloud: Any, replies: list[Reply], rows: int, reason: str
) -> None:
    service.on("POST", GRAPH, *replies)
    found = resource_graph.query(cloud, resource_graph.ENDPOINTS, [SUBSCRIPTION])
    assert (len(found.rows), found.complete) == (rows, False) and reason in found.reason


@pytest.mark.parametrize("reply", [Reply(403, {}), Reply(404, {}), Reply(200, []), Reply(200, {"data": {}})])
def test_a_query_without_an_answer_is_an_error(service: Service, cloud: Any, reply: Reply) -> None:
    service.on("POST", GRAPH, reply)
    with pytest.raises(CloudError):
        resource_graph.query(cloud, resource_graph.ENDPOINTS, [SUBSCRIPTION])


def test_queries_wait_for_their_own_limit(service: Service, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    taken: list[str] = []
    monkeypatch.setattr(read_budget.ReadBudget, "take", lambda self, place: taken.append(place))
    service.on("POST", GRAPH, Reply(200, page("a").body, {"x-ms-user-quota-remaining": "0"}))
    resource_graph.query(cloud, resource_graph.ENDPOINTS, [SUBSCRIPTION])
    assert taken == [read_budget.GRAPH]
    bucket = read_budget.of(cloud)._buckets[read_budget.GRAPH]
    assert 3 < bucket.take(read_budget.time.monotonic()) <= 5


# Metrics


def series(*numbers: float | None, **dimensions: str) -> dict[str, Any]:
    return {
        "metadatavalues": [{"name": {"value": name.lower()}, "value": text} for name, text in dimensions.items()],
        "data": [{"timeStamp": "2026-11-23T10:00:00Z", "average": number} for number in numbers],
    }


COUNTED = (series(3, 1, deployment="blue", statusCode="200"), series(2, None, deployment="green", statusCode="500"),
           series(9, deployment="", statusCode="401"), series(9, deployment="blue", statusCode="403"),
           series(1, deployment="", statusCode="429"))  # fmt: skip
TIMED = (series(80, 120.0, deployment="blue"), series(300, deployment="green"))
HOUR = LastHour(7, 3, 300.0, {"blue": (4, 0, 120.0), "green": (2, 2, 300.0)})


def batch(ids: list[str], *found: dict[str, Any], named: bool = True) -> Reply:
    return Reply(200, {"values": [
        {"value": [{"errorCode": "Success", "timeseries": list(found)}], **({"resourceid": one} if named else {})}
        for one in ids
    ]})  # fmt: skip


def measured(service: Service, counted: Reply, timed: Reply) -> None:
    service.on("POST", f"{BATCH}.*RequestsPerMinute", counted)
    service.on("POST", f"{BATCH}.*RequestLatency_P95", timed)


@pytest.mark.parametrize("named", [True, False])
def test_the_last_hour_of_several_endpoints(service: Service, cloud: Any, named: bool) -> None:
    ids = [endpoint(0), endpoint(1)]
    measured(service, batch(ids, *COUNTED, named=named), batch(ids, *TIMED, named=named))
    found = metrics_batch.last_hour(cloud, SUBSCRIPTION, "East US", [*ids, ids[0].upper()])
    assert found == {one.lower(): HOUR for one in ids}
    requests = asked(service, "metrics batch", BATCH)
    assert len(requests) == 2 and all(body == {"resourceids": [ids[0].upper(), ids[1]]} for _, body in requests)
    for query, _ in requests:
        assert int(query["top"][0]) > 10
        begin, end = (datetime.strptime(query[key][0], "%Y-%m-%dT%H:%M:%SZ") for key in ("starttime", "endtime"))
        assert end - begin == timedelta(hours=1)
    assert service.count("POST", "^/metrics/eastus/subscriptions/") == 2 and service.count("GET", SINGLE) == 0


def test_fifty_endpoints_are_in_one_request(service: Service, cloud: Any) -> None:
    measured(service, batch([], *COUNTED), batch([], *TIMED))
    ids = [endpoint(number) for number in range(120)]
    found = metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", ids)
    sizes = sorted(len(body["resourceids"]) for _, body in asked(service, "metrics batch", BATCH))
    assert sizes == [20, 20, 50, 50, 50, 50]
    assert len(found) == 120 and all(isinstance(one, CloudError) for one in found.values()), "not in the answer"


def test_one_endpoint_may_fail_and_a_latency_be_missing(service: Service, cloud: Any) -> None:
    ids = [endpoint(0), endpoint(1)]
    counted = batch(ids, *COUNTED)
    counted.body["values"][1]["value"][0].update(errorCode="Throttled", errorMessage="said")
    measured(service, counted, batch(ids[1:], *TIMED))
    found = metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", ids)
    assert found[ids[0].lower()] == LastHour(7, 3, None, {"blue": (4, 0, None), "green": (2, 2, None)})
    error = found[ids[1].lower()]
    assert isinstance(error, CloudError) and (error.code, error.cause) == ("Throttled", "said")


def at_host(service: Service, **host: str) -> None:
    (described, *others) = json.loads(json.dumps(service._reply("GET", "/metadata/endpoints").body))
    del described["metricsEndpoint"]
    service.on("GET", "^/metadata/endpoints", Reply(200, [{**described, **host}, *others]))


@pytest.mark.parametrize(
    ("disturb", "region"),
    [
        *(
            (lambda service, reply=reply: service.on("POST", BATCH, reply), "eastus")
            for reply in (Reply(403, {}), Reply(404, {}), Reply(401, {}), Reply(200, {"values": None}),
                          Reply(200, {"values": [{"value": 3}]}), Reply(307, b"", {"Location": "https://x.test/"}))
        ),
        (lambda service: service.on("GET", r"^/msi/token.*metrics\.monitor", Reply(400, {"error": "x"})), "eastus"),
        (at_host, "eastus"),
        (lambda service: at_host(service, metricsEndpoint="https://{region}.metrics.invalid"), "eastus"),
        (lambda service: None, "east/../us"),
        (lambda service: None, ""),
    ],
)  # fmt: skip
def test_without_batches_each_endpoint_is_asked_for(
    service: Service, plan: Any, disturb: Callable[[Service], None], region: str
) -> None:
    disturb(service)
    cloud = connect(plan)
    service.on("GET", "E0.*RequestsPerMinute", Reply(200, {"value": [{"timeseries": list(COUNTED)}]}))
    service.on("GET", "E0.*RequestLatency_P95", Reply(200, {"value": [{"timeseries": list(TIMED)}]}))
    service.on("GET", "E1.*RequestsPerMinute", Reply(200, {"value": [{"timeseries": []}]}))
    service.on("GET", "E2.*RequestsPerMinute", Reply(403, {}))
    service.on("GET", "E3.*RequestsPerMinute", Reply(200, {"value": [3]}))
    found = metrics_batch.last_hour(cloud, SUBSCRIPTION, region, [endpoint(number) for number in range(4)])
    assert found[endpoint(0).lower()] == HOUR and found[endpoint(1).lower()] == LastHour(0, 0, None, {})
    refused, odd = found[endpoint(2).lower()], found[endpoint(3).lower()]
    assert isinstance(refused, CloudError) and refused.status == 403
    assert isinstance(odd, CloudError) and odd.code == "UnreadableAnswer"
    assert service.count("GET", SINGLE) == 5, "no latency where there are no requests"
    assert read_budget.of(cloud).requests == 5, "under the budget of reads"


@pytest.mark.parametrize(("status", "again"), [(403, 1), (404, 1), (400, 4)])
def test_a_refusal_is_remembered_for_the_identity_and_the_subscription(
    service: Service, plan: Any, cloud: Any, monkeypatch: pytest.MonkeyPatch, status: int, again: int
) -> None:
    service.on("POST", BATCH, Reply(status, {}))
    service.on("GET", SINGLE, Reply(200, {"value": []}))
    ids = [endpoint(number) for number in range(101)]
    for some in (ids, ids[:2]):
        found = metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", some)
        assert found == {one.lower(): LastHour(0, 0, None, {}) for one in some}
    assert service.count("POST", BATCH) == again, "not for each batch, nor each refresh"
    metrics_batch.last_hour(cloud, "other", "eastus", ids[:1])
    metrics_batch.last_hour(cloud, SUBSCRIPTION, "westeurope", ids[:1])
    monkeypatch.setattr(metrics_batch, "REFUSED_SECONDS", 0)
    another = connect(plan)
    for _ in range(2):  # later it is tried again
        metrics_batch.last_hour(another, SUBSCRIPTION, "eastus", ids[:1])
    assert service.count("POST", BATCH) == again + 4


def test_the_wait_for_the_budget_is_counted_also_one_by_one(service: Service, cloud: Any) -> None:
    service.on("POST", BATCH, Reply(403, {}))
    service.on("GET", SINGLE, Reply(200, {"value": []}))
    read_budget.of(cloud).learn(SUBSCRIPTION, 429, {"Retry-After": "1"})
    waited = read_budget.Waited()

    def ask() -> None:
        read_budget.count(waited)
        metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", [endpoint()])

    Question(ask).answer()
    assert waited.seconds > 0.5


def test_a_host_that_drops_what_it_is_sent_costs_one_attempt(service: Service, plan: Any) -> None:
    # A queue of connections that is full: more are dropped, as by a firewall.
    with socket.socket() as full, contextlib.ExitStack() as waiting:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for _ in range(4):
            one = waiting.enter_context(socket.socket())
            one.setblocking(False)
            one.connect_ex(full.getsockname())
        at_host(service, metricsEndpoint=f"https://127.0.0.1:{full.getsockname()[1]}/metrics/{{region}}")
        service.on("GET", SINGLE, Reply(200, {"value": []}))
        cloud, told = connect(plan), list[str]()
        with observed(lambda reason, _: told.append(reason)):
            for _ in range(2):
                found = metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", [endpoint(0)])
                assert found == {endpoint(0).lower(): LastHour(0, 0, None, {})}
        assert told == [], "no further attempt"
        assert service.count("GET", r"^/msi/token.*metrics\.monitor") == 1


def test_a_host_that_is_overloaded_is_not_replaced_by_resource_manager(service: Service, cloud: Any) -> None:
    service.on("POST", BATCH, Reply(429, {}, {"Retry-After": "0"}))
    found = metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", [endpoint(0)])
    error = found[endpoint(0).lower()]
    assert isinstance(error, CloudError) and error.status == 429 and service.count("GET", SINGLE) == 0


def test_a_short_disturbance_costs_nothing(service: Service, cloud: Any) -> None:
    ids = [endpoint(0)]
    service.on("POST", f"{BATCH}.*RequestsPerMinute", Reply(503, {}), batch(ids, *COUNTED))
    service.on("POST", f"{BATCH}.*RequestLatency_P95", batch(ids, *TIMED))
    assert metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", ids) == {ids[0].lower(): HOUR}


def test_tokens_are_of_one_identity_and_of_the_hosts_audience(service: Service, cloud: Any) -> None:
    measured(service, batch([endpoint(0)]), batch([endpoint(0)]))
    for _ in range(3):
        metrics_batch.last_hour(cloud, SUBSCRIPTION, "eastus", [endpoint(0)])
    for pattern in ("^/msi/token", r"^/msi/token.*metrics\.monitor\.azure\.com"):
        assert service.count("GET", pattern) == 1
    assert asked(service, "metrics batch", BATCH)


# The activity log


def event(number: int = 0, **more: Any) -> dict[str, Any]:
    moment = datetime(2026, 11, 23, tzinfo=timezone.utc) - timedelta(minutes=number)
    return {
        "eventTimestamp": f"{moment:%Y-%m-%dT%H:%M:%S}.1234567Z", "operationName": {"value": "a/write"},
        "status": {"value": "Succeeded"}, "caller": "ann", "correlationId": str(number), "resourceId": endpoint(),
        **more,
    }  # fmt: skip


def test_the_log_of_a_subscription(service: Service, cloud: Any) -> None:
    following = f"{service.url}/subscriptions/{SUBSCRIPTION}/next"
    first = [event(2), event(1, status={"value": "Started"}), event(1)]
    service.on("GET", LOG, Reply(200, {"value": first, "nextLink": following}))
    service.on("GET", "/next", Reply(200, {"value": [event(3, resourceId=WORKSPACE.id)]}))
    found = activity_log.of_subscription(cloud, SUBSCRIPTION)
    assert [(change.correlation_id, change.status) for change in found.changes] == [
        ("1", "Succeeded"), ("2", "Succeeded"), ("3", "Succeeded"),
    ]  # fmt: skip
    age = datetime.now(timezone.utc) - datetime.fromisoformat(found.since.replace("Z", "+00:00"))
    assert found.whole and timedelta(days=89, hours=23) < age < timedelta(days=90)
    ((query, _),) = asked(service, "activity log", LOG)
    assert found.since in query["$filter"][0]
    assert query["$filter"][0].endswith(" and resourceProvider eq 'Microsoft.MachineLearningServices'")


def test_a_long_log_is_cut_off_and_told(service: Service, cloud: Any) -> None:
    records = [event(number) for number in range(activity_log.MOST_OF_SUBSCRIPTION + 1)]
    service.on("GET", LOG, Reply(200, {"value": records}))
    found = activity_log.of_subscription(cloud, SUBSCRIPTION)
    assert len(found.changes) == activity_log.MOST_OF_SUBSCRIPTION and not found.whole
    assert found.since == records[-2]["eventTimestamp"] == found.changes[-1].time
    service.on("GET", LOG, Reply(200, {"value": records[:-1]}))
    assert activity_log.of_subscription(cloud, SUBSCRIPTION).whole


@pytest.mark.parametrize("reply", [Reply(403, {}), Reply(200, {"value": [{"status": "x"}]}), Reply(200, {"value": 3})])
def test_a_log_that_is_refused_or_odd_is_an_error(service: Service, cloud: Any, reply: Reply) -> None:
    service.on("GET", LOG, reply)
    with pytest.raises(CloudError):
        activity_log.of_subscription(cloud, SUBSCRIPTION)


# Autoscale


def test_autoscale_settings_by_endpoint(service: Service, cloud: Any) -> None:
    def setting(name: str, target: Any) -> dict[str, Any]:
        capacity = {"capacity": {"minimum": "1", "maximum": "3", "default": "1"}}
        return {"name": name, "properties": {"targetResourceUri": target, "profiles": [capacity]}}

    targets = [f"{endpoint(0)}/deployments/blue", f"{endpoint(0).upper()}/DEPLOYMENTS/green",
               f"{endpoint(1)}/deployments/blue", "/subscriptions/s/virtualMachineScaleSets/x", None, "",
               f"{WORKSPACE.id}/batchEndpoints/b/deployments/c"]  # fmt: skip
    service.on("GET", "autoscaleSettings", Reply(200, {"value": [setting(f"{n}", t) for n, t in enumerate(targets)]}))
    found = scaling.of_subscription(cloud, SUBSCRIPTION)
    assert {key: [rule.deployment for rule in rules] for key, rules in found.items()} == {
        endpoint(0).lower(): ["blue", "green"], endpoint(1).lower(): ["blue"],
        f"{WORKSPACE.id}/batchEndpoints/b".lower(): ["c"],
    }  # fmt: skip
    assert {(rule.minimum, rule.maximum, rule.enabled) for rules in found.values() for rule in rules} == {(1, 3, True)}
    assert len(asked(service, "autoscale settings", "autoscaleSettings")) == 1


# The age of keys


def ago(days: float) -> str:
    return f"{datetime.now(timezone.utc) - timedelta(days=days, hours=1):%Y-%m-%dT%H:%M:%S}.1234567+00:00"


@pytest.mark.parametrize(
    ("created", "events", "age", "why"),
    [
        (ago(10), [], 10, ""),
        (ago(10), [{"eventTimestamp": ago(4)}], 4, ""),
        (ago(200), [{"eventTimestamp": ago(4)}, {"eventTimestamp": ago(40)}], 4, ""),
        (ago(200), [], None, "older than the activity log, which reaches 90 days back"),
        (ago(200), [{"eventTimestamp": ago(4), "status": {"value": "Failed"}}], None, "older than"),
        (ago(200), [{"eventTimestamp": ago(4), "resourceId": endpoint(1)}], None, "older than"),
        (ago(200), [{"eventTimestamp": ago(4), "operationName": {"value": "x/listKeys/action"}}], None, "older than"),
        (ago(200), [{"eventTimestamp": ago(4), "operationName": {"value": REGENERATED.upper()}}], 4, ""),
        ("", [], None, "does not tell when"),
        ("", [{"eventTimestamp": ago(4)}], 4, ""),
        ("yesterday", [], None, "older than"),
    ],
    # The times differ from process to process.
    ids=range(11),
)
def test_the_age_of_keys(
    service: Service, cloud: Any, created: str, events: list[dict[str, Any]], age: int | None, why: str
) -> None:
    rows = [event(number, **{"operationName": {"value": REGENERATED}, **more}) for number, more in enumerate(events)]
    service.on("GET", LOG, Reply(200, {"value": rows}))
    found = key_age(endpoint(), created, activity_log.of_subscription(cloud, SUBSCRIPTION))
    assert found[0] == age and why in found[1] and bool(found[1]) is (age is None)


def test_what_a_cut_off_log_does_not_reach_is_not_called_ninety_days_old() -> None:
    days, why = key_age(endpoint(), ago(20), SubscriptionLog([], ago(5), whole=False))
    assert days is None and why.endswith(f"begins on {ago(5)[:10]}")
    assert key_age(endpoint(), ago(3), SubscriptionLog([], ago(5), whole=False)) == (3, "")
