"""The sizes: what fits, what it costs, columns by width, a filter, and recalculation while a number is typed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.recorded import ENDPOINT_ANSWER
from tui.app.steps.compute import size_columns
from tui.app.steps.compute.size_table import SizeTable
from tui.plan import sizes as table

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")

SIZE = "deployment.instance_type"


def offer(name: str, left: int | None, **more: Any) -> dict[str, Any]:
    """Return a size as in the helper's answer."""
    size = table.find(name)
    assert size is not None
    return {"name": name, "family": size.family, "cores": size.cores, "memory_gib": size.memory_gib,
            "gpus": size.gpus, "skip_reserve": size.skip_reserve, "quota_needed": 0, "quota_left": left,
            "fits": None, "reason": "", "offered": True, **more}  # fmt: skip


OFFERS = [
    offer("Standard_D4as_v4", 48),
    offer("Standard_F4s_v2", 4),
    offer("Standard_E8s_v3", None),
    offer("Standard_NC4as_T4_v3", 100),
    offer("Standard_NC24ads_A100_v4", 24),
    offer("Standard_D8as_v4", 100, offered=False),
]


def line(walk: Walk, name: str) -> str:
    """Return a size's line in the table."""
    found = [text for text in walk.text().splitlines() if name in text and ("✔" in text or "✖" in text or "·" in text)]
    assert found, f"{name} is not on\n{walk.text()}"
    return found[-1]


async def test_every_size_says_whether_it_fits_or_why_not_at_80_columns() -> None:
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await walk.to("compute")
        await walk.sees("● Standard_D4as_v4", "USD/h", "6 sizes")
        assert "✔ fits" in line(walk, "Standard_D4as_v4") and "0.19" in line(walk, "Standard_D4as_v4")
        assert " 40 " in line(walk, "Standard_D4as_v4"), "48 are left before, ceil(1.2·1)·4 = 8 are taken"
        assert "✖ no: 4 short" in line(walk, "Standard_F4s_v2")
        assert "· unknown" in line(walk, "Standard_E8s_v3")
        assert "✖ not offered" in line(walk, "Standard_D8as_v4")
        # Azure reserves nothing for this size: one instance takes its 24 cores and no more.
        assert "✔ fits" in line(walk, "Standard_NC24ads_A100_v4")
        assert all(len(text) <= 80 for text in walk.text().splitlines())


async def test_quota_and_cost_are_recalculated_while_the_number_is_typed_without_asking_again() -> None:
    answers = recorded_answers(sizes=OFFERS)
    async with wizard(answers) as walk:
        await walk.to("compute")
        await walk.sees("0.19 USD an hour, 140 a month (1 × 0.192, table of 2026-11-22)", "48 are left")
        walk.app.screen.query_one("#row-deployment-instance_count").control.focus()  # type: ignore[attr-defined]
        await walk.press("ctrl+u", "1", "0")
        await walk.sees("1.92 USD an hour, 1,402 a month (10 × 0.192", "Needs 48 cores", "✔ fits")
        await walk.press("backspace", "1")
        await walk.sees("Needs 56 cores", "✖ no: 8 short", "✖ Quota")
        await walk.press("x")  # not a number: the table stays as it is for one
        await walk.sees("Standard_D4as_v4")
        assert [name for name, _ in answers.asked].count("sizes") == 1


async def test_enter_takes_a_size_and_the_marked_one_is_explained() -> None:
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await walk.to("compute")
        await walk.sees("● Standard_D4as_v4")
        await walk.tab_to("sizes")
        await walk.press("end")
        marked = walk.app.screen.query_one(SizeTable).marked
        assert marked is not None
        await walk.sees(f"{marked.size.name}; Enter selects it.")
        await walk.press("home", "down", "enter")
        assert walk.store.value(SIZE) == walk.app.screen.query_one(SizeTable).rows[1].size.name != "Standard_D4as_v4"
        assert walk.store.provenance(SIZE) == "you"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        ("gpu", {"Standard_NC4as_T4_v3", "Standard_NC24ads_A100_v4"}),
        ("fits cpu", {"Standard_D4as_v4"}),
        ("cores>=8 memory>=64", {"Standard_E8s_v3"}),
        ("d4as", {"Standard_D4as_v4"}),
        ("price<1", {"Standard_D4as_v4"}),
        ("esv3", {"Standard_E8s_v3"}),
        ("cores=4 nothing-like-it", set()),
    ],
)
def test_the_filter(words: str, names: set[str]) -> None:
    rows = size_columns.rows(OFFERS, 1, "eastus2")
    assert {row.size.name for row in size_columns.matching(rows, words)} == names


async def test_the_filter_is_typed_and_enter_goes_to_the_table() -> None:
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await walk.to("compute")
        await walk.sees("6 sizes")
        await walk.tab_to("filter")
        await walk.press(*"gpu")
        await walk.sees("2 of 6")
        assert "Standard_F4s_v2" not in walk.text()
        await walk.press("enter")
        assert walk.focused == "sizes"
        await walk.press("enter")
        assert "NC" in walk.store.value(SIZE)


def test_cores_that_the_deployment_has_already_are_given_back() -> None:
    existing = {"name": "blue", "instance_type": "Standard_D4as_v4", "instance_count": 5}
    offers = [offer("Standard_D4as_v4", 0)]
    (alone,) = size_columns.rows(offers, 5, "eastus2")
    (again,) = size_columns.rows(offers, 5, "eastus2", existing)
    assert alone.fit.fits is False and again.fit.fits is True
    assert "24 that the deployment already uses" in again.fit.reason
    (failed,) = size_columns.rows(offers, 5, "eastus2", {**existing, "provisioning_state": "Failed"})
    assert failed.fit.fits is False


async def test_an_existing_deployment_is_taken_from_the_endpoint_that_was_read() -> None:
    async with wizard(recorded_answers(sizes=[offer("Standard_D4as_v4", 0)], endpoint=ENDPOINT_ANSWER)) as walk:
        await walk.store.ask("endpoint")
        await walk.to("compute")
        await walk.sees("✔ Quota", "✔ fits")
        assert "8 that the deployment already uses" in " ".join(walk.text().split())


@pytest.mark.parametrize("width", range(40, 200, 7))
def test_columns_never_need_more_room_than_there_is(width: int) -> None:
    heads = [column.head for column in size_columns.columns(width)]
    assert heads[0] == "Size" and heads[-1] == "Fits"
    if width >= 75:
        assert len("  ".join(size_columns.line(size_columns.columns(width)))) <= width
        assert {"Cores", "Memory", "Left"} <= set(heads) and any(head.startswith("USD") for head in heads)


async def test_wide_screens_have_the_month_too() -> None:
    async with wizard(recorded_answers(sizes=OFFERS), size=(120, 40)) as walk:
        await walk.to("compute")
        await walk.sees("USD/month", "140")


async def test_a_model_larger_than_the_memory_is_said() -> None:
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        walk.store.facts["inspect_model"] = {"bytes": 20 * 2**30}
        await walk.to("compute")
        await walk.sees("! Memory", "larger than the memory of 16 GiB")


async def test_the_size_opens_the_table_and_all_fields_take_its_room_on_a_short_screen() -> None:
    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await walk.to("compute")
        await walk.sees("● Standard_D4as_v4", "6 sizes")
        await walk.tab_to("extra")
        await walk.press("enter")
        await walk.sees("Fewer fields", "Application Insights", "Down in the field Size")
        assert "6 sizes" not in walk.text()
        walk.app.screen.query_one("#row-deployment-instance_type").control.focus()  # type: ignore[attr-defined]
        await walk.press("down")
        await walk.until(lambda: walk.focused == "sizes", "the table has the focus")
        await walk.press("down")
        await walk.sees("6 sizes", "Enter selects it.", "more fields")


async def test_the_rows_of_the_table_stay_where_they_are_while_one_goes_through_them() -> None:
    def place(walk: Walk) -> int:
        return next(
            y for y, text in enumerate(walk.text().splitlines()) if "Standard_D4as_v4   " in text and "✔" in text
        )

    async with wizard(recorded_answers(sizes=OFFERS)) as walk:
        await walk.to("compute")
        await walk.sees("● Standard_D4as_v4", "Size  ")
        before = place(walk)
        await walk.tab_to("sizes")
        for _ in range(4):
            await walk.press("down")
            await walk.sees("Enter selects it.")
            assert place(walk) == before
