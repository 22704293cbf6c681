"""Simulates an operator who uses the troubleshoot screen on a rehearsal with various endpoints."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import requests

from tests.app.panes import Walk
from tui.app.troubleshoot.finding_dialog import FindingDialog
from tui.app.troubleshoot.screen import TroubleshootScreen
from tui.helper.client import HelperClient
from tui.plan.load_save.document import Document

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "rehearsal"))
from flow import Flow
from practised import CONDA, SCORE, Practised

SIZE = "Standard_DS3_v2"
CRASHES = SCORE.replace('    print("ready")', '    raise FileNotFoundError("/var/azureml-app/weights.bin")')
LACKS = SCORE.replace("import json", "import json\nimport lightgbm")
SLOW = SCORE.replace("def run(text):\n", "def run(text):\n    import time\n\n    time.sleep(1.0)\n")


class OneHelper(HelperClient):
    """A helper shared by all stories."""

    begun = False

    async def start(self, env: Any) -> None:
        if not self.begun:
            self.begun = True
            await super().start(env)

    async def close(self) -> None:
        """Does nothing: `end` stops the helper."""

    async def end(self) -> None:
        """Stop the helper."""
        await super().close()


class Ground:
    """Sets up stories in a rehearsal: endpoints, deployments with working and broken code, scenarios."""

    def __init__(self, practised: Practised, folder: Path) -> None:
        (folder / "model").mkdir(exist_ok=True)
        (folder / "model" / "factor.json").write_text("3")
        (folder / "conda.yml").write_text(CONDA)
        self.rehearsal, self.arm, self.env = practised, practised.arm, practised.env
        self.flow = Flow(practised.arm, folder)
        self.codes = {
            name: self.flow.code(name, text)
            for name, text in (("good", SCORE), ("crashes", CRASHES), ("lacks", LACKS), ("slow", SLOW))
        }

    def endpoint(self, name: str, **traffic: int) -> None:
        """An endpoint with its split; deployments must be there for one that is not empty."""
        self.rehearsal.endpoint(name, traffic=traffic)

    def ask(self, endpoint: str, name: str, code: str = "good", size: str = SIZE, **more: Any) -> requests.Response:
        """Asks for a deployment; the answer as it is."""
        body = {
            "location": "eastus",
            "sku": {"name": "Default", "capacity": 1},
            "properties": {
                "endpointComputeType": "Managed",
                "instanceType": size,
                "model": self.flow.model,
                "environmentId": self.flow.environment,
                "codeConfiguration": {"codeId": self.codes[code], "scoringScript": "score.py"},
                **more,
            },
        }
        return self.arm.call("PUT", f"onlineEndpoints/{endpoint}/deployments/{name}", body)

    def deploy(self, endpoint: str, name: str, code: str = "good", size: str = SIZE, **more: Any) -> str:
        """Create a deployment and wait; return its final state."""
        answer = self.ask(endpoint, name, code, size, **more)
        assert answer.status_code in (200, 201), answer.text
        ended = self.rehearsal.until(answer.headers["Azure-AsyncOperation"], lambda body: body["status"] != "Updating")
        return str(ended["status"])

    def serving(self, endpoint: str, code: str = "good", **more: Any) -> None:
        """An endpoint whose deployment blue answers all requests."""
        self.endpoint(endpoint)
        assert self.deploy(endpoint, "blue", code, **more) == "Succeeded"
        self.endpoint(endpoint, blue=100)

    def deployments(self, endpoint: str) -> dict[str, Any]:
        """State by name."""
        found = self.arm.call("GET", f"onlineEndpoints/{endpoint}/deployments").json()["value"]
        return {item["name"]: item["properties"]["provisioningState"] for item in found}

    def call(self, endpoint: str, key: str | None = None) -> requests.Response:
        """A caller's request."""
        if key is None:
            key = self.arm.call("POST", f"onlineEndpoints/{endpoint}/listKeys").json()["primaryKey"]
        url = self.arm.call("GET", f"onlineEndpoints/{endpoint}").json()["properties"]["scoringUri"]
        return self.arm.session.post(url, json={"number": 2}, headers={"Authorization": f"Bearer {key}"}, timeout=60)

    def remove(self, endpoint: str) -> None:
        """Delete it, which frees its cores."""
        answer = self.arm.call("DELETE", f"onlineEndpoints/{endpoint}")
        if answer.status_code == 202:
            deadline = time.monotonic() + 60
            while self.arm.call("GET", f"onlineEndpoints/{endpoint}").status_code != 404:
                assert time.monotonic() < deadline
                time.sleep(0.05)


class Operator(Walk):
    """Opens the screen on an endpoint, and uses only the keyboard."""

    screen: TroubleshootScreen

    async def open(self, endpoint: str, **credential: str) -> None:
        """Open the screen on an endpoint, and wait for its first report."""
        document = Document()
        for key, name in (
            ("workspace.subscription_id", "AZURE_SUBSCRIPTION_ID"),
            ("workspace.resource_group", "AZURE_RESOURCE_GROUP"),
            ("workspace.name", "AZURE_ML_WORKSPACE"),
        ):
            document.set(key, f"${{env:{name}}}", "test")
        document.set("endpoint.name", endpoint, "test")
        for key, value in credential.items():
            document.set(f"credential.{key}", value, "test")
        self.app.store = None  # the helper stays for the next story
        self.screen = self.app.operate(document)
        await self.looked()

    async def looked(self) -> None:
        """Wait for the refresh in progress."""
        await self.until(lambda: self.screen.report and not self.screen._looking, "the look", 120)
        await self.until(lambda: " UTC" in self.text() or "✖" in self.text(), "the look is shown", 20)

    async def again(self) -> None:
        """Refresh with the button."""
        before = self.screen.report.get("time"), self.screen.report.get("seconds")
        await self.tab_to("look")
        await self.press("enter")
        await self.until(
            lambda: (self.screen.report.get("time"), self.screen.report.get("seconds")) != before, "a new look", 120
        )
        await self.looked()

    @property
    def findings(self) -> dict[str, dict[str, Any]]:
        """By id; of several the first."""
        found: dict[str, dict[str, Any]] = {}
        for item in self.screen.report["findings"]:
            found.setdefault(item["id"], item)
        return found

    async def find(self, id: str) -> dict[str, Any]:
        """Go to a finding and open it."""
        ids = [item["id"] for item in self.screen.report["findings"]]
        assert id in ids, f"{id} is not among {ids}\n{self.screen.report['findings']}"
        await self.tab_to("findings")
        await self.press("home", *["down"] * ids.index(id), "enter")
        await self.until(lambda: isinstance(self.app.screen, FindingDialog), "the finding")
        item: dict[str, Any] = self.screen.report["findings"][ids.index(id)]
        return item

    async def fix(self, action: str, typed: str = "") -> None:
        """Select a fix of the finding on screen, confirm it, and wait until it is applied and the screen refreshed."""
        dialog = self.app.screen
        assert isinstance(dialog, FindingDialog)
        number = [fix["action"] for fix in dialog.fixes].index(action)
        await self.tab_to(f"fix-{number}")
        await self.press("enter")
        await self.until(lambda: dialog.query_one("#fix-go").display, "the preview")
        before = self.screen.report.get("time"), self.screen.report.get("seconds")
        if typed:
            for letter in typed:
                await self.press(_KEYS.get(letter, letter))
            await self.press("enter")
        else:
            assert self.focused == "close", "a second Enter must not do it"
            await self.tab_to("fix-go")
            await self.press("enter")
            await self.until(lambda: dialog._fixed or "✖" in self.text(), f"{action} is done", 180)
            assert dialog._fixed, self.text()
            await self.press("escape")
        await self.until(
            lambda: (self.screen.report.get("time"), self.screen.report.get("seconds")) != before, "a new look", 120
        )
        await self.looked()


_KEYS = {"-": "minus", "_": "underscore", "~": "tilde", ".": "full_stop"}
Story = Callable[[Operator, Ground], Any]


async def in_background(work: Callable[..., Any], *arguments: Any, **named: Any) -> Any:
    """Set up a story while the screen keeps running."""
    return await asyncio.get_running_loop().run_in_executor(None, lambda: work(*arguments, **named))
