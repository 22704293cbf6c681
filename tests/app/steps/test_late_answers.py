"""An answer that comes late, for an older value, is dropped."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.app.everything import answers
from tests.app.panes import home, wizard
from tests.app.steps.compute.test_compute import OFFERS
from tests.app.steps.model.test_model import INSPECTED
from tests.app.steps.network.test_network import REACH

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize(
    ("step", "question", "key", "value", "late"),
    [
        ("credentials", "sign_in", "credential.tenant_id", "other", {"principal": "late-principal", "kind": "user"}),
        ("workspace", "workspace", "workspace.name", "ws-other", {"name": "late", "location": "late-region"}),
        ("endpoint", "endpoint", "endpoint.name", "other-01", {"exists": True, "provisioning_state": "Late"}),
        ("model", "inspect_model", "deployment.model.path", "other", {**INSPECTED, "flavour": "late-flavour"}),
        ("compute", "sizes", "workspace.name", "ws-other", OFFERS),
        ("network", "reach", "workspace.name", "ws-other", REACH),
    ],
)
async def test_an_answer_for_an_older_value_is_dropped(
    step: str, question: str, key: str, value: str, late: Any
) -> None:
    given = answers(**{question: late})
    given.hold(question)
    async with wizard(given) as walk:
        await walk.to(step)
        if question == "sign_in":
            await walk.tab_to("sign-in")
            await walk.press("enter")
        await walk.until(lambda: question in [name for name, _ in given.asked], "it is asked")
        walk.store.put(key, value, "you")
        from tui.helper.client import HelperError

        first, given.answers[question] = given.answers[question], HelperError("Nothing newer", "None.")
        asked = given.held[question]
        given.held.clear()
        given.answers[question] = first
        asked.set()
        given.answers[question] = HelperError("Nothing newer", "None.")
        await walk.pilot.pause(0.3)
        assert question not in walk.store.facts
        assert "late" not in walk.text().lower().replace("late answers", "")


@pytest.mark.parametrize(
    ("step", "question", "late"),
    [
        ("workspace", "workspace", {"name": "late", "location": "late-region"}),
        ("endpoint", "endpoint", {"exists": True, "provisioning_state": "Late"}),
        ("model", "inspect_model", {**INSPECTED, "flavour": "late-flavour"}),
        ("compute", "sizes", OFFERS),
        ("network", "workspace", {"name": "late", "location": "late-region"}),
        ("network", "reach", REACH),
        ("review", "check", []),
    ],
)
async def test_an_answer_that_comes_while_the_wizard_is_taken_down_ends_nothing(
    step: str, question: str, late: Any
) -> None:
    given = answers(**{question: late})
    given.hold(question)

    async def answer_once_its_widgets_are_gone() -> bool:
        while pane.children:  # noqa: ASYNC110  nothing tells of it, and the next moment would be too late
            await asyncio.sleep(0)
        still_there = pane.is_attached
        given.release(question)
        return still_there

    async with wizard(given) as walk:
        await walk.to(step)
        await walk.until(lambda: question in [name for name, _ in given.asked], "it is asked")
        pane = walk.app.screen.query_one(f"#pane-{step}")
        answering = asyncio.ensure_future(answer_once_its_widgets_are_gone())
    assert await answering, "the answer came when the pane was gone too, which is no test"
