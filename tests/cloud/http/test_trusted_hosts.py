"""Addresses in Azure's answers: followed only over HTTPS and only to the cloud's own hosts."""

from __future__ import annotations

from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud import clouds
from tui.cloud.assets import code
from tui.cloud.auth.secrets import Reader
from tui.cloud.clouds import BUILT_IN
from tui.cloud.endpoints import endpoints, scoring
from tui.cloud.endpoints.keys import EndpointCredential
from tui.cloud.errors import CloudError
from tui.cloud.http import trusted_hosts
from tui.cloud.http.trusted_hosts import METRICS, RESOURCE_MANAGER, SCORING, STORAGE, VAULT
from tui.cloud.sources import blob_source
from tui.cloud.storage.datastore import default_datastore
from tui.plan.model import Endpoint

ENDPOINT = f"{WORKSPACE.id}/onlineEndpoints/churn"


@pytest.fixture
def foreign(certificate: Any) -> Any:
    """A second service whose certificate is trusted too, at an address that is not the cloud's."""
    made = Service(certificate)
    for method in ("GET", "PUT", "POST", "DELETE"):
        made.on(method, ".", Reply(200, {"status": "Succeeded", "value": [], "access_token": "x"}))
    yield made
    assert made.requests == []
    made.close()


@pytest.mark.parametrize(
    ("cloud", "audience", "url", "trusted"),
    [
        ("AzureCloud", RESOURCE_MANAGER, "https://management.azure.com/x?y", True),
        ("AzureCloud", RESOURCE_MANAGER, "https://MANAGEMENT.azure.com:443", True),
        ("AzureCloud", RESOURCE_MANAGER, "https://eastus.management.azure.com/x", True),
        ("AzureCloud", RESOURCE_MANAGER, "https://westeurope.api.azureml.ms/x", True),
        ("AzureCloud", RESOURCE_MANAGER, "http://management.azure.com/x", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://management.azure.com:8443/x", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://xmanagement.azure.com/x", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://management.azure.com.evil.test/", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://management.azure.com@evil.test/", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://evil.test\\@management.azure.com/", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://evil.test#@management.azure.com/", False),
        ("AzureCloud", RESOURCE_MANAGER, " https://management.azure.com/", False),
        ("AzureCloud", RESOURCE_MANAGER, "", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://management.usgovcloudapi.net/x", False),
        ("AzureUSGovernment", RESOURCE_MANAGER, "https://management.usgovcloudapi.net/x", True),
        ("AzureUSGovernment", RESOURCE_MANAGER, "https://usgovvirginia.api.ml.azure.us/x", True),
        ("AzureCloud", SCORING, "https://churn.eastus.inference.ml.azure.com/score", True),
        ("AzureCloud", SCORING, "http://churn.eastus.inference.ml.azure.com/score", False),
        ("AzureCloud", SCORING, "https://churn.azurewebsites.net/score", False),
        ("AzureChinaCloud", SCORING, "https://churn.chinaeast2.inference.ml.azure.cn/score", True),
        ("AzureCloud", METRICS, "https://eastus.metrics.monitor.azure.com/x", True),
        ("AzureUSGovernment", METRICS, "https://usgovvirginia.metrics.monitor.azure.us/x", True),
        ("AzureChinaCloud", METRICS, "https://chinanorth3.metrics.monitor.azure.cn/x", True),
        ("AzureUSGovernment", METRICS, "https://eastus.metrics.monitor.azure.com/x", False),
        ("AzureCloud", METRICS, "https://eastus.metrics.monitor.azure.com.evil.test/x", False),
        ("AzureCloud", METRICS, "http://eastus.metrics.monitor.azure.com/x", False),
        ("AzureCloud", METRICS, "https://management.azure.com/x", False),
        ("AzureCloud", RESOURCE_MANAGER, "https://eastus.metrics.monitor.azure.com/x", False),
        ("AzureCloud", STORAGE, "https://a.blob.core.windows.net/c", True),
        ("AzureCloud", STORAGE, "https://a.z01.blob.storage.azure.net/c", True),
        ("AzureCloud", STORAGE, "https://a.blob.core.windows.net.evil.test/c", False),
        ("AzureCloud", STORAGE, "https://a.file.core.windows.net/c", False),
        ("AzureChinaCloud", STORAGE, "https://a.blob.core.windows.net/c", False),
        ("AzureCloud", VAULT, "https://kv.vault.azure.net", True),
        ("AzureChinaCloud", VAULT, "https://kv.vault.azure.net", False),
    ],
)
def test_the_hosts_of_each_audience(cloud: str, audience: str, url: str, trusted: bool) -> None:
    if trusted:
        trusted_hosts.check(BUILT_IN[cloud], audience, url, "x")
    else:
        with pytest.raises(CloudError) as caught:
            trusted_hosts.check(BUILT_IN[cloud], audience, url, "The test")
        assert caught.value.code == "UntrustedHost" and "The test names it" in caught.value.cause


def test_a_refused_address_is_shown_without_its_signature() -> None:
    with pytest.raises(CloudError) as caught:
        trusted_hosts.check(BUILT_IN["AzureCloud"], STORAGE, "https://u:pw@evil.test/c?sig=abc", "x")
    assert "evil.test" in str(caught.value)
    assert "sig" not in str(caught.value) and "pw" not in str(caught.value)


def refused(caught: pytest.ExceptionInfo[CloudError], host: str, source: str) -> None:
    assert caught.value.code == "UntrustedHost", caught.value
    assert host in caught.value.title and source in caught.value.cause


@pytest.mark.parametrize("header", ["Azure-AsyncOperation", "Location"])
def test_an_operation_at_a_foreign_host_is_not_asked_and_not_believed(
    service: Service, cloud: Any, foreign: Service, header: str
) -> None:
    body = {"name": "churn", "properties": {"provisioningState": "Creating", "properties": {}}}
    service.on("GET", "/onlineEndpoints/churn", Reply(404, {"error": {"code": "NotFound"}}))
    service.on("PUT", "/onlineEndpoints/churn", Reply(201, body, {header: f"{foreign.url}/operations/1"}))
    with pytest.raises(CloudError) as caught:
        endpoints.begin_create_or_update(cloud, Endpoint("churn"), {}).result()
    refused(caught, f"127.0.0.1:{foreign.port}", header)


def test_the_next_page_is_not_read_from_a_foreign_host(service: Service, cloud: Any, foreign: Service) -> None:
    service.on("GET", "/onlineEndpoints", Reply(body={"value": [], "nextLink": f"{foreign.url}/next"}))
    with pytest.raises(CloudError) as caught:
        endpoints.list_all(cloud)
    refused(caught, f"127.0.0.1:{foreign.port}", "next page")


def test_a_redirect_is_not_followed_to_a_foreign_host(service: Service, cloud: Any, foreign: Service) -> None:
    service.on("GET", "/onlineEndpoints", Reply(307, b"", {"Location": f"{foreign.url}/x"}))
    with pytest.raises(CloudError) as caught:
        endpoints.list_all(cloud)
    refused(caught, f"127.0.0.1:{foreign.port}", "redirect")


def test_azures_sdk_does_not_follow_addresses_to_a_foreign_host(service: Service, cloud: Any, foreign: Service) -> None:
    from tui.cloud import ml_client

    page = {"value": [], "nextLink": f"{foreign.url}/next"}
    for reply in (Reply(body=page), Reply(307, b"", {"Location": f"{foreign.url}/x"})):
        service.on("GET", "/models", reply)
        with pytest.raises(CloudError) as caught:
            ml_client.call(cloud, lambda client: list(client.models.list()), "listing the models")
        refused(caught, f"127.0.0.1:{foreign.port}", "redirect" if reply.status == 307 else "SDK")


@pytest.mark.parametrize("status", [301, 307])
def test_the_files_of_a_source_are_not_read_from_where_storage_redirects_to(
    service: Service, cloud: Any, foreign: Service, status: int
) -> None:
    service.on("GET", "/account/models", Reply(status, b"", {"Location": f"{foreign.url}/account/models"}))
    with pytest.raises(CloudError):
        blob_source.listing(cloud, f"{service.url}/account/models/churn")


@pytest.mark.parametrize("scheme", ["https", "http"])
def test_the_key_and_the_request_go_to_no_foreign_scoring_host(
    service: Service, cloud: Any, foreign: Service, scheme: str
) -> None:
    there = {"authMode": "Key", "scoringUri": f"{foreign.url}/score".replace("https", scheme)}
    found = endpoints.info({"name": "churn", "properties": there})
    with pytest.raises(CloudError) as caught:
        scoring.score(cloud, found, b"{}", credential=EndpointCredential("k", "key"))
    refused(caught, f"127.0.0.1:{foreign.port}", "scoring URI of the endpoint churn")


def test_uploads_and_reads_go_to_no_foreign_storage(service: Service, cloud: Any, foreign: Service) -> None:
    host = f"127.0.0.1:{foreign.port}"
    properties = {"accountName": f"{host}/x", "containerName": "c", "credentials": {"credentialsType": "None"}}
    service.on("GET", "/datastores/workspaceblobstore", Reply(body={"name": "d", "properties": properties}))
    with pytest.raises(CloudError) as caught:
        default_datastore(cloud)
    refused(caught, host, "The datastore d")
    place = {"credential": {"sasUri": f"{foreign.url}/root/c?sig=1"}}
    service.on("POST", "/startPendingUpload", Reply(body={"blobReferenceForConsumption": place}))
    with pytest.raises(CloudError) as caught:
        code._place(cloud, f"{WORKSPACE.id}/codes/n/versions/1", "x")
    refused(caught, host, "upload location")
    with pytest.raises(CloudError) as caught:
        blob_source.listing(cloud, f"https://{host}/a/c/p")
    refused(caught, host, "The plan")


def test_a_vault_is_read_under_the_clouds_own_names_only(service: Service) -> None:
    with pytest.raises(CloudError) as caught:
        Reader().read("keyvault", "kv.evil.test/secret")
    refused(caught, "kv.evil.test", "keyvault:kv.evil.test/secret")


def test_metadata_are_read_over_https_only(service: Service, foreign: Service) -> None:
    for url in (f"{service.url}/metadata/endpoints".replace("https", "http"), f"ftp{service.url}"):
        with pytest.raises(CloudError, match="without encryption"):
            clouds.current({"ARM_CLOUD_METADATA_URL": url})
    service.on("GET", "^/metadata/endpoints", Reply(302, b"", {"Location": f"{foreign.url}/metadata/endpoints"}))
    with pytest.raises(CloudError):
        clouds.current({"ARM_CLOUD_METADATA_URL": f"{service.url}/metadata/endpoints"})
    entry = {
        "name": "Mine",
        "portal": "https://portal.mine.test",
        "resourceManager": service.url,
        "authentication": {"loginEndpoint": "http://login.test"},
        "suffixes": {"storage": "s.test"},
    }
    service.on("GET", "^/metadata/endpoints", Reply(body=entry))
    with pytest.raises(CloudError, match="sign-in is over https"):
        clouds.current({"ARM_CLOUD_METADATA_URL": f"{service.url}/metadata/endpoints"})


def test_suffixes_of_metadata_may_begin_with_a_dot(service: Service) -> None:
    entry = {
        "name": "Stack",
        "portal": "https://portal.region.contoso.local",
        "resourceManager": service.url,
        "authentication": {"loginEndpoint": service.url},
        "suffixes": {"storage": ".storage.contoso.local", "keyVaultDns": ".vault.contoso.local"},
    }
    service.on("GET", "^/metadata/endpoints", Reply(body=entry))
    found = clouds.current()
    assert (found.storage_suffix, found.vault_suffix) == ("storage.contoso.local", "vault.contoso.local")
    for audience, suffix in ((STORAGE, "storage.contoso.local"), (VAULT, "vault.contoso.local")):
        trusted_hosts.check(found, audience, f"https://mine.{suffix}/x", "x")
        for wrong in (f"evil{suffix}", f"{suffix}.evil.test"):
            with pytest.raises(CloudError):
                trusted_hosts.check(found, audience, f"https://{wrong}/x", "x")


def test_a_cloud_of_its_own_trusts_what_its_metadata_name(service: Service) -> None:
    found = clouds.current()
    assert service.url.endswith(found.hosts[0])
    for audience in (RESOURCE_MANAGER, STORAGE, VAULT, SCORING):
        trusted_hosts.check(found, audience, f"{service.url}/x", "x")
        with pytest.raises(CloudError):
            trusted_hosts.check(found, audience, f"https://127.0.0.1:{service.port + 1}/x", "x")


@pytest.mark.parametrize(
    ("name", "ending"), [("AzureCloud", "com"), ("AzureUSGovernment", "us"), ("AzureChinaCloud", "cn")]
)
def test_metrics_have_an_audience_of_their_own(name: str, ending: str) -> None:
    assert BUILT_IN[name].metrics == f"https://{{region}}.metrics.monitor.azure.{ending}"
    assert BUILT_IN[name].metrics_scope == f"https://metrics.monitor.azure.{ending}/.default"
