"""Which files of a folder stay behind because of its `.amlignore`, or of its `.gitignore` where there is none."""

from __future__ import annotations

from pathlib import Path
from typing import Callable

NAMES = (".amlignore", ".gitignore")


def ignore_file(root: Path) -> str | None:
    """The name of the ignore file that counts for a folder; None where it has none. Raises OSError."""
    return next((name for name in NAMES if (root / name).is_file()), None)


def ignored_files(root: Path) -> Callable[[str], bool] | None:
    """A function that says of a file's name below `root` whether it is not uploaded; None without an ignore file.

    The rules are read by the SDK itself, so that both leave out the same files. Raises OSError where the ignore file
    cannot be read.
    """
    if ignore_file(root) is None:
        return None
    from tui.cloud.http.sdk_import import import_sdk

    import_sdk()
    from azure.ai.ml._utils._asset_utils import get_ignore_file

    rules = get_ignore_file(root)
    return lambda name: bool(rules.is_file_excluded(root / name))
