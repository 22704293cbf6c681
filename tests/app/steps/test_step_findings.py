"""Preflight findings are shown in their step while it is filled in, without blocking it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import Walk, home, recorded_answers, wizard
from tests.app.scenes import SIGNED_IN, SOURCES
from tui.app.steps.review.review_list import ReviewList
from tui.app.steps.step_findings import StepFindings, about, words_for
from tui.helper.client import HelperError

__all__ = ["home"]

REGISTRY = {
    "id": "registry-tier",
    "severity": "blocker",
    "field": "workspace.name",
    "message": "The container registry acrchurn is of the tier Basic, and private endpoints need Premium.",
    "remedy": "Raise its tier.",
    "command": "az acr update --name acrchurn --sku Premium",
}
FINE = [
    {"id": id, "severity": "ok", "field": "workspace.name", "message": "In order.", "remedy": ""}
    for id in ("sign-in", "roles", "private-endpoint", "storage", "diagnose")
]


def asked(walk: Walk) -> list[str]:
    """The steps that were asked about, in order."""
    calls: list[tuple[str, dict[str, Any]]] = walk.app._helper.asked  # type: ignore[attr-defined, union-attr]
    return [with_["step"] for name, with_ in calls if name == "step_findings"]


def lines(walk: Walk) -> list[str]:
    """What the step that is shown says of its checks."""
    shown = walk.app.screen.pane.query_one(StepFindings)  # type: ignore[attr-defined]
    return [fact.text for fact in shown.facts] if shown.display else []


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
async def test_a_blocker_is_told_at_its_step_and_next_goes_on(home: Path, size: tuple[int, int]) -> None:
    answers = recorded_answers(step_findings=lambda with_: [REGISTRY, *FINE] if with_["step"] == "workspace" else [])
    async with wizard(answers, size=size) as walk:
        await walk.to("workspace")
        text = await walk.sees("✖ Blocks", "of the tier Basic")
        assert lines(walk)[0].endswith("Raise its tier. az acr update --name acrchurn --sku Premium")
        assert text.index("Blocks") < text.index("Isolation")  # what is wrong stands first
        assert lines(walk)[-1] == "sign-in, permissions, private endpoint, storage access and 1 more: OK."
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "endpoint", "the next step")  # type: ignore[attr-defined]
        await walk.until(lambda: asked(walk) == ["workspace", "endpoint"], "each step asks for its own")
        assert lines(walk) == []


@pytest.mark.slow
async def test_every_step_with_a_form_asks_for_its_own_findings_once(home: Path) -> None:
    async with wizard(recorded_answers(sign_in=SIGNED_IN, credential_sources=SOURCES)) as walk:
        steps = ["workspace", "endpoint", "model", "compute", "network"]
        for number, step in enumerate(steps):
            await walk.to(step)
            await walk.until(lambda number=number: len(asked(walk)) > number, step)
        await walk.to("workspace")
        await walk.pilot.pause()
        assert asked(walk) == steps  # what is known is not asked again
        await walk.to("credentials")
        await walk.pilot.pause()
        assert asked(walk) == steps  # nobody is signed in before the button is pressed
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.until(lambda: asked(walk) == [*steps, "credentials"], "after the sign-in")


async def test_an_answer_for_older_values_is_dropped_and_asked_again(home: Path) -> None:
    def told(with_: dict[str, Any]) -> list[dict[str, Any]]:
        return FINE if with_["plan"]["document"]["workspace"]["name"] == "ws-other" else [REGISTRY]

    answers = recorded_answers(step_findings=told)
    answers.hold("step_findings")
    async with wizard(answers) as walk:
        await walk.to("workspace")
        await walk.until(lambda: asked(walk) == ["workspace"], "the first question")
        assert lines(walk) == ["checking its storage and network …"]
        walk.store.set("workspace.name", "ws-other")
        answers.release("step_findings")
        await walk.until(lambda: asked(walk) == ["workspace"] * 2, "asked again")
        await walk.until(lambda: any("OK" in line for line in lines(walk)), "the answer for the new values")
        assert "Basic" not in walk.text()


async def test_nothing_is_asked_while_a_field_is_wrong(home: Path) -> None:
    async with wizard(sets=("endpoint.name=not_a_name",)) as walk:
        await walk.to("endpoint")
        await walk.pilot.pause()
        assert asked(walk) == [] and lines(walk) == []


async def test_without_an_answer_it_says_so(home: Path) -> None:
    async with wizard(recorded_answers(step_findings=HelperError("The helper ended", "It was stopped."))) as walk:
        await walk.to("network")
        await walk.until(lambda: lines(walk) == ["not known: The helper ended."], "why it is not known")


def test_what_a_pane_tells_itself_is_not_told_twice() -> None:
    quota = {"id": "quota", "severity": "blocker", "message": "No cores are left.", "remedy": "Choose another size."}
    room = {"id": "room", "severity": "ok", "message": "Room."}
    (fact,) = about("compute", [quota, room])
    assert (fact.kind, fact.text) == ("ok", "endpoint and deployment limits: OK.")


def test_long_texts_and_commands_are_left_to_review() -> None:
    command = (
        "az role assignment create --assignee-object-id 1 --role 'AzureML Data Scientist' --scope /subscriptions/1"
    )
    roles = {"id": "roles", "severity": "blocker", "message": "may not " + "do this " * 60,
             "remedy": f"Ask for the role. {command}", "command": command}  # fmt: skip
    (fact,) = about("credentials", [roles])
    assert len(fact.text) < 300 and command not in fact.text
    assert fact.text.endswith("Ask for the role. The command is in Review.")


def test_the_longest_beginning_names_what_was_looked_at() -> None:
    assert words_for("storage") == "storage access"
    assert words_for("storage-role") == "storage data role"
    assert words_for("provider-machinelearningservices") == "resource provider"
    assert words_for("something-new") == ""


async def test_review_has_the_command_and_what_was_looked_at(home: Path) -> None:
    registry = {**REGISTRY, "looked_at": "/subscriptions/1/registries/acrchurn"}
    async with wizard(recorded_answers(check=[registry]), size=(120, 40)) as walk:
        await walk.to("review")
        await walk.sees("of the tier Basic")
        reviewed = walk.app.screen.query_one(ReviewList)
        row = next(row for row in reviewed.rows if "of the tier Basic" in row.content.plain)
        assert "az acr update --name acrchurn --sku Premium" in " ".join(row.content.plain.split())
        assert row.topic is not None and row.topic.why.endswith("Checked: /subscriptions/1/registries/acrchurn.")
