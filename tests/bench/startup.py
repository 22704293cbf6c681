"""Start-up times: `python tests/bench/startup.py [RUNS]`.

Prints the wall time of `aml-deploy --help` as a whole process, and the time to the first full screen of the wizard
against a bare Textual application (Header, Static, Footer). Both are measured in the same way, by turns, in a
pseudo-terminal of 80 by 24: from the start of the process until texts of its first, middle and last rows are painted.
Beside the wall time stands the processor time that the process took until then, which other work disturbs less. Byte
code is compiled beforehand, as pip does when it installs.
"""

from __future__ import annotations

import fcntl
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
from pathlib import Path

import pyte

ROWS, COLUMNS = 24, 80
GIVE_UP_SECONDS = 30
SCRIPT = Path(sys.executable).with_name("aml-deploy")
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "tui"]

BARE_TEXTS = ("Bare", "hello", "palette")
WIZARD_TEXTS = ("step 1 of 9", "Sign in with", "PgDn Next")
HOME_TEXTS = ("aml-deploy", "Presets", "^c Quit")

BARE = """
from textual.app import App
from textual.widgets import Footer, Header, Static


class Bare(App):
    def compose(self):
        yield Header()
        yield Static("hello")
        yield Footer()


Bare().run()
"""


def screen_seconds(command: list[str], environ: dict[str, str], texts: tuple[str, ...]) -> tuple[float, float]:
    """Seconds from the start of a command until its screen shows all the texts, by the clock and of the processor; the
    command is ended then."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    screen = pyte.Screen(COLUMNS, ROWS)
    stream = pyte.ByteStream(screen)
    began = time.perf_counter()
    process = subprocess.Popen(
        command, env=environ, stdin=slave, stdout=slave, stderr=slave, start_new_session=True, close_fds=True
    )
    os.close(slave)
    try:
        while not all(any(text in line for line in screen.display) for text in texts):
            left = GIVE_UP_SECONDS - (time.perf_counter() - began)
            if left <= 0 or not select.select([master], [], [], left)[0]:
                raise SystemExit(f"{texts} never came on screen:\n" + "\n".join(screen.display))
            stream.feed(os.read(master, 65536))
        return time.perf_counter() - began, processor_seconds(process.pid)
    finally:
        process.send_signal(signal.SIGHUP)
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        os.close(master)


def processor_seconds(pid: int) -> float:
    """Processor time that a process has taken, its children left out (proc_pid_stat(5), utime and stime)."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def help_seconds(environ: dict[str, str]) -> float:
    """Seconds that `aml-deploy --help` takes as a process."""
    began = time.perf_counter()
    subprocess.run([*COMMAND, "--help"], env=environ, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def figures(name: str, values: list[float]) -> float:
    """Print the median and the spread of some seconds; returns the median."""
    median = statistics.median(values)
    print(f"{name:<38} median {median:.3f} s   least {min(values):.3f}   most {max(values):.3f}   n {len(values)}")
    return median


def main() -> None:
    """Measure and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    with tempfile.TemporaryDirectory() as folder:
        bare_file = Path(folder) / "bare.py"
        bare_file.write_text(BARE, encoding="utf-8")
        environ = {
            **os.environ,
            "TERM": "xterm-256color",
            "AML_DEPLOY_HOME": str(Path(folder) / "home"),
            "AML_DEPLOY_CACHE": str(Path(folder) / "cache"),
        }
        environ.pop("ACCESSIBLE", None)
        environ.pop("PYTHONDONTWRITEBYTECODE", None)
        environ["PYTHONPYCACHEPREFIX"] = str(Path(folder) / "bytecode")
        wizard, home = [*COMMAND, "churn-xgboost"], COMMAND
        bare = [sys.executable, str(bare_file)]
        # Once each first, so that byte code is written and files are in the cache of the system.
        for command, texts in ((bare, BARE_TEXTS), (wizard, WIZARD_TEXTS), (home, HOME_TEXTS)):
            screen_seconds(command, environ, texts)
        helps, bares, wizards, homes = [], [], [], []
        for _ in range(runs):
            helps.append(help_seconds(environ))
            bares.append(screen_seconds(bare, environ, BARE_TEXTS))
            wizards.append(screen_seconds(wizard, environ, WIZARD_TEXTS))
            homes.append(screen_seconds(home, environ, HOME_TEXTS))
    figures("aml-deploy --help", helps)
    for what, at in (("", 0), (", processor", 1)):
        base = figures(f"bare Textual app{what}", [both[at] for both in bares])
        first = figures(f"wizard on a preset{what}", [both[at] for both in wizards])
        at_home = figures(f"wizard at home{what}", [both[at] for both in homes])
        print(f"{f'wizard on a preset / bare{what}':<38} {first / base:.2f}")
        print(f"{f'wizard at home / bare{what}':<38} {at_home / base:.2f}")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
