"""A plan with autoscale says so wherever its number of instances is shown."""

from __future__ import annotations

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.steps.compute.test_compute import OFFERS

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def type_limits(walk: Walk, least: str, most: str) -> None:
    """Type the limits into the fields of the step Compute."""
    await walk.to("compute")
    await walk.app.screen.query_one("#pane-compute").show_all(True)  # type: ignore[attr-defined]
    for name, text in (("minimum", least), ("maximum", most)):
        walk.app.screen.query_one(f"#row-deployment-autoscale-{name}").control.focus()  # type: ignore[attr-defined]
        await walk.press("ctrl+u", *text)
    await walk.press("tab")


async def test_compute_says_the_limits_and_the_cost_of_the_most() -> None:
    async with wizard(recorded_answers(sizes=OFFERS), size=(120, 40)) as walk:
        await type_limits(walk, "1", "6")
        await walk.sees("Autoscale: rules of Azure Monitor", "1 to 6 by autoscale rule: at most 1.15 USD an hour.")
        await type_limits(walk, "1", "")
        await walk.until(lambda: not walk.shows("by autoscale rule"), "without a maximum there is no autoscale")


async def test_review_says_the_limits_and_the_cost_of_the_most() -> None:
    async with wizard(recorded_answers(sizes=OFFERS, changes=[{"resource": "autoscale", "name": "blue",
                                                               "action": "create"}])) as walk:  # fmt: skip
        for name, number in (("minimum", 1), ("maximum", 6)):
            walk.store.put(f"deployment.autoscale.{name}", number, "test")
        await walk.to("review")
        await walk.sees(
            "blue                 1 to 6 by autoscale rule", "1 to 6 by autoscale rule: at most 1.15 USD an hour."
        )
