"""How long a rehearsed run takes: `python tests/bench/whole_run.py [--keep-downloads]`.

Prints the seconds from the start of `aml-deploy apply churn-xgboost --rehearse --yes --json` to the prediction: first
with nothing there (no rehearsal, no scoring environment, nothing downloaded), then again on another endpoint, and once
more without a change. With --keep-downloads, the packages that uv has downloaded before are used the first time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SCRIPT = Path(sys.executable).with_name("aml-deploy")
COMMAND = [str(SCRIPT)] if SCRIPT.is_file() else [sys.executable, "-m", "tui"]


def run_seconds(environ: dict[str, str], endpoint: str) -> tuple[float, list[dict[str, Any]]]:
    """Seconds from the start of a run to the line with its prediction, and its events."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, "apply", "churn-xgboost", "--rehearse", "--yes", "--json", "--set", f"endpoint.name={endpoint}"],
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    events, predicted = [], 0.0
    for line in process.stdout:
        events.append(json.loads(line))
        if events[-1]["event"] == "run_finished":
            predicted = time.perf_counter() - began
    if process.wait() != 0 or events[-1].get("status") != "succeeded":
        raise SystemExit(f"The run did not succeed: {events[-1] if events else 'no events'}")
    return predicted, events


def task_figures(events: list[dict[str, Any]]) -> str:
    """The seconds of each task."""
    tasks = [event for event in events if event["event"] == "task_finished"]
    return ", ".join(f"{event['task']} {event.get('seconds') or 0:.1f}" for event in tasks)


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {
            **{
                name: value
                for name, value in os.environ.items()
                if not name.startswith(("AZURE_", "ARM_", "IDENTITY_"))
            },
            "AML_DEPLOY_HOME": str(Path(folder) / "home"),
            "AML_DEPLOY_CACHE": str(Path(folder) / "cache"),
        }
        if "--keep-downloads" not in sys.argv:
            environ["UV_CACHE_DIR"] = str(Path(folder) / "uv")
        try:
            for name, endpoint in (
                ("first, nothing there", "churn-bench-01"),
                ("second, another endpoint", "churn-bench-02"),
                ("third, no change", "churn-bench-02"),
            ):
                seconds, events = run_seconds(environ, endpoint)
                answer = events[-1]["test"]
                print(f"{name:<26} {seconds:6.1f} s   test {answer['status_code']} in {answer['latency_ms']:.0f} ms")
                print(f"{'':<26} {task_figures(events)}")
        finally:
            subprocess.run([*COMMAND, "rehearsal", "--stop"], env=environ, check=False)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
