"""Whole runs of the engine against the rehearsal: order, overlap, idempotence, stopping, resuming."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest
import yaml

from tui.engine import start_stop
from tui.engine.journal import runs, usual_times
from tui.engine.journal.journal import Event
from tui.engine.journal.run_view import RunView
from tui.engine.journal.runs import Run
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import find
from tui.rehearsal_client import prepare, with_own_identity

ROOT = Path(__file__).resolve().parents[2]
LONGEST = 600.0


def plan_for(name: str, tmp_path: Path, **sets: str) -> Document:
    """The preset with an endpoint name of its own and files that a test may spoil."""
    preset = find("churn-xgboost")
    assert preset is not None
    shutil.copytree(preset.path.parent / "churn-xgboost", tmp_path / "churn-xgboost")
    shutil.copy(preset.path, tmp_path / "plan.yml")
    return load(tmp_path / "plan.yml", sets=[f"endpoint.name={name}", *(f"{k}={v}" for k, v in sets.items())])


def begin(document: Document, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> tuple[Run, dict[str, str]]:
    monkeypatch.setenv("AML_DEPLOY_HOME", environ["AML_DEPLOY_HOME"])
    prepared = prepare(document, environ)
    return start_stop.start(with_own_identity(document, prepared), environ=prepared, rehearse=True), prepared


def events_until(run: Run, condition) -> list[Event]:
    """The run's events once one of them fulfils a condition; fails when the run ends or takes too long before that."""
    end = time.monotonic() + LONGEST
    while time.monotonic() < end:
        events = run.journal.read()
        if any(condition(event) for event in events):
            return events
        if not run.alive and not any(condition(event) for event in run.journal.read()):
            pytest.fail(f"the engine ended: {run.log.read_text()[-3000:]}")
        time.sleep(0.05)
    pytest.fail(f"nothing within {LONGEST} s: {run.journal.read()[-3:]}")


def finished(event: Event) -> bool:
    return event["event"] == "run_finished"


def ended(run: Run) -> Event:
    return events_until(run, finished)[-1]


def statuses(events: list[Event]) -> dict[str, str]:
    return {event["task"]: event["status"] for event in events if event["event"] == "task_finished"}


def never_built(conda: Path) -> None:
    """Give a conda file another order, which is another content: its environment is in no cache yet."""
    tree = yaml.safe_load(conda.read_text(encoding="utf-8"))
    tree["dependencies"][-1]["pip"].reverse()
    conda.write_text(yaml.safe_dump(tree), encoding="utf-8")


@pytest.mark.smoke
def test_a_run_ends_with_a_prediction_and_a_second_one_changes_nothing(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-engine-01", tmp_path, **{"deployment.model.name": "churn-engine-01"})
    never_built(tmp_path / "churn-xgboost" / "conda.yml")
    run, prepared = begin(document, rehearsal_env, monkeypatch)
    events = events_until(run, finished)
    last = events[-1]
    assert last["status"] == "succeeded", last
    assert last["test"]["status_code"] == 200
    assert '"probability"' in last["test"]["response"]
    assert last["test"]["deployment"] == "blue"
    assert last["scoring_uri"].endswith("/score")
    assert set(statuses(events).values()) <= {"succeeded", "skipped"}
    took = {task for task, status in statuses(events).items() if status == "succeeded"}

    def position(kind: str, task: str) -> int:
        return next(e["seq"] for e in events if e["event"] == kind and e["task"] == task)

    for one in ("endpoint", "model", "environment"):
        for other in ("endpoint", "model", "environment"):
            assert position("task_intent", one) < position("task_finished", other), f"{one} began after {other} ended"
    assert position("task_finished", "endpoint") < position("task_started", "deployment")
    lines = [event["line"] for event in events if event["event"] == "task_log" and event["task"] == "deployment"]
    assert any("xgboost-cpu" in line for line in lines), "the build's log is not in the journal"
    assert events[0]["event"] == "run_started"
    assert events[0]["plan_hash"]
    progress = [event for event in events if event["event"] == "task_progress" and event["task"] == "model"]
    assert progress[-1]["done"] == progress[-1]["total"] > 100_000

    again = start_stop.start(with_own_identity(document, prepared), environ=prepared, rehearse=True)
    events = events_until(again, finished)
    assert events[-1]["status"] == "succeeded"
    done = statuses(events)
    begun = {event["task"]: event["action"] for event in events if event["event"] == "task_started"}
    assert (begun["code"], begun["environment"]) == ("skip", "skip"), "what is there is not said to be created"
    assert {task for task, status in done.items() if status == "skipped"} == {
        "endpoint", "model", "code", "environment", "deployment", "traffic",
    }  # fmt: skip

    changed = document.copy()
    changed.set("deployment.instance_count", 2, "test")
    third = start_stop.start(with_own_identity(changed, prepared), environ=prepared, rehearse=True)
    events = events_until(third, finished)
    assert events[-1]["status"] == "succeeded"
    assert statuses(events)["deployment"] == "succeeded"
    assert statuses(events)["endpoint"] == "skipped"
    [first] = usual_times.earlier(third, RunView().fold_all(events))
    assert set(first.tasks) == took, "what each task of the first run took, to compare with"
    assert first.tasks["deployment"][0] == "create" and first.tasks["deployment"][1] > 0
    assert not (again.folder / usual_times.FILE).exists(), "what changes nothing does not push out what did"
    listed = [item.id for item in runs.runs() if item.endpoint == "churn-engine-01"]
    assert set(listed) == {run.id, again.id, third.id}
    assert runs.latest("churn-engine-01").status == "succeeded"


def test_a_failed_deployment_ends_the_run_at_once_with_the_services_words(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-engine-02", tmp_path)
    score = tmp_path / "churn-xgboost" / "onlinescoring" / "score.py"
    score.write_text("def init():\n    raise RuntimeError('no luck today')\n\n\ndef run(data):\n    return data\n")
    run, _ = begin(document, rehearsal_env, monkeypatch)
    events = events_until(run, finished)
    last = events[-1]
    assert last["status"] == "failed"
    assert statuses(events)["deployment"] == "failed"
    assert "traffic" not in statuses(events)
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert card["code"] == "ResourceNotReady"
    assert card["id"] == "scoring-script-init"
    assert card["cause"].startswith("RuntimeError: no luck today.")
    assert "score.py, line 2, in init()" in card["cause"]
    assert card["field"] == "deployment.code_configuration.scoring_script"
    assert "RuntimeError: no luck today" in card["evidence"]
    assert any("churn-engine-02" in item for item in last["left_behind"])
