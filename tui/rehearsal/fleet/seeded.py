"""What a deployment of a fleet does in place of a server: logs, changes, and the answer to scoring calls."""

from __future__ import annotations

import time
from datetime import datetime, timezone

from tui.rehearsal.scenarios.failures import FAILURES
from tui.rehearsal.service import Service
from tui.rehearsal.serving.container_log import STEPS, content
from tui.rehearsal.serving.replicas import NoReadyInstance, ReplicaSet
from tui.rehearsal.store import Resource, Store

_RESTART_SECONDS = 20
_DOWNLOADED = ("Downloading model files from the workspace's storage.", "Download finished.")
_CRASH = FAILURES["container-crash"].log
# As the inference server writes an error of the user's script.
_RUN = """Encountered Exception: Traceback (most recent call last):
  File "/var/azureml-app/score/score.py", line 21, in run
    return model.predict(frame).tolist()
ValueError: X has 11 features, but the model is expecting 12 features as input."""


class NoServers(ReplicaSet):
    """Instances of which none is ready: scoring calls get the answer for that."""

    def __init__(self) -> None:
        self.pending = 0

    @property
    def capacity(self) -> int:
        """Room for one call: each one is answered at once."""
        return 1

    async def ensure_running(self) -> None:
        """Raises NoReadyInstance."""
        raise NoReadyInstance


async def provision(service: Service, deployment: Resource) -> dict[str, str]:
    """Change a deployment at the usual pace, but run nothing; what failed before works now. No variables."""
    await service.pace.deployed("start", time.monotonic(), deployment.id)
    return {}


def requests_of(store: Store, deployment: Resource) -> float:
    """Its share of what is stated of its endpoint: requests a minute, which follow the traffic."""
    endpoint = store.get(deployment.parent)
    if endpoint is None or "fleet" not in deployment.internal:
        return 0.0
    return float(endpoint.internal["fleet"]["requests"] * endpoint.properties["traffic"].get(deployment.name, 0) / 100)


def log_text(store: Store, deployment: Resource, container: str, tail: int) -> str:
    """The `content` of getLogs: a line for each request, or the start that fails again and again, up to now."""
    state = deployment.properties["provisioningState"]
    started = {"Succeeded": "Succeeded", "Failed": "Failed"}.get(state, "Running")
    steps = {**dict.fromkeys(STEPS, "Succeeded"), STEPS[-1]: started}
    if container == "StorageInitializer":
        return content(steps, (), _DOWNLOADED[max(0, len(_DOWNLOADED) - tail) :])
    figures = {**deployment.internal["fleet"], "requests": requests_of(store, deployment)}
    begun = datetime.fromisoformat(deployment.body["systemData"]["lastModifiedAt"][:19] + "+00:00").timestamp()
    every = _RESTART_SECONDS if state == "Failed" else min(max(60 / (figures["requests"] or 1), 1), 10)
    newest_first: list[str] = []
    number = int((time.time() - begun) / every)
    while number >= 0 and len(newest_first) < tail:
        newest_first += reversed(_lines(begun + number * every, number, state == "Failed", figures))
        number -= 1
    return content(steps, (), newest_first[:tail][::-1])


def _lines(moment: float, number: int, failed: bool, figures: dict[str, float]) -> list[str]:
    stamp = datetime.fromtimestamp(moment, timezone.utc).strftime("%Y-%m-%d %H:%M:%S") + f",{number * 37 % 1000:03d}"

    def line(level: str, text: str) -> list[str]:
        return f"{stamp} {level} [72] azmlinfsrv - {text}".splitlines()

    if failed:
        return [*line("I", "Starting up app insights client"), *line("E", "User's init function failed"), *_CRASH]
    if not figures["requests"]:
        return line("I", f"GET / 200 0.{number % 7 + 1}ms 72")
    if int((number + 1) * figures["failing"]) > int(number * figures["failing"]):
        return [*line("E", _RUN), *line("I", f"POST /score 500 {figures['p95_ms'] / 2:.1f}ms 97")]
    return line("I", f"POST /score 200 {figures['p95_ms'] * (0.3 + number % 7 / 10):.1f}ms {40 + number % 60}")
