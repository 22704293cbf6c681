"""Which files of a folder stay behind because of its `.amlignore`, or of its `.gitignore` where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

from tui.cloud.storage import folder_files

NAMES = (".amlignore", ".gitignore")


def ignore_file(root: Path) -> str | None:
    """The name of the ignore file that counts for a folder; None where it has none. Raises OSError."""
    return next((name for name in NAMES if (root / name).is_file()), None)


def left_out(root: Path) -> Callable[[str], bool] | None:
    """A function that says of a file's name below `root` whether it is not uploaded; None without an ignore file.

    The rules are read by the SDK itself, as at the upload. Raises OSError where the ignore file cannot be read.
    """
    if ignore_file(root) is None:
        return None
    return folder_files._ignored(root)
