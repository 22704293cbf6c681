"""The limits of operations outside of a run."""

from __future__ import annotations

from typing import Any

import pytest

from tui.plan.load_save.document import Document
from tui.plan.wait_limit import wait_limit


@pytest.mark.parametrize(
    ("limits", "seconds"),
    [
        ({}, 600.0),
        ({"traffic": "5s"}, 600.0),
        ({"endpoint": "20m"}, 1200.0),
        ({"endpoint": "20m", "total": "2m"}, 120.0),
        ({"total": 30}, 30.0),
        ({"total": "2h"}, 600.0),
        ({"endpoint": "${env:LIMIT}", "total": "soon"}, 600.0),
    ],
)
def test_an_operation_outside_of_a_run_is_bounded_by_the_plan(limits: dict[str, Any], seconds: float) -> None:
    document = Document()
    document.tree["limits"] = limits
    assert wait_limit(document, "endpoint", 600.0) == seconds
