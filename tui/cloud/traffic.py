"""Which share of an endpoint's requests each deployment gets."""

from __future__ import annotations

from collections.abc import Mapping

from tui.cloud import endpoints
from tui.cloud.endpoints import EndpointInfo
from tui.cloud.operation import Operation
from tui.cloud.session import Cloud


def begin_set(cloud: Cloud, endpoint: str, shares: Mapping[str, int]) -> Operation[EndpointInfo]:
    """Sets the whole split, percent by deployment; deployments that are not named get nothing.

    Azure accepts a total of 0 or 100 (Microsoft, reference-yaml-endpoint-online). Raises CloudError.
    """
    wanted = {name: int(share) for name, share in shares.items() if share}
    return endpoints.begin_change(cloud, endpoint, {"traffic": wanted})
