"""Shifts traffic to a new deployment step by step, and rolls back if the deployment does not hold up.

The procedure is Microsoft's (how-to-safely-rollout-managed-endpoints): the new deployment is tested alone, receives
mirrored traffic if the plan says so, then a growing share. The old deployment is kept until somebody removes it.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.engine.outage_retry import passes
from tui.engine.rollout.watch import CHANGED_BY_OTHERS, Trouble, Watch
from tui.engine.task_context import Outcome, TaskContext
from tui.engine.tasks.traffic import change, read
from tui.plan.model import Rollout
from tui.plan.rules.durations import words as time_words
from tui.plan.traffic import alongside, from_tag, in_words, rescaled, serving

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo

ROLLED_BACK = "RolledBack"


def work(task: TaskContext) -> Outcome:
    """Execute the plan's rollout. Raises CloudError (`RolledBack`), OperationFailed, Stopped."""
    from tui.cloud.errors import CloudError

    planned = task.plan.rollout
    assert planned is not None
    target, final = planned.deployment, serving(task.plan.traffic)
    resumed = task.run.shift
    task.firm = resumed is not None and resumed.back
    _, found = read(task)
    if found is None:
        raise CloudError("The endpoint was not found", "It was deleted during the run.")
    now = serving(found.traffic)
    if resumed is not None and resumed.back:
        _finish_going_back(task, found, resumed.why)
    before = dict(resumed.before) if resumed else _before(found, now, target)
    if now == final and resumed is None:
        task.start("skip", in_words(final))
        return Outcome(f"{in_words(final)}, unchanged", {"traffic": final}, skipped=True)
    if not any(share for name, share in before.items() if name != target):
        task.start("change", in_words(final))
        task.log("No other deployment has traffic, so all requests are sent to the new one at once.")
        change(task, now, final, "no traffic before", mirrored={})
        return Outcome(in_words(final), {"traffic": final})
    steps = list(planned.steps)
    task.start("change", f"{target}: {', '.join(f'{step} %' for step in steps)}")
    try:
        if task.plan.mirror_traffic and not now.get(target):
            _mirror(task, found, planned, before)
        for number, step in enumerate(steps, 1):
            if step < now.get(target, 0):
                continue  # an earlier engine of this run has completed this step
            wanted = final if step == steps[-1] else alongside(before, target, step)
            why = f"step {number} of {len(steps)}"
            task.progress(number - 1, len(steps), "steps")
            if now != wanted or found.mirror_traffic.get(target):
                change(task, before, wanted, why, mirrored={}, step=number, steps=len(steps))
                now = wanted
            task.log(f"{why[0].upper()}{why[1:]}: {in_words(wanted)}, watched for {time_words(planned.pause)}.")
            Watch(task, planned, wanted, number).until_the_end()
            task.progress(number, len(steps), "steps")
    except Trouble as trouble:
        _go_back(task, before, str(trouble))
    except CloudError as error:
        if error.code == CHANGED_BY_OTHERS or passes(task, error) or not _differs(task, before):
            raise
        _go_back(task, before, str(error), error.raw)
    kept = ", ".join(name for name in before if name != target)
    task.log(
        f"{target} has taken over. {kept} is kept, and costs money, until it is removed; "
        "to go back, run aml-deploy rollback."
    )
    return Outcome(in_words(final), {"traffic": final, "before": before})


def _before(found: EndpointInfo, now: dict[str, int], target: str) -> dict[str, int]:
    """The split to roll back to: the current one without the new deployment, which an earlier run may have included."""

    if not now.get(target):
        return now
    there = {one.name for one in found.deployments if one.provisioning_state == "Succeeded"}
    remembered = from_tag(found.tags)
    if remembered and target not in remembered and there.issuperset(remembered) and sum(remembered.values()) == 100:
        return remembered
    return rescaled({name: share for name, share in now.items() if name != target})


def _differs(task: TaskContext, before: dict[str, int]) -> bool:
    """Whether the endpoint has another split than before the run, or copies requests; False if that cannot be read."""
    from tui.cloud.endpoints import endpoints
    from tui.cloud.errors import CloudError

    with contextlib.suppress(CloudError):
        found = endpoints.read(task.cloud, task.plan.endpoint.name, deployments=False)
        return found is not None and (serving(found.traffic) != before or bool(serving(found.mirror_traffic)))
    return False


def _mirror(task: TaskContext, found: EndpointInfo, planned: Rollout, before: dict[str, int]) -> None:
    """Mirror traffic to the new deployment for one pause; callers never see its answers. Raises Trouble."""
    copies = task.plan.mirror_traffic
    if found.mirror_traffic != copies:
        change(task, before, before, "mirrored traffic first", mirrored=copies)
    task.log(f"Mirrored traffic: {in_words(copies)}, watched for {time_words(planned.pause)}.")
    Watch(task, planned, before, 0).until_the_end()


def _go_back(task: TaskContext, before: dict[str, int], why: str, raw: str = "") -> None:
    """Restore the previous split and raise CloudError; a request to stop does not interrupt this."""
    assert task.plan.rollout is not None
    target = task.plan.rollout.deployment
    task.log(f"Rolling back to {in_words(before)}: {why}")
    change(task, before, before, why, mirrored={}, back=True)
    with contextlib.suppress(OSError):
        (task.run.folder / ROLL_BACK_FILE).unlink()
    task.log(f"The previous split is restored: {in_words(before)}.")
    raise _rolled_back(target, before, why, raw)


def _finish_going_back(task: TaskContext, found: EndpointInfo, why: str) -> None:
    """Complete the roll back that an earlier engine of this run had started, and raise CloudError."""
    assert task.plan.rollout is not None and task.run.shift is not None
    before = dict(task.run.shift.before)
    task.start("change", in_words(before))
    if serving(found.traffic) == before:
        task.run.shift = replace(task.run.shift, applied=True)
        raise _rolled_back(task.plan.rollout.deployment, before, why)
    _go_back(task, before, why)


def _rolled_back(target: str, before: dict[str, int], why: str, raw: str = "") -> Exception:
    from tui.cloud.errors import CloudError

    return CloudError(
        title=f"The rollout of {target} was rolled back",
        cause=why,
        remedy=(
            f"The previous split is restored: {in_words(before)}. {target} still exists without traffic and costs "
            "money: read its log, fix it and apply again, or remove it with aml-deploy remove PLAN --deployment "
            + target
        ),
        raw=raw,
        code=ROLLED_BACK,
    )
