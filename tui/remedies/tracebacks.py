"""Find the exception that caused a crash, from Python tracebacks in a log."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tui.remedies.patterns import Page

# Exceptions that only wrap another one: the scoring server's own, and those that end a worker.
WRAPPERS = re.compile(
    r"(?:^|\.)(?:UserScript\w*|UserScriptError|AppImportError|HaltServer|SystemExit|WorkerTimeout|"
    r"RunFunctionException|ScoringTimeoutException|CondaEnvException|KeyboardInterrupt)$"
)
_BEGIN = "traceback (most recent call last)"
_FRAME = re.compile(r'^\s*File \\?"([^"\\]+(?:\\\\?[^"\\]+)*)\\?", line (\d+)(?:, in (\S+))?')
_EXCEPTION = re.compile(r"^\s*((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*)(?:: (.*))?$")
_SERVER = ("site-packages", "dist-packages", "/lib/python", "<frozen", "\\lib\\")
# The prefixes that log collectors and loggers add to a line.
_PREFIX = re.compile(r"^(?:\d{4}-\d\d-\d\d[T ][\d:.,]+(?:Z|[+-]\d\d:\d\d)?\s+)?(?:\|\s*gunicorn/run\s*\|\s?)?")


@dataclass(frozen=True)
class Raised:
    """An exception: its type and message, its line in the log, and the line of the user's code that raised it."""

    text: str
    index: int
    line: int
    shown: str
    file: str = ""
    file_line: int = 0
    function: str = ""

    @property
    def where(self) -> str:
        """The location as text, such as `score.py, line 14, in init()`, or an empty text."""
        if not self.file:
            return ""
        inside = f", in {self.function}()" if self.function.isidentifier() else ""
        return f"{self.file}, line {self.file_line}{inside}"


def raised(page: Page, most: int = 50) -> Raised | None:
    """The exception that explains the crash: the last one raised in the user's own files, else the last one.

    Exceptions that only wrap another one are skipped. None if the text has no traceback.
    """
    last: Raised | None = None
    position = page.lowered.rfind(_BEGIN)
    while position >= 0 and most > 0:
        most -= 1
        index = page.line_of(position)
        found = _read(page, index + 1)
        if found is not None:
            if found.file:
                return found
            last = last or found
        position = page.lowered.rfind(_BEGIN, 0, page.bounds(index)[0]) if index else -1
    return last


def _read(page: Page, index: int) -> Raised | None:
    """One traceback, from the line after its heading."""
    file, number, function = "", 0, ""
    for current in range(index, min(index + 200, len(page))):
        begin, end = page.bounds(current)
        line = _PREFIX.sub("", page.text[begin : min(end, begin + 1000)])
        frame = _FRAME.match(line)
        if frame:
            if not any(part in frame[1] for part in _SERVER) and not frame[1].startswith("<"):
                file, number, function = re.split(r"[\\/]", frame[1])[-1], int(frame[2]), frame[3] or ""
            continue
        if line.startswith((" ", "\t")) or not line.strip():
            continue
        match = _EXCEPTION.match(line)
        if match is None or WRAPPERS.search(match[1]):
            return None
        if "Error" in match[1] or "Exception" in match[1] or match[2] or match[1] in ("MemoryError", "StopIteration"):
            said = line.strip()[:300]
            return Raised(said, current, page.number(current), said, file, number, function)
        return None
    return None
