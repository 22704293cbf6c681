"""The scripted service of the tests of the cloud, and a cloud that it answers for."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "cloud"))

from tests.cloud.conftest import certificate, cloud, plan, service  # noqa: F401
