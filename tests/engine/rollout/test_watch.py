"""When a step of a rollout is good enough, and which figures end it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock, a_run, a_task
from tui.cloud.endpoints.scoring import ScoreResult
from tui.cloud.errors import CloudError
from tui.cloud.monitor.metrics import Measured
from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.engine.rollout import watch
from tui.engine.rollout.watch import Trouble, Watch
from tui.engine.task_context import Stopped
from tui.plan.model import Rollout, Test

SPLIT = {"blue": 90, "green": 10}
ROLLOUT = Rollout("green", (10, 50, 100), pause=10.0, probe_every=2.0, min_requests=4)


class Place:
    """An endpoint that answers as the test says: `answers` in turn, the last again and again; `took` in ms."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.clock, self.folder = clock, folder
        self.answers: list[Any] = [200]
        self.took: list[float] = [10.0]
        self.traffic: Any = SPLIT
        self.measured: Measured | None = None
        self.asked = self.looked = self.metrics = self.keys_read = 0
        self.valid = "key"
        self.key_read: str | Exception = ""  # empty for the valid one
        (folder / "sample.json").write_text("{}")
        self.plan = replace(PLAN, test=Test(folder / "sample.json"))

    def watch(self, step: int = 1, **limits: Any) -> Watch:
        self.run = a_run(self.folder, self.plan)
        task = a_task(self.run)

        def sleep(seconds: float) -> None:
            if self.run.stop.is_set():
                raise Stopped
            self.clock.sleep(seconds)

        task.sleep = sleep
        return Watch(task, replace(ROLLOUT, **limits), dict(SPLIT), step)

    def read(self, cloud: Any, name: str, deployments: bool = True) -> Any:
        assert not deployments, "its deployments are not needed and cost a request"
        self.looked += 1
        if isinstance(self.traffic, Exception):
            raise self.traffic
        return None if self.traffic is None else SimpleNamespace(id="/e/churn", name="churn", traffic=self.traffic)

    def score(
        self, cloud: Any, found: Any, body: bytes, deployment: str, timeout: float, credential: Any
    ) -> ScoreResult:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        took = self.took.pop(0) if len(self.took) > 1 else self.took[0]
        if isinstance(answer, Exception):
            raise answer
        status, ok = answer if isinstance(answer, tuple) else (answer, answer == 200)
        if credential != self.valid:
            return ScoreResult(401, took, {"Server": "azureml-frontdoor"}, "key_auth_access_denied", None, False)
        return ScoreResult(status, took, {}, "", deployment, ok)

    def key(self, *_: Any) -> str:
        self.keys_read += 1
        if isinstance(self.key_read, Exception):
            raise self.key_read
        return self.key_read or self.valid

    def since(self, cloud: Any, endpoint_id: str, deployment: str, begin: float) -> Measured | None:
        assert (endpoint_id, deployment, begin) == ("/e/churn", "green", 1000.0)
        self.metrics += 1
        return self.measured


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    clock = Clock()
    monkeypatch.setattr(watch, "time", clock)
    made = Place(tmp_path, clock)
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", made.read)
    monkeypatch.setattr("tui.cloud.endpoints.scoring.score", made.score)
    monkeypatch.setattr("tui.cloud.endpoints.keys.credentials", made.key)
    monkeypatch.setattr("tui.cloud.monitor.metrics.since", made.since)
    made.measured = Measured(0, 0, None)
    return made


def trouble(found: Watch) -> str:
    """What ends a step; empty if nothing does."""
    try:
        found.until_the_end()
    except Trouble as wrong:
        return str(wrong)
    return ""


# A key or token that the front end refuses


def test_a_key_rotated_in_mid_step_is_read_again_and_never_counts_against_the_model(place: Place) -> None:
    original = place.read

    def rotate(*arguments: Any, **more: Any) -> Any:
        place.valid = f"key {place.looked}"
        return original(*arguments, **more)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tui.cloud.endpoints.endpoints.read", rotate)
        found = place.watch(pause=20.0, max_error_percent=0)
        assert trouble(found) == ""
    assert (found.errors, found.requests) == (0, 11)
    assert place.keys_read > 2


@pytest.mark.parametrize("key", ["an old one", CloudError("Refused", status=403)])
def test_without_an_accepted_key_the_step_does_not_end_and_the_model_is_not_blamed(
    key: str | Exception, place: Place
) -> None:
    place.key_read = key
    found = place.watch(pause=1.0, max_error_percent=0)
    with pytest.raises(CloudError) as caught:
        found.until_the_end()
    assert caught.value.title in ("The front end of churn refuses this run's key or token", "Refused")
    assert (found.errors, found.requests) == (0, 0)
    assert 300 < place.clock.now - 1000 < 310


@pytest.mark.parametrize(
    ("status", "headers", "refused"),
    [
        (401, {}, True),
        (403, {"Server": "azureml-frontdoor"}, True),
        (401, {"Ms-Azureml-Model-Error-StatusCode": "401"}, False),
        (424, {"ms-azureml-model-error-statuscode": "401"}, False),
        (200, {}, False),
    ],
)
def test_a_models_own_401_is_told_from_the_front_ends(status: int, headers: dict[str, str], refused: bool) -> None:
    assert ScoreResult(status, 1.0, headers, "", None, False).refused is refused


# How long a step is watched


@pytest.mark.parametrize(
    ("pause", "every", "enough", "seconds", "asked"),
    [
        (10.0, 2.0, 4, 10.0, 6),  # at 0, 2, 4, 6, 8, 10
        (10.0, 2.0, 6, 10.0, 6),  # the sixth answer comes at the end
        (10.0, 2.0, 7, 12.0, 7),  # not enough answers yet: one more
        (10.0, 2.0, 9, 16.0, 9),
        (0.0, 2.0, 3, 4.0, 3),
        (0.0, 2.0, 1, 0.0, 1),
        (3.0, 2.0, 1, 3.0, 3),  # the last rest is only as long as the pause is
    ],
)
def test_a_step_lasts_for_its_pause_and_until_there_are_enough_answers(
    pause: float, every: float, enough: int, seconds: float, asked: int, place: Place
) -> None:
    assert trouble(place.watch(pause=pause, probe_every=every, min_requests=enough)) == ""
    assert place.clock.now - 1000 == pytest.approx(seconds)
    assert place.asked == asked


def test_without_a_sample_request_the_pause_alone_counts(place: Place) -> None:
    place.plan = replace(place.plan, test=Test(None))
    assert trouble(place.watch()) == ""
    assert (place.clock.now - 1000, place.asked) == (pytest.approx(10.0), 0)
    assert "test requests" not in place.run.journal.lines


def test_the_time_in_which_the_machine_slept_is_not_watched(place: Place) -> None:
    """One look counts as 2 s until the next request, 20 s for its answer and 5 s at most."""
    found = place.watch(pause=60.0, min_requests=1)
    place.answers = [200]
    original, slept = place.score, []

    def score(*arguments: Any) -> ScoreResult:
        if not slept:
            slept.append(place.clock.sleep(3600))
        return original(*arguments)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tui.cloud.endpoints.scoring.score", score)
        assert trouble(found) == ""
    assert place.clock.now - 1000 == pytest.approx(3600 + 2 + 60 - 27, abs=2.01)


def test_a_request_to_roll_back_is_heeded_at_once(place: Place) -> None:
    found = place.watch()
    (place.folder / ROLL_BACK_FILE).touch()
    assert trouble(found)
    assert place.asked == 0


def test_a_request_to_roll_back_is_heeded_while_resting(place: Place) -> None:
    found = place.watch(probe_every=60.0, pause=600.0)
    sleep = found._task.sleep

    def asked_meanwhile(seconds: float) -> None:
        sleep(seconds)
        if place.clock.now > 1030:
            (place.folder / ROLL_BACK_FILE).touch()

    found._task.sleep = asked_meanwhile
    assert trouble(found)
    assert 1030 < place.clock.now < 1031


def test_an_endpoint_that_is_gone_is_somebody_elses_change(place: Place) -> None:
    place.traffic = None
    with pytest.raises(CloudError) as caught:
        place.watch().until_the_end()
    assert caught.value.code == "ChangedByOthers"


# Test requests that fail or are slow


@pytest.mark.parametrize(
    ("answers", "limit", "enough", "bad"),
    [
        ([200], 0, 4, False),
        ([500, 200], 0, 4, True),
        ([500, 200], 24, 4, True),  # 1 of at least 4
        ([500, 200], 25, 4, False),
        ([500, 500, 200], 49, 4, True),
        ([200, 200, 500, 500, 200], 50, 4, False),
        ([200, 200, 200, 200, 500], 20, 4, False),  # 1 of 5, then 2 of 6
        ([200, 200, 200, 200, 500], 33, 4, False),
        ([CloudError("no answer"), 200], 20, 4, True),
        ([(200, False), 200], 20, 4, True),  # a 200 whose body is an error text
        ([204, 200], 20, 4, True),
        ([404, 200], 20, 4, True),
    ],
)
def test_the_limit_of_failed_requests(answers: list[Any], limit: int, enough: int, bad: bool, place: Place) -> None:
    place.answers = [*answers, 200]
    found = place.watch(max_error_percent=limit, min_requests=enough)
    said = trouble(found)
    assert bool(said) is bad
    assert f"the limit is {limit} %" in said or not bad


def test_it_ends_as_soon_as_the_remaining_answers_cannot_help(place: Place) -> None:
    place.answers = [500]
    said = trouble(place.watch(max_error_percent=20, min_requests=10))
    assert place.asked == 3, "2 of 10 may fail"
    assert "500 × 3" in said


def test_each_kind_of_failure_is_counted(place: Place) -> None:
    place.answers = [CloudError("no answer"), (200, False), 500, 200]
    said = trouble(place.watch(max_error_percent=50, min_requests=6))
    assert said == ""
    last = place.run.journal.of("rollout_watch")[-1]
    assert last["statuses"] == {"none": 1, "200": 3, "424": 1, "500": 1}
    assert (last["requests"], last["errors"]) == (6, 3)
    assert "3 failed (no answer × 1, 424 × 1, 500 × 1)" in place.run.journal.lines


@pytest.mark.parametrize(
    ("took", "limit", "bad"),
    [
        ([100.0], 100, False),
        ([100.1], 100, True),
        ([100.0], None, False),
        ([100.1], 0, True),
        ([9.0, 9.0, 9.0, 9.0, 9.0, 500.0], 100, True),  # of six answers, p95 is the slowest
    ],
)
def test_the_limit_of_latency(took: list[float], limit: int | None, bad: bool, place: Place) -> None:
    place.took = took
    assert bool(trouble(place.watch(max_p95_ms=limit))) is bad


def test_latency_is_judged_once_there_are_enough_answers(place: Place) -> None:
    place.took = [900.0]
    assert trouble(place.watch(max_p95_ms=100, min_requests=4))
    assert place.asked == 4


@pytest.mark.parametrize(
    ("count", "rank"), [(1, 1), (2, 2), (19, 19), (20, 19), (21, 20), (39, 38), (40, 38), (100, 95), (101, 96)]
)
def test_p95_is_the_answer_that_95_percent_are_not_slower_than(count: int, rank: int, place: Place) -> None:
    found = place.watch()
    assert found.p95_ms is None
    found._latencies = [float(number) for number in range(count, 0, -1)]
    assert found.p95_ms == rank


# What Azure measures of callers


@pytest.mark.parametrize(
    ("seen", "bad"),
    [
        (Measured(100, 5, None), False),
        (Measured(100, 6, None), True),
        (Measured(3, 3, 9000.0), False),  # too few
        (Measured(4, 4, None), True),
        (Measured(4, 0, 100.0), False),
        (Measured(4, 0, 100.1), True),
        (Measured(4, 0, None), False),
    ],
)
def test_the_limits_hold_for_callers_too(seen: Measured, bad: bool, place: Place) -> None:
    place.measured = seen
    assert bool(trouble(place.watch(pause=30.0, max_p95_ms=100, max_error_percent=5))) is bad
    figures = place.run.journal.of("rollout_watch")[-1]["callers"]
    assert bad or figures == {"requests": seen.requests, "errors": seen.errors, "p95_ms": seen.p95_ms}


def test_without_a_latency_limit_slow_callers_are_no_trouble(place: Place) -> None:
    place.measured = Measured(100, 0, 1e6)
    assert trouble(place.watch(pause=30.0, max_p95_ms=None)) == ""


def test_metrics_are_read_every_twenty_seconds(place: Place) -> None:
    assert trouble(place.watch(pause=65.0)) == ""
    assert place.metrics == 3
    assert trouble(place.watch(pause=19.0)) == "" and place.metrics == 3


def test_metrics_that_this_identity_may_not_read_are_asked_for_once(place: Place) -> None:
    place.measured = None
    assert trouble(place.watch(pause=65.0)) == ""
    assert place.metrics == 1
    assert "cannot read metrics" in place.run.journal.lines
    assert place.run.journal.of("rollout_watch")[-1]["callers"] is None


# Somebody else's change of the split


def test_the_split_is_read_every_five_seconds(place: Place) -> None:
    assert trouble(place.watch(pause=20.0, probe_every=1.0)) == ""
    assert place.looked == 1 + 4, "once at the begin"


@pytest.mark.parametrize("traffic", [{"blue": 100}, {"blue": 90, "green": 10, "red": 0}, {"blue": 90}, {}])
def test_a_split_of_somebody_else_is_left_alone(traffic: dict[str, int], place: Place) -> None:
    found = place.watch()
    place.traffic = traffic
    if traffic == {"blue": 90, "green": 10, "red": 0}:
        assert trouble(found) == "", "a deployment without traffic makes no difference"
        return
    with pytest.raises(CloudError) as caught:
        found.until_the_end()
    assert caught.value.code == "ChangedByOthers"


def test_a_split_that_cannot_be_read_for_a_moment_is_read_again(place: Place) -> None:
    found = place.watch()
    answers: list[Any] = [SPLIT, CloudError("Azure does not answer"), SPLIT]

    def read(*arguments: Any, **options: Any) -> Any:
        place.traffic = answers.pop(0) if len(answers) > 1 else answers[0]
        return place.read(*arguments, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tui.cloud.endpoints.endpoints.read", read)
        assert trouble(found) == ""
    (retried,) = place.run.journal.of("task_retrying")
    assert (retried["reason"], retried["delay"]) == ("Azure does not answer", 5.0)


# What is told meanwhile


def test_figures_are_told_every_two_seconds_and_at_the_end(place: Place) -> None:
    assert trouble(place.watch(step=2, pause=6.0, probe_every=1.0)) == ""
    told = place.run.journal.of("rollout_watch")
    assert [event["left"] for event in told] == [4.0, 2.0, 0.0, 0.0]
    assert (told[0]["deployment"], told[0]["step"], told[0]["steps"]) == ("green", 2, 3)
    assert (told[-1]["requests"], told[-1]["errors"], told[-1]["p95_ms"]) == (7, 0, 10.0)
    assert "7 test requests, none failed, p95 10 ms" in place.run.journal.lines


def test_a_stopped_run_ends_the_step(place: Place) -> None:
    found = place.watch()
    place.run.stop.set()
    with pytest.raises(Stopped):
        found.until_the_end()
