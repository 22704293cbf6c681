"""Pasting long texts, wide characters, and paths with blanks and quotes."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual import events
from textual.widgets import Input, TextArea

from tests.app.everything import answers
from tests.app.panes import home, wizard
from tui.app.widgets.field_row import FieldRow

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


async def test_ten_thousand_characters_can_be_pasted() -> None:
    text = "a" * 10_000
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        field = walk.app.screen.query_one("#row-endpoint-name", FieldRow).control
        await walk.until(lambda: field.has_focus, "the field has the focus")
        await walk.press("ctrl+u")
        walk.app.post_message(events.Paste(text))
        await walk.until(lambda: walk.store.value("endpoint.name") == text, "all of it is there")
        await walk.press("tab")
        await walk.sees("✖", "Next")
        await walk.to("test")
        editor = walk.app.screen.query_one(TextArea)
        editor.focus()
        await walk.press("ctrl+a")
        lines = "\n".join(f'{{"data": [[{number}]]}}' for number in range(600))
        walk.app.post_message(events.Paste(lines))
        await walk.until(lambda: lines in editor.text, "all of it is there")
        await walk.sees("✖", "JSON")


async def test_wide_characters_take_their_columns() -> None:
    async with wizard(answers()) as walk:
        await walk.to("endpoint")
        row = walk.app.screen.query_one("#row-endpoint-description", FieldRow)
        row.control.focus()
        await walk.press("ctrl+u")
        walk.app.post_message(events.Paste("流失预测 モデル é́"))
        await walk.until(lambda: "流失预测" in str(walk.store.value("endpoint.description")), "it is there")
        await walk.press("tab")
        await walk.sees("流失预测 モデル")
        for strip in walk.app.screen._compositor.render_strips():
            assert sum(segment.cell_length for segment in strip) == 80
        await walk.press("ctrl+o")
        await walk.sees("Menu")


async def test_a_path_with_spaces_and_quotes_is_pasted_judged_and_saved(home: Path) -> None:
    from tui.plan.load_save.load import load

    folder = home / 'it\'s a "model" folder, ü'
    folder.mkdir()
    async with wizard(answers()) as walk:
        await walk.to("model")
        row = walk.app.screen.query_one("#row-deployment-model-path", FieldRow)
        row.control.focus()
        await walk.press("ctrl+u")
        walk.app.post_message(events.Paste(str(folder)))
        await walk.until(lambda: walk.store.value("deployment.model.path") == str(folder), "it is there")
        await walk.press("pagedown")
        await walk.until(lambda: walk.app.screen.step == "compute", "it is taken")
        assert isinstance(row.control, Input) and row.error is None
    assert load("churn-xgboost/churn-xgboost.yml").get("deployment.model.path") == str(folder)
