"""Which deployments a removal takes, which it keeps, and where their traffic goes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoints, remove, traffic
from tui.cloud.endpoints.deployments import MADE_TAG, RUN_TAG, USER_TAG
from tui.cloud.endpoints.remove import inventory
from tui.cloud.errors import CloudError
from tui.plan.model import Deployment, Endpoint, Plan
from tui.plan.sizes import price_per_hour
from tui.plan.traffic import BEFORE_TAG

OURS = {MADE_TAG: "1"}
ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"
Tags = dict[str, str]


def deployment(name: str, state: str = "Succeeded", tags: Tags = OURS, count: int = 1) -> dict[str, Any]:
    properties = {"provisioningState": state, "instanceType": "Standard_DS3_v2"}
    return {"id": f"{ENDPOINT}/deployments/{name}", "name": name, "tags": tags, "sku": {"capacity": count},
            "properties": properties}  # fmt: skip


def there(service: Service, *deployments: dict[str, Any], tags: Tags = OURS, **properties: Any) -> None:
    body = {
        "id": ENDPOINT, "name": "churn", "location": "eastus", "tags": tags,
        "properties": {"provisioningState": "Succeeded", "authMode": "Key", "traffic": {}, **properties},
    }  # fmt: skip
    service.on("GET", r"/onlineEndpoints/churn\?", Reply(body=body))
    service.on("GET", r"/churn/deployments\?", Reply(body={"value": list(deployments)}))
    service.on("DELETE", "/onlineEndpoints/churn", Reply(204))
    service.on("PUT", r"/onlineEndpoints/churn\?", Reply(200, body))


@pytest.fixture
def plan() -> Plan:
    return Plan(workspace=WORKSPACE, endpoint=Endpoint(name="churn"), deployment=Deployment(name="blue"))


def goes(cloud: Any, **options: Any) -> dict[str, bool]:
    return {item.name: item.goes for item in inventory(cloud, **options).items}


def deleted(service: Service) -> list[str]:
    paths = [path.partition("?")[0] for verb, path, *_ in service.requests if verb == "DELETE"]
    return [path.rpartition("/")[2] for path in paths]


def sent(service: Service) -> list[dict[str, Any]]:
    return [json.loads(body)["properties"] for verb, _, body, _ in service.requests if verb == "PUT"]


CASES = [
    # what is there, tags of the endpoint, options -> what goes
    ((deployment("blue"),), OURS, {}, {"blue": True, "churn": True}),
    ((deployment("blue"),), {}, {}, {"blue": True, "churn": False}),
    ((deployment("blue", tags={}),), OURS, {}, {"blue": False, "churn": False}),
    ((), OURS, {}, {"churn": True}),
    ((deployment("blue"), deployment("green")), OURS, {}, {"blue": True, "green": False, "churn": False}),
    ((deployment("blue"),), OURS, {"deployment": "blue"}, {"blue": True, "churn": False}),
    ((deployment("blue", tags={}),), OURS, {"deployment": "blue"}, {"blue": True, "churn": False}),
    ((deployment("blue"),), OURS, {"deployment": "red"}, {"blue": False, "churn": False}),
    ((deployment("blue"), deployment("old", "Failed")), OURS, {}, {"blue": True, "old": False, "churn": False}),
    ((deployment("blue"), deployment("old", "Failed")), OURS, {"failed": True},
     {"blue": True, "old": True, "churn": True}),
    ((deployment("old", "Canceled"), deployment("new")), OURS, {"failed": True},
     {"old": True, "new": False, "churn": False}),
    ((deployment("old", "Failed", {}),), OURS, {"failed": True}, {"old": False, "churn": False}),
    ((deployment("blue", "Failed"),), OURS, {"failed": True}, {"blue": True, "churn": True}),
]  # fmt: skip


@pytest.mark.parametrize(("found", "tags", "options", "expected"), CASES)
def test_the_inventory_and_the_removal_agree(
    service: Service, cloud: Any, found: Any, tags: Tags, options: dict[str, Any], expected: dict[str, bool]
) -> None:
    there(service, *found, tags=tags)
    assert goes(cloud, **options) == expected
    outcome = remove.remove(cloud, **options)
    whole = expected["churn"]
    going = [name for name, gone in expected.items() if gone]
    assert deleted(service) == (["churn"] if whole else going)
    assert outcome.removed == [f"{'endpoint' if name == 'churn' else 'deployment'} {name}" for name in going]
    staying = [name for name, gone in expected.items() if not gone and name != "churn"]
    assert len(outcome.left) == (1 if whole else 1 + len(staying))


def test_an_endpoint_that_does_not_exist_leaves_nothing_to_do(service: Service, cloud: Any) -> None:
    assert inventory(cloud).items == []
    assert remove.remove(cloud) == remove.Removed() and deleted(service) == []


def test_each_item_says_why_and_what_it_costs(service: Service, cloud: Any) -> None:
    by = {RUN_TAG: "run-1", USER_TAG: "ann"}
    there(service, deployment("blue", tags={**OURS, **by}, count=3), deployment("foreign", tags={RUN_TAG: "run-2"}),
          deployment("other"), deployment("old", "Failed"), tags={}, traffic={"blue": 70})  # fmt: skip
    blue, foreign, other, old, endpoint = inventory(cloud).items
    price = price_per_hour("Standard_DS3_v2", "eastus")
    assert price is not None and blue.price_per_hour == round(price * 3, 4) and blue.instances == 3
    assert (blue.traffic, foreign.traffic, blue.made_by, foreign.made_by) == (70, 0, "run-1, ann", "run-2")
    assert [item.failed for item in (blue, foreign, other, old)] == [False, False, False, True]
    assert blue.why == "it is the plan's" and "failed" in old.why and "--failed" in old.why
    assert "did not make" in foreign.why and foreign.why == endpoint.why != other.why
    there(service, deployment("blue"), deployment("old", "Failed"))
    *_, old, endpoint = inventory(cloud, failed=True).items
    assert old.goes and "failed" in old.why and "--failed" not in old.why
    named = {item.name: item.why for item in inventory(cloud, "old").items}
    assert named["blue"] == "only old was named" and "only a deployment" in named["churn"] and "failed" in named["old"]
    there(service, deployment("blue"), deployment("red"))
    assert {item.name: item.why for item in inventory(cloud, "red").items}["red"] == "it was named"
    assert "other deployments" in inventory(cloud).items[-1].why


@pytest.mark.parametrize(
    ("shares", "mirrored", "split", "copies"),
    [
        ({"blue": 50, "green": 50}, {}, {"green": 100}, {}),
        ({"blue": 20, "green": 60, "red": 20}, {}, {"green": 75, "red": 25}, {}),
        ({"green": 100}, {"blue": 10}, {"green": 100}, {}),
        ({"green": 100}, {"red": 10}, None, None),
        ({"green": 100}, {}, None, None),
        ({"blue": 0, "green": 100}, {"blue": 0}, None, None),
    ],
)
def test_traffic_is_shifted_to_what_stays(
    service: Service, cloud: Any, shares: dict[str, int], mirrored: dict[str, int], split: Any, copies: Any
) -> None:
    there(service, *map(deployment, ("blue", "green", "red")), traffic=shares, mirrorTraffic=mirrored)
    told: list[str] = []
    remove.remove(cloud, progress=told.append)
    assert deleted(service) == ["blue"]
    assert [(one["traffic"], one.get("mirrorTraffic") or {}) for one in sent(service)] == (
        [] if split is None else [(split, copies)]
    )
    assert any("Shifting" in line for line in told) is bool(shares.get("blue"))


@pytest.mark.parametrize(
    ("others", "refused"),
    [(("Succeeded",), True), (("Failed",), False), (("Failed", "Succeeded"), True), ((), False)],
)
def test_the_last_deployment_with_traffic_is_kept_while_another_could_serve(
    service: Service, cloud: Any, others: tuple[str, ...], refused: bool
) -> None:
    rest = [deployment(f"d{number}", state, {}) for number, state in enumerate(others)]
    there(service, deployment("blue"), *rest, tags={}, traffic={"blue": 100})
    if not refused:
        remove.remove(cloud)
        assert deleted(service) == ["blue"] and [one["traffic"] for one in sent(service)] == [{}]
        return
    with pytest.raises(CloudError) as caught:
        remove.remove(cloud)
    assert caught.value.code == remove.SERVES and deleted(service) == [] and "blue still has" in caught.value.title


@pytest.mark.parametrize(
    ("shares", "code"),
    [
        ({"blue": 90, "green": 10}, None),
        ({"blue": 100}, None),
        ({"blue": 100, "green": 0}, None),
        ({"blue": 99}, traffic.REFUSED),
        ({"blue": 90, "green": 11}, traffic.REFUSED),
        ({"nobody": 100}, traffic.REFUSED),
        ({"red": 100}, "DeploymentNotReady"),
    ],
)
def test_a_split_must_add_up_and_name_ready_deployments(
    service: Service, cloud: Any, shares: dict[str, int], code: str | None
) -> None:
    there(service, deployment("blue"), deployment("green"), deployment("red", "Updating"), traffic={"green": 100},
          mirrorTraffic={"green": 0, "blue": 10})  # fmt: skip
    if code is None:
        made = traffic.shift(cloud, "churn", shares)
        assert made.before == {"green": 100} and made.after == {name: share for name, share in shares.items() if share}
        assert [(one["traffic"], one.get("mirrorTraffic") or {}) for one in sent(service)] == [(made.after, {})]
        return
    with pytest.raises(CloudError) as caught:
        traffic.shift(cloud, "churn", shares)
    assert caught.value.code == code and sent(service) == []


def test_mirrored_traffic_stays_with_a_deployment_that_gets_none(service: Service, cloud: Any) -> None:
    there(service, deployment("blue"), deployment("green"), traffic={"green": 100}, mirrorTraffic={"blue": 10})
    traffic.shift(cloud, "churn", {"green": 100})
    assert sent(service) == [], "the split is already so"
    there(service, deployment("blue"), deployment("green"), deployment("red"), traffic={"green": 100},
          mirrorTraffic={"blue": 10})  # fmt: skip
    traffic.shift(cloud, "churn", {"red": 100})
    assert sent(service)[0]["mirrorTraffic"] == {"blue": 10}


def test_a_change_of_traffic_keeps_the_cluster_of_a_kubernetes_endpoint(service: Service, cloud: Any) -> None:
    compute = f"{WORKSPACE.id}/computes/aks"
    there(service, deployment("blue"), deployment("green"), compute=compute, traffic={"blue": 100})
    traffic.shift(cloud, "churn", {"green": 100})
    (given,) = sent(service)
    assert (given["compute"], given["traffic"]) == (compute, {"green": 100})
    assert "publicNetworkAccess" not in given


def test_the_split_before_is_kept_and_restored(service: Service, cloud: Any) -> None:
    there(service, deployment("blue"), deployment("green"), traffic={"green": 100}, tags={"team": "a"})
    traffic.shift(cloud, "churn", {"blue": 100})
    tags = [json.loads(body)["tags"] for verb, _, body, _ in service.requests if verb == "PUT"][-1]
    assert tags["team"] == "a" and BEFORE_TAG in tags
    with pytest.raises(CloudError, match="no previous split") as caught:
        traffic.rollback(cloud, "churn")
    assert caught.value.code == traffic.REFUSED
    there(service, deployment("blue"), deployment("green"), traffic={"blue": 100}, tags=tags)
    assert traffic.rollback(cloud, "churn").after == {"green": 100}


@pytest.mark.parametrize(("length", "kept"), [(256, True), (257, False)])
def test_a_split_too_long_for_a_tag_is_not_kept(service: Service, cloud: Any, length: int, kept: bool) -> None:
    there(service, deployment("blue"))
    long = traffic.as_text({"": 100})
    traffic.begin_set(cloud, "churn", {"blue": 100}, {"x" * (length - len(long)): 100}).result()
    tags = [json.loads(body)["tags"] for verb, _, body, _ in service.requests if verb == "PUT"][-1]
    assert (BEFORE_TAG in tags) is kept
    assert not kept or len(tags[BEFORE_TAG]) == length
    traffic.begin_set(cloud, "churn", {"blue": 100}, {"blue": 100}).result()
    tags = [json.loads(body)["tags"] for verb, _, body, _ in service.requests if verb == "PUT"][-1]
    assert BEFORE_TAG not in tags, "the split that is set is not the one before"


@pytest.mark.parametrize(
    ("found", "given", "expected"),
    [
        (None, {"by": "me"}, {"by": "me", "plan": "p"}),
        (None, None, {"plan": "p"}),
        ({"team": "a"}, {"by": "me"}, {"team": "a", "plan": "p"}),
        ({"team": "a", "by": "you"}, {"by": "me"}, {"team": "a", "plan": "p", "by": "me"}),
    ],
)
def test_an_endpoint_of_somebody_else_stays_unmarked(
    service: Service, cloud: Any, found: Tags | None, given: Tags | None, expected: Tags
) -> None:
    there(service, tags=found or {}, traffic={"blue": 100})
    if found is None:
        service.on("GET", r"/onlineEndpoints/churn\?", Reply(404, {"error": {"code": "ResourceNotFound"}}))
    endpoints.begin_create_or_update(cloud, Endpoint("churn", tags={"plan": "p"}), given)
    (body,) = [json.loads(body) for verb, _, body, _ in service.requests if verb == "PUT"]
    assert body["tags"] == expected
    assert (body["properties"].get("traffic") or {}) == ({} if found is None else {"blue": 100})


def test_reading_what_does_not_exist(service: Service, cloud: Any) -> None:
    assert endpoints.read(cloud, "churn") is None
    with pytest.raises(CloudError) as caught:
        endpoints.existing(cloud, "churn")
    assert (caught.value.code, caught.value.status) == ("EndpointNotFound", 404)
    there(service, deployment("blue"))
    assert [one.name for one in endpoints.existing(cloud, "churn").deployments] == ["blue"]
    before = service.count("GET", "/deployments")
    assert endpoints.existing(cloud, "churn", deployments=False).deployments == []
    assert service.count("GET", "/deployments") == before
    assert replace(endpoints.existing(cloud, "churn"), deployments=[]).location == "eastus"
