"""Determines which files a folder's `.amlignore`, or `.gitignore` if there is none, excludes from upload."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Callable

NAMES = (".amlignore", ".gitignore")

_BRACKET = re.compile(r"\\.|\[((?:!|(?!!))(?:\][^]/]*|[^]/]+)\])?")
"""An escaped character, or `[` with what follows up to its `]`, where the same part of the path has one."""
_CARET = "\ue000"
_MATCHES_NOTHING = re.compile(r"!?/(\*\*/)*")


def ignore_file(root: Path) -> str | None:
    """The name of the ignore file that applies to a folder; None if it has none. Raises OSError."""
    return next((name for name in NAMES if (root / name).is_file()), None)


def ignored_files(root: Path) -> Callable[[str], bool] | None:
    """A function that tells whether a file, by its name below `root`, is excluded; None without an ignore file.

    The rules are those of azure-ai-ml, so that both exclude the same files: the last line that matches a file's
    name decides, regardless of the folders above it. Raises OSError if the ignore file cannot be read, and
    ValueError for lines that azure-ai-ml would refuse.
    """
    name = ignore_file(root)
    if name is None:
        return None
    with (root / name).open(encoding="utf-8-sig") as lines:
        rules = list(_rules(lines, name))[::-1]
    return lambda file: next((ignored for regex, ignored in rules if regex.search(file)), False)


def _rules(lines: Iterable[str], name: str) -> Iterator[tuple[re.Pattern[str], bool]]:
    from pathspec.patterns.gitignore.spec import GitIgnoreSpecPattern

    for number, line in enumerate(lines, start=1):
        pattern = line.strip()
        if _MATCHES_NOTHING.fullmatch(pattern):
            continue
        try:
            regex, ignored = GitIgnoreSpecPattern.pattern_to_regex(_BRACKET.sub(_as_sdk_reads, pattern))
            if regex is not None and ignored is not None:
                yield re.compile(regex.replace(_CARET, r"\^")), ignored
        except (ValueError, re.error):
            raise ValueError(f"line {number} of {name} is not a pattern: {pattern}") from None


def _as_sdk_reads(found: re.Match[str]) -> str:
    """Translate a bracket expression from azure-ai-ml's meaning, which includes an older pathspec, to pathspec's.

    In azure-ai-ml a `[` without `]` is the character itself, and `[^` starts a set that contains `^`.
    """
    if found[0][0] == "\\":
        return found[0]
    if found[1] is None:
        return r"\["
    return f"[{_CARET}{found[1][1:]}" if found[1][0] == "^" else found[0]
