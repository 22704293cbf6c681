"""Signs in and reports the identity."""

from __future__ import annotations

from dataclasses import asdict

from tui.engine.task_context import Outcome, TaskContext


def work(task: TaskContext) -> Outcome:
    """Sign in with the plan's method. Raises CloudError if the identity is refused or none is found."""
    from tui.cloud.auth import sign_in

    task.start("read", f"Signing in with {task.plan.credential.method}")
    who = asdict(sign_in.sign_in(task.cloud))
    who = {key: value if value is None else str(value) for key, value in who.items()}
    task.log(f"Signed in as {who['principal']} ({who['kind']}) in tenant {who['tenant']}.")
    return Outcome(f"{who['principal']}, {who['kind']}", who)
