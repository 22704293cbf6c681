"""Where runs are kept on this machine."""

from __future__ import annotations

import os
from pathlib import Path

ROLL_BACK_FILE = "roll-back"
"""In a run's folder: somebody wants the split from before the rollout."""


def state_folder() -> Path:
    """`$AML_DEPLOY_HOME`, else the platform's state folder; made with mode 0700.

    Raises OSError where it cannot be made.
    """
    named = os.environ.get("AML_DEPLOY_HOME")
    if named:
        folder = Path(named).expanduser()
    else:
        import platformdirs

        folder = Path(platformdirs.user_state_path("aml-deploy"))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def runs_folder() -> Path:
    """The folder that holds one folder a run."""
    folder = state_folder() / "runs"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def plans_folder() -> Path:
    """Where plans that began as a preset are saved."""
    folder = state_folder() / "plans"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
