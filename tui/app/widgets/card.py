"""An error as a card: what happened, why, what to do, and the raw text for whoever asks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.message import Message
from textual.style import Style
from textual.widgets import Button, Collapsible, Static

from tui.app.text.cell_width import wrap

# The step where a task's values are edited, when the card names no field.
STEP_OF_TASK: dict[str, str] = {
    "sign-in": "credentials",
    "workspace": "workspace",
    "endpoint": "endpoint",
    "model": "model",
    "code": "model",
    "environment": "model",
    "deployment": "compute",
    "traffic": "network",
    "test": "model",
    "rollout": "network",
}


LONGEST_LABEL = 18  # of the first button, so that all five fit into 80 columns


@dataclass(frozen=True)
class Card:
    """What an error says. `step` and `key` tell where it is put right, `raw` is the service's own text."""

    title: str
    cause: str = ""
    remedy: str = ""
    docs: str = ""
    raw: str = ""
    request_ids: tuple[str, ...] = ()
    step: str = ""
    key: str | None = None

    @classmethod
    def of(cls, card: Mapping[str, Any], task: str = "") -> Card:
        """A card from an event, or from an answer that carries an error."""
        from tui.plan.fields.all_fields import BY_KEY

        key = card.get("field") or None
        field = BY_KEY.get(str(key)) if key else None
        evidence = card.get("evidence") or card.get("raw") or ""
        return cls(
            title=_text(card.get("title")) or "Something went wrong.",
            cause=_text(card.get("cause")),
            remedy=_text(card.get("remedy")),
            docs=_text(card.get("docs")),
            raw=_text(evidence),
            request_ids=tuple(str(item) for item in card.get("request_ids") or ()),
            step=field.step if field else STEP_OF_TASK.get(task.partition(":")[0], ""),
            key=field.key if field else None,
        )

    def for_support(self, about: Mapping[str, str]) -> str:
        """The card as plain text, with what else support asks for (run, endpoint, version, …)."""
        parts = [self.title]
        parts += [f"Why: {self.cause}"] if self.cause else []
        parts += [f"What to do: {self.remedy}"] if self.remedy else []
        parts += [f"See: {self.docs}"] if self.docs else []
        parts += [f"{name}: {value}" for name, value in about.items() if value]
        parts += [f"Request id: {item}" for item in self.request_ids]
        parts += ["", self.raw] if self.raw else []
        return "\n".join(parts) + "\n"


def _text(value: Any) -> str:
    """Text of a value that may be a text, a list of lines or a structure."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "\n".join(_text(item) for item in value)
    return json.dumps(value, indent=2, ensure_ascii=False)


class CardView(Vertical):
    """Shows a card, with a button for each thing that can be done about it."""

    class Edit(Message):
        """Put right what the card is about."""

        def __init__(self, step: str, key: str | None) -> None:
            super().__init__()
            self.step = step
            self.key = key

    class Again(Message):
        """Do it again."""

    class Retry(Message):
        """Do the task that failed again, and what comes after it."""

    class Support(Message):
        """Copy the card for support."""

    class Log(Message):
        """Show the log instead."""

    def __init__(self, *, again: str = "Run again", retry: str = "", log: bool = True, **options: Any) -> None:
        """`again` and `retry` name their buttons; without `retry` there is none."""
        super().__init__(**options)
        self._again = again
        self._retry = retry
        self._log = log
        self.card: Card | None = None

    def compose(self) -> ComposeResult:
        yield Static(classes="card-title", markup=False)
        with Horizontal(classes="card-actions"):
            yield Button("Edit", id="card-edit", compact=True, tooltip="Go to the field that this is about")
            yield Button(self._retry, id="card-retry", compact=True,
                         tooltip="Go on with this run: what has succeeded is kept, the rest is done")  # fmt: skip
            yield Button(self._again, id="card-again", compact=True,
                         tooltip="A new run of the plan as it is now; what is there is kept")  # fmt: skip
            yield Button("Log", id="card-log", compact=True, tooltip="Show the log in place of this card")
            yield Button("For support", id="card-copy", compact=True, tooltip="Copy everything that support needs")
        with VerticalScroll(classes="card-body"):
            yield Static(classes="card-text", markup=False)
            with Collapsible(title="Raw text and request ids", collapsed=True, classes="card-raw"):
                yield Static(classes="card-raw-text", markup=False)

    def show(
        self, card: Card, *, edit: str = "", again: str | None = None, retry: str | None = None, note: str = ""
    ) -> None:
        """Show another card. `edit` names the button that leads to the field, `again` the one that starts anew,
        `retry` the one that goes on (empty: there is none); `note` is a sentence above everything else."""
        self.card = card
        self.query_one(".card-title", Static).update(Content.assemble(("✖ ", "bold"), (card.title, "bold")))
        lines: list[Any] = [(note, "bold $text-accent")] if note else []
        for name, text in (("Why", card.cause), ("To do", card.remedy), ("See", card.docs)):
            if text:
                said = text.strip()
                look: Any = Style(link=said, underline=True) if name == "See" and said.startswith("http") else ""
                lines += [("\n" if lines else ""), (f"{name}: ", "bold"), (said, look)]
        self.query_one(".card-text", Static).update(Content.assemble(*lines))
        button = self.query_one("#card-edit", Button)
        button.display = bool(card.step)
        button.label = edit or _edit_label(card)
        self.query_one("#card-log", Button).display = self._log
        if again is not None:
            self.query_one("#card-again", Button).label = again
        if retry is not None:
            self._retry = retry
        trying = self.query_one("#card-retry", Button)
        trying.display = bool(self._retry)
        trying.label = self._retry
        raw = card.raw + "".join(f"\nRequest id: {item}" for item in card.request_ids)
        self.query_one(".card-raw", Collapsible).display = bool(raw.strip())
        self.query_one(".card-raw-text", Static).update(raw.strip())

    def wanted(self, width: int) -> int:
        """The rows that the card needs to be seen whole, its raw text folded, in so many columns."""
        if self.card is None:
            return 0
        room = max(width - 4, 20)  # beside the bar and the scroll bar
        parts = [("Why", self.card.cause), ("To do", self.card.remedy), ("See", self.card.docs)]
        wrapped = [wrap(f"{name}: {text}", room) for name, text in parts if text]
        title = wrap(f"✖ {self.card.title}", room)
        return len(title) + 2 + sum(len(lines) for lines in wrapped)

    def first_action(self) -> Button:
        """The button to focus when the card appears."""
        buttons = [self.query_one(f"#card-{name}", Button) for name in ("edit", "retry", "again", "copy")]
        return next(button for button in buttons if button.display)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """Each button is a message."""
        event.stop()
        if event.button.id == "card-edit" and self.card:
            self.post_message(self.Edit(self.card.step, self.card.key))
        elif event.button.id == "card-again":
            self.post_message(self.Again())
        elif event.button.id == "card-retry":
            self.post_message(self.Retry())
        elif event.button.id == "card-copy":
            self.post_message(self.Support())
        elif event.button.id == "card-log":
            self.post_message(self.Log())


def _edit_label(card: Card) -> str:
    from tui.plan.fields.all_fields import BY_KEY, STEPS

    if card.key and card.key in BY_KEY:
        label = f"Edit {BY_KEY[card.key].label}"
        return label if len(label) <= LONGEST_LABEL else "Edit the field"
    return f"Edit {dict(STEPS).get(card.step, 'the plan')}"
