"""How the wizard feels: `python tests/bench/interface.py [LINES]`.

Prints, with a bare Textual application measured in the same run where a baseline makes sense:
- stall: the gaps between heartbeats of the interface's event loop, beyond their interval, while it signs in and walks
  the steps, while a rehearsed deployment runs, and while LINES (20,000) lines of log come in;
- echo: the time from a key press to the first output after it, in a text field, on a pseudo-terminal;
- idle: bytes a second that are written to the terminal while nothing happens, and while a deployment is waited for;
- memory: the resident memory of the interface's process, without its children.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import math
import os
import pty
import select
import signal
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pyte

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

BEAT_SECONDS = 0.005
IDLE_SECONDS = 10
ECHOES = 100
ENDPOINT = "churn-felt-01"
SCRIPT = Path(sys.executable).with_name("aml-deploy")
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "tui"]
BARE = """
from textual.app import App
from textual.widgets import Footer, Header, Input


class Bare(App):
    def compose(self):
        yield Header()
        yield Input("hello")
        yield Footer()


Bare().run()
"""


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def milliseconds(name: str, values: list[float]) -> None:
    """Print median, p99 and the largest of some seconds, in milliseconds."""
    if values:
        figures = [1000 * item for item in (statistics.median(values), percentile(values, 0.99), max(values))]
        print(
            f"{name:<44} median {figures[0]:6.1f}   p99 {figures[1]:6.1f}   most {figures[2]:6.1f} ms   n {len(values)}"
        )


# Stalls: the real interface in this process, with a real helper and a real run


@contextlib.asynccontextmanager
async def heartbeat(gaps: list[float]) -> AsyncIterator[None]:
    """While the block runs, note by how much each heartbeat of the event loop is late, in seconds."""

    async def beat() -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            gaps.append(time.perf_counter() - began - BEAT_SECONDS)

    beating = asyncio.ensure_future(beat())
    try:
        yield
    finally:
        beating.cancel()


async def stalls(lines: int) -> None:
    """Print the stalls of a walk with a deployment, and of a log of many lines."""
    from tests.screenshots import Photographer
    from tui.app.app import WizardApp
    from tui.plan.load import load
    from tui.rehearse import prepare, with_own_identity

    walking: list[float] = []
    deploying: list[float] = []
    document = load("churn-xgboost", (), [f"endpoint.name={ENDPOINT}"])
    app = WizardApp(
        document,
        rehearse=True,
        prepare=lambda shown: prepare(shown or document, os.environ),
        adopt=lambda shown: with_own_identity(shown, os.environ),
    )
    async with app.run_test(size=(120, 40)) as pilot:
        person = Photographer(app, pilot, Path(tempfile.gettempdir()))
        await person.sees("step 1 of 9")
        async with heartbeat(walking):
            assert app.store is not None
            await person.until(app.store.ready.is_set, "the rehearsal")
            await person.tab_to("sign-in")
            await pilot.press("enter")
            await person.sees("Signed in")
            for step in ("workspace", "endpoint", "model", "compute", "network", "review"):
                await person.next(step)
            await person.sees("Nothing stands in the way")
        async with heartbeat(deploying):
            await person.tab_to("next")
            await pilot.press("enter")
            await person.sees("succeeded in rehearsal")
    milliseconds("stall, signing in and walking the steps", walking)
    milliseconds("stall, deploying", deploying)
    milliseconds(f"stall, {lines:,} lines of log", await flooded(lines))


async def flooded(lines: int) -> list[float]:
    """The stalls while another process writes many lines into a run's journal."""
    from tests.app.recorded import Answers, Recording
    from tui.app.app import WizardApp
    from tui.plan.load import load

    with tempfile.TemporaryDirectory() as folder:
        os.environ["AML_DEPLOY_HOME"] = folder
        recording = Recording(Path(folder)).engine_lives()
        recording.to_deployment()
        load("churn-xgboost").save(recording.folder / "plan.yml")
        gaps: list[float] = []
        app = WizardApp(attach_run=recording.run, helper=Answers())
        async with app.run_test(size=(120, 40)) as pilot:
            await pilot.pause(1.0)
            async with heartbeat(gaps):
                for begin in range(0, lines, 250):
                    count = range(begin, min(lines, begin + 250))
                    await asyncio.to_thread(
                        recording.log, 30.0, "deployment", *(f"line {n} of the build" for n in count), source="build"
                    )
                recording.log(30.0, "deployment", "the very last line")
                deadline = time.monotonic() + 120
                while not _shows(app, "the very last line"):
                    if time.monotonic() > deadline:
                        raise SystemExit("The last line of the log never came.")
                    await asyncio.sleep(0.05)
        return gaps


def _shows(app: Any, text: str) -> bool:
    strips = app.screen._compositor.render_strips()
    return any(text in "".join(segment.text for segment in strip) for strip in strips)


# Echo, idling, memory: the real command on a pseudo-terminal


class Terminal:
    """A command on a pseudo-terminal of 80 by 24."""

    def __init__(self, command: list[str], environ: Mapping[str, str]) -> None:
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        self.process = subprocess.Popen(
            command, env=dict(environ), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def sees(self, text: str, seconds: float = 60) -> None:
        """Read until a text is on the screen."""
        deadline = time.monotonic() + seconds
        while not any(text in line for line in self.screen.display):
            if time.monotonic() > deadline:
                raise SystemExit(f"{text} never came:\n" + "\n".join(self.screen.display))
            self.read(0.1)

    def read(self, seconds: float) -> int:
        """Take what comes within some seconds; returns the number of bytes."""
        got = 0
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                data = os.read(self.master, 65536)
                got += len(data)
                self.stream.feed(data)
        return got

    def echo(self, letter: str) -> float:
        """Seconds from a key to the first output after it."""
        began = time.perf_counter()
        os.write(self.master, letter.encode())
        select.select([self.master], [], [], 5)
        took = time.perf_counter() - began
        self.read(0.05)
        return took

    def memory(self) -> float:
        """Resident memory of the process alone, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]) / 1024

    def close(self) -> None:
        """Hang up."""
        self.process.send_signal(signal.SIGHUP)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.master)


def echoes(terminal: Terminal) -> list[float]:
    """The echo of many letters, each taken back."""
    found = []
    for number in range(ECHOES):
        found.append(terminal.echo("jqxz"[number % 4]))
        terminal.echo("\x7f")
    return found


def felt(environ: Mapping[str, str]) -> None:
    """Print echo, idling and memory of a bare application and of the wizard."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as bare_file:
        bare_file.write(BARE)
        bare_file.flush()
        bare = Terminal([sys.executable, bare_file.name], environ)
        bare.sees("hello")
        bare.read(2)
        milliseconds("echo, bare Textual Input", echoes(bare))
        bare_memory = bare.memory()
        bare.close()
    wizard = Terminal([*COMMAND, "churn-xgboost", "--rehearse"], environ)
    wizard.sees("step 1 of 9")
    wizard.sees("closed-legacy-isolation")
    wizard.read(5)
    print(f"{'idle, at step 1':<44} {wizard.read(IDLE_SECONDS) / IDLE_SECONDS:6.0f} bytes/s")
    for step in (2, 3):
        os.write(wizard.master, b"\x1b[6~")
        wizard.sees(f"step {step} of 9")
    wizard.read(3)
    milliseconds("echo, in the endpoint's name", echoes(wizard))
    for step in range(4, 8):
        os.write(wizard.master, b"\x1b[6~")
        wizard.sees(f"step {step} of 9")
    wizard.read(5)
    memory = wizard.memory()
    ratio = memory / bare_memory
    print(f"{'memory, bare / wizard after seven steps':<44} {bare_memory:6.1f} / {memory:.1f} MiB = {ratio:.2f}")
    wizard.close()


def waiting(environ: Mapping[str, str]) -> None:
    """Print the bytes a second while a deployment at Azure's pace is watched."""
    subprocess.run(
        [*COMMAND, "rehearsal", "--env", "--pace", "azure"], env=environ, stdout=subprocess.DEVNULL, check=True
    )
    name = "churn-felt-02"
    subprocess.run(
        [*COMMAND, "apply", "churn-xgboost", "--rehearse", "--yes", "--detach", "--set", f"endpoint.name={name}"],
        env=environ,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        check=True,
    )
    live = Terminal([*COMMAND, "attach"], environ)
    live.sees("step 8 of 9")
    live.read(20)
    print(f"{'idle, while a deployment is waited for':<44} {live.read(IDLE_SECONDS) / IDLE_SECONDS:6.0f} bytes/s")
    live.close()


def main() -> None:
    """Measure and print."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as folder:
        os.environ.update(
            {"AML_DEPLOY_HOME": str(Path(folder) / "home"), "AML_DEPLOY_CACHE": str(Path(folder) / "cache")}
        )
        environ = {**os.environ, "TERM": "xterm-256color"}
        environ.pop("ACCESSIBLE", None)
        try:
            felt(environ)
            asyncio.run(stalls(lines))
            waiting(environ)
        finally:
            subprocess.run([*COMMAND, "rehearsal", "--stop"], env=environ, check=False, stdout=subprocess.DEVNULL)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
