"""Finds the engine for a rehearsal, and sees to it that nothing made with it outlives the rehearsal."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import sys
from pathlib import Path

from tui.rehearsal import settings
from tui.rehearsal.container_engine import reaper
from tui.rehearsal.container_engine.engine import LABEL, Engine, Unusable, find
from tui.rehearsal.places import Home
from tui.rehearsal.programs import without_secrets

REAPER = Path(reaper.__file__)
LEFT_SECONDS = 60.0


class EngineFinder:
    """The engine of one rehearsal: looked for when it is first needed, since that takes about a second.

    One that does not work is tried again for the next deployment, since its service may have been started.
    """

    def __init__(self, home: Home) -> None:
        self.owner = home.folder.name
        self._home = home
        self._choice = ""
        self._engine: Engine | None = None
        self._finding = asyncio.Lock()
        self._reapers: dict[str, subprocess.Popen[bytes]] = {}
        self._removing = asyncio.ensure_future(asyncio.to_thread(remove_left, home))

    async def found(self) -> Engine | Unusable:
        """The engine, or why there is none."""
        async with self._finding:
            choice = settings.engine_of(self._home, os.environ)
            if self._engine is None or choice != self._choice:
                self._choice, self._engine = choice, None
                found = await find(choice, self.owner)
                if isinstance(found, Unusable):
                    return found
                await asyncio.wait([self._removing])
                await asyncio.to_thread(self._start_reaper, found)
                self._engine = found
            return self._engine

    def _start_reaper(self, engine: Engine) -> None:
        """A process that lives as long as this one, and then removes all; also what a killed rehearsal left."""
        if engine.name not in self._reapers:
            self._reapers[engine.name] = process = subprocess.Popen(
                reaper_command(self._home, engine.name, engine.program),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                env=without_secrets(os.environ),
            )
            assert process.stdout is not None
            process.stdout.readline()

    async def close(self) -> None:
        """Remove what is left, and wait for that."""
        for process in self._reapers.values():
            await asyncio.to_thread(process.communicate, reaper.DONE)
        self._reapers.clear()


def reaper_command(home: Home, name: str, program: str | Path) -> list[str | Path]:
    """The command of a reaper for the engine `name`, whose mark is in the rehearsal's folder."""
    mark = home.folder / f"made-with-{name}"
    return [sys.executable, "-I", "-S", REAPER, mark, program, f"{LABEL}={home.folder.name}"]


def remove_left(home: Home, *, images: bool = False) -> None:
    """Remove what a killed rehearsal left whose reaper was killed too; waits for one that works, a minute at most.

    `images`: also those that rehearsals have built. Only while no rehearsal uses an engine.
    """
    for mark in home.folder.glob("made-with-*"):
        name = mark.name.rpartition("-")[2]
        with contextlib.suppress(OSError, subprocess.TimeoutExpired):
            program = mark.read_text(encoding="utf-8")
            if program:
                subprocess.run(
                    reaper_command(home, name, program),
                    input=reaper.DONE,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    timeout=LEFT_SECONDS,
                    env=without_secrets(os.environ),
                    check=False,
                )
            if images:
                reaper.remove_images(program or name, f"{LABEL}={home.folder.name}")
                if not mark.read_text(encoding="utf-8"):
                    mark.unlink()
