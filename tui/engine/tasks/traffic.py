"""Sets the traffic split; an endpoint without traffic answers 404."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.engine.operations import carry_out, follow_begun, settle
from tui.engine.task_context import Outcome, TaskContext
from tui.plan.planned_changes import mirror_after
from tui.plan.traffic import in_words, serving

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo


def work(task: TaskContext) -> Outcome:
    """Set the plan's traffic if it differs. Raises CloudError, OperationFailed, Stopped."""
    wanted, named = serving(task.plan.traffic), task.plan.mirror_traffic
    said = in_words(wanted) + (f"; mirrored: {in_words(named)}" if named else "")
    done, found = read(task)
    now = serving(found.traffic) if found else {}
    copied = serving(found.mirror_traffic) if found else {}
    copies = mirror_after(task.plan, copied)
    if now == wanted and copied == copies:
        task.start("skip", said)
        if done:
            return Outcome(said, {"traffic": wanted})
        return Outcome(f"{said}, unchanged", {"traffic": wanted}, skipped=True)
    task.start("change", said)
    change(task, now, wanted, "the plan's split", mirrored=copies)
    task.log(f"Traffic: {said}.")
    return Outcome(said, {"traffic": wanted})


def read(task: TaskContext) -> tuple[str, EndpointInfo | None]:
    """The endpoint once no change is in progress, preceded by what an earlier engine did (create, change or "")."""
    from tui.cloud.endpoints import endpoints

    cloud, name = task.cloud, task.plan.endpoint.name
    resource = endpoints.path(cloud, name)
    done = follow_begun(
        task, resource, lambda started: endpoints.follow(cloud, name, started), f"traffic of endpoint {name}"
    )
    return done, settle(task, lambda: endpoints.read(cloud, name), f"endpoint {name}")


def change(
    task: TaskContext,
    now: Mapping[str, int],
    wanted: Mapping[str, int],
    why: str,
    *,
    mirrored: Mapping[str, int],
    back: bool = False,
    **more: int,
) -> None:
    """Set the split and mirrored traffic and wait for Azure; the journal and a tag keep the previous split.

    With `back` (a roll back), a request to stop the run does not interrupt it. Raises CloudError, OperationFailed,
    Stopped.
    """
    from tui.cloud.endpoints import endpoints, traffic

    cloud, name = task.cloud, task.plan.endpoint.name
    task.shifting(now, wanted, why, back=back, **more)
    shift = task.run.shift
    before = shift.before if shift else now
    carry_out(
        task, "change", endpoints.path(cloud, name), lambda: traffic.begin_set(cloud, name, wanted, before, mirrored)
    )
    assert task.run.shift is not None
    task.run.shift = replace(task.run.shift, applied=True)
