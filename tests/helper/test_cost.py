"""What a deployment costs, asked of a real helper: priced for the region of the workspace, from the table only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from tui.helper.client import HelperClient
from tui.plan.sizes import price_per_hour


@pytest_asyncio.fixture
async def client(rehearsal_env: dict[str, str]) -> AsyncIterator[HelperClient]:
    made = HelperClient(rehearsal_env)
    yield made
    await made.close()


async def test_the_price_is_that_of_the_workspaces_region(client: HelperClient, rehearsal: dict[str, Any]) -> None:
    tree = {
        "workspace": rehearsal["workspaces"]["managed"],
        "deployment": {"instance_type": "Standard_DS3_v2", "instance_count": 2},
    }
    asked = {"document": tree, "base": "/", "secrets": {}}
    answer = await client.ask("cost", plan=asked)
    price = price_per_hour("Standard_DS3_v2", answer["region"])
    assert price is not None
    assert (answer["hour"], answer["source"]) == (round(2 * price, 4), "table")
    assert answer["month"] == round(2 * price * 730, 2)
    named = " ".join(answer["extras"])
    assert "Private endpoints" in named and "Azure Firewall" in named

    tree["deployment"]["instance_type"] = "Standard_Unheard_v9"
    unknown = await client.ask("cost", plan=asked)
    assert (unknown["hour"], unknown["source"]) == (None, "none")
