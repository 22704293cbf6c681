"""Runs the real `aml-deploy` command for the tests of the line front end."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import subprocess
import sys
import termios
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

_SCRIPT = Path(sys.executable).with_name("aml-deploy")
COMMAND = [str(_SCRIPT)] if _SCRIPT.is_file() else [sys.executable, "-m", "tui"]
PRESET = "churn-xgboost"


def aml_deploy(
    *arguments: object,
    environ: Mapping[str, str],
    typed: str | None = None,
    cwd: Path | None = None,
    timeout: float = 120,
) -> subprocess.CompletedProcess[str]:
    """The finished command; `typed` is its standard input, which is empty without it."""
    return subprocess.run(
        [*COMMAND, *map(str, arguments)],
        env=dict(environ),
        input=typed or "",
        capture_output=True,
        text=True,
        timeout=timeout,
        cwd=cwd,
        check=False,
    )


def json_lines(text: str) -> list[dict[str, Any]]:
    """The objects of JSON Lines; fails on a line that is not one object."""
    found = [json.loads(line) for line in text.splitlines()]
    assert all(isinstance(item, dict) for item in found)
    return found


def lonely_environment(home: Path) -> dict[str, str]:
    """This environment without anything that says where Azure is or who signs in; the state folder is its own."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AZURE", "ARM_", "IDENTITY_", "MSI_", "REHEARSAL_", "AML_DEPLOY", "DATABRICKS"))
        and name not in ("ACCESSIBLE", "TERM")
    }
    folders = {"AML_DEPLOY_HOME": str(home / "state"), "AML_DEPLOY_CACHE": str(home / "cache")}
    return {**kept, **folders, "AML_DEPLOY_CONTAINER_ENGINE": os.environ["AML_DEPLOY_CONTAINER_ENGINE"]}


def processes_of(environ: Mapping[str, str]) -> dict[int, str]:
    """The living processes that were started with this state folder: command lines by process id."""
    mark = f"AML_DEPLOY_HOME={environ['AML_DEPLOY_HOME']}".encode()
    found = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit() or int(folder.name) == os.getpid():
            continue
        try:
            if mark in (folder / "environ").read_bytes().split(b"\0"):
                found[int(folder.name)] = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode()
        except OSError:
            continue
    return {pid: line for pid, line in found.items() if line}


def events_of(run: str, environ: Mapping[str, str]) -> list[dict[str, Any]]:
    """The events of a run, followed to its end."""
    return json_lines(aml_deploy("attach", run, "--json", environ=environ, timeout=300).stdout)


class Terminal:
    """A command on a pseudo-terminal."""

    def __init__(self, *arguments: str, environ: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *arguments],
            env=environ,
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            # Without a controlling terminal, Ctrl+C would be a character and no signal.
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)
        self.text = ""

    def until(self, expected: str, seconds: float = 60) -> None:
        """Read until a text has appeared."""
        deadline = time.monotonic() + seconds
        while expected not in self.text:
            ready, _, _ = select.select([self._master], [], [], max(0.0, deadline - time.monotonic()))
            assert ready, f"{expected!r} did not appear in {self.text!r}"
            try:
                self.text += os.read(self._master, 65536).decode("utf-8", "replace")
            except OSError:
                assert expected in self.text, self.text
                return

    def until_echo(self, on: bool, seconds: float = 60) -> None:
        """Wait until the terminal shows what is typed, or does not."""
        deadline = time.monotonic() + seconds
        while bool(termios.tcgetattr(self._master)[3] & termios.ECHO) is not on:
            assert time.monotonic() < deadline, f"echo is not {'on' if on else 'off'}"
            time.sleep(0.01)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def end(self, seconds: float = 60) -> int:
        """The exit code of the command, of which everything has been read."""
        code = self.process.wait(seconds)
        while select.select([self._master], [], [], 0)[0]:
            try:
                self.text += os.read(self._master, 65536).decode("utf-8", "replace")
            except OSError:  # the other end is closed
                break
        os.close(self._master)
        return code
