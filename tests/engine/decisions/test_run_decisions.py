"""How a run ends: blocked by a check, failed, cancelled or succeeded, and what is recorded about it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, Notes
from tui.checks.finding import BLOCKER, OK, WARNING, Finding
from tui.cloud.errors import CloudError
from tui.engine import run as module
from tui.engine.journal.journal import JournalWriter
from tui.engine.resume_state import Shift
from tui.engine.run import TOO_LATE, Engine
from tui.engine.task_graph import Failure
from tui.plan.model import Credential, Deployment, Limits, Plan, Rollout

GATES = ["sign-in", "workspace"]


def finding(severity: str, id: str = "one") -> Finding:
    return Finding(id, severity, "endpoint.name", f"{id} is {severity}.", f"Fix {id}.")


class Place:
    """An engine whose tasks and checks end as the test says, and what was done."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder = folder / "runs" / "r-1"
        self.folder.mkdir(parents=True)
        self.files: list[Finding] = []
        self.preflight: list[Finding] = []
        self.failures: list[Failure | None] = [None, None]
        self.stops_in: int | None = None  # the graph during which the run is asked to stop
        self.ended = True  # whether the tasks leave results
        self.owner: str | None = None
        self.ran: list[list[str]] = []
        self.cleaned: list[str] = []
        self.left: list[str] = []
        self.locked: list[tuple[Path, str, str]] = []
        monkeypatch.setattr("tui.cloud.session.connect", lambda plan, recorder: SimpleNamespace())
        monkeypatch.setattr("tui.checks.each_deployment.files", lambda plan: self.files)
        monkeypatch.setattr("tui.checks.preflight.run", lambda plan, cloud: self.preflight)
        monkeypatch.setattr(module, "run_tasks", self.run_tasks)
        monkeypatch.setattr(module.endpoint_lock, "take", self.take)
        monkeypatch.setattr(module, "left_behind", lambda run: self.left)
        monkeypatch.setattr(module, "clean_up", lambda run: self.cleaned.append("cleaned"))

    def take(self, state: Path, target: str, run: str) -> str | None:
        self.locked.append((state, target, run))
        return self.owner

    def run_tasks(self, run: Any, tasks: Any) -> Failure | None:
        self.ran.append([task.name for task in tasks])
        if self.stops_in == len(self.ran):
            self.engine.stop()
        if self.ended:
            run.results.update({task.name: {} for task in tasks})
        return self.failures[len(self.ran) - 1]

    def execute(self, plan: Plan = PLAN, **options: Any) -> str:
        self.notes, self.ran = Notes(), []
        self.engine = Engine(
            plan,
            self.folder,
            self.notes,
            **{"rehearsed": False, "resumed": False, **options},
        )
        return self.engine.execute()

    @property
    def end(self) -> dict[str, Any]:
        (event,) = self.notes.of("run_finished")
        return event


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(tmp_path, monkeypatch)


def test_a_run_without_trouble_succeeds(place: Place) -> None:
    place.preflight = [finding(WARNING), finding(OK)]
    assert place.execute() == "succeeded"
    assert place.ran[0] == GATES
    assert not set(GATES) & set(place.ran[1])
    assert [event["severity"] for event in place.notes.of("finding")] == [WARNING, OK]
    assert (place.end["status"], place.end["message"], "left_behind" in place.end) == ("succeeded", "", False)
    state, _, run = place.locked[0]
    assert (state, run) == (place.folder.parent.parent, "r-1")


@pytest.mark.parametrize(
    ("files", "preflight", "ran", "ids"),
    [
        ([finding(BLOCKER, "file")], [finding(BLOCKER, "late")], 0, ["file"]),  # Azure is not asked
        ([finding(WARNING, "file")], [finding(BLOCKER, "late"), finding(WARNING)], 1, ["late", "one"]),
    ],
)
def test_a_blocker_ends_it_before_anything_is_changed(
    files: list[Finding], preflight: list[Finding], ran: int, ids: list[str], place: Place
) -> None:
    place.files, place.preflight = files, preflight
    assert place.execute() == "blocked"
    assert len(place.ran) == ran
    assert [event["id"] for event in place.notes.of("finding")] == ids
    assert place.end["message"] == f"{ids[0]} is blocker. Fix {ids[0]}."


@pytest.mark.parametrize(("task", "field"), [("sign-in", "credential.method"), ("workspace", "workspace.name")])
def test_a_failed_gate_blocks(task: str, field: str, place: Place) -> None:
    place.files = [finding(WARNING)]
    place.failures = [Failure(task, CloudError("Refused", remedy="Ask."))]
    assert place.execute() == "blocked"
    told = place.notes.of("finding")
    assert [(event["id"], event["severity"]) for event in told] == [("one", WARNING), (task, BLOCKER)]
    assert (told[1]["field"], told[1]["remedy"]) == (field, "Ask.")
    assert place.notes.of("needs_attention")[0]["task"] == task


@pytest.mark.parametrize(("code", "resumable"), [("TimeLimit", False), ("JournalNotWritable", True)])
def test_a_time_limit_or_a_full_disk_at_sign_in_is_no_finding_about_the_plan(
    code: str, resumable: bool, place: Place
) -> None:
    place.failures = [Failure("sign-in", CloudError("It took too long", code=code))]
    assert place.execute() == "failed"
    assert (len(place.ran), place.notes.of("finding")) == (1, [])
    assert place.notes.of("needs_attention")[0]["card"]["title"] == "It took too long"
    assert place.end["message"].startswith("It took too long")
    assert place.end.get("resumable", False) is resumable


def test_a_failed_task_fails_the_run(place: Place) -> None:
    place.failures = [None, Failure("model", CloudError("Refused"))]
    place.left = ["endpoint churn"]
    assert place.execute() == "failed"
    assert place.notes.of("needs_attention")[0]["card"]["title"] == "Refused"
    assert place.end["left_behind"] == ["endpoint churn"]
    assert "Refused" in place.end["message"]
    assert "resumable" not in place.end


def test_a_run_whose_disk_was_full_has_an_end_from_which_it_can_be_resumed(place: Place) -> None:
    place.failures = [None, Failure("model", CloudError("Full", code="JournalNotWritable"))]
    assert place.execute() == "failed"
    assert place.end["resumable"] is True


@pytest.mark.parametrize("at", [1, 2])
def test_a_run_that_was_stopped_is_cancelled(at: int, place: Place) -> None:
    place.stops_in, place.ended = at, False
    place.failures = [Failure("workspace", CloudError("x")) if at == 1 else None, None]
    assert place.execute() == "cancelled"
    assert (len(place.ran), place.notes.of("needs_attention")) == (at, [])
    assert place.end["message"].startswith("The run was stopped.")


def test_a_run_that_was_stopped_during_the_preflight_is_cancelled(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopping(stop: Any, work: Any) -> Any:
        if len(place.ran) == 1:
            place.engine.stop()
            raise module.Stopped
        return work()

    monkeypatch.setattr(module, "unless_stopped", stopping)
    assert place.execute() == "cancelled"
    assert len(place.ran) == 1


def test_a_stop_after_the_last_task_comes_too_late(place: Place) -> None:
    place.stops_in = 2
    assert place.execute() == "succeeded"
    assert place.end["message"] == TOO_LATE


# Other runs on the endpoint


def test_another_run_on_the_endpoint_blocks(place: Place) -> None:
    place.owner = "r-0"
    assert place.execute() == "blocked"
    (found,) = place.notes.of("finding")
    assert (found["id"], found["severity"]) == ("run-in-progress", BLOCKER)
    assert "attach r-0" in place.end["message"] and place.ran == []


@pytest.mark.parametrize(
    ("about", "beats", "blocked"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"endpoint": "a-other"}, True, False),
        ({"endpoint": "z-other"}, True, False),
        ({"rehearsed": True}, True, False),
        ({"workspace": {"subscription_id": "S", "resource_group": "rg", "name": "WS"}}, True, True),
        ({"workspace": {"subscription_id": "s", "resource_group": "rg", "name": "ws-test"}}, True, False),
        ({"workspace": {"subscription_id": "other", "resource_group": "rg", "name": "ws"}}, True, False),
        (None, True, False),
    ],
)
def test_a_run_of_another_machine_on_the_endpoint_blocks(
    about: dict[str, Any] | None, beats: bool, blocked: bool, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = place.folder.parent / "r-0"
    other.mkdir()
    if about is not None:
        writer = JournalWriter(other, "r-0")
        writer.emit("run_started", workspace=about.pop("workspace", None))
        writer.close()
        known = {"run": "r-0", "endpoint": "churn", "deployment": "b", "started": "t", "rehearsed": False, **about}
        (other / "run.json").write_text(json.dumps(known))
    monkeypatch.setattr(module.heartbeat_and_takeover, "elsewhere", lambda folder: beats or folder == place.folder)
    assert (place.execute() == "blocked") is blocked


# What is recorded at the begin and at the end


@pytest.mark.parametrize(
    ("rehearsed", "speed", "seconds"), [(False, "20", 90.0), (True, "20", 4.5), (True, None, None), (True, "", None)]
)
def test_typical_times_are_the_rehearsals(
    rehearsed: bool, speed: str | None, seconds: float | None, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("REHEARSAL_SPEED", raising=False)
    if speed is not None:
        monkeypatch.setenv("REHEARSAL_SPEED", speed)
    place.execute(rehearsed=rehearsed)
    (begun,) = place.notes.of("run_started")
    assert {task["name"]: task["typical_seconds"] for task in begun["tasks"]}["endpoint"] == seconds
    assert begun["rehearsed"] is rehearsed
    assert "deployments" not in begun and "rollout" not in begun


def test_several_deployments_and_a_rollout_are_told(place: Place) -> None:
    plan = replace(
        PLAN,
        deployments=(Deployment(name="blue"), Deployment(name="green")),
        rollout=Rollout("green", (10, 100), pause=60.0, max_p95_ms=200),
        credential=Credential("managed_identity", client_id="c-1"),
    )
    place.execute(plan)
    (begun,) = place.notes.of("run_started")
    assert begun["deployments"] == ["blue", "green"]
    assert (begun["rollout"]["steps"], begun["rollout"]["max_p95_ms"]) == ([10, 100], 200)
    assert begun["principal"] == "managed_identity c-1"


def test_a_resumed_run_goes_on_from_its_journal(place: Place) -> None:
    writer = JournalWriter(place.folder, "r-1")
    writer.emit("task_intent", task="endpoint", operation="create", resource_id="/e/churn")
    writer.emit("traffic_shift", task="rollout", before={"blue": 100}, after={"green": 100})
    writer.close()
    place.execute(resumed=True)
    assert (place.notes.of("run_started"), len(place.notes.of("run_resumed"))) == ([], 1)
    assert place.engine.run.created == [("endpoint", "churn")]
    assert set(place.engine.run.begun) == {"endpoint"}
    assert place.engine.run.shift == Shift({"blue": 100}, {"green": 100})
    place.execute()
    assert place.engine.run.created == [], "a new run has made nothing yet"


@pytest.mark.parametrize(("total", "seconds"), [(None, None), (0, 0), (60, 60)])
def test_the_limit_of_the_whole_run(total: float | None, seconds: float | None, place: Place) -> None:
    place.execute(replace(PLAN, limits=Limits(total=total)))
    assert (place.engine.run.time and place.engine.run.time.seconds) == seconds
    assert (place.engine.run.time is None) is (total is None)


@pytest.mark.parametrize(
    ("stopped", "created", "asked", "cleaned"),
    [
        (True, True, True, True),
        (True, True, False, False),
        (True, False, True, False),
        (False, True, True, False),  # it failed; nobody asked to stop it
    ],
)
def test_what_was_created_is_removed_only_if_asked(
    stopped: bool, created: bool, asked: bool, cleaned: bool, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    place.ended = False
    place.stops_in = 2 if stopped else None
    place.failures = [None, None if stopped else Failure("model", CloudError("x"))]
    if asked:
        (place.folder / "clean-up").touch()
    original = place.run_tasks

    def run_tasks(run: Any, tasks: Any) -> Failure | None:
        if created:
            run.created = [("endpoint", "churn")]
        return original(run, tasks)

    monkeypatch.setattr(module, "run_tasks", run_tasks)
    place.execute()
    assert place.cleaned == ["cleaned"] * cleaned
    if stopped:
        assert ("was removed" in place.end["message"]) is cleaned


def test_a_removal_that_fails_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: Any) -> None:
        raise CloudError("Azure does not answer")

    monkeypatch.setattr(module, "clean_up", fail)
    place.stops_in, place.ended = 2, False
    (place.folder / "clean-up").touch()
    place.execute()
    place.engine.run.created = [("endpoint", "churn")]
    assert place.engine._clean_up() is False
    assert "Not cleaned up" in place.notes.lines


def test_the_end_has_the_addresses_and_the_test(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    results: dict[str, dict[str, Any]] = {"workspace": {"portal_url": "https://ws"}}

    def run_tasks(run: Any, tasks: Any) -> None:
        run.results.update(results)

    monkeypatch.setattr(module, "run_tasks", run_tasks)
    place.execute()
    assert (place.end["portal_url"], place.end["scoring_uri"], place.end["test"]) == ("https://ws", None, None)
    results |= {"endpoint": {"portal_url": "https://e", "scoring_uri": "https://s"}, "test": {"status_code": 200}}
    place.execute()
    assert (place.end["portal_url"], place.end["scoring_uri"], place.end["test"]) == (
        "https://e", "https://s", {"status_code": 200},
    )  # fmt: skip
