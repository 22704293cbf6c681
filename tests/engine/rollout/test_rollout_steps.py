"""The steps of a rollout: which split comes next, where an interrupted one goes on, and when it goes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Notes, a_run, a_task
from tui.cloud.errors import CloudError
from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.engine.resume_state import Shift
from tui.engine.rollout import rollout
from tui.engine.rollout.watch import Trouble
from tui.engine.task_context import Outcome
from tui.plan.model import Rollout
from tui.plan.traffic import BEFORE_TAG

Split = dict[str, int]


class Place:
    """An endpoint and what is done to it: `sets` are the splits in order, `watched` the steps (0 is mirrored)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.traffic: Split = {"blue": 100}
        self.mirrored: Split = {}
        self.tags: dict[str, str] = {}
        self.names = {"blue": "Succeeded", "green": "Succeeded"}
        self.there = True
        self.trouble_at: int | None = None
        self.trouble: Exception = Trouble("too many failed")
        self.sets: list[tuple[Split, Split]] = []
        self.options: list[dict[str, Any]] = []
        self.watched: list[tuple[Split, int]] = []
        self.plan = replace(PLAN, rollout=Rollout("green", (10, 50, 100), pause=60.0))

    def read(self, task: Any) -> tuple[str, Any]:
        made = [SimpleNamespace(name=name, provisioning_state=state) for name, state in self.names.items()]
        found = SimpleNamespace(traffic=self.traffic, mirror_traffic=self.mirrored, tags=self.tags, deployments=made)
        return "", found if self.there else None

    def change(self, task: Any, now: Split, wanted: Split, why: str, *, mirrored: Split, **more: Any) -> None:
        self.sets.append((dict(wanted), dict(mirrored)))
        self.options.append({"before": dict(now), "why": why, **more})

    def watch(self, task: Any, planned: Rollout, split: Split, step: int) -> Any:
        def until_the_end() -> None:
            self.watched.append((dict(split), step))
            if step == self.trouble_at:
                raise self.trouble

        return SimpleNamespace(until_the_end=until_the_end)

    def work(self, shift: Shift | None = None) -> Outcome:
        self.run = a_run(self.folder, self.plan, shift=shift)
        return rollout.work(a_task(self.run))

    @property
    def journal(self) -> Notes:
        return self.run.journal

    @property
    def splits(self) -> list[Split]:
        return [split for split, _ in self.sets]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setattr(rollout, "read", made.read)
    monkeypatch.setattr(rollout, "change", made.change)
    monkeypatch.setattr(rollout, "Watch", made.watch)
    return made


STEPS = [{"blue": 90, "green": 10}, {"blue": 50, "green": 50}, {"green": 100}]


def test_each_step_is_set_and_watched(place: Place) -> None:
    done = place.work()
    assert place.splits == STEPS
    assert place.watched == [(split, number) for number, split in enumerate(STEPS, 1)]
    assert [(option["step"], option["steps"], option["before"]) for option in place.options] == [
        (number, 3, {"blue": 100}) for number in (1, 2, 3)
    ]
    assert (done.skipped, done.result) == (False, {"traffic": {"green": 100}, "before": {"blue": 100}})
    progress = [(event["done"], event["total"]) for event in place.journal.of("task_progress")]
    assert progress == [(0, 3), (1, 3), (1, 3), (2, 3), (2, 3), (3, 3)]
    assert "blue is kept" in place.journal.lines and "Step 1 of 3: blue 90 %, green 10 %" in place.journal.lines
    (started,) = place.journal.of("task_started")
    assert (started["action"], started["detail"]) == ("change", "green: 10 %, 50 %, 100 %")


def test_the_last_step_is_the_plans_split(place: Place) -> None:
    place.plan = replace(place.plan, traffic={"green": 80, "blue": 20}, rollout=Rollout("green", (10, 80)))
    place.work()
    assert place.splits == [{"blue": 90, "green": 10}, {"green": 80, "blue": 20}]


def test_the_others_keep_their_proportions(place: Place) -> None:
    place.traffic = {"blue": 75, "red": 25, "green": 0}
    place.work()
    assert place.splits[1] == {"blue": 38, "red": 12, "green": 50}
    assert "blue, red is kept" in place.journal.lines


@pytest.mark.parametrize(("traffic", "skipped"), [({"green": 100, "blue": 0}, True), ({"green": 99, "blue": 1}, False)])
def test_a_split_that_is_there_already_is_left(traffic: Split, skipped: bool, place: Place) -> None:
    place.traffic = traffic
    assert place.work().skipped is skipped
    assert bool(place.sets) is not skipped


@pytest.mark.parametrize("traffic", [{}, {"green": 0}])
def test_without_other_traffic_all_of_it_goes_over_at_once(traffic: Split, place: Place) -> None:
    place.traffic = traffic
    assert place.work().result == {"traffic": {"green": 100}}
    assert (place.splits, place.watched) == ([{"green": 100}], [])


def test_an_endpoint_that_is_gone_is_an_error(place: Place) -> None:
    place.there = False
    with pytest.raises(CloudError, match="not found"):
        place.work()


# Mirrored traffic


def test_mirrored_traffic_comes_first(place: Place) -> None:
    place.plan = replace(place.plan, mirror_traffic={"green": 20})
    place.work()
    assert place.sets == [({"blue": 100}, {"green": 20}), *((split, {}) for split in STEPS)]
    assert [step for _, step in place.watched] == [0, 1, 2, 3]
    assert place.watched[0][0] == {"blue": 100}


def test_mirrored_traffic_that_is_there_is_only_watched(place: Place) -> None:
    place.plan = replace(place.plan, mirror_traffic={"green": 20})
    place.mirrored = {"green": 20}
    place.work()
    assert place.splits == STEPS
    assert place.watched[0][1] == 0


def test_after_the_first_step_there_is_no_mirrored_traffic(place: Place) -> None:
    place.plan = replace(place.plan, mirror_traffic={"green": 20})
    place.traffic = {"blue": 90, "green": 10}
    place.work(Shift({"blue": 100}, {"blue": 90, "green": 10}))
    assert place.watched[0][1] == 1


# An interrupted run


@pytest.mark.parametrize(
    ("now", "set_", "watched"),
    [
        ({"blue": 100}, STEPS, [1, 2, 3]),
        ({"blue": 90, "green": 10}, STEPS[1:], [1, 2, 3]),  # the first step is watched again, not set again
        ({"blue": 80, "green": 20}, STEPS[1:], [2, 3]),
        ({"blue": 50, "green": 50}, STEPS[2:], [2, 3]),
        ({"green": 100}, [], [3]),
    ],
)
def test_it_goes_on_with_the_step_it_had_set(now: Split, set_: list[Split], watched: list[int], place: Place) -> None:
    place.traffic = now
    done = place.work(Shift({"blue": 100}, now))
    assert place.splits == set_
    assert [step for _, step in place.watched] == watched
    assert done.result["before"] == {"blue": 100}


def test_a_step_with_mirrored_traffic_left_is_set_again(place: Place) -> None:
    place.traffic, place.mirrored = {"blue": 90, "green": 10}, {"green": 20}
    place.work(Shift({"blue": 100}, {"blue": 90, "green": 10}))
    assert place.splits == STEPS


def test_a_roll_back_that_had_begun_is_completed(place: Place) -> None:
    place.traffic = {"blue": 50, "green": 50}
    with pytest.raises(CloudError) as caught:
        place.work(Shift({"blue": 100}, {"blue": 100}, back=True, why="too slow"))
    assert (caught.value.code, caught.value.cause) == ("RolledBack", "too slow")
    assert place.splits == [{"blue": 100}]
    assert place.watched == []


def test_a_roll_back_that_had_ended_is_only_told(place: Place) -> None:
    place.traffic = {"blue": 100, "green": 0}
    with pytest.raises(CloudError) as caught:
        place.work(Shift({"blue": 100}, {"blue": 100}, back=True, why="too slow"))
    assert (caught.value.code, place.sets) == ("RolledBack", [])


# Going back


@pytest.mark.parametrize(("step", "done"), [(1, 1), (2, 2), (3, 3)])
def test_trouble_at_a_step_restores_the_split_before_the_run(step: int, done: int, place: Place) -> None:
    place.trouble_at = step
    (place.folder / ROLL_BACK_FILE).touch()
    with pytest.raises(CloudError) as caught:
        place.work()
    assert (caught.value.code, caught.value.cause) == ("RolledBack", "too many failed")
    assert "--deployment green" in caught.value.remedy
    assert place.sets == [*((split, {}) for split in STEPS[:done]), ({"blue": 100}, {})]
    assert place.options[-1]["back"] is True
    assert not any(option.get("back") for option in place.options[:-1])
    assert not (place.folder / ROLL_BACK_FILE).exists(), "the request is fulfilled"


@pytest.mark.parametrize(
    ("error", "now", "code"),
    [
        (CloudError("Refused", code="Forbidden", status=403), {"blue": 90, "green": 10}, "RolledBack"),
        (CloudError("Refused", code="Forbidden", status=403), {"blue": 100}, "Forbidden"),  # nothing to restore
        (CloudError("Changed", code="ChangedByOthers"), {"red": 100}, "ChangedByOthers"),
        (CloudError("Down", status=503), {"blue": 90, "green": 10}, None),  # the task is repeated
    ],
)
def test_an_error_other_than_a_limit_also_restores_the_split_unless_it_is_somebody_elses(
    error: CloudError, now: Split, code: str | None, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = SimpleNamespace(traffic=now, mirror_traffic={})
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda *_, **__: read)
    place.trouble_at, place.trouble = 1, error
    with pytest.raises(CloudError) as caught:
        place.work()
    assert caught.value.code == code
    assert place.splits == [STEPS[0], *([{"blue": 100}] if code == "RolledBack" else [])]


def test_trouble_with_mirrored_traffic_ends_it(place: Place) -> None:
    place.plan = replace(place.plan, mirror_traffic={"green": 20})
    place.trouble_at = 0
    with pytest.raises(CloudError, match="rolled back"):
        place.work()
    assert place.sets == [({"blue": 100}, {"green": 20}), ({"blue": 100}, {})]


# The split to go back to, if the new deployment has traffic already


@pytest.mark.parametrize(
    ("now", "tag", "before"),
    [
        ({"blue": 60, "red": 40}, "blue=100", {"blue": 60, "red": 40}),  # it has none yet: as it is
        ({"blue": 50, "green": 50}, "", {"blue": 100}),
        ({"blue": 50, "green": 50}, "blue=70,red=30", {"blue": 70, "red": 30}),
        ({"blue": 50, "green": 50}, "blue=70,red=20", {"blue": 100}),  # not a whole split
        ({"blue": 50, "green": 50}, "blue=90,green=10", {"blue": 100}),  # with the new one in it
        ({"blue": 50, "green": 50}, "blue=70,gone=30", {"blue": 100}),
        ({"blue": 50, "green": 50}, "blue=70,broken=30", {"blue": 100}),
        ({"green": 100}, "blue=100", {"blue": 100}),
        ({"green": 100}, "", {}),
    ],
)
def test_the_split_to_go_back_to(now: Split, tag: str, before: Split, place: Place) -> None:
    place.names = {"blue": "Succeeded", "red": "Succeeded", "green": "Succeeded", "broken": "Failed"}
    place.tags = {BEFORE_TAG: tag} if tag else {}
    _, found = place.read(None)
    assert rollout._before(found, now, "green") == before
