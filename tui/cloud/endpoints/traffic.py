"""Which share of an endpoint's requests each deployment gets, and the way back to the split before."""

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
    """A split that was changed: percent by deployment, before and after."""

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
    """Sets the whole split, percent by deployment; deployments that are not named get nothing.

    `before` is the split that is replaced; the endpoint remembers it in a tag, for `rollback`. `mirrored` is who gets
    copies of requests; without it that stays. Azure accepts a total of 0 or 100 (Microsoft,
    reference-yaml-endpoint-online). Raises CloudError.
    """
    wanted, last = serving(shares), as_text(before or {})
    tags = {BEFORE_TAG: last} if last and last != as_text(wanted) and len(last) <= _LONGEST_TAG else {}
    return endpoints.begin_traffic(cloud, endpoint, wanted, mirrored, tags)


def shift(
    cloud: Cloud, endpoint: str, shares: Mapping[str, int], progress: Callable[[str], None] = lambda line: None
) -> Shift:
    """Sets a split whose total is 100 and waits until Azure has it.

    Raises CloudError, also for a total that is not 100 and for a deployment that is not there or not ready.
    """
    return _change(cloud, endpoints.existing(cloud, endpoint), serving(shares), progress)


def rollback(cloud: Cloud, endpoint: str, progress: Callable[[str], None] = lambda line: None) -> Shift:
    """Sets the split before the last change, which the endpoint remembers. Once more is the way forward again.

    Raises CloudError, also when nothing is remembered, or a deployment of that split is not there any more.
    """
    found = endpoints.existing(cloud, endpoint)
    last = from_tag(found.tags)
    if not last:
        raise CloudError(
            title=f"There is no way back for {endpoint}",
            cause="Its split has not been changed by this program yet, or the tag that remembers it was removed.",
            remedy=f"Set the split yourself, for example: aml-deploy traffic {endpoint} blue=100",
            code=REFUSED,
        )
    return _change(cloud, found, last, progress)


def _change(cloud: Cloud, found: EndpointInfo, wanted: dict[str, int], progress: Callable[[str], None]) -> Shift:
    _judge(found, wanted)
    before = serving(found.traffic)
    if before != wanted:
        progress(f"{as_text(before) or 'no traffic'} becomes {as_text(wanted)}.")
        # Requests and copies of requests exclude each other (Azure refuses a deployment that is to get both).
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
            cause="Azure splits all requests, and takes a total of 100 only.",
            remedy="Correct the shares.",
            code=REFUSED,
        )
    for name in wanted:
        state = known[name].provisioning_state
        if state != "Succeeded":
            raise CloudError(
                title=f"The deployment {name} cannot take requests",
                cause=f"Its provisioning state is {state or 'unknown'}.",
                remedy="Deploy it again, and shift the traffic when it has succeeded.",
                code="DeploymentNotReady",
            )


def settled(begin: Callable[[], Operation[Any]], progress: Callable[[str], None] = lambda line: None) -> None:
    """Change an endpoint or what is on it, once nobody else is changing it. Raises CloudError, also after some time."""
    run_operation(begin, waiting=lambda reason, seconds: progress(f"Waiting, {reason}."))
