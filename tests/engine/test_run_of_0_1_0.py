"""A run that version 0.1.0 recorded, before the code moved to folders by feature, and whose engine was killed.

That version wrote `run_of_0_1_0.json` in the rehearsal, which has the address `127.0.0.1:9` there; paths and names of
the machine are other ones.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.plan.presets import find

RECORDED = Path(__file__).with_name("run_of_0_1_0.json")


def lay_down(home: Path, files: Path, address: str) -> tuple[str, list[dict[str, Any]]]:
    """The run's folder as that version left it, with the plan's files beside; returns the run's id and its events."""
    preset = find("churn-xgboost")
    assert preset is not None
    shutil.copytree(preset.path.parent / "churn-xgboost", files / "churn-xgboost")
    recorded = json.loads(RECORDED.read_text(encoding="utf-8").replace("127.0.0.1:9", address))
    run = str(recorded["run.json"]["run"])
    folder = home / "runs" / run
    (folder / "journal").mkdir(parents=True)
    (folder / "run.json").write_text(json.dumps(recorded["run.json"]))
    (folder / "plan.yml").write_text(recorded["plan.yml"].replace("PLACE", str(files)))
    for event in recorded["journal"]:
        (folder / "journal" / f"{event['seq']:08d}.jsonl").write_text(json.dumps(event) + "\n")
    return run, recorded["journal"]


def aml_deploy(*arguments: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=240, check=False,
    )  # fmt: skip


@pytest.mark.slow
def test_it_is_listed_attached_to_and_resumed(
    tmp_path: Path, rehearsal_home: dict[str, str], rehearsal: dict[str, Any]
) -> None:
    address = str(rehearsal["url"]).partition("://")[2]
    run, written = lay_down(Path(rehearsal_home["AML_DEPLOY_HOME"]), tmp_path, address)
    listed = [json.loads(line) for line in aml_deploy("runs", "--json", env=rehearsal_home).stdout.splitlines()]
    assert [(one["status"], one["endpoint"]) for one in listed if one["run"] == run] == [
        ("interrupted", "churn-endpoint-01")
    ]

    attached = aml_deploy("attach", run, "--json", env=rehearsal_home)
    events = [json.loads(line) for line in attached.stdout.splitlines()]
    assert attached.returncode == 0, attached.stderr
    assert events[: len(written)] == written, "what had been written is told as it was"
    assert events[len(written)]["event"] == "run_resumed"
    assert events[-1]["event"] == "run_finished" and events[-1]["status"] == "succeeded"
    assert events[-1]["test"]["status_code"] == 200

    again = aml_deploy("attach", run, "--json", env=rehearsal_home)
    assert [json.loads(line) for line in again.stdout.splitlines()] == events, "a run that has ended is only replayed"
