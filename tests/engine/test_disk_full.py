"""A disk that is full: the run ends in a state that is known, and leaves no half of a file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from azure_state import Azure
from test_run import ROOT, plan_for

from tui.engine.journal.journal import Journal, JournalWriter
from tui.rehearsal_client import prepare


def test_a_file_that_does_not_fit_leaves_no_half(tmp_path: Path) -> None:
    """The limit of a file's size stands for the disk: writing fails in the middle."""
    script = (
        "import resource, sys\nfrom pathlib import Path\nfrom tui.common.write_atomic import write_atomic\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "write_atomic(Path(sys.argv[1]) / 'whole', 'x' * 900)\n"
        "try:\n    write_atomic(Path(sys.argv[1]) / 'half', 'x' * 5000)\n"
        "except OSError as error:\n    print(error.errno)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.strip().isdigit()
    assert [path.name for path in tmp_path.iterdir()] == ["whole"]


def test_space_is_put_by_for_the_end(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r1")
    assert (tmp_path / "reserve").stat().st_size > 10_000
    writer.emit("run_started", endpoint="churn")
    writer.close()
    assert not (tmp_path / "reserve").exists()
    assert writer.lost == 0


def test_an_engine_without_space_says_so_and_changes_nothing_more(
    tmp_path: Path, rehearsal_env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a small file system that fills up while the engine works, or a folder that takes no more files."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=600k,mode=700", "none", str(folder)], capture_output=True, check=False
        ).returncode
        == 0
    )
    if not mounted:
        pytest.skip("no file system can be mounted here")
    try:
        (tmp_path / "plan").mkdir()
        document = plan_for("churn-disk-01", tmp_path / "plan")
        environ = prepare(document, rehearsal_env)
        started = subprocess.run(
            [sys.executable, "-c", START, str(folder), str(tmp_path / "plan" / "plan.yml")],
            env={**environ, "AML_DEPLOY_HOME": str(folder)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
        said = json.loads(started.stdout.splitlines()[-1])
        run = folder / "runs" / said["run"]
        events = Journal(run).read()
        assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
        last = events[-1]
        assert (last["event"], last.get("status")) == ("run_finished", "failed"), (run / "engine.log").read_text()[
            -3000:
        ]
        assert "journal cannot be written" in last["message"]
        assert not list((run / "journal").glob(".*")), "no half of a file is left"
        assert said["status"] == "interrupted" and f"attach {run.name}" in json.dumps(events), "it can be resumed"
        intents = [event for event in events if event["event"] == "task_intent"]
        operations = [event for event in events if event["event"] == "task_operation"]
        assert len(operations) <= len(intents)
        (folder / "filler").unlink()
        attached = subprocess.run(
            [sys.executable, "-m", "tui", "attach", run.name, "--json"],
            env={**environ, "AML_DEPLOY_HOME": str(folder)},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        last = json.loads(attached.stdout.splitlines()[-1])
        assert (attached.returncode, last["status"]) == (0, "succeeded"), attached.stderr
    finally:
        subprocess.run(["umount", str(folder)], check=False)
        Azure(environ).remove("churn-disk-01")


# Starts a run and fills the file system as soon as the engine has begun to ask Azure.
START = """
import json, os, sys, time
from pathlib import Path
from tui.engine import start_stop
from tui.plan.load_save.load import load
from tui.rehearsal_client import with_own_identity

folder = Path(sys.argv[1])
document = load(sys.argv[2], sets=["endpoint.name=churn-disk-01"])
run = start_stop.start(with_own_identity(document, os.environ), environ=dict(os.environ), rehearse=True)
end = time.monotonic() + 60
while not any(event["event"] == "task_finished" for event in run.journal.read()) and time.monotonic() < end:
    time.sleep(0.01)
filler = os.open(folder / "filler", os.O_WRONLY | os.O_CREAT)
try:
    while time.monotonic() < end:
        os.write(filler, bytes(4096))
except OSError:
    pass
while run.alive and time.monotonic() < end:
    time.sleep(0.05)
print(json.dumps({"run": run.id, "status": run.status}))
"""
