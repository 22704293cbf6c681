"""Sizes: found in any spelling, with the quota that Azure requests, and warnings before retirement."""

from __future__ import annotations

import re
import subprocess
import sys
from datetime import date

import pytest

from tui.plan import sizes


def the(name: str) -> sizes.Size:
    size = sizes.find(name)
    assert size is not None, name
    return size


def test_names_are_spelled_as_the_api_spells_them() -> None:
    names = [size.name for size in sizes.sizes()]
    assert len(names) == len(set(names)) == 85
    wrong = [name for name in names if not re.match(r"^Standard_[A-Z]+\d+[a-z]*(_[A-Z][A-Z]?\d+)?(_v\d)?$", name)]
    assert wrong == []


def test_a_size_is_found_whatever_the_case() -> None:
    assert the("STANDARD_DS3_V2") == the("standard_ds3_v2") == the("Standard_DS3_v2")
    assert the("standard_nc4as_t4_v3").name == "Standard_NC4as_T4_v3"
    assert sizes.find("Standard_Nonsense_v9") is None


@pytest.mark.parametrize(
    ("name", "count", "cores"),
    [
        ("Standard_DS3_v2", 1, 8),  # a real refusal says "Additional needed: 8"
        ("Standard_DS3_v2", 10, 48),  # the example of Microsoft's article
        ("Standard_DS3_v2", 5, 24),
        ("Standard_DS3_v2", 6, 32),
        ("Standard_F2s_v2", 3, 8),
        ("Standard_NC24ads_A100_v4", 2, 48),  # no reserve for this one
    ],
)
def test_quota_counts_the_reserve_for_upgrades(name: str, count: int, cores: int) -> None:
    assert sizes.quota_needed(the(name), count) == cores


def test_cores_memory_and_parts_of_a_gpu() -> None:
    size = the("Standard_DS3_v2")
    assert (size.cores, size.memory_gib, size.temp_disk_gib, size.gpus) == (4, 14, 28, 0)
    assert the("Standard_NV12ads_A10_v5").gpus == pytest.approx(1 / 3)
    assert the("Standard_ND40rs_v2").memory_gib is None


@pytest.mark.parametrize(
    ("name", "gib", "size"),
    [
        ("Standard_DS1_v2", 0, "Standard_DS2_v2 (2 cores, 7 GiB)"),
        ("standard_ds1_v2", 8, "Standard_DS3_v2 (4 cores, 14 GiB)"),  # the model's files alone are more
        ("Standard_DS5_v2", 0, "Standard_E8s_v3 (8 cores, 64 GiB)"),  # the largest of its family
        ("Standard_NC4as_T4_v3", 0, "Standard_NC8as_T4_v3 (8 cores, 56 GiB)"),
        ("Standard_NC24s_v3", 0, ""),  # the most memory of those with four GPUs
        ("Standard_FX48mds", 4000, ""),
        ("Standard_ND40rs_v2", 0, ""),  # its memory is not known
        ("Standard_Nonsense_v9", 0, ""),
    ],
)
def test_the_next_size_with_more_memory(name: str, gib: int, size: str) -> None:
    assert sizes.larger(name, gib * 2**30, date(2026, 11, 22)) == size


def test_a_retired_family_is_no_way_out() -> None:
    assert "Standard_F4s_v2" in sizes.larger("Standard_F2s_v2", today=date(2028, 1, 1))
    assert "_v4" in sizes.larger("Standard_F2s_v2", today=date(2029, 1, 1))


def test_a_retirement_is_told_with_its_date() -> None:
    day = date(2026, 11, 22)
    assert sizes.warnings(the("Standard_DS3_v2"), day) == []
    assert "2028-05-01" in sizes.retirement_note(the("Standard_DS3_v2"))
    (coming,) = sizes.warnings(the("Standard_DS3_v2"), date(2027, 6, 1))
    assert "2028-05-01" in coming and "retires" in coming
    (gone,) = sizes.warnings(the("Standard_NC6s_v3"), day)
    assert "retired" in gone and "2025-09-30" in gone
    assert sizes.warnings(the("Standard_D4as_v4"), day) == []
    assert len(sizes.warnings(the("Standard_F2s_v2"), date(2028, 6, 1))) == 2


def test_prices_are_list_prices_without_a_date_or_none() -> None:
    assert sizes.price_per_hour("standard_ds3_v2", "eastus2") == 0.229
    assert sizes.price_per_hour("Standard_DS3_v2", "East US 2") == 0.229
    assert sizes.price_per_hour("Standard_DS3_v2", "antarctica") is None
    assert sizes.price_per_hour("Standard_D96a_v4", "eastus2") is None
    assert "USD" in sizes.price_note() and "without a date" in sizes.price_note()


def test_importing_reads_nothing() -> None:
    code = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "import tui.plan.sizes\n"
        "print([name for name in opened if name.endswith(('.csv', '.json'))])\n"
        "tui.plan.sizes.sizes()\n"
        "print([name for name in opened if name.endswith('.csv')] != [])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "True"]
