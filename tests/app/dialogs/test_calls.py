"""The dialog that follows the calls to Azure, opened from the menu, by the keyboard."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Static

from tests.app.panes import Walk, home, rehearsed, wizard  # noqa: F401
from tui.app.dialogs import calls as module
from tui.app.dialogs.calls import CallsDialog, line_of
from tui.app.state import new_files
from tui.app.widgets.log_view import LogView
from tui.common import call_log

URL = "https://management.azure.com/subscriptions/s1/resourceGroups/rg/x/onlineEndpoints/"
CALL = {"time": "2026-11-30T12:00:00.000Z", "ms": 12, "method": "GET", "url": f"{URL}churn?api-version=1",
        "status": 200,
        "command": "az ml online-endpoint show --name churn --workspace-name ws --resource-group rg"}  # fmt: skip


@pytest.fixture(autouse=True)
def begun(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:  # noqa: F811
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(home / "cache"))
    call_log.begin("helper")
    yield
    call_log.begin("")


async def opened(walk: Walk) -> CallsDialog:
    """The dialog, from the menu."""
    await walk.press("ctrl+o", *"calls")
    await walk.sees("Calls to Azure")
    await walk.press("enter")
    await walk.until(lambda: isinstance(walk.app.screen, CallsDialog), "the dialog is open")
    dialog = walk.app.screen
    assert isinstance(dialog, CallsDialog)
    return dialog


async def test_calls_are_followed_filtered_and_shown_unabridged() -> None:
    call_log.write(CALL)
    async with wizard() as walk:
        before = walk.focused
        await opened(walk)
        await walk.sees("200    12 ms  GET onlineEndpoints/churn", "1 call, without secrets.", "Follow: on")
        assert walk.focused == "log", "out of the way of typing, and the keys that scroll work at once"
        call_log.begin("20261130-120000-28e0")
        call_log.write(
            {**CALL, "method": "PUT", "url": f"{URL}other", "status": 409, "command": "az rest --url /other"}
        )
        await walk.sees("run …28e0", "409    12 ms  PUT onlineEndpoints/other", "2 calls")
        await walk.press("enter")
        whole = await walk.sees(
            "az rest --url /other", "--workspace-name ws --resource-group rg", "20261130-120000-28e0"
        )
        assert whole.index("/other") < whole.index("--name churn"), "the newest first"
        await walk.press("escape")
        await walk.tab_to("log-text")
        await walk.press(*"churn")
        await walk.until(lambda: "PUT" not in walk.text(), "filtered")
        await walk.tab_to("whole")
        await walk.press("enter")
        await walk.sees("--workspace-name ws --resource-group rg")
        assert "/other" not in walk.text(), "only what the filter shows"
        await walk.press("escape", "escape")
        await walk.until(lambda: not isinstance(walk.app.screen, CallsDialog) and walk.focused == before, "back")


async def test_nothing_is_drawn_while_there_is_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[int] = []
    monkeypatch.setattr(module, "SECONDS", 0.01)
    new = call_log.Reader.new
    monkeypatch.setattr(call_log.Reader, "new", lambda reader: reads.append(len(reads)) or new(reader))
    async with wizard() as walk:
        dialog = await opened(walk)
        await walk.sees("No call was made yet.", "0 calls, without secrets.")
        drawn: list[object] = []
        for kind in (Static, LogView):
            draw = kind.render_lines
            monkeypatch.setattr(
                kind, "render_lines", lambda self, crop, draw=draw: drawn.append(self) or draw(self, crop)
            )
        at = len(reads)
        await walk.until(lambda: len(reads) > at + 20, "read again and again")
        assert [one for one in drawn if dialog in one.ancestors] == []  # type: ignore[attr-defined]
        call_log.write(CALL)
        await walk.sees("GET onlineEndpoints/churn", "1 call,")


async def test_of_very_many_calls_the_newest_are_kept_and_all_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.app.steps.deploy.run_log.TRIM_AT", 30)
    monkeypatch.setattr("tui.app.steps.deploy.run_log.KEPT_LINES", 20)
    monkeypatch.setattr(module, "SECONDS", 0.01)
    async with wizard() as walk:
        await opened(walk)
        log = walk.app.screen.query_one(LogView)
        for number in range(1, 36):
            call_log.write({**CALL, "command": f"az call-{number}"})
            await walk.sees(f"{number} call")
            assert len(log.lines) <= 30
        await walk.sees("az call-35", "35 calls, without secrets.")
        assert not any("az call-5" in line.line.split(" ") for line in log.lines)


async def test_the_file_is_written_without_waiting_for_a_slow_disk(
    home: Path,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    go = threading.Event()
    write = new_files.write_atomic
    monkeypatch.setattr(new_files, "write_atomic", lambda *args, **more: write(*args, **more) if go.wait(60) else None)
    call_log.write(CALL)
    async with wizard() as walk:
        await opened(walk)
        await walk.tab_to("log-save")
        await walk.press("enter")
        await walk.tab_to("log-text")
        await walk.press(*"other")
        await walk.sees("No lines match the filter.")
        assert not go.is_set() and "Written" not in walk.text()
        go.set()
        await walk.sees("Written to")
    saved = home / "log-calls.txt"
    assert "--name churn" in saved.read_text() and saved.stat().st_mode & 0o777 == 0o600


async def test_a_file_that_cannot_be_read_is_told() -> None:
    call_log.path().mkdir(parents=True)
    async with wizard() as walk:
        await opened(walk)
        await walk.sees("cannot be read: Is a directory.")


async def test_the_helper_of_the_wizard_logs_its_calls(
    rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async with rehearsed(rehearsal_env, monkeypatch, endpoint="calls") as walk:
        await walk.to("workspace")
        await opened(walk)
        log = walk.app.screen.query_one(LogView)
        wanted = f"GET workspaces/{walk.store.resolved('workspace.name')}  az ml workspace show --name"
        await walk.until(lambda: any(wanted in line.line for line in log.lines), wanted)
        assert "GET msi/token" in "".join(line.line for line in log.lines)
        assert not any(rehearsal_env["IDENTITY_HEADER"] in line.line for line in log.lines)


@pytest.mark.parametrize(
    ("call", "line"),
    [
        (CALL, "200    12 ms  GET onlineEndpoints/churn  az ml online-endpoint show"),
        ({**CALL, "status": None, "error": "ReadTimeout", "ms": 90000}, "ReadTimeout 90,000 ms  GET onlineEndpoints/"),
        ({"ms": 5, "command": "databricks secrets", "time": "no time"}, "no time OK     5 ms  databricks"),
        ({}, " OK     0 ms  "),
    ],
)  # fmt: skip
def test_a_call_is_a_line(call: dict[str, Any], line: str) -> None:
    assert line in line_of(call).line
