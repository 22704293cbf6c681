"""One model of each kind, made by its own library: what `check` foretold of its folder is what happened.

The whole tables are `python -m tests.real_models`, with `--python`, `--as-it-is` and `--fix`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.real_models import makers
from tests.real_models.__main__ import cell, command

pytestmark = pytest.mark.slow

KINDS = {
    "pickle": "sklearn-pickle",
    "own-format": "xgboost-ubj",
    "graph": "onnx",
    "folder": "spacy",
    "json": "prophet",
    "mlflow-without-code": "mlflow-2.22.1",
    "mlflow-with-a-script": "mlflow-3.6.0",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    yield home
    command("rehearsal", "--stop", home=home)


def python(name: str) -> str:
    """The newest Python here that the model's packages have wheels for."""
    maker = makers.MAKERS[name]
    found = [version for version in makers.interpreters() if makers.suits(maker, version)]
    if not found:
        pytest.skip(f"No Python from {maker.oldest} to {maker.newest} is on this machine.")
    return found[-1]


@pytest.mark.parametrize("kind", KINDS)
def test_a_folder_is_deployed_without_an_edit(kind: str, home: Path, tmp_path: Path) -> None:
    name = KINDS[kind]
    row = cell(name, python(name), tmp_path, home)
    assert row["as_foretold"], row


def test_what_check_fixes_of_an_old_model_without_code_makes_it_serve(home: Path, tmp_path: Path) -> None:
    name = "mlflow-2.12.2"
    row = cell(name, python(name), tmp_path, home, as_it_is=True, fix=True)
    assert row["as_foretold"] and "setuptools" not in row["foretold"], row
