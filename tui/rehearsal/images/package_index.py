"""Reads pip's settings for package indexes, which `tui.common.uv_program` translates for uv."""

from __future__ import annotations

import ast
import os
import shutil
from collections.abc import Mapping

from tui.common import child_process
from tui.rehearsal.programs import output_of, without_secrets

_SETTINGS = ("index-url", "extra-index-url", "find-links", "cert", "proxy", "trusted-host", "no-index")
_SECTIONS = ("global", "site", "download", "install", ":env:")


def settings_of(listing: list[str], environ: Mapping[str, str]) -> dict[str, str]:
    """Merge the output of `pip config list` with PIP_* variables, which take precedence as in pip."""
    found: dict[str, str] = {}
    by_section: dict[str, dict[str, str]] = {}
    for line in listing:
        name, separator, value = line.partition("=")
        section, _, key = name.strip().partition(".")
        if not separator or key not in _SETTINGS:
            continue
        try:
            text = str(ast.literal_eval(value))
        except (ValueError, SyntaxError):
            text = value.strip("'\"")
        by_section.setdefault(section, {})[key] = text
    for section in _SECTIONS:
        found.update(by_section.get(section, {}))
    for key in _SETTINGS:
        given = environ.get("PIP_" + key.upper().replace("-", "_"))
        if given:
            found[key] = given
    return found


_listings: list[list[str]] = []


async def pip_settings() -> dict[str, str]:
    """pip's settings on this machine, from the current interpreter's pip, else from one on PATH."""
    commands = [child_process.command("pip"), *([path] for path in map(shutil.which, ("pip3", "pip")) if path)]
    environment = {**without_secrets(os.environ), "PYTHONWARNINGS": "ignore"}
    for command in commands if not _listings else ():
        listing = await output_of([*command, "config", "list", "--disable-pip-version-check"], environment, 30)
        if listing is not None:
            _listings.append(listing)
            break
    return settings_of(_listings[0] if _listings else [], os.environ)
