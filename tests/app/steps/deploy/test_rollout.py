"""Deploy during a rollout: what is shown, and the rollback."""

from __future__ import annotations

from pathlib import Path

from textual.widgets import Button, Select

from tests.app.panes import Walk, home, wizard
from tests.app.recorded import WORKSPACE, Recording
from tui.app.steps.deploy.pane import DeployPane
from tui.app.steps.deploy.run_card import retry_label
from tui.app.steps.deploy.task_words import what_of
from tui.app.steps.deploy.timeline import Timeline
from tui.app.widgets.card import CardView
from tui.engine import start_stop
from tui.engine.journal.state_folder import ROLL_BACK_FILE

__all__ = ["home"]

NEEDS = {
    "sign-in": [],
    "workspace": ["sign-in"],
    "endpoint": ["workspace"],
    **{f"{kind}:{name}": ["workspace"] for kind in ("model", "code", "environment") for name in ("blue", "green")},
    **{f"deployment:{name}": ["endpoint", f"model:{name}"] for name in ("blue", "green")},
    "test:green": ["deployment:blue", "deployment:green"],
    "rollout": ["test:green"],
    "test": ["rollout"],
}
PLANNED = {"deployment": "green", "steps": [10, 50, 100], "pause": 300, "min_requests": 10, "max_error_percent": 5,
           "max_p95_ms": 500}  # fmt: skip
BACK = {
    "id": "rolled-back",
    "code": "RolledBack",
    "title": "The rollout of green was taken back",
    "cause": "7 of 9 test requests to green failed (424 × 7); 5 per cent may.",
    "remedy": "blue 100 % serve as before.",
}


def shifting(recording: Recording) -> None:
    """A run with blue and green, in the first step of its rollout."""
    recording.write(
        (0, "run_started", {
            "endpoint": "churn-endpoint-01", "deployment": "green", "deployments": ["blue", "green"],
            "rehearsed": True, "workspace": WORKSPACE, "principal": "app churn-deployer", "host": "driver-1",
            "tasks": [{"name": name, "needs": needs, "typical_seconds": None} for name, needs in NEEDS.items()],
            "rollout": PLANNED, "plan_hash": "0", "version": "0.1.0", "state": "", "log": "",
        }),
    )  # fmt: skip
    for at, name in enumerate(list(NEEDS)[:-2], 1):
        recording.start(at, name, "read")
        recording.finish(at + 0.5, name, 0.5)
    recording.start(13, "rollout", "change", "green: 10 %, 50 %, 100 %")
    recording.log(13, "deployment:green", "green is ready")
    before, after = {"blue": 100}, {"blue": 90, "green": 10}
    recording.write(
        (13, "traffic_shift", {
            "task": "rollout", "before": before, "after": after, "why": "step 1 of 3", "back": False,
            "step": 1, "steps": 3,
        }),
        (20, "rollout_watch", {
            "task": "rollout", "deployment": "green", "step": 1, "steps": 3, "traffic": after, "requests": 12,
            "errors": 1, "statuses": {"200": 11, "424": 1}, "p95_ms": 43.2, "callers": None, "left": 240.0,
        }),
    )  # fmt: skip


def go_back(recording: Recording) -> None:
    """Record too many errors, the restored split, and the end of the run."""
    recording.write(
        (30, "traffic_shift", {
            "task": "rollout", "before": {"blue": 100}, "after": {"blue": 100}, "why": BACK["cause"], "back": True,
        }),
        (31, "needs_attention", {"task": "rollout", "card": BACK}),
    )  # fmt: skip
    recording.finish(31, "rollout", 18, "failed", BACK["title"])
    recording.end(31, "failed", message=BACK["title"], left_behind=["deployment green"])


async def follow(walk: Walk, recording: Recording) -> None:
    walk.store.follow(recording.run)
    await walk.to("deploy")


async def test_the_split_what_is_watched_and_what_comes_next_are_in_sight(home: Path) -> None:
    recording = Recording(home, ago=20).engine_lives()
    shifting(recording)
    async with wizard() as walk:
        await follow(walk, recording)
        screen = await walk.sees(
            "Now      step 1 of 3: traffic: blue █████████░ 90 %  green █░░░░░░░░░ 10 %",
            "Monitor  12 test requests: 200 × 11, 424 × 1; p95 43 ms",
            "Next     50 % go to green in 4 minutes",
            "▸ running  rollout",
            "Roll back now",
            "all tasks",  # the log keeps its bar however many tasks there are
        )
        assert len([line for line in screen.splitlines() if "test:green" in line and "done" in line]) == 1
        await walk.press(*["up"] * 20)
        await walk.sees("✔ done     sign-in", "below")
        select = walk.app.screen.query_one("#log-task", Select)
        select.value = "deployment:green"
        await walk.sees("deployment:green", "green is ready")


async def test_roll_back_is_asked_once_more_and_then_the_engine_hears_it(home: Path) -> None:
    recording = Recording(home, ago=20).engine_lives()
    shifting(recording)
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees("Roll back now")
        walk.store.readonly = True
        await walk.tab_to("deploy-back")
        await walk.press("enter")
        await walk.sees("! Read-only, by --readonly")
        walk.store.readonly = False
        await walk.tab_to("deploy-back")
        await walk.press("enter")
        await walk.sees("Now: blue 90 %, green 10 %.", "Then: blue 100 %, as before the rollout.")
        await walk.press("escape")
        await walk.until(lambda: "Then: blue 100 %" not in walk.text(), "the dialog is gone")
        assert not (recording.folder / ROLL_BACK_FILE).exists()
        await walk.tab_to("deploy-back")
        await walk.press("enter")
        await walk.sees("Then: blue 100 %")
        assert walk.focused == "close", "a second Enter continues the rollout"
        await walk.tab_to("back-go")
        await walk.press("enter")
        await walk.sees("Rolling back")
        assert (recording.folder / ROLL_BACK_FILE).exists()
        assert walk.app.screen.query_one("#deploy-back", Button).disabled
        go_back(recording)
        screen = await walk.sees("The rollout of green was taken back", "7 of 9 test requests")
        assert "Roll back now" not in screen
        assert "Retry" not in screen, "the same run would only say again that it was taken back"
        pane = walk.app.screen.query_one(DeployPane)
        assert retry_label(pane.snapshot, "failed") == ""
        assert walk.app.screen.query_one(CardView).card.step == "network"


async def test_without_an_engine_the_command_is_named(home: Path) -> None:
    recording = Recording(home, ago=20)
    shifting(recording)
    assert start_stop.roll_back(recording.run) is False
    assert not (recording.folder / ROLL_BACK_FILE).exists()


async def test_a_task_of_one_deployment_says_of_which(home: Path) -> None:
    recording = Recording(home, ago=20).engine_lives()
    shifting(recording)
    assert "green directly" in what_of("test:green")
    assert what_of("test") == "Sends the sample request, as any caller would."
    async with wizard(size=(120, 40)) as walk:
        await follow(walk, recording)
        await walk.sees("deployment:green", "sign-in", "rollout")
        timeline = walk.app.screen.query_one(Timeline)
        timeline.cursor = list(NEEDS).index("deployment:green")
        timeline.focus()
        await walk.press("enter")
        await walk.sees("Task deployment:green", "Creates the deployment green")
