"""Ranks the menu's entries by what was typed: several words in any order, parts of words, letters left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tui.app.state.action import Action

EXACT = 100  # for the whole label or one of the entry's words: before anything that merely contains it


class Index:
    """The texts of the menu's entries, prepared once and not for each letter.

    `textual.fuzzy` tries every combination of letters: "endpoint name" among all fields and their descriptions took it
    5 s. Here a word costs one pass.
    """

    def __init__(self) -> None:
        self._known: list[tuple[Action, str, list[str], list[str], str]] = []

    def add(self, entries: Iterable[Action]) -> None:
        """Add entries; those added first come first among equals."""
        for entry in entries:
            label, words = _plain(entry.label), _plain(entry.words).split()
            self._known.append((entry, label, re.findall(r"\w+", label), words, _plain(entry.help)))

    def find(self, typed: str) -> list[Action]:
        """Return the entries that match every typed word, the best first; those that are listed if there is no word."""
        wanted = _plain(typed).split()
        if not wanted:
            return [known[0] for known in self._known if known[0].listed]
        whole = " ".join(wanted)
        found = []
        for entry, label, parts, words, about in self._known:
            scores = [_score(word, label, parts, words, about) for word in wanted]
            if all(scores):
                exact = EXACT * (2 if whole == label or whole in words[:1] else whole in words)
                found.append((sum(scores) + exact, entry))
        found.sort(key=lambda one: -one[0])
        return [entry for _, entry in found]


def _plain(text: str) -> str:
    """Return a text in the form in which texts are compared: --instance-count is also instance_count."""
    return " ".join(word.lstrip("_") for word in text.casefold().replace("-", "_").split())


def _score(word: str, label: str, parts: Sequence[str], words: Sequence[str], about: str) -> int:
    """Return how well an entry matches a typed word; 0 if it does not."""
    if word in parts:
        return 9
    if any(part.startswith(word) for part in parts):
        return 7
    if word in words:
        return 6
    if word in label:
        return 5
    if any(word in one for one in words):
        return 4
    if word in about:
        return 2
    return int(any(_within(word, part) for part in (*parts, *words)))


def _within(word: str, part: str) -> bool:
    """Whether a part begins with the word's first letter and contains the others in this order."""
    letters = iter(part)
    return len(word) > 2 and part[:1] == word[0] and all(letter in letters for letter in word)
