"""The local trial dialog: serves the plan's model, code and environment on this machine, and shows the results."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.widgets import Button

from tui.app.dialogs.base import Box, Dialog, buttons, close_button, says
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.dialogs.trial_lines import facts, progress, text
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.widgets.facts import Facts

VERDICTS = {
    "ok": "✔ It works here: the server is ready, memory and latency are within the limits.",
    "warning": "! It works here, with warnings.",
    "blocker": "✖ It would not work in Azure.",
    "unknown": "· Some results are not known; see below.",
}
ABOUT = (
    "Serves model, code and environment on this machine, in a separate local Azure, and calls them with the sample. "
    "Nothing in Azure is touched; everything is removed afterwards."
)


class LocalTrialScreen(Dialog[Mapping[str, Any]]):
    """Starts the local trial at once; dismissed with the report, or None if it was stopped."""

    AUTO_FOCUS = "#close"

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self.report: Mapping[str, Any] | None = None

    def compose(self) -> ComposeResult:
        yield Box(
            "Test locally first",
            says(ABOUT, id="trial-about"),
            says("▸ Starting", id="said"),
            VerticalScroll(Facts("trial-facts"), id="trial-scroll", classes="scroll"),
            buttons(
                Button("Size by measurement", id="trial-size", compact=True, disabled=True),
                Button("Copy", id="trial-copy", compact=True, disabled=True),
                close_button("Stop", variant="primary"),
            ),
            classes="-wide",
        )

    def on_mount(self) -> None:
        in_background(self, self._perform, "trial")

    def action_close(self) -> None:
        """Close, and stop a trial in progress."""
        self.workers.cancel_group(self, "trial")
        self.dismiss(self.report)

    async def _perform(self) -> None:
        from tui.local_trial.client import perform

        await self._store.settled()
        try:
            self.report = await perform(self._store.document.copy(), self._store.environ, self._tell)
        except OSError as error:
            self._done([], f"✖ The local trial cannot be started: {error.strerror or error}.")
            return
        except asyncio.CancelledError:
            return
        findings = list(self.report.get("findings") or ())
        worst = next((severity for severity in ("blocker", "warning", "unknown")
                      if any(item.get("severity") == severity for item in findings)), "ok")  # fmt: skip
        self._done(findings, VERDICTS[worst])

    def _tell(self, line: str) -> None:
        if self.report is None and self.query("#said"):
            self.say(progress(line, self.query_one("#said").size.width))

    def _done(self, findings: Sequence[Mapping[str, Any]], words: str) -> None:
        if not self.query("#said"):
            return
        if self.report is None:
            self.report = {"findings": [], "figures": [], "card": None}
        self.query_one("#trial-about").display = False  # makes room for the results
        self.say(words)
        self.query_one(Facts).show(facts(findings))
        self.query_one("#trial-copy", Button).disabled = not findings
        self.query_one("#trial-size", Button).disabled = False
        self.query_one("#close", Button).label = "Close"

    @on(Button.Pressed, "#trial-size")
    def _measure(self) -> None:
        from tui.app.dialogs.sizing import SizingScreen

        self.app.push_screen(SizingScreen(self._store))

    @on(Button.Pressed, "#trial-copy")
    def _copy(self) -> None:
        from tui.common.redact import redact

        plain = redact(text(self.report or {}))
        self.app.push_screen(TextScreen("Local trial", plain, export=True, wide=True))
