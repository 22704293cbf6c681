"""How requests to the storage are signed, and with which credential."""

from __future__ import annotations

import base64
from types import SimpleNamespace
from typing import Any

import pytest
from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.auth import shared_token
from tui.cloud.auth.shared_token import SharedToken
from tui.cloud.errors import CloudError
from tui.cloud.storage import blob_access
from tui.cloud.storage.blob_access import Access
from tui.cloud.storage.datastore import container_of, default_datastore

SAS = "sv=1&sig=x"
KEY = base64.b64encode(b"key").decode()


@pytest.mark.parametrize(
    ("credential", "query", "text", "scheme"),
    [
        ("sv=1&sig=x", {"comp": "list"}, "comp=list&sv=1&sig=x", None),
        ("sv=1&sig=x", {}, "sv=1&sig=x", None),
        ("sig=x", {}, "sig=x", None),
        (KEY, {"a b": "c/d"}, "a%20b=c%2Fd", "SharedKey acc:"),
    ],
)
def test_a_request_is_signed(credential: str, query: dict[str, str], text: str, scheme: str | None) -> None:
    headers = {"content-length": "0"}
    found = Access("https://acc.blob.core.windows.net", credential).sign("GET", "/c", query, headers)
    assert found == (text, 0) and headers["x-ms-version"] == blob_access.VERSION
    assert headers.get("authorization", "").startswith(scheme or "") and ("authorization" in headers) is bool(scheme)


def test_a_signature_by_key_covers_what_the_storage_reads() -> None:
    access = Access("https://127.0.0.1/acc.blob.x", KEY)
    assert access._account == "acc"
    base = {"x-ms-version": "v", "content-length": "5", "content-type": "t"}
    sign = access._signature
    known = sign(KEY, "PUT", "/c/a", {"comp": "block"}, base)
    assert known == sign(KEY, "PUT", "/c/a", {"comp": "block"}, {**base, "other": "x"})
    for change in ({"content-length": "6"}, {"content-type": "u"}, {"x-ms-version": "w"}):
        assert known != sign(KEY, "PUT", "/c/a", {"comp": "block"}, {**base, **change})
    assert known != sign(KEY, "GET", "/c/a", {"comp": "block"}, base)
    assert known != sign(KEY, "PUT", "/c/a", {"comp": "list"}, base)
    zero = {**base, "content-length": "0"}
    del base["content-length"]
    assert sign(KEY, "PUT", "/c", {}, zero) == sign(KEY, "PUT", "/c", {}, base)


@pytest.mark.parametrize(
    ("left", "later", "asked"),
    [(3600, 599, 1), (3600, 601, 2), (1000, 599, 1), (800, 499, 1), (800, 501, 2), (600, 299, 1), (600, 301, 2),
     (-5, 0, 2)],
)  # fmt: skip
def test_a_token_is_asked_for_again_in_time(
    monkeypatch: pytest.MonkeyPatch, left: float, later: float, asked: int
) -> None:
    now = [1000.0]
    monkeypatch.setattr(shared_token, "time", SimpleNamespace(time=lambda: now[0]))
    scopes: list[str] = []

    class Identity:
        def get_token(self, scope: str) -> Any:
            scopes.append(scope)
            return SimpleNamespace(token="t", expires_on=now[0] + left)

    access = Access("https://acc.blob.x", SharedToken(Identity()))
    for _ in range(2):
        headers: dict[str, str] = {}
        access.sign("GET", "/c", {}, headers)
        assert headers["authorization"] == "Bearer t"
        now[0] += later
    assert scopes == [blob_access.SCOPE] * asked
    assert access.renewed(0) and access.generation == 1 and access.renewed(0) and access.generation == 1
    access.sign("GET", "/c", {}, {})
    assert len(scopes) == asked + 1


def test_a_signature_that_cannot_be_renewed() -> None:
    assert not Access("https://acc.blob.x", SAS).renewed(0)
    assert not Access("https://acc.blob.x", SAS, lambda: None).renewed(0)


# The datastore


def datastore(service: Service, properties: dict[str, Any], secret: Reply) -> None:
    service.on("GET", f"{WORKSPACE.id}/datastores/workspaceblobstore",
               Reply(body={"name": "workspaceblobstore", "properties": properties}))  # fmt: skip
    service.on("POST", "/listSecrets", secret)


KEYED = {"accountName": "acc", "containerName": "c", "credentials": {"credentialsType": "AccountKey"}}


@pytest.mark.parametrize(
    ("properties", "secret", "expected"),
    [
        (KEYED, Reply(body={"sasToken": "?sig=x"}), "sig=x"),
        (KEYED, Reply(body={"key": "k"}), "k"),
        (KEYED, Reply(body={"sasToken": "sig=x", "key": "k"}), "sig=x"),
        (KEYED, Reply(body={}), None),
        (KEYED, Reply(401), None),
        (KEYED, Reply(403), None),
        (KEYED, Reply(404), None),
        (KEYED, Reply(405), None),
        ({"accountName": "acc"}, Reply(body={"key": "k"}), None),
        (
            {"accountName": "acc", "credentials": {"credentialsType": "ServicePrincipal"}},
            Reply(body={"key": "k"}),
            None,
        ),
    ],
)
def test_the_credential_of_the_datastore(
    service: Service, cloud: Any, properties: dict[str, Any], secret: Reply, expected: str | None
) -> None:
    datastore(service, properties, secret)
    found = default_datastore(cloud)
    assert found.credential == (expected or cloud.credential)
    assert (found.renew is not None) is (expected is not None) and (found.renew is None or found.renew() == expected)


def test_a_datastore_that_cannot_be_used(service: Service, cloud: Any) -> None:
    datastore(service, KEYED, Reply(400))
    with pytest.raises(CloudError):
        default_datastore(cloud)
    for kind, usable in (("AzureBlob", True), ("AzureDataLakeGen2", True), ("AzureFile", False)):
        datastore(service, {"accountName": "a", "datastoreType": kind}, Reply(403))
        if usable:
            default_datastore(cloud)
        else:
            with pytest.raises(CloudError, match="does not support uploads"):
                default_datastore(cloud)
    service.on("GET", "/datastores", Reply(body={"value": []}))
    service.on("GET", "/datastores/workspaceblobstore", Reply(404, {}))
    with pytest.raises(CloudError, match="no default datastore"):
        default_datastore(cloud)
    assert container_of(cloud, {"accountName": "a", "filesystem": "f"}) == ("https://a.blob.core.windows.net", "f")
