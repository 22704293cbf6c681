"""An application with a heartbeat in its event loop: `python tests/bench/beating.py FILE KIND [ARGUMENT …]`.

KIND is `bare`, a bare Textual application; `wizard`, the real command's wizard with the arguments of `aml-deploy` (a
plan, `--rehearse`, or `attach RUN`); or `painted`, the same without our overrides of what Textual renders and writes.
When it ends (SIGHUP), FILE gets a JSON list of pairs: when a beat was due (seconds of the system's monotonic clock) and
how late it came.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import time
from array import array
from pathlib import Path
from typing import Any

BEAT_SECONDS = 0.005
BEATS = array("d")  # when one was due, how late it came, and so on: small, as the memory is measured too


async def beat() -> None:
    """Note how late each beat comes."""
    while True:
        began = time.monotonic()
        await asyncio.sleep(BEAT_SECONDS)
        BEATS.extend((began, time.monotonic() - began - BEAT_SECONDS))


def beating(kind: Any) -> None:
    """Make applications of a class beat from their start on."""
    kept: list[Any] = []

    async def on_load(self: Any) -> None:
        kept.append(asyncio.ensure_future(beat()))

    kind.on_load = on_load


def bare() -> None:
    """A bare Textual application."""
    from textual.app import App
    from textual.widgets import Footer, Header, Input

    class Bare(App[None]):
        """Three widgets and a field."""

        def compose(self) -> Any:
            yield Header()
            yield Input("hello")
            yield Footer()

        def on_mount(self) -> None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self.exit)

    beating(Bare)
    Bare().run()


def main() -> None:
    """Run it."""
    file, what, *arguments = sys.argv[1:]
    try:
        if what == "bare":
            bare()
        else:
            from tui.app.app import WizardApp
            from tui.cli import main as command

            if what == "painted":
                from tui.app.textual_patches.changed_cells import ChangedCells
                from tui.app.textual_patches.front_widgets import FrontCompositor

                del ChangedCells._display, FrontCompositor.render_partial_update
            beating(WizardApp)
            command(arguments)
    finally:
        Path(file).write_text(json.dumps(list(zip(BEATS[::2], BEATS[1::2]))), encoding="utf-8")


if __name__ == "__main__":
    main()
