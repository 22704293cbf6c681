"""Properties that hold whatever is sent wherever: a proper answer, in time, in the service's own shape."""

from __future__ import annotations

import functools
import json
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
import requests
from arm_client import Arm
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tui.rehearsal.server import _routes

# Seconds that any answer may take: far more than it needs, less than a hang.
PATIENCE = 20
RUNS = settings(
    max_examples=300,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
ROUTES = sorted(set(_routes()))
METHODS = ("GET", "PUT", "PATCH", "POST", "DELETE", "HEAD", "OPTIONS")

# Members that the operations know, with values that are right, nearly right, or wrong.
KNOWN: dict[str, list[Any]] = {
    "location": ["eastus", "East US", "mars", 7, None],
    "tags": [{}, {"a": "b"}, {"a": 1}, {"a": None}, {"a": []}, [], "x"],
    "identity": [{"type": "SystemAssigned"}, {"type": "None"}, {"type": "UserAssigned"}, {"type": 1}, []],
    "sku": [{"capacity": 1}, {"capacity": 0}, {"capacity": 1e9}, {"capacity": "1"}, None, []],
}
INNER: dict[str, list[Any]] = {
    "authMode": ["Key", "AMLToken", "aadtoken", "none", 1, None],
    "traffic": [{}, {"blue": 100}, {"blue": -1}, {"blue": 1.5}, {"": 100}, [], None],
    "mirrorTraffic": [{}, {"blue": 51}, {"blue": True}],
    "publicNetworkAccess": ["Enabled", "disabled", "", 0],
    "compute": ["x", {}, None],
    "keys": [{}, {"primaryKey": "x"}],
    "model": ["azureml:x:1", "/subscriptions/x", "", {}, "azureml:/" + "x" * 3000],
    "environmentId": ["azureml:x:1", None, []],
    "codeConfiguration": [{}, {"codeId": 1}, {"codeId": "x", "scoringScript": "s.py"}, "x"],
    "instanceType": ["Standard_DS3_v2", "standard_ds3_v2", "", 4],
    "requestSettings": [{}, {"requestTimeout": "PT5S"}, {"requestTimeout": "P1Y"}, {"requestTimeout": 5}, []],
    "livenessProbe": [{}, {"period": "PT0S"}, {"failureThreshold": 0}, {"failureThreshold": 10**30}, None],
    "scaleSettings": [{"scaleType": "Default"}, {"scaleType": "TargetUtilization"}, []],
    "egressPublicNetworkAccess": ["Enabled", "Disabled", "maybe"],
    "endpointComputeType": ["Managed", "Kubernetes", "x", 0],
    "modelUri": ["azureml://datastores/workspaceblobstore/paths/x", "", None, 3],
    "modelType": ["custom_model", "mlflow_model", 1],
    "flavors": [{}, {"a": {}}, [], "x"],
    "codeUri": ["https://127.0.0.1/x", "", {}],
    "condaFile": ["dependencies: []", "{", None, 1],
    "image": ["x", "", []],
    "build": [{}, {"contextUri": "x"}, []],
    "properties": [{}, {"hash_sha256": "x"}, {"hash_sha256": 1}, []],
    "isArchived": [True, "true", None],
    "stage": ["Development", 1],
}
TOP: dict[str, list[Any]] = {
    "keyType": ["Primary", "Secondary", "third", 1],
    "keyValue": ["x", None, 1],
    "containerType": ["InferenceServer", "storageinitializer", "x", []],
    "tail": [0, -5, 10**12, "x", 1.5],
    "expirableSecret": [True, "yes", None],
    "expireAfterHours": [1, -1, 10**40, "x"],
    "pendingUploadType": ["TemporaryBlobReference", 1],
    "includeSpark": [True, 1, "x"],
}

odd_text = st.text(st.characters(), max_size=12)
# What an address can hold: no half of a surrogate pair, which UTF-8 does not have.
path_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
scalars = st.none() | st.booleans() | st.integers() | st.floats() | odd_text
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(odd_text, inner, max_size=3), max_leaves=6
)


def _members(known: dict[str, list[Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Some of the known members, each with one of its values or, seldom, with anything."""
    names = st.lists(st.sampled_from(sorted(known)), max_size=5, unique=True)
    return names.flatmap(
        lambda chosen: st.fixed_dictionaries(
            {name: st.sampled_from(known[name]) | (st.sampled_from(known[name]) | anything) for name in chosen}
        )
    )


bodies = st.one_of(
    st.builds(lambda top, inner: {"location": "eastus", **top, "properties": inner}, _members(KNOWN), _members(INNER)),
    st.builds(lambda top, extra: {**top, **extra}, _members(KNOWN), _members(TOP)),
    st.builds(lambda top, inner: {**top, "properties": inner}, _members(KNOWN), anything),
    anything,
)
contents = st.one_of(
    bodies.map(lambda body: json.dumps(body).encode()),
    st.binary(max_size=40),
    st.sampled_from([b"", b"{", b"[]", b"null", b'{"a":1}{', b'\xef\xbb\xbf{"a":1}', b'{"a":' * 2000, b" " * 5000]),
)
# A few names, so that later requests meet what earlier ones made.
names = st.one_of(
    st.sampled_from(["fuzz-one", "fuzz-two", "blue", "1"]),
    path_text.filter(lambda text: text not in ("", ".", "..")),
    # Also bytes that are no UTF-8.
    st.binary(min_size=1, max_size=6).filter(lambda raw: raw not in (b".", b"..")),
)
queries = st.dictionaries(
    st.sampled_from(
        ["api-version", "$skip", "$top", "$orderBy", "orderBy", "count", "tags", "properties", "listViewType", "hash",
         "hashVersion", "version", "offset", "isDefault", "names", "searchText", "name", "computeType", "description"]
    ),
    st.sampled_from(["", "1", "-1", "0", "99999999999999999999", "a=b", ",,=", "All", "createdtime asc", "²", "%00"])
    | path_text,
    max_size=4,
)  # fmt: skip
header_text = st.text(string.ascii_letters + string.digits + ' ;,=/*"-', max_size=20).map(str.strip)
headers = st.dictionaries(
    st.sampled_from(
        ["Content-Type", "Accept", "Accept-Language", "If-Match", "If-None-Match", "x-ms-client-request-id",
         "x-ms-date", "x-ms-version", "Content-Encoding", "Content-MD5", "Range", "x-ms-range", "x-ms-blob-type"]
    ),
    st.sampled_from(["", "*", "application/json", "text/plain; charset=nonsense", "gzip", "bytes=5-1", b"\xff"])
    | header_text,
    max_size=3,
)  # fmt: skip


def _send(arm: Arm, method: str, path: str, query: Any, content: bytes, extra: dict[str, Any]) -> requests.Response:
    return arm.session.request(
        method, arm.origin + path, params=query, data=content, headers=extra, timeout=PATIENCE, allow_redirects=False
    )


def _filled(arm: Arm, path: str, draw: Callable[[], Any]) -> str:
    """A path of the table of routes; the places of the session's workspace, the names as they are drawn."""
    where = arm.workspace.split("/")
    fixed = {"subscription": where[2], "group": where[4], "workspace": where[8], "location": "eastus"}
    parts = []
    for part in path.strip("/").split("/"):
        name = part.strip("{}")
        parts.append(quote(fixed.get(name) or draw(), safe="") if part.startswith("{") else part)
    return "/" + "/".join(parts)


def _is_proper(answer: requests.Response) -> None:
    """No failure of the rehearsal itself, and an ARM error body where something is refused."""
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    assert answer.headers["x-ms-request-id"]
    if answer.status_code >= 400 and answer.request.method != "HEAD":
        error = answer.json()["error"]
        assert isinstance(error["code"], str) and error["code"]
        assert isinstance(error["message"], str) and error["message"]


@RUNS
@given(data=st.data())
def test_every_operation_takes_everything(arm: Arm, data: st.DataObject) -> None:
    method, route = data.draw(st.sampled_from(ROUTES), "operation")
    if "/managedNetworks" not in route:
        path = _filled(arm, route, lambda: data.draw(names, "name"))
        sent = data.draw(st.sampled_from([method] * 6 + list(METHODS)), "method")
        answer = _send(
            arm, sent, path, data.draw(queries, "query"), data.draw(contents, "content"), data.draw(headers, "headers")
        )
        _is_proper(answer)


WRITES = sorted({item for item in ROUTES if item[0] in ("PUT", "PATCH", "POST") and "{item}" not in item[1]})


@RUNS
@given(
    operation=st.sampled_from(
        [
            item
            for item in WRITES
            if any(word in item[1] for word in ("onlineEndpoints", "models", "codes", "environments"))
        ]
    ),
    name=st.sampled_from(["fuzz-one", "fuzz-two"]),
    body=bodies,
)
@example(operation=WRITES[0], name="fuzz-one", body={"properties": {"traffic": {"blue": 10**400}}})
def test_bodies_that_are_nearly_right(arm: Arm, operation: tuple[str, str], name: str, body: Any) -> None:
    method, route = operation
    answer = _send(
        arm, method, _filled(arm, route, lambda: name), {"api-version": "2024-04-01"},
        json.dumps(body).encode(), {"Content-Type": "application/json"},
    )  # fmt: skip
    _is_proper(answer)
    # What was taken can be read again, and so can the lists that hold it.
    if answer.status_code in (200, 201) and method == "PUT":
        again = arm.call("GET", _filled(arm, route, lambda: name))
        assert again.status_code == 200
        assert again.json()["name"]
        _is_proper(arm.call("GET", _filled(arm, route, lambda: name).rsplit("/", 1)[0]))


@settings(RUNS, max_examples=60)
@given(path=st.lists(path_text, max_size=9), method=st.sampled_from(METHODS), extra=headers)
def test_paths_that_nobody_knows(arm: Arm, path: list[str], method: str, extra: dict[str, Any]) -> None:
    parts = [quote(part, safe="") for part in path if part not in (".", "..")]
    _is_proper(_send(arm, method, "/subscriptions/" + "/".join(parts), {}, b"", extra))


@settings(RUNS, max_examples=60)
@given(
    form=st.dictionaries(
        st.sampled_from(["grant_type", "client_id", "client_secret", "scope", "client_assertion", "resource"]),
        st.sampled_from(["client_credentials", "password", "x/.default", "5eed0000-0000-4000-8000-00000000c001", ""])
        | path_text,
    )
    | st.binary(max_size=30),
    tenant=st.sampled_from(["5eed0000-0000-4000-8000-00000000b001", "common", "nobody"]),
    path=st.sampled_from(
        ["/{}/oauth2/v2.0/token", "/{}/v2.0/.well-known/openid-configuration", "/{}/discovery/v2.0/keys", "/msi/token"]
    ),
    method=st.sampled_from(["GET", "POST"]),
)
def test_entra_refuses_in_its_own_shape(arm: Arm, form: Any, tenant: str, path: str, method: str) -> None:
    # Without the token that the client otherwise carries.
    answer = arm.session.request(
        method, arm.origin + path.format(tenant), data=form, headers={"Authorization": ""}, timeout=PATIENCE
    )
    assert answer.status_code < 500
    if answer.status_code >= 400:
        body = answer.json()
        assert "error_description" in body or "message" in body or body["error"]["message"]
    else:
        # Nothing that was made at random may sign anybody in.
        assert "access_token" not in answer.text


@functools.lru_cache(maxsize=1)
def _storage(arm: Arm) -> tuple[str, dict[str, str]]:
    properties = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
    sas = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()["sasToken"]
    from urllib.parse import parse_qsl

    return f"/rehearsal.blob.core.windows.net/{properties['containerName']}", dict(parse_qsl(sas))


@RUNS
@given(
    blob=st.sampled_from(["fuzz/a", "fuzz/b"]) | path_text,
    query=st.dictionaries(
        st.sampled_from(["comp", "restype", "blockid", "prefix", "marker", "delimiter", "maxresults", "include", "se",
                         "sp", "blocklisttype", "snapshot", "timeout"]),
        st.sampled_from(["list", "container", "block", "blocklist", "metadata", "properties", "MDAwMQ==", "all", ""])
        | path_text,
        max_size=4,
    ),
    method=st.sampled_from(METHODS),
    extra=st.dictionaries(
        st.sampled_from(["x-ms-blob-type", "x-ms-meta-a", "x-ms-meta-a-b", "x-ms-range", "Range",
                         "If-Match", "If-None-Match", "Content-MD5", "x-ms-copy-source", "x-ms-blob-content-type",
                         "x-ms-range-get-content-md5", "Authorization"]),
        st.sampled_from(["BlockBlob", "AppendBlob", "bytes=0-", "bytes=9-1", "*", "true", "SharedKey x:y", b"\xff\xfe",
                         b"\xc3\xbc"]) | header_text,
        max_size=3,
    ),
    content=st.binary(max_size=30)
    | st.sampled_from([b"<BlockList><Latest>MDAwMQ==</Latest></BlockList>", b"<a", b"<a/>"]),
)  # fmt: skip
def test_storage_refuses_in_its_own_shape(
    arm: Arm, blob: str, query: dict[str, str], method: str, extra: dict[str, Any], content: bytes
) -> None:
    base, sas = _storage(arm)
    path = base + "/" + quote(blob, safe="/")
    answer = _send(arm, method, path, {**sas, **query}, content, {"Authorization": "", **extra})
    assert answer.status_code < 500 or answer.status_code == 501, answer.text
    if answer.status_code >= 400:
        assert answer.headers["x-ms-error-code"]
        if method != "HEAD":
            assert ElementTree.fromstring(answer.content).findtext("Code")


@pytest.fixture(autouse=True, scope="module")
def afterwards(arm: Arm) -> Any:
    """The rehearsal goes on as before, and the endpoints that were made at random go."""
    yield
    for endpoint in arm.call("GET", "onlineEndpoints").json()["value"]:
        if endpoint["name"].startswith("fuzz"):
            arm.call("DELETE", f"onlineEndpoints/{endpoint['name']}")
    assert arm.call("GET", arm.workspace).status_code == 200
