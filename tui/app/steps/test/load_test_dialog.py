"""The load test dialog: number of calls and concurrency, progress, percentiles, errors by status, and a plot."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static

from tui.app.dialogs.base import Box, Results, buttons, close_button, says
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.endpoint_operations.operation_dialog import OperationDialog
from tui.app.state.answers import stay_busy
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.steps.test.latency_plot import LatencyPlot
from tui.app.steps.test.load_test import PIECE_SECONDS, Tally, checked_numbers
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.inputs import TextInput

PATIENCE = 260  # seconds for one batch: a call may take 190


class LoadTestDialog(OperationDialog[Tally]):
    """Sends one request many times; dismissed with the results, or None if nothing was sent."""

    def __init__(self, store: Store, body: str, pinned: str | None, before: Tally | None = None) -> None:
        """`before` is the previous load test, shown until another one starts."""
        super().__init__(store)
        self._body = body
        self._pinned = pinned
        self.tally = before
        self._stop = asyncio.Event()

    def compose(self) -> ComposeResult:
        count, parallel = (self.tally.wanted, self.tally.parallel) if self.tally else (20, 1)
        with Box(
            f"Load test, {f'to {self._pinned}' if self._pinned else 'by traffic split'}", classes="-wide -load-test"
        ):
            with Horizontal(id="load-test-bar"):
                yield Static("Calls", classes="load-test-label", markup=False)
                yield TextInput(str(count), id="load-test-count", max_length=4, tooltip="Number of calls, up to 1,000")
                yield Static("Concurrent", classes="load-test-label", markup=False)
                yield TextInput(
                    str(parallel), id="load-test-parallel", max_length=2, tooltip="Concurrent calls, up to 50"
                )
                start = Button("Start", id="load-test-start", compact=True, variant="primary")
                start.active_effect_duration = 0  # Textual drops a second press while this effect lasts
                yield start
            yield says("Each call is a real request to the endpoint, sent from this machine.", id="said")
            yield Results(Facts("load-test-figures"), id="load-test-facts")
            yield LatencyPlot(id="load-test-plot")
            yield buttons(Button("Copy the results", id="load-test-copy", compact=True), close_button())

    def on_mount(self) -> None:
        self.query_one("#load-test-start").focus()
        self.show()

    def action_close(self) -> None:
        """Close; calls in progress are not awaited."""
        self._stop.set()
        self.dismiss(self.tally)

    @on(Button.Pressed, "#load-test-start")
    @on(TextInput.Submitted)
    def _start_or_cancel(self) -> None:
        if self._working:
            self._stop.set()
        else:
            in_background(self, self._send, "load-test")

    @on(Button.Pressed, "#load-test-copy")
    def _copy(self) -> None:
        if self.tally is None:
            return
        text = self.tally.text()
        self.app.copy_to_clipboard(text)
        self.app.push_screen(TextScreen("The results (already copied)", text, export=True, wide=True))

    # Sending

    async def _send(self) -> None:
        number, parallel, wrong = checked_numbers(*(self.query_one(f"#load-test-{name}", TextInput).value
                                           for name in ("count", "parallel")))  # fmt: skip
        if wrong:
            self.say(f"✖ {wrong}")
            return
        self._working = True
        self._stop = asyncio.Event()
        self._label("Cancel")
        self.tally = Tally(number, parallel, self._pinned)
        began = time.monotonic()
        self.show()
        try:
            await self._pieces()
            if self.tally.shots:
                await stay_busy(began)
        finally:
            self._working = False
            self._label("Start")
        self.show()

    async def _pieces(self) -> None:
        """Request batch after batch until all calls are made; a cancel does not wait for the batch in progress."""
        stopped = asyncio.ensure_future(self._stop.wait())
        try:
            while self.tally is not None and self.tally.left:
                tally = self.tally
                piece = asyncio.ensure_future(
                    self._store.answer(
                        "burst", timeout=PATIENCE, body=self._body, deployment=self._pinned, count=tally.left,
                        parallel=tally.parallel, seconds=PIECE_SECONDS,
                    )
                )  # fmt: skip
                await asyncio.wait({piece, stopped}, return_when=asyncio.FIRST_COMPLETED)
                if not piece.done():
                    piece.cancel()
                    self.tally = replace(tally, cancelled=True)
                    return
                answer, error, _ = piece.result()
                if error:
                    self.tally = replace(tally, error={"title": error.title, "cause": error.cause}, cancelled=True)
                    return
                self.tally = tally.after(answer or {})
                if len(self.tally.shots) == len(tally.shots):
                    return
                self.show()
                if self._stop.is_set() and self.tally.left:
                    self.tally = replace(self.tally, cancelled=True)
                    return
        finally:
            stopped.cancel()
            self.show()

    # Showing

    def _label(self, label: str) -> None:
        for button in self.query("#load-test-start").results(Button):
            button.label = label

    def show(self) -> None:
        tally = self.tally
        if not self._there:
            return
        self.query_one("#load-test-copy", Button).disabled = tally is None or not tally.shots
        if tally is None:
            return
        if self._working:
            width = max(self.query_one("#said").size.width - 58, 10)  # 13 cells are for the seconds that it counts
            filled = round(len(tally.shots) / max(tally.wanted, 1) * width)
            self.say(f"▸ {tally.progress():42} {'━' * filled}{'┄' * (width - filled)}")
        else:
            self.say(tally.in_words())
        kinds = {"No response": "bad", "First error": "bad"}
        self.query_one(LatencyPlot).show(tally)
        self.query_one(Facts).show([Fact(kinds.get(name, ""), name, text) for name, text in tally.figures()])
