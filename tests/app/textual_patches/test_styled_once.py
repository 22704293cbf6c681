"""A new screen is styled, composed and parsed once, and looks as Textual would make it."""

from __future__ import annotations

import os
from typing import Any

import pytest
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode

from tests.app.everything import answers
from tests.app.panes import Walk, home, wizard
from tui.app.app import WizardApp
from tui.app.textual_patches.keys_row import KeysRow
from tui.plan.load_save.load import load

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


class Watched(WizardApp):
    """Keeps which screens are styled again together with their widgets."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.again: list[str] = []

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        if node.name == "wizard" and node.children:
            self.again.append(str(node.classes))
        super().update_styles(node, animate)


async def test_a_new_screen_is_styled_and_its_keys_are_composed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    composed: list[int] = []
    original = KeysRow.compose
    monkeypatch.setattr(KeysRow, "compose", lambda row: composed.append(1) or original(row))
    app = Watched(load("churn-xgboost"), environ=dict(os.environ), helper=answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("step 1 of 9", "PgDn Next", "^c Quit")
        assert (app.again, composed) == ([], [1])
        assert app.screen.has_class("-narrow", "-short")
        await pilot.resize_terminal(140, 40)
        await walk.until(lambda: app.screen.has_class("-side", "-tall"), "the classes of the new size")
        assert len(app.again) == 1


async def test_default_styles_rank_as_textual_ranks_them() -> None:
    async with wizard(answers()) as walk:
        for step in ("workspace", "model", "network"):
            await walk.to(step)
        own: Any = walk.app.stylesheet
        own.parse()
        textual = Stylesheet(variables=own._variables)
        textual.source = dict(own.source)
        textual.parse()
        ranks = [
            [(rule.selectors, rule.is_default_rules, rule.tie_breaker) for rule in one.rules] for one in (own, textual)
        ]
        assert ranks[0] == ranks[1]
        assert min(rule.tie_breaker for rule in own.rules) < min(source.tie_breaker for source in own.source.values())
