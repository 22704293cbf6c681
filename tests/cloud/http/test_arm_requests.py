"""Requests to Resource Manager: what is an answer, what is an error, what is somebody else's change."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.endpoints import endpoint_identity, scaling
from tui.cloud.errors import CloudError, OperationFailed
from tui.cloud.http import arm, operation
from tui.cloud.http.arm import Answer, _made_by
from tui.cloud.http.operation import Operation
from tui.cloud.http.retry_policy import POLICIES, RetryPolicy
from tui.cloud.workspace import limits, workspace

PATH = "/subscriptions/s/x"


@pytest.mark.parametrize(
    ("sent", "found", "ours"),
    [
        ({"properties": {}}, {}, True),
        ({}, {}, True),
        (None, {}, False),
        ("text", {}, False),
        ({"properties": {"authMode": "Key"}}, {"properties": {"authMode": "key"}}, True),
        ({"properties": {"authMode": "Key"}}, {"properties": {"authMode": "AMLToken"}}, False),
        ({"properties": {"authMode": "Key"}}, {"properties": {}}, False),
        ({"properties": {"authMode": None}}, {"properties": {"authMode": "Key"}}, True),
        ({"properties": {"description": "a"}}, {"properties": {"description": "b"}}, True),
        ({"properties": {"traffic": {"Blue": 100, "green": 0}}}, {"properties": {"traffic": {"blue": 100}}}, True),
        ({"properties": {"traffic": {"blue": 100}}}, {"properties": {"traffic": {"blue": 90}}}, False),
        ({"properties": {"traffic": {}}}, {"properties": {}}, True),
        ({"properties": {"mirrorTraffic": {"blue": 10}}}, {"properties": {}}, False),
        ({"properties": {"authMode": "Key", "traffic": {"a": 1}}},
         {"properties": {"authMode": "x", "traffic": {"a": 1}}}, False),
        ({"sku": {"capacity": 2}}, {"sku": {"capacity": 2}}, True),
        ({"sku": {"capacity": 2}}, {"sku": {"capacity": 3}}, False),
        ({"sku": {"capacity": 2}}, {}, False),
        ({}, {"sku": {"capacity": 3}}, True),
        ({"tags": {"a": 1}}, {"tags": {"a": "1", "b": "2"}}, True),
        ({"tags": {"a": 1}}, {"tags": {"a": "2"}}, False),
        ({"tags": {"a": 1}}, {}, False),
    ],
)  # fmt: skip
def test_a_resource_is_known_as_the_result_of_a_request(sent: Any, found: dict[str, Any], ours: bool) -> None:
    assert _made_by(sent, found) is ours


RESOURCE = {"properties": {"provisioningState": "Updating", "authMode": "Key"}}
WANTED = {"properties": {"authMode": "Key"}}


@pytest.mark.parametrize(
    ("method", "reply", "body", "status"),
    [
        ("PUT", Reply(200, RESOURCE), WANTED, 201),
        ("PUT", Reply(200, RESOURCE), {"properties": {"authMode": "AMLToken"}}, None),
        ("PUT", Reply(404, {}), WANTED, None),
        ("PUT", Reply(200, {"properties": None}), WANTED, None),
        ("PUT", Reply(200, []), WANTED, None),
        ("PUT", Reply(403, RESOURCE), WANTED, None),
        ("DELETE", Reply(404, {}), None, 204),
        ("DELETE", Reply(200, RESOURCE), None, None),
        ("DELETE", Reply(200, {"properties": {"provisioningState": "Deleting"}}), None, 202),
        ("PUT", Reply(200, {"properties": {"provisioningState": "Deleting"}}), WANTED, None),
    ],
)
def test_a_change_whose_response_was_lost_is_found(
    service: Service, cloud: Any, method: str, reply: Reply, body: Any, status: int | None
) -> None:
    service.on("GET", PATH, reply)
    found = cloud.arm.begun_already(method, PATH, "v", body)
    assert (found and found.status) == status
    assert found is None or found.headers == {}


def test_the_address_of_the_last_operation_is_in_the_resource(service: Service, cloud: Any) -> None:
    properties = {**RESOURCE["properties"], "properties": {"AzureAsyncOperationUri": "https://o"}}
    service.on("GET", PATH, Reply(200, {"properties": properties}))
    assert cloud.arm.begun_already("PUT", PATH, "v", WANTED).headers == {"Azure-AsyncOperation": "https://o"}


@pytest.mark.parametrize(
    ("raw", "body"), [(b'{"a": 1}', {"a": 1}), (b"", None), (b"null", None), (b"<html>", "<html>"), (b"[]", [])]
)
def test_the_body_of_an_answer(service: Service, cloud: Any, raw: bytes, body: Any) -> None:
    service.on("GET", PATH, Reply(200, raw))
    assert cloud.arm.ask("GET", PATH, "v").body == body


@pytest.mark.parametrize(("status", "raised"), [(399, False), (400, True), (404, True)])
def test_a_status_of_400_is_an_error(service: Service, cloud: Any, status: int, raised: bool) -> None:
    service.on("GET", PATH, Reply(status, {}))
    assert cloud.arm.ask("GET", PATH).status == status
    assert "api-version" not in service.requests[-1][1]
    if raised:
        with pytest.raises(CloudError) as caught:
            cloud.arm.call("GET", PATH, doing="looking")
        assert caught.value.status == status and caught.value.title.endswith("while looking")
    else:
        assert cloud.arm.call("GET", PATH, "v1").status == status
        assert "api-version=v1" in service.requests[-1][1]


@pytest.mark.parametrize(
    ("status", "code", "none"),
    [(404, "ResourceNotFound", True), (404, "ResourceGroupNotFound", False), (404, "SubscriptionNotFound", False),
     (404, "ParentResourceNotFound", False), (403, "ResourceNotFound", False)],
)  # fmt: skip
def test_a_missing_parent_is_an_error_and_a_missing_resource_is_none(
    service: Service, cloud: Any, status: int, code: str, none: bool
) -> None:
    service.on("GET", PATH, Reply(status, {"error": {"code": code}}))
    if none:
        assert cloud.arm.find(PATH, "v") is None
    else:
        with pytest.raises(CloudError):
            cloud.arm.find(PATH, "v")


def test_pages_are_followed_and_odd_items_left_out(service: Service, cloud: Any) -> None:
    service.on("GET", PATH, Reply(200, []))
    assert cloud.arm.find(PATH, "v") == {} and list(cloud.arm.items(PATH, "v")) == []
    service.on("GET", "page=2", Reply(200, {"value": None}))
    service.on("GET", PATH + r"\?api", Reply(200, {"value": [{"a": 1}, "x"], "nextLink": f"{service.url}/p?page=2"}))
    assert list(cloud.arm.items(PATH, "v")) == [{"a": 1}]
    assert service.count("GET", "page=2") == 1


def test_only_a_lost_response_makes_a_conflict_ones_own(service: Service, cloud: Any) -> None:
    service.on("PUT", PATH, Reply(409, {}))
    service.on("GET", PATH, Reply(200, RESOURCE))
    with pytest.raises(CloudError):
        cloud.arm.call("PUT", PATH, "v", body=WANTED)
    service.on("GET", PATH, Reply(500, {}))
    before = service.count("GET", PATH)
    with pytest.raises(CloudError):
        cloud.arm.call("GET", PATH, "v", retry=False)
    assert service.count("GET", PATH) == before + 1


# Operations, polled by hand


class Script:
    """Resource Manager as an operation sees it: answers in turn."""

    def __init__(self, *answers: Answer) -> None:
        self.answers, self.asked = list(answers), []

    def ask(self, method: str, path: str, version: str | None = None, **options: Any) -> Answer:
        self.asked.append(path)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def call(self, *args: Any, **options: Any) -> Answer:
        return self.ask(*args)


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operation, "_FIRST", 0.0)
    monkeypatch.setattr(operation, "_SHARE", 0.0)
    monkeypatch.setitem(POLICIES, "operation", RetryPolicy((0.0,)))


def state(name: str, status: int = 200) -> Answer:
    return Answer(status, {}, {"properties": {"provisioningState": name}})


def begun(started: Answer, *answers: Answer, deletes: bool = False) -> tuple[Operation[str], Script]:
    script = Script(*(answers or (Answer(500, {}, None),)))
    return Operation(script, started, "/r", "v", lambda: "made", "the thing", deletes), script  # type: ignore[arg-type]


ASYNC = {"Azure-AsyncOperation": "https://s/operations/1"}
AT = {"Location": "https://s/operations/1"}


@pytest.mark.parametrize(
    ("started", "done", "failed"),
    [
        (Answer(204, {}, None), True, False),
        (Answer(200, {}, None), True, False),
        (state("Succeeded"), True, False),
        (state("Succeeded", 201), True, False),
        (state("Updating"), False, False),
        (state("Failed"), True, True),
        (Answer(201, {}, None), False, False),
        (Answer(200, ASYNC, state("Succeeded").body), False, False),
        (Answer(201, ASYNC, state("Failed").body), False, False),
        (Answer(202, AT, None), False, False),
    ],
)
def test_an_operation_may_have_ended_when_it_is_accepted(started: Answer, done: bool, failed: bool) -> None:
    running, _ = begun(started, state("Updating"))
    assert running._done is done and (running._failure is not None) is failed


@pytest.mark.parametrize(
    ("started", "answers", "polls"),
    [
        (Answer(202, ASYNC, None), [Answer(200, {}, {"status": "Updating"}), Answer(200, {}, {"status": "Succeeded"})], 2),
        (Answer(202, {"Operation-Location": "https://s/o"}, None), [Answer(200, {}, {"status": "Active"})], 1),
        (Answer(202, AT, None), [Answer(202, {}, None), Answer(204, {}, None)], 2),
        (Answer(202, AT, None), [Answer(200, {}, {"status": "Updating"}), Answer(200, {}, {"status": "Succeeded"})], 2),
        (Answer(202, AT, None), [state("Updating"), state("Succeeded")], 2),
        (state("Creating", 201), [state("Updating"), state("succeeded")], 2),
        (Answer(202, ASYNC, None), [Answer(200, {}, []), Answer(200, {}, {"status": "Succeeded"})], 2),
        (Answer(202, ASYNC, None), [Answer(404, {}, None), state("Succeeded")], 2),
        (Answer(202, AT, None), [Answer(404, {}, None), state("Succeeded")], 2),
        (Answer(202, ASYNC, None), [Answer(500, {}, None)] * 3 + [Answer(200, {}, {"status": "Succeeded"})], 4),
        (Answer(202, ASYNC, None), [Answer(401, {}, None)] * 3 + [Answer(200, {}, {"status": "Succeeded"})], 4),
    ],
)
def test_an_operation_is_polled_to_its_end(started: Answer, answers: list[Answer], polls: int) -> None:
    running, script = begun(started, *answers)
    assert running.result() == "made" and len(script.asked) == polls


@pytest.mark.parametrize(
    ("answers", "status"),
    [([Answer(401, {}, None)] * 4, 401), ([Answer(403, {}, None)], 403), ([Answer(400, {}, None)], 400),
     ([Answer(405, {}, None)], 405), ([Answer(401, {}, None)] * 3 + [Answer(500, {}, None), Answer(403, {}, None)], 403)],
)  # fmt: skip
def test_a_refused_poll_ends_it(answers: list[Answer], status: int) -> None:
    running, script = begun(Answer(202, ASYNC, None), *answers)
    with pytest.raises(CloudError) as caught:
        running.result()
    assert caught.value.status == status and len(script.asked) == len(answers)


@pytest.mark.parametrize(("deletes", "ok"), [(True, True), (False, False)])
def test_a_resource_that_is_gone_ends_a_removal_only(deletes: bool, ok: bool) -> None:
    running, _ = begun(state("Deleting", 202), Answer(404, {}, None), deletes=deletes)
    if ok:
        assert running.result() == "made"
    else:
        with pytest.raises(CloudError):
            running.result()


@pytest.mark.parametrize(("patience", "raised"), [(-1.0, True), (60.0, False)])
def test_silence_is_borne_for_a_while(monkeypatch: pytest.MonkeyPatch, patience: float, raised: bool) -> None:
    monkeypatch.setattr(operation, "_PATIENCE", patience)
    running, _ = begun(Answer(202, ASYNC, None), Answer(500, {}, None), Answer(200, {}, {"status": "Succeeded"}))
    if raised:
        with pytest.raises(CloudError):
            running.result()
    else:
        assert running.result() == "made"


@pytest.mark.parametrize(
    ("status", "outcome"), [("Failed", "Failed"), ("Canceled", "Canceled"), ("cancelled", "Canceled")]
)
@pytest.mark.parametrize(
    ("body", "resource", "code", "message"),
    [
        ({"error": {"code": "A", "message": "why"}}, {}, "A", "why"),
        ({}, {"error": {"code": "B", "message": "own"}}, "B", "own"),
        ({}, {"properties": {"error": {"code": "C", "message": "inner"}}}, "C", "inner"),
        ({}, {"properties": None}, None, "gave no reason"),
        ({"error": "text"}, [], None, "gave no reason"),
    ],
)
def test_a_failure_has_the_services_reason(
    status: str, outcome: str, body: dict[str, Any], resource: Any, code: str | None, message: str
) -> None:
    headers = {**ASYNC, "x-ms-request-id": "put"}
    failed = Answer(200, {"x-ms-request-id": "poll"}, {"status": status, **body})
    running, _ = begun(Answer(202, headers, None), failed, Answer(200, {}, resource))
    with pytest.raises(OperationFailed) as caught:
        running.result()
    assert (caught.value.outcome, caught.value.code) == (outcome, code) and message in caught.value.message
    assert caught.value.request_ids == ["put", "poll"] and caught.value.title.startswith("The thing")
    assert running.state == status


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        (ASYNC, ASYNC),
        ({"Operation-Location": "https://o"}, {"Operation-Location": "https://o"}),
        (AT, AT),
        ({**ASYNC, **AT}, ASYNC),
        ({"Location": "https://s/r"}, {}),
        ({"Location": "https://s/R/operations/1"}, {"Location": "https://s/R/operations/1"}),
        ({}, {}),
    ],
)
def test_another_process_can_follow_it(headers: dict[str, str], expected: dict[str, str]) -> None:
    running, _ = begun(Answer(202, headers, None), state("Updating"))
    assert running.started == expected


def test_the_service_may_wish_a_pause_and_a_wait_has_an_end() -> None:
    running, script = begun(Answer(202, {**ASYNC, "Retry-After": "3600"}, None), Answer(200, {}, {"status": "Succeeded"}))
    assert running.wait(0.01) is False and script.asked == []
    running._next = 0
    assert running.wait(0) is True and len(script.asked) == 1


@pytest.mark.parametrize(
    ("elapsed", "seconds"), [(0.0, 0.1), (3.0, 0.1), (10.0, 0.3), (33.0, 0.99), (34.0, 1.0), (1000.0, 1.0)]
)
def test_long_operations_are_polled_less_often(
    monkeypatch: pytest.MonkeyPatch, elapsed: float, seconds: float
) -> None:
    monkeypatch.undo()
    running, _ = begun(Answer(202, ASYNC, None))
    monkeypatch.setattr(operation, "time", SimpleNamespace(monotonic=lambda: running._began + elapsed))
    assert running._until_next(Answer(200, {}, None)) == pytest.approx(seconds)
    assert running._until_next(Answer(200, {"Retry-After": "7"}, None)) == 7


# Small readers of Resource Manager


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
            setting("/e2/deployments/red"), setting("/e/deployments/odd", profiles=[None])]  # fmt: skip
    service.on("GET", "/autoscaleSettings", Reply(200, {"value": rows}))
    found = [(one.deployment, one.enabled, one.minimum, one.maximum) for one in scaling.autoscale(cloud, "/e")]
    assert found == [("blue", True, 1, 0), ("green", False, 0, 0), ("odd", False, 0, 0)]
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
    assert len(list(limits.counted(cloud, "x"))) == 4


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
    assert (found.isolation, found.outbound_rules, found.public_network_access) == (isolation, rules, access or "Enabled")
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
    assert arm.READ_SECONDS == 60 and arm.CONNECT_SECONDS == 10
    cloud.remember_location("westeurope")
    assert cloud.location == "westeurope"
    assert cloud.for_plan(cloud.plan).location == "westeurope", "copies share what is known"
