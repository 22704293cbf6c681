"""Determines what an unsuccessful run leaves in Azure, and how to remove it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.common.deadlines import Question
from tui.engine.task_context import RUN_TAG, Run
from tui.plan.traffic import as_text, in_words

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo

LOOK_SECONDS = 5.0
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Left:
    """A resource that the run created and that still exists: kind, name, provisioning state.

    A model and an autoscale setting have no state.
    """

    kind: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        return f"{'autoscale setting' if self.kind == 'autoscale' else self.kind} {self.name}"

    @property
    def words(self) -> str:
        """The resource and its state, as part of a sentence."""
        if self.state == "Succeeded":
            return f"{self}, which is complete"
        if self.state in ("Creating", "Updating"):
            return f"{self}, which Azure is still working on"
        return f"{self} ({self.state})" if self.state else str(self)


def left_behind(run: Run) -> list[Left]:
    """What this run created and Azure still has; if Azure does not answer within seconds, what the run recorded."""
    if not run.created:
        return []
    from tui.cloud.endpoints import endpoints

    try:
        found = Question(lambda: endpoints.read(run.cloud, run.plan.endpoint.name), LOOK_SECONDS).answer()
    except Exception:  # without an answer, the run's own record is used
        return [Left(kind, name, _UNKNOWN if kind in ("endpoint", "deployment") else "") for kind, name in run.created]
    return still_there(run, found)


def still_there(run: Run, found: EndpointInfo | None) -> list[Left]:
    """The resources of `run.created` that still exist; those tagged by another run are not this run's."""
    mine = run.journal.run
    left = []
    for kind, name in run.created:
        if kind in ("model", "autoscale"):
            left.append(Left(kind, name))
        elif kind == "endpoint" and found is not None and found.tags.get(RUN_TAG) == mine:
            left.append(Left(kind, name, found.provisioning_state))
        elif kind == "deployment" and found is not None:
            left += [
                Left(kind, name, one.provisioning_state)
                for one in found.deployments
                if one.name == name and one.tags.get(RUN_TAG) == mine
            ]
    return left


def changed_traffic(run: Run) -> str:
    """What the run has done to the traffic and not undone, and the command that does; empty if it is nothing."""
    shift, endpoint = run.shift, run.plan.endpoint.name
    if shift is None or (shift.back and shift.applied):
        return ""
    if not shift.back:
        before, after = (in_words(split, none="") for split in (shift.before, shift.after))
        if before == after:
            return ""
        said = f"Traffic: {after}; before the run: {before or 'no traffic'}."
        return f"{said} Roll back with: aml-deploy rollback {endpoint}" if before else said
    return (
        f"The roll back to {in_words(shift.before, none='no traffic')} was not completed: the endpoint may still have "
        f"the split of the rollout. Complete it with: aml-deploy traffic {endpoint} "
        + as_text(shift.before).replace(",", " ")
    )


def stopped_message(run: Run, left: list[Left], *, rehearsed: bool, cleaned: bool) -> str:
    """The message about a stopped run: what is left, and the command that removes it."""
    said = ["The run was stopped."]
    serving = [item for item in left if item.kind != "model"]
    if serving:
        said.append(f"Left in Azure: {'; '.join(item.words for item in serving)}.")
        if all(item.kind == "autoscale" for item in serving):  # of a deployment that an earlier run made
            said.append("Applying the plan without autoscale removes it.")
        else:
            plan = shlex.quote(str(run.folder / "plan.yml"))
            said.append(f"Remove it with: aml-deploy remove {plan}{' --rehearse' if rehearsed else ''} --yes")
    elif cleaned:
        said.append("What it had created was removed.")
    elif not run.created and run.shift is None:
        said.append("It had not created anything in Azure.")
    if not cleaned and changed_traffic(run):
        said.append(changed_traffic(run))
    if any(item.kind == "model" for item in left):
        said.append("The registered model is kept; it costs almost nothing.")
    return " ".join(said)
