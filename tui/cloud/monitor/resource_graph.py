"""Asks Azure Resource Graph, which finds resources of many subscriptions in one request.

Path, body and answer are those of Microsoft's description (Resources, 2021-03-01). The types of workspaces, online
endpoints and their deployments are in its table `resources` (Microsoft, "Azure Resource Graph table and resource type
reference"). What it finds is what the identity may read, as it was some seconds to minutes ago: a resource that it
omits may be there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tui.cloud.errors import CloudError, unreadable
from tui.cloud.http.read_budget import budgeted
from tui.cloud.session import Cloud

VERSION = "2021-03-01"
ROWS = 1000  # of a page, the most that may be asked for
SUBSCRIPTIONS = 250  # of a query; fewer than 300 are recommended
_PAGES = 100
_DOING = "asking Resource Graph"
_TYPE = "microsoft.machinelearningservices/workspaces"
# Pages need an order that does not change.
_QUERY = (
    "resources | where type =~ '{}' | project id, name, type, location, resourceGroup, subscriptionId, kind, tags, "
    "properties | order by id asc"
)
WORKSPACES, ENDPOINTS, DEPLOYMENTS = (
    _QUERY.format(f"{_TYPE}{below}") for below in ("", "/onlineendpoints", "/onlineendpoints/deployments")
)


@dataclass(frozen=True)
class Graph:
    """The rows of a query's answer; if it is not complete, `reason` is why, as a sentence."""

    rows: list[dict[str, Any]] = field(default_factory=list)
    complete: bool = True
    reason: str = ""


def query(cloud: Cloud, text: str, subscriptions: Sequence[str]) -> Graph:
    """The rows that a query finds in some subscriptions (ids), page by page.

    It waits for Resource Graph's own limit. Raises CloudError if there is no answer; what was read before a page that
    is refused is told as incomplete.
    """
    rows: list[dict[str, Any]] = []
    reasons: dict[str, None] = {}
    for first in range(0, len(subscriptions), SUBSCRIPTIONS):
        try:
            reason = _pages(budgeted(cloud), text, subscriptions[first : first + SUBSCRIPTIONS], rows)
        except CloudError as error:
            if not rows:
                raise
            reason = f"{error.title}: {error.cause}"
        if reason:
            reasons[reason] = None
    return Graph(rows, not reasons, " ".join(reasons))


def _pages(cloud: Cloud, text: str, subscriptions: Sequence[str], rows: list[dict[str, Any]]) -> str:
    """Add the rows of all pages; why they are not all, or an empty text."""
    options: dict[str, Any] = {"resultFormat": "objectArray", "$top": ROWS}
    body = {"subscriptions": list(subscriptions), "query": text, "options": options}
    before, tokens = len(rows), set[str]()
    while len(tokens) < _PAGES:
        answer = cloud.arm.call("POST", "/providers/Microsoft.ResourceGraph/resources", VERSION, body, doing=_DOING)
        page = answer.body
        if not isinstance(page, dict) or not isinstance(page.get("data"), list):
            raise unreadable(_DOING, str(page))
        rows += [row for row in page["data"] if isinstance(row, dict)]
        token, read, total = page.get("$skipToken"), len(rows) - before, page.get("totalRecords")
        if not token:
            if str(answer.headers.get("x-ms-tenant-subscription-limit-hit")).lower() == "true":
                return "Resource Graph looked into a part of the subscriptions only."
            if str(page.get("resultTruncated")).lower() == "true" or (isinstance(total, int) and read < total):
                return f"Resource Graph answered with {read} of {total} resources."
            return ""
        if str(token) in tokens:
            break
        tokens.add(str(token))
        options["$skipToken"] = token
    return f"Resource Graph's answer does not end after {read} resources."
