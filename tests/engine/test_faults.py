"""Whatever happens to the engine or the services: the run, resumed, ends as one that nothing happened to."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from azure_state import Azure
from faults import Campaign, Outcome, Schedule, schedules

from tui.plan.load import load
from tui.plan.presets import find
from tui.rehearse import prepare

SEED = 20261123
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def place(rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """The environment of engines, and one in which no scenario is left behind."""
    monkeypatch.setenv("AML_DEPLOY_HOME", rehearsal_env["AML_DEPLOY_HOME"])
    preset = find("churn-xgboost")
    assert preset is not None
    environ = prepare(load(preset.path), rehearsal_env)
    yield environ
    scenario(environ)("none")


def scenario(environ: dict[str, str]) -> Callable[[str], None]:
    def choose(name: str) -> None:
        command = [sys.executable, "-m", "tui.rehearsal", "scenario", name]
        subprocess.run(command, env=environ, cwd=ROOT, check=True, capture_output=True, timeout=60)

    return choose


def campaign(count: int, seed: int, folder: Path, environ: dict[str, str]) -> None:
    """Carry out so many schedules and compare each with an undisturbed run; print what happened."""
    azure = Azure(environ)
    campaign = Campaign(folder, environ, azure)
    choose = scenario(environ)
    undisturbed = one(campaign, azure, None, f"churn-calm-{seed % 997}")
    assert undisturbed.state["endpoint"]["properties"]["traffic"] == {"blue": 100}
    assert [len(undisturbed.state[kind]) for kind in ("deployments", "models", "environments")] == [1, 1, 1]
    assert undisturbed.state["codes"] == 1
    outcomes = []
    for schedule in schedules(count, seed):
        choose(schedule.scenario or "none")
        outcome = one(campaign, azure, schedule, f"churn-{seed % 997}-{schedule.number:02d}", lambda: choose("none"))
        print(f"{schedule}: {outcome.engines} engines, {outcome.seconds:.1f} s")
        judge(schedule, outcome, undisturbed)
        outcomes.append((schedule, outcome))
    struck, engines = sum(item.struck for _, item in outcomes), sum(item.engines for _, item in outcomes)
    seconds = sum(item.seconds for _, item in outcomes)
    print(", ".join(f"{count} × {kind}" for kind, count in sorted(blows_of(outcomes).items())))
    print(
        f"{count} schedules (seed {seed}): {struck} blows struck, {engines} engines, all with the same end; "
        f"{seconds / count:.1f} s a schedule, {undisturbed.seconds:.1f} s undisturbed"
    )


def one(
    campaign: Campaign, azure: Azure, schedule: Schedule | None, name: str, calm: Callable[[], None] = lambda: None
) -> Outcome:
    try:
        return campaign.carry_out(schedule, name, calm)
    finally:
        azure.remove(name)


def judge(schedule: Schedule, outcome: Outcome, undisturbed: Outcome) -> None:
    said = f"{schedule}\n{[event for event in outcome.events if event['event'] != 'task_log'][-6:]}"
    last = outcome.events[-1]
    assert (last["event"], last["status"]) == ("run_finished", "succeeded"), said
    assert last["test"]["status_code"] == 200, said
    assert outcome.state == undisturbed.state, said
    assert [event["seq"] for event in outcome.events] == list(range(1, len(outcome.events) + 1)), said
    assert sum(event["event"] == "run_started" for event in outcome.events) == 1, said
    asked = Counter(event["task"] for event in outcome.events if event["event"] == "task_operation")
    assert not {task: times for task, times in asked.items() if times > 1}, f"asked for twice: {asked}\n{said}"
    assert made(outcome) <= made(undisturbed), said


def blows_of(outcomes: Iterable[tuple[Schedule, Outcome]]) -> Counter[str]:
    """How many runs had a blow of each kind, and at a boundary or inside of something."""
    return Counter(
        f"{blow.how} {'inside' if blow.event and blow.seconds else 'at a boundary' if blow.event else 'at any time'}"
        for schedule, outcome in outcomes
        for blow in schedule.blows[: outcome.struck]
    )


def made(outcome: Outcome) -> set[str]:
    return {event["kind"] for event in outcome.events if event["event"] == "task_created"}


def test_every_disturbed_run_ends_as_an_undisturbed_one(tmp_path: Path, place: dict[str, str]) -> None:
    campaign(1, SEED, tmp_path, place)


@pytest.mark.slow
def test_a_longer_campaign(tmp_path: Path, place: dict[str, str]) -> None:
    """Twelve schedules, or as many as AML_DEPLOY_FAULT_SCHEDULES says, from another seed."""
    campaign(int(os.environ.get("AML_DEPLOY_FAULT_SCHEDULES", "12")), 777, tmp_path, place)
