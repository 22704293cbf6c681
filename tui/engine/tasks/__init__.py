"""The tasks of a run, in the order in which screens list them."""

from __future__ import annotations

from tui.engine.graph import Task
from tui.engine.tasks import (
    code,
    deployment,
    endpoint,
    environment,
    model,
    sign_in,
    test,
    traffic,
    workspace,
)
from tui.plan.model import Plan

# Typical times on Azure: an endpoint takes a minute or two, a deployment six to twelve where the image must be built.
ENDPOINT_SECONDS = 90.0
DEPLOYMENT_SECONDS = 480.0


def tasks_of(plan: Plan) -> list[Task]:
    """The graph of a plan: what each task needs before it can begin."""
    return [
        Task("sign-in", (), sign_in.work, 2),
        Task("workspace", ("sign-in",), workspace.work, 2),
        Task("endpoint", ("workspace",), endpoint.work, ENDPOINT_SECONDS),
        Task("model", ("workspace",), model.work, None),
        Task("code", ("workspace",), code.work, 5),
        Task("environment", ("workspace",), environment.work, 5),
        Task("deployment", ("endpoint", "model", "code", "environment"), deployment.work, DEPLOYMENT_SECONDS),
        Task("traffic", ("deployment",), traffic.work, 15),
        Task("test", ("traffic",), test.work, 5),
    ]
