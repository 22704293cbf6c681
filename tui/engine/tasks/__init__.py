"""The tasks of a run, in the order in which screens list them."""

from __future__ import annotations

from tui.engine.rollout import rollout
from tui.engine.task_graph import Task
from tui.engine.tasks import (
    autoscale,
    code,
    deployment,
    endpoint,
    environment,
    golden,
    model,
    sign_in,
    test,
    traffic,
    workspace,
)
from tui.engine.tasks.keep_plan import beside
from tui.plan.model import Plan

# Typical times on Azure: an endpoint takes a minute or two, a deployment six to twelve where the image must be built.
ENDPOINT_SECONDS = 90.0
DEPLOYMENT_SECONDS = 480.0
_ASSETS = (("model", model.work, None), ("code", code.work, 5.0), ("environment", environment.work, 5.0))


def tasks_of(plan: Plan) -> list[Task]:
    """The task graph of a plan, with each task's dependencies.

    In a plan with `deployments:`, the tasks of a deployment are named after it: `deployment:green`. Assets of one kind
    are registered one after the other, so that assets shared by two deployments are registered once. Autoscale rules
    are set before a deployment gets traffic. With a rollout or golden requests, the new deployment is tested alone
    first; `rollout` replaces `traffic`.
    """
    names: list[str | None] = [one.name for one in plan.deployments] or [None]
    assets, made, scaled = [], [], []
    for place, name in enumerate(names):
        suffix = f":{name}" if name else ""
        for kind, work, typical in _ASSETS:
            before = (f"{kind}:{names[place - 1]}",) if place else ("workspace",)
            assets.append(Task(kind + suffix, before, work, typical, name))
        needs = ("endpoint", *(kind + suffix for kind, _, _ in _ASSETS))
        made.append(Task("deployment" + suffix, needs, deployment.work, DEPLOYMENT_SECONDS, name))
        if plan.of(name).deployment.autoscale is not None:
            scaled.append(Task("autoscale" + suffix, ("deployment" + suffix,), autoscale.work, 5, name))
    assets.sort(key=lambda task: [kind for kind, _, _ in _ASSETS].index(task.name.partition(":")[0]))
    made += scaled
    all_made = tuple(task.name for task in made)
    return [
        Task("sign-in", (), sign_in.work, 2),
        Task("workspace", ("sign-in",), workspace.work, 2),
        Task("endpoint", ("workspace",), endpoint.work, ENDPOINT_SECONDS),
        *assets,
        *made,
        *_shifting(plan, all_made),
    ]


def _shifting(plan: Plan, made: tuple[str, ...]) -> list[Task]:
    last_test = beside(test.work)
    alone = [Task(f"test:{plan.deployment.name}", made, golden.before_traffic, 5)]
    if plan.rollout is None and plan.test.requests is None:
        alone = []
    ready = tuple(task.name for task in alone) or made
    if plan.rollout is None:
        return [*alone, Task("traffic", ready, traffic.work, 15), Task("test", ("traffic",), last_test, 5)]
    watched = plan.rollout.pause * (len(plan.rollout.steps) + bool(plan.mirror_traffic)) + 30
    return [*alone, Task("rollout", ready, rollout.work, watched), Task("test", ("rollout",), last_test, 5)]
