"""Reads from the subscription's activity log who changed an endpoint and its workspace.

Path, version and filter are those of Microsoft's REST reference (Activity Logs - List, 2015-04-01). The log is
some minutes late, covers 90 days, and contains the service's own error for a failed operation.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from tui.cloud.errors import clean, service_error
from tui.cloud.session import Cloud

VERSION = "2015-04-01"
MOST = 500  # records of a resource group that are searched
_ENDED = ("Succeeded", "Failed", "Canceled")


@dataclass(frozen=True)
class Change:
    """An operation: time of its last record (ISO 8601, UTC), resource, caller, and result.

    `operation` is Azure's display name, `action` its name for programs; `resource` is an id. `code`, `message` and
    `raw` are the service's error if it failed.
    """

    time: str
    operation: str
    action: str
    resource: str
    status: str
    caller: str = ""
    code: str = ""
    message: str = ""
    raw: str = ""
    correlation_id: str = ""

    @property
    def name(self) -> str:
        """The name of the resource: the last segment of its id."""
        return self.resource.rstrip("/").rpartition("/")[2]

    @property
    def reason(self) -> str:
        """The first line of the service's message about a failure."""
        return next((line.strip() for line in self.message.splitlines() if line.strip()), "")

    def lines(self, most: int = 12) -> tuple[str, ...]:
        """The lines of the service's message, starting with its code."""
        said = [line.rstrip() for line in (self.message or self.raw).splitlines() if line.strip()]
        if said and self.code:
            said[0] = f"{self.code}: {said[0]}"
        return tuple(said[:most])


def recent(cloud: Cloud, endpoint_id: str, hours: float = 24) -> list[Change]:
    """The changes of an endpoint, its deployments and its workspace, newest first. Raises CloudError."""
    now = datetime.now(timezone.utc)
    group, subscription = cloud.plan.workspace.resource_group, cloud.plan.workspace.subscription_id
    chosen = (
        f"eventTimestamp ge '{_stamp(now - timedelta(hours=hours))}' and eventTimestamp le '{_stamp(now)}' "
        f"and resourceGroupName eq '{group}'"
    )
    records = cloud.arm.items(
        f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values",
        VERSION,
        query={"$filter": chosen},
        doing="reading the activity log",
    )
    endpoint, workspace = endpoint_id.lower(), cloud.workspace_id.lower()
    found: dict[tuple[str, str, str], Change] = {}
    for record in islice(records, MOST):
        resource = str(record.get("resourceId") or "")
        key = resource.lower().rstrip("/")
        if key != workspace and key != endpoint and not key.startswith(f"{endpoint}/"):
            continue
        change = _change(record, resource)
        # An operation has several records, from Started to its end; the last one is used.
        same = (change.correlation_id or change.time, change.action.lower(), key)
        if same not in found or _later(change, found[same]):
            found[same] = change
    return sorted(found.values(), key=lambda change: change.time, reverse=True)


def _later(one: Change, other: Change) -> bool:
    return (one.status in _ENDED, one.time) > (other.status in _ENDED, other.time)


def _change(record: Mapping[str, Any], resource: str) -> Change:
    status = str((record.get("status") or {}).get("value") or "")
    operation = record.get("operationName") or {}
    properties = record.get("properties") or {}
    raw = str(properties.get("statusMessage") or "") if status in ("Failed", "Canceled") else ""
    code, message, _ = service_error(raw) if raw else (None, "", [])
    return Change(
        time=str(record.get("eventTimestamp") or ""),
        operation=str(operation.get("localizedValue") or operation.get("value") or ""),
        action=str(operation.get("value") or ""),
        resource=resource,
        status=status,
        caller=str(record.get("caller") or ""),
        code=code or str(properties.get("statusCode") or "") if raw else "",
        message=clean(message),
        raw=clean(_pretty(raw)),
        correlation_id=str(record.get("correlationId") or ""),
    )


def _pretty(raw: str) -> str:
    """The service's error split into lines, so that one line can be evidence."""
    try:
        return json.dumps(json.loads(raw), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):  # the latter for deep nesting
        return raw


def _stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
