"""Findings of several deployments: what all share is told once, the rest with its deployment's name."""

from __future__ import annotations

import dataclasses

import pytest
from plan_files import MakePlan

from tui.checks import each_deployment
from tui.checks.finding import Finding, PlanFix
from tui.plan import model as m

SIZE = Finding("size", "warning", "deployment.instance_type", "It retires.", fixes=(PlanFix("traffic", None),))


@pytest.fixture
def two(make_plan: MakePlan) -> m.Plan:
    plan = make_plan()
    blue, green = (dataclasses.replace(plan.deployment, name=name) for name in ("blue", "green"))
    return dataclasses.replace(plan, deployments=(blue, green))


def test_one_deployment_keeps_its_findings(make_plan: MakePlan) -> None:
    assert each_deployment.merged(make_plan(), [[SIZE, SIZE]]) == [SIZE, SIZE]
    assert len(each_deployment.plans(make_plan())) == 1


def test_what_all_share_is_told_once_without_a_fix(two: m.Plan) -> None:
    (found,) = each_deployment.merged(two, [[SIZE], [SIZE]])
    assert (found.message, found.fixes) == ("It retires.", ())
    assert [plan.deployment.name for plan in each_deployment.plans(two)] == ["blue", "green"]


def test_what_one_has_names_it_once(two: m.Plan) -> None:
    (found,) = each_deployment.merged(two, [[], [SIZE]])
    assert found.message == "green: It retires."
    named = dataclasses.replace(SIZE, message="The deployment green retires.")
    assert each_deployment.merged(two, [[], [named]])[0].message == named.message
    assert len(each_deployment.merged(two, [[SIZE], [named]])) == 2


@pytest.mark.parametrize(
    ("id", "missed", "kept"),
    [("traffic", "GREEN", False), ("traffic", "blue, green", False), ("traffic", "green, red", True),
     ("other", "green", True)],
)  # fmt: skip
def test_a_deployment_that_the_plan_creates_is_not_missing(two: m.Plan, id: str, missed: str, kept: bool) -> None:
    finding = Finding(id, "blocker", "traffic", f"The plan gives traffic to {missed}, but there is no such deployment.")
    assert bool(each_deployment.merged(two, [[finding], []])) is kept
