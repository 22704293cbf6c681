"""What can be chosen in a workspace, in its details: names, versions, sizes and prices."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoint_names
from tui.cloud.errors import CloudError
from tui.cloud.workspace import listing, prices, sizes
from tui.cloud.workspace.listing import Item
from tui.plan import sizes as table
from tui.plan.model import Workspace

REFUSED = Reply(403, {"error": {"code": "AuthorizationFailed"}})
SCOPE = WORKSPACE


def rows(service: Service, pattern: str, *values: dict[str, Any]) -> None:
    service.on("GET", pattern, Reply(200, {"value": list(values)}))


@pytest.mark.parametrize(
    ("body", "item"),
    [
        ({"subscriptionId": "1", "displayName": "P", "state": "Enabled"}, Item("1", "P", "1")),
        ({"subscriptionId": "1", "state": "Disabled"}, Item("1", "1", "1, disabled")),
        ({}, Item("", "", ", ")),
    ],
)
def test_a_subscription(service: Service, cloud: Any, body: dict[str, Any], item: Item) -> None:
    rows(service, r"^/subscriptions\?", body)
    assert listing.subscriptions(cloud).items == [item]
    rows(service, r"^/subscriptions\?")
    assert "no role in any subscription" in listing.subscriptions(cloud).reason


@pytest.mark.parametrize(
    ("identifier", "group"),
    [
        ("/subscriptions/s/resourceGroups/g/x", "g"),
        ("/s/RESOURCEGROUPS/G", "G"),
        ("/s/resourceGroups", ""),
        ("/s", ""),
        ("", ""),
    ],
)
def test_the_group_in_an_id(identifier: str, group: str) -> None:
    assert listing.group_of(identifier) == group


def test_resource_groups_are_listed_with_their_region(service: Service, cloud: Any) -> None:
    rows(service, "/resourcegroups", {"name": "g", "location": "eastus"}, {"name": "h"})
    assert listing.resource_groups(cloud, SCOPE).items == [Item("g", "g", "eastus"), Item("h", "h", "")]


def place(name: str, group: str = "group", **more: Any) -> dict[str, Any]:
    return {"id": Workspace("s", group, name).id, "name": name, "location": "eastus", **more}


IN_ALL = r"^/subscriptions/[^/]+/providers/[^/]+/workspaces\?"
IN_GROUP = r"/resourceGroups/group/providers/[^/]+/workspaces\?"


def test_workspaces_are_looked_for_in_the_group_where_the_subscription_shows_none(service: Service, cloud: Any) -> None:
    rows(service, IN_ALL)
    rows(service, IN_GROUP, place("near"))
    assert [item.value for item in listing.workspaces(cloud, SCOPE).items] == ["near"]
    rows(service, IN_GROUP)
    assert "cannot see any workspace" in listing.workspaces(cloud, SCOPE).reason
    service.on("GET", IN_ALL, REFUSED)
    assert "no role that allows it" in listing.workspaces(cloud, SCOPE).reason
    asked = service.count("GET", IN_GROUP)
    assert listing.workspaces(cloud, Workspace("s", "", "")).items == [] and service.count("GET", IN_GROUP) == asked
    rows(service, IN_ALL, place("far", "other"), place("near", "GROUP"), place("away", "z"))
    assert [item.value for item in listing.workspaces(cloud, SCOPE).items] == ["near", "far", "away"]
    assert service.count("GET", IN_GROUP) == asked


@pytest.mark.parametrize(
    ("more", "open_", "kind"),
    [
        ({"properties": {"publicNetworkAccess": "Disabled"}}, False, False),
        ({"properties": {"publicNetworkAccess": "Enabled"}, "kind": "Default"}, True, False),
        ({"kind": "default"}, True, False),
        ({"kind": "Hub"}, True, True),
    ],
)
def test_a_workspace_says_who_may_reach_it(more: dict[str, Any], open_: bool, kind: bool) -> None:
    found = listing._workspace(place("w", **more))
    assert ("open to public" in found.detail) is open_ and ("closed to public" in found.detail) is not open_
    assert ("kind " in found.detail) is kind and found.sets == {"workspace.resource_group": "group"}


@pytest.mark.parametrize(
    ("there", "words"),
    [(None, "no traffic"), ([], "no deployment"), ([{"name": "blue"}], "blue 0 %")],
)
def test_an_endpoint_and_its_deployments(there: Any, words: str) -> None:
    found = listing._endpoint({"name": "e"}, there)
    assert found.detail == f"unknown state; ; {words}" and found.sets == {}
    mode = {"name": "e", "properties": {"authMode": "Key", "provisioningState": "Failed", "traffic": {"green": 100}}}
    both = listing._endpoint(mode, [{"name": "blue"}, {"name": "green"}])
    assert both.detail.startswith("failed; key; ") and "green 100 %" in both.detail and "blue 0 %" in both.detail
    assert both.sets == {"endpoint.auth_mode": "key"}


def test_only_the_first_endpoints_are_looked_into(service: Service, cloud: Any) -> None:
    rows(service, r"/onlineEndpoints\?", *({"name": f"e{number}"} for number in range(27)))
    rows(service, r"/deployments\?", {"name": "blue"})
    found = listing.endpoints(cloud, SCOPE).items
    assert len(found) == 27 and service.count("GET", "/deployments") == 25
    assert "blue" in found[24].detail and "no traffic" in found[25].detail


def test_deployments_of_an_endpoint(service: Service, cloud: Any) -> None:
    for scope, endpoint in ((Workspace("s", "g", ""), "e"), (SCOPE, "")):
        assert listing.deployments(cloud, scope, endpoint).reason.startswith("Enter")
    assert "does not exist yet" in listing.deployments(cloud, SCOPE, "e").reason
    service.on("GET", r"/onlineEndpoints/e\?", REFUSED)
    assert "no role that allows it" in listing.deployments(cloud, SCOPE, "e").reason
    service.on("GET", r"/onlineEndpoints/e\?", Reply(200, {"name": "e", "properties": {"traffic": {"blue": 100}}}))
    rows(service, r"/e/deployments\?")
    found = listing.deployments(cloud, SCOPE, "e")
    assert found.items == [] and "no deployment yet" in found.reason
    service.on("GET", r"/e/deployments\?", REFUSED)
    assert "no role that allows it" in listing.deployments(cloud, SCOPE, "e").reason
    rows(service, r"/e/deployments\?", {"name": "blue", "properties": {"instanceType": "S"}}, {"name": "red"})
    new, blue, red = listing.deployments(cloud, SCOPE, "e").items
    assert (new.value, blue.value) == ("green", "blue")
    assert "1 × S" in blue.detail and "100 % of traffic" in blue.detail and "0 % of traffic" in red.detail


@pytest.mark.parametrize(
    ("taken", "free"),
    [([], "blue"), (["blue"], "green"), (["green"], "blue"), (["Blue", "GREEN"], "blue-2"),
     (["blue", "green", "blue-2"], "green-2"), (["blue", "green", "blue-2", "green-2"], "blue-3")],
)  # fmt: skip
def test_a_free_name(taken: list[str], free: str) -> None:
    assert listing.free_name(taken) == free


def version(name: str, **properties: Any) -> dict[str, Any]:
    return {"name": name, "properties": properties}


def test_versions_of_a_model(service: Service, cloud: Any) -> None:
    for scope, name in ((Workspace("s", "g", ""), "m"), (SCOPE, "")):
        assert listing.model_versions(cloud, scope, name).reason.startswith("Enter")
    rows(
        service, "/models/m/versions", version("2"), version("x"), version("10", modelType="mlflow_model"), version("a")
    )
    found = listing.model_versions(cloud, SCOPE, "m").items
    assert [item.label for item in found] == ["m:10", "m:2", "m:x", "m:a"] and found[0].value == "azureml:m:10"
    assert (found[0].detail, found[1].detail) == ("mlflow model", "")
    for status, words in ((404, "has no model m yet"), (403, "no role that allows it")):
        service.on("GET", "/models/m/versions", Reply(status, {}))
        assert words in listing.model_versions(cloud, SCOPE, "m").reason


@pytest.mark.parametrize(
    ("created", "day"),
    [
        ("2026-01-02T03:04:05Z", "created on 2026-01-02"),
        ("2026-01-02", "created on 2026-01-02"),
        ("2026-01-0", ""),
        (None, ""),
    ],
)
def test_the_day_of_a_version(created: Any, day: str) -> None:
    assert listing._day({"systemData": {"createdAt": created}}) == day and listing._day({}) == ""


@pytest.mark.parametrize(("length", "cut"), [(59, False), (60, False), (61, True)])
def test_a_long_description_is_cut_at_a_word(length: int, cut: bool) -> None:
    text = ("word " * 20)[: length - 1] + "x"
    found = listing._short({"description": f"  {text}\n"})
    assert (found == text) is not cut and len(found) <= 60 and found.endswith(" …") is cut
    assert not cut or found.removesuffix(" …").endswith("word")


def test_assets_and_environments(service: Service, cloud: Any) -> None:
    rows(service, r"/models\?", version("m", latestVersion="3", description="d"), version("n"))
    found = listing.registered_models(cloud, SCOPE).items
    assert [(item.value, item.detail) for item in found] == [
        ("azureml:m:3", "latest version 3; d"), ("azureml:n@latest", "no version"),
    ]  # fmt: skip
    rows(service, r"/environments\?", *(version(f"e{number}", latestVersion="9") for number in range(27)))
    rows(service, "/environments/e0/versions", version("1", image="mcr/x/img:1", condaFile="c"), version("2"))
    service.on("GET", "/environments/e1/versions", REFUSED)
    found = listing.environments(cloud, SCOPE).items
    assert [item.label for item in found[:3]] == ["e0:2", "e0:1", "e1"]
    assert found[1].detail == "img:1; with a conda file" and found[0].detail == ""
    assert len(found) == 28 and found[-1].label == "e26" and service.count("GET", "/versions") == 25


def test_twenty_versions_of_an_environment_are_listed(service: Service, cloud: Any) -> None:
    rows(service, r"/environments\?", version("e", latestVersion="30"))
    rows(service, "/environments/e/versions", *(version(str(number)) for number in range(30, 0, -1)))
    assert len(listing.environments(cloud, SCOPE).items) == 20


def test_private_endpoints(service: Service, cloud: Any) -> None:
    state = {"privateLinkServiceConnectionState": {"status": "Approved"}, "privateEndpoint": {"id": "/x/pe"}}
    rows(service, "/privateEndpointConnections", {"name": "c", "properties": state}, {"name": "d"})
    found = [(item.value, item.detail) for item in listing.private_endpoints(cloud).items]
    assert found == [("pe", "approved"), ("d", "unknown state")]


@pytest.mark.parametrize(("count", "items", "limited"), [(0, 0, False), (999, 999, False), (1000, 1000, False),
                                                        (1001, 1000, True)])  # fmt: skip
def test_a_list_has_at_most_a_thousand_items(count: int, items: int, limited: bool) -> None:
    found = listing.listed("They", lambda: [Item("", "")] * count, "none")
    assert len(found.items) == items and ("first 1000" in found.reason) is limited
    assert (found.reason == "none") is (count == 0)


@pytest.mark.parametrize(
    ("status", "cause", "words", "typed"),
    [
        (403, "Private Link", "private endpoint only", False),
        (403, "x", "no role", True),
        (404, "private link", "title", False),
        (500, "private link", "title", True),
        (None, "x", "title", True),
    ],
)
def test_why_there_is_no_list(status: int | None, cause: str, words: str, typed: bool) -> None:
    found = listing.why_not("They", CloudError("Title.", cause, status=status))
    assert words in found and ("type the value" in found) is typed
    assert found.endswith(".") and not found.endswith("..") and found.startswith("They cannot be listed")


def test_several_paths_are_read_in_order() -> None:
    assert listing.each(str.upper, ["a", "b", "c"], 2) == ["A", "B", "C"] and listing.each(str.upper, []) == []


# Names of endpoints in the region


def test_a_name_in_the_region(service: Service, cloud: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    others = [place("one", "g1"), place("two", "g2", location="East US"), place("away", "g3", location="westus"),
              {"location": "eastus"}, {**place("workspace"), "id": WORKSPACE.id.upper()}]  # fmt: skip
    rows(service, IN_ALL, *others)
    service.on("GET", "/workspaces/one/onlineEndpoints", REFUSED)
    found = endpoint_names.look(cloud, "churn")
    assert (found.state, found.asked, found.silent, found.reason) == ("unseen", 1, 1, "")
    service.on("GET", "/workspaces/two/onlineEndpoints/churn", Reply(200, {}))
    found = endpoint_names.look(cloud, "churn")
    assert (found.state, found.workspace, found.resource_group, found.asked, found.silent) == (
        "taken",
        "two",
        "g2",
        1,
        1,
    )
    assert service.count("GET", "/workspaces/away/") == 0
    service.on("GET", f"{WORKSPACE.id}/onlineEndpoints/churn", Reply(200, {}))
    assert endpoint_names.look(cloud, "churn").state == "yours"
    monkeypatch.setattr(endpoint_names, "SECONDS", -1.0)
    found = endpoint_names.elsewhere(cloud, "churn")
    assert (found.state, found.asked, found.silent) == ("unseen", 0, 2)
    monkeypatch.undo()
    service.on("GET", IN_ALL, REFUSED)


def test_at_most_forty_workspaces_are_asked(service: Service, cloud: Any) -> None:
    rows(service, IN_ALL, *(place(f"w{number}") for number in range(42)))
    found = endpoint_names.elsewhere(cloud, "churn")
    assert (found.asked, found.silent) == (40, 2)
    service.on("GET", IN_ALL, REFUSED)
    assert "no role" in endpoint_names.elsewhere(cloud, "churn").reason


# Sizes


def quota(name: str, limit: int, used: int, kind: str = "x/dedicatedCores") -> dict[str, Any]:
    return {"type": kind, "name": {"value": name}, "limit": limit, "currentValue": used}


def test_quota_left_by_family(service: Service, cloud: Any) -> None:
    rows(service, "/usages", quota("FamA", 10, 4), quota("famA", 8, 3), quota("famA", 20, 0), quota("famB", 4, 9),
         quota("famC", 1, 0, "x/totalDedicatedCores"), quota("famD", 1, 0, "other"))  # fmt: skip
    assert sizes.quota_left(cloud) == {"fama": 5, "famb": 0}
    service.on("GET", "/usages", REFUSED)
    assert sizes.quota_left(cloud) is None


KNOWN = table.sizes()[0]


def test_the_sizes_that_the_region_offers(service: Service, cloud: Any) -> None:
    rows(service, "/usages", quota(KNOWN.family, 1000, 0))
    live = [{"name": KNOWN.name, "supportedComputeTypes": ["mir"]}, {"name": "New", "supportedComputeTypes": ["MIR"],
            "family": "fam", "vCPUs": 4, "gpus": 1, "memoryGB": 8, "maxResourceVolumeMB": 2048, "supportsIB": True},
            {"name": "Other", "supportedComputeTypes": ["AmlCompute"]}, {"name": "Odd"}]  # fmt: skip
    rows(service, "/vmSizes", *live)
    first, new = sizes.offers(cloud)
    assert (first.name, first.offered, first.fits) == (KNOWN.name, True, True) and "no quota" not in first.reason
    assert (new.name, new.cores, new.gpus, new.memory_gib, new.quota_left, new.fits) == ("New", 4, 1.0, 8.0, None, None)
    assert "no quota for the family fam" in new.reason
    service.on("GET", "/vmSizes", Reply(200, {"amlCompute": [{"name": KNOWN.name}]}))
    assert [offer.offered for offer in sizes.offers(cloud)] == [True]
    rows(service, "/vmSizes", {"name": KNOWN.name, "supportedComputeTypes": ["AmlCompute"]})
    (not_here,) = sizes.offers(cloud)
    assert (not_here.offered, not_here.fits) == (False, False) and "not available" in not_here.reason
    for reply in (REFUSED, Reply(200, {}), Reply(200, None)):
        service.on("GET", "/vmSizes", reply)
        assert len(sizes.offers(cloud)) == len(table.sizes())


def test_the_quota_counts_for_all_instances(service: Service, cloud: Any) -> None:
    needed = table.quota_needed(KNOWN, 3)
    rows(service, "/vmSizes", {"name": KNOWN.name, "supportedComputeTypes": ["MIR"]})
    for left, fits in ((needed, True), (needed - 1, False)):
        rows(service, "/usages", quota(KNOWN.family, left, 0))
        (found,) = sizes.offers(cloud, 3)
        assert (found.fits, found.quota_left, found.quota_needed) == (fits, left, needed)
    service.on("GET", "/usages", REFUSED)
    (found,) = sizes.offers(cloud, 3)
    assert (found.fits, found.quota_left) == (None, None) and "did not report" in found.reason
    spare = sizes._from_live({"name": "x"})
    assert (spare.memory_gib, spare.temp_disk_gib, spare.cores, spare.infiniband) == (None, None, 0, False)
    assert sizes._from_live({"maxResourceVolumeMB": 2048}).temp_disk_gib == 2


# Prices


@pytest.mark.parametrize(
    ("change", "counted"),
    [
        ({}, True), ({"type": "Reservation"}, False), ({"type": None}, False), ({"unitOfMeasure": "1 Day"}, False),
        ({"retailPrice": 0}, False), ({"retailPrice": 1}, True), ({"retailPrice": "1"}, False), ({"retailPrice": None},
        False),
        ({"skuName": "D2 SPOT"}, False), ({"meterName": "D2 Low Priority"}, False), ({"productName": "x Windows"},
        False),
        ({"productName": "Cloud Services"}, False), ({"productName": "Dedicated Host"}, False),
    ],
)  # fmt: skip
def test_only_a_plain_linux_machine_by_the_hour_counts(change: dict[str, Any], counted: bool) -> None:
    item = {"skuName": "D2", "meterName": "D2", "productName": "D", "type": "Consumption", "unitOfMeasure": "1 Hour",
            "retailPrice": 0.5}  # fmt: skip
    assert prices._is_linux_on_demand({**item, **change}) is counted
    del item["type"]
    assert prices._is_linux_on_demand(item)


@pytest.mark.parametrize(
    ("private", "managed", "extras"), [(False, False, 1), (True, False, 2), (False, True, 2), (True, True, 3)]
)
def test_an_estimate_from_the_table(private: bool, managed: bool, extras: int) -> None:
    amount = table.price_per_hour("Standard_DS3_v2", "eastus")
    assert amount is not None
    found = prices.estimate("Standard_DS3_v2", 2, "East US", private=private, managed_network=managed, ask=False)
    assert (found.hour, found.month) == (round(amount * 2, 4), round(amount * 2 * 730, 2))
    assert (found.source, found.region, len(found.extras)) == ("table", "eastus", extras) and found.dated
    unknown = prices.estimate("Nothing", 2, "", private=private, managed_network=managed)
    assert (unknown.hour, unknown.month, unknown.source, unknown.dated) == (None, None, "none", "")
    assert unknown.currency == table.price_currency() and "this region" in unknown.note


def test_odd_sizes_and_regions_are_not_asked_for(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(prices, "_fetched", lambda size, region, address: asked.append(size) or 0.25)
    monkeypatch.setattr(prices, "_silent", {"silent": 1e12})
    env = {"AML_DEPLOY_CACHE": str(tmp_path)}
    for size, region in (("a'b", "eastus"), ("Standard_X", "east-us"), ("Standard_X", ""), ("", "eastus")):
        assert prices._asked(size, region, "address", env) is None and asked == []
    assert prices._asked("Standard_X", "eastus", "silent", env) is None and asked == []
    found = prices._asked("Standard_X", "eastus", "address", env)
    assert found is not None and (found.amount, found.currency, found.source, asked) == (
        0.25,
        "USD",
        "api",
        ["Standard_X"],
    )
    assert prices._asked("Standard_X", "eastus", "silent", env) == found, "kept for a day"
