"""Whether instances fit into the quota left, and when a retirement is a warning."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from tui.plan import sizes

DS3 = sizes.Size("Standard_DS3_v2", "standardDSv2Family", 4, 0, 14.0, 28, False, False)
PLAIN = sizes.Size("Standard_D4as_v4", "standardDASv4Family", 4, 0, 16.0, 32, False, False)
GONE = sizes.Size("Standard_NC6s_v3", "standardNCSv3Family", 6, 1, 112.0, 736, False, False)
NO_RESERVE = sizes.Size("Standard_NC24ads_A100_v4", "family", 24, 1, 220.0, 64, True, False)


@pytest.mark.parametrize(
    ("size", "count", "left", "options", "expected"),
    [
        (PLAIN, 1, 8, {}, (8, 0, True, "fits")),
        (PLAIN, 1, 7, {}, (8, -1, False, "no: 1 short")),
        (PLAIN, 1, 9, {}, (8, 1, True, "fits")),
        (PLAIN, 1, 0, {"held": 8}, (8, 0, True, "fits")),
        (PLAIN, 1, 0, {"held": 7}, (8, -1, False, "no: 1 short")),
        (PLAIN, 1, None, {}, (8, None, None, "unknown")),
        (PLAIN, 1, 100, {"offered": False}, (8, None, False, "not offered")),
        (NO_RESERVE, 2, 48, {}, (48, 0, True, "fits")),
        (GONE, 1, 100, {}, (12, 88, True, "retired")),
        (GONE, 1, 1, {}, (12, -11, False, "no: 11 short")),
    ],
)
def test_a_size_fits_or_not(size: sizes.Size, count: int, left: int | None, options: Any, expected: Any) -> None:
    found = sizes.fit(size, count, left, **options)
    assert (found.needed, found.after, found.fits, found.short) == expected


def test_the_reason_names_reserve_and_held_cores_only_if_there_are_any() -> None:
    plain, held = sizes.fit(PLAIN, 1, 8).reason, sizes.fit(PLAIN, 1, 8, held=4).reason
    assert "20 %" in plain and "already" not in plain and plain.endswith(".")
    assert "plus 4" in held
    assert "20 %" not in sizes.fit(NO_RESERVE, 1, 24).reason
    assert "NCv3" in sizes.fit(GONE, 1, 100).reason and "NCv3" not in sizes.fit(GONE, 1, 0).reason


RETIRES = date(2028, 5, 1)


@pytest.mark.parametrize(
    ("day", "said"),
    [
        (RETIRES - timedelta(days=366), None),
        (RETIRES - timedelta(days=365), "retires"),
        (RETIRES - timedelta(days=1), "retires"),
        (RETIRES, "no longer available"),
        (RETIRES + timedelta(days=1), "no longer available"),
    ],
)
def test_a_retirement_is_a_warning_from_a_year_before(day: date, said: str | None) -> None:
    found = sizes.warnings(DS3, day)
    assert len(found) == (said is not None)
    assert said is None or said in found[0]


def test_today_is_the_day_if_none_is_given() -> None:
    assert len(sizes.warnings(GONE)) == 1 and sizes.warnings(PLAIN) == []
    assert sizes.retirement_note(PLAIN) == "" and "NCv3" in sizes.retirement_note(GONE)


def test_flags_of_the_table_are_read() -> None:
    table = {size.name: size for size in sizes.sizes()}
    reserve = {name for name, size in table.items() if size.skip_reserve}
    assert "Standard_NC24ads_A100_v4" in reserve and "Standard_DS3_v2" not in reserve
    fast = {name for name, size in table.items() if size.infiniband}
    assert fast and "Standard_DS3_v2" not in fast


def test_prices_say_where_they_are_from(monkeypatch: pytest.MonkeyPatch) -> None:
    table = {"dated": "", "collected": "2026-05-01", "currency": "USD", "prices": {"a": {"eastus": 0}}}
    monkeypatch.setattr(sizes, "_prices", lambda: table)
    assert "without a date" in sizes.price_note() and sizes.price_date() == "table of 2026-05-01"
    assert sizes.price_per_hour("A", "East US") == 0.0, "free is not unknown"
    assert sizes.price_per_hour("A", "westus") is None and sizes.price_per_hour("b", "eastus") is None
    table["dated"] = "2026-04-02"
    assert "of 2026-04-02" in sizes.price_note() and sizes.price_date() == "list price of 2026-04-02"
