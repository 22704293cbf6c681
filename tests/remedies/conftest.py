"""The bundled catalogue, without anything that the person who runs the tests has added."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.remedies.catalogue import Catalogue, load


@pytest.fixture(scope="session")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Catalogue:
    return load(tmp_path_factory.mktemp("nobody") / "remedies.yml")


@pytest.fixture
def own_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where a user's entries are looked for."""
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    return tmp_path / "remedies.yml"
