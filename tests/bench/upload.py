"""How fast files get into the workspace: `python tests/bench/upload.py [TURNS] [--latency MS] [--small] [--large]`.

Registers a model of 2,000 files of 64 KB, and one of a single file of 1 GB, in a rehearsal with 40 ms a request: by
turns with the SDK (`MLClient.models.create_or_update`) and with the project's own uploader, each in a process of its
own that has imported all and signed in. Prints wall time and processor time of that process, of the rehearsal's
process, and of the machine's other users; then the medians and their ratios. Each turn has content of its own, so that
nothing is there already.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

SMALL_FILES, SMALL_BYTES = 2000, 64 * 1024
LARGE_BYTES = 10**9


def processor_seconds() -> float:
    """The processor time of this process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def of_process(pid: int) -> float:
    """The processor time of another process."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def uploading(how: str, folder: Path) -> None:
    """In a process of its own: register a folder, and print what it took."""
    from tui.cloud.assets import models
    from tui.cloud.session import connect
    from tui.cloud.workspace import workspace as workspaces
    from tui.common import call_log
    from tui.plan.model import Model, Plan, Workspace

    workspace = Workspace(*(os.environ[f"AZURE_{name}"] for name in ("SUBSCRIPTION_ID", "RESOURCE_GROUP")),
                          os.environ["AZURE_ML_WORKSPACE"])  # fmt: skip
    cloud = connect(Plan(workspace=workspace))
    workspaces.read(cloud)
    if how == "sdk":
        from azure.ai.ml import MLClient
        from azure.ai.ml.entities import Model as Asset

        where = (workspace.subscription_id, workspace.resource_group, workspace.name)
        client = MLClient(cloud.credential, *where, enable_telemetry=False)
        client.workspaces.get(workspace.name)
    name = f"bench-{uuid.uuid4().hex[:8]}"
    began, used = time.perf_counter(), processor_seconds()
    if how == "sdk":
        client.models.create_or_update(Asset(name=name, path=str(folder), type="custom_model"))
    else:
        call_log.begin("bench")  # as in a run
        models.bring(cloud, Model(name=name), folder)
    figures = {"wall": time.perf_counter() - began, "cpu": processor_seconds() - used}
    figures["memory"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(figures))


def turn(how: str, folder: Path, environ: Mapping[str, str], server: int) -> dict[str, Any]:
    """One upload of new content. Raises SystemExit."""
    first = next(path for path in sorted(folder.iterdir()))
    with first.open("r+b") as file:
        file.write(uuid.uuid4().bytes)
    before = of_process(server)
    done = subprocess.run(
        [sys.executable, __file__, "--as", how, str(folder)], env=dict(environ), capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    figures["server"] = of_process(server) - before
    print(
        f"  {how:<4} {figures['wall']:6.1f} s   CPU {figures['cpu']:5.1f} s   memory {figures['memory']:5.0f} MiB"
        f"   rehearsal's CPU {figures['server']:5.1f} s   load {os.getloadavg()[0]:.1f}",
        flush=True,
    )
    return figures


def compare(name: str, folder: Path, turns: int, environ: Mapping[str, str], server: int) -> None:
    """Measure by turns, and print medians."""
    print(name, flush=True)
    found: dict[str, list[dict[str, Any]]] = {"sdk": [], "ours": []}
    for number in range(turns):
        for how in ("sdk", "ours") if number % 2 == 0 else ("ours", "sdk"):
            found[how].append(turn(how, folder, environ, server))
    medians = {
        how: {key: statistics.median(one[key] for one in all_) for key in ("wall", "cpu")}
        for how, all_ in found.items()
    }
    theirs, ours = medians["sdk"], medians["ours"]
    print(
        f"  medians: SDK {theirs['wall']:.1f} s, ours {ours['wall']:.1f} s: {theirs['wall'] / ours['wall']:.2f} times"
        f" as fast; CPU {theirs['cpu']:.1f} s and {ours['cpu']:.1f} s: {ours['cpu'] / theirs['cpu']:.2f} of it"
    )


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("turns", nargs="?", type=int, default=3)
    parser.add_argument("--latency", type=float, default=40, help="milliseconds a request (40)")
    parser.add_argument("--small", action="store_true", help="only the small files")
    parser.add_argument("--large", action="store_true", help="only the large file")
    parser.add_argument("--as", dest="how", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.how:
        uploading(options.how[0], Path(options.how[1]))
        return
    with tempfile.TemporaryDirectory() as folder:
        here = Path(folder)
        private = {"AML_DEPLOY_HOME": str(here / "home"), "AML_DEPLOY_CACHE": str(here / "cache")}
        environ = {**os.environ, **private, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        command = [sys.executable, "-m", "tui.rehearsal"]
        try:
            started = subprocess.run(
                [*command, "env", "--json", "--latency", str(options.latency)],
                env=environ, check=True, capture_output=True, text=True,
            )  # fmt: skip
            described = json.loads(started.stdout)
            environ = {name: value for name, value in environ.items() if name not in described["unset"]}
            environ.update(described["set"])
            if not options.large:
                (here / "many").mkdir()
                for number in range(SMALL_FILES):
                    (here / "many" / f"part-{number:04}.bin").write_bytes(os.urandom(SMALL_BYTES))
                title = f"{SMALL_FILES:,} files of {SMALL_BYTES // 1024} KB, {options.latency:g} ms a request"
                compare(title, here / "many", options.turns, environ, described["pid"])
            if not options.small:
                (here / "one").mkdir()
                with (here / "one" / "weights.bin").open("wb") as file:
                    for _ in range(LARGE_BYTES // 10**6):
                        file.write(os.urandom(10**6))
                title = f"one file of {LARGE_BYTES / 1e9:g} GB, {options.latency:g} ms a request"
                compare(title, here / "one", options.turns, environ, described["pid"])
        finally:
            subprocess.run([*command, "stop"], env=environ, check=False, capture_output=True)
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
