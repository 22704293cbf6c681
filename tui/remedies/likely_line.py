"""Find the line of a text that most likely says what went wrong."""

from __future__ import annotations

import re

from tui.remedies.patterns import LONGEST_LINE, Page

MOST_LINES = 20_000
"""At most this many lines are looked at, the last ones of the text."""
_WORDS = (
    r"\bun(?:able|expected|supported|authorized|available|reachable)\b|no such|cannot|can't|could(?: not|n't)|"
    r"not (?:found|registered|allowed|supported|valid|permitted|exist|installed|available|authorized)|"
    r"no [\w -]{1,20} found|fail\w*|denied|refused|forbidden|invalid|missing|expired|crash|killed|aborted|conflict|"
    r"exceed(?:s|ed)|timed out|time-?out (?:of|after|error|exceeded|expired|occurred)"
)
_SIGNS = (
    # Names of exceptions and codes with a message; levels of loggers; then words.
    (4, re.compile(r"^\W*(?:\w+\.)*\w*(?:Error|Exception|Failure)\b(?:\(\w+\))?:? ?\S")),
    (1, re.compile(r"\b(?:Message|message|reason|Reason|details?)[\"']?\s?[:=]\s?[\"']?\S")),
    (2, re.compile(r"\b[A-Za-z]*(?:Error|Exception|Failed|Failure|Denied|Mismatch|Conflict|Forbidden|NotFound)\b")),
    (2, re.compile(r"(?:^|\W)(?:errors?|fatal|critical|E)(?:\W|$)", re.IGNORECASE)),
    (2, re.compile(_WORDS, re.IGNORECASE)),
    (1, re.compile(r"\b(?:HTTP\S*|status(?: code)?|code)\W{0,4}[45]\d\d\b", re.IGNORECASE)),
)
_CALM = re.compile(
    r"\b(?:0 errors?|no errors?|errors?: 0|info|debug|warning|deprecat\w+)\b|\b[IWD] \[\d+\]", re.IGNORECASE
)


def most_likely_line(page: Page) -> int | None:
    """The index of the line that shows an error most clearly, the last of equal ones; None if no line shows any."""
    best, found = 2, None
    for index in range(max(0, len(page) - MOST_LINES), len(page)):
        begin, end = page.bounds(index)
        line = page.text[begin : min(end, begin + LONGEST_LINE)]
        weight = sum(worth for worth, sign in _SIGNS if sign.search(line)) - (3 if _CALM.search(line) else 0)
        if weight >= best:
            best, found = weight, index
    return found
