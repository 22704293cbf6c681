"""The tasks that create or change the endpoint and a deployment, from what Azure has."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Notes, a_run, a_task
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.errors import CloudError
from tui.engine.resume_state import Begun
from tui.engine.task_context import Outcome, Run
from tui.engine.tasks import deployment, endpoint, logs
from tui.plan.model import Deployment
from tui.plan.planned_changes import Change, FieldChange

ENDPOINT = EndpointInfo("churn", "/e/churn", "Succeeded", "https://s", "key", "disabled", "", {}, {}, "eastus")
GREEN = DeploymentInfo(
    "green", "/d/green", "Succeeded", "Standard_DS3_v2", 1, "m", "e", "c", "score.py", {}, None, False, "", {}
)
STARTED = {"Location": "https://o"}


class Place:
    """What Azure has and how the plan differs from it; `sent` is what was asked of Azure."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.there: Any = None
        self.change = Change("endpoint", "churn", "create")
        self.sent: list[str] = []
        self.logged = 0
        plan = replace(PLAN, deployment=Deployment(name="green", instance_count=3, tags={"a": "b"}))
        self.run: Run = a_run(folder, plan, tags={"run": "r-1"})
        self.run.results = {"model": {"id": "/m"}, "endpoint": {"scoring_uri": "https://s"}}
        self.given: Any = None
        monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: self.there)
        monkeypatch.setattr("tui.cloud.endpoints.deployments.read", lambda cloud, at, name: self.there)
        for name in ("endpoints", "deployments"):
            monkeypatch.setattr(f"tui.cloud.endpoints.{name}.follow", lambda *given: self.operation("followed"))
            monkeypatch.setattr(
                f"tui.cloud.endpoints.{name}.begin_create_or_update", lambda *given: self.operation("sent", given)
            )
        monkeypatch.setattr(
            "tui.cloud.endpoints.deployments.begin_scale", lambda *given: self.operation("scaled", given)
        )
        monkeypatch.setattr("tui.cloud.endpoints.deployments.logs", lambda *given: self.log())
        monkeypatch.setattr(endpoint, "endpoint_change", lambda plan, there: self.change)
        monkeypatch.setattr(deployment, "deployment_change", self.compared)
        self.known: Any = None
        self.rules: Any = []
        monkeypatch.setattr("tui.cloud.endpoints.scaling.autoscale", lambda cloud, at: self.read_rules())

    def read_rules(self) -> Any:
        if isinstance(self.rules, Exception):
            raise self.rules
        return self.rules

    def compared(self, plan: Any, there: Any, known: Any) -> Change:
        self.known = known
        return self.change

    def operation(self, how: str, given: Any = None) -> Any:
        self.sent.append(how)
        self.given = given
        made = GREEN if isinstance(self.there, DeploymentInfo) or self.change.resource == "deployment" else ENDPOINT
        return SimpleNamespace(started={}, wait=lambda seconds: True, result=lambda: made, what="", state="")

    def log(self) -> str:
        self.logged += 1
        return "line"

    def begun(self, task: str, resource: str) -> None:
        self.run.begun[task] = Begun("create", f"{self.run.cloud.workspace_id}/onlineEndpoints/{resource}", STARTED)

    def work(self, kind: str) -> Outcome:
        return (endpoint if kind == "endpoint" else deployment).work(a_task(self.run, kind))

    @property
    def notes(self) -> Notes:
        return self.run.journal


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


CASES = [
    # what is there, the change, whether an earlier engine began -> what is sent, skipped, created, the detail begins
    (False, "create", False, ["sent"], False, True, "created"),
    (True, "change", False, ["sent"], False, False, "tags: "),
    (True, "skip", False, [], True, False, "{name}, unchanged"),
    (True, "skip", True, ["followed"], False, False, "created"),
    (False, "create", True, ["followed", "sent"], False, True, "created"),
]


@pytest.mark.parametrize("kind", ["endpoint", "deployment"])
@pytest.mark.parametrize(("there", "action", "begun", "sent", "skipped", "created", "detail"), CASES)
def test_what_is_sent_and_recorded(
    kind: str, there: bool, action: str, begun: bool, sent: list[str], skipped: bool, created: bool, detail: str,
    place: Place,
) -> None:  # fmt: skip
    name = "churn" if kind == "endpoint" else "green"
    place.there = (ENDPOINT if kind == "endpoint" else GREEN) if there else None
    changes = [FieldChange("tags", None, "x")] if action == "change" else []
    place.change = Change(kind, name, action, changes, why="nothing differs")
    if begun:
        place.begun(kind, "churn" if kind == "endpoint" else "churn/deployments/green")
    done = place.work(kind)
    assert place.sent == sent
    assert (done.skipped, done.detail.startswith(detail.format(name=name))) == (skipped, True)
    assert place.run.created == ([(kind, name)] if created else [])
    assert done.result["scoring_uri"] == "https://s"
    assert done.result["id"] == ("/e/churn" if kind == "endpoint" else "/d/green")
    assert ("Creating the" in place.notes.lines) is (action == "create")


def test_a_change_of_an_earlier_engine_is_told_as_a_change(place: Place) -> None:
    for kind, resource in (("endpoint", "churn"), ("deployment", "churn/deployments/green")):
        place.there = ENDPOINT if kind == "endpoint" else GREEN
        place.change = Change(kind, "churn", "skip")
        place.begun(kind, resource)
        place.run.begun[kind] = replace(place.run.begun[kind], operation="change")
        assert place.work(kind).detail == "changed"


@pytest.mark.parametrize("kind", ["endpoint", "deployment"])
def test_what_azure_would_refuse_is_not_sent(kind: str, place: Place) -> None:
    place.change = Change(kind, "churn", "change", refused="The size cannot be changed.")
    with pytest.raises(CloudError):
        place.work(kind)
    assert place.sent == []


@pytest.mark.parametrize(("in_place", "sent"), [(True, "scaled"), (False, "sent")])
def test_only_a_new_number_of_instances_keeps_the_containers(in_place: bool, sent: str, place: Place) -> None:
    place.there = GREEN
    place.change = Change("deployment", "green", "change", [FieldChange("count", 1, 3)], in_place=in_place)
    assert place.work("deployment").detail == "count: 1 → 3"
    assert place.sent == [sent]
    if in_place:
        assert place.given[2:] == ("green", 3, {"a": "b", "run": "r-1"})
    else:
        assert (place.given[2].model, place.given[2].environment, place.given[3]) == ("/m", None, {"run": "r-1"})
    assert place.known == {"model": "/m"}, "what was not registered is not compared"


# The logs meanwhile


@pytest.mark.parametrize(
    ("rules", "count"),
    [
        ([Autoscale("r", "GREEN", True, 1, 10)], 7),
        ([Autoscale("r", "green", False, 1, 10)], 3),
        ([Autoscale("r", "blue", True, 1, 10)], 3),
        (CloudError("Forbidden", status=403), 3),
    ],
)
def test_a_count_set_by_an_active_autoscale_rule_is_kept(rules: Any, count: int, place: Place) -> None:
    place.rules, place.there = rules, replace(GREEN, instance_count=7)
    place.change = Change("deployment", "green", "change", [FieldChange("tags", None, "x")])
    place.work("deployment")
    assert place.given[1].deployment.instance_count == count
    assert ("rule r sets the instance count of green, now 7" in place.notes.lines) is (count == 7)
    assert ("is unknown; the plan's is used" in place.notes.lines) is isinstance(rules, Exception)


def test_logs_are_read_at_the_end_too(place: Place) -> None:
    place.change = Change("deployment", "green", "create")
    place.work("deployment")
    assert place.logged >= 2, "of both containers"
    assert place.notes.lines.count("line") >= 2


def test_after_an_interruption_logs_are_read_while_it_is_followed(place: Place) -> None:
    place.there, place.change = GREEN, Change("deployment", "green", "skip")
    place.work("deployment")
    assert place.logged == 0
    place.begun("deployment", "churn/deployments/green")
    place.work("deployment")
    assert place.logged == 2


def test_a_log_that_is_not_there_yet_is_no_error(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*given: Any) -> str:
        if given[3] == "inference-server":
            raise CloudError("no container yet")
        return "line"

    monkeypatch.setattr("tui.cloud.endpoints.deployments.logs", none)
    place.change = Change("deployment", "green", "create")
    place.work("deployment")
    assert "line" in place.notes.lines, "the other container's log is read all the same"


def test_logs_are_read_soon_and_then_every_two_seconds(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []

    class Ended(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            waits.append(timeout or 0.0)
            return len(waits) > 6

    monkeypatch.setattr(logs, "threading", SimpleNamespace(Event=Ended, Thread=threading.Thread))
    place.change = Change("deployment", "green", "create")
    place.work("deployment")
    assert waits == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0, 2.0]
    assert place.logged == 2 * 7


@pytest.mark.parametrize(("stopped", "seconds"), [(True, 0), (False, 10)])
def test_a_stopped_run_does_not_wait_for_the_last_log(
    stopped: bool, seconds: float, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    joined: list[float] = []
    thread = SimpleNamespace(start=lambda: None, join=joined.append)
    made: list[bool] = []

    def begin(target: Any, name: str, daemon: bool) -> Any:
        made.append(daemon)
        return thread

    monkeypatch.setattr(logs, "threading", SimpleNamespace(Event=threading.Event, Thread=begin))
    with logs.followed(a_task(place.run, "deployment")):
        if stopped:
            place.run.stop.set()
    assert (joined, made) == ([seconds], [True])
