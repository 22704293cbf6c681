"""Search the lines of a long text for a regular expression, fast and with bounded work.

Most patterns of the catalogue match no line of a log. So each pattern is first located by literal characters that
every match must contain, and the expression itself is tried only on the lines that contain them.
"""

from __future__ import annotations

import re
import warnings
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import Any

from tui.remedies.pasted_text import plain

LONGEST_LINE = 4000
"""Longer lines (JSON on one line) are searched in windows of this many characters around the fixed characters."""
MOST_LINES = 1500
"""At most this many lines are tried for one pattern, the last ones of the text first."""
SHORTEST_LITERAL = 3
MANY_CHARACTERS = 1_000_000
"""In longer texts, a pattern is only searched for if the text has its words."""
_DIGITS = bytes.maketrans(b"123456789", b"000000000")
# The line break of a text inside a JSON string; the second expression tells whether a line is JSON at all.
_INNER_END = re.compile(r"(?:\\+r)?\\+n")
_QUOTED = re.compile(r"[\"']\s?:|[\[{]\"|\"[^\"]*\\n")


class BadPattern(ValueError):
    """A pattern that is not a valid regular expression, or whose search might never end."""


class Page:
    """A text prepared for searching by line. Line numbers start at 1.

    A line of JSON that contains a whole log in a string is searched by the lines of that log, which all have the number
    of the JSON line.
    """

    def __init__(self, text: str) -> None:
        self.text = plain(text)
        # Replace the only character whose lowercase form is longer, because it would shift all positions after it.
        self.lowered = self.text.replace("\u0130", "I").lower()
        self._begins: list[int] = []
        self._ends: list[int] = []
        self._numbers: Sequence[int] = []
        lines = self.text.split("\n")
        begins = [0, *accumulate(len(line) + 1 for line in lines)]
        if "\\n" not in self.text:
            self._begins, self._ends = begins[:-1], [begin - 1 for begin in begins[1:]]
            self._numbers = range(1, len(lines) + 1)
            return
        numbers: list[int] = []
        for number, (begin, line) in enumerate(zip(begins, lines), 1):
            start = begin
            inner = _INNER_END.finditer(line) if "\\n" in line and _QUOTED.search(line) else ()
            for end in inner:
                self._begins.append(start)
                self._ends.append(begin + end.start())
                numbers.append(number)
                start = begin + end.end()
            self._begins.append(start)
            self._ends.append(begin + len(line))
            numbers.append(number)
        self._numbers = numbers

    def __len__(self) -> int:
        return len(self._begins)

    def line_of(self, position: int) -> int:
        """The index of the line that contains a character."""
        return max(0, bisect_right(self._begins, position) - 1)

    def bounds(self, index: int) -> tuple[int, int]:
        """The start and end of a line, without its line break."""
        return self._begins[index], self._ends[index]

    def number(self, index: int) -> int:
        """The number of a line in the original text."""
        return self._numbers[index]

    def line(self, index: int) -> str:
        """A line of the text."""
        return self.text[self._begins[index] : self._ends[index]]

    def may_contain(self, literal: str) -> bool:
        """False if a lowercase text cannot occur: one of its words is in none of the text's words.

        A text of many lines has few different words but for their digits, so that this is decided without searching it.
        """
        if len(self.lowered) < MANY_CHARACTERS:
            return True
        return all(part in self._words for part in _without_digits(literal).split())

    @cached_property
    def _words(self) -> bytes:
        return b" ".join(set(_without_digits(self.lowered).split()))


def _without_digits(text: str) -> bytes:
    return text.encode("utf-8", "replace").translate(_DIGITS)


@dataclass(frozen=True)
class Hit:
    """A line that matched: its index, its number from 1, the match, and the part of the line that was searched."""

    index: int
    line: int
    match: re.Match[str]
    window: str

    @property
    def shown(self) -> str:
        """The line as evidence; a very long line is shortened around the match."""
        if len(self.window) <= 400:
            return self.window.strip()
        begin, end = max(0, self.match.start() - 120), min(len(self.window), self.match.end() + 240)
        return ("… " if begin else "") + self.window[begin:end].strip() + (" …" if end < len(self.window) else "")


class Pattern:
    """A case-insensitive regular expression for single lines. Raises BadPattern."""

    def __init__(self, text: str) -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                self.regex = re.compile(text, re.IGNORECASE)
                tree = _parsed(text)
        except (re.error, RecursionError, OverflowError) as error:
            raise BadPattern(f"{text!r} is not a regular expression: {error}") from None
        if _explodes(tree):
            raise BadPattern(f"{text!r} has an unlimited repetition inside another, so a search might never end")
        self.required = _required(tree)
        """Groups of lowercase texts: every match contains one of each group."""
        self.literals = _best(self.required)

    def hits(self, page: Page, most: int = 5) -> list[Hit]:
        """The last matching lines, at most `most`, in the order of the text."""
        found: dict[int, Hit] = {}
        tried = 0
        for index, begin, end in self._windows(page):
            if index in found:
                continue
            tried += 1
            window = page.text[begin:end]
            match = self.regex.search(window)
            if match:
                found[index] = Hit(index, page.number(index), match, window)
            if len(found) >= most or tried >= MOST_LINES:
                break
        return [found[index] for index in sorted(found)]

    def occurs(self, page: Page) -> bool:
        """Whether any line matches."""
        return bool(self.hits(page, 1))

    def _windows(self, page: Page) -> Iterator[tuple[int, int, int]]:
        """The parts of lines to try, the last line first: (index of the line, begin, end)."""
        if not self.literals:
            for index in range(len(page) - 1, -1, -1):
                begin, end = page.bounds(index)
                yield index, begin, min(end, begin + LONGEST_LINE)
            return
        if not all(any(page.may_contain(literal) for literal in group) for group in self.required):
            return
        tails = {literal: page.lowered.rfind(literal) for literal in self.literals if page.may_contain(literal)}
        while True:
            literal = max(tails, key=lambda item: tails[item])
            position = tails[literal]
            if position < 0:
                return
            index = page.line_of(position)
            begin, end = page.bounds(index)
            before = begin
            if end - begin > LONGEST_LINE:
                begin, end = max(begin, position - LONGEST_LINE // 4), min(end, position + LONGEST_LINE * 3 // 4)
                before = max(before, position - 200)
            yield index, begin, end
            for other, tail in tails.items():
                if tail >= before:
                    tails[other] = page.lowered.rfind(other, 0, before) if before else -1


def _parsed(text: str) -> Any:
    """The expression as parsed by Python's own parser."""
    try:
        from re import _parser as parser  # type: ignore[attr-defined]
    except ImportError:  # before Python 3.11
        import sre_parse as parser
    return parser.parse(text, re.IGNORECASE)


def _required(tree: Any) -> list[tuple[str, ...]]:
    """Groups of lowercase texts of which every match must contain one each; those of few characters are left out."""
    found: list[tuple[str, ...]] = []
    run = ""

    def keep(group: tuple[str, ...]) -> None:
        if min(map(len, group), default=0) >= SHORTEST_LITERAL:
            found.append(group)

    for operation, value in tree:
        name = str(operation)
        if name == "LITERAL" and chr(value).isascii():
            run += chr(value).lower()
            continue
        keep((run,))
        run = ""
        if name == "SUBPATTERN":
            found += _required(value[3])
        elif name == "BRANCH":
            parts = [_best(_required(branch)) for branch in value[1]]
            if all(parts):
                keep(tuple(dict.fromkeys(text for part in parts for text in part)))
        elif name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] >= 1:
            found += _required(value[2])
    keep((run,))
    return found


def _best(groups: list[tuple[str, ...]]) -> tuple[str, ...]:
    """The group whose shortest text is longest, the first of equal ones."""
    return max(groups, key=lambda group: min(map(len, group)), default=())


def _explodes(tree: Any, inside: bool = False) -> bool:
    """Whether an unlimited repetition contains another, as in expressions that take exponential time."""
    for operation, value in tree:
        name = str(operation)
        if name in ("MAX_REPEAT", "MIN_REPEAT"):
            unlimited = int(value[1]) > 1000
            if (inside and unlimited) or _explodes(value[2], inside or unlimited):
                return True
        elif name == "SUBPATTERN":
            if _explodes(value[3], inside):
                return True
        elif name == "BRANCH":
            if any(_explodes(branch, inside) for branch in value[1]):
                return True
        elif name in ("ASSERT", "ASSERT_NOT") and _explodes(value[1], inside):
            return True
    return False
