"""A new version beside what serves, by one command; what failed is offered for removal."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

import pytest
from commands import PRESET, aml_deploy, json_lines

from tui.plain.commands.apply import beside
from tui.plain.failure import Failure
from tui.plan.load_save.load import load

ENDPOINT = "churn-day-two"


def arguments(plan: Path | str, name: str, *sets: str) -> Namespace:
    return Namespace(plan=str(plan), overlays=[], sets=list(sets), as_name=name)


def test_the_plan_becomes_one_for_a_second_deployment() -> None:
    given = arguments(PRESET, "green", "endpoint.name=churn-x")
    beside(given)
    document = load(given.plan, sets=given.sets)
    assert document.get("deployment.name") == "green"
    assert document.get("traffic") == {"green": 100}
    assert document.get("rollout.steps") == [10, 50, 100]
    assert document.get("endpoint.name") == "churn-x"


def test_the_plans_own_rollout_is_kept(own_plan: Path) -> None:
    own_plan.write_text(own_plan.read_text(encoding="utf-8") + "\nrollout: {steps: [50, 100]}\n", encoding="utf-8")
    given = arguments(own_plan, "green")
    beside(given)
    assert load(given.plan, sets=given.sets).get("rollout") == {"steps": [50, 100]}


@pytest.mark.parametrize(("name", "said"), [("a_b", "underscore"), ("1st", "start with a letter")])
def test_a_name_that_is_none_is_refused(name: str, said: str) -> None:
    with pytest.raises(Failure, match=said) as refused:
        beside(arguments(PRESET, name))
    assert refused.value.code == 2


def test_a_plan_that_lists_its_deployments_needs_no_as(own_plan: Path) -> None:
    own_plan.write_text(own_plan.read_text(encoding="utf-8") + "\ndeployments: [{name: blue}]\n", encoding="utf-8")
    with pytest.raises(Failure, match="lists its deployments"):
        beside(arguments(own_plan, "green"))


@pytest.mark.slow
def test_a_new_version_takes_over_and_the_failed_one_is_offered_for_removal(
    rehearsing: dict[str, str], own_plan: Path
) -> None:
    sets = ("--set", f"endpoint.name={ENDPOINT}", "--set", "rollout.pause=0", "--set", "rollout.min_requests=2")
    apply = ("apply", own_plan, "--rehearse", "--yes", "--json", *sets)
    first = aml_deploy(*apply, environ=rehearsing, timeout=300)
    assert first.returncode == 0, first.stderr
    script = own_plan.parent / PRESET / "onlinescoring" / "score.py"
    good = script.read_text(encoding="utf-8")
    script.write_text("def init():\n    raise RuntimeError('not today')\n\n\ndef run(data):\n    return data\n")
    failed = aml_deploy(*apply, "--as", "green", environ=rehearsing, timeout=300)
    assert failed.returncode == 1, failed.stderr
    script.write_text(f"{good}\n# a new version\n", encoding="utf-8")
    done = aml_deploy(*apply, "--as", "green-2", environ=rehearsing, timeout=300)
    assert done.returncode == 0, done.stderr
    events = json_lines(done.stdout)
    last = events[-1]
    assert last["test"]["deployment"] == "green-2"
    shifts = [event["after"] for event in events if event["event"] == "traffic_shift"]
    assert shifts == [{"blue": 90, "green-2": 10}, {"blue": 50, "green-2": 50}, {"green-2": 100}]
    started = events[0]
    listed = json_lines(aml_deploy("runs", "--json", environ=rehearsing).stdout)
    mine = next(run for run in listed if run["run"] == started["run"])
    assert (mine["user"], mine["plan_hash"]) == (started["user"], started["plan_hash"])
    assert "@" in mine["user"]
    remove = ("remove", own_plan, "--rehearse", "--yes", "--set", f"endpoint.name={ENDPOINT}")
    shown = aml_deploy(*remove, "--set", "deployment.name=none-such", environ=rehearsing)
    assert "Failed and still existing: green. Add --failed" in shown.stderr, shown.stderr
    gone = aml_deploy(*remove, "--failed", "--json", environ=rehearsing)
    assert gone.returncode == 0, gone.stderr
    (answer,) = json_lines(gone.stdout)
    assert sorted(answer["removed"]) == ["deployment blue", "deployment green"]
    assert f"endpoint {ENDPOINT}" in answer["left"]
    assert "deployment green-2" in answer["left"]
    last_one = aml_deploy(*remove, "--set", "deployment.name=green-2", "--json", environ=rehearsing)
    assert json.loads(last_one.stdout)["removed"] == ["deployment green-2", f"endpoint {ENDPOINT}"]
