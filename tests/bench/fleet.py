"""The list of a whole fleet: `python tests/bench/fleet.py [ENDPOINTS]` (default: 200).

A rehearsal with a fleet in three subscriptions and six workspaces, of which one never answers and one refuses; 100 ms
a request, and Resource Manager's published limits of reads. Prints the seconds of `aml-deploy endpoints --json` until
its first and its last row, its requests and how many of them were refused with 429, by the rehearsal's own log. The
baseline of the same run is one GET, and a walk that asks one after another for what a row needs: workspaces, endpoints,
deployments, metrics. The walk waits five seconds for the workspace that never answers.
"""

from __future__ import annotations

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.bench.whole_run import COMMAND

SILENT_SECONDS = 5
_ML = "providers/Microsoft.MachineLearningServices"
_REQUEST = re.compile(r"INFO tui\.rehearsal\.server: (\S+) /(?:subscriptions|providers|metrics)\S* (\d+) \d+ ms ")


class Walk:
    """A client that asks one after another."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.origin = variables["ARM_CLOUD_METADATA_URL"].partition("/metadata")[0]
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.verify = variables["REQUESTS_CA_BUNDLE"]
        query = {"resource": self.origin, "api-version": "2019-08-01"}
        known = {"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]}
        token = self.session.get(variables["IDENTITY_ENDPOINT"], params=query, headers=known, timeout=30).json()
        self.session.headers["Authorization"] = f"Bearer {token['access_token']}"

    def get(self, path: str, **query: str) -> dict[str, Any]:
        """One answer; an empty one where there is none."""
        url = path if path.startswith("https:") else self.origin + path
        asked = {} if path.startswith("https:") else {"api-version": "2024-04-01", **query}
        try:
            answer = self.session.get(url, params=asked, timeout=SILENT_SECONDS)
        except requests.Timeout:
            return {}
        while answer.status_code == 429:
            time.sleep(float(answer.headers.get("Retry-After", "1")))
            answer = self.session.get(url, params=asked, timeout=SILENT_SECONDS)
        return dict(answer.json()) if answer.status_code == 200 else {}

    def all_of(self, path: str) -> Iterator[str]:
        """The ids in a list."""
        while path:
            found = self.get(path)
            yield from (item["id"] for item in found.get("value", []))
            path = found.get("nextLink", "")

    def walk(self) -> tuple[float, float, int]:
        """Seconds until the first and until the last endpoint was complete, and how many endpoints there are."""
        began, first, number = time.perf_counter(), 0.0, 0
        metrics = {"metricnames": "RequestsPerMinute", "api-version": "2018-01-01"}
        for subscription in self.all_of("/subscriptions"):
            for workspace in self.all_of(f"{subscription}/{_ML}/workspaces"):
                for endpoint in self.all_of(f"{workspace}/onlineEndpoints"):
                    list(self.all_of(f"{endpoint}/deployments"))
                    self.get(f"{endpoint}/providers/Microsoft.Insights/metrics", **metrics)
                    number += 1
                    first = first or time.perf_counter() - began
        return first, time.perf_counter() - began, number

    def one(self) -> float:
        """Seconds of one GET: the median of nine."""
        took = []
        for _ in range(9):
            began = time.perf_counter()
            self.get("/subscriptions")
            took.append(time.perf_counter() - began)
        return statistics.median(took)


def command(environ: dict[str, str]) -> tuple[float, float, int, int, int]:
    """Seconds of the command until its first row and its end, how many rows, how many not complete, exit code."""
    began, first, rows, incomplete = time.perf_counter(), 0.0, 0, 0
    process = subprocess.Popen([*COMMAND, "endpoints", "--json"], env=environ, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    for line in process.stdout:
        row = json.loads(line)
        # A workspace that could not be read has a line without an endpoint.
        if row.get("endpoint"):
            first, rows = first or time.perf_counter() - began, rows + 1
            empty = [key for key, value in row.items() if value is None and key not in (row.get("why") or {})]
            incomplete += bool(row.get("pending") or empty)
    return first, time.perf_counter() - began, rows, incomplete, process.wait()


def counted(log: Path, start: int) -> tuple[int, int]:
    """How many requests the log has from this place on, and how many of them were refused with 429."""
    with log.open(encoding="utf-8", errors="replace") as file:
        file.seek(start)
        statuses = [found[2] for found in map(_REQUEST.search, file) if found]
    return len(statuses), statuses.count("429")


def main() -> None:
    """Measure and print."""
    number = sys.argv[1] if len(sys.argv) > 1 else "200"
    with tempfile.TemporaryDirectory() as folder:
        dropped = ("AZURE_", "ARM_", "IDENTITY_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
        own["AML_DEPLOY_HOME"], own["AML_DEPLOY_CACHE"] = str(Path(folder) / "home"), str(Path(folder) / "cache")
        own["AML_DEPLOY_CONTAINER_ENGINE"] = "none"
        options = ["--fleet", number, "--latency", "100", "--scenario", "read-limits"]
        try:
            began = time.perf_counter()
            done = subprocess.run(
                [*COMMAND, "rehearsal", "--env", "--json", *options], env=own, check=True, stdout=subprocess.PIPE
            )
            print(f"a rehearsal with {number} endpoints is there after {time.perf_counter() - began:.1f} s")
            described = json.loads(done.stdout)
            environ = {name: value for name, value in own.items() if name not in described["unset"]}
            environ.update(described["set"])
            walk, log = Walk(described["set"]), Path(described["log"])
            one = walk.one()
            print(f"one GET {one:.2f} s")
            # Alone, with a full budget: the limits count for each identity, and the walk uses them up.
            time.sleep(10)
            start = log.stat().st_size
            first, whole, rows, incomplete, code = command(environ)
            asked, refused = counted(log, start)
            time.sleep(10)
            start = log.stat().st_size
            first_walked, walked, endpoints = walk.walk()
            walk_asked, _ = counted(log, start)
        finally:
            subprocess.run([*COMMAND, "rehearsal", "--stop"], env=own, check=False)
    print(f"the command: first row {first:.1f} s ({first / one:.0f} GETs), all {rows} rows {whole:.1f} s; exit {code}")
    print(f"  {asked} requests, {refused} of them refused with 429; {incomplete} rows with an empty cell unexplained")
    print(f"one after another: first row {first_walked:.1f} s, all {endpoints} {walked:.1f} s, {walk_asked} requests")
    print(f"against it: {whole / walked:.2f} times the seconds, {asked / max(walk_asked, 1):.2f} times the requests")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
