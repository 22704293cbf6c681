"""What surrounds Azure's SDK: its versions, tokens, transport, clouds, and names of private DNS zones."""

from __future__ import annotations

import logging
import os
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud import clouds, ml_client
from tui.cloud.assets import base_images
from tui.cloud.clouds import BUILT_IN
from tui.cloud.endpoints.error_in_200 import error_in_200
from tui.cloud.errors import CloudError
from tui.cloud.http import sdk_client, sdk_import, sdk_logging
from tui.cloud.http.arm import Answer
from tui.cloud.http.dns_zones import PrivateName, inference_probe, is_address, is_private, private_name
from tui.plan.sdk_entities import Entity

PUBLIC = BUILT_IN["AzureCloud"]


@pytest.mark.parametrize(
    ("installed", "newer"),
    [("1.35.2", False), ("1.35", False), ("1.36.0", True), ("1.9.0", False), ("2.0.0", True), ("1.36rc1", False)],
)
def test_a_newer_version_than_the_tested_ones_is_told(
    monkeypatch: pytest.MonkeyPatch, installed: str, newer: bool
) -> None:
    monkeypatch.setattr(sdk_import, "version", lambda name: installed)
    assert sdk_import.newer_than_tried() == (installed if newer else "")


def test_registries_are_not_called() -> None:
    with pytest.raises(LookupError):
        str(sdk_client._NotAsked())


def test_the_libraries_say_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("TQDM_DISABLE", "OTEL_SDK_DISABLED", "AZURE_CORE_COLLECT_TELEMETRY"):
        monkeypatch.setenv(name, os.environ.get(name, ""))
    sdk_logging.before_import()
    quiet, child = logging.getLogger("azure"), logging.getLogger("azure.some.module")
    assert os.environ["TQDM_DISABLE"] == "1"
    child.addHandler(logging.StreamHandler())
    child.setLevel(logging.DEBUG)
    child.propagate = False
    other = logging.getLogger("mine.azure")
    kept = logging.StreamHandler()
    other.addHandler(kept)
    sdk_logging.after_import()
    assert child.handlers == [] and child.level == logging.NOTSET and child.propagate
    assert other.handlers == [kept]
    other.removeHandler(kept)
    sdk_logging.before_import()
    assert (quiet.level, quiet.propagate) == (logging.CRITICAL, False)
    assert [type(handler) for handler in quiet.handlers] == [logging.NullHandler]


@pytest.mark.parametrize(
    ("environ", "name"),
    [
        ({}, "AzureCloud"), ({"AZUREML_CURRENT_CLOUD": "AzureChinaCloud"}, "AzureChinaCloud"),
        ({"AZUREML_CURRENT_CLOUD": "AzureUSGovernment https://x"}, "AzureUSGovernment"),
        ({"AZUREML_CURRENT_CLOUD": "Other"}, "AzureCloud"),
        ({"ARM_CLOUD_METADATA_URL": ""}, "AzureCloud"),
    ],
)  # fmt: skip
def test_a_built_in_cloud(environ: dict[str, str], name: str) -> None:
    found = clouds.current(environ)
    assert (found.name, found.built_in) == (name, True)
    assert found.management_scope == f"{found.resource_manager}/.default" and found.ml_scope.endswith("/.default")


ENTRY = {
    "name": "Own", "portal": "https://portal.own.example/", "resourceManager": "https://arm.example/",
    "authentication": {"loginEndpoint": "https://login.example/"}, "suffixes": {"storage": "s.example"},
}  # fmt: skip


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ([ENTRY], "Own"), (ENTRY, "Own"), ([{}, "x", None, {**ENTRY, "authentication": None}, ENTRY], "Own"),
        ([{**ENTRY, "name": "AzureCloud"}], "AzureCloud"), ([{**ENTRY, "resourceManager": "https://other"}], None),
        ([], None),
    ],
)  # fmt: skip
def test_another_cloud_by_its_metadata(body: Any, name: str | None) -> None:
    answer = SimpleNamespace(raise_for_status=lambda: None, json=lambda: body)
    waits: list[Any] = []
    session: Any = SimpleNamespace(get=lambda url, timeout, allow_redirects: waits.append(timeout) or answer)
    environ = {"ARM_CLOUD_METADATA_URL": "https://arm.example/metadata"}
    if name is None:
        with pytest.raises(CloudError):
            clouds.current(environ, session)
        return
    found = clouds.current(environ, session)
    assert (found.name, found.built_in, waits) == (name, name == "AzureCloud", [(10, 30)])
    if name == "Own":
        assert (found.resource_manager, found.login) == ("https://arm.example", "https://login.example")
        assert (found.ml_resource, found.studio) == ("https://ml.azure.example", "")


def test_metadata_that_cannot_be_read() -> None:
    def broken(url: str, timeout: Any, allow_redirects: bool) -> Any:
        raise OSError("x")

    session: Any = SimpleNamespace(get=broken)
    with pytest.raises(CloudError):
        clouds.current({"ARM_CLOUD_METADATA_URL": "https://arm.example"}, session)


# Private DNS


@pytest.mark.parametrize(
    ("address", "private"),
    [
        ("10.0.0.1", True), ("172.15.255.255", False), ("172.16.0.0", True), ("172.31.255.255", True), ("172.32.0.0",
        False),
        ("192.168.1.1", True), ("127.0.0.1", True), ("169.254.1.1", True), ("100.64.0.1", True), ("100.128.0.1", False),
        ("8.8.8.8", False), ("fc00::1", True), ("fe80::1%eth0", True), ("::1", True), ("2001:db8::1", False),
        ("::ffff:10.0.0.1", True), ("::ffff:8.8.8.8", False), ("name", False), ("", False),
    ],
)  # fmt: skip
def test_a_private_address(address: str, private: bool) -> None:
    assert is_private(address) is private


@pytest.mark.parametrize(("host", "address"), [("10.0.0.1", True), ("[::1]", True), ("a.example", False), ("", False)])
def test_an_address_needs_no_look_up(host: str, address: bool) -> None:
    assert is_address(host) is address


@pytest.mark.parametrize(
    ("host", "zone", "record"),
    [
        ("Acc.blob.core.windows.net.", "privatelink.blob.core.windows.net", "acc"),
        ("v.vault.azure.net", "privatelink.vaultcore.azure.net", "v"),
        ("a.b.azurecr.io", "privatelink.azurecr.io", "a.b"),
        ("churn.eastus.inference.ml.azure.com", "privatelink.api.azureml.ms", "*.guid.inference.eastus"),
        ("management.azure.com", "privatelink.azure.com", "@"),
    ],
)
def test_the_private_record_of_a_host(host: str, zone: str, record: str) -> None:
    assert private_name(host, "guid") == PrivateName(zone, record)


def test_hosts_without_a_private_record() -> None:
    assert private_name("a.example") is None and private_name("notblob.core.windows.net.evil") is None
    assert private_name("xazurecr.io") is None
    unknown = private_name("e.eastus.inference.ml.azure.com")
    assert unknown is not None and unknown.record == "*.WORKSPACE-ID.inference.eastus"


@pytest.mark.parametrize(
    ("cloud", "guid", "region", "known"),
    [("AzureCloud", "G", "eastus2", True), ("AzureChinaCloud", "G", "chinaeast", True), ("Other", "G", "eastus", False),
     ("AzureCloud", None, "eastus", False), ("AzureCloud", "", "eastus", False), ("AzureCloud", "G", "East US", False),
     ("AzureCloud", "G", "", False)],
)  # fmt: skip
def test_a_name_that_only_the_wildcard_resolves(cloud: str, guid: str | None, region: str, known: bool) -> None:
    found = inference_probe(cloud, guid, region)
    assert (found is not None) is known
    assert found is None or (found[1].record == f"*.g.inference.{region}" and found[0].endswith(found[1].zone))


# Entities and operations of the SDK


def test_an_entity_is_made_with_all_below_it() -> None:
    probe = Entity("ProbeSettings", {"initial_delay": 5})
    made = ml_client.entity({"a": [probe, 1], "b": (probe,), "c": "text"})
    assert [type(one).__name__ for one in (made["a"][0], made["b"][0])] == ["ProbeSettings"] * 2
    assert (made["a"][0].initial_delay, made["a"][1], made["c"]) == (5, 1, "text")
    with pytest.raises(CloudError):
        ml_client.entity(Entity("ProbeSettings", {"nothing": 1}))


@pytest.mark.parametrize(
    ("answer", "error", "status"),
    [
        (Answer(201, {}, {"properties": {}}), None, None),
        (Answer(201, {}, {"properties": {}}), ValueError("cannot read it"), None),
        (Answer(399, {}, {}), None, None),
        (Answer(400, {}, {}, "{}"), None, 400),
        (Answer(409, {}, {}, "{}"), ValueError("x"), 409),
        (None, ValueError("never sent"), None),
        (None, None, None),
    ],
)
def test_a_change_counts_as_begun_if_the_service_has_accepted_it(
    cloud: Any, answer: Answer | None, error: Exception | None, status: int | None
) -> None:
    def ask(client: Any) -> None:
        from tui.cloud.http.sdk_transport import _local

        assert _local.watched.path == "/r/act" and _local.watched.there == frozenset({"/there"})
        _local.watched.answer = answer
        if error is not None:
            raise error

    cloud._shared.ml_client = object()

    def begin() -> Any:
        return ml_client.begin(cloud, ask, "/R", "v", lambda: "made", "it", "doing it", action="Act", there=["/There"])

    if answer is not None and answer.status < 400:
        assert begin().what == "it"
        return
    with pytest.raises(CloudError) as caught:
        begin()
    assert caught.value.status == status
    assert error is None or answer is not None or "never sent" in caught.value.cause


# Microsoft's images and environments


def test_dated_tags_are_listed_until_the_registry_fails(cloud: Any) -> None:
    assert base_images.curated_images(None).reason and base_images.curated_images(cloud).reason
    assert len(base_images.curated_images(None).items) == len(base_images.IMAGES)
    asked: list[str] = []

    def get(url: str, timeout: Any) -> Any:
        asked.append(url)
        if len(asked) == 3:
            raise OSError("x")
        return SimpleNamespace(raise_for_status=lambda: None, json=lambda: {"tags": ["20260514.v1", "latest"]})

    there: Any = SimpleNamespace(metadata=PUBLIC, http=SimpleNamespace(get=get))
    found = base_images.curated_images(there)
    assert len(asked) == 3 and "cannot be listed" in found.reason
    assert len(found.items) == len(base_images.IMAGES) + 2
    assert found.items[0].value.endswith(":20260514.v1") and found.items[1].value.endswith(":latest")


@pytest.mark.parametrize(
    ("uri", "accepted"),
    [
        ("https://westeurope.api.azureml.ms/x", True), ("http://westeurope.api.azureml.ms", False),
        ("https://evil.example", False), ("https://xapi.azureml.ms", False), ("", False),
    ],
)  # fmt: skip
def test_the_registry_must_be_the_services_own(uri: str, accepted: bool) -> None:
    body = {"primaryRegionResourceProviderUri": uri, "subscriptionId": "s", "resourceGroup": "g"}
    there: Any = SimpleNamespace(
        metadata=PUBLIC, arm=SimpleNamespace(call=lambda *args, **options: Answer(200, {}, body))
    )
    if accepted:
        found = base_images.registry(there, "azureml")
        assert found.endswith("/resourceGroups/g/providers/Microsoft.MachineLearningServices/registries/azureml")
    else:
        with pytest.raises(CloudError):
            base_images.registry(there, "azureml")


def test_curated_environments_of_a_cloud(cloud: Any) -> None:
    assert base_images.curated_environments(cloud).items == []
    rows = [{"name": "e", "properties": {"latestVersion": "1"}}, {"name": "odd"}]
    body = {"primaryRegionResourceProviderUri": "https://a.api.azureml.ms", "subscriptionId": "s", "resourceGroup": "g"}
    arm = SimpleNamespace(call=lambda *args, **options: Answer(200, {}, body), items=lambda *args: iter(rows))
    there: Any = SimpleNamespace(metadata=PUBLIC, arm=arm)
    assert [item.label for item in base_images.curated_environments(there).items] == ["e"]
    body["primaryRegionResourceProviderUri"] = ""
    assert base_images.curated_environments(there).reason


# Errors in responses with status 200


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('{"error": "bad", "x": 1}', False), ('{"error": "bad", "code": 1}', True), ('{"error": {}}', False),
        ('{"error": ["bad"]}', True), ('{"error": " "}', False), ('{"error": "0"}', False), ('{"error": "OK"}', False),
        ('{"status": "failed", "message": "m", "x": 1}', True), ('{"status": "failed", "message": 1}', False),
        ('{"status": "done", "message": "m"}', False), ('{"status": "failed"}', False),
        ('["ValueError: x"]', True), ('["ValueError: x", 1]', False), ("[1]", False), ('[{"error": "bad"}]', True),
        ('{"a": "ValueError: x"}', True), ('{"a": "fine"}', False), ('{"a": 1}', False),
        ('{"a": "ValueError: x", "b": 1}', False), ("12", False), ("null", False),
        ('"{\\"error\\": \\"bad\\"}"', True), ('"[\\"ValueError: x\\"]"', True), ('"{broken"', False), ("{broken",
        False),
        ('"x Traceback (most recent call last): y"', True), ("ValueError: ", False), ("ValueError(1)", True),
        ("valueError: x", False), ("a.b.ValueError: x", True), ("[Errno 2] No such file", True), ("   ", False),
    ],
)  # fmt: skip
def test_an_error_is_told_from_a_prediction(text: str, error: bool) -> None:
    assert (error_in_200(text) is not None) is error


def test_a_note_is_short() -> None:
    note = error_in_200("ValueError: " + "x" * 500)
    assert note is not None and note.endswith("x" * 188) and not note.endswith("x" * 189)
    first = error_in_200("ValueError: first\nsecond")
    assert first is not None and first.endswith("ValueError: first")


# Resources of a plan


def test_what_exists_of_a_plan(service: Service, cloud: Any, tmp_path: Any) -> None:
    from dataclasses import replace

    from tui.cloud.assets import models
    from tui.cloud.endpoints import live_state
    from tui.cloud.storage import folder_files
    from tui.plan.model import CodeConfiguration, Deployment, Endpoint, Environment, Model

    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "a").write_text("1")
    content = models.content_hash(folder)
    version = {"id": f"{WORKSPACE.id}/models/m/versions/1", "properties": {"tags": {models.CONTENT_TAG: content}}}
    service.on("GET", "/models/m/versions", Reply(200, {"value": [version]}))
    service.on("GET", "/codes/", Reply(200, {"value": [{"id": "/code"}]}))
    environment = {"id": f"{WORKSPACE.id}/environments/e/versions/2", "properties": {"image": "i"}}
    service.on("GET", "/environments/e/versions/2", Reply(200, environment))
    service.on("GET", r"/onlineEndpoints/churn\?", Reply(200, {"name": "churn"}))
    service.on("GET", "/churn/deployments", Reply(200, {"value": []}))
    whole = Deployment(
        "blue", Model("m", folder, type="custom_model"), CodeConfiguration(folder), Environment("e", None, "i", "2")
    )
    registered = replace(whole, name="green", environment=Environment(registered="azureml:e:2"))

    def read(*deployments: Deployment, endpoint: str = "churn") -> live_state.Live:
        plan = replace(cloud.plan, deployment=deployments[0], deployments=deployments[1:], endpoint=Endpoint(endpoint))
        return live_state.read(cloud.for_plan(plan), plan)

    found = read(whole, registered)
    assert found.endpoint is not None and found.content_hash == content and found.workspace.location == "eastus"
    assert found.model and found.code and found.environment and list(found.others) == ["green"]
    assert found.others["green"].model and found.others["green"].code and found.others["green"].environment
    told: list[tuple[int, int]] = []
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "b").write_text("23")
    folder_files._hashes.clear()
    both = replace(
        cloud.plan, deployment=whole, deployments=(replace(registered, model=Model("m", tmp_path / "other")),)
    )
    live_state.read(cloud.for_plan(both), both, lambda *counts: told.append(counts))
    assert told[-1] == (3, 3), "the bytes of all models"
    nothing = read(
        replace(whole, model=Model("m", folder / "none"), code_configuration=None, environment=Environment()),
        endpoint="",
    )
    assert (nothing.endpoint, nothing.model, nothing.code, nothing.environment) == (None,) * 4
    assert (nothing.content_hash, nothing.others) == (None, {})
    odd = read(replace(whole, model=Model("", folder), code_configuration=CodeConfiguration(folder / "a")))
    assert (odd.model, odd.code) == (None, None) and read(replace(whole, model=Model("m"))).model is None
    service.on("GET", "/models/m/versions/1", Reply(200, version))
    named = read(replace(whole, model=Model(registered="azureml:m:1")))
    assert named.model is not None and named.content_hash is None


@pytest.mark.parametrize(("status", "rule"), [(200, "by-load"), (403, None)])
def test_what_exists_has_the_rule_that_keeps_another_count(
    service: Service, cloud: Any, status: int, rule: str | None
) -> None:
    from dataclasses import replace

    from tui.cloud.endpoints import live_state
    from tui.plan.model import Deployment, Endpoint

    endpoint = f"{WORKSPACE.id}/onlineEndpoints/churn"
    blue = {"name": "blue", "id": f"{endpoint}/deployments/blue", "sku": {"name": "Default", "capacity": 7}}
    target = {"targetResourceUri": blue["id"], "profiles": [{"capacity": {"minimum": "1", "maximum": "9"}}]}
    service.on("GET", r"/onlineEndpoints/churn\?", Reply(200, {"name": "churn", "id": endpoint}))
    service.on("GET", "/churn/deployments", Reply(200, {"value": [blue]}))
    service.on("GET", "/autoscaleSettings", Reply(status, {"value": [{"name": "by-load", "properties": target}]}))
    plan = replace(cloud.plan, deployment=Deployment("blue"), endpoint=Endpoint("churn"))
    (found,) = (live_state.read(cloud.for_plan(plan), plan).endpoint or pytest.fail("no endpoint")).deployments
    assert (found.instance_count, (found.autoscale or {}).get("name")) == (7, rule)
