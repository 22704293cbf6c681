"""Formats the answers to `diff` and `diff_of_endpoint` as lines, for every front end. Standard library only."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from tui.helper.troubleshoot_report import moment

BY = {
    "plan": "by the plan",
    "hand": "by hand",
    "autoscale": "by autoscale",
    "azure": "by Azure",
    "unknown": "origin not known",
}


def before_after(change: Mapping[str, Any]) -> str:
    """Format a change: `1 → 3`; `not set` for no value."""
    return f"{_value(change.get('before'))} → {_value(change.get('after'))}"


def _value(value: Any) -> str:
    if value is None or value == "":
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return ", ".join(f"{name}={item}" for name, item in value.items()) or "not set"
    return str(value)


def origin(change: Mapping[str, Any]) -> str:
    """Who or what made a change, and when: `by hand: ann@example.com, 2026-11-30 05:40:12 UTC`."""
    told = ", ".join(part for part in (str(change["who"]), moment(str(change["when"]))) if part)
    return f"{BY[change['by']]}{': ' if told else ''}{told}"


def diff_lines(answer: Mapping[str, Any], width: int = 80) -> list[str]:
    """The changes that a run would make, then those that it leaves alone, what is not compared, and notes."""
    changes = answer["changes"]
    lines = _grouped([one for one in changes if one["apply"]])
    left = _grouped([one for one in changes if not one["apply"]])
    if left:
        alone = ", and left alone by apply" if "not_compared" in answer else ""
        lines += [f"Changed since the last run{alone}", *(f"  {line}".rstrip() for line in left)]
    if answer.get("not_compared"):
        lines += ["Not compared", *(f"  {line}" for line in answer["not_compared"]), ""]
    lines += [answer["reason"]] if answer["reason"] else []
    return [part for line in lines for part in _wrapped(line, width)]


def _wrapped(line: str, width: int) -> list[str]:
    indent = " " * (len(line) - len(line.lstrip()))
    return textwrap.wrap(line, width, subsequent_indent=f"{indent}    ", break_on_hyphens=False) or [""]


def _grouped(changes: Sequence[Mapping[str, Any]]) -> list[str]:
    lines: list[str] = []
    for (resource, name), group in groupby(changes, lambda one: (one["resource"], one["name"])):
        of_resource = list(group)
        new = any(one["action"] == "create" and not one["field"] for one in of_resource)
        lines.append(f"{resource} {name}{', new: ' + origin(of_resource[0]) if new else ''}")
        for one in of_resource:
            if new:
                lines += [f"  {one['field']}: {_value(one['after'])}"] if one["field"] else []
            else:
                lines += [f"  {one['field'] or resource}: {before_after(one)}", f"    {origin(one)}"]
        lines += [f"  Azure refuses this. {text}" for text in {one["refused"] for one in of_resource} if text]
        lines.append("")
    return lines


def headline(answer: Mapping[str, Any]) -> str:
    """How many attributes a run would change, and how many changed ones it leaves alone, in a sentence."""
    mine = sum(one["apply"] for one in answer["changes"])
    left = len(answer["changes"]) - mine
    if "not_compared" not in answer:  # without a plan at hand
        return f"{left or 'No'} attribute{'s' * (left != 1)} changed since the last run."
    said = f"apply would change {mine} attribute{'s' * (mine != 1)}" if mine else "apply would change nothing"
    more = f"; {left} changed since the last run {'is' if left == 1 else 'are'} left alone" if left else ""
    return f"{said[0].upper()}{said[1:]}{more}."
