"""Judges shell text by a recorded table of the Azure CLI's own parser: each `az` command in it, and its syntax."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import jmespath

from tests.printed_commands.shell import placeholder

HERE = Path(__file__).parent
TABLE: dict[str, Any] = json.loads((HERE / "az_commands.json").read_text(encoding="utf-8"))


def wrong(words: list[str], outputs: Mapping[str, Any] | None = None) -> list[str]:
    """What az would say about a command, given without `az`; empty if nothing. `outputs` are outputs by command."""
    name = command_of(words)
    if name is None:
        return [f"no such command in the table (make_table makes it anew): az {' '.join(words)}"]
    known = TABLE["commands"][name]
    options = {part: code for names, code in {**TABLE["global"], **known["options"]}.items() for part in names.split()}
    given: dict[str, list[str]] = {}
    current = ""
    for word in words[len(name.split()) :]:
        if word.startswith("-") and not re.fullmatch(r"-\d+", word):
            current, _, value = word.partition("=")
            if current not in options:
                return [f"az {name} has no option {current}"]
            given.setdefault(current, [])
            given[current] += [value] if value else []
        elif not current:
            return [f"az {name} takes no argument {word!r}"]
        else:
            given[current].append(word)
    faults = []
    for option, values in given.items():
        faults += [f"az {name} {option}: {fault}" for fault in _values(options[option].split(), values)]
    every = {**TABLE["global"], **known["options"]}
    there = {names for names in every if set(names.split()) & set(given)}
    for names, code in known["options"].items():
        if "required" in code.split() and names not in there:
            faults.append(f"az {name} requires {names}")
    if known.get("one_of") and not set(known["one_of"]) & {part for names in there for part in names.split()}:
        faults.append(f"az {name} requires one of {known['one_of']}")
    faults += [f"az {name} needs {ids} or --name" for ids in _identified(options) if not _names(there)]
    return faults + list(_set(name, known, given, outputs)) + list(_query(name, given, outputs))


def command_of(words: list[str]) -> str | None:
    """The longest beginning of the words that is a command; None if there is none."""
    names = [" ".join(words[:count]) for count in range(len(words), 0, -1)]
    return next((name for name in names if name in TABLE["commands"]), None)


def _identified(options: Mapping[str, str]) -> list[str]:
    return [
        name for name in ("--ids", "--id") if name in options and "required" not in options.get("--name", "required")
    ]


def _names(there: set[str]) -> bool:
    return any({"--ids", "--id", "--name"} & set(names.split()) for names in there)


def _values(code: list[str], values: list[str]) -> Iterator[str]:
    choices = next((part.split("|") for part in code if part not in ("required", "flag", "optional", "many")), [])
    if "flag" in code and values:
        yield f"takes no value, got {values}"
    if not {"flag", "optional"} & set(code) and not values:
        yield "needs a value"
    if not {"many"} & set(code) and len(values) > 1:
        yield f"takes one value, got {values}"
    for value in values:
        if (
            choices
            and value.lower() not in [one.lower() for one in choices]
            and not ("$" in value or placeholder(value))
        ):
            yield f"must be one of {choices}, not {value}"


def _set(name: str, known: Mapping[str, Any], given: Mapping[str, list[str]], outputs: Any) -> Iterator[str]:
    """Only properties that the extension hands on are changed; others are ignored without a word."""
    settable = known.get("settable")
    if isinstance(settable, str):
        settable = sorted((outputs or {}).get(f"ml {settable} show", {})) or None
    for assignment in given.get("--set", []):
        key, separator, _ = assignment.partition("=")
        if not separator:
            yield f"az {name} --set {assignment} assigns nothing"
        elif settable is not None and key.partition(".")[0] not in settable:
            yield f"az {name} --set {key} is ignored: only {settable} are used"


def _query(name: str, given: Mapping[str, list[str]], outputs: Mapping[str, Any] | None) -> Iterator[str]:
    for query in given.get("--query", []):
        if outputs is None:
            continue
        if name not in outputs:
            yield f"az {name} --query: its output is not known here"
            continue
        try:
            found = jmespath.search(query, outputs[name])
        except jmespath.exceptions.JMESPathError as error:
            yield f"az {name} --query {query}: {error}"
            continue
        if found in (None, [], {}) or (isinstance(found, (dict, list)) and None in _parts(found)):
            yield f"az {name} --query {query} is always empty: its output has {sorted(_example(outputs[name]))}"


def _parts(found: dict[str, Any] | list[Any]) -> list[Any]:
    inner = list(found.values()) if isinstance(found, dict) else found
    return [part for one in inner for part in (one if isinstance(one, list) else [one])]


def _example(output: Any) -> Any:
    return output[0] if isinstance(output, list) else output
