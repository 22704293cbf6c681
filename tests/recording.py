"""Records one sitting in a real terminal: `python -m tests.recording`, some minutes.

A model of an MLflow registry is deployed to a private endpoint in the rehearsal with the wizard, called, and exported
to a pipeline. It is played by keys in xterm.js in Chromium; nothing is drawn by hand. Written are
`screenshots/one-sitting.gif`, a picture for each change that was waited for, and `screenshots/one-sitting.cast`, what
the terminal got and when (asciicast 2: `asciinema play FILE`).
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from tests.sources.mlflow_server import MlflowServer
from tests.webterm.player import Player, terminal

FOLDER = Path(__file__).resolve().parents[1] / "screenshots"
SIZE = (100, 30)
PLAN = {
    "workspace": {
        "subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
        "resource_group": "${env:AZURE_RESOURCE_GROUP}",
        "name": "${env:AZURE_ML_WORKSPACE}",
    },
    "endpoint": {"name": "churn-endpoint-01", "public_network_access": "disabled"},
    "deployment": {
        "name": "blue",
        "model": {"name": "churn", "path": "models:/churn@champion", "type": "mlflow_model"},
        "instance_type": "Standard_DS3_v2",
    },
    "traffic": {"blue": 100},
}
_SHOWN = 1.1  # seconds that a picture stays
_LAST = 5.0


class Film:
    """The pictures of a sitting."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._pictures: list[tuple[Image.Image, float]] = []

    async def sees(self, pattern: str, seconds: float = 60, stays: float = _SHOWN) -> None:
        """Wait until something is on the screen, and take a picture of it."""
        await self._player.sees(pattern, seconds)
        await self.take(stays)

    async def take(self, stays: float = _SHOWN) -> None:
        """Take a picture."""
        with tempfile.NamedTemporaryFile(suffix=".png") as file:
            await self._player.picture(Path(file.name))
            picture = Image.open(file.name).convert("RGB")
        if not self._pictures or picture.tobytes() != self._pictures[-1][0].tobytes():
            self._pictures.append((picture, stays))

    async def while_(self, pattern: str, seconds: float) -> None:
        """Take pictures until something is on the screen."""
        end = time.monotonic() + seconds
        while not re.search(pattern, await self._player.screen(), re.MULTILINE):
            assert time.monotonic() < end, await self._player.screen()
            await self.take(0.35)

    def write(self, path: Path) -> None:
        """Write them as one moving picture."""
        pictures = [picture.quantize(64, dither=Image.Dither.NONE) for picture, _ in self._pictures]
        stays = [int(stays * 1000) for _, stays in self._pictures]
        stays[-1] = int(_LAST * 1000)
        pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=stays, loop=0, optimize=True)


async def sitting(player: Player, film: Film) -> None:
    """What is done, as a person does it."""

    async def command(text: str) -> None:
        await player.type(text)
        await film.take()
        await player.press("Enter")

    await player.sees(r"^\$ ")
    await command("cat churn.yml")
    await film.sees("champion", stays=2.5)
    await command("clear; aml-deploy churn.yml --rehearse")
    await film.sees("step 1 of 9")
    await player.sees("Found here", 60)
    await player.press("Tab", "Enter")
    await film.sees("Signed in +as")
    for step in range(2, 8):
        await player.press("PageDown")
        await film.sees(f"step {step} of 9")
        if step == 4:  # what the registry tells of the model
            await film.sees("sklearn", stays=3.0)
    await film.sees("Ready|Creates", 90, 2.5)
    await player.press("Tab", "Enter")
    await player.sees("step 8 of 9", 30)
    await film.while_("succeeded", 300)
    await film.take(2.5)
    await player.press("PageDown")
    await film.sees("step 9 of 9", 30)
    await player.sees("✔ 200|Send", 30)
    await player.press("Enter")
    await film.sees("200: The model responded", 60, 3.0)
    await player.press("ctrl+c")
    await film.sees("Quit the wizard")
    await player.press("Enter")
    await film.sees(r"^\$ $", 20, 2.5)
    await command("clear; aml-deploy export churn.yml --to github-actions -o .")
    await film.sees(r"\.github/workflows", 30, 2.5)
    await command("git init -q . && git add . && git status --short")
    await film.sees("A +.github", 20)


async def play(here: Path, environ: dict[str, str]) -> tuple[Film, list[Any]]:
    """The sitting in the folder of the plan: its film, and what the terminal got."""
    shell = ["sh", "-c", f"cd {shlex.quote(str(here))} && exec bash --norc --noprofile -i"]
    async with terminal(shell, environ, SIZE) as player:
        got = kept(player)
        film = Film(player)
        await sitting(player, film)
        return film, got


def main() -> None:
    """Play and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        here = folder / "churn"
        here.mkdir()
        (here / "churn.yml").write_text(yaml.safe_dump(PLAN, sort_keys=False), encoding="utf-8")
        tool = folder / "bin" / "aml-deploy"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tui "$@"\n', encoding="utf-8")
        tool.chmod(0o755)
        server = MlflowServer(folder)
        dropped = ("AZURE_", "ARM_", "IDENTITY_")
        environ = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        environ |= {
            "PATH": f"{tool.parent}:{os.environ['PATH']}",
            "PS1": "$ ",
            "AML_DEPLOY_HOME": str(folder / "home"),
            "AML_DEPLOY_CACHE": str(folder / "cache"),
            "MLFLOW_TRACKING_URI": server.url,
            "PYTHONPATH": str(FOLDER.parent),
        }

        def run(*words: str) -> None:
            subprocess.run(
                [tool, *words], env=environ, cwd=here, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )

        try:
            # So that the film shows a deployment, not the download of a scoring environment.
            run("apply", "churn.yml", "--rehearse", "--yes", "--set", "endpoint.name=churn-warm-up")
            run("rehearsal", "--stop")
            shutil.rmtree(folder / "home")
            film, got = asyncio.run(play(here, environ))
        finally:
            run("rehearsal", "--stop")
            server.close()
        film.write(FOLDER / "one-sitting.gif")
        head = {"version": 2, "width": SIZE[0], "height": SIZE[1], "title": "aml-deploy, in the rehearsal"}
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in [head, *got])
        (FOLDER / "one-sitting.cast").write_text(text.replace(str(folder), "/home/me") + "\n", encoding="utf-8")


def kept(player: Player) -> list[Any]:
    """What the terminal gets from now on, as events of an asciicast."""
    session, began, events = player.session, time.monotonic(), []
    read = session.read
    rest = b""

    async def reading() -> bytes:
        nonlocal rest
        data: bytes = await read()
        whole = rest + data
        text = whole.decode("utf-8", "ignore")
        rest = whole[len(text.encode()) :]
        if text:
            events.append([round(time.monotonic() - began, 3), "o", text])
        return data

    session.read = reading
    return events


if __name__ == "__main__":
    main()
