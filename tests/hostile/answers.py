"""Hostile answers of Azure, by call: each ends in the right result or in a clear error, and nothing goes elsewhere.

`python -m pytest -s tests/hostile/test_answers.py` prints the counts of each outcome.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scripted_service import WORKSPACE, Reply, Service

from tui.cloud.assets import code
from tui.cloud.endpoints import deployments, endpoints, keys
from tui.cloud.errors import CloudError
from tui.cloud.storage.datastore import default_datastore
from tui.plan.model import Endpoint

BODY = {"name": "churn", "id": f"{WORKSPACE.id}/onlineEndpoints/churn", "properties": {"authMode": "Key"}}
ENDPOINT = endpoints.info(BODY)


def _create(cloud: Any) -> Any:
    operation = endpoints.begin_create_or_update(cloud, Endpoint("churn"), {})
    return operation.result() if operation.wait(0.3) else operation


# Each call: its name, the request that is answered badly, and what is called.
CALLS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "workspace": ("GET", r"/workspaces/workspace\?", lambda cloud: cloud.read_workspace()),
    "endpoint": ("GET", "/onlineEndpoints/churn", lambda cloud: endpoints.read(cloud, "churn", deployments=False)),
    "endpoints": ("GET", r"/onlineEndpoints\?", endpoints.list_all),
    "deployments": ("GET", "/deployments", lambda cloud: deployments.list_all(cloud, "churn")),
    "create": ("PUT", "/onlineEndpoints/churn", _create),
    "keys": ("POST", "/listKeys", lambda cloud: keys.credentials(cloud, ENDPOINT)),
    "datastore": ("GET", "/datastores", default_datastore),
    "upload location": (
        "POST",
        "/startPendingUpload",
        lambda cloud: code._place(cloud, f"{WORKSPACE.id}/codes/c", "x"),
    ),
}


def behaviours(foreign: str, own: str) -> dict[str, Reply]:
    """The answers by name; `foreign` is a service that nothing may be sent to."""
    page = b"<html><body>Sign in to the proxy</body></html>"
    return {
        **{
            f"status {status}": Reply(status, {"error": {"code": "X", "message": "m"}})
            for status in (400, 401, 403, 404)
        },
        "gateway": Reply(400, page, {"Content-Type": "text/html"}),
        "page": Reply(200, page, {"Content-Type": "text/html"}),
        "truncated": Reply(200, b'{"value": [{"name":'),
        "deep": Reply(200, b"[" * 50_000 + b"]" * 50_000),
        "list": Reply(200, [1]),
        "text": Reply(200, "text"),
        "number": Reply(200, 7),
        "empty": Reply(200, b""),
        "properties null": Reply(200, {**BODY, "properties": None, "value": [{**BODY, "properties": None}]}),
        "properties list": Reply(200, {**BODY, "properties": [1], "value": [{**BODY, "properties": [1]}]}),
        "traffic list": Reply(200, {**BODY, "properties": {"traffic": [1]}}),
        "foreign page": Reply(200, {**BODY, "value": [], "nextLink": f"{foreign}/next"}),
        "page over http": Reply(200, {**BODY, "value": [], "nextLink": f"{own.replace('https', 'http')}/next"}),
        "foreign operation": Reply(201, BODY, {"Azure-AsyncOperation": f"{foreign}/operation"}),
        "foreign location": Reply(202, BODY, {"Location": f"{foreign}/operation"}),
        "foreign redirect": Reply(307, b"", {"Location": f"{foreign}/elsewhere"}),
        "own redirect": Reply(307, b"", {"Location": f"{own}/nowhere"}),
    }


def outcome(cloud: Any, call: Callable[[Any], Any]) -> str:
    """ "result" or "error: CODE"; any other exception is the fault that is looked for, and is raised."""
    try:
        call(cloud)
    except CloudError as error:
        assert error.title and "aml-deploy" not in error.title
        return f"error: {error.code or error.status or error.title}"
    return "result"


def cell(service: Service, foreign: Service, cloud: Any, name: str, behaviour: str) -> str:
    """The outcome of one call with one behaviour. Raises AssertionError if anything was sent to the foreign host."""
    method, pattern, call = CALLS[name]
    if method == "PUT":
        service.on("GET", pattern, Reply(404, {"error": {"code": "NotFound"}}))
    service.on(method, pattern, behaviours(foreign.url, service.url)[behaviour])
    found = outcome(cloud, call)
    assert foreign.requests == [], f"{name}, {behaviour}: sent to a foreign host"
    return found
