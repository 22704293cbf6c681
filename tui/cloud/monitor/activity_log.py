"""Reads from the subscription's activity log who changed an endpoint and its workspace, or everything of the service.

Path, version and filter are those of Microsoft's REST reference (Activity Logs - List, 2015-04-01), which allows few
filters: a time with a resource group, or with a resource provider. Its `$select` cannot name `caller`, so that whole
records are read. The log is some minutes late, covers 90 days, and contains the service's own error for a failed
operation.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from itertools import islice
from typing import Any

from tui.cloud.errors import clean, reading, service_error
from tui.cloud.session import Cloud

VERSION = "2015-04-01"
MOST = 500  # records of a resource group that are searched
MOST_OF_SUBSCRIPTION = 5000  # records of the service in a subscription
PROVIDER = "Microsoft.MachineLearningServices"
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


@dataclass(frozen=True)
class SubscriptionLog:
    """The changes of a subscription's workspaces, endpoints and deployments, newest first.

    They are complete from `since` (ISO 8601, UTC), which is less than 90 days ago unless `whole`.
    """

    changes: list[Change]
    since: str
    whole: bool


@reading("the activity log")
def recent(cloud: Cloud, endpoint_id: str, hours: float = 24) -> list[Change]:
    """The changes of an endpoint, its deployments and its workspace, newest first. Raises CloudError."""
    workspace = cloud.plan.workspace
    endpoint, workspace_id = endpoint_id.lower(), cloud.workspace_id.lower()
    records = _records(
        cloud, workspace.subscription_id, timedelta(hours=hours), f"resourceGroupName eq '{workspace.resource_group}'"
    )
    found = _changes(islice(records, MOST))
    own = (workspace_id, endpoint)
    return [one for one in found if (key := one.resource.lower()) in own or key.startswith(f"{endpoint}/")]


@reading("the activity log")
def of_subscription(cloud: Cloud, subscription: str) -> SubscriptionLog:
    """The changes of Azure Machine Learning's resources in the last 90 days. Raises CloudError."""
    # What is older than 90 days is refused, by the service's own clock.
    length = timedelta(days=90) - timedelta(minutes=5)
    since = _stamp(datetime.now(timezone.utc) - length)
    records = _records(cloud, subscription, length, f"resourceProvider eq '{PROVIDER}'")
    read = list(islice(records, MOST_OF_SUBSCRIPTION))
    whole = next(records, None) is None
    if not whole:  # the newest come first
        since = str(read[-1].get("eventTimestamp") or "")
    return SubscriptionLog(_changes(read), since, whole)


def _records(cloud: Cloud, subscription: str, length: timedelta, chosen: str) -> Iterator[dict[str, Any]]:
    now = datetime.now(timezone.utc)
    path = f"/subscriptions/{subscription}/providers/Microsoft.Insights/eventtypes/management/values"
    time = f"eventTimestamp ge '{_stamp(now - length)}' and eventTimestamp le '{_stamp(now)}'"
    return cloud.arm.items(path, VERSION, {"$filter": f"{time} and {chosen}"}, "reading the activity log")


def _changes(records: Iterable[Mapping[str, Any]]) -> list[Change]:
    """One change for each operation on a resource, newest first."""
    found: dict[tuple[str, str, str], Change] = {}
    for change in map(_change, records):
        # An operation has several records, from Started to its end; the last one is used.
        same = (change.correlation_id or change.time, change.action.lower(), change.resource.lower())
        if same not in found or _later(change, found[same]):
            found[same] = change
    return sorted(found.values(), key=lambda change: change.time, reverse=True)


def _later(one: Change, other: Change) -> bool:
    return (one.status in _ENDED, one.time) > (other.status in _ENDED, other.time)


def _change(record: Mapping[str, Any]) -> Change:
    status = str((record.get("status") or {}).get("value") or "")
    operation = record.get("operationName") or {}
    properties = record.get("properties") or {}
    raw = str(properties.get("statusMessage") or "") if status in ("Failed", "Canceled") else ""
    code, message, _ = service_error(raw) if raw else (None, "", [])
    return Change(
        time=str(record.get("eventTimestamp") or ""),
        operation=str(operation.get("localizedValue") or operation.get("value") or ""),
        action=str(operation.get("value") or ""),
        resource=str(record.get("resourceId") or "").rstrip("/"),
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
