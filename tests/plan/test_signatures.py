"""A shared access signature in a plan is refused everywhere by one rule, and never shown or written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tui.export.plan_source import Source
from tui.plan.load_save.document import Document
from tui.plan.load_save.resolve import resolve, value_problem
from tui.plan.problems import PlanInvalid

_SAS = "?sv=2024-01-01&sig=Zm9vYmFyYmF6cXV4"
_PLACES = [
    ("deployment.model.path", f"https://acc.blob.core.windows.net/c/m{_SAS}"),
    ("deployment.model.path", f"abfss://c@acc.dfs.core.windows.net/m{_SAS}"),
    ("deployment.model.path", f"wasbs://c@acc.blob.core.windows.net/m{_SAS}"),
    ("deployment.model.path", f"azureml://datastores/d/paths/m{_SAS}"),
    ("deployment.environment.build.path", f"https://acc.blob.core.windows.net/c/m{_SAS}"),
    ("deployment.environment_variables", {"DATA": f"https://acc.blob.core.windows.net/c/m{_SAS}"}),
    ("endpoint.description", f"see https://acc.blob.core.windows.net/c/m{_SAS}"),
]


def _document(tmp_path: Path, key: str, value: Any) -> Document:
    document = Document(base=tmp_path)
    document.set(key, value, "you")
    return document


@pytest.mark.parametrize(("key", "value"), _PLACES)
def test_a_signature_is_refused_in_check_export_and_save(tmp_path: Path, key: str, value: Any) -> None:
    document = _document(tmp_path, key, value)
    told = []
    with pytest.raises(PlanInvalid) as invalid:
        resolve(document, {})
    told += [problem for problem in invalid.value.problems if problem.key == key]
    with pytest.raises(PlanInvalid) as invalid:
        Source(document, tmp_path)
    told += [problem for problem in invalid.value.problems if problem.key == key]
    assert len(told) == 2 and all("(SAS)" in problem.message for problem in told)
    assert "Zm9v" not in str(told)
    with pytest.raises(OSError, match="SAS") as refused:
        document.save(tmp_path / "plan.yml")
    assert "Zm9v" not in str(refused.value) and not (tmp_path / "plan.yml").exists()


def test_a_signature_behind_a_reference_is_refused_for_a_source_only(tmp_path: Path) -> None:
    environ = {"PLACE": f"abfss://c@acc.dfs.core.windows.net/m{_SAS}"}
    document = _document(tmp_path, "deployment.model.path", "${env:PLACE}")
    assert "(SAS)" in (value_problem(document, "deployment.model.path", environ, {}) or "")
    document = _document(tmp_path, "deployment.environment_variables", {"DATA": "${env:PLACE}"})
    assert value_problem(document, "deployment.environment_variables", environ, {}) is None
