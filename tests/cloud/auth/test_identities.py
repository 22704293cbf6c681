"""Who signs in and with what: the chain's sources, the token's claims, secrets of other stores."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.auth import credentials
from tui.cloud.auth.credentials import build, credential_sources
from tui.cloud.auth.permissions import Permission, missing
from tui.cloud.auth.sign_in import sign_in
from tui.cloud.clouds import BUILT_IN
from tui.cloud.errors import CloudError
from tui.plan.model import Credential, Plan

PUBLIC = BUILT_IN["AzureCloud"]
OWN = replace(PUBLIC, name="Own", built_in=False, login="https://login.example")
PRINCIPAL = Credential("service_principal", "11111111-2222-3333-4444-555555555555", "client", "secret")


@pytest.mark.parametrize(
    ("credential", "kind"),
    [
        (PRINCIPAL, "ClientSecretCredential"),
        (Credential("managed_identity", client_id="c"), "ManagedIdentityCredential"),
        (Credential("azure_cli"), "AzureCliCredential"),
        (Credential(), "DefaultAzureCredential"),
        (Credential(client_id="c"), "DefaultAzureCredential"),
    ],
)
@pytest.mark.parametrize("cloud", [PUBLIC, OWN])
def test_each_method_has_its_credential(credential: Credential, kind: str, cloud: Any) -> None:
    assert type(build(credential, cloud)).__name__ == kind


@pytest.mark.parametrize("field", ["tenant_id", "client_id", "client_secret"])
@pytest.mark.parametrize("empty", ["", None])
def test_an_incomplete_service_principal_names_the_missing_field(field: str, empty: str | None) -> None:
    with pytest.raises(CloudError) as caught:
        build(replace(PRINCIPAL, **{field: empty}), PUBLIC)
    assert caught.value.code == "CredentialInvalid" and f"{field} is empty" in caught.value.cause
    with pytest.raises(CloudError) as caught:
        build(Credential("service_principal", "t"), PUBLIC)
    assert "client_id, client_secret are empty" in caught.value.cause


def test_a_credential_that_the_library_refuses_is_explained() -> None:
    with pytest.raises(CloudError) as caught:
        build(replace(PRINCIPAL, tenant_id="not valid!"), PUBLIC)
    assert caught.value.code == "CredentialInvalid"


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without an instance metadata service; its programs are in the returned folder."""

    def nobody(*args: Any, **options: Any) -> Any:
        raise OSError

    monkeypatch.setattr(credentials.socket, "create_connection", nobody)
    return tmp_path


def found(env: dict[str, str], folder: Path) -> dict[str, credentials.Source]:
    sources = credential_sources({"PATH": str(folder), "AZURE_CONFIG_DIR": str(folder), **env})
    return {source.source: source for source in sources}


NAMES = ["Environment", "WorkloadIdentity", "ManagedIdentity", "AzureCli", "AzurePowerShell", "AzureDeveloperCli"]
APP = {"AZURE_TENANT_ID": "t", "AZURE_CLIENT_ID": "c"}


@pytest.mark.parametrize(
    ("env", "there"),
    [
        ({}, []),
        ({**APP, "AZURE_CLIENT_SECRET": "s"}, ["Environment"]),
        (APP, []),
        ({"AZURE_TENANT_ID": "t", "AZURE_CLIENT_SECRET": "s"}, []),
        ({"AZURE_CLIENT_ID": "c", "AZURE_CLIENT_SECRET": "s"}, []),
        ({**APP, "AZURE_CLIENT_CERTIFICATE_PATH": "FILE"}, ["Environment"]),
        ({**APP, "AZURE_CLIENT_CERTIFICATE_PATH": "/no/such"}, []),
        ({"AZURE_CLIENT_CERTIFICATE_PATH": "FILE"}, []),
        ({"AZURE_FEDERATED_TOKEN_FILE": "FILE"}, ["WorkloadIdentity"]),
        ({"AZURE_FEDERATED_TOKEN_FILE": "/no/such"}, []),
        ({"IDENTITY_ENDPOINT": "x"}, ["ManagedIdentity"]),
        ({"MSI_ENDPOINT": "x"}, ["ManagedIdentity"]),
    ],
)
def test_the_sources_with_something_to_sign_in_with(machine: Path, env: dict[str, str], there: list[str]) -> None:
    file = machine / "file"
    file.write_text("x")
    sources = found({key: value.replace("FILE", str(file)) for key, value in env.items()}, machine)
    assert list(sources) == NAMES
    assert [name for name, source in sources.items() if source.found] == there
    assert all(source.reason for source in sources.values())


def test_missing_variables_are_named(machine: Path) -> None:
    assert found(APP, machine)["Environment"].reason == "AZURE_CLIENT_SECRET is not set"
    assert (
        found({}, machine)["Environment"].reason == "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not set"
    )


def test_programs_of_this_machine(machine: Path) -> None:
    def installed(name: str) -> None:
        (machine / name).write_text("#!/bin/sh\n")
        (machine / name).chmod(0o755)

    installed("az")
    assert not found({}, machine)["AzureCli"].found
    (machine / "azureProfile.json").write_text("{}")
    assert found({}, machine)["AzureCli"].found
    installed("powershell")
    installed("azd")
    assert found({}, machine)["AzurePowerShell"].found and found({}, machine)["AzureDeveloperCli"].found


def test_an_instance_metadata_service_is_a_managed_identity(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    class Connection:
        def __enter__(self) -> None:
            pass

        def __exit__(self, *error: Any) -> None:
            pass

    monkeypatch.setattr(credentials.socket, "create_connection", lambda address, timeout: Connection())
    assert found({}, tmp_path)["ManagedIdentity"].found


@pytest.mark.parametrize(
    ("only", "there"),
    [
        ("", ["Environment", "ManagedIdentity", "AzureDeveloperCli"]),
        ("prod", ["Environment", "ManagedIdentity"]),
        ("Dev", ["AzureDeveloperCli"]),
        ("managedidentitycredential", ["ManagedIdentity"]),
        ("other", []),
    ],
)
def test_the_chain_may_be_restricted(machine: Path, only: str, there: list[str]) -> None:
    (machine / "azd").write_text("#!/bin/sh\n")
    (machine / "azd").chmod(0o755)
    env = {**APP, "AZURE_CLIENT_SECRET": "s", "IDENTITY_ENDPOINT": "x", "AZURE_TOKEN_CREDENTIALS": only}
    assert [name for name, source in found(env, machine).items() if source.found] == there


def token(claims: Any) -> str:
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=").decode()
    return f"h.{body}.s"


def signed_in(text: str, kind: str = "ClientSecretCredential", expires: Any = 0, inner: str = "") -> Any:
    made = type(kind, (), {})()
    made.get_token = lambda scope: SimpleNamespace(token=text, expires_on=expires)
    if inner:
        made._successful_credential = type(inner, (), {})()
    cloud: Any = SimpleNamespace(credential=made, metadata=PUBLIC, plan=Plan())
    return sign_in(cloud)


@pytest.mark.parametrize(
    ("claims", "source", "kind", "principal"),
    [
        ({"xms_mirid": "/x/id1", "appid": "a"}, "ClientSecretCredential", "managed identity", "id1"),
        ({"appid": "a"}, "ManagedIdentityCredential", "managed identity", "a"),
        ({"idtyp": "user", "unique_name": "n"}, "AzureCliCredential", "user", "n"),
        ({"upn": "u@x", "appid": "a"}, "AzureCliCredential", "user", "u@x"),
        ({"scp": "s", "preferred_username": "p"}, "X", "user", "p"),
        ({"scp": "s", "email": "e"}, "X", "user", "e"),
        ({"scp": "s", "oid": "o"}, "X", "user", "o"),
        ({"idtyp": "app", "app_displayname": "d", "appid": "a", "upn": ""}, "X", "service principal", "d"),
        ({"appid": "a", "unique_name": "n"}, "AzureCliCredential", "service principal", "a"),
        ({"azp": "z"}, "X", "service principal", "z"),
        ({"unique_name": "n"}, "X", "service principal", "n"),
        ({}, "AzureCliCredential", "user", "unknown"),
        ({}, "AzurePowerShellCredential", "user", "unknown"),
        ({}, "AzureDeveloperCliCredential", "user", "unknown"),
        ({}, "ClientSecretCredential", "service principal", "unknown"),
    ],
)
def test_the_identity_in_a_token(claims: dict[str, str], source: str, kind: str, principal: str) -> None:
    who = signed_in(token(claims), source)
    assert (who.kind, who.principal, who.source) == (kind, principal, source.replace("Credential", ""))
    assert signed_in(token(claims), "DefaultAzureCredential", inner=source) == who
    assert (who.client_id, who.tenant) == (claims.get("appid") or claims.get("azp"), None)


@pytest.mark.parametrize("text", ["opaque", "a.b", "a.b.c.d", f"h.{'!' * 3}.s", token(["list"]), token("text")])
def test_a_token_that_cannot_be_read_is_no_error(text: str) -> None:
    assert signed_in(text, "Credential").principal == "unknown"
    assert signed_in(text, "Credential").source == "Default"


@pytest.mark.parametrize(
    ("exp", "expires", "moment"),
    [(3600, 0, "1970-01-01T01:00:00Z"), (None, 7200, "1970-01-01T02:00:00Z"), (None, "soon", None), ("x", 0, None)],
)
def test_when_a_token_expires(exp: Any, expires: Any, moment: str | None) -> None:
    claims = {"tid": "t", "oid": "o", **({} if exp is None else {"exp": exp})}
    who = signed_in(token(claims), expires=expires)
    assert (who.expires, who.tenant, who.object_id) == (moment, "t", "o")


@pytest.mark.parametrize(
    ("pattern", "action", "allowed"),
    [
        ("*", "A/b/write", True),
        ("a/*/read", "A/x/y/read", True),
        ("a/*/read", "a/read", True),
        ("a/*", "a", False),
        ("a/b", "a/b", True),
        ("a/b", "a/bc", False),
        ("a.b/c", "aXb/c", False),
    ],
)
def test_a_permission_with_wildcards(pattern: str, action: str, allowed: bool) -> None:
    assert Permission(actions=(pattern,)).allows(action) is allowed
    assert Permission(data_actions=(pattern,)).allows(action, data=True) is allowed
    assert not Permission(actions=(pattern,)).allows(action, data=True)
    assert Permission(actions=("*",), not_actions=(pattern,)).allows(action) is not allowed
    assert Permission(actions=("*",), not_data_actions=(pattern,)).allows(action)
    assert missing([Permission(), Permission(actions=(pattern,))], [action, "z/z"])[:1] == (
        [action] if not allowed else [] if pattern == "*" else ["z/z"]
    )
