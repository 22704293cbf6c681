"""Runs cells in a real IPython, as a kernel does; what they are comes on standard input, what became of them goes out.

`python cells.py`, with `{"cells": [{"code", "cancel_at"}], "dbutils": {SCOPE/KEY: value}, "watch": text}`. A cell is
cancelled as Jupyter does it, by SIGINT to the whole process group, when `cancel_at` stands in its output. While a cell
runs, `watch` is looked for in arguments and environments of all processes of the same state folder.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output


class Secrets:
    """`dbutils.secrets`."""

    def __init__(self, values: dict[str, str]) -> None:
        self._values = values

    def get(self, scope: str, key: str) -> str:
        return self._values[f"{scope}/{key}"]


class Dbutils:
    def __init__(self, values: dict[str, str]) -> None:
        self.secrets = Secrets(values)


def seen_in_processes(text: str) -> list[str]:
    """The command lines of processes with this state folder that show a text to whoever may look at processes."""
    mark = f"AML_DEPLOY_HOME={os.environ['AML_DEPLOY_HOME']}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            environ, command = (folder / "environ").read_bytes(), (folder / "cmdline").read_bytes()
        except OSError:
            continue
        if mark in environ and text.encode() in environ + command:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def run(shell: InteractiveShell, cell: dict[str, Any], watch: str) -> dict[str, Any]:
    ended = threading.Event()
    seen: list[str] = []

    with capture_output() as captured:
        output = sys.stdout  # the one that captures

        def look() -> None:
            cancelled = not cell.get("cancel_at")
            while not ended.wait(0.05):
                if watch:
                    seen.extend(seen_in_processes(watch))
                if not cancelled and cell["cancel_at"] in output.getvalue():  # type: ignore[attr-defined]
                    cancelled = True
                    os.killpg(os.getpgrp(), signal.SIGINT)

        looking = threading.Thread(target=look)
        looking.start()
        try:
            result = shell.run_cell(cell["code"])
        finally:
            ended.set()
            looking.join()
    error = result.error_in_exec or result.error_before_exec
    return {
        "out": captured.stdout,
        "err": captured.stderr,
        "displayed": [dict(shown.data) for shown in captured.outputs],
        "result": repr(result.result),
        "error": type(error).__name__ if error else None,
        "seen": seen,
    }


def main() -> None:
    asked = json.load(sys.stdin)
    shell = InteractiveShell.instance()
    if asked.get("dbutils"):
        sys.modules["__main__"].dbutils = Dbutils(asked["dbutils"])  # type: ignore[attr-defined]
    told = [run(shell, cell, asked.get("watch") or "") for cell in asked["cells"]]
    print(json.dumps(told))


if __name__ == "__main__":
    main()
