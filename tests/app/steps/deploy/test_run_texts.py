"""Deploy without a screen: bars, the text for support, the times of a resumed run, the log's length."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.app.panes import home
from tests.app.recorded import Recording
from tui.app.state.store import Store
from tui.app.steps.deploy import follow_run, schedule
from tui.app.steps.deploy.follow_run import RunFollower, RunSnapshot
from tui.app.steps.deploy.run_card import card_of, retry_label
from tui.app.steps.deploy.run_files import whole_log
from tui.app.steps.deploy.run_texts import task_rows
from tui.app.steps.deploy.support_text import support_text
from tui.common.redact import redact
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.smoke


async def seen(recording: Recording) -> RunSnapshot:
    """The run as a screen sees it."""
    follower = RunFollower(recording.run)
    return await follower.look() or follower.snapshot


async def test_tasks_that_run_at_the_same_time_lie_above_each_other(home: Path) -> None:
    recording = Recording(home, ago=25).engine_lives()
    recording.to_success()
    snapshot = await seen(recording)
    spans = schedule.spans(snapshot)
    length = schedule.axis_length(spans, snapshot.elapsed())
    assert length == 30
    named = ("endpoint", "model", "deployment")
    endpoint, model, deployment = (schedule.bar(spans[name], length, 30) for name in named)
    assert endpoint == " ━━━━━╸".ljust(30)
    assert model == " ━╸".ljust(30)
    assert deployment.index("━") >= len(endpoint.rstrip()) - 1
    assert deployment.rstrip().endswith("━")


async def test_what_is_to_be_expected_is_drawn_apart_from_what_has_been(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    snapshot = await seen(recording)
    spans = schedule.spans(snapshot)
    assert spans["deployment"].end - spans["deployment"].start == 25
    drawn = schedule.bar(spans["deployment"], 45, 45)
    assert drawn.count("━") in (3, 4)
    assert drawn.count("┄") > 15
    assert spans["traffic"].start == spans["deployment"].end


async def test_a_pause_between_two_engines_is_no_part_of_a_runs_time(home: Path) -> None:
    recording = Recording(home, ago=3600)
    recording.to_deployment()
    recording.write((3500, "run_resumed", {"host": "driver-2", "version": "0.2.0"}))
    recording.start(3501, "deployment", detail="Creating blue")
    recording.finish(3520, "deployment", 19, detail="blue, 1 instance")
    recording.end(3520, "succeeded")
    snapshot = await seen(recording)
    assert 25 < snapshot.elapsed() < 30
    assert 6 < schedule.spans(snapshot)["deployment"].start < 10
    assert snapshot.azure_requests.attempts["deployment"] == 2
    assert snapshot.azure_requests.versions == ("0.1.0", "0.2.0")
    assert any(
        row.name == "Attempts" and row.text.startswith("2,")
        for row in task_rows(snapshot.view.task("deployment"), snapshot)
    )


async def test_a_very_long_log_is_kept_short_and_saved_whole(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow_run, "KEPT_LINES", 50)
    monkeypatch.setattr(follow_run, "TRIM_AT", 80)
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    follower = RunFollower(recording.run)
    for block in range(6):
        recording.log(8, "deployment", *[f"line {block * 30 + number}" for number in range(30)])
        await follower.look()
    snapshot = follower.snapshot
    assert snapshot.view.log_count <= 80
    assert snapshot.dropped + snapshot.view.log_count == 188
    assert snapshot.view.logs[snapshot.view.log_count - 1].line == "line 179"
    count, text = await whole_log(recording.run, "deployment", "LINE")
    assert count == 180
    assert "line 0\n" in text


async def test_support_gets_everything_but_secrets(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "sesame-open-4711")
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    recording.log(
        8,
        "deployment",
        "signing in with sesame-open-4711 and typed-by-hand-99",
        "Authorization: Bearer eyJhbGciOiJSUzI1NiJ9.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl",
        "https://store.blob.core.windows.net/c/f?sv=2024&sig=abcdefghijklmnopqrstuvwxyz%3D",
        'AccountKey=Zm9vYmFyYmF6cXV4; {"primaryKey": "0123456789abcdef"}',
    )
    blocker = {"id": "quota", "severity": "warning", "message": "2 cores are left.", "remedy": "", "field": ""}
    recording.write((8.5, "finding", blocker))
    recording.finish(9, "deployment", 2.5, "failed", "ImageBuildFailure")
    recording.end(9.1, "failed", message="The deployment blue failed.")
    document = load("churn-xgboost")
    document.set("credential.client_secret", "${env:MY_SECRET}", "test")
    store = Store(document, environ=dict(os.environ))
    store.set("credential.client_secret", "typed-by-hand-99")
    store.problems()  # what it resolves it learns to hide
    snapshot = await seen(recording)
    text = support_text(card_of(snapshot, "failed"), snapshot, recording.run)
    for secret in ("sesame-open", "typed-by-hand", "eyJ", "abcdefghijkl", "Zm9vYmFy", "0123456789abcdef"):
        assert secret not in text, secret
    for wanted in (recording.id, "2 cores are left.", "aml-deploy: ", "azure-ai-ml: ", "Started (UTC): ", "ws-churn",
                   "deployment: failed, 2.5 s", "signing in with (hidden)"):  # fmt: skip
        assert wanted in text, wanted


def test_ordinary_words_are_not_taken_for_secrets() -> None:
    text = "password policy: see docs; the key is missing; https://ml.azure.com/?wsid=/subscriptions/1&tid=2"
    assert redact(text) == text


async def test_what_can_be_gone_on_with_says_so(home: Path) -> None:
    failed = Recording(home, ago=10, run="20261122-220501-aaaa").engine_lives()
    failed.to_failure()
    snapshot = await seen(failed)
    assert retry_label(snapshot, "failed") == "Retry deployment"
    assert retry_label(snapshot, "blocked") == ""
