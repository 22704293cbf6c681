"""What a model's packages need beside themselves."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.checks.model.model_files import ModelFile
from tui.new_plan import environment


@pytest.mark.parametrize(
    ("package", "version", "beside"),
    [
        ("spacy", "3.8.7", {"click": ""}), ("prophet", "1.1.7", {"cmdstanpy": "<1.3"}), ("prophet", "1.5.0", {}),
        ("xgboost", "1.6.2", {"setuptools": "<81"}),
    ],
)  # fmt: skip
def test_what_new_releases_of_dependencies_lack_is_named(package: str, version: str, beside: dict[str, str]) -> None:
    found = environment.needed(ModelFile(Path("model"), package, package, version))
    assert beside.items() <= found.items()
    assert ("cmdstanpy" in found) == ("cmdstanpy" in beside)
