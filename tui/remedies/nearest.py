"""Find the entry of the catalogue whose words are nearest to a text that no pattern recognises.

The ranking is BM25, as SQLite's full-text search implements it; Python's own sqlite3 has it on every platform we know.
"""

from __future__ import annotations

import math
import re
import sqlite3
from collections.abc import Iterable
from contextlib import closing

from tui.remedies.catalogue import Catalogue, Entry
from tui.remedies.patterns import LONGEST_LINE, Page

NEAR, NEAR_ANYWHERE = 3.8, 5.0
"""The least rank of an entry that is shown for a text that names Azure or Databricks, and for any other text."""
LINES_AROUND = 12
MOST_WORDS = 80
_WORD = re.compile(r"[A-Za-z][A-Za-z]{2,40}")
_CAMEL = re.compile(r"[A-Z]?[a-z]{2,}|[A-Z]{2,}(?![a-z])")
_COMMON = frozenset(
    re.findall(
        r"\w+",
        "the and for was not with this that from has have are you your can but its line file most recent call last "
        "http https www com org error errors message code see here please more information details python site "
        "packages lib self return raise traceback following when been will could which none true false null",
    )
)


def nearest(page: Page, index: int, known: Catalogue, ours: bool) -> Entry | None:
    """The entry with the highest rank for the lines around `index`; None if it is too low.

    `ours`: the text shows that it comes from Azure or Databricks.
    """
    ranked = ranks(page, index, known)
    return known.entries[ranked[0][0]] if ranked and ranked[0][1] >= (NEAR if ours else NEAR_ANYWHERE) else None


def ranks(page: Page, index: int, known: Catalogue) -> list[tuple[str, float]]:
    """The best five entries for the lines around `index` with their ranks, the highest first.

    A rank is BM25 divided by the square root of the number of words asked for, so that long texts are not nearer to
    everything; it has no unit. Empty without a word to ask for, or if this SQLite has no full-text search.
    """
    asked = _asked(page, index)
    if not asked:
        return []
    try:
        with closing(_index(known.entries.values())) as words:
            rows = words.execute(
                "SELECT id, -bm25(entries, 0, 3, 2, 1) FROM entries WHERE entries MATCH ? ORDER BY 2 DESC LIMIT 5",
                [" OR ".join(f'"{word}"' for word in asked)],
            ).fetchall()
    except sqlite3.Error:
        return []
    return [(str(name), float(rank) / math.sqrt(len(asked))) for name, rank in rows]


def _asked(page: Page, index: int) -> list[str]:
    """The words of the lines around one, without common ones; nearer lines first."""
    found: dict[str, None] = {}
    for near in sorted(range(max(0, index - LINES_AROUND), min(len(page), index + 4)), key=lambda at: abs(at - index)):
        begin, end = page.bounds(near)
        found.update(dict.fromkeys(_words(page.text[begin : min(end, begin + LONGEST_LINE)])))
    return list(found)[:MOST_WORDS]


def _words(text: str) -> Iterable[str]:
    for word in _WORD.findall(text):
        for part in (word, *_CAMEL.findall(word)):
            if part.lower() not in _COMMON and len(part) > 2:
                yield part.lower()


def _index(entries: Iterable[Entry]) -> sqlite3.Connection:
    """A full-text index in memory: names of codes and titles, patterns, causes with remedies. Raises sqlite3.Error."""
    made = sqlite3.connect(":memory:", check_same_thread=False)
    made.execute("CREATE VIRTUAL TABLE entries USING fts5(id UNINDEXED, title, signs, told, tokenize = 'porter')")
    made.executemany(
        "INSERT INTO entries VALUES (?, ?, ?, ?)",
        (
            (
                entry.id,
                " ".join([entry.title, *entry.codes, *_words(" ".join(entry.codes)), entry.id.replace("-", " ")]),
                " ".join(_words(" ".join(one.pattern.regex.pattern for one in entry.patterns))),
                f"{entry.cause} {entry.remedy}",
            )
            for entry in entries
        ),
    )
    return made
