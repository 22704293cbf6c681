"""Turns what a user typed into a path."""

from __future__ import annotations

import errno
import os
from pathlib import Path

NOT_UTF8 = (
    "The path has bytes that are not UTF-8, which neither a plan nor an export can hold.",
    "Rename the file or folder.",
)
LONGEST_NAME, LONGEST_PATH = 255, 4095  # bytes, on Linux and macOS


class UnusablePath(OSError):
    """The typed text can never be a path here; `strerror` is the reason, without a full stop."""

    def __str__(self) -> str:
        return f"This is not a usable path: {self.strerror}."


def here() -> Path:
    """The current folder; the home folder if the current one has been removed, for which Path.cwd raises."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        return Path.home()


def typed_path(text: str | os.PathLike[str]) -> Path:
    """The path that a user typed, with `~` expanded; it need not exist. Raises UnusablePath."""
    path = Path(text)
    if "\0" in str(text):
        raise UnusablePath(errno.EINVAL, "it has a NUL character")
    try:
        path = path.expanduser()
        encoded = os.fsencode(path)
    except RuntimeError:
        raise UnusablePath(errno.ENOENT, f"this machine has no home folder for {path.parts[0]}") from None
    except UnicodeError:
        raise UnusablePath(errno.EINVAL, "it has characters that cannot be in a name") from None
    if len(encoded) > LONGEST_PATH or max(map(len, encoded.split(os.fsencode(os.sep)))) > LONGEST_NAME:
        raise UnusablePath(
            errno.ENAMETOOLONG, f"the limit is {LONGEST_NAME} bytes for a name and {LONGEST_PATH} for a path"
        )
    return path


def real_path(path: Path) -> Path:
    """The path without links. Those that lead to each other stay; before Python 3.13, Path.resolve raises for them."""
    return Path(os.path.realpath(path))


def not_utf8(path: Path) -> bool:
    """Whether the path has bytes that are not UTF-8, which Python keeps as halves of surrogate pairs."""
    return any("\ud800" <= one <= "\udfff" for one in str(path))


def is_file(path: Path) -> bool:
    """Whether there is a file; False where nobody may look, for which Path.is_file raises before Python 3.14."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path) -> bool:
    """Whether there is a folder; False where nobody may look."""
    return os.path.isdir(path)  # noqa: PTH112
