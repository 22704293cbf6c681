"""The local trial: figures and their verdicts, and `aml-deploy check --try-locally` through the front door."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, aml_deploy, json_lines, processes_of

from tui import rehearsal_client
from tui.local_trial import trial, verdict
from tui.local_trial.client import perform
from tui.local_trial.trial import as_tried, started_in
from tui.local_trial.verdict import Figures, answered, latency, memory, not_served, ready
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.model import Deployment, ProbeSettings, RequestSettings
from tui.plan.presets import find

GIB = 1024**3


def wanted(size: str = "Standard_DS1_v2", timeout: int = 5000, patience: int = 300) -> Deployment:
    probe = ProbeSettings(initial_delay=0, period=10, failure_threshold=patience // 10)
    settings = RequestSettings(request_timeout_ms=timeout)
    return Deployment(
        "blue", instance_type=size, request_settings=settings, liveness_probe=probe, readiness_probe=probe
    )


@pytest.mark.parametrize(
    ("gib", "size", "severity"),
    [
        (0.2, "Standard_DS1_v2", "ok"),  # of 3.5 GiB
        (2.6, "Standard_DS1_v2", "warning"),
        (3.6, "Standard_DS1_v2", "blocker"),
        (3.6, "Standard_DS3_v2", "ok"),  # of 14
        (0.2, "Standard_New_v9", "unknown"),
        (0.0, "Standard_DS1_v2", "unknown"),
    ],
)
def test_memory_against_the_size(gib: float, size: str, severity: str) -> None:
    found = memory(wanted(size), Figures("blue", peak=int(gib * GIB)))
    assert (found["id"], found["severity"], found["field"]) == ("trial-memory", severity, "deployment.instance_type")
    assert severity not in ("blocker", "warning") or found["remedy"]


@pytest.mark.parametrize(
    ("calls", "timeout", "severity"),
    [([20.0] * 12, 5000, "ok"), ([600.0] * 12, 1000, "warning"), ([20.0] * 10 + [1500.0] * 2, 1000, "blocker")],
)
def test_latency_against_the_time_out(calls: list[float], timeout: int, severity: str) -> None:
    (found,) = latency(wanted(timeout=timeout), Figures("blue", calls=calls))
    assert found["severity"] == severity
    assert found["figures"]["calls"] == 12 and f"request_timeout_ms is {timeout:,}" in found["message"]
    assert latency(wanted(), Figures("blue")) == []


def test_the_start_against_the_probes() -> None:
    assert ready(wanted(), Figures("blue", ready=20.0))["severity"] == "ok"
    slow = ready(wanted(patience=60), Figures("blue", ready=40.0))
    assert slow["severity"] == "warning" and "The probes allow 60 s" in slow["message"]


def test_percentiles_are_of_the_nearest_rank() -> None:
    figures = Figures("blue", calls=[float(number) for number in range(1, 21)])
    assert (figures.percentile(0.5), figures.percentile(0.95), figures.percentile(1.0)) == (10.0, 19.0, 20.0)


@pytest.mark.parametrize(
    ("card", "task", "id", "severity"),
    [
        ({"code": "ResourceNotReady", "title": "It crashed", "cause": "A reason."}, "deployment", "ready", "blocker"),
        ({"code": "ImageBuildFailure", "cause": "no such version: xgboost==99"}, "deployment", "ready", "blocker"),
        ({"code": "ImageBuildFailure", "evidence": ["dns error: pypi.org"]}, "deployment", "ready", "unknown"),
        ({"code": "", "id": "internal", "remedy": "The log is /tmp/x."}, "model", "ready", "unknown"),
        ({"code": "scoring-424", "cause": "KeyError"}, "test", "answer", "blocker"),
        (None, "deployment", "ready", "unknown"),
    ],
)
def test_a_failed_run_blocks_where_the_plan_is_the_reason(
    card: dict[str, Any] | None, task: str, id: str, severity: str
) -> None:
    found = not_served(card, "It ended.", task, "blue")
    assert (found["id"], found["severity"]) == (f"trial-{id}", severity)
    assert "/tmp/x" not in found["remedy"]


def test_a_card_keeps_what_is_true_on_azure_too() -> None:
    at = "/home/x/cache/rehearsals/ab12/containers/0f0f/1/var/azureml-app/onlinescoring/score.py"
    card = {
        "remedy": "Correct the script.\naz ml online-deployment get-logs -e local-trial",
        "commands": ["az ml online-deployment get-logs -e local-trial"],
        "evidence": [f'File "{at}", line 7', '  "type": "Correlation",'],
        "request_ids": ["1-2"],
    }
    left = verdict.of_here(card)
    assert left["remedy"] == "Correct the script." and left["commands"] == [] == left["request_ids"]
    assert left["evidence"] == ['File "/var/azureml-app/onlinescoring/score.py", line 7']


def test_calls_that_fail_after_a_good_one_are_told() -> None:
    test = {"status_code": 200, "response": "[1]"}
    assert answered(test, [Figures("blue", calls=[1.0])])["severity"] == "ok"
    found = answered(test, [Figures("blue", calls=[1.0], bad=3, first_bad="KeyError")])
    assert found["severity"] == "warning" and "3 of 4 calls of blue" in found["message"]
    assert answered(None, [])["severity"] == "unknown"


def test_the_readiness_is_read_from_the_containers_events() -> None:
    line = "Kind: Pod, Name: {}, Type: Normal, Time: 2026-11-23T02:00:{}Z, Message: x"
    log = "\n".join(
        line.format(name, at)
        for name, at in (("Started", "01.000000"), ("Started", "05.000000"), ("ContainerReady", "07.500000"))
    )
    assert started_in(log) == 2.5
    assert started_in("nothing") is None


def test_what_is_served_needs_neither_workspace_nor_identity_of_its_own(tmp_path: Path) -> None:
    preset = find(PRESET)
    assert preset is not None
    sets = ["credential.method=service_principal", "deployment.instance_count=7", "workspace.name=x"]
    document = as_tried(load(str(preset.path), [], sets))
    assert document.get("credential") == {"method": "default"}
    assert document.value("deployment.instance_count") == 1
    assert document.get("workspace.name") == "${env:AZURE_ML_WORKSPACE}"
    assert document.get("deployment.egress_public_network_access") == "disabled"  # it decides on the isolation
    assert document.get("deployment.code_configuration.scoring_script") == "score.py"


@pytest.fixture
def rehearsing(rehearsing: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    """With its own folder for temporary files: those of trials elsewhere on the machine are not counted."""
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield {**rehearsing, "TMPDIR": folder}


def tried(environ: dict[str, str], plan: object, *more: str) -> tuple[int, dict[str, dict[str, Any]]]:
    """The exit code and the findings of the local trial."""
    done = aml_deploy("check", plan, "--rehearse", "--try-locally", "--json", *more, environ=environ, timeout=400)
    found = [finding for finding in json_lines(done.stdout) if finding["id"].startswith("trial-")]
    assert found, done.stderr
    return done.returncode, {finding["id"]: finding for finding in found}


def left_over(environ: dict[str, str]) -> list[str]:
    """Folders of local trials that are still there."""
    rehearsals = Path(environ["AML_DEPLOY_CACHE"]) / "rehearsals"
    return [path.name for path in [*Path(tempfile.gettempdir()).glob("aml-deploy-trial-*"), *rehearsals.iterdir()]]


@pytest.mark.slow
def test_a_plan_is_served_measured_and_taken_away(rehearsing: dict[str, str], own_plan: Path) -> None:
    before = left_over(rehearsing)
    code, found = tried(rehearsing, own_plan)
    assert code == 0
    assert {id: finding["severity"] for id, finding in found.items()} == {
        "trial-ready": "ok",
        "trial-memory": "ok",
        "trial-latency": "ok",
        "trial-answer": "ok",
    }
    figures = found["trial-ready"]["figures"]
    assert figures["ready_seconds"] > 0 and figures["calls"] == 12 and figures["processes"] >= 1
    # A Python with numpy, pandas and xgboost takes more than that; and the machine has less than a hundred.
    assert 50 * 1024**2 < found["trial-memory"]["figures"]["peak_bytes"] < 100 * GIB
    assert "predictions" in found["trial-answer"]["message"]
    assert left_over(rehearsing) == before
    # The user's own runs have nothing to do with it.
    assert "local-trial" not in aml_deploy("runs", "--json", environ=rehearsing).stdout


@pytest.mark.slow
def test_what_would_fail_on_azure_fails_here_with_its_card(rehearsing: dict[str, str], own_plan: Path) -> None:
    before = left_over(rehearsing)
    (script,) = own_plan.parent.rglob("score.py")
    good = script.read_text(encoding="utf-8")
    script.write_text(good + "\n\ndef init():\n    raise FileNotFoundError('weights.bin')\n", encoding="utf-8")
    code, found = tried(rehearsing, own_plan)
    assert code == 3
    assert found["trial-ready"]["severity"] == "blocker" and "weights.bin" in found["trial-ready"]["message"]
    assert any("weights.bin" in line for line in found["trial-ready"]["card"]["evidence"])
    assert "az ml" not in found["trial-ready"]["remedy"]
    script.write_text(good + "\n\ndef run(raw_data):\n    return {'error': 'KeyError: x'}\n", encoding="utf-8")
    code, found = tried(rehearsing, own_plan)
    assert code == 3 and found["trial-ready"]["severity"] == "ok"
    assert found["trial-answer"]["severity"] == "blocker" and "KeyError: x" in found["trial-answer"]["message"]
    assert left_over(rehearsing) == before


def test_a_model_that_is_only_in_azure_is_said_and_does_not_block(rehearsing: dict[str, str]) -> None:
    preset = find(PRESET)
    assert preset is not None
    before, told = left_over(rehearsing), []
    document = load(str(preset.path), [], ["deployment.model.path=azureml:churn:3"])
    report = asyncio.run(perform(document, rehearsing, told.append))
    (found,) = report["findings"]
    assert (found["id"], found["severity"], found["field"]) == ("trial-ready", "unknown", "deployment.model.path")
    assert "azureml:churn:3 is registered in Azure" in found["message"] and found["remedy"]
    assert told[-1] == "Cleaning up."
    assert left_over(rehearsing) == before


def test_whoever_goes_leaves_nothing_behind(rehearsing: dict[str, str]) -> None:
    preset = find(PRESET)
    assert preset is not None
    document = load(str(preset.path), [], [])
    before, processes = left_over(rehearsing), set(processes_of(rehearsing))
    process = subprocess.Popen(
        [sys.executable, "-m", "tui.local_trial"],
        env=rehearsing,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None and process.stdout is not None
    process.stdin.write(json.dumps({"document": document.tree, "base": str(document.base)}) + "\n")
    process.stdin.flush()
    assert "local Azure" in process.stdout.readline()
    for line in process.stdout:  # until the run is under way
        if "local Azure" not in line:
            break
    process.stdin.close()
    told = process.stdout.read()
    assert process.wait(120) == 1 and '"report"' not in told
    assert left_over(rehearsing) == before
    assert set(processes_of(rehearsing)) - processes <= {os.getpid()}


def test_a_rehearsal_that_cannot_be_used_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prepare, preset = rehearsal_client.prepare, find(PRESET)
    assert preset is not None
    environ = {**os.environ, "AML_DEPLOY_HOME": str(tmp_path / "state"), "AML_DEPLOY_CACHE": str(tmp_path / "cache")}

    def half(document: Document, environ: Mapping[str, str]) -> dict[str, str]:
        prepare(document, environ)
        assert any("serve" in line for line in processes_of(environ).values())
        raise rehearsal_client.CannotRehearse("It did not answer.")

    monkeypatch.setattr(rehearsal_client, "prepare", half)
    with pytest.raises(rehearsal_client.CannotRehearse):
        trial.perform(load(str(preset.path), [], []), environ, lambda line: None, threading.Event())
    assert processes_of(environ) == {} and left_over(environ) == []


def test_what_a_local_trial_tells_has_no_secret_in_it() -> None:
    code = """if True:
        import tui.local_trial.__main__ as local_trial
        local_trial.trial.perform = lambda plan, environ, tell, ended: tell("a fireproof-9") or {"b": ["fireproof-9"]}
        local_trial.main()
    """
    asked = json.dumps({"document": {}, "base": "."}) + "\n"
    environ = {**os.environ, "THEIR_SECRET": "fireproof-9"}
    done = subprocess.run([sys.executable, "-c", code], input=asked, env=environ, capture_output=True, text=True)
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert told == [{"progress": "a (hidden)"}, {"report": {"b": ["(hidden)"]}}], done.stderr
