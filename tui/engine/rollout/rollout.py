"""Lets a new deployment take over the requests step by step, and takes it back when it does not hold up.

The way is Microsoft's (how-to-safely-rollout-managed-endpoints): the new deployment is tested alone, gets copies of
requests where that is asked for, then a share that grows. What serves stays as it is until somebody removes it.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.engine.rollout.rollout_view import shares
from tui.engine.rollout.watch import Trouble, Watch
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks.traffic import change, read
from tui.plan.model import Rollout
from tui.plan.rules.durations import words as time_words
from tui.plan.traffic import alongside, from_tag, rescaled, serving

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo

ROLLED_BACK = "RolledBack"


def work(task: TaskContext) -> Outcome:
    """Carry out the plan's rollout. Raises CloudError (`RolledBack`), OperationFailed, Stopped."""
    from tui.cloud.errors import CloudError

    planned = task.plan.rollout
    assert planned is not None
    target, final = planned.deployment, serving(task.plan.traffic)
    _, found = read(task)
    if found is None:
        raise CloudError("The endpoint is not there any more", "Somebody has removed it during the run.")
    now = serving(found.traffic)
    resumed = task.run.shift
    if resumed is not None and resumed.back:
        _finish_going_back(task, found, resumed.why)
    before = dict(resumed.before) if resumed else _before(found, now, target)
    if now == final and resumed is None:
        task.start("skip", shares(final))
        return Outcome(f"{shares(final)}, as it was", {"traffic": final}, skipped=True)
    if not any(share for name, share in before.items() if name != target):
        task.start("change", shares(final))
        task.log("Nothing else serves, so there is nothing to go back to: all requests at once.")
        change(task, now, final, "nothing served before", mirrored={})
        return Outcome(shares(final), {"traffic": final})
    steps = list(planned.steps)
    task.start("change", f"{target}: {', '.join(f'{step} %' for step in steps)}")
    try:
        if task.plan.mirror_traffic and not now.get(target):
            _mirror(task, found, planned, before)
        for number, step in enumerate(steps, 1):
            if step < now.get(target, 0):
                continue  # an earlier engine of this run was further
            wanted = final if step == steps[-1] else alongside(before, target, step)
            why = f"step {number} of {len(steps)}"
            task.progress(number - 1, len(steps), "steps")
            if now != wanted or found.mirror_traffic.get(target):
                change(task, before, wanted, why, mirrored={}, step=number, steps=len(steps))
                now = wanted
            task.log(f"{why[0].upper()}{why[1:]}: {shares(wanted)}, watched for {time_words(planned.pause)}.")
            Watch(task, planned, wanted, number).until_the_end()
            task.progress(number, len(steps), "steps")
    except Trouble as trouble:
        _go_back(task, before, str(trouble))
    kept = ", ".join(name for name in before if name != target)
    task.log(f"{target} has taken over. {kept} stays, and costs, until it is removed; aml-deploy rollback goes back.")
    return Outcome(shares(final), {"traffic": final, "before": before})


def _before(found: EndpointInfo, now: dict[str, int], target: str) -> dict[str, int]:
    """The split to go back to: that of now without the new deployment, which an earlier run may have given a share."""

    if not now.get(target):
        return now
    there = {one.name for one in found.deployments if one.provisioning_state == "Succeeded"}
    remembered = from_tag(found.tags)
    if remembered and target not in remembered and there.issuperset(remembered) and sum(remembered.values()) == 100:
        return remembered
    return rescaled({name: share for name, share in now.items() if name != target})


def _mirror(task: TaskContext, found: EndpointInfo, planned: Rollout, before: dict[str, int]) -> None:
    """Copy requests to the new deployment for one pause; its answers go to nobody. Raises Trouble."""
    copies = task.plan.mirror_traffic
    if found.mirror_traffic != copies:
        change(task, before, before, "copies of requests first", mirrored=copies)
    task.log(f"Copies of requests: {shares(copies)}, watched for {time_words(planned.pause)}.")
    Watch(task, planned, before, 0).until_the_end()


def _go_back(task: TaskContext, before: dict[str, int], why: str) -> None:
    """Bring back the split from before and raise CloudError; a wish to stop does not keep from that."""
    assert task.plan.rollout is not None
    target = task.plan.rollout.deployment
    task.log(f"Going back to {shares(before)}: {why}")
    change(task, before, before, why, mirrored={}, back=True)
    with contextlib.suppress(OSError):
        (task.run.folder / ROLL_BACK_FILE).unlink()
    task.log(f"The split is as it was: {shares(before)}.")
    raise _rolled_back(target, before, why)


def _finish_going_back(task: TaskContext, found: EndpointInfo, why: str) -> None:
    """An earlier engine of this run was on its way back: go the rest of it and raise CloudError."""
    assert task.plan.rollout is not None and task.run.shift is not None
    before = dict(task.run.shift.before)
    task.start("change", shares(before))
    if serving(found.traffic) == before:
        raise _rolled_back(task.plan.rollout.deployment, before, why)
    _go_back(task, before, why)


def _rolled_back(target: str, before: dict[str, int], why: str) -> Exception:
    from tui.cloud.errors import CloudError

    return CloudError(
        title=f"The rollout of {target} was taken back",
        cause=why,
        remedy=(
            f"{shares(before)} serve as before. {target} is still there without requests, and costs: read its log, "
            "mend it and apply again, or remove it with aml-deploy remove PLAN --deployment " + target
        ),
        code=ROLLED_BACK,
    )
