"""Connecting and signing in, through the environment alone, as to any cloud that is not built in."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from scripted_service import WORKSPACE, Reply, Service, token

from tui.cloud import clouds
from tui.cloud.auth.credentials import credential_sources
from tui.cloud.auth.sign_in import sign_in
from tui.cloud.errors import CloudError
from tui.cloud.http.sdk_import import import_sdk
from tui.cloud.session import connect
from tui.cloud.workspace import workspace
from tui.plan.model import Credential, Plan

TENANT = "22222222-2222-2222-2222-222222222222"


def service_principal(secret: str = "right") -> Plan:
    return Plan(workspace=WORKSPACE, credential=Credential("service_principal", TENANT, "client", secret))


def test_the_built_in_clouds_by_name() -> None:
    assert clouds.current({}).name == "AzureCloud"
    assert clouds.current({"AZUREML_CURRENT_CLOUD": "AzureUSGovernment"}).resource_manager.endswith("usgovcloudapi.net")
    assert clouds.current({"AZUREML_CURRENT_CLOUD": "AzureChinaCloud"}).ml_scope == "https://ml.azure.cn/.default"
    assert clouds.current({"AZUREML_CURRENT_CLOUD": "LeftOver"}).name == "AzureCloud"
    of_our_client = "AzureUSGovernment https://management.usgovcloudapi.net"
    assert clouds.current({"AZUREML_CURRENT_CLOUD": of_our_client}).name == "AzureUSGovernment"


class Scopes:
    """A credential that notes what tokens are asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def get_token(self, *scopes: str, **options: Any) -> Any:
        from azure.core.credentials import AccessToken

        self.asked += scopes
        return AccessToken("t", 4_000_000_000)


@pytest.mark.parametrize("name", sorted(clouds.BUILT_IN))
def test_the_built_in_clouds_are_the_sdks(name: str, service: Service) -> None:
    import_sdk()
    from azure.ai.ml import MLClient
    from azure.core.pipeline.transport import RequestsTransport

    hosts: list[str] = []

    class Diverted(RequestsTransport):  # type: ignore[misc]
        def send(self, request: Any, **options: Any) -> Any:
            parts = urlsplit(request.url)
            hosts.append(f"{parts.scheme}://{parts.netloc}")
            request.url = service.url + request.url[len(hosts[-1]) :]
            return super().send(request, **options)

    credential, known = Scopes(), clouds.BUILT_IN[name]
    where = (WORKSPACE.subscription_id, WORKSPACE.resource_group, WORKSPACE.name)
    MLClient(credential, *where, cloud=name, transport=Diverted()).workspaces.get(WORKSPACE.name)
    assert set(hosts) == {known.resource_manager}
    assert credential.asked == [known.management_scope]


def test_another_cloud_by_its_metadata(service: Service) -> None:
    found = clouds.current()
    assert (found.resource_manager, found.login, found.built_in) == (service.url, service.url, False)
    assert found.management_scope == f"{service.url}/.default"


def test_metadata_that_describe_another_cloud_are_refused(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", f"https://localhost:{service.port}/metadata/endpoints")
    service.on("GET", "^/metadata", Reply(body=[]))
    with pytest.raises(CloudError) as caught:
        clouds.current({"ARM_CLOUD_METADATA_URL": f"{service.url}/metadata/endpoints"})
    assert "ARM_CLOUD_METADATA_URL" in caught.value.cause


def test_an_untrusted_certificate_is_explained(service: Service, monkeypatch: pytest.MonkeyPatch, plan: Plan) -> None:
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    with pytest.raises(CloudError) as caught:
        connect(plan)
    assert "certificate of 127.0.0.1 is not trusted" in caught.value.title
    assert "REQUESTS_CA_BUNDLE" in caught.value.remedy


def test_a_managed_identity_signs_in(service: Service, cloud: Any) -> None:
    who = sign_in(cloud)
    assert (who.principal, who.kind, who.tenant, who.client_id) == ("id1", "managed identity", "tenant", "client")
    assert (who.method, who.source) == ("default", "ManagedIdentity")
    assert who.expires is not None and who.expires.endswith("Z")


def entra(service: Service, reply: Reply) -> None:
    issuer = f"{service.url}/{TENANT}"
    configuration = {
        "issuer": f"{issuer}/v2.0",
        "authorization_endpoint": f"{issuer}/oauth2/v2.0/authorize",
        "token_endpoint": f"{issuer}/oauth2/v2.0/token",
    }
    service.on("GET", "openid-configuration", Reply(body=configuration))
    service.on("POST", "/oauth2/v2.0/token", reply)


def test_a_service_principal_signs_in_at_that_clouds_authority(service: Service) -> None:
    access = token(oid="o", appid="client", tid=TENANT, idtyp="app", app_displayname="deployer")
    entra(service, Reply(body={"access_token": access, "expires_in": 3599, "token_type": "Bearer"}))
    who = sign_in(connect(service_principal()))
    assert (who.principal, who.kind, who.source) == ("deployer", "service principal", "ClientSecret")
    assert service.count("GET", "discovery/instance") == 0


def test_a_wrong_secret_is_told_and_not_shown(service: Service) -> None:
    words = "AADSTS7000215: Invalid client secret provided. Trace ID: 11111111-1111-1111-1111-111111111111"
    entra(service, Reply(401, {"error": "invalid_client", "error_description": words, "error_codes": [7000215]}))
    with pytest.raises(CloudError) as caught:
        sign_in(connect(service_principal("hunter2-is-wrong")))
    error = caught.value
    assert error.code == "AADSTS7000215"
    assert "instead of its value" in error.remedy
    assert "hunter2" not in f"{error.title}{error.cause}{error.remedy}{error.raw}{error!r}"


def test_an_incomplete_service_principal_says_what_is_missing(service: Service) -> None:
    plan = Plan(workspace=WORKSPACE, credential=Credential("service_principal", TENANT))
    with pytest.raises(CloudError, match="client_id, client_secret are empty"):
        connect(plan)


def test_the_default_chain_tells_what_each_source_said(
    service: Service, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("IDENTITY_ENDPOINT", "IDENTITY_HEADER"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "dev")
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(CloudError) as caught:
        sign_in(connect(plan))
    assert caught.value.title == "No credential to sign in with was found"
    assert "AzureCli: " in caught.value.cause


def test_credential_sources_look_at_the_environment(tmp_path: Path) -> None:
    found = {
        source.source: source
        for source in credential_sources(
            {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c", "IDENTITY_ENDPOINT": "https://x", "PATH": str(tmp_path)}
        )
    }
    assert found["Environment"].reason == "AZURE_CLIENT_SECRET is not set"
    assert found["ManagedIdentity"].found
    assert not found["AzureCli"].found
    restricted = credential_sources({"IDENTITY_ENDPOINT": "x", "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential"})
    assert [source.source for source in restricted if source.found] == ["ManagedIdentity"]


@pytest.mark.parametrize(
    ("properties", "isolation"),
    [
        (
            {"publicNetworkAccess": "Disabled", "managedNetwork": {"isolationMode": "AllowInternetOutbound"}},
            "managed_network",
        ),
        (
            {"publicNetworkAccess": "Disabled", "managedNetwork": {"isolationMode": "AllowOnlyApprovedOutbound"}},
            "managed_network",
        ),
        ({"publicNetworkAccess": "Disabled", "managedNetwork": {"isolationMode": "Disabled"}}, "legacy"),
        ({"publicNetworkAccess": "Disabled"}, "legacy"),
        ({"publicNetworkAccess": "Enabled", "managedNetwork": None}, "public"),
        ({}, "public"),
    ],
)
def test_the_network_mode_of_the_workspace(
    service: Service, cloud: Any, properties: dict[str, Any], isolation: str
) -> None:
    body = {"id": WORKSPACE.id, "name": "workspace", "location": "westeurope", "properties": properties}
    service.on("GET", r"/workspaces/workspace\?", Reply(body=body))
    found = workspace.read(cloud)
    assert (found.isolation, found.location) == (isolation, "westeurope")
    assert found.explain
    assert cloud.location == "westeurope"


def test_an_absent_workspace_is_an_error(service: Service, cloud: Any) -> None:
    body = {"error": {"code": "ResourceGroupNotFound", "message": "Resource group 'group' could not be found."}}
    service.on("GET", r"/workspaces/workspace\?", Reply(404, body))
    with pytest.raises(CloudError) as caught:
        workspace.read(cloud)
    assert caught.value.title.startswith("The resource group was not found")


def test_the_sdk_prints_nothing(service: Service, plan: Plan) -> None:
    script = (
        "from tui.cloud.session import connect; from tui.cloud.http.sdk_import import import_sdk;"
        "from tui.plan.model import *;"
        f"connect(Plan(workspace=Workspace{tuple(replace(WORKSPACE).__dict__.values())!r})); import_sdk();"
        "import logging; print('workspace', flush=True);"
        "logging.getLogger('azure.ai.ml._utils._endpoint_utils').warning('noise');"
        "logging.getLogger('azure.core').error('noise')"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=os.environ, timeout=60)
    assert (done.stdout, done.stderr) == ("workspace\n", "")
