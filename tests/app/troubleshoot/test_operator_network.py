"""The operator's call that the rehearsal cannot play: the endpoint's name leads to a public address.

The screen is the wizard's own; its helper looks names up and connects in a network namespace, with Azure's answers
of `tests/checks/namespace.py`. Nothing outside is contacted.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.operator import Operator
from tui.app.app import WizardApp
from tui.helper.client import HelperError
from tui.plan.load_save.document import Document

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "checks"))
from namespace import GUID, SUBSCRIPTION, Namespace, made_or_skipped
from own_network import PUBLIC, SCORING

pytestmark = pytest.mark.slow
HOST = "churn.eastus.inference.ml.azure.com"
ALIAS = f"churn.{GUID}.inference.eastus.privatelink.api.azureml.ms"
READY = {"provisioningState": "Succeeded", "instanceType": "Standard_DS3_v2", "endpointComputeType": "Managed"}
ANSWERS = {
    "/onlineEndpoints/churn?": [200, {"name": "churn", "location": "eastus", "properties": {
        "scoringUri": f"https://{HOST}/score", "authMode": "Key", "provisioningState": "Succeeded",
        "publicNetworkAccess": "Disabled", "traffic": {"blue": 100}}}],
    "/deployments?": [200, {"value": [{"name": "blue", "sku": {"capacity": 1}, "properties": READY}]}],
}  # fmt: skip


class Inside:
    """Replaces the helper process, and forwards queries to one in the namespace."""

    pid = None
    running = True

    def __init__(self, network: Namespace) -> None:
        self._network = network
        self._one = asyncio.Lock()  # the answers come back in the order of the questions

    async def start(self, env: Any = None) -> None:
        """Does nothing: it starts with the first query."""

    async def close(self) -> None:
        """Does nothing: the network stops it."""

    async def ask(self, name: str, /, timeout: float = 60, **with_: Any) -> Any:
        async with self._one:
            answer = await asyncio.to_thread(self._network.put, name, with_)
        if "error" in answer:
            error = answer["error"]
            raise HelperError(error["title"], error["cause"], error["remedy"], error["raw"])
        return answer["result"]


@pytest.fixture
def network(tmp_path: Path) -> Iterator[Namespace]:
    with made_or_skipped(tmp_path) as made:
        yield made


async def test_a_name_that_leads_to_a_public_address_is_found_and_mended(
    network: Namespace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "operator"))
    network.but(names={HOST: PUBLIC}, answers=ANSWERS)
    document = Document()
    for key, value in (("subscription_id", SUBSCRIPTION), ("resource_group", "rg"), ("name", "ws-one")):
        document.set(f"workspace.{key}", value, "test")
    document.set("endpoint.name", "churn", "test")
    app = WizardApp(environ=dict(os.environ), helper=Inside(network))  # type: ignore[arg-type]
    async with app.run_test(size=(80, 24)) as pilot:
        operator = Operator(app, pilot)
        began = time.perf_counter()
        operator.screen = app.operate(document)
        await operator.looked()
        assert next(iter(operator.findings)) == "reach-scoring", "the worst stands first"
        item = await operator.find("reach-scoring")
        assert item["severity"] == "blocker"
        assert PUBLIC in f"{item['message']} {item['evidence']}"
        assert f"*.{GUID}.inference.eastus" in item["remedy"]
        assert any("private-dns link vnet create" in command for command in item["commands"])
        # It is not in the operator's hands: the request to whoever keeps the zone is copied.
        await operator.tab_to("finding-request")
        await operator.press("enter")
        assert "Please make sure" in operator.text()
        await operator.press("escape", "escape")
        network.but(names={HOST: ALIAS, ALIAS: SCORING}, answers=ANSWERS)  # the zone is linked
        await operator.again()
        assert "reach-scoring" not in operator.findings
        with capsys.disabled():
            print(f"\nfound and mended: dns_to_a_public_address: {time.perf_counter() - began:.1f} s")
