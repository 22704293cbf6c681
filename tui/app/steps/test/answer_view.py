"""Shows the response of a test call: outcome, latency, body, and the headers, collapsed."""

from __future__ import annotations

from typing import Any

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Collapsible, Static

from tui.app.steps.test import call_in_words
from tui.app.steps.test.call_in_words import Call
from tui.app.widgets.help import Topic

SHOWN_CHARACTERS = 20_000  # of a body; the rest is only counted

_LOOK = {"✔": "bold $text-success", "!": "bold $text-warning", "✖": "bold $text-error"}


class AnswerView(VerticalScroll):
    """Shows one call."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.call: Call | None = None

    def compose(self) -> ComposeResult:
        yield Static("No request sent yet.", classes="answer-verdict", markup=False)
        yield Static(classes="answer-body", markup=False)
        with Collapsible(title="Response headers", collapsed=True, classes="answer-headers"):
            yield Static(classes="answer-headers-text", markup=False)

    def on_mount(self) -> None:
        """Hide the headers until there are any."""
        self.query_one(".answer-headers").display = False

    def topic(self) -> Topic:
        return Topic(
            "Response",
            "Status, latency from this machine, the deployment that responded, body and headers.",
            "Status 424 means that the scoring script raised an error; the body is its response.",
        )

    def show(self, call: Call) -> None:
        """Show a call."""
        self.call = call
        lines = [
            Content.styled(call.verdict, _LOOK.get(call.verdict[:1], "bold")),
            Content.styled(call.circumstances, "$text-muted"),
        ]
        if call.note and call.note not in call.verdict:
            lines.append(Content(call.note))
        if call.error:
            lines += [Content(part) for part in call.error[1:] if part]
        self.query_one(".answer-verdict", Static).update(Content("\n").join(lines))
        body = call_in_words.pretty(call.body)
        if len(body) > SHOWN_CHARACTERS:
            body = body[:SHOWN_CHARACTERS] + f"\n… {len(body) - SHOWN_CHARACTERS:,} more characters"
        self.query_one(".answer-body", Static).update(body)
        headers = "\n".join(f"{name}: {value}" for name, value in sorted(call.headers.items()))
        folded = self.query_one(".answer-headers", Collapsible)
        folded.display = bool(headers)
        folded.title = f"Response headers ({len(call.headers)})"
        self.query_one(".answer-headers-text", Static).update(headers)
        self.scroll_home(animate=False)
