"""Where values and models may come from, beside the plan's own text and this machine's folders."""

from __future__ import annotations

_MAY_BE_SECRET = ("credential.", "workspace.", "deployment.environment_variables")
NO_SECRET_HERE = (
    "A secret cannot stand here: it is read when the plan is carried out, and this value is needed before. "
    "Write the value, or refer to a variable with ${env:NAME}."
)


def may_be_secret(key: str) -> bool:
    """Whether a field may refer to a secret of a Databricks scope or of a Key Vault."""
    return key.startswith(_MAY_BE_SECRET)
