"""Azure CLI commands as text that can be pasted into a shell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

# Double quotes are understood by cmd.exe too, which does not know single ones.
_HARMLESS = re.compile(r"[\w .,:/@()+=-]+", re.ASCII)
# CLUSTER or PRINCIPAL-ID; neither a variable, which is set or read, nor an option.
_PLACEHOLDER = re.compile(r"(?<!export )(?<![\w$.^{-])[A-Z]+(?:[_-][A-Z]+)*(?![\w.-])|(?<=[@/])[A-Z]+(?=\.[a-z])")


def az(command: str, /, **options: str) -> str:
    """A command of the Azure CLI, such as `az("acr update", name="acr1", sku="Premium")`, quoted for a shell.

    Words in capitals, such as CLUSTER, are for the reader to replace.
    """
    given = (f"--{name.replace('_', '-')} {_word(value)}" for name, value in options.items())
    return " ".join(["az", command, *given])


def az_ml(command: str, group: str, workspace: str, /, **options: str) -> str:
    """A command of the extension `ml` in a workspace: none of them does without its name and resource group."""
    return az(f"ml {command}", **options, resource_group=group, workspace_name=workspace)


def to_replace(*commands: str) -> str:
    """A sentence that names the words in capitals for the reader to replace in commands; empty if there are none."""
    words = dict.fromkeys(word for command in commands for word in _PLACEHOLDER.findall(command))
    return f"Replace {', '.join(words)} in it." if words else ""


def filled(command: str, names: Mapping[str, str]) -> str:
    """The command with the words in capitals that are known replaced by their values."""
    return _PLACEHOLDER.sub(lambda word: _word(names[word[0]]) if names.get(word[0]) else word[0], command)


def _word(value: str) -> str:
    quoted = shlex.quote(value)
    return f'"{value}"' if quoted != value and _HARMLESS.fullmatch(value) else quoted
