"""Removes from Azure what a stopped run created, and nothing else."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tui.common.deadlines import AwakeDeadline
from tui.engine.leftovers import still_there
from tui.engine.task_context import RUN_TAG, Run
from tui.engine.time_limits import REMOVE_SECONDS
from tui.plan.traffic import rescaled, serving

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo

_ENDED = ("Succeeded", "Failed", "Canceled", "")


def clean_up(run: Run) -> None:
    """Delete the endpoint, deployments and autoscale settings that this run created.

    Registered assets cost nothing and are kept.

    Traffic that the run shifted is shifted back. A creation in progress is waited for first, since Azure refuses to
    delete a resource that it is changing. Resources that another run has created or changed since are kept. Removed
    resources are dropped from `run.created`. Raises CloudError.
    """
    from tui.cloud.endpoints import deployments, endpoints, scaling
    from tui.cloud.http.run_operation import run_operation

    endpoint = run.plan.endpoint.name
    found = _settled(run, endpoint)
    made = still_there(run, found)
    mine = [item.name for item in made if item.kind == "deployment"]
    whole = any(item.kind == "endpoint" for item in made)

    def goes(rule: scaling.Autoscale) -> bool:
        ours = ("autoscale", rule.name) in run.created and rule.tags.get(RUN_TAG) == run.journal.run
        return whole or rule.deployment in mine or ours

    removed, _ = scaling.remove(run.cloud, endpoints.path(run.cloud, endpoint), goes)
    _removed(run, *(("autoscale", rule.name) for rule in removed))
    if whole:
        run_operation(lambda: endpoints.begin_delete(run.cloud, endpoint), limit=REMOVE_SECONDS)
        _removed(run, *(item for item in run.created if item[0] in ("endpoint", "deployment")))
        return
    if found is not None and mine:
        _give_back(run, found, mine)
    for name in mine:
        run_operation(lambda name=name: deployments.begin_delete(run.cloud, endpoint, name), limit=REMOVE_SECONDS)  # type: ignore[misc]
        _removed(run, ("deployment", name))


def _give_back(run: Run, found: EndpointInfo, mine: list[str]) -> None:
    """Restore the traffic split from before the run, since a deployment that has traffic is not removed."""
    from tui.cloud.endpoints import traffic
    from tui.cloud.http.run_operation import run_operation

    now = serving(found.traffic)
    copies = {name: share for name, share in found.mirror_traffic.items() if share and name not in mine}
    before = dict(run.shift.before) if run.shift else now
    before = {name: share for name, share in before.items() if name not in mine}
    if now != before or copies != found.mirror_traffic:
        split = rescaled(before)
        run_operation(lambda: traffic.begin_set(run.cloud, found.name, split, now, copies), limit=REMOVE_SECONDS)


def _removed(run: Run, *items: tuple[str, str]) -> None:
    for kind, name in items:
        run.journal.emit("task_removed", task=kind, kind=kind, name=name)
    run.created = [item for item in run.created if item not in items]


def _settled(run: Run, endpoint: str) -> EndpointInfo | None:
    """The endpoint, after waiting until no part of it is being changed."""
    from tui.cloud.endpoints import endpoints

    deadline = AwakeDeadline(REMOVE_SECONDS)
    while True:
        found = endpoints.read(run.cloud, endpoint)
        if found is None:
            return None
        states = [found.provisioning_state, *(item.provisioning_state for item in found.deployments)]
        if all(state in _ENDED for state in states) or deadline.ended():
            return found
        time.sleep(1)
