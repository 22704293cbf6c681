"""Test: a real request to the endpoint, and what it answers."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Select, Static

from tui.app import calls
from tui.app.background import in_thread
from tui.app.calls import Call
from tui.app.panes.pane import Action, Pane
from tui.app.store import Store
from tui.app.widgets.answer_view import AnswerView
from tui.app.widgets.request_editor import RequestEditor

SAMPLE_BYTES = 1_000_000
REPEATS = 20
KEPT_CALLS = 50
PATIENCE = 200  # seconds: the longest request_timeout_ms is 180 s
BUSY_SECONDS = 1.0
NO_SAMPLE = '{\n  "data": []\n}\n'


class TestPane(Pane):
    """A request editor, Send, and the answers of this sitting."""

    __test__: ClassVar[bool] = False
    step: ClassVar[str] = "test"
    next_label = "Finish"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls: list[Call] = []
        self._good = True
        self._endpoint: dict[str, Any] = {}
        self._busy_until = 0.0
        self._repeating = False

    def compose(self) -> ComposeResult:
        with Horizontal(id="test-bar"):
            yield Static("Send to", classes="test-label", markup=False)
            yield Select([], prompt="as routed", id="test-pinned", compact=True,
                         tooltip="One deployment, or whichever the traffic split gives")  # fmt: skip
            send = Button("Send", id="test-send", compact=True, variant="primary", tooltip="Send the request once")
            send.active_effect_duration = 0  # while it looks pressed, Textual drops a second press
            yield send
            yield Button(f"Send {REPEATS} times", id="test-repeat", compact=True,
                         tooltip="One after the other; shows the median and the 95th percentile")  # fmt: skip
            yield Static(id="test-busy", markup=False)
        with Vertical(id="test-main"):
            with Vertical(id="test-request"):
                yield RequestEditor(id="test-editor")
                yield Static(id="test-judged", markup=False)
            with Vertical(id="test-answer"):
                with Horizontal(id="answer-bar"):
                    yield Select([], prompt="no calls yet", id="test-calls", compact=True,
                                 tooltip="The calls of this sitting")  # fmt: skip
                    yield Button("As curl", id="test-curl", compact=True, tooltip="Copy the call as a curl command")
                    yield Button("As Python", id="test-python", compact=True, tooltip="Copy the call as Python")
                yield AnswerView(id="answer")

    def arrive(self) -> None:
        """Fill the editor from the sample, and read which deployments there are."""
        self.screen.add_class("-roomy")
        self.run_worker(self._fill(), group="fill", exclusive=True)
        self.run_worker(self._read_endpoint(), group="endpoint", exclusive=True)

    def leave(self) -> None:
        """Give the help its rows back."""
        self.screen.remove_class("-roomy")

    def landing(self) -> Widget | None:
        """Send."""
        return self.query_one("#test-send", Button)

    async def advance(self, pressed: bool = False) -> bool:
        """The walk ends here."""
        self.post_message(self.Leave())
        return False

    def on_resize(self) -> None:
        """Request and answer side by side where there is room."""
        self.set_class(self.size.width >= 100, "-beside")

    # The request

    async def _fill(self) -> None:
        text = await in_thread(sample_request, self.store)
        self.query_one(RequestEditor).fill(text)

    async def _read_endpoint(self) -> None:
        """Deployments for the list; the scoring URI for the snippets."""
        from tui.helper.client import HelperError

        self._offer_deployments()
        try:
            self._endpoint = dict(await self.store.ask("endpoint") or {})
        except HelperError as error:
            self.post_message(self.Status(f"! The endpoint could not be read: {error.title}"))
            return
        self._offer_deployments()
        if not self._endpoint.get("exists"):
            self.post_message(self.Status("! The endpoint does not exist yet: Deploy makes it."))

    def _offer_deployments(self) -> None:
        names = [str(item.get("name")) for item in self._endpoint.get("deployments") or ()]
        if not names:
            names = [str(self.store.document.value("deployment.name") or "")]
        traffic = self._endpoint.get("traffic") or {}
        select = self.query_one("#test-pinned", Select)
        chosen = select.value
        labels = {name: f"{name} ({traffic[name]} %)" if name in traffic else name for name in names if name}
        select.set_options([(label, name) for name, label in labels.items()])
        if chosen in names:
            select.value = chosen

    @property
    def pinned(self) -> str | None:
        """The deployment that is asked by name, or None for whichever the traffic gives."""
        value = self.query_one("#test-pinned", Select).value
        return value if isinstance(value, str) else None

    def on_request_editor_judged(self, event: RequestEditor.Judged) -> None:
        """Say what the text is worth."""
        event.stop()
        self._good = event.good
        words = Content.styled(("✔ " if event.good else "✖ ") + event.words, "" if event.good else "bold $text-error")
        self.query_one("#test-judged", Static).update(words)

    # Sending

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """The buttons of this pane."""
        event.stop()
        button = event.button.id
        if button == "test-send":
            self.run_worker(self._send_once(), group="send", exclusive=True)
        elif button == "test-repeat":
            if self._repeating:
                self._repeating = False
            else:
                self.run_worker(self._send_often(), group="send", exclusive=True)
        elif button == "test-curl":
            self._copy("curl")
        elif button == "test-python":
            self._copy("Python")

    async def _send(self) -> Call:
        """One call; also when nothing answers it is a Call, with the reason."""
        from tui.helper.client import HelperError

        body, pinned, at = self.query_one(RequestEditor).text, self.pinned, datetime.now()
        try:
            answer = await self.store.ask("score", timeout=PATIENCE, body=body, deployment=pinned)
        except HelperError as error:
            return Call(
                at, body, pinned, error=(error.title, error.cause, error.remedy), body=error.raw, note=""
            )  # fmt: skip
        return Call.answered(at, body, pinned, dict(answer))

    async def _send_once(self) -> None:
        self._busy("▸ sending")
        call = await self._send()
        self._keep(call)
        await self._idle()

    async def _send_often(self) -> None:
        """One after the other; what one call takes says more about the model than what twenty at once do."""
        self._repeating = True
        button = self.query_one("#test-repeat", Button)
        button.label = "Stop sending"
        done: list[Call] = []
        try:
            while self._repeating and len(done) < REPEATS:
                self._busy(f"▸ {len(done)} of {REPEATS}")
                call = await self._send()
                done.append(call)
                if call.status_code is None:
                    break
        finally:
            self._repeating = False
            button.label = f"Send {REPEATS} times"
        if done:
            self._keep(done[-1], series_in_words(done))
        await self._idle()

    def _busy(self, words: str) -> None:
        self._busy_until = time.monotonic() + BUSY_SECONDS
        self.query_one("#test-busy", Static).update(words)

    async def _idle(self) -> None:
        """What is shown as busy stays for a second; the answer does not wait for it."""
        await asyncio.sleep(max(self._busy_until - time.monotonic(), 0.0))
        self.query_one("#test-busy", Static).update("")

    def _keep(self, call: Call, series: str = "") -> None:
        self.calls = [*self.calls[-KEPT_CALLS + 1 :], call]
        select = self.query_one("#test-calls", Select)
        with self.prevent(Select.Changed):
            select.prompt = "newest call"
            select.set_options([(kept.short, index) for index, kept in reversed(list(enumerate(self.calls)))])
            select.value = len(self.calls) - 1
        self.query_one(AnswerView).show(call, series)

    def on_select_changed(self, event: Select.Changed) -> None:
        """An earlier call."""
        event.stop()
        if event.select.id == "test-calls" and self.calls:
            chosen = event.value if isinstance(event.value, int) else -1
            self.query_one(AnswerView).show(self.calls[chosen])

    # Copying

    def snippet(self, kind: str) -> str:
        """The call in the editor as curl or Python; the key is a variable."""
        body = self.query_one(RequestEditor).text
        uri = str(self._endpoint.get("scoring_uri") or "https://SCORING-URI/score")
        return calls.as_curl(uri, body, self.pinned) if kind == "curl" else calls.as_python(uri, body, self.pinned)

    def _copy(self, kind: str) -> None:
        from tui.app.screens.text import TextScreen

        text = self.snippet(kind)
        self.app.copy_to_clipboard(text)
        title = f"The call as {kind}; KEY stands for the endpoint's key"
        self.app.push_screen(TextScreen(title, text, take_away=True, wide=True))

    def copied_text(self) -> str | None:
        """The answer, when it has the focus; else the call as curl."""
        answer = self.query_one(AnswerView)
        focused = self.screen.focused
        if answer.call and focused is not None and (focused is answer or answer in focused.ancestors):
            return calls.pretty(answer.call.body)
        return self.snippet("curl")

    def actions(self) -> list[Action]:
        """What the menu offers here."""
        return [
            Action("The call as curl", "Copy it; the key is a variable.", lambda: self._copy("curl")),
            Action("The call as Python", "Copy it; the key is a variable.", lambda: self._copy("Python")),
            Action("Sample again", "Put the plan's sample request back into the editor.", self._reset),
        ]

    def _reset(self) -> None:
        editor = self.query_one(RequestEditor)
        editor.load_text("")
        self.run_worker(self._fill(), group="fill", exclusive=True)


def sample_request(store: Store) -> str:
    """The plan's sample request, or what the model's signature gives, or an empty table. Reads a file."""
    from tui.plan.references import Unresolved, expand

    written: str | None = store.document.value("test.request")
    if isinstance(written, str) and written:
        try:
            path = (store.document.base / Path(expand(written, store.environ)).expanduser()).resolve()
            if path.stat().st_size <= SAMPLE_BYTES:
                return path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError, Unresolved):
            pass
    import json

    sample = (store.facts.get("inspect_model") or {}).get("sample")
    return json.dumps(sample, indent=2, ensure_ascii=False) + "\n" if sample else NO_SAMPLE


def series_in_words(done: list[Call]) -> str:
    """`20 calls: p50 31 ms, p95 60 ms ▁▂▁`, and how many were not answered with 200."""
    times = [call.latency_ms for call in done if call.ok and call.latency_ms is not None]
    bad = sum(not call.ok for call in done)
    if not times:
        return f"✖ none of {len(done)} calls was answered well"
    p50, p95 = calls.percentile(times, 0.5), calls.percentile(times, 0.95)
    failed = f", {bad} failed" if bad else ""
    return (
        f"{len(times)} calls{failed}: p50 {calls.milliseconds(p50)}, p95 {calls.milliseconds(p95)} {calls.plot(times)}"
    )
