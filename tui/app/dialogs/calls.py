"""Follows the calls to Azure of all processes on this machine, each as the command that asks the same."""

from __future__ import annotations

import asyncio
from contextlib import closing
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding
from textual.widgets import Button, Select

from tui.app.app_interface import AppInterface
from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.state.background import in_background, in_thread
from tui.app.steps.deploy.run_log import RunLog
from tui.app.text.formatting import count
from tui.app.widgets.log_view import row_text
from tui.common import call_log
from tui.common.cell_width import rjust
from tui.engine.journal.run_view import LogLine

SECONDS = 1.0  # between two reads of the file
WHOLE = 200  # calls that are shown unabridged at once


class CallsDialog(Dialog[None]):
    """Shows the latest calls, and adds new ones while it is open."""

    AUTO_FOCUS = "#log"
    BINDINGS: ClassVar = [
        Binding("enter", "whole", "Whole lines", id="calls.whole", tooltip="Show the filtered calls unabridged."),
    ]
    app: AppInterface

    def compose(self) -> ComposeResult:
        yield Box(
            "Calls to Azure",
            RunLog(id="calls-log", classes="-of-no-run"),
            says("▸ Reading the log of calls", id="said"),
            buttons(Button("Whole lines", id="whole", compact=True), close_button(variant="primary")),
            classes="-wide -logs",
        )

    def on_mount(self) -> None:
        self._tasks: dict[str, None] = {}
        self._file = call_log.path(self.app.environ)
        log = self.query_one(RunLog)
        log.view.empty_text = "No call was made yet."
        log.query_one("#log-task", Select).prompt = "all calls"
        in_background(self, self._follow, "calls")

    async def _follow(self) -> None:
        first = True
        with closing(call_log.Reader(self._file)) as reader:
            while True:
                try:
                    calls = await in_thread(reader.new)
                except OSError as error:
                    self.say(f"✖ {self._file} cannot be read: {error.strerror or error}.")
                    return
                if calls or first:
                    self._add(calls)
                first = False
                await asyncio.sleep(SECONDS)

    def _add(self, calls: list[dict[str, Any]]) -> None:
        lines, log = [*map(line_of, calls)], self.query_one(RunLog)
        self._tasks.update(dict.fromkeys(line.task for line in lines))
        log.offer(tuple(self._tasks))
        log.add(lines)
        self.say(f"{count(log.view.dropped + log.view.count, 'call')}, without secrets. All: {self._file}")

    @on(Button.Pressed, "#whole")
    def action_whole(self) -> None:
        """Show the filtered calls unabridged, the newest first, to read and to copy."""
        lines = map(row_text, reversed(self.query_one(RunLog).view.shown_lines[-WHOLE:]))
        self.app.push_screen(TextScreen("Calls to Azure", "\n\n".join(lines), export=True, wide=True))

    @on(Button.Pressed, "#log-save")
    def _save(self) -> None:
        self.query_one(RunLog).write("calls", self.say)


def line_of(call: dict[str, Any]) -> LogLine:
    """Return a call as a line: time, status or error, duration, what is asked in short, and the command."""
    at, source = str(call.get("time") or ""), str(call.get("source") or "")
    try:
        clock = datetime.fromisoformat(at.replace("Z", "+00:00")).astimezone().strftime("%H:%M:%S")
    except ValueError:
        clock = at
    path = urlsplit(str(call.get("url") or "")).path.split("/")
    asked = f"{call['method']} {'/'.join(path[-2:])}  " if call.get("method") else ""
    said = f"{clock} {call.get('status') or call.get('error') or 'OK'} {rjust(format(call.get('ms') or 0, ','), 5)} ms"
    task = source if source == "helper" else f"run …{source[-4:]}"
    return LogLine(task, source, f"{said}  {asked}{call.get('command') or ''}", at)
