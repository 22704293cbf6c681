"""The scripted service of the tests of the cloud, a cloud that it answers for, and a rehearsal to stand before."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cloud"))

from tests.cloud.conftest import certificate, cloud, plan, service  # noqa: F401
from tests.hostile.matrix import Ground, environment


@pytest.fixture(scope="session")
def ground(tmp_path_factory: pytest.TempPathFactory, rehearsal_home: dict[str, str]) -> Iterator[Ground]:
    """A rehearsal of its own, which the hostile proxy stands before."""
    folder = tmp_path_factory.mktemp("hostile")
    made = Ground(folder, {**environment(folder), "AML_DEPLOY_CACHE": rehearsal_home["AML_DEPLOY_CACHE"]})
    yield made
    made.stop()
