"""References in a plan: `${env:NAME}` stands for the value of an environment variable."""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCE = re.compile(r"\$\{([a-z]+):([^}]*)\}")


class Unresolved(Exception):
    """A reference that has no value here; the text says why and what to do."""


def has_reference(value: object) -> bool:
    """Whether a value is or contains a reference."""
    return isinstance(value, str) and "${" in value


def names(value: object) -> list[str]:
    """The environment variables that a value refers to."""
    return [name for kind, name in REFERENCE.findall(value)] if isinstance(value, str) else []


def expand(text: str, environ: Mapping[str, str]) -> str:
    """The text with its references replaced.

    Raises Unresolved with a sentence for a variable that is not set, and for a kind of reference that is not known.
    """

    def replace(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env":
            if not environ.get(name):
                raise Unresolved(f"The environment variable {name} is not set here. Set it, or write the value.")
            return environ[name]
        if kind == "databricks":
            raise Unresolved(
                f"Secrets are not read from the scope {name.partition('/')[0]} directly in this version. Give the "
                f"cluster a variable with the value {{{{secrets/{name}}}}} and refer to it as ${{env:…}}."
            )
        raise Unresolved(f"A reference of the kind {kind} is not known; ${{env:NAME}} is.")

    expanded = REFERENCE.sub(replace, text)
    if "${" in expanded and "${" in text and not REFERENCE.search(text):
        raise Unresolved(f"{text} is not a reference that is known; write ${{env:NAME}}.")
    return expanded
