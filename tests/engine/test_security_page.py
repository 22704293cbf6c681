"""Every test that SECURITY.md names exists."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "tui/engine/SECURITY.md"


def test_every_protection_names_tests_that_exist() -> None:
    named = re.findall(r"`(tests/[\w/.]+\.py|…)(?:::(\w+))?`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 15
    file = ""
    for path, test in named:
        file = file if path == "…" else path
        assert f"def {test}" in (ROOT / file).read_text(encoding="utf-8"), f"{file}::{test}"
