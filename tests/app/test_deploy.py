"""Deploy: a recorded run as it is shown, live and afterwards."""

from __future__ import annotations

import json
import uuid
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Button

from tests.app.panes import Walk, home, wizard
from tests.app.recorded import PORTAL, Recording
from tui.app.app import WizardApp
from tui.app.panes.deploy import DeployPane
from tui.app.widgets.card import CardView
from tui.app.widgets.log_view import LogView
from tui.app.widgets.timeline import Timeline, state_of
from tui.engine import launch
from tui.plan.load import load

__all__ = ["home"]


def states(walk: Walk) -> dict[str, str]:
    """The state of every task as the table has it."""
    sight = walk.app.screen.query_one(Timeline).sight
    return {task.name: state_of(task, sight) for task in sight.view.tasks}


async def follow(walk: Walk, recording: Recording) -> None:
    """Show a run, as after attaching to it."""
    walk.store.follow(recording.run)
    await walk.to("deploy")


async def test_tasks_show_state_in_words_bytes_and_times(home: Path) -> None:
    recording = Recording(home, ago=2).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("▸ running  endpoint", "▸ running  model", "· waiting  deployment", "✔ done")
        assert "1.2 of 3.4 MB" in screen
        assert "– skipped  code" in screen
        assert "usually 25 s" in screen
        assert "running in rehearsal" in screen


async def test_the_portal_is_named_at_once_and_can_be_taken_away_whole(home: Path) -> None:
    recording = Recording(home, ago=1).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Portal   https://ml.azure.com/")
        pane = walk.app.screen.query_one(DeployPane)
        assert PORTAL in (pane.copied_text() or "")


async def test_events_that_come_later_are_shown_without_a_key(home: Path) -> None:
    recording = Recording(home, ago=1).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.until(lambda: states(walk).get("model") == "running")
        recording.finish(2.6, "model", 1.6)
        recording.log(2.7, "endpoint", "The operation is still Updating")
        await walk.sees("The operation is still Updating")
        assert states(walk)["model"] == "succeeded"
        assert states(walk)["endpoint"] == "running"


async def test_success_puts_the_focus_on_testing_and_pgdn_leads_there(home: Path) -> None:
    recording = Recording(home, ago=25).engine_lives()
    recording.to_deployment()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.until(lambda: states(walk).get("deployment") == "running")
        assert walk.focused == "timeline"
        recording.finish(24, "deployment", 17.5)
        recording.end(24.6, "succeeded", test={"status_code": 200, "latency_ms": 31.4, "response": "[1]"})
        screen = await walk.sees("✔ succeeded", "Test the endpoint", "200 in 31 ms")
        assert "https://churn-endpoint-01.eastus2.inference.ml.azure.com/score" in screen
        await walk.until(lambda: walk.focused == "next", "the button has the focus")
        await walk.press("pagedown")
        assert walk.app.screen.step == "test"


async def test_a_failure_is_a_card_with_what_to_do_and_leads_to_the_field(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("✖ failed", "The environment cannot be built")
        assert "Why: The conda file pins xgboost-cpu==9.9.9" in screen
        assert "To do: Pin a version that exists" in screen
        assert walk.focused == "card-edit"
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
        assert "Because there is no version of xgboost-cpu" in text.partition("lines of the log")[2]
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
        screen = await walk.sees("! interrupted", "no longer running here", "Go on with the run")
        assert "interrupted  deployment" in screen
        assert walk.focused == "card-retry"
        # The run's plan file is gone, so starting it again is refused; the reason must reach the user.
        await walk.press("enter")
        await walk.sees("Not started")


async def test_enter_on_a_task_tells_everything_about_it_and_goes_on_telling(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    resource = "/subscriptions/1/resourceGroups/rg/providers/x/onlineEndpoints/churn-endpoint-01/deployments/blue"
    recording.write(
        (7.1, "task_intent", {"task": "deployment", "operation": "create", "resource_id": resource}),
        (7.2, "task_operation", {"task": "deployment", "resource_id": resource, "header": "Azure-AsyncOperation",
                                 "url": "https://management.azure.com/operations/17?s=signature"}),
    )  # fmt: skip
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.tab_to("timeline")
        await walk.press(*["down"] * 6, "enter")
        screen = await walk.sees("The task deployment", "▸ running", "Builds the environment's image", "creates it")
        assert "Waits for" in screen
        assert "traffic" in screen
        dialog = walk.app.screen
        assert "Downloading xgboost-cpu" in dialog.text()
        assert "Trying the default credential chain" not in dialog.text()
        assert resource in dialog.text()
        assert "operations/17" in dialog.text()
        assert "signature" not in dialog.text()
        recording.finish(24, "deployment", 17.5, detail="blue, 1 instance", id=resource)
        await walk.sees("✔ done, 18 s (~25 s)")
        await walk.press("escape")
        await walk.sees("lines with …")


async def test_the_log_is_filtered_by_task_and_text(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    async with wizard() as walk:
        await follow(walk, recording)
        log = walk.app.screen.query_one(LogView)
        await walk.until(lambda: log.shown_count == 8, "all lines are there")
        await walk.tab_to("log-task")
        await walk.press("enter", *["down"] * 7, "enter")
        await walk.until(lambda: log.shown_count == 3, "only the deployment's lines")
        await walk.tab_to("log-text")
        await walk.press(*"XGBoost")
        await walk.until(lambda: log.shown_count == 1, "only the line with the text")
        assert "Downloading xgboost-cpu" in log.shown_text()
        await walk.press("ctrl+u")
        await walk.until(lambda: log.shown_count == 3, "the text is gone")


async def test_a_text_is_looked_for_from_hit_to_hit(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    far = "x" * 120
    lines = [f"{far if number == 50 else ''}needle {number}" if number % 50 == 0 else "hay" for number in range(200)]
    recording.log(8, "deployment", *lines)
    async with wizard() as walk:
        await follow(walk, recording)
        log = walk.app.screen.query_one(LogView)
        await walk.until(lambda: log.shown_count == 208, "all lines are there")
        await walk.tab_to("log-mode")
        await walk.press("enter", "shift+tab", *"NEEDLE")
        await walk.sees("4 lines with “NEEDLE”", "Find them")
        assert log.shown_count == 208
        await walk.press("enter")
        await walk.sees("Line 1 of 4", "needle 0")  # around the end, since the end was in sight
        await walk.press("enter")
        await walk.sees("Line 2 of 4", "needle 50", "Follow: off")
        recording.log(9, "deployment", "one more needle")
        await walk.sees("Line 2 of 5", "needle 50")
        await walk.tab_to("log-previous")
        await walk.press("enter")
        await walk.sees("Line 1 of 5", "needle 0")


async def test_scrolling_up_stops_following_and_the_end_starts_it_again(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    recording.log(8, "deployment", *[f"line {number}" for number in range(100)])
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("line 99")
        await walk.tab_to("log")
        await walk.press("up", "up", "up")
        await walk.sees("Follow: off")
        recording.log(9, "deployment", "the newest line")
        log = walk.app.screen.query_one(LogView)
        await walk.until(lambda: log.shown_count == 109, "the line has come")
        assert "deployment  the newest line" not in walk.text()
        await walk.press("end")
        await walk.sees("deployment  the newest line", "Follow: on")


async def test_control_sequences_of_programs_do_not_reach_the_screen(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    recording.log(8, "deployment", "\x1b[31mred\x1b[0m and \x1b]0;title\x07 back\x08 [bold]kept[/bold]")
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("red and ", "[bold]kept[/bold]")
        strips = walk.app.screen._compositor.render_strips()
        assert not any("\x1b" in segment.text or "\x08" in segment.text for strip in strips for segment in strip)


async def test_the_log_shown_can_be_saved(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Installed 47 packages")
        await walk.tab_to("log-save")
        await walk.press("enter")
        await walk.sees("8 lines are in")
    assert "Installed 47 packages" in (tmp_path / f"{recording.id}.log").read_text(encoding="utf-8")


async def test_twenty_thousand_lines_are_all_there_and_only_those_in_sight_are_drawn(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    for block in range(20):
        recording.log(8, "deployment", *[f"line {block * 1000 + number}" for number in range(1000)])
    async with wizard() as walk:
        drawn = 0
        original = LogView.render_line

        def counted(self: LogView, y: int):
            nonlocal drawn
            drawn += 1
            return original(self, y)

        LogView.render_line = counted  # type: ignore[method-assign]
        try:
            await follow(walk, recording)
            log = walk.app.screen.query_one(LogView)
            await walk.until(lambda: log.shown_count == 20_008, "all lines are there")
            await walk.sees("line 19999")
        finally:
            LogView.render_line = original  # type: ignore[method-assign]
        assert drawn < 1000


async def test_the_log_can_have_the_whole_pane(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("after traffic", "Larger")
        await walk.tab_to("log-larger")
        await walk.press("enter")
        screen = await walk.sees("Smaller", "Trying the default credential chain")
        assert "after traffic" not in screen
        await walk.press("enter")
        await walk.sees("after traffic", "Larger")


async def test_a_changed_plan_is_offered_instead_of_a_retry(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Retry deployment", "Run again")
        walk.store.put("deployment.instance_count", 2, "you")
        await walk.to("compute")
        await walk.to("deploy")
        screen = await walk.sees("The plan was changed since", "Run the changed plan")
        assert "Retry deployment" not in screen
        assert walk.focused == "card-again"


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


async def test_any_tasks_that_a_run_lists_are_drawn(home: Path) -> None:
    recording = Recording(home, ago=3).engine_lives()
    tasks = [{"name": "sign-in", "needs": [], "typical_seconds": 1},
             {"name": "rollout", "needs": ["sign-in"], "typical_seconds": 30},
             {"name": "a-task-with-a-long-name", "needs": ["rollout"], "typical_seconds": None}]  # fmt: skip
    recording.write((0, "run_started", {"endpoint": "e", "deployment": "d", "rehearsed": True, "tasks": tasks}))
    recording.start(1, "rollout", "change", "10 % of the requests go to green")
    recording.log(2, "rollout", "At 10 %: no errors")
    async with wizard(size=(120, 40)) as walk:
        await follow(walk, recording)
        await walk.sees("▸ running  rollout", "At 10 %: no errors", "a-task-with-a-long…")
        await walk.tab_to("log-task")
        await walk.press("enter")
        await walk.sees("all tasks", "rollout")


async def test_without_a_run_the_step_says_where_it_starts(home: Path) -> None:
    async with wizard() as walk:
        await walk.to("deploy")
        await walk.sees("Nothing is deployed yet")
        assert walk.focused == "back"


async def test_stop_asks_what_becomes_of_the_run(home: Path) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_deployment()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.until(lambda: states(walk).get("deployment") == "running")
        await walk.tab_to("deploy-leave")
        await walk.press("enter")
        await walk.sees("Detach", "Stay")


@pytest.mark.slow
async def test_a_rehearsed_run_from_review_to_a_prediction(
    rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", rehearsal_env["AML_DEPLOY_HOME"])
    document = load("churn-xgboost")
    document.set("endpoint.name", f"panes-{uuid.uuid4().hex[:8]}", "test")
    app = WizardApp(document, environ=rehearsal_env, rehearse=True)
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: app.store is not None and app.store.ready.is_set())
        await walk.to("review")
        await walk.until(lambda: "Creates 6" in walk.text(), "Azure has answered", seconds=120)
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.until(lambda: app.screen.step == "deploy", "the run has started", seconds=60)
        pane = app.screen.query_one(DeployPane)
        await walk.until(lambda: pane.sight.ended, "the run has ended", seconds=300)
        assert pane.sight.view.status == "succeeded", walk.text()
        await walk.until(lambda: walk.focused == "next", "testing is offered")
        await walk.press("pagedown", "enter")
        await walk.until(lambda: "✔ 200: The model answered" in walk.text(), "a prediction", seconds=60)
        await walk.sees("answered by blue", '"predictions"')


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
    monkeypatch.setattr(launch, "resume", lambda run, *, environ, secrets: given.append(dict(secrets)))
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Go on with the run")
        await walk.tab_to("card-retry")
        await walk.press("enter")
        await walk.sees("was typed when this run began", "not shown")
        await walk.press("escape")
        await walk.sees("the secret is needed to go on")
        await walk.tab_to("card-retry")
        await walk.press("enter")
        await walk.sees("was typed when this run began")
        await walk.press(*secret)
        assert secret not in walk.text()
        await walk.press("enter")
        await walk.until(lambda: given, "the engine is started")
        assert given == [{"credential.client_secret": secret}]
        assert secret not in walk.text()
    found = [path for path in home.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]  # noqa: ASYNC240
    assert not found
