"""Questions over many endpoints: Resource Graph, metrics in batches, the activity log and autoscale of a subscription.

Requests and answers are held against the published descriptions.
"""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
import requests
from arm_client import Arm

from tests.published_interfaces import GRAPH_COLUMNS, check_answer, check_request
from tui.rehearsal.arm.rights import change
from tui.rehearsal.monitor.resource_graph import COLUMNS
from tui.rehearsal.places import Home
from tui.rehearsal.store import Resource, Store

KINDS = {name: f"microsoft.machinelearningservices/workspaces{name}" for name in (
    "", "/onlineendpoints", "/onlineendpoints/deployments",
)}  # fmt: skip
METRICS = "https://metrics.monitor.azure.com"
NAMESPACE = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints"
PROJECT = "| project id, name, type, location, resourceGroup, subscriptionId, kind, tags, properties"


def sent(session: requests.Session, name: str, method: str, url: str, **more: Any) -> requests.Response:
    """The response to a request, which is as published, and so is the response."""
    answer = session.request(method, url, timeout=60, **more)
    assert answer.request.url
    check_request(name, method, answer.request.url, answer.request.headers, answer.request.body)
    check_answer(name, answer.json(), error=answer.status_code >= 400)
    return answer


def graph(arm: Arm, text: str, subscriptions: list[str] | None = None, **options: Any) -> requests.Response:
    body: dict[str, Any] = {"query": text, "options": {f"${key}" if key != "resultFormat" else key: value
                                                       for key, value in options.items()}}  # fmt: skip
    if subscriptions is not None:
        body["subscriptions"] = subscriptions
    url = f"{arm.origin}/providers/Microsoft.ResourceGraph/resources?api-version=2022-10-01"
    return sent(arm.session, "resource graph", "POST", url, json=body)


def test_resource_graph_has_what_get_has(arm: Arm, two: list[dict[str, Any]]) -> None:
    own = arm.env["AZURE_SUBSCRIPTION_ID"]
    found = {}
    for kind in KINDS.values():
        answer = graph(arm, f"resources | where type =~ '{kind}' {PROJECT}", [own])
        body = answer.json()
        assert int(answer.headers["x-ms-user-quota-remaining"]) == 14
        assert answer.headers["x-ms-user-quota-resets-after"] == "00:00:05"
        assert {row["type"] for row in body["data"]} == {kind}
        found.update({row["id"].lower(): row for row in body["data"]})
    for expected in (
        *two,
        arm.call("GET", arm.workspace).json(),
        arm.call("GET", f"{two[0]['id']}/deployments/blue").json(),
    ):
        row = found[expected["id"].lower()]
        for member in ("name", "location", "kind", "tags", "properties"):
            assert row[member] == expected[member], member
        assert (row["subscriptionId"], row["resourceGroup"]) == (own, arm.env["AZURE_RESOURCE_GROUP"])
    assert set(COLUMNS) == GRAPH_COLUMNS
    (whole,) = graph(arm, f"Resources\n| where id == '{two[0]['id']}'").json()["data"]
    assert set(whole) == GRAPH_COLUMNS


def test_resource_graph_pages_where_it_can(arm: Arm, two: list[dict[str, Any]]) -> None:
    names = sorted(item["name"] for item in two)
    listed = f"resources | where type =~ '{KINDS['/onlineendpoints']}' | where kind == 'Managed'"
    text, seen, more = f"{listed} | project id, name | order by name asc", [], {}
    while True:
        page = graph(arm, text, top=1, **more).json()
        seen += [row["name"] for row in page["data"]]
        assert page["resultTruncated"] == "false"
        if "$skipToken" not in page:
            break
        more = {"skipToken": page["$skipToken"]}
    assert len(seen) == page["totalRecords"]
    assert [name for name in seen if name in names] == names
    assert graph(arm, text + " ", **more).status_code == 400, "a token of another query"
    backwards = graph(arm, f"{listed} | project name | order by name").json()
    assert [row["name"] for row in backwards["data"]] == seen[::-1]
    cut = graph(arm, f"{listed} | project name", top=1).json()
    assert (cut["count"], cut["resultTruncated"], "$skipToken" in cut) == (1, "true", False)
    assert [row["name"] for row in graph(arm, text, skip=1).json()["data"]] == seen[1:]
    assert graph(arm, listed.replace("Managed", "managed")).json()["count"] == 0
    assert graph(arm, listed, resultFormat="table").status_code == 501


WRONG = ("", "resourcechanges", "resources | where", "resources | where type", "resources | project nothing",
         "resources | where nothing == 'x'", "resources | summarize count()", "resources | order by nothing",
         "resources | where type == x", "resources || project id", "resources | where name == 'x' and ",
         "resources | where name == 'x", "resources | project id | where name == 'x'",
         "resources | where name == 'x' or name == 'y'", "resources " + "| order by id " * 9999)  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_resource_graph_refuses_a_query_with_its_place(arm: Arm, text: str) -> None:
    answer = graph(arm, text)
    assert answer.status_code == 400
    codes = [detail["code"] for detail in answer.json()["error"]["details"]]
    assert codes == ["InvalidQuery", "ParserFailure"]


def test_resource_graph_tells_only_what_the_caller_may_see(arm: Arm, two: list[dict[str, Any]], home: Home) -> None:
    own, foreign = arm.env["AZURE_SUBSCRIPTION_ID"], "99999999-9999-9999-9999-999999999999"
    text = f"resources | where id =~ '{two[0]['id']}'"
    # One that cannot be read is left out without a word, as Azure does.
    assert graph(arm, text, [own, foreign]).json()["count"] == 1
    refused = graph(arm, text, [foreign])
    assert refused.status_code == 400
    assert refused.json()["error"]["details"][0]["code"] == "NoValidSubscriptionsInQueryRequest"
    change(home, denied=["Microsoft.MachineLearningServices/workspaces/onlineEndpoints/read"])
    assert graph(arm, text).json()["data"] == []
    assert graph(arm, f"resources | where type =~ '{KINDS['']}'").json()["count"] > 0
    change(home, roles=["none"], denied=[])
    assert graph(arm, text).status_code == 400


def batch(arm: Arm, ids: list[str], audience: str = METRICS, region: str = "eastus", **query: str) -> requests.Response:
    subscription = arm.env["AZURE_SUBSCRIPTION_ID"]
    described = requests.get(
        f"{arm.origin}/metadata/endpoints?api-version=2022-09-01", verify=arm.session.verify, timeout=30
    ).json()
    host = described["metricsEndpoint"].replace("{region}", region)
    return arm.session.post(
        f"{host}/subscriptions/{subscription}/metrics:getBatch",
        params={"api-version": "2024-02-01", "metricnamespace": NAMESPACE, "metricnames": "RequestsPerMinute", **query},
        json={"resourceids": ids},
        headers={"Authorization": f"Bearer {arm.token(audience)}"},
        timeout=60,
    )


def moments(minutes: int) -> dict[str, str]:
    """So many minutes, the last of which is full."""
    end = datetime.now(timezone.utc).replace(second=0, microsecond=0)
    begin = end - timedelta(minutes=minutes)
    return {key: f"{at:%Y-%m-%dT%H:%M:%S}.000Z" for key, at in (("starttime", begin), ("endtime", end))}


def sums(metric: dict[str, Any], dimension: str) -> dict[str, float]:
    return {
        next(item["value"] for item in series["metadatavalues"] if item["name"]["value"] == dimension): sum(
            point.get("average", 0) for point in series["data"]
        )
        for series in metric["timeseries"]
    }


def test_metrics_of_many_endpoints_with_one_request(arm: Arm, two: list[dict[str, Any]]) -> None:
    key = arm.call("POST", f"{two[1]['id']}/listKeys").json()["primaryKey"]
    for shown in ("wrong", key):
        arm.session.post(two[1]["properties"]["scoringUri"], json={}, headers={"Authorization": f"Bearer {shown}"})
    wanted = {
        "metricnames": "RequestsPerMinute,RequestLatency_P95",
        "filter": "deployment eq '*' and statusCode eq '*'",
    }
    answer = batch(arm, [item["id"] for item in two], **wanted, **moments(60))
    url = str(answer.request.url)
    check_request("metrics batch", "POST", url, answer.request.headers, answer.request.body)
    check_answer("metrics batch", answer.json())
    stated, real = answer.json()["values"]
    assert (stated["resourceid"], real["resourceid"]) == (two[0]["id"], two[1]["id"])
    assert sums(stated["value"][0], "statuscode") == {"200": 12 * 60 - 30, "424": 30}
    assert {
        point["average"]
        for series in stated["value"][1]["timeseries"]
        for point in series["data"]
        if "average" in point
    } == {80}
    # The same figures as Resource Manager's; the real requests are in the minute that has not ended.
    single = arm.session.get(
        f"{arm.origin}{two[0]['id']}/providers/Microsoft.Insights/metrics",
        params={"api-version": "2018-01-01", "metricnames": "RequestsPerMinute", "$filter": wanted["filter"],
                "timespan": "/".join(moments(60).values())},
        timeout=60,
    ).json()  # fmt: skip
    assert single["value"][0]["timeseries"] == stated["value"][0]["timeseries"]
    (last,) = batch(arm, [two[1]["id"]], filter=wanted["filter"]).json()["values"]
    assert sums(last["value"][0], "statuscode") == {"401": 1, "404": 1}
    (top,) = batch(arm, [two[0]["id"]], filter=wanted["filter"], top="1", **moments(5)).json()["values"]
    assert len(top["value"][0]["timeseries"]) == 1
    below = f"{NAMESPACE}/deployments"
    (whole,) = batch(arm, [f"{two[0]['id']}/deployments/blue"], metricnamespace=below, **moments(10)).json()["values"]
    assert sums(whole["value"][0], "deployment") == {"blue": 120}


def test_metrics_of_many_endpoints_are_refused(arm: Arm, two: list[dict[str, Any]], home: Home) -> None:
    ids = [item["id"] for item in two]
    other = batch(arm, ids, audience=arm.origin)
    assert (other.status_code, other.json()["error"]["code"]) == (401, "InvalidAuthenticationTokenAudience")
    assert other.json()["error"]["message"].endswith(f"one of the allowed audiences '{METRICS}/'.")
    check_answer("metrics batch", other.json(), error=True)
    assert (
        arm.session.get(
            arm.origin + arm.workspace, headers={"Authorization": f"Bearer {arm.token(METRICS)}"}
        ).status_code
        == 401
    )
    foreign = ids[0].replace(arm.env["AZURE_SUBSCRIPTION_ID"], "99999999-9999-9999-9999-999999999999")
    many = [f"{ids[0]}{number}" for number in range(51)]
    for wrong in ([], many, [ids[0], ids[0]], [foreign], [f"{ids[0]}/deployments/blue"], ["x"], [None]):
        answer = batch(arm, wrong)  # type: ignore[arg-type]
        assert answer.status_code == 400, wrong
        check_answer("metrics batch", answer.json(), error=True)
    assert batch(arm, many[:50]).status_code == 200
    for query in (
        {"region": "westus"},
        {"metricnames": "Nonsense"},
        {"interval": "P1D"},
        {"endtime": "2026-01-01T00:00:00Z"},
    ):
        assert batch(arm, ids, **query).status_code == 400, query  # type: ignore[arg-type]
    change(home, denied=["Microsoft.Insights/metrics/read"])
    refused = batch(arm, ids)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "AuthorizationFailed")


def times(back: timedelta) -> str:
    """A filter for what happened since then."""
    now = datetime.now(timezone.utc)
    moments = {"ge": now - back, "le": now + timedelta(minutes=1)}
    return " and ".join(f"eventTimestamp {how} '{at:%Y-%m-%dT%H:%M:%SZ}'" for how, at in moments.items())


def events(arm: Arm, chosen: str, **query: str) -> list[dict[str, Any]]:
    """The events of a subscription, all pages."""
    path = f"{arm.workspace.partition('/resourceGroups')[0]}/providers/Microsoft.Insights/eventtypes/management/values"
    params = {"api-version": "2015-04-01", "$filter": f"{times(timedelta(days=89))} and {chosen}", **query}
    body = sent(arm.session, "activity log", "GET", arm.origin + path, params=params).json()
    found: list[dict[str, Any]] = body["value"]
    while "nextLink" in body:
        body = arm.session.get(body["nextLink"], timeout=60).json()
        check_answer("activity log", body)
        found += body["value"]
    return found


def test_the_activity_log_of_a_subscription(arm: Arm, two: list[dict[str, Any]]) -> None:
    endpoint = two[0]["id"]
    # However a client spells an action, Azure writes it in one way.
    arm.call("POST", f"{endpoint}/listkeys")
    arm.call("POST", f"{endpoint}/REGENERATEKEYS", {"keyType": "Primary"})
    provider = "resourceProvider eq 'Microsoft.MachineLearningServices'"
    found = events(arm, provider)
    own = [event for event in found if event["resourceId"].lower() == endpoint.lower()]
    actions = {event["operationName"]["value"] for event in own}
    assert actions == {f"{NAMESPACE}/{action}" for action in ("write", "listKeys/action", "regenerateKeys/action")}
    assert found == sorted(found, key=lambda event: event["eventTimestamp"], reverse=True)
    for chosen in (f"resourceUri eq '{endpoint}'", f"correlationId eq '{own[0]['correlationId']}'"):
        assert {event["resourceId"].lower() for event in events(arm, chosen)} == {endpoint.lower()}
    assert events(arm, "resourceProvider eq 'Microsoft.Storage'") == []
    some = events(arm, f"resourceUri eq '{endpoint}'", **{"$select": "eventTimestamp,status,resourceId"})
    assert [set(event) for event in some] == [{"eventTimestamp", "status", "resourceId"}] * len(own)


def test_the_activity_log_has_pages_and_reaches_ninety_days_back(
    arm: Arm, two: list[dict[str, Any]], home: Home
) -> None:
    store, now = Store(home.database), datetime.now(timezone.utc)
    group = f"paged-{two[0]['name']}"
    target = two[0]["id"].replace(f"/resourceGroups/{arm.env['AZURE_RESOURCE_GROUP']}/", f"/resourceGroups/{group}/")
    ages = range(80)
    for age in ages:
        moment = f"{now - timedelta(days=age):%Y-%m-%dT%H:%M:%S}.0000000+00:00"
        record = {"time": moment, "action": "workspaces/onlineEndpoints/write", "resource": target, "group": group}
        record.update(caller="somebody", correlation=str(age), status=200, operation="", error="", method="PUT")
        store.put(Resource(f"/activity/{group}-{age:03d}", "activityRecords", "/activity/x", record))
    try:
        found = events(arm, f"resourceGroupName eq '{group.upper()}'")
        # A start and an end of each, in two pages.
        assert [event["correlationId"] for event in found[::2]] == [str(age) for age in range(80)]
        assert len(found) == 160
        path = (
            f"{arm.workspace.partition('/resourceGroups')[0]}/providers/Microsoft.Insights/eventtypes/management/values"
        )
        params = {"api-version": "2015-04-01", "$filter": times(timedelta(days=90, minutes=1))}
        assert "90 days" in arm.session.get(arm.origin + path, params=params, timeout=60).json()["error"]["message"]
    finally:
        for age in ages:
            store.delete(f"/activity/{group}-{age:03d}")
        store.close()


SINCE = "eventTimestamp ge '2026-01-01T00:00:00Z'"


@pytest.mark.parametrize(
    "chosen", [SINCE.replace("ge", "le"), f"{SINCE} and color eq 'red'", f"{SINCE} or status eq 'Failed'"]
)
def test_the_activity_log_takes_no_other_filter(arm: Arm, chosen: str) -> None:
    path = f"{arm.workspace.partition('/resourceGroups')[0]}/providers/Microsoft.Insights/eventtypes/management/values"
    answer = arm.session.get(arm.origin + path, params={"api-version": "2015-04-01", "$filter": chosen}, timeout=60)
    assert answer.status_code == 400


def test_autoscale_settings_of_a_subscription(arm: Arm, rule: str) -> None:
    subscription = arm.workspace.partition("/resourceGroups")[0]
    url = f"{arm.origin}{subscription}/providers/Microsoft.Insights/autoscaleSettings"
    found = sent(arm.session, "autoscale settings", "GET", f"{url}?api-version=2022-10-01").json()["value"]
    assert rule in {item["name"] for item in found}
    foreign = arm.session.get(url.replace(arm.env["AZURE_SUBSCRIPTION_ID"], "99999999"), timeout=60)
    assert foreign.status_code == 404
