"""Asking the helper from a form: a sign of life while it works, a card when it fails, late answers dropped."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from tui.app.state.answers import BLINK
from tui.app.state.store import DEPENDS, Store
from tui.app.steps.form_pane import FormPane
from tui.app.steps.step_pane import Action
from tui.app.widgets.facts import Fact, Facts

DEBOUNCE = 0.5  # seconds without a key before a slow question is asked


class HelperFormPane(FormPane):
    """A form that knows more than its fields by asking the helper; it has Facts with the id `found`.

    A step is mostly about one question: `asks` is its name, `busy` what is said meanwhile, `patience` the seconds that
    the helper has for it. It is asked when the environment is complete, and when typing into a field that matters for
    it pauses.
    """

    asks: ClassVar[str] = ""
    busy: ClassVar[str] = ""
    patience: ClassVar[float] = 60

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.raw_errors: dict[str, str] = {}  # by question

    def look(self, wait: float = 0) -> None:
        """Ask the step's question, after so many seconds; a look that is still waiting is forgotten."""
        self.in_background(partial(self._look, wait), self.asks)

    async def _look(self, wait: float) -> None:
        if self.may_ask():
            facts = self.query_one("#found", Facts)
            answer = await self.question(self.asks, facts, self.busy, timeout=self.patience, wait=wait)
            if answer is not None:
                self.answered(answer)

    def ask_again(self) -> None:
        """Ask once more, whatever is known."""
        self.store.facts.pop(self.asks, None)
        self.look()

    def may_ask(self) -> bool:
        """Whether the fields allow the question. May look at the disk."""
        return True

    def answered(self, answer: Any) -> None:
        """Show the answer to the step's question."""

    def outdated(self) -> None:
        """A field has changed that matters for the question."""

    def changed(self, name: str) -> None:
        if name.startswith(DEPENDS[self.asks]):
            self.outdated()
            if self.display:
                self.look(DEBOUNCE)
        elif name == "ready" and self.display:
            self.look()

    async def question(
        self, name: str, facts: Facts, busy: str, *, timeout: float = 60, wait: float = 0, **with_: Any
    ) -> Any | None:
        """The helper's answer, or None when there is none: what went wrong is then shown in `facts`.

        An answer that no longer fits the plan is dropped (None, and nothing is shown).
        """
        await asyncio.sleep(wait)

        def sign_of_life(seconds: float) -> None:
            passed = f" {seconds:.0f} s" if seconds >= 1 else ""
            facts.show([Fact("busy", f"{self.store.preparing or busy} …{passed}")])

        with self.each_second(sign_of_life):
            answer = await self.store.answer(name, timeout=timeout, blink=BLINK, **with_)
        if answer.late:
            facts.show([])
            return None
        if answer.error is not None:
            self.raw_errors[name] = answer.error.raw
            facts.show(self.card(answer.error))
            return None
        self.raw_errors.pop(name, None)
        return answer.value

    def card(self, error: Any) -> list[Fact]:
        """What happened, why, what to do."""
        words = "Azure's own words: ctrl+o, Show the raw error." if error.raw else ""
        rows = (("bad", f"{error.title}.".replace("..", ".")), ("", error.cause), ("", error.remedy), ("none", words))
        return [Fact(kind, text) for kind, text in rows if text]

    def actions(self) -> list[Action]:
        found = super().actions()
        if any(self.raw_errors.values()):
            found.insert(0, Action("Show the raw error", "The text as Azure sent it, to copy for support.", self._raw))
        return found

    def _raw(self) -> None:
        self.show_text("The raw error", "\n\n".join(raw for raw in self.raw_errors.values() if raw))
