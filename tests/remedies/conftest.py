"""The bundled catalogue, without the entries of the user who runs the tests."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.remedies.catalogue import Catalogue, load


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load(tmp_path_factory.mktemp("nobody") / "remedies.yml")


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a user's own entries."""
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    return tmp_path / "remedies.yml"
