"""Resource Graph: one query over workspaces, endpoints and deployments of many subscriptions.

The shapes are those of Microsoft's description of the API (resourcegraph, 2021-03-01 and 2022-10-01), the columns and
types those of the reference of tables. Of the query language only what a list needs is understood: `where` with
`==` or `=~`, `project` of columns, `order by`; anything else is refused as a mistake would be. Azure's graph lags
behind; this one does so only under the scenario `graph-partial`.
"""

from __future__ import annotations

import asyncio
import base64
import functools
import hashlib
import operator
import re
from collections.abc import Iterator
from typing import Any, Callable, NoReturn

from aiohttp import web

from tui.rehearsal.arm.errors import ArmError, graph_error
from tui.rehearsal.arm.front import Call, Route
from tui.rehearsal.arm.resource_paths import PROVIDER
from tui.rehearsal.arm.workspace_routes import workspace_body
from tui.rehearsal.fleet.places import OBSTACLES, REFUSING
from tui.rehearsal.online_endpoints import endpoints, online_resources
from tui.rehearsal.seed import TENANT_ID
from tui.rehearsal.service import Service
from tui.rehearsal.store import Resource

PATH = "/providers/Microsoft.ResourceGraph/resources"
MOST = 1000
_TEXTS = ["id", "name", "type", "tenantId", "kind", "location", "resourceGroup", "subscriptionId", "managedBy"]
COLUMNS = [*_TEXTS, *["sku", "plan", "properties", "tags", "identity", "zones", "extendedLocation"]]
_KINDS = {
    "onlineEndpoints": ("onlineEndpoints", endpoints.rendered),
    "deployments": ("onlineEndpoints/deployments", online_resources.rendered),
}
# So many rows are written before other requests have their turn.
_AT_ONCE = 20
_STAGES = 20
_WHERE = re.compile(r"""where\s+(\w+)\s*(==|=~)\s*(?:'([^'|]*)'|"([^"|]*)")""")
_PROJECT = re.compile(r"project\s+([\w\s,]+)")
_ORDER = re.compile(r"(?:order|sort)\s+by\s+(\w+)(?:\s+(asc|desc))?")


class _Row:
    """A resource, which is read when a column is asked for that its id and type do not tell."""

    def __init__(self, key: str, kind: str, read: Callable[[], Any]) -> None:
        self.key, self.type, self._read = key.lower(), f"{PROVIDER}/workspaces{kind}".lower(), read

    @functools.cached_property
    def body(self) -> Any:
        return self._read()

    def __getitem__(self, name: str) -> Any:
        if name == "type":
            return self.type
        parts = self.body["id"].split("/")
        known = {"tenantId": TENANT_ID, "subscriptionId": parts[2], "resourceGroup": parts[4]}
        return self.body.get(name, known.get(name, "" if name in _TEXTS else None))

    def lower(self, name: str) -> str:
        """The column as a text in lower case."""
        return self.key if name == "id" else str(self[name]).lower()


async def query(call: Call) -> web.Response:
    """`POST` of a query. Raises ArmError: 400 for what is not understood, 403 and 429 under their scenarios."""
    service, body = call.service, call.body
    headers = service.read_limits.query(call.caller, enforced="read-limits" in service.scenarios)
    if "graph-forbidden" in service.scenarios:
        words = "Access is denied to the requested resource."
        raise graph_error(403, "AccessDenied", "AccessDenied", words, headers=headers)
    text, options = body.text("query") or "", body.object("options")
    if body.raw("facets") or body.raw("managementGroups") or options.text("resultFormat") == "table":
        words = "The rehearsal's queries have no facets, no management groups and no tables."
        raise ArmError(501, "NotImplemented", words)
    wanted = body.raw("subscriptions") or []
    if not isinstance(wanted, list) or not all(isinstance(item, str) for item in wanted):
        raise graph_error(400, "BadRequest", "InvalidRequest", "subscriptions must be a list of texts.")
    found, columns = _run(text, sorted(_resources(call, {item.lower() for item in wanted}), key=lambda row: row.key))
    digest = hashlib.sha256(f"{text}\n{sorted(wanted)}".encode()).hexdigest()[:12]
    start, size = _page(options.text("$skipToken"), digest)
    size, start = options.integer("$top", size), options.integer("$skip", start)
    if not 1 <= size <= MOST or start < 0:
        words = f"$top must be from 1 to {MOST}, $skip 0 or more."
        raise graph_error(400, "BadRequest", "InvalidQueryOptions", words)
    page, more = [], start + size < len(found)
    for number, row in enumerate(found[start : start + size]):
        # It may have been deleted while others had their turn.
        if row.body:
            page.append({name: row[name] for name in columns})
        if number % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    # Without the column id there are no pages: the rest is cut off (documented).
    answer = {"totalRecords": len(found), "count": len(page), "data": page, "facets": []}
    answer["resultTruncated"] = "true" if more and "id" not in columns else "false"
    if more and "id" in columns:
        answer["$skipToken"] = base64.b64encode(f"{start + size} {size} {digest}".encode()).decode()
    return web.json_response(answer, headers=headers)


def _page(token: str | None, digest: str) -> tuple[int, int]:
    """Offset and size of a page. Raises ArmError 400 for a token that is not of this query."""
    if not token:
        return 0, MOST
    try:
        start, size, of = base64.b64decode(token).decode().split(" ")
        if of == digest:
            return int(start), int(size)
    except ValueError:
        pass
    raise graph_error(400, "BadRequest", "InvalidSkipToken", "The skip token is not one of this query.")


def _resources(call: Call, wanted: set[str]) -> Iterator[_Row]:
    """The rows that the caller may read; subscriptions that it may not are left out silently (reported)."""
    service, rights = call.service, call.service.rights.of(call.claims)
    workspaces = [
        workspace
        for workspace in service.workspaces.all()
        if rights.roles and (not wanted or workspace.subscription_id.lower() in wanted)
    ]
    if not workspaces:
        given = ", ".join(sorted(wanted))
        message = f"There must be at least one subscription that is eligible to contain resources. Given: '{given}'."
        raise graph_error(400, "BadRequest", "NoValidSubscriptionsInQueryRequest", message)
    if "graph-partial" in service.scenarios:
        workspaces = sorted(workspaces, key=lambda workspace: workspace.id)[:-1]
    # What is below a workspace that refuses may not be read; a silent one's is known.
    below = tuple(f"{one.id}/".lower() for one in workspaces if OBSTACLES.get(one.id.lower()) != REFUSING)
    if rights.allow(f"{PROVIDER}/workspaces/read"):
        for one in workspaces:
            yield _Row(one.id, "", functools.partial(workspace_body, service, one))
    for kind, (action, rendered) in _KINDS.items():
        if rights.allow(f"{PROVIDER}/workspaces/{action}/read"):
            for key in filter(lambda key: key.startswith(below), service.store.ids(kind)):
                yield _Row(key, f"/{action}", functools.partial(_kept, service, key, rendered))


def _kept(service: Service, key: str, rendered: Callable[[Service, Resource], dict[str, Any]]) -> dict[str, Any] | None:
    found = service.store.get(key)
    return rendered(service, found) if found else None


def _run(text: str, rows: list[_Row]) -> tuple[list[_Row], list[str]]:
    """Rows and columns of a query's result. Raises ArmError 400."""
    columns, at = COLUMNS, 0
    for stage in text.split("|", _STAGES):
        words = stage.strip()
        where, project, order = (pattern.fullmatch(words) for pattern in (_WHERE, _PROJECT, _ORDER))
        names = [name.strip() for name in project[1].split(",")] if project else []
        if not at and words.lower() == "resources":
            pass
        elif at and where and where[1] in columns:
            name, value = where[1], where[3] or where[4] or ""
            lower = value.lower()
            rows = [row for row in rows if row.lower(name) == lower]
            rows = [row for row in rows if where[2] == "=~" or str(row[name]) == value]
        elif at and project and set(names) <= set(columns):
            columns = list(dict.fromkeys(names))
        elif at and order and order[1] in columns:
            rows.sort(key=operator.methodcaller("lower", order[1]), reverse=order[2] != "asc")
        else:
            _fail(text, at)
        at += len(stage) + 1
    return rows, columns


def _fail(text: str, at: int) -> NoReturn:
    """Refuse a query as Azure does, with the place of what is not understood."""
    found = re.compile(r"[^\s|]+").search(text, at)
    line, character = text.count("\n", 0, at) + 1, at - text.rfind("\n", 0, at) - 1
    place = {"line": line, "characterPositionInLine": character, "token": found[0][:80] if found else "<EOF>"}
    said = "Query is invalid. Please refer to the documentation for the Azure Resource Graph service and fix the error "
    parser = {"code": "ParserFailure", "message": "ParserFailure", **place}
    raise graph_error(400, "BadRequest", "InvalidQuery", said + "before retrying.", parser)


ROUTES: list[Route] = [("POST", PATH, query)]
