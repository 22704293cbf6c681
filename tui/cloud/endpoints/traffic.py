"""Sets the traffic split of an endpoint, and rolls back to the previous one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Callable

from tui.cloud.endpoints import endpoints
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.http.operation import Operation
from tui.cloud.http.run_operation import run_operation
from tui.cloud.session import Cloud
from tui.plan.traffic import BEFORE_TAG, as_text, from_tag, serving

_LONGEST_TAG = 256  # characters of a tag's value (Microsoft, tag-resources)
REFUSED = "TrafficRefused"


@dataclass(frozen=True)
class Shift:
    """A change of the traffic split: per cent by deployment, before and after."""

    endpoint: str
    before: dict[str, int]
    after: dict[str, int]


def begin_set(
    cloud: Cloud,
    endpoint: str,
    shares: Mapping[str, int],
    before: Mapping[str, int] | None = None,
    mirrored: Mapping[str, int] | None = None,
) -> Operation[EndpointInfo]:
    """Set the whole split, in per cent by deployment; deployments that are not named get no traffic.

    `before` is the replaced split, which is kept in a tag of the endpoint for `rollback`. `mirrored` is the mirrored
    traffic; without it, that is unchanged. Azure accepts a total of 0 or 100 (Microsoft,
    reference-yaml-endpoint-online). Raises CloudError.
    """
    wanted, last = serving(shares), as_text(before or {})
    tags = {BEFORE_TAG: last} if last and last != as_text(wanted) and len(last) <= _LONGEST_TAG else {}
    return endpoints.begin_traffic(cloud, endpoint, wanted, mirrored, tags)


def shift(
    cloud: Cloud, endpoint: str, shares: Mapping[str, int], progress: Callable[[str], None] = lambda line: None
) -> Shift:
    """Set a split whose total is 100 and wait until Azure has applied it.

    Raises CloudError, also for a total other than 100 and for a deployment that does not exist or is not ready.
    """
    return _change(cloud, endpoints.existing(cloud, endpoint), serving(shares), progress)


def rollback(cloud: Cloud, endpoint: str, progress: Callable[[str], None] = lambda line: None) -> Shift:
    """Restore the split before the last change, from the endpoint's tag. A second call undoes the first.

    Raises CloudError, also if there is no previous split, or one of its deployments no longer exists.
    """
    found = endpoints.existing(cloud, endpoint)
    last = from_tag(found.tags)
    if not last:
        raise CloudError(
            title=f"{endpoint} has no previous split to roll back to",
            cause="Its split has not been changed by this program yet, or the tag that keeps it was removed.",
            remedy=f"Set the split yourself, for example: aml-deploy traffic {endpoint} blue=100",
            code=REFUSED,
        )
    return _change(cloud, found, last, progress)


def _change(cloud: Cloud, found: EndpointInfo, wanted: dict[str, int], progress: Callable[[str], None]) -> Shift:
    _judge(found, wanted)
    before = serving(found.traffic)
    if before != wanted:
        progress(f"{as_text(before) or 'no traffic'} becomes {as_text(wanted)}.")
        # Azure refuses a deployment that has both traffic and mirrored traffic.
        copies = {name: share for name, share in found.mirror_traffic.items() if share and not wanted.get(name)}
        settled(lambda: begin_set(cloud, found.name, wanted, before, copies), progress)
    return Shift(found.name, before, wanted)


def _judge(found: EndpointInfo, wanted: Mapping[str, int]) -> None:
    """Raise CloudError for a split that cannot work."""
    known = {one.name: one for one in found.deployments}
    names = ", ".join(sorted(known)) or "none yet"
    missing = [name for name in wanted if name not in known]
    if missing:
        several = len(missing) > 1
        raise CloudError(
            title=f"The endpoint {found.name} has no deployment{'s' if several else ''} {', '.join(missing)}",
            cause=f"Its deployments: {names}.",
            remedy="Name one of them, or deploy the missing one first.",
            code=REFUSED,
        )
    if sum(wanted.values()) != 100:
        raise CloudError(
            title=f"The shares add up to {sum(wanted.values())}, not to 100",
            cause="Azure splits all requests, and accepts only a total of 100.",
            remedy="Correct the shares.",
            code=REFUSED,
        )
    for name in wanted:
        state = known[name].provisioning_state
        if state != "Succeeded":
            raise CloudError(
                title=f"The deployment {name} cannot receive traffic",
                cause=f"Its provisioning state is {state or 'unknown'}.",
                remedy="Deploy it again, and shift the traffic when it has succeeded.",
                code="DeploymentNotReady",
            )


def settled(begin: Callable[[], Operation[Any]], progress: Callable[[str], None] = lambda line: None) -> None:
    """Change an endpoint or its deployments once no other change is in progress. Raises CloudError, also on timeout."""
    run_operation(begin, waiting=lambda reason, seconds: progress(f"Waiting, {reason}."))
