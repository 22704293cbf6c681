"""A new deployment takes over step by step, and is rolled back automatically if it does not hold up."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests
import yaml
from azure_state import Azure
from test_run import events_until, finished, plan_for, statuses

from tui.engine import start_stop
from tui.engine.journal import runs
from tui.engine.journal.journal import Event
from tui.engine.journal.run_view import RunView
from tui.engine.journal.state_folder import ROLL_BACK_FILE
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.rehearsal.arm.rights import change, forget
from tui.rehearsal.places import Home
from tui.rehearsal_client import prepare, with_own_identity

FAILING = """
from blue import init, run as good
calls = 0


def run(data):
    global calls
    calls += 1
    if calls > 5:
        raise RuntimeError("the new model does not know this customer")
    return good(data)
"""
SLOW = """
import time
from blue import init, run as good
calls = 0


def run(data):
    global calls
    calls += 1
    if calls > 5:
        time.sleep(0.6)
    return good(data)
"""
ROLLOUT = {"steps": [20, 60, 100], "pause": 1.5, "probe_every": "0.15s", "min_requests": 4}


NAME = "churn-takes-over"


@dataclass
class Place:
    """The endpoint with blue behind it, which all tests of this module share; each brings a green of its own."""

    folder: Path
    environ: dict[str, str]
    azure: Azure

    def plan(self, name: str, green: str, **rollout: object) -> Document:
        """A plan with blue as it is and a green of another name and scoring script."""
        tree = yaml.safe_load((self.folder / "plan.yml").read_text(encoding="utf-8"))
        code = self.folder / "churn-xgboost" / name
        code.mkdir(exist_ok=True)
        script = (self.folder / "churn-xgboost" / "onlinescoring" / "score.py").read_text(encoding="utf-8")
        (code / "blue.py").write_text(script, encoding="utf-8")
        (code / "score.py").write_text(green or script, encoding="utf-8")
        tree["deployments"].append({"name": name, "code_configuration": {"code": f"churn-xgboost/{name}"}})
        tree["rollout"] = {**ROLLOUT, **rollout}
        path = self.folder / f"{name}.yml"
        path.write_text(yaml.safe_dump(tree), encoding="utf-8")
        return load(path)

    def start(self, document: Document) -> runs.Run:
        return start_stop.start(with_own_identity(document, self.environ), environ=self.environ, rehearse=True)

    def serving(self) -> dict[str, int]:
        live = self.azure.get(f"onlineEndpoints/{NAME}")
        return {who: share for who, share in live["properties"]["traffic"].items() if share}

    def hammer(self) -> Hammer:
        uri = self.azure.get(f"onlineEndpoints/{NAME}")["properties"]["scoringUri"]
        key = self.azure.post(f"onlineEndpoints/{NAME}/listKeys")["secondaryKey"]
        body = (self.folder / "churn-xgboost" / "sample-request.json").read_bytes()
        return Hammer(self.environ, uri, key, body)


@pytest.fixture(scope="module")
def place(rehearsal_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("blue-green")
    preset = plan_for(NAME, folder)
    tree = yaml.safe_load((folder / "plan.yml").read_text(encoding="utf-8"))
    tree["endpoint"]["name"] = NAME
    del tree["deployment"]["name"], tree["traffic"]
    # So many that none of the test's requests gets 429 on a busy machine, which would count against the model.
    tree["deployment"]["request_settings"] = {"max_concurrent_requests_per_instance": 50}
    tree["deployments"] = [{"name": "blue"}]
    (folder / "plan.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AML_DEPLOY_HOME", rehearsal_env["AML_DEPLOY_HOME"])
        environ = prepare(preset, rehearsal_env)
        here = Place(folder, environ, Azure(environ))
        assert events_until(here.start(load(folder / "plan.yml")), finished)[-1]["status"] == "succeeded"
        yield here
        here.azure.remove(NAME)


class Hammer:
    """A client that calls the endpoint again and again, and writes down who answered what."""

    def __init__(self, environ: dict[str, str], uri: str, key: str, body: bytes) -> None:
        self.answers: Counter[tuple[str, int]] = Counter()
        self.lost: list[str] = []
        self._stop = threading.Event()
        self._session = requests.Session()
        self._session.trust_env, self._session.verify = False, environ["REQUESTS_CA_BUNDLE"]
        self._session.headers.update({"Authorization": f"Bearer {key}", "Content-Type": "application/json"})
        self._uri, self._body = uri, body
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self) -> None:
        while not self._stop.is_set():
            try:
                answer = self._session.post(self._uri, data=self._body, timeout=20)
                self.answers[answer.headers.get("azureml-model-deployment", "nobody"), answer.status_code] += 1
            except requests.RequestException as error:
                self.lost.append(str(error))

    @contextmanager
    def at_work(self) -> Iterator[Hammer]:
        self._thread.start()
        try:
            yield self
        finally:
            self._stop.set()
            self._thread.join(30)

    def of(self, name: str) -> dict[int, int]:
        return {status: count for (who, status), count in self.answers.items() if who == name}


def shifts(events: list[Event]) -> list[dict[str, int]]:
    return [event["after"] for event in events if event["event"] == "traffic_shift"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "green", "rollout", "said"),
    [
        ("failing", FAILING, {}, "test requests to failing failed (424"),
        ("slow", SLOW, {"max_p95_ms": 400}, "p95 latency of slow"),
    ],
)
def test_a_bad_green_is_taken_back_while_callers_call(
    name: str, green: str, rollout: dict[str, object], said: str, place: Place
) -> None:
    document = place.plan(name, green, **rollout)
    with place.hammer().at_work() as client:
        events = events_until(place.start(document), finished)
    last = events[-1]
    assert last["status"] == "failed"
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert card["code"] == "RolledBack"
    assert said in card["cause"]
    assert statuses(events)["deployment:blue"] == "skipped"
    assert statuses(events)[f"test:{name}"] == "succeeded"
    assert shifts(events)[0] == {"blue": 80, name: 20}
    assert shifts(events)[-1] == place.serving() == {"blue": 100}
    assert {"blue", name} <= {one["name"] for one in place.azure.listed(f"onlineEndpoints/{NAME}/deployments")}
    assert f"deployment {name}" in last["left_behind"]
    assert not client.lost
    assert set(client.of("blue")) == {200}, client.answers
    assert {who for who, _ in client.answers} <= {"blue", name}, client.answers
    print(f"{name}: {dict(client.answers)}")
    view = RunView().fold_all(events)
    assert view.rollout is not None
    assert (view.rollout.back, view.rollout.before, view.rollout.traffic) == (True, {"blue": 100}, {"blue": 100})
    assert view.rollout.why in card["cause"]


@pytest.mark.slow
def test_an_engine_that_is_killed_while_it_shifts_goes_on_where_it_was(place: Place) -> None:
    """Also when it is killed on the way back: the new engine goes the rest of it."""
    document = place.plan("killed", FAILING, pause=1)

    def disturbed(strikes: Callable[[Event], bool]) -> list[Event]:
        run = place.start(document)
        events_until(run, strikes)
        pid = runs.engine_pid(run.folder)
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        while runs.engine_pid(run.folder) is not None:
            pass
        start_stop.resume(run, environ=place.environ)
        return events_until(run, finished)

    events = disturbed(lambda event: event["event"] == "traffic_shift" and event.get("back"))
    assert events[-1]["status"] == "failed"
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert card["code"] == "RolledBack"
    assert "failed (424" in card["cause"]
    assert place.serving() == {"blue": 100}

    code = place.folder / "churn-xgboost" / "killed"
    (code / "score.py").write_text((code / "blue.py").read_text(encoding="utf-8"), encoding="utf-8")
    events = disturbed(lambda event: event["event"] == "traffic_shift" and event.get("step") == 2)
    assert events[-1]["status"] == "succeeded", events[-1]
    seen = shifts(events)
    assert [split["killed"] for split in seen] == sorted(split["killed"] for split in seen), "never a step back"
    assert {event["before"]["blue"] for event in events if event["event"] == "traffic_shift"} == {100}
    assert sum(event["event"] == "run_resumed" for event in events) == 1
    assert place.serving() == {"killed": 100}


@pytest.mark.slow
def test_the_command_takes_a_rollout_back_that_is_under_way(place: Place) -> None:
    before = place.serving()
    run = place.start(place.plan("recalled", "", pause=60))
    events_until(run, lambda event: event["event"] == "rollout_watch")
    assert place.serving() != before
    done = subprocess.run(
        [sys.executable, "-m", "tui", "rollback", NAME, "--rehearse", "--json"],
        env=place.environ,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["run"], told["after"]) == (run.id, before)
    assert f"Run {run.id} is shifting traffic" in done.stderr
    last = events_until(run, finished)[-1]
    assert last["status"] == "failed" and "was rolled back" in last["message"]
    assert place.serving() == before
    place.azure.remove_deployment(NAME, "recalled")


@pytest.mark.slow
def test_a_rollout_that_is_stopped_says_who_serves_and_cleaning_up_gives_it_back(place: Place) -> None:
    before = place.serving()
    (serves,) = before
    run = place.start(place.plan("stopped", "", pause=60))

    def stopped(clean_up: bool) -> Event:
        known = int((run.journal.last() or {}).get("seq", 0))
        events_until(run, lambda event: event["event"] == "rollout_watch" and event["seq"] > known)
        assert start_stop.stop(run, clean_up=clean_up)
        return events_until(run, lambda event: finished(event) and event["seq"] > known)[-1]

    last = stopped(clean_up=False)
    assert last["status"] == "cancelled"
    assert f"Traffic: {serves} 80 %, stopped 20 %; before the run: {serves} 100 %." in last["message"]
    assert f"aml-deploy rollback {NAME}" in last["message"]
    assert place.serving() == {serves: 80, "stopped": 20}
    assert run.id not in kept_runs(place), "its plan says 100 %, which never was"
    start_stop.resume(run, environ=place.environ)
    last = stopped(clean_up=True)
    assert last["status"] == "cancelled"
    assert "What it had created was removed" in last["message"]
    assert place.serving() == before
    assert place.azure.get(f"onlineEndpoints/{NAME}/deployments/stopped") is None
    assert run.id not in kept_runs(place)


def kept_runs(place: Place) -> set[str]:
    versions = place.azure.listed(f"data/aml-deploy-plan-{NAME}/versions", listViewType="All")
    return {str(one["name"]) for one in versions}


def taken_back_by_hand(place: Place, document: Document) -> None:
    """Somebody wants the rollout back while its first step is watched."""
    patient = document.copy()
    patient.set("rollout.pause", 600, "test")
    run = place.start(patient)
    assert not start_stop.roll_back(runs.Run("none", place.folder, "", "", "", True)), "there is no engine to ask"
    events_until(run, lambda event: event["event"] == "rollout_watch")
    assert RunView().fold_all(run.journal.read()).rolling_out
    assert start_stop.roll_back(run)
    events = events_until(run, finished)
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert (events[-1]["status"], card["code"]) == ("failed", "RolledBack")
    assert "requested with Roll back now" in card["cause"]
    assert not (run.folder / ROLL_BACK_FILE).exists()


@pytest.mark.slow
def test_a_good_green_takes_over_although_the_key_is_rotated_and_applying_again_changes_nothing(place: Place) -> None:
    document = place.plan("good", "", pause=3, steps=[30, 100], max_error_percent=0)
    document.set("mirror_traffic", {"good": 50}, "test")
    before = place.serving()
    (serves,) = before
    taken_back_by_hand(place, document)
    assert place.serving() == before
    with place.hammer().at_work() as client:
        run = place.start(document)
        events_until(run, lambda event: event["event"] == "rollout_watch" and event["step"] == 1)
        place.azure.post(f"onlineEndpoints/{NAME}/regenerateKeys", keyType="Primary")
        events = events_until(run, finished)
    assert events[-1]["status"] == "succeeded", events[-1]
    watched = [event for event in events if event["event"] == "rollout_watch"]
    assert {status for event in watched for status in event["statuses"]} == {"200"}
    assert shifts(events) == [before, {serves: 70, "good": 30}, {"good": 100}]
    assert not client.lost
    assert {status for _, status in client.answers} == {200}, client.answers
    live = place.azure.get(f"onlineEndpoints/{NAME}")
    assert live["properties"]["mirrorTraffic"] == {}
    assert live["tags"]["aml-deploy-traffic-before"] == f"{serves}=100", "the way back leads to before the rollout"
    model = document.get("deployment.model.name")
    assert len(place.azure.listed(f"models/{model}/versions")) == 1, "what both are made from is registered once"
    events = events_until(place.start(document), finished)
    done = statuses(events)
    assert {task for task, status in done.items() if status != "skipped"} == {
        "sign-in", "workspace", "test:good", "test",
    }  # fmt: skip


@pytest.mark.slow
def test_a_count_that_an_autoscale_rule_has_changed_survives_another_apply(
    place: Place, rehearsal_home: dict[str, str]
) -> None:
    document = load(place.folder / "plan.yml")
    deployment = f"onlineEndpoints/{NAME}/deployments/blue"
    capacity = {"minimum": "2", "maximum": "3", "default": "2"}
    target = place.azure.get(deployment)["id"]
    profile = {"name": "p", "rules": [], "capacity": capacity}
    body = {"location": "eastus", "properties": {"profiles": [profile], "targetResourceUri": target}}
    home = Home.of(rehearsal_home)
    change(home, roles=["contributor"])
    try:
        place.azure.put_in_group("providers/Microsoft.Insights/autoscaleSettings/by-load", body)
    finally:
        forget(home)
    events = events_until(place.start(document), finished)
    assert statuses(events)["deployment:blue"] == "skipped"
    assert place.azure.get(deployment)["sku"]["capacity"] == 2
    document.set("deployment.environment_variables", {"MODE": "b"}, "test")
    events = events_until(place.start(document), finished)
    assert statuses(events)["deployment:blue"] == "succeeded", events[-1]
    assert place.azure.get(deployment)["sku"]["capacity"] == 2
