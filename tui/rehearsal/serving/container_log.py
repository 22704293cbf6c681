"""The log of a deployment as returned by `getLogs`: status of the steps, events, and the container's output."""

from __future__ import annotations

import contextlib
import os
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timezone
from pathlib import Path

TAIL_LINES = 5_000
TAIL_CHARACTERS = 2_000_000
FILE_BYTES = 4_000_000
EVENTS = 200

INFERENCE_SERVER = "inference-server"
STORAGE_INITIALIZER = "storage-initializer"
STEPS = ("SystemSetup", "UserContainerImagePull", "ModelDownload", "UserContainerStart")


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="microseconds").replace("+00:00", "Z")


class _Output:
    """One container's output: a limited tail in memory and two limited files that rotate."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._older = path.with_name(path.name + ".1")
        self._lines: deque[str] = deque()
        self._characters = 0
        self._written = 0
        for file in (self._older, path):
            with contextlib.suppress(OSError):
                for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                    self._keep(line)
        with contextlib.suppress(OSError):
            self._written = path.stat().st_size
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)

    def _keep(self, line: str) -> None:
        self._lines.append(line)
        self._characters += len(line) + 1
        while len(self._lines) > TAIL_LINES or (self._characters > TAIL_CHARACTERS and len(self._lines) > 1):
            self._characters -= len(self._lines.popleft()) + 1

    def write(self, line: str) -> None:
        self._keep(line)
        if self._file < 0:
            return
        block = (line + "\n").encode("utf-8", "replace")
        # A full disk must not end the deployment; the tail in memory continues.
        with contextlib.suppress(OSError):
            if self._written + len(block) > FILE_BYTES:
                os.close(self._file)
                self._file = -1
                self._path.replace(self._older)
                self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
                self._written = 0
            self._written += os.write(self._file, block)

    def tail(self, count: int) -> list[str]:
        return list(self._lines)[-count:] if count > 0 else []

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def content(steps: Mapping[str, str], events: Iterable[str], lines: Iterable[str]) -> str:
    """The `content` of getLogs, in the shape recorded by azure-powershell (2025)."""
    states = (f"{step}: {state}" for step, state in steps.items())
    return "\n".join(
        ["Instance status:", *states, "", "Container events:", *events, "", "Container logs:", *lines, "", ""]
    )


class DeploymentLog:
    """The log of one deployment. `on_line(container, line)` receives each line of output as it arrives."""

    def __init__(self, folder: Path, on_line: Callable[[str, str], None] | None = None) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._on_line = on_line
        self._outputs = {name: _Output(folder / f"{name}.log") for name in (INFERENCE_SERVER, STORAGE_INITIALIZER)}
        self._events: deque[str] = deque(maxlen=EVENTS)
        self._steps = dict.fromkeys(STEPS, "Waiting")

    def write(self, line: str, container: str = INFERENCE_SERVER) -> None:
        """Add one line of a container's output."""
        self._outputs[container].write(line)
        if self._on_line is not None:
            self._on_line(container, line)

    def step(self, name: str, state: str) -> None:
        """Set the state ("Waiting", "Running", "Succeeded", "Failed") of one of STEPS."""
        self._steps[name] = state

    def event(self, name: str, message: str, kind: str = "Normal") -> None:
        """Add a container event; `kind` is "Normal" or "Warning". At most 200 are kept."""
        self._events.append(f"Kind: Pod, Name: {name}, Type: {kind}, Time: {_now()}, Message: {message}")

    def tail(self, count: int, container: str = INFERENCE_SERVER) -> list[str]:
        """The last `count` lines of a container's output."""
        return self._outputs[container].tail(count)

    def text(self, container: str | None = None, tail: int | None = None) -> str:
        """The `content` of getLogs.

        `container` is "inference-server" (default) or "storage-initializer"; `tail` the number of log lines
        (default 100). Raises KeyError for another container.
        """
        name = {"inferenceserver": INFERENCE_SERVER, "storageinitializer": STORAGE_INITIALIZER}.get(
            (container or INFERENCE_SERVER).lower().replace("-", ""), container or ""
        )
        return content(self._steps, self._events, self._outputs[name].tail(100 if tail is None else tail))

    def write_all(self, lines: Iterable[str], container: str = INFERENCE_SERVER) -> None:
        """Add several lines."""
        for line in lines:
            self.write(line, container)

    def close(self) -> None:
        """Close the files; later lines are kept in memory only."""
        for output in self._outputs.values():
            output.close()
