"""Secrets of Databricks and Key Vault: filled in, hidden, tested, and refused with a reason."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.auth import credentials, secrets
from tui.cloud.auth.secrets import Reader
from tui.cloud.errors import CloudError
from tui.cloud.http.connections import AzureSession
from tui.common.redact import each_text, hide
from tui.plan.model import Credential, Deployment, Plan, Workspace


class Fixed(Reader):
    """Reads from a table."""

    def __init__(self, **kept: str) -> None:
        super().__init__()
        self.kept, self.used = kept, []

    def read(self, kind: str, name: str) -> str:
        return self.kept[name.replace("/", "_").replace("-", "_")]

    def use(self, credential: Credential) -> None:
        self.used.append(credential)


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
    shown = each_text({"a": ["identifier subscription", "say long-secret", "variable-value", 1]}, hide)
    assert shown == {"a": ["identifier subscription", "say (hidden)", "(hidden)", 1]}


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
            assert isinstance(options.pop("transport").session, AzureSession)
            assert options.pop("permit_redirects") is False
            assert options == {"retry_total": 2, "connection_timeout": 5, "read_timeout": 20}

        def get_secret(self, name: str, version: str | None) -> Any:
            seen.append((self.url, self.token.identity, name, version))
            if name == "broken":
                raise HttpResponseError(message="x")
            if name == "silent":
                raise OSError("timed out")
            return SimpleNamespace(value=None if name == "empty" else "v")

        def close(self) -> None:
            pass

    monkeypatch.setattr(vaults, "SecretClient", Client)
    monkeypatch.setattr(credentials, "build", lambda credential, cloud, transport: (credential.method, cloud.name))
    monkeypatch.delenv("ARM_CLOUD_METADATA_URL", raising=False)
    monkeypatch.setenv("AZUREML_CURRENT_CLOUD", "AzureChinaCloud")
    reader = Reader()
    assert reader._of_vault("kv/name") == "v" and reader._of_vault("kv.own.vault.azure.cn/name/7") == "v"
    assert reader._of_vault("kv/empty") == ""
    method = ("default", "AzureChinaCloud")
    assert seen[:2] == [
        ("https://kv.vault.azure.cn", method, "name", None), ("https://kv.own.vault.azure.cn", method, "name", "7"),
    ]  # fmt: skip
    reader.use(Credential())
    assert reader._token is not None and reader._token.identity == method, "the same credential keeps its token"
    reader.use(Credential("azure_cli"))
    assert reader._of_vault("kv/name") == "v" and seen[-1][1][0] == "azure_cli"
    for name in ("broken", "silent"):
        with pytest.raises(CloudError) as caught:
            reader._of_vault(f"kv/{name}")
        assert caught.value.code == secrets.UNREAD


@pytest.mark.parametrize(
    ("old", "databricks", "cluster"), [(True, "a/b", True), (False, "a/b", False), (True, "", False)]
)
def test_a_missing_package_is_named_with_another_way(
    monkeypatch: pytest.MonkeyPatch, old: bool, databricks: str, cluster: bool
) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 1) if old else (3, 10, 0))
    told = secrets._not_installed("databricks-sdk", "databricks", "databricks:a/b", databricks)
    assert ("pip install" not in told.remedy) is cluster and told.code == secrets.UNREAD
    assert ("3.10" in told.cause) is cluster
