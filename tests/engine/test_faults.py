"""Whatever happens to the engine or the services: the run, resumed, ends as one that nothing happened to."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from faults import Campaign, Outcome, Place, Schedule, brief, schedules

SEED = 20261123
AT_ONCE = 6  # runs; most of their time they wait
LANES = 2  # rehearsals in which scenarios follow one another
ROOM = 4  # runs of one scenario: the quota is that of six deployments, and they stay until all have ended

Ended = tuple[Schedule, Outcome]


@pytest.fixture
def environ(rehearsal_home: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Without a rehearsal: each scenario gets its own."""
    monkeypatch.setenv("AML_DEPLOY_HOME", rehearsal_home["AML_DEPLOY_HOME"])
    return rehearsal_home


def campaign(drawn: list[Schedule], seed: int, folder: Path, environ: dict[str, str]) -> None:
    """Carry out schedules and compare each with an undisturbed run; print what happened."""
    began, count = time.monotonic(), len(drawn)
    campaign = Campaign(folder)
    free = threading.BoundedSemaphore(AT_ONCE)

    def one(place: Place, schedule: Schedule) -> Ended:
        with free:
            outcome = campaign.carry_out(place, schedule, f"churn-{seed % 997}-{schedule.number:03d}")
            if not schedule.scenario:
                campaign.look(place, outcome)
        print(f"{schedule}: {outcome.engines} engines, {outcome.seconds:.1f} s", flush=True)
        return schedule, outcome

    def under(place: Place, group: list[Schedule]) -> list[Ended]:
        """The runs under one scenario; Azure is looked at when they all have ended and it is calm again."""
        place.under(group[0].scenario)
        with ThreadPoolExecutor(len(group)) as together:
            ended = list(together.map(lambda schedule: one(place, schedule), group))
        place.under("none")
        for _, outcome in ended:
            campaign.look(place, outcome)
        return ended

    def lane(place: Place, disturbed: list[list[Schedule]]) -> list[Ended]:
        return [pair for group in disturbed for pair in under(place, group)]

    with contextlib.ExitStack() as places:

        def place(name: str) -> Place:
            made = Place(folder / name, environ)
            places.callback(made.stop)
            return made

        calm = place("calm")
        undisturbed = campaign.look(calm, campaign.carry_out(calm, None, f"churn-calm-{seed % 997}"))
        assert undisturbed.state["endpoint"]["properties"]["traffic"] == {"blue": 100}
        assert [len(undisturbed.state[kind]) for kind in ("deployments", "models", "environments")] == [1, 1, 1]
        assert undisturbed.state["codes"] == 1
        ordinary, disturbed = groups(drawn)
        with ThreadPoolExecutor(AT_ONCE) as first, ThreadPoolExecutor(LANES) as second:
            late = [
                second.submit(lane, place(f"lane-{n}"), disturbed[n::LANES]) for n in range(min(LANES, len(disturbed)))
            ]
            ended = list(first.map(lambda schedule: one(calm, schedule), ordinary))
            ended.extend(pair for group in late for pair in group.result())
    assert len(ended) == count
    for schedule, outcome in ended:
        judge(schedule, outcome, undisturbed)
    struck, engines = sum(item.struck for _, item in ended), sum(item.engines for _, item in ended)
    seconds = time.monotonic() - began
    print(", ".join(f"{count} × {kind}" for kind, count in sorted(blows_of(ended).items())))
    print(
        f"{count} schedules (seed {seed}): {struck} blows struck, {engines} engines, all with the same end; "
        f"{seconds:.0f} s in all, {seconds / count:.1f} s a schedule, {undisturbed.seconds:.1f} s undisturbed"
    )


def groups(drawn: Iterable[Schedule]) -> tuple[list[Schedule], list[list[Schedule]]]:
    """Those without a scenario, and the others by scenario, few enough for one rehearsal."""
    ordinary: list[Schedule] = []
    others: dict[str, list[Schedule]] = {}
    for schedule in drawn:
        (others.setdefault(schedule.scenario, []) if schedule.scenario else ordinary).append(schedule)
    return ordinary, [found[start : start + ROOM] for found in others.values() for start in range(0, len(found), ROOM)]


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


def blows_of(ended: Iterable[Ended]) -> Counter[str]:
    """How many runs had a blow of each kind, and at a boundary or inside of something."""
    return Counter(
        f"{blow.how} {'inside' if blow.event and blow.seconds else 'at a boundary' if blow.event else 'at any time'}"
        for schedule, outcome in ended
        for blow in schedule.blows[: outcome.struck]
    )


DEFAULTS = {"SEED": "777", "SCHEDULES": "200"}


def made(outcome: Outcome) -> set[str]:
    return {event["kind"] for event in outcome.events if event["event"] == "task_created"}


def test_some_disturbed_runs_end_as_an_undisturbed_one(tmp_path: Path, environ: dict[str, str]) -> None:
    """Killed before anything and within a deployment; halted and killed under a scenario."""
    some = [schedule for schedule in brief(SEED) if schedule.number in (0, 4, 5)]
    assert [bool(schedule.scenario) for schedule in some] == [False, False, True]
    campaign(some, SEED, tmp_path, environ)


@pytest.mark.slow
def test_every_disturbed_run_ends_as_an_undisturbed_one(tmp_path: Path, environ: dict[str, str]) -> None:
    """Every boundary and every scenario once."""
    campaign(brief(SEED), SEED, tmp_path, environ)


@pytest.mark.slow
@pytest.mark.campaign
def test_a_longer_campaign(tmp_path: Path, environ: dict[str, str]) -> None:
    """200 schedules, or as many as AML_DEPLOY_FAULT_SCHEDULES says, from another seed: AML_DEPLOY_FAULT_SEED."""
    seed, count = (int(os.environ.get(f"AML_DEPLOY_FAULT_{name}", given)) for name, given in DEFAULTS.items())
    campaign(list(schedules(count, seed)), seed, tmp_path, environ)
