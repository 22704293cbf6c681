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
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.widgets.facts import Fact, Facts
from tui.common.cell_width import cut

LONGEST_COUNT = 15  # cells for the sign before and the time after a line
KINDS = {"ok": "ok", "warning": "warn", "blocker": "bad", "unknown": "none"}
NAMES = {
    "trial-ready": "Start",
    "trial-memory": "Memory",
    "trial-latency": "Latency",
    "trial-answer": "Answer",
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
                Button("Copy", id="trial-copy", compact=True, disabled=True), close_button("Stop", variant="primary")
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
            room = max(20, self.query_one("#said").size.width - LONGEST_COUNT)
            self.say(f"▸ {cut(' '.join(line.split()), room)}")

    def _done(self, findings: Sequence[Mapping[str, Any]], words: str) -> None:
        if not self.query("#said"):
            return
        if self.report is None:
            self.report = {"findings": [], "figures": [], "card": None}
        self.query_one("#trial-about").display = False  # makes room for the results
        self.say(words)
        self.query_one(Facts).show(facts(findings))
        self.query_one("#trial-copy", Button).disabled = not findings
        self.query_one("#close", Button).label = "Close"

    @on(Button.Pressed, "#trial-copy")
    def _copy(self) -> None:
        from tui.common.redact import redact

        plain = redact(text(self.report or {}))
        self.app.push_screen(TextScreen("Local trial", plain, export=True, wide=True))


VERDICTS = {
    "ok": "✔ It works here: the server is ready, memory and latency are within the limits.",
    "warning": "! It works here, with warnings.",
    "blocker": "✖ It would not work in Azure.",
    "unknown": "· Some results are not known; see below.",
}


def facts(findings: Sequence[Mapping[str, Any]]) -> list[Fact]:
    """Convert findings to lines, with the remedy below each that is not OK."""
    lines = []
    for item in findings:
        kind = KINDS.get(str(item.get("severity")), "none")
        lines.append(Fact(kind, NAMES.get(str(item.get("id")), str(item.get("id"))), str(item.get("message"))))
        if kind != "ok":
            more = [line for line in str(item.get("remedy") or "").splitlines() if line.strip()]
            lines += [Fact("", "" if number else "What to do", line) for number, line in enumerate(more)]
        card = item.get("card") or {}
        lines += [Fact("", "" if number else "Evidence", str(line)) for number, line in enumerate(_evidence(card))]
        if item.get("docs") and kind != "ok":
            lines.append(Fact("", "Read more", str(item["docs"])))
    return lines


def _evidence(card: Mapping[str, Any]) -> list[str]:
    return [str(line) for line in (card.get("evidence") or ()) if str(line).strip()][:12]


def text(report: Mapping[str, Any]) -> str:
    """Return the report as plain text."""
    lines = []
    for item in report.get("findings") or ():
        lines.append(f"{item.get('severity'):8} {item.get('id')}: {item.get('message')}")
        if item.get("severity") != "ok" and item.get("remedy"):
            lines += [f"{'':9}{line}" for line in str(item["remedy"]).splitlines()]
        lines += [f"{'':9}| {line}" for line in _evidence(item.get("card") or {})]
    for one in report.get("figures") or ():
        lines.append("")
        lines += [f"{name}: {value}" for name, value in one.items() if value is not None]
    return "\n".join(lines) + "\n"
