"""A load run of a plan, through the process that a front end starts: figures, what they say, and what is left."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tui.local_trial.client import perform
from tui.local_trial.load import processors
from tui.local_trial.load.measured import Measured, Memory, Point
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.presets import find

SLOWLY = """

_answer = run


def run(raw_data):
    import time

    time.sleep(0.2)
    return _answer(raw_data)
"""
needs_two = pytest.mark.skipif(
    sys.platform != "linux" or len(processors.shared().server) < 1, reason="server and generator need a processor each"
)


@pytest.fixture
def slow_plan(tmp_path: Path) -> Document:
    """A preset whose answers take a fifth of a second, in which the processor has nothing to do."""
    preset = find("sklearn-iris")
    assert preset is not None
    shutil.copytree(preset.path.with_name("sklearn-iris"), tmp_path / "sklearn-iris")
    (script,) = tmp_path.rglob("score.py")
    script.write_text(script.read_text(encoding="utf-8") + SLOWLY, encoding="utf-8")
    return load(str(shutil.copy(preset.path, tmp_path / "plan.yml")), [], [])


@pytest.fixture
def environ(rehearsal_home: dict[str, str]) -> Iterator[dict[str, str]]:
    """An environment whose temporary folder is its own; its path is short, since sockets are made there."""
    with tempfile.TemporaryDirectory(prefix="t") as folder:
        yield {**rehearsal_home, "TMPDIR": folder}


def left_over(environ: dict[str, str]) -> list[str]:
    """Folders of local trials that are still there."""
    rehearsals = Path(environ["AML_DEPLOY_CACHE"]) / "rehearsals"
    there = rehearsals.iterdir() if rehearsals.is_dir() else ()
    return [str(path) for path in [*Path(environ["TMPDIR"]).iterdir(), *there]]


@needs_two
def test_latency_processor_and_memory_are_measured_by_workers(environ: dict[str, str], slow_plan: Document) -> None:
    told: list[str] = []
    before = left_over(environ)
    options = {"seconds": 30, "workers": [1, 2], "concurrency": [4], "rates": [3.0], "poisson": False}
    report = asyncio.run(perform(slow_plan, environ, told.append, load=options))
    (measured,) = map(Measured.of_dict, report["measured"])
    assert not measured.refused, "\n".join([measured.refused, *told])
    assert measured.deployment == "blue" and measured.source == "sample" and measured.request_bytes[0] > 0
    assert measured.limited_by == "affinity" and measured.cores >= 1 and measured.processor
    assert measured.ready_seconds and measured.warm_up[0] >= 10
    # run() of this script waits, and its server has sync workers: each answers one request at a time.
    assert measured.blocked is True
    assert len(measured.points) == 2, "\n".join(told)
    one, two = measured.points
    assert (one.workers, two.workers, one.concurrency, one.rate) == (1, 2, 4, 3.0)
    for point in (one, two):
        assert point.failed == 0 and 6 <= point.requests <= point.rate * point.seconds + 1 and point.answered > 2
        assert 200 <= point.p50_ms <= point.p95_ms <= point.p99_ms
        # Waiting takes no processor.
        assert point.cpu_ms is not None and 0 < point.cpu_ms < 100
    memory = measured.memory
    assert memory.rest_bytes and memory.worker_bytes and memory.peak_bytes
    assert 50e6 < memory.rest_bytes < memory.peak_bytes and memory.worker_bytes > 10e6
    (found,) = report["findings"]
    assert (found["id"], found["severity"]) == ("trial-load", "ok")
    # Another number of workers is a run that builds nothing.
    assert sum("WORKER_COUNT" in line for line in told) >= 1
    assert told[-1] == "Cleaning up." and left_over(environ) == before


@needs_two
def test_a_load_run_that_is_cancelled_leaves_nothing_behind(environ: dict[str, str], slow_plan: Document) -> None:
    before = left_over(environ)
    asked = {"document": slow_plan.tree, "base": str(slow_plan.base), "load": {"seconds": 300}}
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.local_trial"],
        env=environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps(asked) + "\n")
    process.stdin.flush()
    assert any("at most" in line and "requests a second" in line for line in process.stdout)
    process.stdin.close()
    told = process.stdout.read()
    assert process.wait(120) == 1 and '"report"' not in told and "Cleaning up" in told
    assert left_over(environ) == before


def test_without_processors_for_server_and_generator_the_figure_is_refused(slow_plan: Document) -> None:
    told: list[str] = []
    report = asyncio.run(perform(slow_plan, os.environ, told.append, load={"cores": 4096}))
    (measured,) = map(Measured.of_dict, report["measured"])
    assert "4096 processors" in measured.refused and measured.points == () and told == []
    (found,) = report["findings"]
    assert found["severity"] == "unknown" and measured.refused in found["message"]


def test_figures_are_the_same_after_they_were_written_as_json() -> None:
    point = Point(1, 4, 6.0, 2.0, 12, 1, 5.5, 1.0, 2.0, 3.0, None, 0.5)
    measured = Measured("blue", "x", 2, "affinity", 1.5, (30, 2.0), (1, 9), "file", (point,), Memory(1, None, 3), 0.1,
                        None, "")  # fmt: skip
    written: dict[str, Any] = json.loads(json.dumps(measured.as_dict()))
    assert Measured.of_dict(written) == measured
