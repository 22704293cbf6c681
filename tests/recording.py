"""Records one sitting in a real terminal: `python -m tests.recording`, some minutes.

An engineer's own folder, with a mistake in it, becomes a private endpoint in the rehearsal: the check that fails, what
it says to do, the deployment with its environment really built, the answer, and the operator's view of the endpoint.
It is played by keys in xterm.js in Chromium; nothing is drawn by hand. Written are `screenshots/one-sitting.gif`, a
picture for each change that was waited for, and `screenshots/one-sitting.cast`, what the terminal got and when
(asciicast 2: `asciinema play FILE`).
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

from tests.webterm.player import Player, terminal

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "screenshots"
SIZE = (100, 30)
PLAN = {
    "workspace": {
        "subscription_id": "${env:AZURE_SUBSCRIPTION_ID}",
        "resource_group": "${env:AZURE_RESOURCE_GROUP}",
        "name": "${env:AZURE_ML_WORKSPACE}",
    },
    "endpoint": {"name": "iris-endpoint-01", "public_network_access": "disabled"},
    "deployment": {
        "name": "blue",
        "model": {"name": "iris", "path": "model"},
        "code_configuration": {"code": "score", "scoring_script": "score.py"},
        "environment": {
            "conda_file": "conda.yml",
            "image": "mcr.microsoft.com/azureml/openmpi4.1.0-ubuntu22.04:20260514.v1",
        },
        "instance_type": "Standard_DS3_v2",
    },
    "traffic": {"blue": 100},
    "test": {"request": "request.json"},
}
CONDA = """\
dependencies:
  - python=3.10
  - pip
  - pip:
      - scikit-learn==1.6.1
      - joblib==1.4.2
"""
LACKING = "azureml-inference-server-http"
SPEED = 20  # times as fast as Azure
_SHOWN = 1.1  # seconds that a picture stays
_LAST = 5.0
_MOST = 30  # pictures of one run
_BUSY = r"▸ [^\d]"  # what is being asked or done has this mark; so has the number of the step
_FOUND = r"^.{17}.*[✔✖]"  # right of the list of steps: what was found
_NO_BAR = "<style>.xterm-viewport { scrollbar-width: none }</style>"


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
        """Take pictures until something is on the screen; some of them, where that takes long."""
        first = len(self._pictures)
        end = time.monotonic() + seconds
        while not re.search(pattern, await self._player.screen(), re.MULTILINE):
            assert time.monotonic() < end, await self._player.screen()
            await self.take(0.35)
        taken = self._pictures[first:]
        self._pictures[first:] = taken[:: len(taken) // _MOST + 1]

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

    async def walk(first: int, last: int) -> None:
        for step in range(first, last + 1):
            await player.press("PageDown")
            await player.sees(f"step {step} of 9", 30)
            await player.sees(_FOUND, 120)
            await player.gone(_BUSY, 120)
            await film.take()

    async def leave() -> None:
        await player.press("ctrl+c")
        await film.sees(r"the wizard\?")
        await player.press("Enter")
        await player.sees(r"^\$ $", 30)
        await player.type("clear")  # what is said at the end names folders of this machine
        await player.press("Enter")
        await player.sees(r"\A\$ $", 10)

    await player.evaluate(f"document.head.insertAdjacentHTML('beforeend', '{_NO_BAR}')")
    await player.sees(r"^\$ ")
    await command("ls; cat conda.yml")
    await film.sees("scikit-learn", stays=2.5)
    await command("clear; aml-deploy iris.yml --rehearse")
    await film.sees("step 1 of 9", 90)
    await walk(2, 4)
    await film.sees(f"✖.*{LACKING}|✖(.*\n)+.*{LACKING}", 90, 4.0)
    await leave()
    await command(f'echo "      - {LACKING}==1.5.1" >> conda.yml')
    await command("clear; aml-deploy iris.yml --rehearse")
    await player.sees("step 1 of 9", 90)
    await player.press("Tab", "Enter")
    await film.sees("Signed in +as", 60)
    await walk(2, 7)
    await film.sees(r"\+ create +deployment", 90, 3.0)
    await player.press("Tab", "Enter")
    await player.sees("step 8 of 9", 30)
    await film.while_("succeeded", 300)
    await film.take(2.5)
    await player.press("PageDown")
    await player.sees("step 9 of 9", 30)
    await film.sees('"data"', 30)
    await player.press("Enter")
    await player.sees("predictions", 60)
    await player.gone(_BUSY)
    await film.take(3.5)
    await leave()
    await command("aml-deploy troubleshoot iris-endpoint-01 --rehearse")
    await film.sees(r"\d UTC", 120, 2.5)
    await player.press("Enter")
    await film.sees("diagnostic-settings", 30, 4.0)
    await player.press("Escape")
    await player.gone("diagnostic-settings")
    for section in ("200 by blue", "p95"):  # the last two: test calls, and the last hour
        await player.press("ArrowLeft")
        await film.sees(section, 30, 3.0)


async def play(here: Path, environ: dict[str, str]) -> tuple[Film, list[Any]]:
    """The sitting in the folder of the plan: its film, and what the terminal got."""
    # A name of its own, where that can be had: this machine's is nobody's business.
    named = ["unshare", "--uts"] if os.geteuid() == 0 and shutil.which("unshare") else []
    name = "echo driver-1 > /proc/sys/kernel/hostname; " if named else ""
    shell = [*named, "sh", "-c", f"{name}cd {shlex.quote(str(here))} && exec bash --norc --noprofile -i"]
    async with terminal(shell, environ, SIZE) as player:
        got = kept(player)
        film = Film(player)
        await sitting(player, film)
        return film, got


def own_folder(folder: Path) -> None:
    """What an engineer has: a model, a script, a request, a plan, and a conda file without the scoring server."""
    preset = ROOT / "presets" / "sklearn-iris"
    shutil.copytree(preset / "model", folder / "model")
    shutil.copytree(preset / "onlinescoring", folder / "score")
    shutil.copy(preset / "sample-request.json", folder / "request.json")
    (folder / "conda.yml").write_text(CONDA, encoding="utf-8")
    (folder / "iris.yml").write_text(yaml.safe_dump(PLAN, sort_keys=False), encoding="utf-8")


def main() -> None:
    """Play and write."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        here = folder / "iris"
        own_folder(here)
        tool = folder / "bin" / "aml-deploy"
        tool.parent.mkdir()
        tool.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m tui "$@"\n', encoding="utf-8")
        tool.chmod(0o755)
        dropped = ("AZURE_", "ARM_", "IDENTITY_")
        environ = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        environ |= {
            "HOME": str(folder),
            "PATH": f"{tool.parent}:{os.environ['PATH']}",
            "PS1": "$ ",
            "AML_DEPLOY_HOME": str(folder / "home"),
            "AML_DEPLOY_CACHE": str(folder / "cache"),
            "AML_DEPLOY_CONTAINER_ENGINE": "none",
            "PYTHONPATH": str(ROOT),
        }

        def rehearsal(*words: str) -> None:
            subprocess.run([tool, "rehearsal", *words], env=environ, check=True, stdout=subprocess.DEVNULL)

        try:
            rehearsal("--env", "--pace", "azure", "--speed", str(SPEED))
            film, got = asyncio.run(play(here, environ))
        finally:
            rehearsal("--stop")
        film.write(FOLDER / "one-sitting.gif")
        head = {"version": 2, "width": SIZE[0], "height": SIZE[1], "title": "aml-deploy, in the rehearsal"}
        text = "\n".join(json.dumps(line, ensure_ascii=False) for line in [head, *got])
        # Nobody needs the folder, and the address of the rehearsal's page is a key to it.
        text = re.sub(r"(https://localhost:\d+/)[\w-]+", r"\1…", text.replace(str(folder), "/home/me"))
        (FOLDER / "one-sitting.cast").write_text(text + "\n", encoding="utf-8")


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
