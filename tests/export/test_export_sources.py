"""Each place a model may be in, with each export: taken along, or refused with what to do instead."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from exporting import exported, own_preset

from tui.export.targets import TARGETS
from tui.plan.problems import PlanInvalid

LOCAL = "churn-xgboost/model"
REGISTERED = "azureml:churn-model-adb:3"
ELSEWHERE = (
    "abfss://gold@lake.dfs.core.windows.net/models/churn",
    "https://lake.blob.core.windows.net/gold/models/churn",
    "models:/churn/3",
    "models:/main.ml.churn@champion",
    "runs:/0a4220411da74ae1a88d7154ab0f86aa/model",
)
OF_OTHERS = ("az-yaml", "python", "notebook")
"""Exports that need nothing of aml-deploy, so that nothing could bring such a model."""


@pytest.mark.parametrize("to", [target.name for target in TARGETS])
@pytest.mark.parametrize("source", [LOCAL, REGISTERED, *ELSEWHERE])
def test_every_source_with_every_export(tmp_path: Path, source: str, to: str) -> None:
    plan = own_preset(tmp_path, ("path: churn-xgboost/model", f'path: "{source}"'))
    if source in ELSEWHERE and to in OF_OTHERS:
        with pytest.raises(PlanInvalid) as refused:
            exported(plan, to, tmp_path / "out")
        (problem,) = refused.value.problems
        assert problem.key == "deployment.model.path" and "azureml:NAME:VERSION" in problem.remedy
        assert not (tmp_path / "out").exists()
        return
    texts = {item.path: item.text for item in exported(plan, to, tmp_path).files}
    if to in ("github-actions", "azure-pipelines"):
        (kept,) = [yaml.safe_load(text) for name, text in texts.items() if "workspace:" in text and "model:" in text]
        written = kept["deployment"]["model"]
        found = written if isinstance(written, str) else written["path"]
        assert found.endswith(source)
    elif to in OF_OTHERS:
        assert any(source in text for text in texts.values())
    else:
        assert texts
