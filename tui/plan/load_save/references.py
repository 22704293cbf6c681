"""References in a plan: `${env:NAME}` is replaced by the value of an environment variable.

`${databricks:SCOPE/KEY}` and `${keyvault:VAULT/NAME}` refer to secrets, which are never read here: the references stay
in the plan unchanged, and `tui.cloud.auth.secrets` replaces them in the processes that talk to Azure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

REFERENCE = re.compile(r"\$\{([a-z]+):([^}]*)\}")
SECRET_KINDS = ("databricks", "keyvault")
_FORMS = {"databricks": "${databricks:SCOPE/KEY}", "keyvault": "${keyvault:VAULT/NAME}"}
_SHAPES = {
    "databricks": re.compile(r"^[\w.@-]{1,128}/[\w.@-]{1,128}$"),
    # The vault's name or full host name, the secret's name, and optionally its version.
    "keyvault": re.compile(r"^[A-Za-z0-9][A-Za-z0-9.-]{1,250}/[A-Za-z0-9-]{1,127}(/[0-9a-fA-F]{32})?$"),
}


class Unresolved(Exception):
    """A reference that cannot be resolved here; the message says why and what to do."""


def has_reference(value: object) -> bool:
    """Whether a value is or contains a reference."""
    return isinstance(value, str) and "${" in value


def names(value: object) -> list[str]:
    """The environment variables to which a value refers."""
    return [name for kind, name in REFERENCE.findall(value) if kind == "env"] if isinstance(value, str) else []


def of_secrets(value: object) -> list[tuple[str, str]]:
    """The secrets to which a value refers, as (kind, name)."""
    found = REFERENCE.findall(value) if isinstance(value, str) else []
    return [(kind, name) for kind, name in found if kind in SECRET_KINDS]


def has_secret(value: object) -> bool:
    """Whether a value refers to a secret in a Databricks scope or a Key Vault."""
    return bool(of_secrets(value))


def malformed(kind: str, name: str) -> str | None:
    """Check the form of a secret reference: a sentence about what is wrong, or None.

    Allowed characters: Databricks, "Secret management"; Microsoft, "Azure Key Vault keys, secrets and certificates
    overview".
    """
    if _SHAPES[kind].match(name):
        return None
    written = f"${{{kind}:{name}}}"
    return f"{written} is not valid; use {_FORMS[kind]}."


def expand(text: str, environ: Mapping[str, str], *, later: bool = False) -> str:
    """The text with its references replaced; with `later`, references to secrets stay as they are.

    Raises Unresolved for a variable that is not set, for a secret (without `later`, or malformed), and for an unknown
    kind of reference.
    """

    def replace(match: re.Match[str]) -> str:
        kind, name = match.groups()
        if kind == "env":
            if not environ.get(name):
                raise Unresolved(f"The environment variable {name} is not set; set it, or replace the reference.")
            return environ[name]
        if kind in SECRET_KINDS:
            wrong = malformed(kind, name)
            if wrong or not later:
                raise Unresolved(
                    wrong or f"{match.group(0)} is read only during the checks and the run, and is not shown."
                )
            return match.group(0)
        known = ", ".join(("${env:NAME}", *_FORMS.values()))
        raise Unresolved(f"References of kind {kind} are not supported; the supported kinds are: {known}.")

    expanded = REFERENCE.sub(replace, text)
    if "${" in expanded and "${" in text and not REFERENCE.search(text):
        raise Unresolved(f"{text} is not a valid reference; use ${{env:NAME}}.")
    return expanded
