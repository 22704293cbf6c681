"""Watches the serving processes of a trial's rehearsal, through a process that knows its folders."""

from __future__ import annotations

import contextlib
import json
import queue
import shutil
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tui.common import child_process

ANSWER_SECONDS = 30.0


class Watching:
    """Measures the memory of the serving processes while the block runs."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._home: Path | None = None
        self._first = threading.Event()
        self._answers: queue.Queue[dict[str, Any]] = queue.Queue()
        self.deployments: dict[str, dict[str, int]] = {}

    def __enter__(self) -> Watching:
        self._process = subprocess.Popen(
            child_process.command("tui.rehearsal.serving.serving_memory"),
            env=child_process.machine_only(self._environ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._first.wait(20)
        return self

    def __exit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(5)

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with contextlib.suppress(ValueError):
                told = json.loads(line)
                if "home" in told:
                    self._home = Path(told["home"])
                self.deployments.update(told.get("deployments") or {})
                if "now" in told:
                    self._answers.put(told["now"])
            self._first.set()

    def now(self, deployment: str, *, afresh: bool = False) -> dict[str, Any]:
        """A deployment's first instance as it is now: `bytes`, `cpu` (seconds so far), `processes`, `limited`, `place`.

        `afresh`: its peak is forgotten too. Empty where nothing of it was found. Raises OSError.
        """
        assert self._process.stdin is not None
        if afresh:
            self.deployments.pop(deployment, None)
        self._process.stdin.write("afresh\n" if afresh else "now\n")
        self._process.stdin.flush()
        try:
            return dict(self._answers.get(timeout=ANSWER_SECONDS).get(f"{deployment}-0") or {})
        except queue.Empty:
            raise OSError(0, "The serving processes cannot be measured") from None

    def forget(self) -> None:
        """Remove the rehearsal's folder after the rehearsal has ended."""
        if self._home is not None and self._home.parent.name == "rehearsals":
            shutil.rmtree(self._home, ignore_errors=True)
