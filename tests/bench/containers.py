"""What containers cost: `python -m tests.bench.containers REVISION [TURNS] [IMAGE]`, REVISION being one before them.

Prints the seconds of `aml-deploy apply own-score --rehearse --yes --json` for a further endpoint, by turns with the
sources of REVISION and with these, both without a container engine, and the ratio of the medians; the same for closed
egress. Then the memory (the kernel's proportional share, PSS) of each rehearsal with all it started, one deployment
running. With IMAGE, a base image that this machine's engine holds, also the first and a further deployment of it and
the conda file, in containers (AML_DEPLOY_CONTAINER_ENGINE, else podman).
"""

from __future__ import annotations

import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.whole_run import ROOT, run_seconds, task_figures
from tui.rehearsal.container_engine.engine import LABEL
from tui.rehearsal.places import Home
from tui.rehearsal.process import running

CLOSED = ("--set", "workspace.name=closed-legacy-isolation")
COMMAND = [sys.executable, "-m", "tui"]


class Tree:
    """A folder of sources with a rehearsal of its own."""

    def __init__(self, name: str, sources: Path, folder: Path, engine: str = "none") -> None:
        self.name, self.engine = name, engine
        dropped = ("AZURE_", "ARM_", "IDENTITY_")
        self.environ = {key: value for key, value in os.environ.items() if not key.startswith(dropped)}
        self.environ.update(
            AML_DEPLOY_HOME=str(folder / "home"),
            AML_DEPLOY_CACHE=str(folder / "cache"),
            AML_DEPLOY_CONTAINER_ENGINE=engine,
            PYTHONPATH=str(sources),
        )
        self.plan = str(sources / "presets" / "own-score.yml")
        self._label = f"label={LABEL}={Home.of(self.environ).folder.name}"
        self._count = 0

    def _server(self) -> int:
        server = running(Home.of(self.environ))
        assert server is not None
        return int(server["pid"])

    def _processor(self) -> float:
        fields = Path(f"/proc/{self._server()}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")  # its own time and that of ended children

    def further(self, *more: str) -> tuple[float, float]:
        """Seconds until a new endpoint has answered, and of the processor in the rehearsal until it is removed."""
        before = self._processor()
        seconds, _ = self.apply(*more)
        return seconds, self._processor() - before

    def apply(self, *more: str, keep: bool = False) -> tuple[float, str]:
        """Seconds until a new endpoint has answered, and those of its tasks; it is removed again unless `keep`."""
        self._count += 1
        endpoint = f"containers-{self._count:03}"
        seconds, events = run_seconds(self.environ, endpoint, *more, plan=self.plan, command=COMMAND)
        if not keep:
            named = ["--set", f"endpoint.name={endpoint}", *more]
            remove = [*COMMAND, "remove", self.plan, "--rehearse", "--yes", *named]
            subprocess.run(remove, env=self.environ, check=True, capture_output=True)
        return seconds, task_figures(events)

    def megabytes(self) -> dict[str, float]:
        """PSS of the rehearsal's server, of all below it, and of the containers with their monitors."""
        pid = self._server()
        found = {"server": _pss([pid]), "processes": _pss(_below([pid])[1:])}
        if self.engine != "none":
            found["containers"] = _pss(_below(self._of_containers()))
        return found

    def _of_containers(self) -> list[int]:
        listed = subprocess.run([self.engine, "ps", "-q", "--filter", self._label], capture_output=True, check=True)
        states = subprocess.run([self.engine, "inspect", *listed.stdout.split()], capture_output=True, check=True)
        found = [one["State"] for one in json.loads(states.stdout)]
        return [int(state[key]) for state in found for key in ("ConmonPid", "Pid") if state.get(key)]

    def stop(self) -> None:
        """End the rehearsal, and remove the image that was built for it."""
        subprocess.run([*COMMAND, "rehearsal", "--stop"], env=self.environ, check=False, capture_output=True)
        if self.engine != "none":
            made = subprocess.run(
                [self.engine, "images", "-q", "--filter", self._label], capture_output=True, check=True
            )
            subprocess.run([self.engine, "rmi", "-f", *made.stdout.split()], check=False, capture_output=True)


def _below(roots: list[int]) -> list[int]:
    """These processes and their descendants, each once."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found, waiting = list[int](), list(roots)
    while waiting:
        pid = waiting.pop(0)
        if pid not in found:
            found.append(pid)
            waiting += children.get(pid, [])
    return found


def _pss(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def compare(before: Tree, now: Tree, turns: int) -> None:
    """Without an engine, by turns."""
    for tree in (before, now):
        seconds, tasks = tree.apply(keep=True)
        print(f"{tree.name:<10} first {seconds:6.1f} s   {tasks}", flush=True)
    for what, more in (("", ()), (", closed egress", CLOSED)):
        taken: list[list[tuple[float, float]]] = [[], []]
        for turn in range(turns):
            # The second of a pair finds warm files: each is it in turn.
            for which in (0, 1) if turn % 2 else (1, 0):
                taken[which].append((before, now)[which].further(*more))
        for unit, at in (("by the clock", 0), ("of the processor", 1)):
            old, new = ([one[at] for one in each] for each in taken)
            pairs = statistics.median(b / a for a, b in zip(old, new))
            print(f"further{what}, {unit}: {_figures(old)} before, {_figures(new)} now; of a pair {pairs:.2f} times")
    for tree in (before, now):
        print(_memory(tree), flush=True)


def _figures(values: list[float]) -> str:
    return f"median {statistics.median(values):.2f} s ({min(values):.2f} to {max(values):.2f})"


def _memory(tree: Tree) -> str:
    found = tree.megabytes()
    parts = ", ".join(f"{name} {megabytes:.0f}" for name, megabytes in found.items())
    return f"{tree.name:<10} memory {sum(found.values()):.0f} MB ({parts})"


def in_containers(tree: Tree, image: str, turns: int, folder: Path) -> None:
    """With an engine: the first and further deployments of a base image and a conda file."""
    conda = folder / "conda.yml"
    text = (ROOT / "presets" / "own-score" / "conda.yml").read_text(encoding="utf-8")
    new = text.replace("name: own-scoring", f"name: own-scoring-{secrets.token_hex(8)}")  # nothing is built for it yet
    assert new != text
    conda.write_text(new, encoding="utf-8")
    on = ("--set", f"deployment.environment.image={image}", "--set", f"deployment.environment.conda_file={conda}")
    seconds, tasks = tree.apply(*on, keep=True)
    print(f"{tree.name:<10} first {seconds:6.1f} s   {tasks}", flush=True)
    print(_memory(tree), flush=True)
    for what, more in (("", ()), (", closed egress", CLOSED)):
        taken = [tree.further(*on, *more)[0] for _ in range(turns)]
        print(f"further{what}: {_figures(taken)}", flush=True)


def main() -> None:
    """Measure and print."""
    revision, turns = sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 5
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "before").mkdir()
        packed = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, capture_output=True)
        subprocess.run(["tar", "-x", "-C", folder / "before"], input=packed.stdout, check=True)
        before = Tree("before", folder / "before", folder / "of-before")
        trees = [before, Tree("now", ROOT, folder / "of-now")]
        try:
            compare(*trees, turns)
            for tree in trees:
                tree.stop()
            if len(sys.argv) > 3:
                engine = os.environ.get("AML_DEPLOY_CONTAINER_ENGINE", "podman")
                trees.append(Tree("containers", ROOT, folder / "of-engine", engine))
                in_containers(trees[-1], sys.argv[3], turns, folder)
        finally:
            for tree in trees:
                tree.stop()
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
