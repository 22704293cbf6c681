"""Asking the helper from a form: a sign of life while it works, a card when it fails, late answers dropped."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tui.app.state.store import Store
from tui.app.steps.form_pane import FormPane
from tui.app.steps.step_pane import Action
from tui.app.widgets.facts import Fact, Facts

SHOWN_AT_LEAST = 1.0  # seconds that something busy stays on the screen
DEBOUNCE = 0.5  # seconds without a key before a slow question is asked


class HelperFormPane(FormPane):
    """A form that knows more than its fields by asking the helper."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.raw_errors: dict[str, str] = {}  # by question

    async def question(
        self, name: str, facts: Facts, busy: str, *, timeout: float = 60, wait: float = 0, **with_: Any
    ) -> Any | None:
        """The helper's answer, or None when there is none: what went wrong is then shown in `facts`.

        An answer that no longer fits the plan is dropped (None, and nothing is shown).
        """
        from tui.helper.client import HelperError

        if wait:
            await asyncio.sleep(wait)
        before = self.store.fingerprint(name)
        began = time.monotonic()

        def sign_of_life() -> None:
            seconds = time.monotonic() - began
            doing = self.store.preparing or busy
            facts.show([Fact("busy", f"{doing} …" if seconds < 1 else f"{doing} … {seconds:.0f} s")])

        sign_of_life()
        ticker = self.set_interval(1, sign_of_life)
        answer: Any = None
        failure: HelperError | None = None
        try:
            answer = await self.store.ask(name, timeout=timeout, **with_)
        except HelperError as error:
            failure = error
        finally:
            ticker.stop()
        left = SHOWN_AT_LEAST - (time.monotonic() - began)
        if 0 < left < SHOWN_AT_LEAST - 0.15:  # an answer within a blink was never busy
            await asyncio.sleep(left)
        if before != self.store.fingerprint(name):
            facts.show([])
            return None
        if failure is not None:
            self.raw_errors[name] = failure.raw
            facts.show(self.card(failure))
            return None
        self.raw_errors.pop(name, None)
        return answer

    def card(self, error: Any) -> list[Fact]:
        """What happened, why, what to do."""
        facts = [Fact("bad", f"{error.title}.".replace("..", "."))]
        if error.cause:
            facts.append(Fact("", error.cause))
        if error.remedy:
            facts.append(Fact("", error.remedy))
        if error.raw:
            facts.append(Fact("none", "Azure's own words: ctrl+o, Show the raw error."))
        return facts

    def actions(self) -> list[Action]:
        found = super().actions()
        if any(self.raw_errors.values()):
            found.insert(0, Action("Show the raw error", "The text as Azure sent it, to copy for support.", self._raw))
        return found

    def _raw(self) -> None:
        from tui.app.dialogs.text_dialog import TextScreen

        text = "\n\n".join(raw for raw in self.raw_errors.values() if raw)
        self.app.push_screen(TextScreen("The raw error", text, export=True, wide=True))
