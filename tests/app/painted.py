"""Counts what the wizard would send to the terminal, without one."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.app.panes import Walk


class Painted:
    """The bytes that were painted since `begin`."""

    def __init__(self, walk: Walk, monkeypatch: pytest.MonkeyPatch) -> None:
        self._count = 0
        driver: Any = walk.app._driver
        monkeypatch.setattr(driver, "write", self._write)
        # Textual paints nothing without a terminal.
        monkeypatch.setattr(type(walk.app), "is_headless", property(lambda app: False))

    def _write(self, data: str) -> None:
        self._count += len(data.encode())

    def begin(self) -> None:
        """Count from 0."""
        self._count = 0

    @property
    def count(self) -> int:
        """The bytes so far."""
        return self._count


def counted(text: str) -> int:
    """The largest number of seconds that a line on the screen says it has been waiting for, 0 if none says so."""
    found = re.findall(r"▸[^▸]*?[ …](\d+) s\b", " ".join(text.split()))
    return max(map(int, found), default=0)
