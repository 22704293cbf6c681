"""What a run waits for, and how long: other people's changes, an Azure that is away, limits of the plan."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from azure_state import Azure
from test_run import ROOT, begin, ended, events_until, finished, plan_for, statuses


def rehearsal(environ: dict[str, str], *words: str) -> None:
    subprocess.run(
        [sys.executable, "-m", "tui.rehearsal", *words],
        env=environ, cwd=ROOT, check=True, capture_output=True, timeout=60,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("name", "reason"),
    [("endpoint-busy", "Updating provisioning state"), ("operation-canceled-lock", "lock confirmation")],
)
@pytest.mark.slow
def test_somebody_elses_change_is_waited_for(
    name: str, reason: str, tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint = f"churn-wait-{name[:8]}".rstrip("-")
    document = plan_for(endpoint, tmp_path)
    rehearsal(rehearsal_env, "scenario", name)
    try:
        run, prepared = begin(document, rehearsal_env, monkeypatch)
        retried = events_until(run, lambda event: event["event"] == "task_retrying" and reason in event["reason"])
        assert "somebody else" in next(e["reason"] for e in retried if e["event"] == "task_retrying")
    finally:
        rehearsal(rehearsal_env, "scenario", "none")
    assert ended(run)["status"] == "succeeded"
    Azure(prepared).remove(endpoint)


def test_a_limit_of_the_plan_ends_the_run_with_a_card(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-limit-01", tmp_path)
    # An environment that another test has built already would make the deployment faster than its limit.
    script = tmp_path / "churn-xgboost" / "onlinescoring" / "score.py"
    slow = script.read_text(encoding="utf-8").replace("    global ", "    __import__('time').sleep(4)\n    global ", 1)
    assert "sleep(4)" in slow
    script.write_text(slow, encoding="utf-8")
    document.set("limits", {"deployment": 1}, "test")
    run, prepared = begin(document, rehearsal_env, monkeypatch)
    events = events_until(run, finished)
    assert events[-1]["status"] == "failed"
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert (card["code"], statuses(events)["deployment"]) == ("TimeLimit", "failed")
    assert "1 second" in card["title"]
    assert "deployment blue" in events[-1]["left_behind"]
    Azure(prepared).remove("churn-limit-01")


def test_the_limit_of_the_whole_run_says_what_it_was_doing(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = plan_for("churn-limit-02", tmp_path)
    document.set("limits", {"total": "2s"}, "test")
    run, prepared = begin(document, rehearsal_env, monkeypatch)
    events = events_until(run, finished)
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert (events[-1]["status"], card["code"]) == ("failed", "TimeLimit")
    assert "2 seconds" in card["title"]
    assert "limits.total" in card["cause"]
    Azure(prepared).remove("churn-limit-02")


@pytest.mark.slow
def test_an_azure_that_is_away_for_a_while_is_waited_for(
    tmp_path: Path, rehearsal_env: dict[str, str], rehearsal_home: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rehearsal is ended while an endpoint is made, and comes back at the same address."""
    run, prepared = begin(plan_for("churn-away-01", tmp_path), rehearsal_env, monkeypatch)
    events_until(run, lambda event: event["event"] == "task_operation" and event["task"] == "endpoint")
    rehearsal(rehearsal_home, "stop")
    try:
        events_until(run, lambda event: event["event"] == "task_retrying")
    finally:
        rehearsal(rehearsal_home, "env", "--json")
    assert ended(run)["status"] == "succeeded"
    Azure(prepared).remove("churn-away-01")
