"""`python -m tests.screenshots [FOLDER]`: plays the preset in the rehearsal and draws every step as SVG.

The rehearsal and the run are real; they get a state folder of their own, which is removed afterwards.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from tui.app.app import WizardApp
from tui.app.steps.step_texts import ORDER
from tui.plan.load_save.load import load
from tui.rehearsal_client import prepare, with_own_identity

ROOT = Path(__file__).resolve().parents[1]
SIZE = (100, 30)
ASKING = ("asking ", "Reading ", "Looking ", "checking")  # what is shown while an answer is waited for
PATIENCE = 180.0  # seconds; the first time, the scoring environment is built


class Photographer:
    """Walks the wizard and writes a picture of what it sees."""

    def __init__(self, app: WizardApp, pilot: Pilot[Any], folder: Path) -> None:
        self.app = app
        self.pilot = pilot
        self.folder = folder

    def text(self) -> str:
        """Everything on the screen."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def until(self, condition: Callable[[], Any], what: str) -> None:
        """Wait for something to come true."""
        deadline = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > deadline:
                raise SystemExit(f"This did not come: {what}\n{self.text()}")
            await asyncio.sleep(0.05)
            await self.pilot.pause()

    async def sees(self, *words: str) -> None:
        """Wait for words on the screen."""
        await self.until(lambda: all(word in self.text() for word in words), ", ".join(words))

    async def settled(self) -> None:
        """Wait until nothing on the screen is still being asked."""
        await self.until(lambda: not any(sign in self.text() for sign in ASKING), "the step's findings")

    async def picture(self, name: str) -> None:
        """Write a picture."""
        await self.pilot.pause()
        svg = self.app.export_screenshot(title="aml-deploy")
        (self.folder / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(self.folder / f"{name}.svg", flush=True)

    async def tab_to(self, wanted: str) -> None:
        """Press Tab until the widget with this id has the focus."""
        for _ in range(60):
            focused = self.app.screen.focused
            if focused is not None and focused.id == wanted:
                return
            await self.pilot.press("tab")
        raise SystemExit(f"{wanted} cannot be reached with Tab")

    async def next(self, step: str) -> None:
        """PgDn, until the next step is there."""
        await self.pilot.press("pagedown")
        await self.until(lambda: getattr(self.app.screen, "step", "") == step, step)


async def play(folder: Path) -> None:
    """The whole walk, from the first screen to a prediction."""
    app = WizardApp(
        environ=dict(os.environ),
        rehearse=True,
        prepare=lambda document: prepare(document or load("churn-xgboost"), os.environ),
        adopt=lambda document: with_own_identity(document, os.environ),
    )
    async with app.run_test(size=SIZE) as pilot:
        walk = Photographer(app, pilot, folder)
        await walk.sees("Presets", "churn-xgboost")
        await walk.picture("0-home")
        await pilot.press("enter")
        await walk.sees("Sign in with", "ManagedIdentity")
        await walk.tab_to("sign-in")
        await pilot.press("enter")
        await walk.sees("Signed in")
        await walk.picture("1-credentials")
        for number, step, words in (
            (2, "workspace", "Isolation"),
            (3, "endpoint", "has no endpoint"),
            (4, "model", "scoring server"),
            (5, "compute", "✔ fits"),
            (6, "network", "closed-legacy-isolation"),
            (7, "review", "checks passed"),
        ):
            await walk.next(step)
            await walk.sees(words)
            await walk.settled()
            await walk.picture(f"{number}-{ORDER[number - 1]}")
        await walk.tab_to("next")
        await pilot.press("enter")
        await walk.until(lambda: getattr(app.screen, "step", "") == "deploy", "deploy")
        await walk.sees("done", "running", "deployment")
        await walk.until(lambda: walk.text().count("✔ done") >= 4, "four tasks are done")
        await walk.picture("8-deploy-running")
        await walk.sees("succeeded")
        await walk.picture("8-deploy")
        await walk.until(lambda: app.store is not None and app.store.run is not None, "a run")
        if getattr(app.screen, "step", "") != "test":
            await walk.next("test")
        await walk.sees("Send")
        await walk.tab_to("test-send")
        await pilot.press("enter")
        await walk.sees("200", "predictions")
        await walk.until(lambda: "sending" not in walk.text(), "the answer stands alone")
        await walk.picture("9-test")
        await pilot.press("ctrl+o")
        await walk.sees("Menu")
        await walk.picture("menu")


def main(arguments: list[str]) -> int:
    """Draw into the folder given, or into the project's `screenshots`."""
    folder = Path(arguments[0]) if arguments else ROOT / "screenshots"
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as home:
        os.environ["AML_DEPLOY_HOME"] = home
        os.environ.pop("NO_COLOR", None)
        os.environ["COLORTERM"] = "truecolor"
        try:
            asyncio.run(play(folder))
        finally:
            subprocess.run([sys.executable, "-m", "tui.rehearsal", "stop"], cwd=ROOT, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
