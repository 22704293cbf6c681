"""What a run that did not succeed leaves in Azure, and what there is to say about it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tui.common.deadlines import Question
from tui.engine.task_context import RUN_TAG, Run
from tui.plan.traffic import in_words

if TYPE_CHECKING:
    from tui.cloud.endpoints.endpoints import EndpointInfo

LOOK_SECONDS = 5.0
_UNKNOWN = "unknown"


@dataclass(frozen=True)
class Left:
    """Something that the run made and that is there: its kind, name and provisioning state (empty for a model)."""

    kind: str
    name: str
    state: str = ""

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    @property
    def words(self) -> str:
        """As a part of a sentence."""
        if self.state == "Succeeded":
            return f"{self}, which is complete"
        if self.state in ("Creating", "Updating"):
            return f"{self}, which Azure is still working on"
        return f"{self} ({self.state})" if self.state else str(self)


def left_behind(run: Run) -> list[Left]:
    """What this run made and Azure has now, as far as it answers within some seconds; else what the run knows."""
    if not run.created:
        return []
    from tui.cloud.endpoints import endpoints

    try:
        found = Question(lambda: endpoints.read(run.cloud, run.plan.endpoint.name), LOOK_SECONDS).answer()
    except Exception:  # without an answer, what the run knows is said
        return [Left(kind, name, _UNKNOWN if kind in ("endpoint", "deployment") else "") for kind, name in run.created]
    return still_there(run, found)


def still_there(run: Run, found: EndpointInfo | None) -> list[Left]:
    """What of `run.created` is there; an endpoint or deployment of the same name that bears another run's tag is not
    this run's."""
    mine = run.journal.run
    left = []
    for kind, name in run.created:
        if kind == "model":
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


def stopped_message(run: Run, left: list[Left], *, rehearsed: bool, cleaned: bool) -> str:
    """What to say about a run that was stopped: what is there, and the command that removes it."""
    said = ["The run was stopped."]
    serving = [item for item in left if item.kind != "model"]
    if serving:
        said.append(f"Left in Azure: {'; '.join(item.words for item in serving)}.")
        plan = shlex.quote(str(run.folder / "plan.yml"))
        said.append(f"Remove it with: aml-deploy remove {plan}{' --rehearse' if rehearsed else ''} --yes")
    elif cleaned:
        said.append("What it had made was removed.")
    elif not run.created and run.shift is None:
        said.append("It had made nothing in Azure yet.")
    if run.shift is not None and not cleaned and not run.shift.back:
        before, after = (in_words(split, none="") for split in (run.shift.before, run.shift.after))
        if before != after:
            said.append(f"Requests go to {after}; before the run, to {before or 'nobody'}.")
            if before:
                said.append(f"Go back with: aml-deploy rollback {run.plan.endpoint.name}")
    if any(item.kind == "model" for item in left):
        said.append("The registered model stays; it costs next to nothing.")
    return " ".join(said)
