"""Who signs in and with what: the chain's sources, the token's claims, secrets of other stores."""

from __future__ import annotations

import base64
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.auth import credentials, secrets
from tui.cloud.auth.credentials import build, credential_sources
from tui.cloud.auth.permissions import Permission, missing
from tui.cloud.auth.secrets import Reader
from tui.cloud.auth.sign_in import sign_in
from tui.cloud.clouds import BUILT_IN
from tui.cloud.errors import CloudError
from tui.plan.model import Credential, Deployment, Plan, Workspace

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
    assert found({}, machine)["Environment"].reason == "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET are not set"


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
    assert not Permission(actions=("*",), not_actions=(pattern,)).allows(action) is allowed
    assert Permission(actions=("*",), not_data_actions=(pattern,)).allows(action)
    assert missing([Permission(), Permission(actions=(pattern,))], [action, "z/z"])[:1] == (
        [action] if not allowed else [] if pattern == "*" else ["z/z"]
    )


# Secrets of other stores


class Fixed(Reader):
    """Reads from a table."""

    def __init__(self, **kept: str) -> None:
        super().__init__()
        self.kept, self.used = kept, []

    def read(self, kind: str, name: str) -> str:
        return self.kept[name.replace("/", "_").replace("-", "_")]

    def use(self, credential: Credential) -> None:
        self.used.append(credential)


@pytest.fixture(autouse=True)
def nothing_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "_known", set())


def test_a_plan_is_filled_and_only_secrets_are_hidden_later() -> None:
    variables = {"A": "x ${keyvault:v/a}", "B": "plain"}
    deployment = Deployment(environment_variables=variables)
    plan = Plan(
        credential=Credential(client_id="${databricks:s/id}", client_secret="${databricks:s/secret}"),
        workspace=Workspace("${keyvault:v/sub}", "g", "w"),
        deployment=deployment,
        deployments=(deployment,),
    )
    reader = Fixed(s_id="identifier", s_secret="long-secret", v_sub="subscription", v_a="variable-value")
    made = secrets.fill(plan, reader)
    assert (made.credential.client_id, made.credential.client_secret) == ("identifier", "long-secret")
    assert made.workspace.subscription_id == "subscription" and reader.used == [made.credential]
    expected = {"A": "x variable-value", "B": "plain"}
    assert made.deployment.environment_variables == made.deployments[0].environment_variables == expected
    shown = secrets.hidden({"a": ["identifier subscription", "say long-secret", "variable-value", 1]})
    assert shown == {"a": ["identifier subscription", "say (secret)", "(secret)", 1]}


@pytest.mark.parametrize(
    ("value", "shown"), [("1234567", "in 1234567 here"), ("12345678", "in (secret) here")]
)
def test_a_short_secret_is_not_searched_for_in_longer_texts(value: str, shown: str) -> None:
    assert secrets.hidden(f"in {value} here") == f"in {value} here"
    secrets._known.add(value)
    assert secrets.hidden(f"in {value} here") == shown and secrets.hidden(value) == "(secret)"


def test_each_reference_of_a_tree_is_tested_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def read(self: Any, kind: str, name: str) -> str:
        status = {"v/missing": 404, "v/silent": None, "v/refused": 403}.get(name, 0)
        if status != 0:
            raise CloudError("Title", "cause.", code=secrets.UNREAD, status=status)
        return "a-value"

    monkeypatch.setattr(Reader, "read", read)
    monkeypatch.setenv("SET", "1")
    monkeypatch.delenv("UNSET", raising=False)
    tree = {
        "a": "${env:SET} ${env:UNSET}",
        "b": ["${keyvault:v/x}", {"c": "${keyvault:v/x}"}, 1],
        "d": "${keyvault:v/missing}", "e": "${keyvault:v/silent}", "f": "${keyvault:v/refused}", "g": "${other:x}",
    }  # fmt: skip
    tested = secrets.test(tree, Credential())
    assert [(one.reference, one.keys, one.state) for one in tested] == [
        ("${env:SET}", ("a",), "ok"),
        ("${env:UNSET}", ("a",), "missing"),
        ("${keyvault:v/x}", ("b.0", "b.1.c"), "ok"),
        ("${keyvault:v/missing}", ("d",), "missing"),
        ("${keyvault:v/silent}", ("e",), "unknown"),
        ("${keyvault:v/refused}", ("f",), "refused"),
        ("${other:x}", ("g",), "refused"),
    ]
    assert "a-value" not in repr(tested) and tested[3].detail == "Title. cause."


class Refusal(Exception):
    """As azure-core's HttpResponseError for a Key Vault."""

    def __init__(self, status: int, message: str, inner: Any = None) -> None:
        super().__init__(message)
        self.status_code, self.message = status, message
        self.error = SimpleNamespace(innererror=inner)


@pytest.mark.parametrize(
    ("status", "message", "inner", "words"),
    [
        (404, "x", None, "has no secret s"),
        (403, "Client address is Forbidden by firewall", None, "firewall"),
        (403, "x", {"code": "ForbiddenByFirewall"}, "firewall"),
        (403, "x", {"code": "ForbiddenByConnection"}, "private endpoint only"),
        (403, "x", "text", "no permission"),
        (403, "ForbiddenByConnection", None, "private endpoint only"),
        (401, "x", None, "did not accept the token"),
        (401, "Forbidden by firewall", None, "did not accept the token"),
        (500, "server down", {}, "server down"),
    ],
)
def test_what_a_key_vault_refuses(status: int, message: str, inner: Any, words: str) -> None:
    told = secrets._vault_refused(Refusal(status, message, inner), "v.vault.azure.net", "s")
    assert (told.code, told.status, told.raw) == (secrets.UNREAD, status, message) and words in told.cause
    assert told.remedy


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("RESOURCE_DOES_NOT_EXIST", 404), ("NOT_FOUND", 404), ("PERMISSION_DENIED", 403), ("UNAUTHENTICATED", 401),
        ("401", 401), ("BAD_REQUEST", 400), ("MALFORMED_REQUEST", 400), ("INVALID_PARAMETER_VALUE", 400), ("X", 500),
        (None, 500),
    ],
)  # fmt: skip
def test_what_databricks_refuses(code: str | None, status: int) -> None:
    error = ValueError("first\nsecond")
    error.error_code = code  # type: ignore[attr-defined]
    cause, remedy, found_status = secrets._databricks_refused(error, "scope/key")
    assert found_status == status and cause and remedy
    assert status != 500 or cause == "first"

    class Unauthenticated(ValueError):
        error_code = None

    assert secrets._databricks_refused(Unauthenticated("x"), "scope/key")[2] == 401
    assert secrets._databricks_refused(type("E", (ValueError,), {"error_code": "X"})(), "a/b")[0] == "X"


def test_a_secret_is_read_once_and_must_have_a_value(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    values = {"scope/key": "value", "scope/empty": ""}
    monkeypatch.setattr(secrets, "_of_databricks", lambda name: asked.append(name) or values[name])
    monkeypatch.setattr(Reader, "_of_vault", lambda self, name: "of the vault")
    reader = Reader()
    assert [reader.read("databricks", "scope/key") for _ in range(2)] == ["value", "value"]
    assert asked == ["scope/key"] and reader.read("keyvault", "vault/name") == "of the vault"
    with pytest.raises(CloudError) as caught:
        reader.read("databricks", "scope/empty")
    assert (caught.value.status, caught.value.code) == (404, secrets.UNREAD)
    with pytest.raises(CloudError) as caught:
        reader.read("databricks", "no-key")
    assert caught.value.code == secrets.UNREAD and caught.value.status is None


def test_a_vaults_host_and_credential(monkeypatch: pytest.MonkeyPatch) -> None:
    vaults = pytest.importorskip("azure.keyvault.secrets")
    from azure.core.exceptions import HttpResponseError

    seen: list[tuple[str, Any, str, Any]] = []

    class Client:
        def __init__(self, url: str, token: Any, **options: Any) -> None:
            self.url, self.token = url, token
            assert options == {"retry_total": 2, "connection_timeout": 5, "read_timeout": 20}

        def get_secret(self, name: str, version: str | None) -> Any:
            seen.append((self.url, self.token, name, version))
            if name == "broken":
                raise HttpResponseError(message="x")
            if name == "silent":
                raise OSError("timed out")
            return SimpleNamespace(value=None if name == "empty" else "v")

        def close(self) -> None:
            pass

    monkeypatch.setattr(vaults, "SecretClient", Client)
    monkeypatch.setattr(credentials, "build", lambda credential, cloud: (credential.method, cloud.name))
    monkeypatch.delenv("ARM_CLOUD_METADATA_URL", raising=False)
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureChinaCloud")
    reader = Reader()
    assert reader._of_vault("kv/name") == "v" and reader._of_vault("kv.own.example/name/7") == "v"
    assert reader._of_vault("kv/empty") == ""
    method = ("default", "AzureChinaCloud")
    assert seen[:2] == [
        ("https://kv.vault.azure.cn", method, "name", None), ("https://kv.own.example", method, "name", "7"),
    ]  # fmt: skip
    reader.use(Credential())
    assert reader._token == method, "the same credential keeps its token"
    reader.use(Credential("azure_cli"))
    assert reader._of_vault("kv/name") == "v" and seen[-1][1][0] == "azure_cli"
    for name in ("broken", "silent"):
        with pytest.raises(CloudError) as caught:
            reader._of_vault(f"kv/{name}")
        assert caught.value.code == secrets.UNREAD


@pytest.mark.parametrize(("old", "databricks", "cluster"), [(True, "a/b", True), (False, "a/b", False), (True, "", False)])
def test_a_missing_package_is_named_with_another_way(
    monkeypatch: pytest.MonkeyPatch, old: bool, databricks: str, cluster: bool
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1) if old else (3, 10, 0))
    told = secrets._not_installed("databricks-sdk", "databricks", "databricks:a/b", databricks)
    assert ("pip install" not in told.remedy) is cluster and told.code == secrets.UNREAD
    assert ("3.10" in told.cause) is cluster
