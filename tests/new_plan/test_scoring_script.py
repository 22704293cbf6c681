"""Scripts for models that have none."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from tests import model_files as made
from tui.checks.model.model_files import recognise
from tui.new_plan import scoring_script


@pytest.mark.parametrize(
    ("maker", "name"),
    [(made.pipeline, "m.pkl"), (made.xgboost_ubj, "m.ubj"), (made.lightgbm, "m.txt"), (made.catboost, "m.cbm"),
     (made.onnx, "m.onnx"), (made.keras, "m.keras"), (made.torchscript, "m.pt"), (made.transformers, "bert"),
     (made.spacy, "nlp"), (made.prophet, "m.json"), (made.statsmodels, "m.pickle")],
)  # fmt: skip
def test_a_script_defines_all_that_it_uses_and_nothing_else(tmp_path: Path, maker: Any, name: str) -> None:
    model = recognise(maker(tmp_path / name))
    assert model is not None
    tree = ast.parse(scoring_script.make(model, name) or "")
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    imported = {
        (alias.asname or alias.name).split(".")[0]
        for node in tree.body
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for alias in node.names
    }
    assert defined - {"init", "run"} <= used and imported <= used
    assert {one for one in used if one.startswith("_")} <= defined
    assert {"pd", "np", "torch", "joblib"} & used <= imported
    assert scoring_script.sample(model)
