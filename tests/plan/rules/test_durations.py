"""Durations: as seconds, and in words."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan.rules.durations import seconds_of, words


@pytest.mark.parametrize(
    ("value", "seconds"),
    [(0, 0.0), (2.5, 2.5), ("1h", 3600.0), ("1h2m3s", 3723.0), ("2h 5", 7205.0), ("3min", 180.0), ("1H30M", 5400.0),
     (" 7 ", 7.0), ("0", 0.0), ("1m1h", None), ("h", None), ("  ", None), (None, None), (False, None), ("5d", None)],
)  # fmt: skip
def test_seconds(value: Any, seconds: float | None) -> None:
    assert seconds_of(value) == seconds


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(1, "1 second"), (0, "0 seconds"), (0.1, "0.1 seconds"), (2, "2 seconds"), (119, "119 seconds"),
     (120, "2 minutes"), (3600, "60 minutes")],
)  # fmt: skip
def test_words(seconds: float, said: str) -> None:
    assert words(seconds) == said
