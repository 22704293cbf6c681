"""An SDK newer than the tested version: it is reported, and used."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tui.checks import sdk_version
from tui.cloud.http.sdk_import import TRIED


def run(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tui", *words]
    return subprocess.run(command, env=env, cwd=ROOT, capture_output=True, text=True, timeout=200, check=False)


@pytest.mark.slow
def test_a_newer_sdk_is_told_and_used(tmp_path: Path, rehearsal_env: dict[str, str]) -> None:
    told = tmp_path / "azure_ai_ml-99.1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: azure-ai-ml\nVersion: 99.1\n")
    plan, name = "own-score", ("--set", "endpoint.name=newer-sdk")
    plain = run("check", plan, *name, "--json", env=rehearsal_env)
    assert "sdk-version" not in plain.stdout
    newer = {**rehearsal_env, "PYTHONPATH": str(tmp_path)}
    checked = run("check", plan, *name, "--json", env=newer)
    findings = [json.loads(line) for line in checked.stdout.splitlines()]
    (finding,) = [one for one in findings if one.get("id") == "sdk-version"]
    assert finding["severity"] == "warning"
    assert finding["message"].startswith(f"azure-ai-ml 99.1 is newer than {TRIED}")
    assert checked.returncode == plain.returncode
    applied = run("apply", plan, *name, "--yes", env=newer)
    assert applied.returncode == 0, applied.stderr


def test_only_a_newer_sdk_is_a_warning_and_it_is_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sdk_version, "newer_than_tried", lambda: "")
    assert sdk_version.check() == []
    monkeypatch.setattr(sdk_version, "newer_than_tried", lambda: "99.1")
    (finding,) = sdk_version.check()
    assert (finding.severity, finding.advice) == ("warning", True)
