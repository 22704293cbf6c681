"""Where `apply --record FILE` writes."""

from __future__ import annotations

import os
from pathlib import Path

from tui.plain.failure import Failure


def new_recording(given: str) -> Path:
    """The absolute path of a recording that is not there yet, in a folder that can be written. Raises Failure."""
    path = Path(os.path.abspath(Path(given).expanduser()))  # noqa: PTH100 (resolve would follow links)
    folder = path.parent
    if path.exists() or path.is_symlink():
        raise Failure(f"{path} exists already, and a recording replaces no file: name a new one with --record.", 2)
    if not folder.is_dir():
        raise Failure(f"The recording cannot be written: there is no folder {folder}.", 2)
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Failure(f"The recording cannot be written: {folder} is not writable.", 2)
    return path
