"""Read everything that is known about an endpoint, in parallel, each query with its own limit."""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Callable

from tui.checks.ask_azure import in_words
from tui.checks.network import connectivity
from tui.cloud.auth import sign_in
from tui.cloud.auth.sign_in import SignedIn
from tui.cloud.endpoints import deployments, endpoints, keys, scaling, scoring
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.monitor import activity_log, log_analytics, metrics
from tui.cloud.monitor.activity_log import Change
from tui.cloud.monitor.log_analytics import Diagnostics, Kept
from tui.cloud.monitor.metrics import Hour
from tui.cloud.session import Cloud
from tui.cloud.workspace import workspace as workspaces
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import NoAnswer, Question

LIMIT = 25.0
"""Seconds for everything except test calls; queries that take longer are omitted and named."""
MOST_DEPLOYMENTS = 6  # whose logs are read
TEST_SECONDS = 40.0
CONNECTIVITY_SECONDS = 15.0
LOG_NOT_THERE = ("try again later", "not available")


@dataclass(frozen=True)
class Unseen:
    """What could not be read: why, and the role to request if that is the reason (`command` assigns it)."""

    what: str
    why: str
    remedy: str = ""
    command: str = ""
    refused: bool = False


@dataclass(frozen=True)
class Log:
    """The last lines of one container's log."""

    deployment: str
    container: str
    content: str


@dataclass
class Snapshot:
    """Everything that was read. Parts that could not be read are None or empty; `unseen` says why."""

    name: str
    failure: CloudError | None = None
    endpoint: EndpointInfo | None = None
    workspace: WorkspaceInfo | None = None
    who: SignedIn | None = None
    told: dict[str, dict[str, str]] = field(default_factory=dict)
    logs: list[Log] = field(default_factory=list)
    changes: list[Change] | None = None
    hour: Hour | None = None
    diagnostics: Diagnostics | None = None
    kept: Kept | None = None
    autoscale: list[Autoscale] = field(default_factory=list)
    connections: list[dict[str, str]] = field(default_factory=list)
    connectivity: dict[str, Any] = field(default_factory=dict)
    tests: list[dict[str, Any]] = field(default_factory=list)
    unseen: list[Unseen] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def there(self) -> EndpointInfo:
        """The endpoint, for code that runs only if it was read."""
        assert self.endpoint is not None
        return self.endpoint

    def log_of(self, deployment: str) -> str:
        """Both containers' logs of a deployment as one text, the storage-initializer's first."""
        order = {"storage-initializer": 0, "inference-server": 1}
        own = sorted(
            (log for log in self.logs if log.deployment == deployment), key=lambda log: order.get(log.container, 2)
        )
        return "\n".join(log.content for log in own if log.content)

    def failed_changes(self) -> list[Change]:
        """Failed operations without a later success on the same resource, newest first."""
        found, settled = [], set()
        for change in self.changes or []:
            key = change.resource.lower()
            if not change.action.lower().endswith(("/write", "/delete")) or change.status == "Started":
                continue
            if key not in settled and change.status == "Failed":
                found.append(change)
            settled.add(key)
        return found

    def changed_at(self, deployment: str) -> str:
        """When a deployment, or for an empty name the endpoint itself, was last changed successfully.

        Empty if this is unknown, or if it was only created: nobody called it before.
        """
        wanted = f"/deployments/{deployment}" if deployment else f"/onlineendpoints/{self.name}"
        times = [
            change.time
            for change in self.changes or []
            if change.status == "Succeeded"
            and change.action.lower().endswith("/write")
            and change.resource.lower().endswith(wanted.lower())
        ]
        if not times:
            return ""
        made = self.told.get(deployment, {}).get("created_at", "")
        return "" if len(times) == 1 and made and happened_near(times[0], made) else times[0]


def look(
    cloud: Cloud,
    name: str,
    *,
    body: str | None = None,
    pinned: str | None = None,
    lines: int = 300,
    limit: float = LIMIT,
) -> Snapshot:
    """Read what this identity can read of an endpoint. Never raises for errors from Azure.

    `body` is a request to send, routed and to each deployment (or only to `pinned`); without it, none is sent.
    """
    began = time.monotonic()
    snapshot = Snapshot(name)
    resource = endpoints.path(cloud, name)

    # Sign in first: otherwise every other query fails for the same reason.
    try:
        snapshot.who = Question(lambda: sign_in.sign_in(cloud), limit).answer()
    except Exception as error:
        snapshot.failure = _explained(error, "signing in")
        snapshot.seconds = round(time.monotonic() - began, 2)
        return snapshot

    left = limit - (time.monotonic() - began)
    asked: dict[str, Question[Any]] = {
        "workspace": Question(lambda: workspaces.read(cloud), left),
        "changes": Question(lambda: activity_log.recent(cloud, resource), left),
        "diagnostics": Question(lambda: log_analytics.diagnostics(cloud, resource), left),
        "autoscale": Question(lambda: scaling.autoscale(cloud, resource), left),
        "connections": Question(lambda: _connections(cloud), left),
        "connectivity": Question(lambda: connectivity.look(cloud.plan, cloud, min(CONNECTIVITY_SECONDS, left)), left),
    }
    try:
        snapshot.endpoint = Question(lambda: endpoints.read(cloud, name), left).answer()
    except Exception as error:
        snapshot.failure = _explained(error, f"reading the endpoint {name}")
    if snapshot.endpoint is not None:
        _ask_more(cloud, snapshot, snapshot.endpoint, asked, lines, limit - (time.monotonic() - began))
    for key, what in (
        ("workspace", "The workspace"),
        ("changes", "The activity log (who changed what)"),
        ("diagnostics", "Whether logs are sent to Log Analytics"),
        ("autoscale", "The autoscale rules"),
        ("connections", "The workspace's private endpoint connections"),
        ("connectivity", "The path from this machine to the endpoint"),
        ("hour", "The last hour's metrics"),
        ("told", "Who created the endpoint, and when"),
    ):
        if key in asked:
            _take(snapshot, key, asked[key], what)
    _take_logs(snapshot, asked)
    _take_kept(cloud, snapshot, limit - (time.monotonic() - began))
    if body is not None and snapshot.endpoint is not None:
        snapshot.tests = _tests(cloud, snapshot, snapshot.endpoint, body, pinned)
    snapshot.seconds = round(time.monotonic() - began, 2)
    return snapshot


def happened_near(ended: str, made: str) -> bool:
    """Whether an operation can have created a resource: it ended within two hours of the resource's creation."""
    try:
        moments = [datetime.strptime(text[:19], "%Y-%m-%dT%H:%M:%S") for text in (made, ended)]
    except ValueError:
        return False
    return timedelta(0) <= moments[1] - moments[0] + timedelta(seconds=60) <= timedelta(hours=2)


def _ask_more(
    cloud: Cloud, snapshot: Snapshot, endpoint: EndpointInfo, asked: dict[str, Question[Any]], lines: int, left: float
) -> None:
    names = [one.name for one in endpoint.deployments]
    asked["hour"] = Question(lambda: metrics.last_hour(cloud, endpoint.id, names), left)
    asked["told"] = Question(lambda: told_of_each(cloud, endpoint.id), left)
    for name in names[:MOST_DEPLOYMENTS]:
        for container in deployments.CONTAINERS:
            read = functools.partial(deployments.logs, cloud, endpoint.name, name, container, lines)
            asked[f"log {name} {container}"] = Question(read, left)
    if len(names) > MOST_DEPLOYMENTS:
        what = f"The logs of {', '.join(names[MOST_DEPLOYMENTS:])}"
        why = "The logs of only six deployments are read at a time."
        snapshot.unseen.append(Unseen(what, why, "Select one with --deployment."))


def told_of_each(cloud: Cloud, endpoint_id: str) -> dict[str, dict[str, str]]:
    """Who created the endpoint and its deployments, by name; the endpoint itself has the empty name."""
    found = {"": scaling.created(cloud, endpoint_id)}
    for body in cloud.arm.items(f"{endpoint_id}/deployments", arm.DEPLOYMENTS, doing="listing the deployments"):
        found[str(body.get("name"))] = scaling.told_of(body)
    return found


def _connections(cloud: Cloud) -> list[dict[str, str]]:
    """The private endpoint connections of the workspace: name, private endpoint, status, description."""
    path = f"{cloud.workspace_id}/privateEndpointConnections"
    found = cloud.arm.items(path, arm.WORKSPACES, doing="listing the private endpoint connections")
    return [workspaces.connection(body) for body in found]


def _take(snapshot: Snapshot, key: str, question: Question[Any], what: str) -> None:
    try:
        setattr(snapshot, key, question.answer())
    except Exception as error:
        snapshot.unseen.append(_unseen(what, error))


def _take_logs(snapshot: Snapshot, asked: dict[str, Question[Any]]) -> None:
    refusals: dict[str, Unseen] = {}
    for key, question in asked.items():
        if not key.startswith("log "):
            continue
        _, name, container = key.split(" ", 2)
        try:
            snapshot.logs.append(Log(name, container, str(question.answer() or "")))
        except Exception as error:
            unseen = _unseen("The containers' logs", error)
            refusals.setdefault(unseen.why, unseen)
    snapshot.unseen += refusals.values()


def _take_kept(cloud: Cloud, snapshot: Snapshot, left: float) -> None:
    if snapshot.diagnostics is None or not snapshot.diagnostics.on:
        return
    workspace = snapshot.diagnostics.workspaces[0]
    question = Question(lambda: log_analytics.kept(cloud, workspace, snapshot.name), max(left, 3.0))
    _take(snapshot, "kept", question, "The logs kept in Log Analytics")


def _tests(
    cloud: Cloud, snapshot: Snapshot, endpoint: EndpointInfo, body: str, pinned: str | None
) -> list[dict[str, Any]]:
    """The responses to one request: as the traffic routes it, and from each deployment that is ready."""
    try:
        credential = Question(lambda: keys.credentials(cloud, endpoint), TEST_SECONDS).answer()
    except Exception as error:
        snapshot.unseen.append(_unseen("The endpoint's key or token, so no test call was made", error))
        return []
    ready = [one.name for one in endpoint.deployments if one.provisioning_state == "Succeeded"]
    wanted: list[str | None] = [None, *ready] if pinned is None else [pinned]

    def call(name: str | None) -> Callable[[], scoring.ScoreResult]:
        return lambda: scoring.score(cloud, endpoint, scoring.body_of(body), name, TEST_SECONDS, credential)

    asked = [(name, Question(call(name), TEST_SECONDS)) for name in wanted]
    found: list[dict[str, Any]] = []
    for name, question in asked:
        route = f"pinned to {name}" if name else "routed by the traffic"
        try:
            answer = question.answer()
        except Exception as error:
            failure = _explained(error, "calling the endpoint")
            found.append({"route": route, "pinned": name, "status_code": None, "ok": False, "note": str(failure),
                          "body": failure.raw, "latency_ms": None, "deployment": name})  # fmt: skip
            continue
        found.append({"route": route, "pinned": name, "status_code": answer.status_code, "ok": answer.ok,
                      "note": answer.note, "body": answer.body[:2000], "latency_ms": answer.latency_ms,
                      "deployment": answer.deployment, "headers": _telling(answer.headers)})  # fmt: skip
    return found


def _telling(headers: dict[str, str]) -> dict[str, str]:
    """The headers that describe a failure."""
    return {name: value for name, value in headers.items() if name.lower().startswith(("ms-azureml-", "x-request-id"))}


def _unseen(what: str, error: Exception) -> Unseen:
    if isinstance(error, NoAnswer):
        return Unseen(what, str(error), "Refresh; the service may be slow.")
    failure = explain(error)
    remedy, commands = in_words(failure)
    return Unseen(what, f"{failure.title}.", remedy, "; ".join(commands), refused=failure.status in (401, 403))


def _explained(error: Exception, doing: str) -> CloudError:
    if isinstance(error, NoAnswer):
        return CloudError(f"No answer while {doing}", str(error), "Check this machine's connection to Azure; refresh.",
                          code="TimeLimit")  # fmt: skip
    return explain(error, doing)
