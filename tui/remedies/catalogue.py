"""Load and validate the catalogue of failures: the bundled entries and those that a user adds."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from tui.common.own_folders import state_folder
from tui.remedies.patterns import BadPattern, Pattern

BUNDLED = Path(__file__).with_name("failures")
"""A folder of files with entries; contexts.yml describes the format and names the contexts."""
PHASES = ("sign-in", "client", "upload", "submit", "image", "container", "invoke", "kubernetes")
_TEXTS = ("id", "title", "phase", "context", "cause", "remedy", "docs", "field")
_LISTS = ("patterns", "absent", "codes", "commands", "source", "unless")
_KNOWN = {*_TEXTS, *_LISTS, "general", "traceback"}
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_PAGE = re.compile(r"https://learn\.microsoft\.com/.*?([^/#]+)/?(?:#.*)?")


@dataclass(frozen=True)
class Weighted:
    """A pattern and its weight: 1 identifies the failure, 3 exactly this variant; below 1 is not enough alone."""

    pattern: Pattern
    weight: float


@dataclass(frozen=True)
class Entry:
    """A failure: how to recognise it (`patterns`, `context`, `codes`), and its texts.

    `context` is the name of a pattern that must occur somewhere in the text, so that common words refer to Azure.
    `absent`: patterns that must not occur. `unless`: groups of facts, any of which rules the entry out. `general`: says
    little more than the service's code, so a more specific entry for that code replaces it. `traceback`: the texts use
    the exception of a traceback in the text. `own`: a user's.
    """

    id: str
    title: str
    phase: str
    cause: str
    remedy: str
    patterns: tuple[Weighted, ...]
    context: str = ""
    absent: tuple[Pattern, ...] = ()
    codes: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    docs: str = ""
    field: str = ""
    source: tuple[str, ...] = ()
    unless: tuple[Mapping[str, Any], ...] = ()
    general: bool = False
    traceback: bool = False
    own: bool = False


@dataclass
class Catalogue:
    """Entries by id, context patterns by name, and a sentence for each entry or file that is not valid."""

    entries: dict[str, Entry] = field(default_factory=dict)
    contexts: dict[str, Pattern] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


class _Unusable(ValueError):
    """An invalid entry; the message is the end of a sentence."""


def user_file() -> Path:
    """The file of a user's own entries: `remedies.yml` in `$AML_DEPLOY_HOME`, else in the platform's state folder."""
    return state_folder(os.environ) / "remedies.yml"


def load(own: Path | None = None) -> Catalogue:
    """Load the bundled entries, overridden by those of a user's file (`user_file()` if None).

    An invalid file or entry is omitted and described in `problems`; nothing is raised for it.
    """
    path = user_file() if own is None else own
    return _load(str(path), _stamp(path))


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=4)
def _load(own: str, stamp: tuple[int, int]) -> Catalogue:
    catalogue = Catalogue()
    for bundled in sorted(BUNDLED.glob("*.yml"), key=lambda file: (file.stem != "contexts", file.name)):
        _read_file(bundled, catalogue)
    if stamp != (0, 0):
        _read_file(Path(own), catalogue)
    return catalogue


def _read_file(path: Path, catalogue: Catalogue) -> None:
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        content = path.read_text(encoding="utf-8")
        document = yaml.load(content, Loader=loader)
    except OSError as error:
        catalogue.problems.append(f"{path} cannot be read: {error.strerror}. Its entries are omitted.")
        return
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or "not text"
        catalogue.problems.append(f"{path}{line}: this is not YAML ({why}). Its entries are omitted.")
        return
    if document is None:
        return
    parts = document if isinstance(document, dict) else {"entries": document}
    entries = parts.get("entries", [])
    if not isinstance(entries, list) or not {"entries", "contexts"} & set(parts):
        catalogue.problems.append(
            f"{path}: expected a list of entries, at the top level or below the key entries. Its entries are omitted."
        )
        return
    contexts, defaults = (
        {**value} if isinstance(value := parts.get(key), dict) else {} for key in ("contexts", "defaults")
    )
    for name, text in contexts.items():
        try:
            catalogue.contexts[str(name)] = Pattern(str(text))
        except BadPattern as error:
            catalogue.problems.append(f"{path}: the context {name} cannot be used: {error}.")
    for number, given in enumerate(entries, 1):
        try:
            entry = _entry({**defaults, **given} if isinstance(given, dict) else given, catalogue.contexts)
        except (_Unusable, BadPattern) as error:
            name = given.get("id") if isinstance(given, dict) else None
            at = _line_of(content, loader, number - 1)
            catalogue.problems.append(f"{path}, line {at}: entry {name or number} is omitted: {error}.")
            continue
        catalogue.entries.pop(entry.id, None)
        catalogue.entries[entry.id] = replace(entry, own=path.parent != BUNDLED)


def _line_of(text: str, loader: Any, index: int) -> int:
    """The line, from 1, on which an entry begins."""
    import yaml

    node: Any = yaml.compose(text, Loader=loader)
    if isinstance(node, yaml.MappingNode):
        node = next((value for key, value in node.value if key.value == "entries"), node)
    return int(node.value[index].start_mark.line) + 1


def _entry(given: Any, contexts: Mapping[str, Pattern]) -> Entry:
    """One entry. Raises _Unusable, BadPattern."""
    if not isinstance(given, dict):
        raise _Unusable("it is not a mapping of keys to values")
    unknown = sorted(str(key) for key in given if key not in _KNOWN)
    if unknown:
        raise _Unusable(f"it has an unknown key, {unknown[0]}; the known keys are {', '.join(sorted(_KNOWN))}")
    texts = {key: _text(key, given.get(key)) for key in _TEXTS}
    for key in ("id", "title", "cause", "remedy"):
        if not texts[key]:
            raise _Unusable(f"{key} is missing")
    if not _ID.fullmatch(texts["id"]):
        raise _Unusable("its id is not made of lowercase letters, digits and single hyphens")
    phase = texts["phase"] or "container"
    if phase not in PHASES:
        raise _Unusable(f"its phase is not one of {', '.join(PHASES)}")
    if texts["context"] and texts["context"] not in contexts:
        raise _Unusable(f"its context is not one of {', '.join(contexts)}")
    lists = {key: _list(key, given.get(key)) for key in _LISTS}
    if not lists["source"] and (page := _PAGE.fullmatch(texts["docs"])):
        lists["source"] = [f"Microsoft, {page[1]}"]
    if not lists["patterns"]:
        raise _Unusable("patterns is missing; without a pattern it is never recognised")
    if not all(isinstance(group, dict) for group in lists["unless"]):
        raise _Unusable("unless is not a list of mappings of facts to values")
    plain: dict[str, Any] = {key: tuple(map(str, lists[key])) for key in ("codes", "commands", "source")}
    return Entry(
        **{**plain, **texts, "phase": phase},
        patterns=tuple(_weighted(item) for item in lists["patterns"]),
        absent=tuple(Pattern(str(item)) for item in lists["absent"]),
        unless=tuple(lists["unless"]),
        general=given.get("general") is True,
        traceback=given.get("traceback") is True,
    )


def _weighted(given: Any) -> Weighted:
    """A pattern as text, or as `{match: …, weight: …}`."""
    if isinstance(given, str):
        return Weighted(Pattern(given), 1.0)
    if not isinstance(given, dict) or not isinstance(given.get("match"), str) or set(given) - {"match", "weight"}:
        raise _Unusable("a pattern is neither a text nor a mapping of match and weight")
    weight = given.get("weight", 1)
    if isinstance(weight, bool) or not isinstance(weight, (int, float)) or not 0 < weight <= 10:
        raise _Unusable("a weight is not a number above 0 and up to 10")
    return Weighted(Pattern(given["match"]), float(weight))


def _text(key: str, given: Any) -> str:
    if given is None:
        return ""
    if isinstance(given, (dict, list)):
        raise _Unusable(f"{key} is not a text")
    return " ".join(str(given).split())


def _list(key: str, given: Any) -> list[Any]:
    if given is None:
        return []
    if isinstance(given, str):
        return [given]
    if not isinstance(given, list):
        raise _Unusable(f"{key} is not a list")
    return given
