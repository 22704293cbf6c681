"""Relative paths that are typed at a prompt."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.plain.prompts.field_prompt import Form
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.load import load


def test_a_path_typed_into_a_preset_starts_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    form, code = Form(load("churn-xgboost"), {}), BY_KEY["deployment.code_configuration.code"]
    assert form.take(code, "onlinescoring") is not None, "only the preset has it"
    assert form.take(code, "mine") is None
    form.document.save(tmp_path / "plan.yml")
    assert load("plan.yml").get(code.key) == "mine"
    (tmp_path / "below").mkdir()
    load("plan.yml").save(tmp_path / "below" / "plan.yml")
    assert Form(load("below/plan.yml"), {}).document.base == tmp_path / "below", "in a plan file, from the file's"
