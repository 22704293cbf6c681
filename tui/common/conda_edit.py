"""Adds requirements to conda files, preserving comments and order."""

from __future__ import annotations

import re

from tui.common.conda_file import canonical, parse_yaml, take_apart

_ITEM = re.compile(r"^(\s*-\s+)([\"']?)(?:[\w.-]+::)?([A-Za-z0-9][\w.-]*)[^#\"']*?\2(\s*(?:#.*)?)$")
_HEAD = re.compile(r"^\s*-?\s*(?:pip|dependencies):\s*(?:#.*)?$")


def with_requirement(text: str, requirement: str) -> str | None:
    """The text with a requirement, in place of one for the same package if there is one, else in pip's list.

    None if the file's format does not allow that.
    """
    lines, name = text.splitlines(), canonical(re.split(r"[^\w.-]", requirement)[0])
    item = f'"{requirement}"' if ">" in requirement else requirement
    for number, line in enumerate(lines):
        found = _ITEM.match(line)
        if found and canonical(found[3]) == name:
            lines[number] = f"{found[1]}{item}{found[4]}"
            break
    else:
        heads = [number for number, line in enumerate(lines) if _HEAD.match(line)]
        place = next((n for n in range(heads[-1] + 1, len(lines)) if _ITEM.match(lines[n])), None) if heads else None
        if place is None:
            return None
        lines.insert(place, f"{lines[place][: lines[place].index('-')]}- {item}")
    written = "\n".join(lines) + "\n"
    return written if _adds(text, written, requirement) else None


def _adds(before: str, after: str, requirement: str) -> bool:
    """Whether a file says the same as before, and the requirement, but for what it said of that package."""
    content = parse_yaml(after, "").content
    if not isinstance(content, dict) or not isinstance(content.get("dependencies"), list):
        return False
    known = take_apart(parse_yaml(before, "").content["dependencies"], "")
    now = take_apart(content["dependencies"], "")
    kept = [line for line in (*now.conda, *now.pip) if line != requirement]
    return (
        len(kept) >= len([*known.conda, *known.pip]) - 1
        and {*kept} <= {*known.conda, *known.pip}
        and (requirement in (*now.conda, *now.pip))
    )
