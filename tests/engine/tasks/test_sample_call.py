"""The test call at the end of a run: what is tried again, until when, and what counts as a failure."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Clock, a_run, a_task
from tui.cloud.endpoints.scoring import ScoreResult
from tui.cloud.errors import CloudError
from tui.engine.resume_state import Shift
from tui.engine.task_context import Run
from tui.engine.tasks import test as sample
from tui.plan.model import CodeConfiguration, Deployment, Limits, RequestSettings, Test

NOT_READY = {"ms-azureml-model-error-reason": "model_not_ready"}


def answer(status: int, ok: bool | None = None, headers: dict[str, str] | None = None, **more: Any) -> ScoreResult:
    fine = status == 200 if ok is None else ok
    return ScoreResult(status, 12.34, headers or {}, more.pop("body", "body"), more.pop("by", "green"), fine, **more)


class Place:
    """An endpoint that gives answers in turn, the last again and again, each after `took` seconds."""

    def __init__(self, folder: Path) -> None:
        self.clock, self.took = Clock(), 0.0
        self.answers: list[Any] = [answer(200)]
        self.asked: list[tuple[str | None, float]] = []
        self.sample = folder / "sample.json"
        self.sample.write_text("{}")
        self.folder = folder
        self.uri: str | None = "https://churn/score"
        self.logged: list[str] = []
        self.read: list[str] = []

    def call(self, pinned: bool = False, **changes: Any) -> tuple[Run, Any]:
        plan = replace(PLAN, test=Test(self.sample), **changes)
        run = a_run(self.folder, plan)
        task = a_task(run, "test")
        task.sleep = self.clock.sleep
        self.run = run
        return run, (sample.pinned if pinned else sample.work)(task)

    def score(self, cloud: Any, endpoint: Any, body: bytes, deployment: str | None, timeout: float) -> Any:
        self.clock.sleep(self.took)
        self.asked.append((deployment, timeout))
        found = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(found, Exception):
            raise found
        return found

    def log(self, cloud: Any, endpoint: str, deployment: str, container: str, lines: int) -> str:
        self.read.append(deployment)
        return self.logged.pop(0) if self.logged else ""

    @property
    def retries(self) -> list[tuple[str, float]]:
        return [(event["reason"], event["delay"]) for event in self.run.journal.of("task_retrying")]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    monkeypatch.setattr("tui.common.deadlines.time", made.clock)
    monkeypatch.setattr("tui.cloud.endpoints.scoring.score", made.score)
    monkeypatch.setattr("tui.cloud.endpoints.deployments.logs", made.log)
    monkeypatch.setattr(
        "tui.cloud.endpoints.endpoints.read", lambda cloud, name: SimpleNamespace(name=name, scoring_uri=made.uri)
    )
    return made


def test_an_answer_is_the_result(place: Place) -> None:
    run, done = place.call()
    assert done.result == {"status_code": 200, "latency_ms": 12.3, "response": "body", "deployment": "green"}
    assert (place.asked, done.skipped) == ([(None, 20.0)], False)
    assert "by green" in run.journal.lines


def test_a_deployment_that_is_not_reported_is_said_so(place: Place) -> None:
    place.answers = [answer(200, by=None)]
    run, _ = place.call()
    assert "not reported" in run.journal.lines


def test_the_new_deployment_is_called_alone(place: Place) -> None:
    run, _ = place.call(pinned=True)
    assert place.asked[0][0] == "green"
    (started,) = run.journal.of("task_started")
    assert (started["action"], started["detail"]) == ("read", "sample.json to green")


def test_a_rollout_that_had_begun_is_not_tested_alone_again(place: Place) -> None:
    run = a_run(place.folder, replace(PLAN, test=Test(place.sample)), shift=Shift({}, {"green": 10}))
    assert sample.pinned(a_task(run, "test:green")).skipped
    assert place.asked == []
    assert not sample.work(a_task(run, "test")).skipped


def test_without_a_sample_request_nothing_is_sent(place: Place) -> None:
    run = a_run(place.folder, PLAN)
    assert sample.work(a_task(run, "test")).skipped
    assert place.asked == []


@pytest.mark.parametrize("uri", [None, ""])
def test_an_endpoint_without_an_address_is_an_error(uri: str | None, place: Place) -> None:
    place.uri = uri
    with pytest.raises(CloudError):
        place.call()


def test_an_endpoint_that_is_gone_is_an_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: None)
    with pytest.raises(CloudError, match="no scoring URI"):
        place.call()


@pytest.mark.parametrize(("milliseconds", "seconds"), [(5000, 20.0), (90_000, 105.0), (1, 15.001)])
def test_an_answer_is_waited_for_as_long_as_the_deployment_may_take(
    milliseconds: int, seconds: float, place: Place
) -> None:
    place.call(deployment=Deployment(name="green", request_settings=RequestSettings(milliseconds)))
    assert place.asked[0][1] == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (answer(404), True),
        (answer(429), True),
        (answer(500), True),
        (answer(503), True),
        (answer(499), False),
        (answer(400), False),
        (answer(401), False),
        (answer(403), False),
        (answer(405), False),
        (answer(428), False),
        (answer(430), False),
        (answer(424), False),  # the container's own answer: scoring may have effects
        (answer(424, headers=NOT_READY), True),
        (answer(424, headers={"ms-azureml-model-error-reason": "model_error"}), False),
        (answer(424, headers={"ms-azureml-model-error-reason": "a"}), False),
        (answer(424, headers={"ms-azureml-model-error-reason": "z"}), False),
        (answer(425, headers=NOT_READY), False),
        (answer(423, headers=NOT_READY), False),
        (CloudError("No address", code="Unreachable"), True),
        (CloudError("Refused", code="Forbidden"), False),
        (CloudError("Refused", code="Z"), False),
        (CloudError("Refused"), False),
    ],
)
def test_what_passes_is_tried_again(first: Any, again: bool, place: Place) -> None:
    place.answers = [first, answer(200)]
    if again:
        place.call()
        assert len(place.asked) == 2
        ((reason, seconds),) = place.retries
        assert reason and seconds == 1.0
        return
    with pytest.raises(CloudError):
        place.call()
    assert len(place.asked) == 1


def test_a_200_with_an_error_text_is_final(place: Place) -> None:
    place.answers = [answer(200, ok=False, note="An error text."), answer(200)]
    with pytest.raises(CloudError) as caught:
        place.call()
    assert (caught.value.code, caught.value.cause) == ("scoring-200", "An error text.")


def test_each_wait_is_longer_and_the_limit_ends_them(place: Place) -> None:
    place.answers = [answer(404)]
    with pytest.raises(CloudError) as caught:
        place.call(limits=Limits(test=10))
    assert caught.value.code == "scoring-404"
    assert [seconds for _, seconds in place.retries] == [1.0, 2.0, 4.0, 5.0]


def test_no_answer_at_all_ends_at_the_limit_too(place: Place) -> None:
    place.answers = [CloudError("No address", code="Unreachable")]
    with pytest.raises(CloudError) as caught:
        place.call(limits=Limits(test=4))
    assert caught.value.code == "Unreachable"
    assert len(place.asked) == 4


def test_half_a_minute_is_the_limit_of_a_plan_without_one(place: Place) -> None:
    place.answers = [answer(404)]
    with pytest.raises(CloudError):
        place.call()
    assert 1030 < place.clock.now <= 1036


@pytest.mark.parametrize(("pinned", "said"), [(True, "green has received no caller's request"), (False, "Look")])
def test_a_failed_call_says_whether_callers_are_concerned(pinned: bool, said: str, place: Place) -> None:
    place.answers = [answer(400, note="Look.", body="x" * 5000)]
    with pytest.raises(CloudError) as caught:
        place.call(pinned=pinned)
    error = caught.value
    assert error.code == "scoring-400" and said in error.cause and error.cause.startswith("Look.")
    assert ("no caller" in error.cause) is pinned
    assert len(error.raw) == 4000
    assert place.run.results["test"]["status_code"] == 400


def test_a_failed_call_without_a_note_has_a_cause(place: Place) -> None:
    place.answers = [answer(400)]
    with pytest.raises(CloudError) as caught:
        place.call()
    assert caught.value.cause


@pytest.mark.parametrize(
    ("given", "logged", "read"),
    [
        (answer(424), ["KeyError: 'age'"], 1),
        (answer(424), ["", "KeyError: 'age'"], 2),  # Azure's log has it only later
        (answer(424), [], 4),
        (answer(200, ok=False), [], 1),
        (answer(403), ["KeyError: 'age'"], 0),
    ],
)
def test_the_log_is_read_again_after_a_failed_call(
    given: ScoreResult, logged: list[str], read: int, place: Place
) -> None:
    place.answers, place.logged = [given], logged[:]
    with pytest.raises(CloudError):
        place.call()
    assert place.read == ["green"] * read
    assert ("KeyError: 'age'" in place.run.journal.lines) == bool(read and logged)


def test_an_answer_that_may_be_an_error_is_no_silent_success(place: Place) -> None:
    (place.folder / "score.py").write_text(
        "def init(): ...\ndef run(data):\n  try:\n    return [1]\n  except Exception as e:\n    return str(e)\n"
    )
    code = CodeConfiguration(place.folder, "score.py")
    for body, doubt in (('"no rows"', "The answer may be an error: score.py, line 6"), ("[1]", "")):
        place.answers = [answer(200, body=body)]
        _, done = place.call(deployment=Deployment(name="green", code_configuration=code))
        assert (doubt in done.detail) and ("may be an error" in done.detail) == bool(doubt)
