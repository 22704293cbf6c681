"""What is read of a workspace and its surroundings: identities, autoscale, usage, network."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoint_identity, scaling
from tui.cloud.errors import CloudError
from tui.cloud.http import connections
from tui.cloud.workspace import limits, workspace


@pytest.mark.parametrize(
    ("body", "permitted"), [({}, ""), ({"properties": {"principalId": "p"}}, "p"), ({"properties": None}, ""), ([], "")]
)
def test_a_user_assigned_identity(service: Service, cloud: Any, body: Any, permitted: str) -> None:
    service.on("GET", "/identities/i", Reply(200, body))
    assert endpoint_identity.read(cloud, "/identities/i").object_id == permitted


@pytest.mark.parametrize(
    ("status", "code", "missing"),
    [(404, "ResourceNotFound", True), (404, "ResourceGroupNotFound", True), (404, "InvalidResourceType", False),
     (403, "ResourceNotFound", False)],
)  # fmt: skip
def test_an_identity_that_does_not_exist(service: Service, cloud: Any, status: int, code: str, missing: bool) -> None:
    service.on("GET", "/identities/i", Reply(status, {"error": {"code": code}}))
    with pytest.raises(CloudError) as caught:
        endpoint_identity.read(cloud, "/identities/i")
    assert (caught.value.code == endpoint_identity.MISSING) is missing


def test_the_permissions_of_an_identity(service: Service, cloud: Any) -> None:
    roles = [{"properties": {"roleDefinitionId": "/role/a"}}, {"properties": {"roleDefinitionId": "/role/a"}}, {}]
    service.on("GET", "/scope/providers", Reply(200, {"value": roles}))
    service.on("GET", "/role/a", Reply(200, {"properties": {"permissions": [{"actions": ["x/read"]}]}}))
    (found,) = endpoint_identity.held(cloud, "/scope", "oid")
    assert found.allows("x/read") and not found.allows("x/write") and not found.allows("x/read", data=True)
    assert service.count("GET", "/role/a") == 1


def setting(target: str, **properties: Any) -> dict[str, Any]:
    return {"name": "s", "properties": {"targetResourceUri": target, **properties}}


def test_autoscale_settings_of_the_endpoint_only(service: Service, cloud: Any) -> None:
    profile = {"capacity": {"minimum": "1", "maximum": "x"}}
    rows = [setting("/E/Deployments/blue", enabled=True, profiles=[profile, {}]), setting("/e/deployments/green"),
            setting("/e2/deployments/red"), setting("/e/deployments/odd", profiles=[None], enabled=False)]  # fmt: skip
    service.on("GET", "/autoscaleSettings", Reply(200, {"value": rows}))
    found = [(one.deployment, one.enabled, one.minimum, one.maximum) for one in scaling.autoscale(cloud, "/e")]
    assert found == [("blue", True, 1, 0), ("green", True, 0, 0), ("odd", False, 0, 0)]
    assert scaling.told_of({"systemData": {"createdBy": "ann"}})["created_by"] == "ann"
    assert set(scaling.told_of({}).values()) == {""}


def usage(name: str, limit: Any, used: Any = 1, kind: str = "") -> dict[str, Any]:
    return {"type": kind, "name": {"value": name}, "limit": limit, "currentValue": used}


def test_usage_of_the_region(service: Service, cloud: Any) -> None:
    rows = [usage("Online Endpoints", 100, None), usage("onlineDeployments", -1), usage("totalDedicatedCores", 0, 5),
            usage("onlineEndpoints", 7), usage("x", None)]  # fmt: skip
    service.on("GET", "/locations/eastus/usages", Reply(200, {"value": rows}))
    found = limits.usage(cloud)
    assert found.endpoints == limits.Counted(0, 100) and found.endpoints.left == 100
    assert found.deployments is None and found.all_cores == limits.Counted(5, 0) and found.all_cores.left == 0
    rows = [usage("FamA", 4, kind="X/Cores"), {"limit": 2.0}]
    service.on("GET", "/locations/eastus/usages", Reply(200, {"value": rows}))
    told = [("x/cores", "fama", limits.Counted(1, 4)), ("", "", limits.Counted(0, 2))]
    assert list(limits.counted(cloud, "x")) == told


@pytest.mark.parametrize(
    ("network", "access", "isolation", "rules"),
    [
        (None, "Enabled", "public", None),
        (None, "Disabled", "legacy", None),
        (None, None, "public", None),
        ({"isolationMode": "AllowInternetOutbound", "status": {"status": "Active"}}, "Disabled", "managed_network", {}),
        ({"isolationMode": "AllowOnlyApprovedOutbound", "outboundRules": {"a": {}, "b": "x"}}, "Enabled",
         "managed_network", {"a": {}}),
        ({"isolationMode": "Disabled"}, "Disabled", "legacy", None),
        ({"status": {}}, "Enabled", "public", None),
        ("text", "Enabled", "public", None),
    ],
)  # fmt: skip
def test_the_network_of_a_workspace(
    service: Service, cloud: Any, network: Any, access: str | None, isolation: str, rules: Any
) -> None:
    properties = {"managedNetwork": network, "publicNetworkAccess": access, "discoveryUrl": "https://d.x/y"}
    service.on("GET", r"/workspaces/workspace\?", Reply(200, {"properties": properties}))
    found = workspace.read(cloud)
    assert (found.isolation, found.outbound_rules, found.public_network_access) == (
        isolation,
        rules,
        access or "Enabled",
    )
    assert (found.id, found.name, found.location, found.api_host) == (WORKSPACE.id, "workspace", "", "d.x")
    assert (found.private_endpoints_told, found.image_build_compute, found.v1_legacy_mode) == (False, None, False)
    mode = network.get("isolationMode") if isinstance(network, dict) else None
    assert (found.managed_network is not None) is bool(mode)
    status = (found.managed_network or {}).get("status")
    assert status == ("Active" if mode == "AllowInternetOutbound" else None)


def test_private_endpoint_connections() -> None:
    pending = {"properties": {"privateLinkServiceConnectionState": {"status": "Pending"}}, "name": "n"}
    named = {"properties": {"privateEndpoint": {"id": "/x/pe"}}, "name": "m"}
    assert workspace.connections([pending, named, {}]) == {"n": "Pending", "pe": "", "?": ""}
    assert workspace.connections(None) == {} and workspace.connections("x") == {}


def test_the_page_of_the_studio_or_of_the_portal(cloud: Any) -> None:
    assert workspace.portal_url(cloud) == f"https://portal.azure.loopback.test/#resource{WORKSPACE.id}"
    from tui.cloud.clouds import BUILT_IN

    cloud.metadata = BUILT_IN["AzureCloud"]
    assert workspace.portal_url(cloud) == f"https://ml.azure.com/home?wsid={WORKSPACE.id}"
    assert workspace.portal_url(cloud, "a b").startswith("https://ml.azure.com/endpoints/realtime/a%20b/detail?wsid=")


def test_a_page_in_the_place_of_the_workspace_is_an_error(service: Service, cloud: Any) -> None:
    for body in ([], {"id": "x"}):
        service.on("GET", r"/workspaces/workspace\?", Reply(200, body))
        with pytest.raises(CloudError):
            cloud.read_workspace()
    assert connections.READ_SECONDS == 60 and connections.CONNECT_SECONDS == 10
    cloud.remember_location("westeurope")
    assert cloud.location == "westeurope"
    assert cloud.for_plan(cloud.plan).location == "westeurope", "copies share what is known"
