"""The hostile matrix: each call of each command answered in each bad way, one run a cell, and its outcome judged.

A cell is right if the command ends with what it is for, or with a clear error and its exit code, within its limit,
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
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import yaml

from tests.certificates import self_signed
from tests.conftest import ROOT
from tests.hostile.behaviours import Hostile, behaviours
from tests.hostile.calls import expression
from tests.hostile.proxy import Proxy
from tui.plan.load_save.load import load
from tui.plan.presets import presets
from tui.rehearsal_client import prepare

sys.path[:0] = [str(ROOT / "tests" / folder) for folder in ("cloud", "engine")]
from azure_state import Azure  # noqa: E402
from scripted_service import Service  # noqa: E402

PRESET = next(preset for preset in presets() if preset.name == "own-score")  # its server starts soonest
TOTAL = 30  # seconds: the plan's limits.total
LONGEST = TOTAL + 60.0  # seconds: with the preflight, which has limits of its own
# What `endpoints` asks about endpoints that other calls list: without an answer their rows are shown nevertheless.
ADDED = re.compile("ResourceGraph|getBatch|autoscaleSettings")

# The commands whose calls are answered badly: arguments, with the plan's path and the endpoint's name. All but the
# first work on an endpoint that is there. An earlier command's calls are not tried again in a later one.
COMMANDS: dict[str, list[str]] = {
    "apply": ["apply", "{plan}", "--yes", "--json"],
    "troubleshoot": ["troubleshoot", "{name}", "--plan", "{plan}", "--json"],
    "keys": ["keys", "{name}", "--plan", "{plan}", "--regenerate", "primary", "--yes", "--json"],
    "remove": ["remove", "{plan}", "--yes", "--json"],
    "endpoints": ["endpoints", "--plan", "{plan}", "--json"],
}


@dataclass(frozen=True)
class Cell:
    """The outcome of one run: `right`, `error` with its exit code, or what is wrong."""

    command: str
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
        with Proxy(self.env, self.certificates[0]) as proxy:
            self.behaviours = list(behaviours(proxy, "https://x", self.certificates[1]))

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
        for part in ("model/name.txt", "onlinescoring/name.py"):
            (folder / PRESET.path.stem / part).write_text(f"# {name}\n", encoding="utf-8")
        plan = yaml.safe_load(PRESET.path.read_text(encoding="utf-8"))
        plan["endpoint"]["name"] = plan["deployment"]["model"]["name"] = name
        plan["deployment"]["autoscale"] = {"minimum": 1, "maximum": 2}
        plan["limits"] = {"total": TOTAL}
        (folder / "plan.yml").write_text(yaml.safe_dump(plan), encoding="utf-8")
        return folder / "plan.yml"

    def run(
        self, command: str, name: str, environ: dict[str, str], limit: float
    ) -> tuple[subprocess.CompletedProcess[str], float]:
        """One run of a command, and its seconds; the exit code is -9 if it did not end."""
        words = [word.format(plan=self.folder / name / "plan.yml", name=name) for word in COMMANDS[command]]
        env = {**environ, "AML_DEPLOY_HOME": str(self.folder / name / "state")}
        began = time.monotonic()
        with subprocess.Popen(
            [sys.executable, "-m", "tui", *words],
            env=env, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        ) as running:  # fmt: skip
            try:
                said = running.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                running.kill()
                said = running.communicate()
        return subprocess.CompletedProcess(words, running.returncode, *said), time.monotonic() - began

    def _ready(self, command: str, name: str) -> None:
        """The plan of a cell, and its endpoint where the command needs one."""
        self.plan(name)
        if command != "apply":
            done, _ = self.run("apply", name, self.env, 300)
            assert done.returncode == 0, done.stdout + done.stderr

    def undisturbed(self) -> list[tuple[str, str]]:
        """Each command and the calls that it is the first to make, when nothing happens to it."""
        found: dict[str, str] = {}
        for command in COMMANDS:
            name = f"undisturbed-{command}"
            self._ready(command, name)
            with Proxy(self.env, self.certificates[0]) as proxy:
                done, _ = self.run(command, name, proxy.environ, 300)
                assert done.returncode == 0, done.stdout + done.stderr
                for call in sorted(proxy.calls):
                    found.setdefault(call, command)
            self.azure.remove(name)
        return [(command, call) for call, command in found.items()]

    def cell(self, command: str, call: str, behaviour: str, number: int) -> Cell:
        """One call of a command answered badly in one way, in a run of its own."""
        name = f"hostile-{number:05d}"
        self._ready(command, name)
        with Proxy(self.env, self.certificates[0]) as proxy, _foreign(self.certificates[0]) as (origin, met):
            found = behaviours(proxy, origin, self.certificates[1])[behaviour]
            rule = proxy.on(*expression(call), found.behaviour, found.times)
            done, seconds = self.run(command, name, proxy.environ, LONGEST + 60)
            try:
                outcome, detail = self._judge(command, call, done, seconds, name, found, proxy, met)
            finally:
                self.azure.remove(name)
        return Cell(command, call, behaviour, outcome if rule.met else f"not met; {outcome}", round(seconds, 1), detail)

    def _judge(
        self,
        command: str,
        call: str,
        done: subprocess.CompletedProcess[str],
        seconds: float,
        name: str,
        hostile: Hostile,
        proxy: Proxy,
        met: list[str],
    ) -> tuple[str, str]:
        written = done.stdout + done.stderr
        detail = _message(done)[-300:]
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
            wrong = self._result(command, call, name, done, hostile)
            return (f"FAULT: success, but {wrong}", "") if wrong else ("right", "")
        if hostile.passes:
            return "FAULT: it does not get over what passes", detail
        if done.returncode not in (1, 3):
            return f"FAULT: exit code {done.returncode}", detail
        return (f"error {done.returncode}", detail) if len(detail) > 20 else ("FAULT: no message", written[-300:])

    def _result(
        self, command: str, call: str, name: str, done: subprocess.CompletedProcess[str], hostile: Hostile
    ) -> str:
        """What is not as a command that succeeded leaves it; empty if all is."""
        if command == "endpoints" and not _shown(call, name, done, hostile):
            return "the endpoint is not shown"
        there = self.azure.get(f"onlineEndpoints/{name}")
        if command == "remove":
            return "the endpoint is there" if there else ""
        split = ((there or {}).get("properties") or {}).get("traffic")
        return "" if split == {"blue": 100} else f"the traffic is {split}"

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


def _shown(call: str, name: str, done: subprocess.CompletedProcess[str], hostile: Hostile) -> bool:
    """Whether an endpoint has a row, or it is said that not all could be listed; an empty list is believed."""
    rows = [row for row in map(json.loads, done.stdout.splitlines()) if row["state"] != "gone"]
    found = {row["endpoint"] for row in rows}
    if name in found or (ADDED.search(call) and not hostile.lasting):
        return name in found
    said = re.search("cannot be listed|[Nn]ot all (may be shown|known)", done.stderr)
    return hostile.empty or None in found or said is not None


def _message(done: subprocess.CompletedProcess[str]) -> str:
    """What a user reads at the end: the last message in the JSON lines, else standard error, else the last line."""
    for line in reversed(done.stdout.splitlines()):
        with suppress(ValueError):
            found = json.loads(line)
            if isinstance(found, dict) and (found.get("message") or found.get("title")):
                return str(found.get("message") or found["title"])
    return done.stderr.strip() or "".join(done.stdout.splitlines()[-1:])


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
