"""Reads shell scripts: the `az` commands in them, their syntax, and words that are for people."""

from __future__ import annotations

import re
import shlex
import subprocess
from collections.abc import Iterator

_PLACEHOLDER = re.compile(r"[A-Z][A-Z0-9]*(?:[-_][A-Z0-9]+)*(?:-ID)?")
_NO_PLACEHOLDERS = {"TCP", "HTTPS", "GET", "PATCH"}


def commands(script: str) -> Iterator[list[str]]:
    """The words of each `az` command in a shell script, also in pipes, substitutions, conditions."""
    joined = re.sub(r"\\\n\s*", " ", script)
    joined = re.sub(r"\s\d?>(?:&\d|>?\s*\S+)", " ", joined)  # where output goes is no argument
    # The scripts name their workspace once, in a variable.
    for where in re.findall(r'^WHERE=["(](.*)[")]$', joined, re.MULTILINE):
        joined = re.sub(r'"?\$\{WHERE\[[@*]\]\}"?|\$WHERE\b', lambda _, where=where: where, joined)
    for line in joined.splitlines():
        # What a substitution in quotes prints is one word; what it runs is a command of its own.
        spread = re.sub(r'"?\$\(((?:[^()]|\([^()]*\))*)\)"?', r" ; \1 ; ", line.strip().removeprefix("$ "))
        lexer = shlex.shlex(spread, posix=True, punctuation_chars=";|&()<>")
        lexer.whitespace_split, lexer.commenters = True, ""
        try:
            words = list(lexer)
        except ValueError:
            continue  # a string over several lines; the syntax is judged by bash
        starts = [place for place, word in enumerate(words) if word == "az" and _first(words, place)]
        for start in starts:
            found = []
            for word in words[start + 1 :]:
                if word.startswith("#") or re.fullmatch(r"[;|&()<>]+|`", word):
                    break  # the next command, or a comment
                found.append(word)
            yield found


def _first(words: list[str], place: int) -> bool:
    """Whether a word is where a command begins."""
    before = words[place - 1] if place else ";"
    return before in {"!", "if", "then", "do", "else", "$"} or bool(re.fullmatch(r"[;|&()]+|\w+=", before))


def placeholder(word: str) -> bool:
    """Whether a word is for the reader to replace: capitals, as VNET_OF_THIS_MACHINE."""
    return bool(_PLACEHOLDER.fullmatch(word)) and len(word) > 1 and word not in _NO_PLACEHOLDERS


def syntax(script: str) -> str:
    """What bash says about a script; empty if nothing."""
    done = subprocess.run(["bash", "-n"], input=script, capture_output=True, text=True, check=False)
    return done.stderr.strip()


def prose(command: str) -> bool:
    """Whether a command ends in words for people, which a shell would take for arguments or a subshell."""
    return bool(re.search(r"\s\([a-z][^)]*\)\s*$|  \(|, in the |\.$", command)) and not command.endswith(" .")
