"""A form that queries the helper: shows progress while it works and errors if it fails, and drops late answers."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any, ClassVar

from tui.app.state.answers import BLINK
from tui.app.state.store import DEPENDS, Store
from tui.app.steps.form_pane import FormPane
from tui.app.steps.step_pane import Action
from tui.app.widgets.facts import Fact, Facts

DEBOUNCE = 0.5  # seconds without a key before a slow query is sent


class HelperFormPane(FormPane):
    """A form that also shows the helper's answers, in a Facts widget with the id `found`.

    A step mainly has one query: `asks` is its name, `busy` the text shown meanwhile, `patience` the timeout in seconds.
    It is sent when the environment is complete, and when typing in a field that affects it pauses.
    """

    asks: ClassVar[str] = ""
    busy: ClassVar[str] = ""
    patience: ClassVar[float] = 60

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.raw_errors: dict[str, str] = {}  # by question

    def look(self, wait: float = 0) -> None:
        """Send the step's query after `wait` seconds, replacing one that is still waiting."""
        self.in_background(partial(self._look, wait), self.asks)

    async def _look(self, wait: float) -> None:
        if self.may_ask():
            facts = self.query_one("#found", Facts)
            answer = await self.question(self.asks, facts, self.busy, timeout=self.patience, wait=wait)
            if answer is not None:
                self.answered(answer)

    def ask_again(self) -> None:
        """Send the query again, even if an answer is known."""
        self.store.facts.pop(self.asks, None)
        self.look()

    def may_ask(self) -> bool:
        """Whether the fields are complete enough for the query. May read the disk."""
        return True

    def answered(self, answer: Any) -> None:
        """Show the answer to the step's query."""

    def outdated(self) -> None:
        """React to a change of a field that affects the query."""

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
        """Return the helper's answer, or None after an error, which is then shown in `facts`.

        An answer that is no longer valid for the plan is dropped (returns None, shows nothing).
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
        """Return an error's lines: what happened, why, what to do."""
        words = "Azure's error text: ctrl+o, Show the raw error." if error.raw else ""
        rows = (("bad", f"{error.title}.".replace("..", ".")), ("", error.cause), ("", error.remedy), ("none", words))
        return [Fact(kind, text) for kind, text in rows if text]

    def actions(self) -> list[Action]:
        found = super().actions()
        if any(self.raw_errors.values()):
            found.insert(0, Action("Show the raw error", "The text as sent by Azure, to copy for support.", self._raw))
        return found

    def _raw(self) -> None:
        self.show_text("The raw error", "\n\n".join(raw for raw in self.raw_errors.values() if raw))
