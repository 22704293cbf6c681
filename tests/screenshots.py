"""`python -m tests.screenshots [FOLDER]`: draws every step, and what is hard about a deployment, as SVG.

The nine steps, the change and the operator's view are of one rehearsal at Azure's pace, much faster; its environment
is built anew. The network is that of `tests/checks/own_network.py`: Azure's names, looked up and connected to for
real in a namespace of its own (Linux, as root; left out elsewhere). All of it gets a state folder of its own, which
is removed afterwards.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from subprocess import DEVNULL
from typing import Any

from textual.widgets import TextArea
from textual.widgets._collapsible import CollapsibleTitle

from tests.app.operator import Operator
from tests.app.troubleshoot.test_operator_network import Inside
from tui.app.app import WizardApp
from tui.app.steps.network.network_path_widget import NetworkPath
from tui.app.steps.step_texts import ORDER
from tui.app.steps.test.answer_view import AnswerView
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.rehearsal_client import prepare, with_own_identity

sys.path.insert(0, str(Path(__file__).with_name("checks")))
from namespace import SUBSCRIPTION, WILDCARD, Namespace

ROOT = Path(__file__).resolve().parents[1]
SIZE, LARGE = (100, 30), (120, 36)
PRESET, ENDPOINT = "churn-xgboost", "churn-endpoint-01"
FLEET = 60  # endpoints
SPEED = 20  # times as fast as Azure
ASKING = ("asking ", "Reading ", "Looking ", "Loading ", "checking")  # what is shown while an answer is waited for
MACHINE = "driver-1"  # in the place of this machine's name


class Photographer(Operator):
    """Walks the wizard and writes a picture of what it sees."""

    folder: Path

    async def until(self, condition: Callable[[], Any], what: str = "", seconds: float = 180) -> None:
        """Wait for something to come true; the scoring environment is built meanwhile."""
        await super().until(condition, what, seconds)

    async def settled(self) -> None:
        """Wait until nothing on the screen is still being asked."""
        await self.until(lambda: not any(sign in self.text() for sign in ASKING), "the step's findings")

    async def picture(self, name: str) -> None:
        """Write a picture."""
        await self.pilot.pause()
        svg = self.app.export_screenshot(title="aml-deploy")
        (self.folder / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(self.folder / f"{name}.svg", flush=True)

    async def reaches(self, step: str) -> None:
        """Wait for a step."""
        await self.until(lambda: getattr(self.app.screen, "step", "") == step, step)

    async def next(self, step: str) -> None:
        """PgDn, until the next step is there."""
        await self.press("pagedown")
        await self.reaches(step)

    async def ready(self) -> None:
        """Wait until the plan can be asked about."""
        await self.until(lambda: self.app.store is not None and self.app.store.ready.is_set(), "the wizard is ready")


@asynccontextmanager
async def wizard(
    folder: Path, size: tuple[int, int], document: Document | None = None, **helper: Any
) -> AsyncIterator[Photographer]:
    """The wizard in the rehearsal, or with a helper of its own."""
    rehearsed = {
        "rehearse": True,
        "prepare": lambda document: prepare(document or load(PRESET), os.environ),
        "adopt": lambda document: with_own_identity(document, os.environ),
    }
    app = WizardApp(document, environ=dict(os.environ), **(helper or rehearsed))
    async with app.run_test(size=size) as pilot:
        walk = Photographer(app, pilot)
        walk.folder = folder
        yield walk


async def steps(folder: Path) -> None:
    """The whole walk, from the first screen to a prediction."""
    async with wizard(folder, SIZE) as walk:
        await walk.sees("Presets", PRESET)
        await walk.picture("0-home")
        await walk.press("down", "enter")
        await walk.sees("Sign in with", "ManagedIdentity")
        await walk.tab_to("sign-in")
        await walk.press("enter")
        await walk.sees("Signed in")
        await walk.picture("1-credentials")
        for number, step, words in (
            (2, "workspace", "Isolation"),
            (3, "endpoint", "has no endpoint"),
            (4, "model", "scoring server"),
            (5, "compute", "✔ fits"),
            (6, "network", "closed-legacy-isolation"),
            (7, "review", "+ create"),
        ):
            await walk.next(step)
            await walk.sees(words)
            await walk.settled()
            await walk.picture(f"{number}-{ORDER[number - 1]}")
        await walk.tab_to("next")
        await walk.press("enter")
        await walk.reaches("deploy")
        await walk.pilot.resize_terminal(*LARGE)
        building = ("Downloading ", "+ xgboost")  # in the middle and at the end of the build's log
        await walk.sees("▸ running  deployment")
        await walk.until(lambda: any(word in walk.text() for word in building), "the build")
        await walk.picture("8-deploy-running")
        await walk.pilot.resize_terminal(*SIZE)
        await walk.sees("succeeded")
        await walk.picture("8-deploy")
        if getattr(walk.app.screen, "step", "") != "test":
            await walk.next("test")
        await walk.sees("Send")
        await walk.tab_to("test-send")
        await walk.press("enter")
        await walk.sees("200", "predictions")
        await walk.until(lambda: "sending" not in walk.text(), "the answer stands alone")
        await walk.picture("9-test")
        await walk.press("ctrl+o")
        await walk.sees("Menu")
        await walk.picture("menu")
        await walk.press("escape")
        await call(walk)


async def call(walk: Photographer) -> None:
    """One customer's answer with its headers unfolded, in the step Test."""
    await walk.pilot.resize_terminal(*LARGE)
    editor = walk.app.screen.query_one(TextArea)
    editor.text = json.dumps({"data": json.loads(editor.text)["data"][:1]})
    await walk.tab_to("test-send")
    await walk.press("enter")
    await walk.until(lambda: walk.text().count('"churn"') == 1 and "sending" not in walk.text(), "the answer")
    walk.app.screen.query_one(AnswerView).query_one(CollapsibleTitle).focus()
    await walk.press("enter")
    await walk.sees("azureml-model-deployment")
    await walk.picture("test-call")


async def change(folder: Path) -> None:
    """Review of a plan that has been changed since it was deployed."""
    document = load(PRESET)
    document.set("deployment.instance_count", 2, "plan file")
    document.set("deployment.request_settings.request_timeout_ms", 8000, "plan file")
    document.set("deployment.environment_variables", {"LOG_LEVEL": "debug"}, "plan file")
    async with wizard(folder, LARGE, document) as walk:
        await walk.ready()
        await walk.to("review")
        await walk.sees("→")
        await walk.settled()
        await walk.picture("review-change")


async def operator(folder: Path) -> None:
    """An endpoint one of whose deployments has failed."""
    rehearsal("env", "--pace", "fast")
    command = ("apply", PRESET, "--rehearse", "--yes", "--as", "green", "--scenario", "container-crash")
    failing = await asyncio.create_subprocess_exec(sys.executable, "-m", "tui", *command, cwd=ROOT, stderr=DEVNULL)
    assert await failing.wait() == 1, "the deployment was to fail"
    async with wizard(folder, LARGE, load(PRESET)) as walk:
        await walk.ready()
        walk.screen = walk.app.operate(load(PRESET))
        await walk.looked()
        await walk.find("deployment-failed")
        await walk.picture("troubleshoot")


async def fleet(folder: Path) -> None:
    """All endpoints of three subscriptions, of all kinds of health."""
    rehearsal("env", "--fleet", str(FLEET))
    async with wizard(folder, LARGE) as walk:
        screen = walk.app.fleet(load(PRESET), rehearsed=True)
        await walk.until(lambda: screen._read_at, "everything is read")
        await walk.until(lambda: not any(row["pending"] for row in screen.rows.values()), "every cell")
        await walk.press("down")
        await walk.picture("fleet")


async def network(folder: Path, scratch: Path) -> None:
    """A closed workspace whose private zone lacks the record of its endpoints."""
    try:
        own = Namespace(scratch)
    except OSError as reason:
        print(f"network-record.svg is left out: {reason}")
        return
    own.but(names={WILDCARD: None})
    document = load(PRESET)
    for key, value in (("subscription_id", SUBSCRIPTION), ("resource_group", "rg"), ("name", "ws-one")):
        document.set(f"workspace.{key}", value, "plan file")
    try:
        async with wizard(folder, LARGE, document, helper=Inside(own)) as walk:
            await walk.ready()
            await walk.to("network")
            await walk.sees("no address")
            await walk.settled()
            await walk.tab_to("path")
            path = walk.app.screen.query_one(NetworkPath)
            while path.marked is None or path.marked.name != "scoring":
                await walk.press("down")
            await walk.picture("network-record")
    finally:
        own.close()


async def play(folder: Path, scratch: Path) -> None:
    """All pictures."""
    await steps(folder)
    await change(folder)
    await operator(folder)
    await network(folder, scratch)
    await fleet(folder)  # last: its endpoints are in every list


def rehearsal(*words: str) -> None:
    """Start, change or stop the rehearsal."""
    subprocess.run([sys.executable, "-m", "tui.rehearsal", *words], cwd=ROOT, check=True, stdout=DEVNULL)


def main(arguments: list[str]) -> int:
    """Draw into the folder given, or into the project's `screenshots`."""
    folder = Path(arguments[0]) if arguments else ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    platform.node = lambda: MACHINE
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {
            "AML_DEPLOY_HOME": f"{home}/state",
            "AML_DEPLOY_CACHE": f"{home}/cache",
            "UV_CACHE_DIR": f"{home}/uv",
            "AML_DEPLOY_CONTAINER_ENGINE": "none",
        }
        os.environ.pop("NO_COLOR", None)
        os.environ["COLORTERM"] = "truecolor"
        try:
            rehearsal("env", "--pace", "azure", "--speed", str(SPEED))
            asyncio.run(play(folder, Path(home)))
        finally:
            rehearsal("stop")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
