"""What the files hold, and whether the plan can work."""

from __future__ import annotations

from typing import Any

from tui.helper import sessions


def inspect_model(plan: dict[str, Any]) -> Any:
    """What is in the model's folder, the scoring script and the conda file; needs no sign-in."""
    from tui.checks.artifacts import inspect_model as inspect

    return inspect(sessions.plan_of(plan))


def check(plan: dict[str, Any]) -> Any:
    """The preflight's findings."""
    from tui.checks.preflight import run

    cloud = sessions.cloud_of(plan)
    return run(cloud.plan, cloud)
