"""Clouds for the tests: a scripted service, and the rehearsal."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service, token

from tests.certificates import self_signed
from tui.plan.model import Credential, Endpoint, Plan


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 and its key."""
    made, key = self_signed("127.0.0.1")
    folder = tmp_path_factory.mktemp("tls")
    certificate_file, key_file = folder / "cert.pem", folder / "key.pem"
    certificate_file.write_bytes(made)
    key_file.write_bytes(key)
    return certificate_file, key_file


@pytest.fixture
def service(certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """A cloud of its own with a managed identity; the environment leads there as it leads to any cloud."""
    made = Service(certificate)
    for name in ("AZURE_CLIENT_ID", "AZURE_TENANT_ID", "AZURE_CLIENT_SECRET", "IDENTITY_SERVER_THUMBPRINT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ARM_CLOUD_METADATA_URL", f"{made.url}/metadata/endpoints?api-version=2019-05-01")
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "LeftOverFromAnotherProcess")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
    monkeypatch.setenv("IDENTITY_ENDPOINT", f"{made.url}/msi/token")
    monkeypatch.setenv("IDENTITY_HEADER", "header")
    monkeypatch.setenv("AZURE_TOKEN_CREDENTIALS", "ManagedIdentityCredential")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    made.on(
        "GET",
        "^/metadata/endpoints",
        Reply(
            body=[
                {
                    # A name of its own: the SDK keeps clouds by name for the life of a process.
                    "name": f"Loopback{made.port}",
                    "portal": "https://portal.azure.loopback.test/",
                    "resourceManager": made.url,
                    "authentication": {"loginEndpoint": made.url, "audiences": [made.url]},
                    "suffixes": {"storage": "core.windows.net"},
                    "metricsEndpoint": f"{made.url}/metrics/{{region}}",
                }
            ]
        ),
    )
    expires = int(datetime.datetime.now(datetime.timezone.utc).timestamp()) + 3600
    access = token(oid="object", appid="client", tid="tenant", exp=expires, xms_mirid="/a/userAssignedIdentities/id1")
    made.on("GET", "^/msi/token", Reply(body={"access_token": access, "expires_on": str(expires), "resource": "x"}))
    for_metrics = token(aud="https://metrics.monitor.azure.com", exp=expires)
    answer = {"access_token": for_metrics, "expires_on": str(expires), "resource": "x"}
    made.on("GET", r"^/msi/token.*metrics\.monitor", Reply(body=answer))
    made.on(
        "GET",
        r"/workspaces/workspace\?",
        Reply(
            body={
                "id": WORKSPACE.id,
                "name": "workspace",
                "location": "eastus",
                "properties": {"publicNetworkAccess": "Disabled", "workspaceId": "guid"},
            }
        ),
    )
    yield made
    made.close()


@pytest.fixture
def plan() -> Plan:
    return Plan(workspace=WORKSPACE, credential=Credential(), endpoint=Endpoint(name="churn"))


@pytest.fixture
def cloud(service: Service, plan: Plan) -> Any:
    from tui.cloud.session import connect

    return connect(plan)


@pytest.fixture
def rehearsed(rehearsal: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """This process, too, is led to the rehearsal."""
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    return rehearsal
