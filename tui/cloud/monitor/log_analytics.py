"""Reads an endpoint's diagnostic settings, and its last logs in Log Analytics.

Tables and columns are Microsoft's (how-to-monitor-online-endpoints, monitor-azure-machine-learning-reference); the
settings' path is from the REST reference (Diagnostic Settings - List, 2021-05-01-preview). Queries go through Resource
Manager (`…/workspaces/NAME/api/query`, 2017-01-01-preview), so that no further token is needed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from tui.cloud.session import Cloud

SETTINGS = "2021-05-01-preview"
QUERIES = "2017-01-01-preview"
CONSOLE, TRAFFIC, EVENTS = (
    "AmlOnlineEndpointConsoleLog", "AmlOnlineEndpointTrafficLog", "AmlOnlineEndpointEventLog",
)  # fmt: skip
_NAME = re.compile(r"^[A-Za-z0-9-]+$")


@dataclass(frozen=True)
class Diagnostics:
    """An endpoint's diagnostic settings: Log Analytics workspaces (ids), enabled categories, and all settings."""

    workspaces: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()

    @property
    def on(self) -> bool:
        """Whether the console log, or all logs, are sent to a Log Analytics workspace."""
        return bool(self.workspaces) and bool(
            {CONSOLE.lower(), "alllogs", "audit"} & {c.lower() for c in self.categories}
        )


@dataclass
class Kept:
    """Log lines in Log Analytics (time, deployment, message), and calls with a status other than 200."""

    lines: list[dict[str, str]] = field(default_factory=list)
    calls: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, str]] = field(default_factory=list)


def diagnostics(cloud: Cloud, endpoint_id: str) -> Diagnostics:
    """The diagnostic settings of an endpoint. Raises CloudError."""
    path = f"{endpoint_id}/providers/Microsoft.Insights/diagnosticSettings"
    workspaces: list[str] = []
    categories: list[str] = []
    names: list[str] = []
    for setting in cloud.arm.items(path, SETTINGS, doing="reading the diagnostic settings"):
        properties = setting.get("properties") or {}
        names.append(str(setting.get("name") or ""))
        if properties.get("workspaceId"):
            workspaces.append(str(properties["workspaceId"]))
        for log in properties.get("logs") or []:
            if log.get("enabled"):
                categories.append(str(log.get("category") or log.get("categoryGroup") or ""))
    return Diagnostics(tuple(dict.fromkeys(workspaces)), tuple(dict.fromkeys(categories)), tuple(names))


def console_query(endpoint: str, deployment: str) -> str:
    """The query for a deployment's console lines of the last hour, of every instance.

    The column InstanceId is in Microsoft's monitor-azure-machine-learning-reference.
    """
    return (
        f"{CONSOLE} | where TimeGenerated > ago(1h) | where _ResourceId has '/onlineendpoints/{endpoint.lower()}' "
        f"| where DeploymentName == '{deployment}' | order by TimeGenerated asc "
        "| project TimeGenerated, InstanceId, ContainerName, Message"
    )


def kept(cloud: Cloud, workspace_id: str, endpoint: str, hours: int = 24, lines: int = 100) -> Kept:
    """An endpoint's console lines, failed calls and container events of the last hours. Raises CloudError."""
    if not _NAME.match(endpoint):
        return Kept()
    chosen = f"| where TimeGenerated > ago({int(hours)}h) | where _ResourceId has '/onlineendpoints/{endpoint.lower()}'"
    newest = "| top {} by TimeGenerated desc"
    return Kept(
        lines=_rows(
            cloud,
            workspace_id,
            f"{CONSOLE} {chosen} {newest.format(lines)} | project TimeGenerated, DeploymentName, Message",
        ),
        calls=_rows(
            cloud,
            workspace_id,
            f"{TRAFFIC} {chosen} | where ResponseCode != 200 {newest.format(20)} "
            "| project TimeGenerated, DeploymentName, ResponseCode, ResponseCodeReason, ModelStatusCode, XRequestId",
        ),
        events=_rows(
            cloud,
            workspace_id,
            f"{EVENTS} {chosen} {newest.format(20)} | project TimeGenerated, DeploymentName, Name, Message",
        ),
    )


def _rows(cloud: Cloud, workspace_id: str, query: str) -> list[dict[str, str]]:
    body = {"query": query}
    found: Any = cloud.arm.call(
        "POST", f"{workspace_id}/api/query", QUERIES, body=body, doing="querying Log Analytics"
    ).body
    tables = (found.get("tables") or found.get("Tables") or []) if isinstance(found, dict) else []
    if not tables:
        return []
    table = tables[0]
    columns = [str(c.get("name") or c.get("ColumnName")) for c in table.get("columns") or table.get("Columns") or []]
    return [
        {name: "" if value is None else str(value) for name, value in zip(columns, row)}
        for row in table.get("rows") or table.get("Rows") or []
    ]
