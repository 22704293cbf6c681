"""The reads of Azure that the fleet is made of, each with a limit, and the words for those that were refused.

Requests wait for the identity's budget of reads (`tui.cloud.http.read_budget`) if the connection has one.
"""

from __future__ import annotations

import json
import time
from itertools import islice
from typing import Any, Callable, TypeVar

from tui.cloud.assets import asset_reference, environments
from tui.cloud.endpoints import scaling
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.deployments import info as deployment_info
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.endpoints import info as endpoint_info
from tui.cloud.errors import Cancelled, CloudError, reading
from tui.cloud.http import arm, read_budget
from tui.cloud.session import Cloud
from tui.cloud.workspace.listing import MOST, group_of
from tui.common.deadlines import NoAnswer, Question, until
from tui.fleet.row import Place, Why

LIMIT, WORKSPACE_LIMIT, BUDGET_LIMIT = 30.0, 10.0, 60.0
"""Seconds for one read, which may have pages; for what tells whether a workspace answers; to wait for the budget."""

T = TypeVar("T")
Body = dict[str, Any]


class UsedUp(NoAnswer):
    """It was never asked, or not all: the wait for the budget took too long."""


class Later(Why):
    """Why something could not be read for now, which says nothing of what was read of it before."""


def limited(work: Callable[[], T], seconds: float = LIMIT) -> T:
    """The result of a read. Raises NoAnswer after these seconds of work, and what the read raises.

    Waiting for the budget is no work; after BUDGET_LIMIT of that it raises UsedUp.
    """
    began, waited = time.monotonic(), read_budget.Waited()

    def late() -> bool:
        return waited.seconds > BUDGET_LIMIT or time.monotonic() - began - waited.seconds > seconds

    def read() -> T:
        read_budget.count(waited)
        with until(late):  # so that it is not retried for nobody
            return work()

    try:
        with until(late):
            return Question(read).answer()
    except (Cancelled, NoAnswer, CloudError) as error:
        if isinstance(error, CloudError) and not late():
            raise  # later, it may only say that the call was broken off
        if waited.seconds > BUDGET_LIMIT:
            raise UsedUp("This machine's share of the reads of Azure is used up.") from None
        raise NoAnswer(f"No answer within {seconds:g} seconds.") from None


def why(what: str, error: Exception) -> Why:
    """Why something is not known, as a fragment; `what` completes "reading …"."""
    if isinstance(error, NoAnswer):
        kind = Later if isinstance(error, UsedUp) else Why
        return kind(f"{what} did not come: {_inside(str(error).rstrip('.'))}")
    status, title = getattr(error, "status", None), getattr(error, "title", str(error)).rstrip(".")
    if status == 403:
        return Why(f"the role does not allow reading {what}")
    return Why(f"{what} could not be read: {_inside(title)}")


def _inside(title: str) -> str:
    """A title as a part of a sentence."""
    return title if title.startswith("Azure") else f"{title[:1].lower()}{title[1:]}"


def known(what: str, read: Callable[[], T], seconds: float = LIMIT) -> T | Why:
    """The result of a read, or why there is none (see `why`)."""
    try:
        return limited(read, seconds)
    except (CloudError, NoAnswer) as error:
        return why(what, error)


def newer(found: T | Why, before: Any) -> T | Why:
    """What was found; what was known before if it could not be read for now."""
    return before if isinstance(found, Later) and before is not None else found


def unread_workspace(name: str, error: Exception) -> tuple[str, str]:
    """The state of a workspace whose endpoints could not be listed, refused or silent, and why as a sentence."""
    if isinstance(error, UsedUp):
        return "silent", f"The workspace {name} was not read: this machine's share of the reads of Azure is used up."
    if isinstance(error, NoAnswer):
        return "silent", f"The workspace {name} did not answer within {WORKSPACE_LIMIT:g} seconds."
    assert isinstance(error, CloudError)
    if error.status == 403 and "private link" in error.cause.lower():
        return "refused", f"The workspace {name} accepts calls over its private endpoint only, not from this machine."
    if error.status == 403:
        return "refused", f"This identity may not list the endpoints of {name}: it needs the role Reader there."
    title = error.title.rstrip(".")
    return "silent", f"The workspace {name} could not be read: {_inside(title)}."


def place_of(resource_id: str, location: str = "") -> Place:
    """The workspace in the id of itself or of something in it. Raises CloudError for another id."""
    parts = resource_id.strip("/").split("/")
    if len(parts) < 8:
        raise CloudError(f"{resource_id} is not the id of a workspace or of something in it", code="IdNotUnderstood")
    subscription = parts[1].lower()
    return Place("/" + "/".join(parts[:8]), parts[7], group_of(resource_id), subscription, subscription, location)


@reading("an endpoint or deployment")
def parsed(body: Body, info: Callable[[Body], T]) -> tuple[T, dict[str, str]]:
    """What `info` reads in a resource's JSON, and who made and changed it. Raises CloudError."""
    return info(body), scaling.told_of(body)


def endpoints(cloud: Cloud, workspace_id: str) -> list[tuple[EndpointInfo, dict[str, str]]]:
    """The online endpoints of a workspace, as `parsed`. Raises CloudError."""
    return _items(cloud, f"{workspace_id}/onlineEndpoints", arm.ENDPOINTS, endpoint_info, "listing the endpoints")


def endpoint(cloud: Cloud, endpoint_id: str) -> tuple[EndpointInfo, dict[str, str]] | None:
    """One endpoint, or None if it does not exist. Raises CloudError."""
    body = cloud.arm.find(endpoint_id, arm.ENDPOINTS, doing="reading the endpoint")
    return None if body is None else parsed(body, endpoint_info)


def deployments(cloud: Cloud, endpoint_id: str) -> list[tuple[DeploymentInfo, dict[str, str]]] | None:
    """The deployments of an endpoint, as `parsed`, or None if it does not exist. Raises CloudError."""
    try:
        return _items(cloud, f"{endpoint_id}/deployments", arm.DEPLOYMENTS, deployment_info, "listing deployments")
    except CloudError as error:
        if error.status == 404:
            return None
        raise


def _items(cloud: Cloud, path: str, version: str, info: Callable[[Body], T], doing: str) -> list[Any]:
    return [parsed(body, info) for body in islice(cloud.arm.items(path, version, doing=doing), MOST)]


def image(cloud: Cloud, environment_id: str) -> str:
    """Names, image and conda file of an environment as one text; a version never changes. Raises CloudError."""
    named = asset_reference.parse(environment_id, "environments")
    if named.registry or not named.workspace or not named.version:
        return environment_id
    found = environments.read(cloud, named.name, named.version, named.workspace)
    return " ".join([named.name, str(found and found.image), json.dumps(found and found.conda, default=str)])
