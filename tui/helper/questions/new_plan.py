"""Makes a plan from a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tui.new_plan import write_plan


def new_plan(plan: dict[str, Any], folder: str, target: str | None = None) -> write_plan.NewPlan:
    """Write a plan for the model in a folder to `target`, and what it lacks beside it; see `write_plan.make`.

    The asked plan is not read. Raises CloudError with the code NewPlanRefused.
    """
    return write_plan.make(Path(folder), Path(target) if target else None)
