"""The review as one list: findings, planned changes, and all values with their sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, Callable, NamedTuple

from rich.cells import cell_len
from textual.content import Content
from textual.widgets.option_list import Option

from tui.app.state.findings import FIELD_OF_RESOURCE, SEVERITIES, Finding
from tui.app.steps.review.summary import ACTIONS, Value
from tui.app.text.formatting import count
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.help import Topic
from tui.common.cell_width import cut, ljust, wrap
from tui.helper.diff_report import before_after
from tui.plan.fields.all_fields import BY_KEY, STEPS
from tui.plan.traffic import blocks

Cell = tuple[str, int, str]  # text, width, style

_LOOK = {"blocker": "$text-error", "warning": "$text-warning", "unknown": "$text-muted", "ok": "$text-success"}
_LOUD = ("blocker", "warning")  # shown before everything else
_LOOK_OF_ACTION = {
    "create": "$text-success",
    "change": "$text-warning",
    "skip": "$text-muted",
    "refused": "$text-error",
}


@dataclass(frozen=True)
class Row:
    """A row of the list: its content, and the step or field that Enter opens."""

    content: Content
    step: str = ""
    key: str | None = None
    topic: Topic | None = None
    heading: bool = False


class Review(NamedTuple):
    """The content of the list.

    `changes` is None while not known; `waiting` says why, by `check` and `changes`: a word with its symbol, and a
    sentence. `made` describes, for each resource, what will be created, in a few words.
    """

    findings: Sequence[Finding] = ()
    changes: Sequence[Mapping[str, Any]] | None = None
    values: Sequence[Value] = ()
    waiting: Mapping[str, tuple[str, str]] = {}
    made: Mapping[str, str] = {}


def columns(*cells: Cell) -> Content:
    """Combine cells side by side, each wrapped to its width, into as many lines as the tallest needs."""
    wrapped = [wrap(text, width) if width > 0 else [""] for text, width, _ in cells]
    lines = []
    for line in zip_longest(*wrapped, fillvalue=""):
        parts: list[Content | str | tuple[str, str]] = []
        for text, (_, width, style) in zip(line, cells):
            padded = ljust(text, width)
            parts += [(padded, style) if style else padded, "  "]
        lines.append(Content.assemble(*parts[:-1]))
    return Content("\n").join(lines)


class ReviewList(OptionList):
    """Lists the review."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.rows: list[Row] = []
        self._shown = Review()
        self._built: object = None

    def show(self, review: Review) -> None:
        """Show everything."""
        self._shown = review
        self._build()

    def on_resize(self) -> None:
        """Adapt the columns to the width, and keep the highlighted row visible."""
        self._build()
        self.call_after_refresh(self.scroll_to_highlight)

    @property
    def brief(self) -> bool:
        """Whether rows have a single line, on a short screen; the highlighted row's full text is then shown below."""
        return self.screen.has_class("-short")

    @property
    def marked(self) -> Row | None:
        """The highlighted row."""
        return self._row(self.highlighted)

    def topic(self) -> Topic | None:
        return self.marked.topic if self.marked else None

    def pick_field(self, key: str) -> bool:
        """Highlight the first row about a field; return whether there is one."""
        return self._pick(lambda row: row.key == key)

    def pick_worst(self) -> None:
        """Highlight the first row that is not a heading."""
        if self._pick(lambda row: True):
            self.scroll_home(animate=False)

    def _pick(self, wanted: Callable[[Row], bool]) -> bool:
        """Highlight the first matching row; return whether there is one."""
        found = next((index for index, row in enumerate(self.rows) if wanted(row) and not row.heading), None)
        if found is not None:
            self.highlighted = found
        return found is not None

    def _row(self, index: int | None) -> Row | None:
        return self.rows[index] if index is not None and index < len(self.rows) else None

    def _build(self) -> None:
        width = self.scrollable_content_region.width
        if width < 30:
            return
        build = (width, self.brief, self._shown)
        if build == self._built:
            return
        self._built = build
        chosen = self._row(self.highlighted)
        self.rows = [
            *self._finding_rows(width),
            *self._change_rows(width),
            *self._checked_rows(width),
            *self._value_rows(width),
        ]
        top = self.scroll_offset.y
        self.clear_options()
        self.add_options(
            Option(row.content, id=str(index), disabled=row.heading) for index, row in enumerate(self.rows)
        )
        if chosen is not None:  # the same row, or else another about its field
            same = self._pick(lambda row: (row.key, row.topic) == (chosen.key, chosen.topic))
            same or (chosen.key and self.pick_field(chosen.key))
        if self.highlighted is None:
            self.pick_worst()
        else:
            self.scroll_to(y=top, animate=False)

    def _finding_rows(self, width: int) -> list[Row]:
        """Return the rows of blockers and warnings."""
        rows = [_heading("Preflight", "Enter on a row edits it")]
        first = [finding for finding in self._shown.findings if finding.severity in _LOUD]
        rows += [self._finding_row(finding, width) for finding in first]
        if self._shown.waiting.get("check"):
            rows.append(self._note(*self._shown.waiting["check"], width))
        elif not first:
            rows.append(self._fine_row() or _in_order("Ready.", "The checks found no problems."))
        return rows

    def _checked_rows(self, width: int) -> list[Row]:
        """Return the rows of unknown results and passed checks, which come last because they need no action."""
        found = list(self._shown.findings)
        rows = [self._finding_row(item, width) for item in found if item.severity not in ("blocker", "warning", "ok")]
        fine = self._fine_row()
        if fine and (
            self._shown.waiting.get("check") or any(item.severity in ("blocker", "warning") for item in found)
        ):
            rows.append(fine)
        return [_heading("Also checked"), *rows] if rows else []

    def _fine_row(self) -> Row | None:
        """Return a row with the number of passed checks, which are listed below the list; None if there are none."""
        fine = [finding.message for finding in self._shown.findings if finding.severity == "ok"]
        if not fine:
            return None
        return _in_order(f"{count(len(fine), 'check')} passed.", " ".join(fine))

    def _finding_row(self, finding: Finding, width: int) -> Row:
        _, symbol, word = SEVERITIES.get(finding.severity, SEVERITIES["unknown"])
        text = self._told(f"{finding.message} {finding.remedy}".strip(), width - 14)
        content = columns((f"{symbol} {word}", 11, _LOOK.get(finding.severity, "")), (text, width - 14, ""))
        at = finding.looked_at if finding.looked_at not in finding.message else ""
        why = f"{finding.remedy} Checked: {at}.".strip() if at else finding.remedy
        topic = Topic(word[:1].upper() + word[1:], finding.message, why, link=finding.docs)
        return Row(content, finding.step, finding.key or None, topic)

    def _told(self, text: str, width: int) -> str:
        """Return a cell's text, truncated to one line if the full text is shown below the list."""
        return cut(text, width) if self.brief else text

    def _note(self, word: str, text: str, width: int) -> Row:
        content = columns((word, 11, "$text-muted"), (self._told(text, width - 13), width - 13, "$text-muted"))
        return Row(content, topic=Topic("Azure", text))

    def _change_rows(self, width: int) -> list[Row]:
        rows = [_heading("Planned changes")]
        if self._shown.waiting.get("changes"):
            rows.append(self._note(*self._shown.waiting["changes"], width))
        longest = max((cell_len(str(change.get("name", ""))) for change in self._shown.changes or ()), default=0)
        name_width = max(min((width - 30) // 2, 30, longest), 19) if width < 100 else 26
        for change in self._shown.changes or ():
            action = "refused" if change.get("refused") else str(change.get("action"))
            symbol, word = ACTIONS.get(action, ("▸", action))
            resource = str(change.get("resource", ""))
            key = FIELD_OF_RESOURCE.get(resource, "endpoint.name")
            why = " ".join(
                str(text) for text in (change.get("refused") or change.get("why"), change.get("how")) if text
            )
            # A new resource needs no reason; describe it instead.
            told = self._shown.made.get(resource) or why if action == "create" else why
            cells = [
                columns(
                    (f"{symbol} {word}", 11, _LOOK_OF_ACTION.get(action, "")),
                    (resource, 11, ""),
                    (str(change.get("name", "")), name_width, "bold"),
                    (self._told(told, width - 28 - name_width), width - 28 - name_width, "$text-muted"),
                )
            ]
            differ = (change.get("changes") or ()) if action in ("change", "refused") else ()
            field_width = min(max((cell_len(str(item.get("field", ""))) for item in differ), default=0), width // 2)
            for item in differ:
                cells.append(
                    columns(
                        ("", 11, ""),
                        (str(item.get("field", "")), field_width, "$text-muted"),
                        (_shares(item) if resource == "traffic" else before_after(item), width - 16 - field_width, ""),
                    )
                )
            made = f" ({self._shown.made[resource]})" if self._shown.made.get(resource) else ""
            about = f"{resource} {change.get('name', '')}: {word}{made}."
            topic = Topic(f"{word} {resource}", about, why)
            rows.append(Row(Content("\n").join(cells), BY_KEY[key].step, key, topic))
        return rows

    def _value_rows(self, width: int) -> list[Row]:
        rows: list[Row] = []
        titles = dict(STEPS)
        # At 80 columns, a subscription ID and $AZURE_SUBSCRIPTION_ID fit in one row each: 36 and 22.
        label = 15 if width < 90 else 20
        source = max(min(width - label - 44, 50), 22)
        step = ""
        for value in self._shown.values:
            if value.field.step != step:
                step = value.field.step
                rows.append(_heading(titles[step]))
            content = columns(
                (value.field.label, label, ""),
                (value.shown, width - label - source - 4, "bold $text-error" if value.problem else "bold"),
                # Without room for all of it, its last part: the variable, if a file refers to one.
                (value.source.rpartition(", from ")[2] if width < 90 else value.source, source, "$text-muted"),
            )
            help_ = value.field.help
            topic = Topic(
                value.field.label, value.problem or help_.what, help_.why, help_.example, value.shown, value.source,
                link=help_.link,
            )  # fmt: skip
            rows.append(Row(content, value.field.step, value.field.key, topic))
        return rows


def _shares(item: Mapping[str, Any]) -> str:
    """A changed share of the traffic: `██████████ 100 % → █████████░ 90 %`."""
    return " → ".join(f"{blocks(share)} {share} %" for share in (int(item["before"] or 0), int(item["after"] or 0)))


def _heading(text: str, hint: str = "") -> Row:
    return Row(Content.assemble((text, "bold"), (f"   {hint}" if hint else "", "$text-muted not bold")), heading=True)


def _in_order(words: str, told: str) -> Row:
    return Row(Content.styled(f"✔ {words}", "$text-success"), topic=Topic("OK", told))
