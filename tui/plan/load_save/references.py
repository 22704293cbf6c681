"""References in a plan: `${env:NAME}` stands for the value of an environment variable.

`${databricks:SCOPE/KEY}` and `${keyvault:VAULT/NAME}` stand for secrets. They are never read here: they stay in the
plan as they are written, and `tui.cloud.auth.secrets` puts their values in place, in the processes that talk to Azure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCE = re.compile(r"\$\{([a-z]+):([^}]*)\}")
SECRET_KINDS = ("databricks", "keyvault")
_FORMS = {"databricks": "${databricks:SCOPE/KEY}", "keyvault": "${keyvault:VAULT/NAME}"}
_SHAPES = {
    "databricks": re.compile(r"^[\w.@-]{1,128}/[\w.@-]{1,128}$"),
    # A vault's name, or the whole name of its host; a secret's name, and a version of it.
    "keyvault": re.compile(r"^[A-Za-z0-9][A-Za-z0-9.-]{1,250}/[A-Za-z0-9-]{1,127}(/[0-9a-fA-F]{32})?$"),
}


class Unresolved(Exception):
    """A reference that has no value here; the text says why and what to do."""


def has_reference(value: object) -> bool:
    """Whether a value is or contains a reference."""
    return isinstance(value, str) and "${" in value


def names(value: object) -> list[str]:
    """The environment variables that a value refers to."""
    return [name for kind, name in REFERENCE.findall(value) if kind == "env"] if isinstance(value, str) else []


def of_secrets(value: object) -> list[tuple[str, str]]:
    """The secrets that a value refers to, as (kind, name)."""
    found = REFERENCE.findall(value) if isinstance(value, str) else []
    return [(kind, name) for kind, name in found if kind in SECRET_KINDS]


def has_secret(value: object) -> bool:
    """Whether a value refers to a secret of a Databricks scope or a Key Vault."""
    return bool(of_secrets(value))


def malformed(kind: str, name: str) -> str | None:
    """What is wrong with the way a reference to a secret is written, in a sentence, or None.

    The characters are those that the services allow: Databricks, "Secret management"; Microsoft, "Azure Key Vault
    keys, secrets and certificates overview".
    """
    if _SHAPES[kind].match(name):
        return None
    written = f"${{{kind}:{name}}}"
    return f"{written} is not understood; write {_FORMS[kind]}."


def expand(text: str, environ: Mapping[str, str], *, later: bool = False) -> str:
    """The text with its references replaced; with `later`, references to secrets stay as they are.

    Raises Unresolved with a sentence for a variable that is not set, for a secret (without `later`, or written
    wrongly), and for a kind of reference that is not known.
    """

    def replace(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env":
            if not environ.get(name):
                raise Unresolved(f"{name} is not set here; set or replace it.")
            return environ[name]
        if kind in SECRET_KINDS:
            wrong = malformed(kind, name)
            if wrong or not later:
                raise Unresolved(wrong or f"{match.group(0)} is read by the checks and the run, and is not shown.")
            return match.group(0)
        known = ", ".join(("${env:NAME}", *_FORMS.values()))
        raise Unresolved(f"A reference of the kind {kind} is not known; these are: {known}.")

    expanded = REFERENCE.sub(replace, text)
    if "${" in expanded and "${" in text and not REFERENCE.search(text):
        raise Unresolved(f"{text} is not a reference that is known; write ${{env:NAME}}.")
    return expanded
