"""The folders in which this machine keeps runs and plans."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from tui.common import own_folders

_UNMAPPED = 65534
"""The owner that file systems without owners of their own report, such as a volume's."""
ROLL_BACK_FILE = "roll-back"
"""A file in a run's folder that asks its engine to roll back."""
APPROVED_FILE = "approved.json"
"""A file in a run's folder with the only changes that it may make."""


def state_folder() -> Path:
    """`$AML_DEPLOY_HOME`, else the platform's state folder; created with mode 0700, or tightened to it.

    Raises OSError if it cannot be created, or is not the user's own.
    """
    folder = own_folders.state_folder(os.environ)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _keep_private(folder)
    return folder


def _keep_private(folder: Path) -> None:
    """Take a folder that was there before from other users. Raises OSError if it is theirs."""
    status, user = folder.stat(), os.geteuid()
    if status.st_mode & stat.S_ISVTX:
        raise PermissionError(errno.EPERM, "All users share it", str(folder))
    if user and status.st_uid not in (user, 0, _UNMAPPED):
        raise PermissionError(errno.EPERM, f"It belongs to another user (uid {status.st_uid})", str(folder))
    if status.st_mode & 0o077 and status.st_uid == user:
        with contextlib.suppress(OSError):  # a Databricks volume has no permissions to change
            folder.chmod(0o700)


def runs_folder() -> Path:
    """The folder that holds one folder for each run."""
    folder = state_folder() / "runs"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def plans_folder() -> Path:
    """The folder in which plans are saved that have no file: imports, unsaved edits after an error."""
    folder = state_folder() / "plans"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder
