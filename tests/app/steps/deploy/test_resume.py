"""Resumes a failed run, calls and removes its endpoint, in the rehearsal with a real engine and helper."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.app.panes import rehearsed, run_from_review
from tests.conftest import rehearsal_command

pytestmark = pytest.mark.slow

KEPT = ("endpoint", "model", "code", "environment")  # what had succeeded before the failure


@pytest.fixture
def no_machines_left(rehearsal_env: dict[str, str]) -> Iterator[dict[str, str]]:
    """An environment in which deployments fail, for as long as the scenario is chosen."""
    assert rehearsal_command("scenario", "out-of-capacity", env=rehearsal_env).returncode == 0
    yield rehearsal_env
    rehearsal_command("scenario", env=rehearsal_env)


async def test_a_retry_does_only_what_failed_and_what_comes_after_it(
    no_machines_left: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    env = no_machines_left
    async with rehearsed(env, monkeypatch, endpoint="retry", size=(100, 30)) as walk:
        app = walk.app
        pane = await run_from_review(walk, "+ create     endpoint")
        assert pane.snapshot.view.status == "failed", walk.text()
        await walk.sees("Retry deployment", "✖ failed")

        assert rehearsal_command("scenario", env=env).returncode == 0
        before = pane.snapshot.view.seq
        await walk.tab_to("card-retry")
        await walk.press("enter")
        await walk.until(
            lambda: pane.snapshot.ended and pane.snapshot.view.seq > before, "it has ended again", seconds=180
        )
        assert pane.snapshot.view.status == "succeeded", walk.text()
        journal = [event for event in app.store.run.journal.read() if event["seq"] > before]
        ends = {event["task"]: event["status"] for event in journal if event["event"] == "task_finished"}
        assert {name: ends[name] for name in KEPT} == dict.fromkeys(KEPT, "skipped")
        assert {name: ends[name] for name in ("deployment", "traffic", "test")} == dict.fromkeys(
            ("deployment", "traffic", "test"), "succeeded"
        )
        assert [event["event"] for event in journal].count("run_started") == 0

        await walk.until(lambda: walk.focused == "next", "testing is offered")
        await walk.press("pagedown")
        await walk.until(lambda: app.screen.step == "test", "the step Test")
        await walk.tab_to("test-many")
        await walk.press("enter")
        await walk.press("enter")
        await walk.until(lambda: "✔ 20 calls: p50" in walk.text(), "the calls are made", seconds=90)
        assert "200: 20" in walk.text()
        # Four at once are more than one instance takes here: what is refused is counted, never hidden.
        await walk.tab_to("load-test-parallel")
        await walk.press("end", "ctrl+u", "4", "enter")
        await walk.until(lambda: "20 calls, 4 concurrent" in walk.text(), "the calls are made", seconds=90)
        assert "429: " in walk.text()
        await walk.press("escape")
        await walk.tab_to("test-traffic")
        await walk.press("enter")
        await walk.sees("Splitting traffic needs a second deployment")
        await walk.tab_to("traffic-remove")
        await walk.press("enter")
        await walk.sees("Everything the plan created", "stops answering")
        for _ in range(2):
            await walk.tab_to("remove-go")
            await walk.press("enter")
        await walk.until(lambda: "✔ Removed: deployment" in walk.text(), "it is removed", seconds=60)
