"""Fixtures of the line front end's tests."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, lonely_environment

from tui.plan.presets import find


@pytest.fixture
def lonely(tmp_path: Path) -> dict[str, str]:
    """An environment with a state folder of its own, in which nothing says where Azure is."""
    return lonely_environment(tmp_path)


@pytest.fixture(scope="session")
def rehearsing(rehearsal_home: dict[str, str], rehearsal: dict[str, Any]) -> dict[str, str]:
    """An environment whose rehearsal runs already, and in which nothing else says where Azure is."""
    assert rehearsal["pid"]
    lonely = lonely_environment(Path(rehearsal_home["AML_DEPLOY_HOME"]).parent)
    return {**lonely, **{name: rehearsal_home[name] for name in ("AML_DEPLOY_HOME", "AML_DEPLOY_CACHE")}}


@pytest.fixture
def own_plan(tmp_path: Path) -> Path:
    """A copy of the preset with its files, for a test to break."""
    preset = find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), tmp_path / PRESET)
    return Path(shutil.copy(preset.path, tmp_path / "plan.yml"))
