"""The card of a failed, blocked or interrupted run: its text, and its buttons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from tests.app.panes import follow, home, wizard
from tests.app.recorded import Recording
from tui.app.widgets.card import CardView
from tui.engine import start_stop
from tui.plan.load_save.load import load

__all__ = ["home"]


async def test_a_failure_is_a_card_with_what_to_do_and_leads_to_the_field(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("✖ failed", "The environment cannot be built")
        assert "Why: The conda file pins xgboost-cpu==9.9.9" in screen
        assert "To do: Pin a version that exists" in screen
        await walk.until(lambda: walk.focused == "card-edit", "the focus is there after the next refresh")
        await walk.press("enter")
        await walk.until(lambda: walk.app.screen.step == "model", "the field's step is shown")
        focused = walk.app.screen.focused
        assert any(getattr(part, "field", None) is not None and part.field.key == "deployment.environment.conda_file"
                   for part in focused.ancestors_with_self)  # fmt: skip


async def test_the_card_for_support_has_request_ids_and_the_services_words(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("The environment cannot be built")
        await walk.tab_to("card-copy")
        await walk.press("enter")
        path = recording.folder / "support.txt"
        await walk.until(path.exists, "the text is written")
        text = path.read_text(encoding="utf-8")
        assert "6c3c5b10-7a3f-4a53-9d0e-3f8f2f6d8d11" in text
        assert "ImageBuildFailure" in text
        assert "Python: 3." in text
        assert "deployment: failed, 2.6 s" in text
        assert "Because there is no version of xgboost-cpu" in text.partition("log lines")[2]
        assert recording.id in text
        assert walk.app.clipboard == text


async def test_the_log_can_be_seen_in_place_of_the_card_and_back(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("The environment cannot be built")
        await walk.tab_to("card-log")
        await walk.press("enter")
        await walk.sees("Because there is no version of xgboost-cpu==9.9.9")
        await walk.tab_to("log-card")
        await walk.press("enter")
        await walk.sees("The environment cannot be built")


async def test_blocked_names_every_blocker(home: Path) -> None:
    recording = Recording(home, ago=3).engine_lives()
    recording.begin()
    blockers = [
        {"id": "quota", "severity": "blocker", "field": "deployment.instance_type", "message": "8 cores are needed.",
         "remedy": "Choose a smaller size."},
        {"id": "name", "severity": "blocker", "field": "endpoint.name", "message": "The name is taken.", "remedy": ""},
    ]  # fmt: skip
    recording.write(*[(1.0, "finding", blocker) for blocker in blockers])
    recording.end(1.1, "blocked", message="8 cores are needed.", scoring_uri=None)
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("blocked by the preflight", "Nothing was created: 8 cores are needed.")
        assert "Choose a smaller size." in screen
        assert "The name is taken." in screen
        assert "Edit Size" in screen


async def test_an_engine_that_is_gone_is_said_and_can_be_started_again(home: Path) -> None:
    recording = Recording(home, ago=100)
    recording.to_deployment()
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("! interrupted", "no longer running here", "Resume the run")
        assert "interrupted  deployment" in screen
        await walk.until(lambda: walk.focused == "card-retry", "the focus is there after the next refresh")
        # The run's plan file is gone, so starting it again is refused; the reason must reach the user.
        await walk.press("enter")
        await walk.sees("Not started")


async def test_a_changed_plan_is_offered_instead_of_a_retry(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Retry deployment", "Run again")
        walk.store.put("deployment.instance_count", 2, "you")
        await walk.to("compute")
        await walk.to("deploy")
        screen = await walk.sees("The plan has changed since", "Run the changed plan")
        assert "Retry deployment" not in screen
        await walk.until(lambda: walk.focused == "card-again", "the focus is there after the next refresh")


async def test_every_button_of_the_card_is_whole_at_80_columns(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Retry deployment")
        card = walk.app.screen.query_one(CardView)
        await walk.until(lambda: card.query_one("#card-copy").region.width > 0, "the card is laid out")
        for button in card.query(Button):
            assert not button.display or button.region.right <= card.region.right, button.id


async def test_a_secret_that_was_typed_is_asked_again_before_a_run_goes_on(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = "planted~typed~0007"
    recording = Recording(home, ago=60)
    recording.about["typed"] = ["credential.client_secret"]
    (recording.folder / "run.json").write_text(json.dumps(recording.about), encoding="utf-8")
    document = load("churn-xgboost")
    document.set("credential", {"method": "service_principal", "tenant_id": "t", "client_id": "c"}, "test")
    document.rebased(recording.folder).save(recording.folder / "plan.yml")
    recording.to_middle()
    given: list[Any] = []
    monkeypatch.setattr(start_stop, "resume", lambda run, *, environ, secrets: given.append(dict(secrets)))
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Resume the run")
        await walk.tab_to("card-retry")
        await walk.press("enter")
        await walk.sees("was typed when this run started", "not shown")
        await walk.press("escape")
        await walk.sees("the secret is required")
        await walk.tab_to("card-retry")
        await walk.press("enter")
        await walk.sees("was typed when this run started")
        await walk.press(*secret)
        assert secret not in walk.text()
        await walk.press("enter")
        await walk.until(lambda: given, "the engine is started")
        assert given == [{"credential.client_secret": secret}]
        assert secret not in walk.text()
    found = [path for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]  # noqa: ASYNC240
    assert not found


async def test_what_is_left_in_azure_does_not_run_on_from_a_command(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    card = {"title": "The container ended.", "remedy": "Read its log:\naz ml online-deployment get-logs -l 300"}
    recording.write((10, "needs_attention", {"task": "deployment", "card": card}))
    recording.finish(10, "deployment", 2, "failed", card["title"])
    recording.end(10, "failed", message=card["title"], left_behind=["deployment blue"])
    async with wizard() as walk:
        await follow(walk, recording)
        lines = (await walk.sees("Remaining in Azure: deployment blue.")).splitlines()
        assert any(line.rstrip(" █▁▂▃▄▅▆▇").endswith("get-logs -l 300") for line in lines)
