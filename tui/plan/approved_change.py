"""The file of approved changes: `aml-deploy diff -o` writes it, `apply --approved` reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tui.plan.problems import Problem

FORMAT = "aml-deploy change 1"
KEYS = ("format", "time", "workspace", "endpoint", "changes", "salt", "plan", "azure", "content")


def sealed(approval: Mapping[str, Any]) -> dict[str, Any]:
    """The approval with a hash of all of it, so that an edited file is refused."""
    text = json.dumps(dict(approval), sort_keys=True)
    import hashlib  # loads OpenSSL

    return {**approval, "fingerprint": hashlib.sha256(text.encode()).hexdigest()}


def parse(text: str, file: str) -> tuple[dict[str, Any], Problem | None]:
    """The approval in a file's text, and the problem of one that is broken, foreign or edited."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        return {}, Problem("", f"It is not JSON: {error}.", _AGAIN, file, getattr(error, "lineno", 1))
    if not isinstance(found, dict) or found.get("format") != FORMAT or any(key not in found for key in KEYS):
        return {}, Problem("", "It is not a file of aml-deploy diff -o.", _AGAIN, file, 1)
    unsealed = {key: value for key, value in found.items() if key != "fingerprint"}
    if sealed(unsealed) != found:
        lines = text.splitlines()
        at = next((number for number, line in enumerate(lines, 1) if '"fingerprint"' in line), 1)
        return {}, Problem("fingerprint", "The file was edited after it was made.", _AGAIN, file, at)
    return found, None


_AGAIN = "Make it again: aml-deploy diff PLAN -o change.json"
