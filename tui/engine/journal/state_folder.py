"""The folders in which this machine keeps runs and plans."""

from __future__ import annotations

import os
from pathlib import Path

from tui.common.typed_path import typed_path

ROLL_BACK_FILE = "roll-back"
"""A file in a run's folder that asks its engine to roll back."""


def state_folder() -> Path:
    """`$AML_DEPLOY_HOME`, else the platform's state folder; created with mode 0700.

    Raises OSError if it cannot be created.
    """
    named = os.environ.get("AML_DEPLOY_HOME")
    if named:
        folder = typed_path(named)
    else:
        import platformdirs

        folder = Path(platformdirs.user_state_path("aml-deploy"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def runs_folder() -> Path:
    """The folder that holds one folder for each run."""
    folder = state_folder() / "runs"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def plans_folder() -> Path:
    """The folder in which plans that started as a preset are saved."""
    folder = state_folder() / "plans"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
