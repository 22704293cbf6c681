"""Deploy: a recorded run, shown live and afterwards."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app import recorded
from tests.app.panes import Walk, follow, home, rehearsed, run_from_review, wizard
from tests.app.recorded import PORTAL, Recording
from tui.app.steps.deploy.pane import DeployPane
from tui.app.steps.deploy.timeline import Timeline, state_of

__all__ = ["home"]


def states(walk: Walk) -> dict[str, str]:
    """The state of every task as the table has it."""
    snapshot = walk.app.screen.query_one(Timeline).snapshot
    return {task.name: state_of(task, snapshot) for task in snapshot.view.tasks}


async def test_tasks_show_state_in_words_bytes_and_times(home: Path) -> None:
    recording = Recording(home, ago=2).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees("▸ running  endpoint", "▸ running  model", "· waiting  deployment", "✔ done")
        assert "1.2 of 3.4 MB" in screen
        assert "– skipped  code" in screen
        assert "typically 25 s" in screen
        assert "running in rehearsal" in screen


async def test_the_portal_is_named_at_once_and_can_be_taken_away_whole(home: Path) -> None:
    recording = Recording(home, ago=1).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Portal   https://ml.azure.com/")
        pane = walk.app.screen.query_one(DeployPane)
        assert PORTAL in (pane.copied_text() or "")


async def test_the_address_of_the_rehearsals_page_is_copied_and_not_drawn(home: Path) -> None:
    page = "https://localhost:40000/a-word-of-its-own/portal.azure.com/#resource/x"
    recording = Recording(home, ago=1).engine_lives()
    recording.begin()
    recording.start(0.1, "workspace", "read")
    recording.finish(0.2, "workspace", 0.1, portal_url=page)
    async with wizard(size=(160, 40)) as walk:
        await follow(walk, recording)
        await walk.until(lambda: states(walk).get("workspace") == "succeeded")
        assert "Portal" in walk.text() and "a-word" not in walk.text()
        assert page in (walk.app.screen.query_one(DeployPane).copied_text() or "")


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
        await walk.until(lambda: walk.focused == "timeline", "the focus is there after the next refresh")
        recording.finish(24, "deployment", 17.5)
        recording.end(24.6, "succeeded", test={"status_code": 200, "latency_ms": 31.4, "response": "[1]"})
        screen = await walk.sees("✔ succeeded", "Test the endpoint", "200 in 31 ms")
        assert "https://churn-endpoint-01.eastus2.inference.ml.azure.com/score" in screen
        await walk.until(lambda: walk.focused == "next", "the button has the focus")
        await walk.press("pagedown")
        assert walk.app.screen.step == "test"


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
        screen = await walk.sees("Task deployment", "▸ running", "Builds the environment's image", "creates it")
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
        await walk.sees("Nothing has been deployed yet")
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
    async with rehearsed(rehearsal_env, monkeypatch, endpoint="panes") as walk:
        pane = await run_from_review(walk, "Creates ")
        assert pane.snapshot.view.status == "succeeded", walk.text()
        await walk.until(lambda: walk.focused == "next", "testing is offered")
        await walk.press("pagedown", "enter")
        await walk.until(lambda: "✔ 200: The model responded" in walk.text(), "a prediction", seconds=60)
        await walk.sees("served by blue", '"predictions"')


async def test_a_failure_folds_the_tasks_on_a_short_screen_until_they_have_the_focus(home: Path) -> None:
    recording = Recording(home, ago=12).engine_lives()
    recording.to_failure()
    async with wizard() as walk:
        await follow(walk, recording)
        shown = await walk.sees("✔ done     sign-in, workspace, endpoint", "✖ failed   deployment", "To do:", "See:")
        assert "Raw text and request ids" in shown, "the card is there to its end"
        assert "· waiting  traffic, test" in shown
        walk.app.screen.query_one(Timeline).focus()
        await walk.sees("✔ done     workspace", "· waiting  test", "after traffic")
        assert walk.app.screen.query_one(Timeline).chosen == "deployment"
        await walk.press("enter")
        await walk.sees("State", "✖ failed")


async def test_golden_requests_stand_in_the_timeline_and_in_the_result(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs = {**recorded.NEEDS, "test:blue": ["deployment"], "traffic": ["test:blue"]}
    monkeypatch.setattr(recorded, "NEEDS", needs)
    words = "12 of 12 golden requests as expected by blue"
    recording = Recording(home, ago=60)
    recording.to_deployment()
    recording.start(24.0, "test:blue", "read", "golden.jsonl")
    recording.finish(24.5, "test:blue", 0.5, detail=words, golden=[{"requests": 12, "as_expected": 12}])
    recording.end(25.0, "succeeded")
    async with wizard(size=(120, 40)) as walk:
        await follow(walk, recording)
        screen = await walk.sees(f"Golden   {words}")
        assert screen.count(words[:30]) == 2, "in the row of the task, too"
