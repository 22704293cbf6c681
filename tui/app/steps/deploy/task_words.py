"""Texts about one task: its purpose, its times beside those of earlier runs, what it does at the moment."""

from __future__ import annotations

from tui.app.text import formatting
from tui.engine.journal.run_view import TaskView

WHAT: dict[str, str] = {
    "sign-in": "Signs in to Microsoft Entra ID and shows the account.",
    "workspace": "Reads the workspace and its network isolation, and runs the preflight.",
    "endpoint": "Creates the endpoint: the stable address that callers use.",
    "model": "Uploads the model to the workspace's storage and registers it.",
    "code": "Uploads the scoring script's folder.",
    "environment": "Registers the conda file and the base image.",
    "deployment": "Builds the environment's image, starts the instances and waits until the server is ready.",
    "autoscale": "Sets the autoscale rules, which then change the number of instances.",
    "traffic": "Routes traffic to the deployment; without traffic the endpoint returns 404.",
    "test": "Sends the sample request, as any caller would.",
    "rollout": "Shifts the traffic to the new deployment in steps, monitors its responses, rolls back on errors.",
}
_OF_ONE = {
    "model": "Uploads the model of the deployment {} and registers it.",
    "code": "Uploads the scoring script's folder of the deployment {}.",
    "environment": "Registers the conda file and the base image of the deployment {}.",
    "deployment": "Creates the deployment {}: builds its image, starts its instances, waits until its server is ready.",
    "autoscale": "Sets the autoscale rules of the deployment {}, which then change its number of instances.",
    "test": "Sends the sample request and the golden ones to the deployment {} directly, before it gets any traffic.",
}


def what_of(name: str) -> str:
    """Describe what a task does; a name such as deployment:green includes the deployment."""
    kind, _, one = name.partition(":")
    if one and kind in _OF_ONE:
        return _OF_ONE[kind].format(one)
    return WHAT.get(kind, "")


def time_words(task: TaskView, now: float, usual: bool = False) -> str:
    """Return a task's elapsed and typical time; with `usual`, the typical time also after it has finished."""
    expected = task.expected_seconds
    typical = formatting.running(max(expected, 1)) if expected else ""
    if task.seconds is not None:
        took = formatting.duration(task.seconds)
        return "" if task.status == "skipped" else f"{took} (~{typical})" if usual and typical else took
    if task.started is not None and task.status == "running":
        elapsed = formatting.running(max(now - task.started, 0.0))
        return f"{elapsed} of ~{typical}" if typical else elapsed
    return f"{'usually' if task.usual else 'typically'} {typical}" if typical and task.status == "waiting" else ""


def usual_words(task: TaskView) -> str:
    """Return what the task is compared with: `4 min 00 s, from 3 min 50 s to 4 min 20 s (4 earlier runs of this …)`."""
    of = task.usual
    if of is None:
        typical = task.typical_seconds
        return f"{formatting.running(max(typical, 1))} for any endpoint (no earlier run of this one)" if typical else ""
    least, most = formatting.duration(of.least), formatting.duration(of.most)
    spread = f", from {least} to {most}" if of.number > 1 else ""
    return f"{formatting.duration(of.seconds)}{spread} ({formatting.count(of.number, 'earlier run')} of this endpoint)"


def is_slow(task: TaskView, now: float) -> bool:
    """Whether a task takes, or took, longer than in earlier runs; of one that failed, its error says more."""
    if task.status == "running":
        return task.slow(now - (task.started or now))
    return task.status == "succeeded" and task.slow(task.seconds or 0.0)


def note(task: TaskView, now: float) -> str:
    """Return the text of the last column: the progress if there is any, else the task's latest message.

    A task that is slow says so first.
    """
    said = _note(task, now)
    if task.usual is None or not is_slow(task, now):
        return said
    # The column with the times of a running task says what is usual.
    slow = "slower than usual" + (f" ({formatting.running(task.usual.seconds)})" if task.seconds is not None else "")
    return f"{slow}; {said}" if said else slow


def _note(task: TaskView, now: float) -> str:
    if task.status == "running":
        if task.retrying:
            return task.retrying
        if task.done is not None and (task.total is None or task.done < task.total):
            return formatting.progress(task.done, task.total, task.unit, now - (task.started or now))
        return formatting.plain(task.last_line or task.detail)
    if task.status == "waiting":
        return f"after {', '.join(task.needs)}" if task.needs else ""
    return formatting.plain(task.detail or task.last_line)
