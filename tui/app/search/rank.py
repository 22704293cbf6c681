"""Ranks the menu's entries by what was typed: several words in any order, parts of words, letters left out or wrong."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Callable

from tui.app.state.action import Action

EXACT = 100  # for the whole label or one of the entry's words: before anything that merely contains it
LONGEST = 40  # letters of a word in which a mistake is looked for


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
        """Return the entries that match every typed word, the best first; those that are listed if there is no word.

        A wrong letter is taken into account only where nothing matches without.
        """
        wanted = _plain(typed).split()
        if not wanted:
            return [known[0] for known in self._known if known[0].listed]
        return self._find(wanted, _score) or self._find(wanted, _score_mistyped)

    def _find(self, wanted: list[str], score: Callable[..., int]) -> list[Action]:
        whole = " ".join(wanted)
        found = []
        for entry, label, parts, words, about in self._known:
            scores = [score(word, label, parts, words, about) for word in wanted]
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


def _score_mistyped(word: str, label: str, parts: Sequence[str], words: Sequence[str], about: str) -> int:
    """Return how well an entry matches a word with at most one mistake; 0 if it does not."""
    if score := _score(word, label, parts, words, about):
        return score
    if any(_mistyped(word, part) for part in parts):
        return 3
    return int(any(_mistyped(word, part) for one in (*parts, *words) for part in re.split(r"[._]", one)))


def _mistyped(word: str, part: str) -> bool:
    """Whether a part begins with the word but for one letter: a wrong one, one missing or too many, or two swapped."""
    if not 4 <= len(word) <= LONGEST or part[:1] != word[0]:
        return False
    at = next((at for at, (one, other) in enumerate(zip(word, part)) if one != other), min(len(word), len(part)))
    typed, meant = word[at:], part[at:]
    return (
        meant[1:].startswith(typed[1:])
        or meant.startswith(typed[1:])
        or meant[1:].startswith(typed)
        or (typed[:2] == meant[1::-1] and meant[2:].startswith(typed[2:]))
    )


def _within(word: str, part: str) -> bool:
    """Whether a part begins with the word's first letter and contains the others in this order."""
    letters = iter(part)
    return len(word) > 2 and part[:1] == word[0] and all(letter in letters for letter in word)
