"""The versions of one registered model, by its name."""

from __future__ import annotations

from typing import Any

from tui.helper.questions import lists


def versions_of(plan: dict[str, Any], model: str) -> Any:
    """The versions of the model of that name in the plan's workspace, newest first."""
    return lists.model_versions(plan, name=model)
