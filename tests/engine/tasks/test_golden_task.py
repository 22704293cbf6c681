"""The golden requests of a run: who gets them, what is compared with the older deployment, and what ends the run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock, a_run, a_task
from tui.cloud.endpoints.scoring import ScoreResult
from tui.cloud.errors import CloudError
from tui.engine.resume_state import Shift
from tui.engine.task_context import Stopped
from tui.engine.tasks import golden, tasks_of
from tui.plan.model import Deployment, Plan, Rollout, Test

ITEMS: list[dict[str, Any]] = [{"name": f"r{number}", "request": number, "expected": number} for number in range(3)]


class Place:
    """An endpoint whose deployments answer as a test says, by name and request."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.file = folder, folder / "golden.jsonl"
        self.traffic = {"blue": 60, "old": 40}
        self.asked: list[tuple[str, str]] = []
        self.answers: dict[tuple[str, str], list[Any]] = {}
        self.clock = Clock()
        self.write(ITEMS)
        self.run = a_run(folder, self.plan())

    def write(self, items: list[dict[str, Any]]) -> None:
        self.file.write_text("\n".join(map(json.dumps, items)))

    def plan(self, *names: str, **changes: Any) -> Plan:
        several = tuple(Deployment(name=name) for name in names)
        more = {"deployments": several, "deployment": several[-1]} if several else {}
        return replace(PLAN, **{"test": Test(None, self.file), **more, **changes})

    def call(self, plan: Plan | None = None) -> Any:
        self.run = a_run(self.folder, plan or self.plan())
        task = a_task(self.run, "test:green")
        task.sleep = self.clock.sleep
        return golden.before_traffic(task)

    def score(self, cloud: Any, endpoint: Any, body: bytes, name: str, timeout: float, credential: str) -> Any:
        text = body.decode()
        self.asked.append((name, text))
        known = self.answers.get((name, text), [(200, text)])
        found = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(found, Exception):
            raise found
        status, answer = found
        return ScoreResult(status, 5.0, {}, answer, name, status == 200)

    @property
    def failed(self) -> CloudError:
        with pytest.raises(CloudError) as caught:
            self.call()
        return caught.value


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setattr("tui.common.deadlines.time", made.clock)
    monkeypatch.setattr("tui.cloud.endpoints.scoring.score", made.score)
    monkeypatch.setattr("tui.cloud.endpoints.keys.credentials", lambda *asked: "the key")
    monkeypatch.setattr("tui.cloud.endpoints.deployments.logs", lambda *asked: "Traceback of the container")
    monkeypatch.setattr(
        "tui.cloud.endpoints.endpoints.read",
        lambda cloud, name: SimpleNamespace(name=name, scoring_uri="https://churn/score", traffic=made.traffic),
    )
    return made


def names(plan: Plan) -> list[tuple[str, tuple[str, ...]]]:
    return [(task.name, task.needs) for task in tasks_of(plan)[-3:]]


def test_the_task_stands_before_the_split_changes(place: Place) -> None:
    assert names(place.plan()) == [
        ("test:green", ("deployment",)), ("traffic", ("test:green",)), ("test", ("traffic",)),
    ]  # fmt: skip
    assert names(replace(PLAN, test=Test(None)))[-2:] == [("traffic", ("deployment",)), ("test", ("traffic",))]
    rolled = place.plan("blue", "green", rollout=Rollout("green"))
    assert names(rolled) == [
        ("test:green", ("deployment:blue", "deployment:green")), ("rollout", ("test:green",)), ("test", ("rollout",)),
    ]  # fmt: skip


def test_each_request_goes_to_the_new_deployment_and_to_the_one_with_most_traffic(place: Place) -> None:
    place.answers["blue", "1"] = [(200, "7")]
    done = place.call()
    assert place.asked == [(name, str(number)) for number in range(3) for name in ("green", "blue")]
    assert done.detail == "3 of 3 golden requests as expected by green; blue answers 1 otherwise"
    assert done.result["golden"] == [{
        "deployment": "green", "requests": 3, "as_expected": 3, "compared_with": "blue", "answered_otherwise": 1,
        "differences": ["r1: the answer: blue gives 7, green 1"],
    }]  # fmt: skip
    assert place.run.journal.of("task_progress")[-1]["done"] == 3
    assert "r1: the answer: blue gives 7" in place.run.journal.lines


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        ((424, "x"), ["r1: status: blue gives 424, green 200"]),
        ((429, "x"), []),  # it is busy with its callers
        (CloudError("No answer", code="Unreachable"), []),
    ],
)
def test_an_older_deployment_never_fails_the_run(answer: Any, told: list[str], place: Place) -> None:
    place.answers["blue", "1"] = [answer]
    done = place.call()
    assert done.result["golden"][0]["differences"] == told
    assert done.detail.endswith("; blue answers 1 otherwise" if told else "; blue answers the same")


def test_without_an_older_deployment_there_is_nothing_to_compare(place: Place) -> None:
    place.traffic = {"green": 100}
    done = place.call()
    assert {name for name, _ in place.asked} == {"green"}
    assert done.detail == "3 of 3 golden requests as expected by green"


def test_every_deployment_that_is_about_to_get_traffic_is_asked(place: Place) -> None:
    place.call(place.plan("blue", "red", "green", traffic={"blue": 50, "red": 50}))
    assert {name for name, _ in place.asked if name != "old"} == {"red", "green"} | {"blue"}
    assert [one["deployment"] for one in place.call(place.plan("red", "green", traffic={"red": 50, "green": 50}))
            .result["golden"]] == ["red", "green"]  # fmt: skip


def test_a_failing_request_ends_the_run_and_says_what_differs(place: Place) -> None:
    place.answers["green", "1"] = [(424, "no")]
    place.answers["green", "2"] = [(200, "3")]
    error = place.failed
    assert error.title == "green did not answer 2 of 3 golden requests as expected"
    assert error.cause == "r1, r2. Traffic was not moved; green has received no caller's request."
    assert "golden.jsonl" in error.remedy
    assert error.raw.splitlines() == [
        "r1: expected status 200, got 424.", "r2: the answer: expected 2, got 3",
        "r1: status: blue gives 200, green 424", "r2: the answer: blue gives 2, green 3",
    ]  # fmt: skip
    assert "Traceback of the container" in place.run.journal.lines
    place.traffic = {"green": 100}
    assert "green already gets callers' requests" in place.failed.cause


def test_no_more_than_a_screenful_is_told(place: Place) -> None:
    place.write([{"request": number, "expected": -1} for number in range(60)])
    error = place.failed
    assert error.cause.startswith("request 1, request 2, request 3, and 57 more.")
    assert len(error.raw.splitlines()) == golden.MOST_LINES + 1
    assert error.raw.endswith(f"and {60 - golden.MOST_LINES} more")


def test_a_temporary_failure_is_tried_again_unless_it_is_expected(place: Place) -> None:
    place.answers["green", "1"] = [(503, ""), (429, ""), (200, "1")]
    assert place.call().result["golden"][0]["as_expected"] == 3
    place.asked.clear()
    place.write([{"request": 1, "status": 503}])
    place.answers["green", "1"] = [(503, "")]
    assert place.call().result["golden"][0]["as_expected"] == 1
    assert place.asked.count(("green", "1")) == 1


def test_an_interrupted_run_repeats_them_unless_the_traffic_had_begun_to_move(place: Place) -> None:
    run = a_run(place.folder, place.plan(), shift=Shift({}, {"green": 10}))
    assert golden.before_traffic(a_task(run, "test:green")).skipped
    assert place.asked == []
    run = a_run(place.folder, place.plan())
    run.stop.set()
    with pytest.raises(Stopped):
        golden.before_traffic(a_task(run, "test:green"))


def test_a_file_that_is_gone_or_malformed_is_an_error_of_the_plan(place: Place) -> None:
    place.file.write_text("{}")
    assert (place.failed.code, "line 1, request" in place.failed.cause) == ("golden-requests", True)
    place.file.unlink()
    assert (place.failed.code, place.failed.cause) == ("golden-requests", "No such file or directory.")
