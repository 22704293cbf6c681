"""How the wizard feels: `python -m tests.bench.interface [LINES]`, with a rehearsal of its own; some four minutes.

Everything is the real command on a pseudo-terminal of 80 by 24; a bare Textual application is measured in the same run
and in the same way. Printed, each with the machine's load average at that moment:
- stall: by how much the beats of the interface's event loop (one each 5 ms) come late, while nothing happens, while it
  signs in and walks the steps, while a rehearsed deployment runs, and while LINES (20,000) lines of log come in;
- echo: the time from a key press to the first output after it, in a text field;
- processor: the processor time of one key, until nothing more is written, on Linux;
- wire: the bytes that are written for the first seven steps, for a menu that is opened and closed, for a key in a field
  and for Tab; beside them, of the same walk, what Textual itself would have written;
- idle: bytes a second that are written to the terminal while nothing happens, and while a deployment is waited for;
- memory: the resident memory of the interface's process, without its children.
"""

from __future__ import annotations

import fcntl
import json
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
from collections.abc import Mapping
from pathlib import Path

import pyte

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

IDLE_SECONDS = 10
ECHOES = 100
ECHO_SECONDS = 0.15  # so long a key is waited for: shorter than the pause before what is typed is checked in Azure
ENDPOINT = "churn-felt-01"
PATIENCE = 240.0  # seconds for any text to come; a first deployment builds its environment
SCRIPT = Path(sys.executable).with_name("aml-deploy")
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "tui"]
BEATING = [sys.executable, str(Path(__file__).with_name("beating.py"))]
TAB, ENTER, PAGE_DOWN, END = b"\t", b"\r", b"\x1b[6~", b"\x1b[F"
# What must hold (UX.md and the issue): p99 in milliseconds, bytes a second, times the memory of the bare application.
STALL, ECHO, IDLE, MEMORY = 50, 100, 400, 1.6
LONGEST_STALL, ADDING = 150, 60  # milliseconds: opening a step, adding a deployment
PROCESSOR = 6  # milliseconds for a key in a field, at the median
SEVEN_STEPS, MENU = 80_000, 10_000  # bytes


def percentile(values: list[float], share: float) -> float:
    """The value that a share of all values does not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def line(name: str, figure: str, holds: bool | None = None) -> None:
    """Print a figure beside the load; `holds` says whether it is what it must be."""
    verdict = "" if holds is None else "holds" if holds else "MISSED"
    print(f"{name:<42} {figure:<58} {verdict:<7} load {os.getloadavg()[0]:.1f}", flush=True)


def milliseconds(name: str, values: list[float], most: float | None = None, longest: float = math.inf) -> None:
    """Print median, p99 and the largest of some seconds, in milliseconds."""
    if not values:
        raise SystemExit(f"{name}: nothing was measured.")
    middle, high, top = (1000 * item for item in (statistics.median(values), percentile(values, 0.99), max(values)))
    figure = f"median {middle:6.1f}   p99 {high:6.1f}   most {top:7.1f} ms   n {len(values)}"
    line(name, figure, None if most is None else high <= most and top <= longest)


class Terminal:
    """An application with a heartbeat, on a pseudo-terminal."""

    def __init__(self, arguments: list[str], environ: Mapping[str, str], folder: Path) -> None:
        self.beats = folder / f"beats-{time.monotonic_ns()}.json"
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.ByteStream(self.screen)
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
        command = [*BEATING, str(self.beats), *arguments]
        self.got = 0  # bytes
        self.process = subprocess.Popen(
            command, env=dict(environ), stdin=slave, stdout=slave, stderr=slave, start_new_session=True
        )
        os.close(slave)

    def shows(self, text: str) -> bool:
        """Whether a text is on the screen."""
        return any(text in row for row in self.screen.display)

    def sees(self, text: str, seconds: float = PATIENCE) -> None:
        """Read until a text is on the screen."""
        deadline = time.monotonic() + seconds
        while not self.shows(text):
            if time.monotonic() > deadline or self.process.poll() is not None:
                raise SystemExit(f"“{text}” never came:\n" + "\n".join(self.screen.display))
            self.read(0.1)

    def press(self, *keys: bytes) -> None:
        """Press keys."""
        for key in keys:
            os.write(self.master, key)
            self.read(0.1)

    def read(self, seconds: float) -> int:
        """Take what comes within some seconds; returns the number of bytes."""
        got = 0
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if select.select([self.master], [], [], left)[0]:
                try:
                    data = os.read(self.master, 65536)
                except OSError:  # the other end is closed
                    return got
                got += len(data)
                self.stream.feed(data)
        self.got += got
        return got

    def quiet(self, seconds: float = 0.3) -> None:
        """Read until nothing has come for some seconds."""
        while self.read(seconds):
            pass

    def processor(self) -> float:
        """Seconds of the processor that all threads of the process have taken so far."""
        tasks = Path(f"/proc/{self.process.pid}/task").glob("*/schedstat")
        return sum(int(task.read_text(encoding="utf-8").split()[0]) for task in tasks) / 1e9

    def idling(self) -> float:
        """Seconds of the processor that a second takes in which nothing happens: beats, blinking."""
        self.quiet()
        processor = self.processor()
        self.read(3)
        return (self.processor() - processor) / 3

    def costs(self, *keys: bytes, idling: float = 0.0, seconds: float = 0.0) -> tuple[float, int]:
        """Seconds of the processor, without what idling takes, and bytes that some keys take, one after another.

        Each is waited for some seconds, or until nothing is written any more.
        """
        self.quiet()
        processor, got, began = self.processor(), self.got, time.monotonic()
        for key in keys:
            os.write(self.master, key)
            if seconds:
                self.read(seconds)
            else:
                self.quiet()
        return self.processor() - processor - idling * (time.monotonic() - began), self.got - got

    def chosen(self, text: str) -> bool:
        """Whether the cursor of a list is on this text: it has another background than the row below."""
        for y, row in enumerate(self.screen.display[:-1]):
            if (x := row.find(text)) >= 0:
                return bool(self.screen.buffer[y][x].bg != self.screen.buffer[y + 1][x].bg)
        return False

    def echoes(self) -> list[float]:
        """Seconds from a key to the first output after it, for many letters; each is taken back."""
        found = []
        for number in range(ECHOES):
            for key in ("jqxz"[number % 4], "\x7f"):
                began = time.perf_counter()
                os.write(self.master, key.encode())
                select.select([self.master], [], [], 5)
                found.append(time.perf_counter() - began)
                self.read(0.05)
        return found

    def memory(self) -> float:
        """Resident memory of the process alone, in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(next(row for row in status.splitlines() if row.startswith("VmRSS")).split()[1]) / 1024

    def close(self) -> list[tuple[float, float]]:
        """Hang up; returns the beats."""
        self.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 20
        while self.process.poll() is None and time.monotonic() < deadline:
            self.read(0.1)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        if not self.beats.is_file():
            raise SystemExit("The application did not end in order, and its beats are lost.")
        return [(due, late) for due, late in json.loads(self.beats.read_text(encoding="utf-8"))]


def within(beats: list[tuple[float, float]], begin: float, end: float) -> list[float]:
    """How late the beats came that were due between two moments."""
    return [late for due, late in beats if begin <= due < end]


def bare(environ: Mapping[str, str], folder: Path) -> float:
    """Print what a bare Textual application does; returns its memory in MiB."""
    terminal = Terminal(["bare"], {**environ}, folder)
    terminal.sees("hello")
    terminal.read(2)
    milliseconds("echo, bare Textual Input", terminal.echoes())
    _keys(terminal, ", bare Textual Input")
    begin = time.monotonic()
    line("idle, bare Textual application", f"{terminal.read(IDLE_SECONDS) / IDLE_SECONDS:.0f} bytes/s")
    end, memory = time.monotonic(), terminal.memory()
    milliseconds("stall, bare Textual application, idle", within(terminal.close(), begin, end))
    return memory


def walked(environ: Mapping[str, str], folder: Path, bare_memory: float) -> None:
    """Print echo, idling, stalls and memory of a walk from step 1 to a deployment that has succeeded."""
    from tui.plan.load_save.load import load

    plan = folder / "felt.yml"
    load("churn-xgboost", (), [f"endpoint.name={ENDPOINT}"]).save(plan)
    wizard = Terminal(["wizard", str(plan), "--rehearse"], environ, folder)
    wizard.sees("step 1 of 9")
    begin = time.monotonic()
    wizard.sees("closed-")  # the rehearsal's workspace: it is ready
    for _ in range(8):
        wizard.press(TAB)
        wizard.read(0.4)
        if wizard.shows("Gets a token from Microsoft Entra"):
            break
    wizard.press(ENTER)
    wizard.sees("Signed in")
    signed_in = time.monotonic()
    wizard.read(3)
    line("idle, at step 1", *_bytes(wizard))
    walking = time.monotonic()
    for step in (2, 3):
        _next(wizard, step)
    wizard.press(END)  # a name that is selected would be replaced by what is typed
    wizard.read(3)
    typing = time.monotonic()
    milliseconds("echo, in the endpoint's name", wizard.echoes(), ECHO)
    _keys(wizard, " in the endpoint's name", True)
    typed = time.monotonic()
    for step in range(4, 8):
        _next(wizard, step)
    wizard.sees("Ready")
    reviewed = time.monotonic()
    wizard.press(TAB, ENTER)
    wizard.sees("step 8 of 9")
    wizard.sees("succeeded in rehearsal")
    deployed = time.monotonic()
    wizard.read(2)
    memory = wizard.memory()
    ratio = memory / bare_memory
    figure = f"{bare_memory:.1f} and {memory:.1f} MiB: {ratio:.2f} times"
    line("memory, bare and wizard after a deployment", figure, ratio <= MEMORY)
    beats = wizard.close()
    milliseconds("stall, signing in", within(beats, begin, signed_in), STALL)
    walk = within(beats, walking, typing) + within(beats, typed, reviewed)
    milliseconds("stall, opening seven steps", walk, STALL, LONGEST_STALL)  # each is made when it is first shown
    milliseconds("stall, typing", within(beats, typing, typed), STALL)
    milliseconds("stall, deploying", within(beats, reviewed, deployed), STALL)


def _keys(terminal: Terminal, where: str, holds: bool = False) -> None:
    """Print what a letter, and one taken back, take in the field that has the focus."""
    idling = terminal.idling()
    costs = [terminal.costs(key, idling=idling, seconds=ECHO_SECONDS) for _ in range(30) for key in (b"q", b"\x7f")]
    processor = [seconds for seconds, _ in costs]
    name = f"processor, a key{where}"
    milliseconds(name, processor)
    if holds:
        line(f"{name}, median", f"at most {PROCESSOR} ms", 1000 * statistics.median(processor) <= PROCESSOR)
    line(f"wire, a key{where}", f"{statistics.median(taken for _, taken in costs):.0f} bytes")


def written(kind: str, name: str, environ: Mapping[str, str], folder: Path) -> None:
    """Print what is written for seven steps, a menu and Tab; `kind` as for `beating.py`."""
    from tui.plan.load_save.load import load

    holds = kind == "wizard"
    plan = folder / f"{kind}.yml"  # the walk changes it
    load("churn-xgboost", (), [f"endpoint.name={ENDPOINT}"]).save(plan)
    wizard = Terminal([kind, str(plan), "--rehearse"], environ, folder)
    wizard.sees("step 1 of 9")
    wizard.sees("closed-")
    for step in range(2, 8):
        _next(wizard, step)
        wizard.quiet(1)
    line(f"wire, the first seven steps, {name}", f"{wizard.got} bytes", wizard.got <= SEVEN_STEPS if holds else None)
    for step in range(6, 2, -1):
        wizard.press(b"\x1b[5~")
        wizard.sees(f"step {step} of 9")
    seconds, taken = wizard.costs(b"\x0f", b"\x1b")
    line(
        f"wire, a menu, {name}",
        f"{taken} bytes, {1000 * seconds:.0f} ms of the processor",
        taken <= MENU if holds else None,
    )
    _, taken = wizard.costs(TAB)
    line(f"wire, Tab, {name}", f"{taken} bytes")
    wizard.press(b"\x0f")
    wizard.quiet()
    for letter in "add a deployment":
        wizard.press(letter.encode())
    for _ in range(40):
        if wizard.chosen("Add a deployment"):
            break
        wizard.press(b"\x1b[B")
    wizard.quiet()
    begin = time.monotonic()
    wizard.press(ENTER)
    wizard.quiet(1)
    end = time.monotonic()
    wizard.read(0.3)  # the closing is not in the last beat
    milliseconds(
        f"stall, adding a deployment, {name}", within(wizard.close(), begin, end), *(ADDING, ADDING) if holds else ()
    )


def _next(wizard: Terminal, step: int) -> None:
    wizard.press(PAGE_DOWN)
    wizard.sees(f"step {step} of 9")


def _bytes(terminal: Terminal) -> tuple[str, bool]:
    rate = terminal.read(IDLE_SECONDS) / IDLE_SECONDS
    return f"{rate:.0f} bytes/s", rate <= IDLE


def flooded(environ: Mapping[str, str], folder: Path, lines: int) -> None:
    """Print the stalls while another process writes many lines into a run's journal."""
    from tests.app.recorded import Recording
    from tui.plan.load_save.load import load

    home = folder / "flooded"
    recording = Recording(home, rehearsed=False).engine_lives()
    recording.to_deployment()
    load("churn-xgboost").save(recording.folder / "plan.yml")
    terminal = Terminal(["wizard", "attach", recording.id], {**environ, "AML_DEPLOY_HOME": str(home)}, folder)
    terminal.sees("step 8 of 9")
    terminal.read(2)
    begin = time.monotonic()
    for first in range(0, lines, 250):
        numbers = range(first, min(lines, first + 250))
        recording.log(30.0, "deployment", *(f"line {n} of the build" for n in numbers), source="build")
        terminal.read(0.01)
    recording.log(30.0, "deployment", "the very last line")
    terminal.sees("the very last line")
    end = time.monotonic()
    milliseconds(f"stall, {lines:,} lines of log in {end - begin:.0f} s", within(terminal.close(), begin, end), STALL)


def waiting(environ: Mapping[str, str], folder: Path) -> None:
    """Print the bytes a second while a deployment at Azure's pace is watched."""
    quiet = {"env": environ, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": True}
    subprocess.run([*COMMAND, "rehearsal", "--env", "--pace", "azure"], **quiet)  # type: ignore[call-overload]
    start = ["apply", "churn-xgboost", "--rehearse", "--yes", "--detach", "--set", "endpoint.name=churn-felt-02"]
    subprocess.run([*COMMAND, *start], **quiet)  # type: ignore[call-overload]
    live = Terminal(["wizard", "attach"], environ, folder)
    live.sees("step 8 of 9")
    live.read(20)
    line("idle, while a deployment is waited for", *_bytes(live))
    live.close()


def main() -> None:
    """Measure and print."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        state = {"AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CACHE": str(folder / "cache")}
        environ = {**os.environ, **state, "TERM": "xterm-256color", "AML_DEPLOY_CONTAINER_ENGINE": "none"}
        for variable in ("ACCESSIBLE", "NO_COLOR"):
            environ.pop(variable, None)
        try:
            memory = bare(environ, folder)
            walked(environ, folder, memory)
            written("painted", "Textual alone", environ, folder)
            written("wizard", "wizard", environ, folder)
            flooded(environ, folder, lines)
            waiting(environ, folder)
        finally:
            subprocess.run([*COMMAND, "rehearsal", "--stop"], env=environ, check=False, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
