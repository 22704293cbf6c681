"""The step Test: sends real requests to the endpoint and shows the responses."""

from __future__ import annotations

import time
from datetime import datetime
from functools import partial
from typing import Any, Callable, ClassVar

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Select, Static

from tui.app.state.answers import stay_busy
from tui.app.state.background import in_background
from tui.app.state.store import Store
from tui.app.steps.step_pane import Action, Pane
from tui.app.steps.test import call_as_code, call_in_words, sample_requests
from tui.app.steps.test.answer_view import AnswerView
from tui.app.steps.test.call_in_words import Call
from tui.app.steps.test.load_test import Tally
from tui.app.steps.test.request_editor import RequestEditor
from tui.plan.traffic import bars

KEPT_CALLS = 50
PATIENCE = 200  # seconds: the longest request_timeout_ms is 180 s
GOLDEN_SECONDS = 3600  # for all requests of a file
FILLINGS = {"file": "Sample file", "signature": "Model's signature", "shown": "Request of the call shown"}


class TestPane(Pane):
    """Shows a request editor, Send, and this session's responses; buttons open the load test, traffic and keys."""

    __test__: ClassVar[bool] = False
    step: ClassVar[str] = "test"
    roomy = True
    next_label = "Finish"

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.calls: list[Call] = []
        self.tally: Tally | None = None
        self._endpoint: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        with Horizontal(id="test-bar"):
            yield Static("Send to", classes="test-label", markup=False)
            yield Select([], prompt="by traffic split", id="test-pinned", compact=True,
                         tooltip="Send to one deployment, or follow the traffic split")  # fmt: skip
            send = Button("Send", id="test-send", compact=True, variant="primary", tooltip="Send the request once")
            send.active_effect_duration = 0  # Textual drops a second press while this effect lasts
            yield send
            yield Button("Load test …", id="test-many", compact=True,
                         tooltip="Send it many times, also concurrently: percentiles, errors, a plot")  # fmt: skip
            yield Button("Traffic …", id="test-traffic", compact=True,
                         tooltip="Split the traffic between deployments, roll back, or remove one")  # fmt: skip
            yield Button("Keys …", id="test-keys", compact=True,
                         tooltip="Regenerate keys without an interruption; keys are never shown")  # fmt: skip
        yield Static(id="test-split", markup=False)
        with Vertical(id="test-main"):
            with Vertical(id="test-request"):
                yield RequestEditor(id="test-editor")
                with Horizontal(id="test-below"):
                    yield Static(id="test-judged", markup=False)
                    yield Button("Golden requests", id="test-golden", compact=True,
                                 tooltip="Send the plan's golden requests, and list what differs")  # fmt: skip
                    yield Select(
                        [(label, name) for name, label in FILLINGS.items()],
                        prompt="Fill from …",
                        id="test-fill",
                        compact=True,
                        tooltip="Replace the request (undo: ctrl+z)",
                    )
            with Vertical(id="test-answer"):
                with Horizontal(id="answer-bar"):
                    yield Select([], prompt="no calls yet", id="test-calls", compact=True,
                                 tooltip="The calls of this session, with request and response")  # fmt: skip
                    yield Button("As curl", id="test-curl", compact=True, tooltip="Copy the call as a curl command")
                    yield Button("As Python", id="test-python", compact=True, tooltip="Copy the call as Python")
                yield AnswerView(id="answer")

    def arrive(self) -> None:
        self.query_one("#test-golden").display = bool(self.store.value("test.requests"))
        in_background(self, self._fill, "fill")
        in_background(self, self._read_endpoint, "endpoint")

    def landing(self) -> Widget | None:
        return self.query_one("#test-send", Button)

    async def advance(self, pressed: bool = False) -> bool:
        """Quit: this is the last step."""
        self.post_message(self.Leave())
        return False

    def on_resize(self) -> None:
        """Show request and response side by side if there is room."""
        self.set_class(self.size.width >= 100, "-beside")
        self.call_after_refresh(self._show_split)

    # The request

    async def _fill(self) -> None:
        self.query_one(RequestEditor).fill(await sample_requests.best(self.store))

    async def _fill_from(self, what: str) -> None:
        """Replace the request with the selected one; the editor can undo it."""
        editor = self.query_one(RequestEditor)
        try:
            if what == "shown":
                call = self.query_one(AnswerView).call
                if call is None:
                    raise sample_requests.NoSample("No call is shown yet.")
                text = call.request
            else:
                text = await (sample_requests.from_file if what == "file" else sample_requests.from_signature)(
                    self.store
                )
        except sample_requests.NoSample as why:
            self.say(f"! {why}")
            return
        editor.replace_all(text)
        self.say(f"The request is now: {FILLINGS[what]}.")

    async def _read_endpoint(self) -> None:
        """Read the deployments for the list, and the scoring URI for the code."""
        self._offer_deployments()
        self._tell("▸ Reading the endpoint …")
        answer = await self.store.answer("endpoint")
        if answer.error:
            self._tell(f"! The endpoint could not be read: {answer.error.title}")
            return
        self._endpoint = dict(answer.value or {})
        self._offer_deployments()
        there = self._endpoint.get("exists")
        self._tell("" if there else "! The endpoint does not exist yet: Deploy creates it.")

    def _offer_deployments(self) -> None:
        names = [str(item.get("name")) for item in self._endpoint.get("deployments") or ()]
        if not names:
            names = [str(self.store.document.value("deployment.name") or "")]
        traffic = self._endpoint.get("traffic") or {}
        self._show_split()
        select = self.query_one("#test-pinned", Select)
        chosen = select.value
        labels = {name: f"{name} ({traffic[name]} %)" if name in traffic else name for name in names if name}
        select.set_options([(label, name) for name, label in labels.items()])
        if chosen in names:
            select.value = chosen

    def _show_split(self) -> None:
        """Show the traffic split; with one deployment it would say nothing, and take a row from the request."""
        split, traffic = self.query_one("#test-split", Static), self._endpoint.get("traffic") or {}
        split.display = len(self._endpoint.get("deployments") or ()) > 1 and bool(traffic)
        room = self.query_one("#test-bar").size.width - len("Traffic ")
        split.update(Content.assemble(("Traffic ", "$text-muted"), bars(traffic, room)))

    @property
    def pinned(self) -> str | None:
        """The deployment selected by name, or None to follow the traffic split."""
        value = self.query_one("#test-pinned", Select).value
        return value if isinstance(value, str) else None

    def on_request_editor_checked(self, event: RequestEditor.Checked) -> None:
        words = Content.styled(("✔ " if event.good else "✖ ") + event.words, "" if event.good else "bold $text-error")
        self.query_one("#test-judged", Static).update(words)

    # Sending

    def on_button_pressed(self, event: Button.Pressed) -> None:
        pressed: dict[str | None, Callable[[], object]] = {
            "test-send": lambda: in_background(self, self._send_once, "send"),
            "test-many": self.load_test,
            "test-golden": self.golden,
            "test-traffic": self.traffic,
            "test-keys": self.keys,
            "test-curl": self.copy_curl,
            "test-python": self.copy_python,
        }
        pressed[event.button.id]()

    async def _send(self) -> Call:
        """Make one call; without a response, the Call contains the reason."""
        body, pinned, at = self.query_one(RequestEditor).text, self.pinned, datetime.now()
        answer, error, _ = await self.store.answer("score", timeout=PATIENCE, body=body, deployment=pinned)
        if error:
            return Call(at, body, pinned, error=(error.title, error.cause, error.remedy), body=error.raw, note="")
        return Call.answered(at, body, pinned, dict(answer))

    async def _send_once(self) -> None:
        began = time.monotonic()
        self._tell("▸ sending …")
        call = await self._send()
        self._keep(call)
        await stay_busy(began)  # the response is already shown
        self._tell("")

    def _tell(self, words: str) -> None:
        if self.display:  # the status line belongs to the current step
            self.say(words)

    def _keep(self, call: Call) -> None:
        self.calls = [*self.calls[-KEPT_CALLS + 1 :], call]
        select = self.query_one("#test-calls", Select)
        with self.prevent(Select.Changed):
            select.prompt = "newest call"
            select.set_options([(kept.short, index) for index, kept in reversed(list(enumerate(self.calls)))])
            select.value = len(self.calls) - 1
        self.query_one(AnswerView).show(call)
        self.query_one("#test-main").add_class("-answered")

    def on_select_changed(self, event: Select.Changed) -> None:
        """Show an earlier call, or fill the editor with another request."""
        if event.select.id == "test-calls" and self.calls:
            chosen = event.value if isinstance(event.value, int) else -1
            self.query_one(AnswerView).show(self.calls[chosen])
        elif event.select.id == "test-fill" and isinstance(event.value, str):
            with self.prevent(Select.Changed):
                event.select.clear()  # so that the same one can be selected again
            in_background(self, partial(self._fill_from, event.value), "fill")

    # Golden requests, load test, traffic, keys

    def golden(self) -> None:
        """Send the plan's golden requests, and list what came of each."""
        in_background(self, self._send_golden, "send")

    async def _send_golden(self) -> None:
        began = time.monotonic()
        self._tell("▸ sending the golden requests …")
        answer, error, _ = await self.store.answer("golden", timeout=GOLDEN_SECONDS, deployment=self.pinned)
        await stay_busy(began)
        self._tell("")
        if error:
            self.show_text(error.title, f"{error.cause}\n{error.remedy}")
        else:
            self.show_text(answer["words"], "\n".join(answer["lines"]))

    def load_test(self) -> None:
        """Send many requests, in a dialog."""
        from tui.app.steps.test.load_test_dialog import LoadTestDialog

        def after(tally: Tally | None) -> None:
            if tally is not None and tally is not self.tally:
                self.tally = tally
                self.say(tally.in_words())

        body = self.query_one(RequestEditor).text
        self.app.push_screen(LoadTestDialog(self.store, body, self.pinned, self.tally), after)

    def traffic(self) -> None:
        """Change the traffic, or remove what is there, in a dialog."""
        from tui.app.endpoint_operations.traffic_dialog import TrafficDialog

        def after(changed: bool | None) -> None:
            in_background(self, self._read_endpoint, "endpoint")

        self.app.push_screen(TrafficDialog(self.store), after)

    def keys(self) -> None:
        """Regenerate the endpoint's keys, in a dialog."""
        from tui.app.endpoint_operations.keys_dialog import KeysDialog

        self.app.push_screen(KeysDialog(self.store))

    # Copying

    def snippet(self, kind: str) -> str:
        """Return the call in the editor as curl or Python; the key is read from a variable."""
        body, target = self.query_one(RequestEditor).text, self._target()
        return call_as_code.as_curl(target, body) if kind == "curl" else call_as_code.as_python(target, body)

    def _target(self) -> call_as_code.Target:
        def known(key: str) -> str:
            return str(self.store.resolved(key) or self.store.value(key) or "")

        found = self._endpoint
        return call_as_code.Target(
            uri=str(found.get("scoring_uri") or "https://SCORING-URI/score"),
            deployment=self.pinned,
            endpoint=known("endpoint.name"),
            workspace=known("workspace.name"),
            resource_group=known("workspace.resource_group"),
            subscription_id=known("workspace.subscription_id"),
            auth_mode=str(found.get("auth_mode") or known("endpoint.auth_mode") or "key"),
        )

    def copy_curl(self) -> None:
        """Copy the call as a curl command."""
        self._copy("curl")

    def copy_python(self) -> None:
        """Copy the call as Python."""
        self._copy("Python")

    def _copy(self, kind: str) -> None:
        text = self.snippet(kind)
        self.app.copy_to_clipboard(text)
        self.show_text(f"The call as {kind} (already copied); its first command gets the key", text)

    def _show_answer(self) -> None:
        call = self.query_one(AnswerView).call
        if call is not None:
            self.show_text("The call", call.whole())

    def copied_text(self) -> str | None:
        """Return the response if it has the focus, else the call as curl."""
        answer = self.query_one(AnswerView)
        focused = self.screen.focused
        if answer.call and focused is not None and (focused is answer or answer in focused.ancestors):
            return call_in_words.pretty(answer.call.body)
        return self.snippet("curl")

    def actions(self) -> list[Action]:
        found = super().actions()
        if self.calls:
            found.append(Action("Show the whole call", "Request, headers and response, to copy.", self._show_answer))
        return found
