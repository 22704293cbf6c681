"""Malformed requests: never a 500, never a hang, always an answer in Azure's shape."""

from __future__ import annotations

import json
import random
import socket
import ssl
import string
from typing import Any

import pytest
from arm_client import Arm

KINDS = (
    "onlineEndpoints/{n}",
    "onlineEndpoints/{n}/deployments/blue",
    "models/{n}/versions/1",
    "codes/{n}/versions/1",
    "environments/{n}/versions/1",
    "models/{n}",
)
POSTS = (
    "datastores/workspaceblobstore/listSecrets",
    "codes/{n}/versions/1/startPendingUpload",
    "onlineEndpoints/{n}/listKeys",
    "onlineEndpoints/{n}/regenerateKeys",
    "onlineEndpoints/{n}/token",
    "onlineEndpoints/{n}/deployments/blue/getLogs",
)
MEMBERS = (
    "location", "tags", "identity", "sku", "properties", "type", "userAssignedIdentities", "capacity", "authMode",
    "traffic", "mirrorTraffic", "publicNetworkAccess", "compute", "description", "model", "environmentId",
    "codeConfiguration", "codeId", "scoringScript", "instanceType", "scaleSettings", "scaleType", "requestSettings",
    "requestTimeout", "maxQueueWait", "maxConcurrentRequestsPerInstance", "livenessProbe", "period", "timeout",
    "failureThreshold", "environmentVariables", "egressPublicNetworkAccess", "dataCollector", "modelUri", "modelType",
    "flavors", "codeUri", "image", "condaFile", "build", "contextUri", "isArchived", "expireAfterHours", "keyType",
    "containerType", "tail", "endpointComputeType", "properties", "properties",
)  # fmt: skip


def _value(chance: random.Random, depth: int) -> Any:
    kind = chance.randrange(12 if depth else 9)
    if kind == 0:
        return None
    if kind == 1:
        return chance.choice([True, False])
    if kind == 2:
        return chance.choice([0, -1, 1, 2**31, 10**30, 1.5, -0.0, 1e308])
    if kind <= 4:
        return "".join(chance.choice(string.printable + "ü\u2028\U0001f600\x00") for _ in range(chance.randrange(12)))
    if kind == 5:
        return chance.choice(
            [
                "Key",
                "Managed",
                "Disabled",
                "eastus",
                "PT5S",
                "P",
                "PT",
                "azureml://x",
                "/",
                "Standard_DS3_v2",
                "SystemAssigned",
                "UserAssigned",
                "x" * 5000,
                "mlflow_model",
                "../..",
            ]
        )
    if kind == 6:
        return [_value(chance, 0) for _ in range(chance.randrange(3))]
    if kind <= 8:
        return {}
    return {chance.choice(MEMBERS): _value(chance, depth - 1) for _ in range(chance.randrange(1, 7))}


def _body(chance: random.Random) -> dict[str, Any]:
    return {
        "location": "eastus" if chance.random() < 0.7 else _value(chance, 1),
        "properties": {chance.choice(MEMBERS): _value(chance, 2) for _ in range(chance.randrange(10))}
        if chance.random() < 0.8
        else _value(chance, 2),
        **{chance.choice(MEMBERS): _value(chance, 3) for _ in range(chance.randrange(3))},
    }


def _is_arm_answer(answer: Any) -> bool:
    if answer.status_code < 400:
        return bool(answer.headers["x-ms-request-id"])
    error = answer.json()["error"]
    return bool(error["code"] and error["message"] and answer.headers["x-ms-request-id"])


@pytest.mark.parametrize("seed", range(6))
def test_bodies_made_at_random(arm: Arm, seed: int) -> None:
    chance = random.Random(seed)
    for number in range(60):
        method = chance.choice(["PUT", "PUT", "PUT", "PATCH", "POST"])
        path = chance.choice(POSTS if method == "POST" else KINDS).format(n=f"fuzz-{seed}-{number % 5}")
        body = _body(chance)
        answer = arm.call(method, path, body)
        assert answer.status_code < 500, (method, path, body, answer.text)
        assert _is_arm_answer(answer), (method, path, body, answer.text)
    # The rehearsal goes on, and what was written can be read.
    for kind in ("onlineEndpoints", "models", "codes", "environments"):
        listed = arm.call("GET", kind)
        assert listed.status_code == 200
        json.dumps(listed.json())


@pytest.mark.parametrize(
    "content",
    [b"{", b"[]", b"null", b"7", b'"text"', b"\xff\xfe", b'{"properties": []}', b'{"a": "\\ud800"}', b"[" * 100_000,
     b'{"properties": ' + b'{"a":' * 3000 + b"1" + b"}" * 3001, b'{"location": NaN}', b"\x00" * 10],
)  # fmt: skip
def test_bodies_that_are_no_object(arm: Arm, content: bytes) -> None:
    url = f"{arm.origin}{arm.workspace}/onlineEndpoints/some-name?api-version=1"
    answer = arm.session.put(url, data=content, headers={"Content-Type": "application/json"}, timeout=30)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"]


@pytest.mark.parametrize(
    "path",
    ["/", "//", "/subscriptions//resourceGroups", "/subscriptions/%00", "/subscriptions/%2e%2e/x", "/%ff%fe",
     "/subscriptions/" + "a" * 7000, "/subscriptions/x/providers/Microsoft.MachineLearningServices/locations/eastus",
     "/endpoints/none/score", "/msi/token", "/x/oauth2/v2.0/token", "/rehearsal.blob.core.windows.net",
     "/rehearsal.blob.core.windows.net/c/b", "/rehearsal.blob.core.windows.net/c?restype=container&comp=list"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
def test_paths_and_methods_that_are_not_there(arm: Arm, method: str, path: str) -> None:
    answer = arm.session.request(method, arm.origin + path, timeout=30)
    assert 400 <= answer.status_code < 500 or answer.status_code == 501
    assert answer.headers["x-ms-request-id"]


@pytest.mark.parametrize(
    "query",
    ["restype=container&comp=list&maxresults=x", "restype=container&comp=list&maxresults=0", "comp=block&blockid=%%%",
     "comp=block", "comp=blocklist", "comp=unheard", "restype=container&comp=list&marker=%00&prefix=%ff", "snapshot=1"],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD"])
def test_malformed_storage_requests(arm: Arm, name: str, method: str, query: str) -> None:
    store = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
    sas = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()["sasToken"]
    blob = "" if "restype" in query else f"/{name}"
    base = f"{arm.origin}/rehearsal.blob.core.windows.net/{store['containerName']}{blob}"
    headers = {"x-ms-range": "bytes=9-1", "x-ms-blob-type": "BlockBlob", "x-ms-meta-bad-name": "1"}
    answer = arm.session.request(method, f"{base}?{query}&{sas}", data=b"<no xml", headers=headers, timeout=30)
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    if answer.status_code >= 400:
        assert answer.headers["x-ms-error-code"]


@pytest.mark.parametrize("head", [b"BREW / HTTP/1.1", b"GET / HTTP/9.9", b"GET /\x00 HTTP/1.1", b"\x16\x03", b"GET"])
def test_what_is_no_http_is_refused_before_anybody_sees_it(rehearsal: dict[str, Any], head: bytes) -> None:
    context = ssl.create_default_context(cafile=rehearsal["set"]["REQUESTS_CA_BUNDLE"])
    port = int(rehearsal["url"].rsplit(":", 1)[1])
    plain = socket.create_connection(("127.0.0.1", port), timeout=10)
    with context.wrap_socket(plain, server_hostname="localhost") as secure:
        secure.sendall(head + b"\r\nHost: localhost\r\n\r\n")
        answer = secure.recv(4096)
    assert answer == b"" or answer.split()[1] == b"400"
