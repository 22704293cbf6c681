"""A second apply that changes nothing: `python tests/bench/unchanged.py [TURNS]`.

Prints the seconds of `aml-deploy apply churn-xgboost --rehearse --yes --json` when all is there already, to the last
event and to the end of the process, and by turns those of a process that only imports azure.ai.ml, in the same run.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.whole_run import COMMAND, run_seconds, task_figures

ENDPOINT = "churn-bench-03"


def import_seconds(environ: dict[str, str]) -> float:
    """Seconds of a process that imports the SDK."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-W", "ignore", "-c", "import azure.ai.ml"], env=environ, check=True)
    return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.TemporaryDirectory() as folder:
        dropped = ("AZURE_", "ARM_", "IDENTITY_")
        environ = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        environ["AML_DEPLOY_HOME"] = str(Path(folder) / "home")
        environ["AML_DEPLOY_CACHE"] = str(Path(folder) / "cache")
        environ["AML_DEPLOY_CONTAINER_ENGINE"] = "none"
        try:
            run_seconds(environ, ENDPOINT)
            imports, applies = [], []
            for _ in range(turns):
                imports.append(import_seconds(environ))
                seconds, events = run_seconds(environ, ENDPOINT)
                applies.append(seconds)
                print(f"  import {imports[-1]:.2f} s   apply {seconds:.2f} s   {task_figures(events)}", flush=True)
        finally:
            subprocess.run([*COMMAND, "rehearsal", "--stop"], env=environ, check=False)
    theirs, ours = statistics.median(imports), statistics.median(applies)
    print(
        f"medians: import of azure.ai.ml {theirs:.2f} s, unchanged apply {ours:.2f} s: {ours - theirs:+.2f} s over it"
    )
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
