"""Follows the logs of an endpoint's containers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.state.answers import explained
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.steps.deploy.run_log import RunLog
from tui.engine.container_log import LogFollower
from tui.engine.journal.run_view import LogLine

SECONDS = 6.0  # between two rounds
LINES = 300
CONTAINERS = {"inference-server": "", "storage-initializer": " init"}
LIMITS = f"Azure gives the last {LINES} lines of a container; read every {SECONDS:.0f} s, so a faster log has gaps."


class LogsDialog(Dialog[None]):
    """Shows the lines of both containers of every deployment, and adds new ones while it is open."""

    AUTO_FOCUS = "#log"

    def __init__(self, store: Store, row: Mapping[str, Any]) -> None:
        super().__init__()
        self._store = store
        self._row = row
        self._failed: set[str] = set()  # the containers whose error is among the lines
        self._followers = {
            (str(one["name"]), container): LogFollower(container)
            for one in row.get("deployments") or ()
            for container in CONTAINERS
        }

    def compose(self) -> ComposeResult:
        yield Box(
            f"Logs of {self._row['endpoint']}",
            RunLog(id="fleet-log", classes="-of-no-run"),
            says("▸ Reading the logs", id="said"),
            buttons(close_button(variant="primary")),
            classes="-wide -logs",
        )

    def on_mount(self) -> None:
        log = self.query_one(RunLog)
        log.offer(tuple(name + CONTAINERS[container] for name, container in self._followers))
        log.view.empty_text = "No line was read yet."
        if not self._followers:
            self.say("The endpoint has no deployment, so there is no log.")
            return
        in_background(self, self._follow, "follow", exclusive=False)

    async def _follow(self) -> None:
        while self.is_attached:
            if self.app.screen is self and self.query_one(RunLog).view.following:
                await self._read()
            await asyncio.sleep(SECONDS)

    async def _read(self) -> None:
        failed = ""
        for (name, container), follower in self._followers.items():
            answer = await self._store.answer("logs", deployment=name, container=container, lines=LINES)
            if not self.is_attached:
                return
            task = name + CONTAINERS[container]
            if answer.error:
                failed = f"✖ {task}: {answer.error.title}."
                found = [("azure", explained(answer.error))] * (task not in self._failed)
                self._failed.add(task)
            else:
                found = follower.new(str(answer.value["content"]))
            self.query_one(RunLog).add(LogLine(task, source, line, "") for source, line in found)
        self.say(failed or LIMITS)

    @on(Button.Pressed, "#log-save")
    def _save(self) -> None:
        self.query_one(RunLog).write(self._row["endpoint"], self.say)
