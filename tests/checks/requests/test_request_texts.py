"""What a request to an administrator recognises a finding by is said by some finding."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml

from tui.checks.requests import administrator_requests

PACKAGE = Path(administrator_requests.__file__).parents[2]
ENTRIES = yaml.safe_load((PACKAGE / "checks" / "requests" / "requests.yml").read_text(encoding="utf-8"))
# Stands for "a role is missing", whatever the text.
WORDS = sorted({entry["when"] for entry in ENTRIES if entry.get("when")} - {"AuthorizationFailed"})


@pytest.fixture(scope="module")
def texts() -> str:
    """All texts of the checks and of the layer below them, which word the findings."""
    found = []
    for path in [*(PACKAGE / "checks").rglob("*.py"), *(PACKAGE / "cloud").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value.lower())
    return "\n".join(found)


@pytest.mark.parametrize("words", WORDS)
def test_a_finding_says_what_a_request_waits_for(words: str, texts: str) -> None:
    assert words.lower() in texts
