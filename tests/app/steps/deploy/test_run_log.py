"""The log of a run at Deploy: filtered, searched, followed, saved, maximized, and long."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from tests.app.panes import follow, home, wizard
from tests.app.recorded import Recording
from tui.app.steps.deploy.pane import DeployPane
from tui.app.widgets.log_view import LogView

__all__ = ["home"]


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
        await walk.sees("4 lines with “NEEDLE”", "Find")
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
        await walk.sees("8 lines saved to")
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
        await walk.sees("after traffic", "Maximize")
        await walk.tab_to("log-larger")
        await walk.press("enter")
        screen = await walk.sees("Restore", "Trying the default credential chain")
        assert "after traffic" not in screen
        await walk.press("enter")
        await walk.sees("after traffic", "Maximize")


@pytest.mark.parametrize("end", ["success", "failure"])
async def test_a_run_that_ends_leaves_what_is_being_typed_together(home: Path, end: str) -> None:
    recording = Recording(home, ago=10).engine_lives()
    recording.to_middle()
    async with wizard() as walk:
        await follow(walk, recording)
        log = walk.app.screen.query_one(LogView)
        await walk.until(lambda: log.shown_count > 0, "lines are there")
        await walk.tab_to("log-text")
        await walk.press(*"XGB")
        recording.to_success() if end == "success" else recording.to_failure()
        pane = walk.app.screen.query_one(DeployPane)
        await walk.until(lambda: pane.snapshot.ended, "the run has ended")
        await walk.pilot.pause()
        await walk.press(*"oost")
        assert (walk.focused, walk.app.screen.query_one("#log-text", Input).value) == ("log-text", "XGBoost")


@pytest.mark.parametrize(
    ("line", "bad"),
    [
        ("2025-11-04 09:35:42,638 I [13] gunicorn.error - Starting gunicorn 23.0.0", False),
        ("2025-11-04 09:35:43,101 INFO the error rate is 0", False),
        ("2025-11-04 09:35:42,638 E [13] gunicorn.error - Worker failed to boot.", True),
        ("azmlinfsrv gunicorn.error - Worker (pid:2977) was sent SIGKILL!", True),
        ("ValueError: Unknown layer: Functional", True),
        ("Traceback (most recent call last):", True),
        ("Worker ready", False),
    ],
)
async def test_only_lines_about_errors_are_in_their_colour(home: Path, line: str, bad: bool) -> None:
    recording = Recording(home)
    recording.begin()
    recording.log(1, "deployment", line)
    async with wizard() as walk:
        await follow(walk, recording)
        await walk.sees(line[:40])
        log = walk.app.screen.query_one(LogView)
        colour = log.get_component_rich_style("log--bad", partial=True).color
        drawn = {segment.style.color for segment in log.render_line(0) if segment.style and line[:9] in segment.text}
        assert (colour in drawn) is bad
