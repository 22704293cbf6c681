"""Where runs are kept on this machine."""

from __future__ import annotations

import contextlib
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


def write_whole(path: Path, text: str, *, sync: bool = False) -> None:
    """Write a small file so that readers see all of it or none.

    Volumes on Databricks refuse appends, locks and links, so everything durable is written this way.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            if sync:
                file.flush()
                os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            temporary.unlink()  # a disk that is full should not stay so because of halves
        raise
    if sync:
        _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder durable, where its file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
