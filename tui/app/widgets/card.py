"""An error card: what happened, why, what to do, and the raw text, collapsed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.style import Style
from textual.widgets import Button, Collapsible, Static

from tui.common.cell_width import wrap
from tui.plan.fields.all_fields import BY_KEY, STEPS

# The step in which a task's values are edited, if the card names no field.
STEP_OF_TASK: dict[str, str] = {
    "sign-in": "credentials",
    "workspace": "workspace",
    "endpoint": "endpoint",
    "model": "model",
    "code": "model",
    "environment": "model",
    "deployment": "compute",
    "autoscale": "compute",
    "traffic": "network",
    "test": "model",
    "rollout": "network",
}


LONGEST_LABEL = 18  # characters of the first button, so that all five fit in 80 columns


@dataclass(frozen=True)
class Card:
    """The content of an error card. `step` and `key` say where to fix it, `raw` is the service's original text."""

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
        """Create a card from an event, or from an answer that contains an error."""
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
        """Return the card as plain text, with what else support needs (run, endpoint, version, …)."""
        named = {"Why": self.cause, "What to do": self.remedy, "See": self.docs, **about}
        parts = [self.title, *(f"{name}: {value}" for name, value in named.items() if value)]
        parts += [f"Request id: {item}" for item in self.request_ids]
        parts += ["", self.raw] if self.raw else []
        return "\n".join(parts) + "\n"

    @property
    def paragraphs(self) -> list[tuple[str, str]]:
        """Return the paragraphs below the title, each a label and a text."""
        return [
            (name, text) for name, text in (("Why", self.cause), ("To do", self.remedy), ("See", self.docs)) if text
        ]


def _text(value: Any) -> str:
    """Return a value that may be a text, a list of lines or a structure as text."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return "\n".join(_text(item) for item in value)
    return json.dumps(value, indent=2, ensure_ascii=False)


class CardView(Vertical):
    """Shows a card, with a button for each available action; the pane handles the buttons."""

    card: Card | None = None

    def compose(self) -> ComposeResult:
        yield Static(classes="card-title", markup=False)
        yield Horizontal(
            Button("Edit", id="card-edit", compact=True, tooltip="Go to the field that caused this"),
            Button("", id="card-retry", compact=True,
                   tooltip="Resume this run: completed tasks are kept, the rest is done"),
            Button("Run again", id="card-again", compact=True,
                   tooltip="Start a new run of the current plan; existing resources are kept"),
            Button("Log", id="card-log", compact=True, tooltip="Show the log instead of this card"),
            Button("For support", id="card-copy", compact=True, tooltip="Copy everything that support needs"),
            classes="card-actions",
        )  # fmt: skip
        raw = Static(classes="card-raw-text", markup=False)
        yield VerticalScroll(
            Static(classes="card-text", markup=False),
            Collapsible(raw, title="Raw text and request ids", collapsed=True, classes="card-raw"),
            classes="card-body",
        )

    def on_mount(self) -> None:
        for button in self.query(Button):
            button.active_effect_duration = 0  # Textual drops a second press while this effect lasts

    def show(self, card: Card, *, again: str, retry: str = "", note: str = "") -> None:
        """Show a card.

        `again` labels the button that starts a new run, `retry` the one that resumes (empty: no such button); `note` is
        a sentence above everything else.
        """
        self.card = card
        self.query_one(".card-title", Static).update(Content.assemble(("✖ ", "bold"), (card.title, "bold")))
        lines: list[Any] = [(note, "bold $text-accent")] if note else []
        for name, text in card.paragraphs:
            said = text.strip()
            look: Any = Style(link=said, underline=True) if name == "See" and said.startswith("http") else ""
            lines += [("\n" if lines else ""), (f"{name}: ", "bold"), (said, look)]
        self.query_one(".card-text", Static).update(Content.assemble(*lines))
        for name, label, shown in (
            ("edit", _edit_label(card), card.step),
            ("again", again, True),
            ("retry", retry, retry),
        ):
            button = self.query_one(f"#card-{name}", Button)
            button.label, button.display = label, bool(shown)
        raw = card.raw + "".join(f"\nRequest id: {item}" for item in card.request_ids)
        self.query_one(".card-raw", Collapsible).display = bool(raw.strip())
        self.query_one(".card-raw-text", Static).update(raw.strip())

    def wanted(self, width: int) -> int:
        """Return the rows that the card needs at this width, with its raw text collapsed."""
        if self.card is None:
            return 0
        room = max(width - 4, 20)  # without the bar and the scroll bar
        texts = [f"✖ {self.card.title}", *(f"{name}: {text}" for name, text in self.card.paragraphs)]
        return 2 + sum(len(wrap(text, room)) for text in texts)

    def first_action(self) -> Button:
        """Return the button to focus when the card appears."""
        buttons = [self.query_one(f"#card-{name}", Button) for name in ("edit", "retry", "again", "copy")]
        return next(button for button in buttons if button.display)


def _edit_label(card: Card) -> str:
    if card.key and card.key in BY_KEY:
        label = f"Edit {BY_KEY[card.key].label}"
        return label if len(label) <= LONGEST_LABEL else "Edit the field"
    return f"Edit {dict(STEPS).get(card.step, 'the plan')}"
