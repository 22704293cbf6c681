"""The help of every field: what, why, an example, the value and its source, the default, a link."""

from __future__ import annotations

from typing import Any

import pytest

from tests.app.everything import answers
from tests.app.panes import home, wizard
from tui.app.widgets.field_row import FieldRow
from tui.plan.fields import why_it_matters
from tui.plan.fields.all_fields import FIELDS, fields_of

__all__ = ["home"]

pytestmark = pytest.mark.usefixtures("home")


@pytest.mark.parametrize("field", FIELDS, ids=lambda field: field.key)
def test_the_help_of_a_field_says_what_why_an_example_and_where_to_read_on(field: Any) -> None:
    assert field.help.what.endswith(".")
    assert why_it_matters.why(field) or (field.kind in ("choice", "bool") and field.help.what)
    assert why_it_matters.example(field) or field.choices or field.kind == "bool"
    assert why_it_matters.link(field).startswith("https://")


@pytest.mark.parametrize("step", ["credentials", "workspace", "endpoint", "model", "compute", "network"])
async def test_every_field_explains_itself_with_value_source_and_default(step: str) -> None:
    async with wizard(answers()) as walk:
        await walk.to(step)
        pane: Any = walk.app.screen.query_one(f"#pane-{step}")
        if pane.less_usual():
            await pane.show_all(True)
        rows = list(pane.query(FieldRow))
        assert len(rows) >= len([field for field in fields_of(step) if walk.store.document.asked(field.key)])
        for row in rows:
            text = row.topic().full().plain
            assert all(heading in text for heading in ("Source\n", "Read more\n"))
            assert "Default\n" in text or row.field.kind == "secret"
