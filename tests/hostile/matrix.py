"""The hostile matrix: each call of a whole `apply` answered in each bad way, one run a cell, and its outcome judged.

A cell is right if the run ends with what the plan asks for, or with a clear error and its exit code, within its limit,
without a secret in anything written and without a call to a foreign host.
"""

from __future__ import annotations

import base64
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.certificates import self_signed
from tests.conftest import ROOT
from tests.hostile.behaviours import Hostile, behaviours
from tests.hostile.proxy import Proxy
from tui.plan.load_save.load import load
from tui.plan.presets import presets
from tui.rehearsal_client import prepare

sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("cloud", "engine")]
from azure_state import Azure  # noqa: E402
from scripted_service import Service  # noqa: E402

PRESET = next(preset for preset in presets() if preset.name == "own-score")  # its server starts soonest
CALLS = Path(__file__).with_name("calls.txt")
TOTAL = 30  # seconds: the plan's limits.total
LONGEST = TOTAL + 60.0  # seconds: with the preflight, which has limits of its own


def listed() -> list[str]:
    """The calls of an `apply` of a new endpoint, as recorded at the socket."""
    return CALLS.read_text(encoding="utf-8").splitlines()


@dataclass(frozen=True)
class Cell:
    """The outcome of one run: `right`, `error` with its exit code, or what is wrong."""

    call: str
    behaviour: str
    outcome: str
    seconds: float
    detail: str = ""

    @property
    def wrong(self) -> bool:
        """Whether the outcome is a fault."""
        return self.outcome.startswith("FAULT")


class Ground:
    """A rehearsal, and certificates for what stands in front of it."""

    def __init__(self, folder: Path, environ: dict[str, str]) -> None:
        self.folder = folder
        self.env = prepare(load(PRESET.path), {**environ, "AML_DEPLOY_HOME": str(folder / "rehearsal")})
        self.azure = Azure(self.env)
        self.certificates = [self._certificate(name) for name in ("own", "other")]

    def _certificate(self, name: str) -> tuple[Path, Path]:
        paths = (self.folder / f"{name}.pem", self.folder / f"{name}.key")
        for path, text in zip(paths, self_signed("127.0.0.1")):
            path.write_bytes(text)
        return paths

    def stop(self) -> None:
        """End the rehearsal."""
        command = [sys.executable, "-m", "tui.rehearsal", "stop"]
        subprocess.run(command, env=self.env, cwd=ROOT, check=True, capture_output=True, timeout=60)

    def plan(self, name: str) -> Path:
        """The preset with names and contents that no other cell has."""
        folder = self.folder / name
        shutil.copytree(PRESET.path.with_suffix(""), folder / PRESET.path.stem)
        shutil.copy(PRESET.path, folder / "plan.yml")
        for part in ("model/name.txt", "onlinescoring/name.py"):
            (folder / PRESET.path.stem / part).write_text(f"# {name}\n", encoding="utf-8")
        return folder / "plan.yml"

    def apply(self, proxy: Proxy, name: str) -> tuple[subprocess.CompletedProcess[str], float]:
        """One run of the command through a proxy, and its seconds; the exit code is -9 if it did not end."""
        sets = [f"endpoint.name={name}", f"deployment.model.name={name}", f"limits.total={TOTAL}"]
        command = [sys.executable, "-m", "tui", "apply", str(self.plan(name)), "--yes", "--json"]
        command += [word for one in sets for word in ("--set", one)]
        env = {**proxy.environ, "AML_DEPLOY_HOME": str(self.folder / name / "state")}
        began = time.monotonic()
        with subprocess.Popen(
            command, env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as running:
            try:
                said = running.communicate(timeout=LONGEST + 60)
            except subprocess.TimeoutExpired:
                running.kill()
                said = running.communicate()
        done = subprocess.CompletedProcess(command, running.returncode, *said)
        return done, time.monotonic() - began

    def undisturbed(self) -> list[str]:
        """The calls of a run that nothing happens to, in order."""
        with Proxy(self.env, self.certificates[0]) as proxy:
            done, _ = self.apply(proxy, "hostile-none")
            self.azure.remove("hostile-none")
            assert done.returncode == 0, done.stderr
            return proxy.calls

    def cell(self, call: str, behaviour: str, number: int) -> Cell:
        """One call answered badly in one way, in a run of its own."""
        name = f"hostile-{number:05d}"
        with Proxy(self.env, self.certificates[0]) as proxy, _foreign(self.certificates[0]) as (origin, met):
            found = behaviours(proxy, origin, self.certificates[1])[behaviour]
            method, _, path = call.partition(" ")
            pattern = "[^/?]+".join(map(re.escape, path.split("*")))
            rule = proxy.on(method, f"^{pattern}(?:[?]|$)", found.behaviour, found.times)
            done, seconds = self.apply(proxy, name)
            try:
                outcome, detail = self._judge(done, seconds, name, found, proxy, met)
            finally:
                self.azure.remove(name)
        return Cell(call, behaviour, outcome if rule.met else f"not met; {outcome}", round(seconds, 1), detail)

    def _judge(
        self,
        done: subprocess.CompletedProcess[str],
        seconds: float,
        name: str,
        hostile: Hostile,
        proxy: Proxy,
        met: list[str],
    ) -> tuple[str, str]:
        written = done.stdout + done.stderr
        last = _last_event(done.stdout)
        detail = str(last.get("message") or done.stderr)[-300:]
        if met:
            return "FAULT: a foreign host was called", met[0]
        if "Internal error" in written or "Traceback" in written:
            return "FAULT: an internal error", written[-600:]
        if seconds > LONGEST:
            return f"FAULT: no end after {LONGEST:.0f} seconds", detail
        leaked = self._leaks(proxy.tokens, written, self.folder / name / "state")
        if leaked:
            return "FAULT: a secret was written", leaked
        if done.returncode == 0:
            there = self.azure.get(f"onlineEndpoints/{name}") or {}
            split = (there.get("properties") or {}).get("traffic")
            return ("right", "") if split == {"blue": 100} else ("FAULT: success without its result", str(split))
        if hostile.passes:
            return "FAULT: it does not get over what passes", detail
        if done.returncode not in (1, 3):
            return f"FAULT: exit code {done.returncode}", detail
        return (f"error {done.returncode}", detail) if len(detail) > 20 else ("FAULT: no message", detail)

    def _leaks(self, secrets: set[str], written: str, state: Path) -> str:
        forms = {
            form
            for secret in secrets
            if len(secret) >= 8
            for form in (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
        }
        texts = {"output": written}
        for path in state.rglob("*"):
            if path.is_file():
                texts[path.name] = path.read_text(encoding="utf-8", errors="replace")
        return next((name for name, text in texts.items() for form in forms if form in text), "")


def _last_event(text: str) -> dict[str, Any]:
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


@contextmanager
def _foreign(certificate: tuple[Path, Path]) -> Iterator[tuple[str, list[str]]]:
    """The origin of a service that nothing may be sent to, and what was; the same port speaks no http."""
    service, met = Service(certificate), list[str]()
    try:
        yield service.url, met
    finally:
        met += [f"{method} {path}" for method, path, _, _ in service.requests]
        service.close()


def environment(folder: Path) -> dict[str, str]:
    """This process's environment with caches of its own."""
    return {**os.environ, "AML_DEPLOY_CACHE": str(folder / "cache")}
