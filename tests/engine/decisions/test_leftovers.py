"""What an unsuccessful run leaves in Azure, what is said about it, and what is removed on request."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.engine.decisions.plain_run import Clock, a_run
from tui.cloud.endpoints import scaling
from tui.cloud.endpoints.scaling import Autoscale
from tui.engine import clean_up as cleaning
from tui.engine.clean_up import clean_up
from tui.engine.leftovers import Left, left_behind, still_there, stopped_message
from tui.engine.resume_state import Shift
from tui.engine.task_context import RUN_TAG, Run

MADE = [("model", "m:1"), ("endpoint", "churn"), ("deployment", "green")]
MINE, THEIRS = {RUN_TAG: "r-1"}, {RUN_TAG: "r-2"}
Found = Any


def endpoint(tags: dict[str, str] = MINE, state: str = "Succeeded", **deployments: Any) -> Found:
    """An endpoint as read; each deployment is its tags, or its tags and state."""
    parts = [
        SimpleNamespace(name=name, tags=given[0], provisioning_state=given[1])
        for name, given in (
            (name, one if isinstance(one, tuple) else (one, "Succeeded")) for name, one in deployments.items()
        )
    ]
    return SimpleNamespace(
        name="churn", tags=tags, provisioning_state=state, deployments=parts, traffic={}, mirror_traffic={}
    )


@pytest.mark.parametrize(
    ("found", "left"),
    [
        (None, ["model m:1"]),
        (endpoint(green=MINE), ["model m:1", "endpoint churn", "deployment green"]),
        (endpoint(tags=THEIRS, green=MINE), ["model m:1", "deployment green"]),
        (endpoint(tags={}, green=THEIRS), ["model m:1"]),
        (endpoint(green=THEIRS), ["model m:1", "endpoint churn"]),
        (endpoint(blue=MINE), ["model m:1", "endpoint churn"]),  # blue was not made by this run
        (endpoint(tags={RUN_TAG: "r-0"}), ["model m:1"]),
    ],
)
def test_what_another_run_has_taken_over_is_not_left_behind(found: Found, left: list[str], tmp_path: Path) -> None:
    run = a_run(tmp_path, created=list(MADE))
    assert [str(item) for item in still_there(run, found)] == left


def test_the_state_of_each_is_azures(tmp_path: Path) -> None:
    run = a_run(tmp_path, created=list(MADE))
    found = endpoint(state="Updating", green=(MINE, "Failed"))
    assert [item.state for item in still_there(run, found)] == ["", "Updating", "Failed"]


def test_a_run_that_made_nothing_asks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda *_: pytest.fail("Azure was asked"))
    assert left_behind(a_run(tmp_path)) == []


def test_without_an_answer_the_runs_own_record_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = a_run(tmp_path, created=list(MADE))
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: endpoint(green=THEIRS))
    assert [str(item) for item in left_behind(run)] == ["model m:1", "endpoint churn"]

    def fail(cloud: Any, name: str) -> Any:
        raise OSError("no network")

    monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", fail)
    assert [(item.kind, item.state) for item in left_behind(run)] == [
        ("model", ""), ("endpoint", "unknown"), ("deployment", "unknown"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "words"),
    [
        ("Succeeded", "endpoint churn, which is complete"),
        ("Creating", "endpoint churn, which Azure is still working on"),
        ("Updating", "endpoint churn, which Azure is still working on"),
        ("Failed", "endpoint churn (Failed)"),
        ("Zombie", "endpoint churn (Zombie)"),
        ("", "endpoint churn"),
    ],
)
def test_a_leftover_in_words(state: str, words: str) -> None:
    assert Left("endpoint", "churn", state).words == words


MODEL, ENDPOINT = Left("model", "m:1"), Left("endpoint", "churn", "Succeeded")
RULES, SCALED = Left("autoscale", "s"), [("autoscale", "s")]
SHIFTED = Shift({"blue": 100}, {"blue": 90, "green": 10})


@pytest.mark.parametrize(
    ("run", "left", "options", "has", "lacks"),
    [
        ({}, [], {}, ["had not created anything"], ["Remove it", "Traffic:", "model is kept"]),
        ({"created": MADE}, [ENDPOINT], {}, ["churn, which is complete", "remove", " --yes"],
         ["--rehearse", "not created", "model is kept"]),
        ({"created": MADE}, [ENDPOINT], {"rehearsed": True}, [" --rehearse --yes"], []),
        ({"created": MADE}, [MODEL, ENDPOINT], {}, ["Left in Azure: endpoint", "model is kept"], ["model m:1;"]),
        ({"created": MADE}, [MODEL], {}, ["model is kept"], ["Left in Azure", "not created", "was removed"]),
        ({"created": MADE}, [], {"cleaned": True}, ["was removed"], ["not created"]),
        ({"created": MADE}, [ENDPOINT], {"cleaned": True}, ["Left in Azure"], ["was removed"]),
        ({"created": MADE}, [], {}, [], ["not created", "was removed"]),
        ({"created": SCALED}, [RULES], {}, ["autoscale setting s. Applying the plan without autoscale"], ["remove "]),
        ({"created": MADE}, [ENDPOINT, RULES], {}, ["complete; autoscale setting s. Remove it with"], ["Applying"]),
        ({"shift": SHIFTED}, [], {}, ["Traffic: blue 90 %, green 10 %; before the run: blue 100 %", "rollback churn"],
         ["not created"]),
        ({"shift": Shift({}, {"green": 100})}, [], {}, ["before the run: no traffic"], ["Roll back with"]),
        ({"shift": Shift({"blue": 100}, {"blue": 100})}, [], {}, [], ["Traffic:"]),
        ({"shift": Shift({"blue": 100}, {"blue": 90}, back=True)}, [], {}, [], ["Traffic:"]),
        ({"shift": SHIFTED}, [], {"cleaned": True}, [], ["Traffic:"]),
    ],
)  # fmt: skip
def test_the_message_of_a_stopped_run(
    run: dict[str, Any], left: list[Left], options: dict[str, bool], has: list[str], lacks: list[str], tmp_path: Path
) -> None:
    said = stopped_message(a_run(tmp_path, **run), left, **{"rehearsed": False, "cleaned": False, **options})
    assert said.startswith("The run was stopped.")
    assert [part for part in has if part not in said] == []
    assert [part for part in lacks if part in said] == []


# Cleaning up


class Place:
    """What is removed and which splits are set, while Azure answers as the test says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.answers: list[Found] = []
        self.done: list[Any] = []
        self.clock = Clock()
        monkeypatch.setattr(cleaning, "time", self.clock)
        monkeypatch.setattr("tui.cloud.endpoints.endpoints.read", lambda cloud, name: self.read())
        monkeypatch.setattr(
            "tui.cloud.http.run_operation.run_operation", lambda begin, limit: self.done.append(begin())
        )
        monkeypatch.setattr("tui.cloud.endpoints.endpoints.begin_delete", lambda cloud, name: f"delete {name}")
        monkeypatch.setattr("tui.cloud.endpoints.deployments.begin_delete", lambda cloud, _, name: f"delete {name}")
        self.rules: list[Autoscale] = []
        monkeypatch.setattr(scaling, "autoscale", lambda cloud, at: self.rules)
        monkeypatch.setattr(scaling, "delete", lambda cloud, name: self.done.append(f"delete {name}"))
        monkeypatch.setattr("tui.cloud.endpoints.traffic.begin_set", lambda cloud, name, *splits: splits)

    def read(self) -> Found:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def clean(self, folder: Path, found: Found, **more: Any) -> Run:
        self.answers = found if isinstance(found, list) else [found]
        run = a_run(folder, created=[*MADE, *more.pop("also", [])], **more)
        clean_up(run)
        return run


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    return Place(monkeypatch)


def removed(run: Run) -> list[str]:
    return [event["name"] for event in run.journal.of("task_removed")]


def test_an_endpoint_that_the_run_made_is_removed_with_its_deployments(place: Place, tmp_path: Path) -> None:
    run = place.clean(tmp_path, endpoint(green=MINE))
    assert place.done == ["delete churn"]
    assert (removed(run), run.created) == (["churn", "green"], [("model", "m:1")])


def test_rules_go_before_what_they_scale_and_those_of_others_stay(place: Place, tmp_path: Path) -> None:
    def rule(name: str, deployment: str, **tags: str) -> Autoscale:
        return Autoscale(name, deployment, True, 1, 2, {"tags": tags})

    ours, theirs = {"aml-deploy": "1", **MINE}, {"aml-deploy": "1", **THEIRS}
    place.rules = [
        rule("of-green", "green", **ours), rule("made-for-blue", "blue", **ours), rule("changed", "blue", **ours),
        rule("taken-over", "blue", **theirs), rule("by-hand", "green"),
    ]  # fmt: skip
    also = [("autoscale", name) for name in ("of-green", "made-for-blue", "taken-over")]
    run = place.clean(tmp_path, endpoint(tags={}, green=MINE, blue=THEIRS), also=also)
    assert place.done == ["delete of-green", "delete made-for-blue", "delete green"]
    assert removed(run) == ["of-green", "made-for-blue", "green"]
    assert run.created == [("model", "m:1"), ("endpoint", "churn"), ("autoscale", "taken-over")]


def test_on_somebody_elses_endpoint_only_the_deployment_is_removed(place: Place, tmp_path: Path) -> None:
    run = place.clean(tmp_path, endpoint(tags={}, green=MINE, blue=THEIRS))
    assert place.done == ["delete green"]
    assert (removed(run), run.created) == (["green"], [("model", "m:1"), ("endpoint", "churn")])


@pytest.mark.parametrize("found", [None, endpoint(tags=THEIRS, green=THEIRS)])
def test_what_is_not_the_runs_own_is_left(found: Found, place: Place, tmp_path: Path) -> None:
    run = place.clean(tmp_path, found)
    assert (place.done, removed(run)) == ([], [])


@pytest.mark.parametrize(
    ("now", "mirrored", "shift", "splits"),
    [
        ({"blue": 90, "green": 10}, {}, SHIFTED, ({"blue": 100}, {"blue": 90, "green": 10}, {})),
        ({"blue": 100}, {}, SHIFTED, None),  # it is as before already
        ({"blue": 100}, {}, None, None),
        ({"blue": 60, "green": 40}, {}, None, ({"blue": 100}, {"blue": 60, "green": 40}, {})),
        ({"blue": 100}, {"green": 20}, SHIFTED, ({"blue": 100}, {"blue": 100}, {})),
        ({"blue": 100}, {"red": 20}, SHIFTED, None),
        ({"blue": 90, "green": 10}, {"red": 20}, SHIFTED, ({"blue": 100}, {"blue": 90, "green": 10}, {"red": 20})),
        ({"blue": 90, "green": 10}, {}, Shift({"blue": 70, "green": 30}, {}),
         ({"blue": 100}, {"blue": 90, "green": 10}, {})),
        ({"green": 100}, {}, None, ({}, {"green": 100}, {})),
    ],
)  # fmt: skip
def test_a_deployments_traffic_is_given_back_before_it_is_removed(
    now: dict[str, int], mirrored: dict[str, int], shift: Shift | None, splits: Any, place: Place, tmp_path: Path
) -> None:
    found = endpoint(tags={}, green=MINE)
    found.traffic, found.mirror_traffic = now, mirrored
    place.clean(tmp_path, found, shift=shift)
    assert place.done == [*([splits] if splits else []), "delete green"]


@pytest.mark.parametrize(
    ("states", "seconds"),
    [
        (["Succeeded"], 0),
        (["Failed"], 0),
        (["Canceled"], 0),
        ([""], 0),
        (["Creating", "Creating", "Succeeded"], 2),
        (["Updating", "Failed"], 1),
    ],
)
def test_a_change_in_progress_is_waited_for(states: list[str], seconds: float, place: Place, tmp_path: Path) -> None:
    for found in ([endpoint(state=state) for state in states], [endpoint(green=(MINE, state)) for state in states]):
        began = place.clock.now
        place.clean(tmp_path, found)
        assert place.clock.now - began == seconds
        assert place.done.pop() == "delete churn"


def test_an_endpoint_that_is_gone_meanwhile_is_not_waited_for(place: Place, tmp_path: Path) -> None:
    run = place.clean(tmp_path, [endpoint(state="Deleting"), None])
    assert (place.done, removed(run)) == ([], [])


def test_after_half_an_hour_it_is_tried_all_the_same(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[float] = []

    def deadline(seconds: float) -> Any:
        limits.append(seconds)
        return SimpleNamespace(ended=lambda: place.clock.now >= 1003)

    monkeypatch.setattr(cleaning, "AwakeDeadline", deadline)
    place.clean(tmp_path, endpoint(state="Updating"))
    assert (limits, place.clock.now, place.done) == ([1800.0], 1003.0, ["delete churn"])
