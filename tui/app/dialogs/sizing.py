"""The dialog Size by measurement: measures the model under load here, and shows which sizes hold the wanted load."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Button, Static
from textual.widgets.option_list import Option

from tui.app.dialogs.base import Box, Dialog, Results, buttons, close_button, says
from tui.app.dialogs.text_dialog import TextScreen
from tui.app.dialogs.trial_lines import facts, progress
from tui.app.state.answers import stay_busy
from tui.app.state.background import in_background, in_thread
from tui.app.state.side_by_side import existing_deployment
from tui.app.state.store import Store
from tui.app.textual_patches.option_list import OptionList
from tui.app.widgets.facts import Fact, Facts
from tui.app.widgets.inputs import TextInput
from tui.app.widgets.offered_focus import offer_focus
from tui.common.cell_width import ljust
from tui.plan.fields.all_fields import BY_KEY

if TYPE_CHECKING:
    from tui.local_trial.sizing.choice import Choice
    from tui.local_trial.sizing.fit import Wanted
    from tui.local_trial.sizing.recommend import Recommendation
    from tui.plan.load_save.document import Document

ABOUT = (
    "Serves the model on this machine, as Test locally first does, and sends it requests at rising rates for a few "
    "minutes. Nothing in Azure is touched. Size, instances and settings follow from what it measures."
)
SOURCE = "measured here"
BOXES = (("rate", "Requests a second", "20"), ("latency", "p95 in ms", "200"))


@dataclass
class Sized:
    """What is kept in the store's facts as `measured`, until the model or one of its files changes.

    `report` is the load run's, `recommendation` what follows from it for the load that was asked for last, and
    `before` what the plan had before a choice was taken: value and source by key.
    """

    report: Mapping[str, Any]
    recommendation: Recommendation
    before: dict[str, tuple[Any, str]] = field(default_factory=dict)


class SizingScreen(Dialog[None]):
    """Asks for a load, measures, and takes a choice into the plan. Esc, or Cancel, stops a measurement."""

    AUTO_FOCUS = ""  # a field, but the choices if the model was measured before

    def __init__(self, store: Store) -> None:
        super().__init__()
        self._store = store
        self._working = False
        self._lines: list[Fact] = []  # what is shown without a recommendation

    def compose(self) -> ComposeResult:
        with Box("Size by measurement", classes="-wide -sizing"):
            with Horizontal(id="sizing-bar"):
                for (name, label, _), typed in zip(BOXES, self._store.wanted_load):
                    yield Static(label, markup=False)
                    yield TextInput(
                        typed, id=f"sizing-{name}", max_length=7, tooltip=f"{label}; if empty, it follows from the run"
                    )
                measure = Button("Measure", id="sizing-measure", compact=True, variant="primary")
                measure.active_effect_duration = 0  # Textual drops a second press while this effect lasts
                yield measure
            yield says(ABOUT, id="said")
            yield OptionList(id="sizing-choices")
            yield Results(Facts("sizing-facts"), id="sizing-results")
            yield buttons(
                Button("Use in the plan", id="sizing-take", compact=True),
                Button("Undo", id="sizing-undo", compact=True, tooltip="Set the plan's values back."),
                Button("Copy", id="sizing-copy", compact=True),
                close_button(),
            )

    def on_mount(self) -> None:
        for question in ("workspace", "sizes"):  # the quota and the region of the prices; without them it says so
            if question not in self._store.facts:
                in_background(self, partial(self._store.answer, question, timeout=60), question)
        self._show()
        if self._sized is not None:
            self._again()
        else:
            self.query_one("#sizing-rate").focus()

    @property
    def _sized(self) -> Sized | None:
        return None if self._working else self._store.facts.get("measured")

    def action_close(self) -> None:
        """Close, and stop a measurement in progress."""
        self.workers.cancel_group(self, "measure")
        self.dismiss(None)

    # Measuring

    def _wanted(self) -> Wanted | None:
        """The load that was typed; None, with a message, if one is not a number."""
        from tui.local_trial.sizing.fit import Wanted

        typed = tuple(self.query_one(f"#sizing-{name}", TextInput).value.strip() for name, _, _ in BOXES)
        numbers: list[float | None] = []
        for text, (name, label, example) in zip(typed, BOXES):
            number = float(text) if text.replace(".", "", 1).isdecimal() else 0.0
            if text and not number:
                self.say(f"✖ {label} must be a number above 0, such as {example}, or empty: {text}")
                self.query_one(f"#sizing-{name}").focus()
                return None
            numbers.append(number or None)
        self._store.wanted_load = (typed[0], typed[1])
        return Wanted(*numbers)

    @on(Button.Pressed, "#sizing-measure")
    def _measure(self) -> None:
        if self._working:
            self.say("▸ Stopping, and removing what was started")
            self.workers.cancel_group(self, "measure")
        elif self._wanted() is not None:
            in_background(self, self._measured, "measure")

    @on(TextInput.Submitted)
    def _again(self) -> None:
        """Apply what was measured to the load that is asked for now; measure first if nothing was."""
        self.query_one("#sizing-measure").focus()  # nothing is being typed any more; the answer moves the focus on
        if self._sized is None:
            if not self._working:
                self._measure()
        elif self._wanted() is not None:
            in_background(self, self._recommended, "recommend")

    async def _measured(self) -> None:
        from tui.local_trial.client import perform

        self._working, began, failed = True, time.monotonic(), ""
        self._lines = []
        self.say("▸ Starting")
        self._show()
        report: dict[str, Any] = {}
        try:
            await self._store.settled()
            one = self._store.document.each()[self._store.document.shown or 0]  # only the deployment that is shown
            report = await perform(one, self._store.environ, self._tell, load={})
            await stay_busy(began)
        except OSError as error:
            failed = f"✖ The load run cannot be started: {error.strerror or error}."
        except asyncio.CancelledError:
            failed = "! Stopped: nothing was measured."
        self._working = False
        if report.get("measured"):
            return await self._recommended(report)
        self._lines = facts(report.get("findings") or ()) or self._lines
        self._show()
        self.say(failed or "✖ Nothing was measured, so no size follows.")

    def _tell(self, line: str) -> None:
        """Show a line of progress; those of the load run stay on the screen until there are results."""
        if not self.query("#said"):
            return
        step, _, words = line.partition(": ")
        if step == "Load":
            self._lines.append(Fact("none", words))
            self._about()
            self.query_one(Results).scroll_end(animate=False)
        self.say(progress(words if step == "Load" else line, self.query_one("#said").size.width))

    async def _recommended(self, report: Mapping[str, Any] | None = None) -> None:
        """Recommend for the wanted load, from this report or from the one that is kept."""
        sized, wanted = self._sized, self._wanted()
        if report is None and sized is not None:
            report = sized.report
        if report is None or wanted is None:
            return
        region = str((self._store.facts.get("workspace") or {}).get("location") or "")
        found = await in_thread(
            recommended, report["measured"][0], wanted, self._store.document.copy(), dict(self._store.environ),
            self._store.facts.get("sizes"), region, dict(existing_deployment(self._store)),
        )  # fmt: skip
        self._store.facts["measured"] = Sized(report, found, sized.before if sized else {})
        self._store.announce("measured")
        self._show()
        if found.choices:
            offer_focus(self.query_one("#sizing-choices"))

    # Taking

    @property
    def _choice(self) -> Choice | None:
        """The choice under the cursor."""
        at = self.query_one("#sizing-choices", OptionList).highlighted
        choices = self._sized.recommendation.choices if self._sized else ()
        return choices[at] if at is not None and at < len(choices) else None

    @on(Button.Pressed, "#sizing-take")
    @on(OptionList.OptionSelected)
    def _take(self) -> None:
        choice, sized = self._choice, self._sized
        if choice is None or sized is None or not choice.changes:
            return
        for key, value in choice.changes.items():
            if key not in BY_KEY:  # an entry of a map
                key, _, name = key.rpartition(".")
                entries = self._store.value(key)
                value = {**(entries if isinstance(entries, dict) else {}), name: value}
            written = self._store.document.get(key)
            sized.before.setdefault(key, (written, "" if written is None else self._store.document.source(key)))
            self._store.put(key, value, SOURCE)
        self._keep(sized)

    @on(Button.Pressed, "#sizing-undo")
    def _undo(self) -> None:
        sized = self._sized
        if sized is None:
            return
        for key, (value, source) in sized.before.items():
            self._store.put(key, value, source)
        sized.before = {}
        self._keep(sized)

    def _keep(self, sized: Sized) -> None:
        """Keep what was measured: with other workers the model is still the same."""
        self._store.facts["measured"] = sized
        self._again()

    # Showing

    def _show(self) -> None:
        if not self.query("#sizing-choices"):
            return
        listed, sized = self.query_one("#sizing-choices", OptionList), self._sized
        found = sized.recommendation if sized else None
        choices = found.choices if found else ()
        at = listed.highlighted or 0
        with self.prevent(OptionList.OptionHighlighted):
            listed.clear_options()
            listed.add_options([Option(row(choice)) for choice in choices])
            listed.highlighted = min(at, len(choices) - 1) if choices else None
        listed.display = bool(choices)
        if found is not None:
            self.say(in_words(found))
        measure = self.query_one("#sizing-measure", Button)
        measure.label = "Cancel" if self._working else "Measure again" if found else "Measure"
        measure.refresh(layout=True)
        for name, usable in (("undo", bool(sized and sized.before)), ("copy", found is not None)):
            self.query_one(f"#sizing-{name}", Button).disabled = not usable
        self._about()

    @on(OptionList.OptionHighlighted)
    def _about(self) -> None:
        """Show what the choice under the cursor rests on."""
        choice, sized = self._choice, self._sized
        self.query_one("#sizing-take", Button).disabled = choice is None or not choice.changes
        lines = self._lines
        if sized is not None:
            doubts = [one for one in sized.report.get("findings") or () if one.get("severity") not in ("ok", "unknown")]
            lines = [*lines_of(sized.recommendation, choice), *facts(doubts)]
            self.query_one(Results).scroll_home(animate=False)
        self.query_one(Facts).show(lines)

    @on(Button.Pressed, "#sizing-copy")
    def _copy(self) -> None:
        if self._sized is None:
            return
        found = self._sized.recommendation
        parts = [in_words(found), *(row(choice) for choice in found.choices)]
        parts += [f"{one.name:11}  {one.text}" for one in lines_of(found, self._choice)]
        self.app.push_screen(TextScreen("Size by measurement", "\n".join(parts), export=True, wide=True))


def recommended(
    measured: Mapping[str, Any],
    wanted: Wanted,
    document: Document,
    environ: Mapping[str, str],
    offers: Any,
    region: str,
    existing: Mapping[str, Any],
) -> Recommendation:
    """Recommend sizes for a plan as far as it is filled in; reads the disk."""
    from tui.local_trial.sizing.recommend import recommended as follows
    from tui.plan.load_save.resolve import resolve

    return follows(measured, wanted, resolve(document, environ, lenient=True), offers, region, existing)


def in_words(found: Recommendation) -> str:
    """A recommendation in one sentence."""
    from tui.local_trial.sizing import words

    if not found.choices:
        return f"✖ No recommendation: {found.why}"
    load = f"{words.rate(found.wanted.rps or 0)} requests a second, p95 at most {words.ms(found.wanted.p95_ms or 0)}"
    number = len(found.choices) + len(found.dearer)
    return f"✔ {load}: {words.counted(number, 'size')} hold{'s' * (number == 1)} it, the cheapest first."


def row(choice: Choice) -> str:
    """A choice in one line."""
    from tui.local_trial.sizing import words

    price = million = "no price"
    if choice.hour is not None:
        price = f"{words.money(choice.hour, choice.currency)}/h"
    if choice.million is not None:
        million = f"{words.money(choice.million, choice.currency)} a million"
    cells = (f"{choice.instances} × {choice.size.name}", words.counted(choice.worker_count, "worker"), price, million)
    shown = "  ".join(ljust(cell, width) for cell, width in zip(cells, (27, 10, 12, 0)))
    return f"{'  ' if choice.changes else '● '}{shown}"


def lines_of(found: Recommendation, choice: Choice | None) -> list[Fact]:
    """What a choice changes, what it rests on, and why other sizes fall out; a name says what kind of line it is."""
    lines = []
    if choice is not None:
        changes = "; ".join(_change(key, value) for key, value in choice.changes.items())
        lines.append(Fact("", "Changes", changes or "None: it is in the plan."))
        lines += [Fact("", line.basis.title(), line.text) for line in choice.lines]
    lines += [Fact("", line.basis.title(), line.text) for line in found.lines]
    reasons: dict[str, list[str]] = {}
    for name, reason in found.refused.items():
        reasons.setdefault(reason, []).append(name)
    if found.dearer:
        lines.append(Fact("none", "Dearer", ", ".join(found.dearer)))
    return lines + [Fact("none", "Not chosen", f"{', '.join(names)}: {why}") for why, names in reasons.items()]


def _change(key: str, value: Any) -> str:
    """A value of the plan with the label of its field; an entry of a map with its own name."""
    field = BY_KEY.get(key)
    return f"{field.label} {field.show(value)}" if field else f"{key.rpartition('.')[2]} {value}"
