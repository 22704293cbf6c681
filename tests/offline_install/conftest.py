"""Fixtures: no network, and an offline install that was made with one."""

from __future__ import annotations

import os
from pathlib import Path

import offline
import pytest


@pytest.fixture(scope="session")
def without_network() -> None:
    """Skip where no network namespace can be created; with CI=true, fail."""
    try:
        offline.prefix()
    except OSError as reason:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"The tests without a network must run here: {reason}")
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def conda_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The preset's conda file for this Python."""
    return offline.own_conda_file(tmp_path_factory.mktemp("conda"))


@pytest.fixture(scope="session")
def install_folder(tmp_path_factory: pytest.TempPathFactory, conda_file: Path) -> Path:
    """An offline install for this Python and the preset's environment."""
    folder = tmp_path_factory.mktemp("offline") / "on a volume"
    words = ["offline-install", "--python", offline.PYTHON, "--for", offline.PRESET.name, "-o", folder]
    done = offline.made(*words, "--set", f"deployment.environment.conda_file={conda_file}")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    return folder
