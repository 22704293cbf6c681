"""Recorded answers to all queries of the nine steps, and the wizard without a plan."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.app.endpoint_operations.test_endpoint_operations import endpoint
from tests.app.panes import Walk, recorded_answers
from tests.app.steps.compute.test_compute import OFFERS
from tests.app.steps.model.test_model import COUNTED, INSPECTED
from tests.app.steps.network.test_network import REACH
from tui.app.app import WizardApp


def answers(**more: Any) -> Any:
    """Return successful answers to all queries of the nine steps."""
    told = {
        "inspect_model": INSPECTED, "count_files": COUNTED, "sizes": OFFERS, "reach": REACH, "credential_sources": [],
        "endpoint": endpoint({"blue": 90, "green": 10}), "endpoint_name": {"state": "free", "region": "eastus2"},
    }  # fmt: skip
    return recorded_answers(**{**told, **more})


@asynccontextmanager
async def first_screen() -> AsyncIterator[Walk]:
    """The wizard without a plan."""
    app = WizardApp(environ=dict(os.environ), helper=answers())
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.sees("Presets")
        yield walk
