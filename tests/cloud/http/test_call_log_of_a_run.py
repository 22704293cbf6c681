"""A whole run's log of calls, compared with what the rehearsal answered, and searched for secrets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.engine.test_run import plan_for
from tests.engine.test_secrets import leaks
from tests.printed_commands.judge import wrong
from tests.printed_commands.shell import commands, syntax

ROOT = Path(__file__).resolve().parents[3]
SECRET = "planted~secret/of+the&deployment~0001"
_ANSWERED = re.compile(r"tui\.rehearsal\.server: ([A-Z]+) (/\S*) (\d+) \d+ ms ")
METADATA = ("GET", "/metadata/endpoints", 200)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, built_environments: Path) -> Iterator[tuple[dict[str, str], Path]]:
    """A machine of its own on which a plan was applied, its endpoint called, and everything removed."""
    folder = tmp_path_factory.mktemp("machine")
    (folder / "cache").mkdir()
    (folder / "cache" / "environments").symlink_to(built_environments)
    environ = {
        **os.environ, "AML_DEPLOY_HOME": str(folder / "home"), "AML_DEPLOY_CACHE": str(folder / "cache"),
        "PLANTED": SECRET,
    }  # fmt: skip
    document = plan_for("churn-calls-01", folder)
    document.set("deployment.environment_variables", {"API_TOKEN": "${env:PLANTED}", "PIN_PASSWORD": "1234567"}, "test")
    document.save(folder / "plan.yml")
    plan = str(folder / "plan.yml")
    asked = ["--request", str(folder / "churn-xgboost" / "sample-request.json")]
    for words in (
        ("apply", plan, "--yes", "--rehearse"),
        ("invoke", "churn-calls-01", *asked),
        ("keys", "churn-calls-01", "--regenerate", "primary", "--yes"),
        ("remove", plan, "--yes", "--rehearse"),
    ):
        done = aml_deploy(environ, *words)
        assert done.returncode == 0, done.stdout + done.stderr
    yield environ, folder
    subprocess.run([sys.executable, "-m", "tui.rehearsal", "stop"], env=environ, cwd=ROOT, check=True, timeout=60)


def aml_deploy(environ: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tui", *words], env=environ, cwd=ROOT, capture_output=True, text=True, timeout=600,
        check=False, stdin=subprocess.DEVNULL,
    )  # fmt: skip


def calls_of(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "cache" / "calls.log").read_text(encoding="utf-8").splitlines()]


def test_each_request_that_was_answered_is_logged_once_and_no_other(run: tuple[dict[str, str], Path]) -> None:
    _, folder = run
    logs = "".join(path.read_text(encoding="utf-8") for path in folder.rglob("rehearsal.log*"))
    answered = Counter((method, path, int(status)) for method, path, status in _ANSWERED.findall(logs))
    logged = Counter((call["method"], urlsplit(call["url"]).path, call.get("status")) for call in calls_of(folder))
    assert sum(logged.values()) > 100
    assert not logged - answered
    # While it is imported, azure-ai-ml reads the metadata of a cloud that is not built in by a client of its own.
    assert set(answered - logged) <= {METADATA}
    assert logged[METADATA] >= 4, "ours are there: of the run, and of the helper of each other command"


def test_a_call_tells_when_by_whom_how_long_and_with_what_answer(run: tuple[dict[str, str], Path]) -> None:
    _, folder = run
    calls = calls_of(folder)
    (the_run,) = (folder / "home" / "runs").iterdir()
    assert {call["source"] for call in calls} == {the_run.name, "helper"}
    assert all(re.fullmatch(r"2\d{3}-\d\d-\d\dT[\d:]{8}\.\d{3}Z", call["time"]) for call in calls)
    assert all(call["ms"] >= 0 and call["command"] and "unknown" not in call for call in calls)
    arm = [call for call in calls if "/subscriptions/" in call["url"]]
    assert all(re.fullmatch(r"[0-9a-f-]{36}", call["request_id"]) for call in arm)
    scored = [call for call in calls if call["url"].endswith("/score")]
    assert [(call["method"], call["status"], call["sent"] > 0) for call in scored] == [("POST", 200, True)] * 2


def test_every_call_is_a_command_that_az_or_a_shell_takes(run: tuple[dict[str, str], Path]) -> None:
    _, folder = run
    lines = list(dict.fromkeys(call["command"] for call in calls_of(folder)))
    faults = [f"{fault}: {line}" for line in lines for words in commands(line) for fault in wrong(words)]
    assert faults == []
    assert syntax("\n".join(lines)) == ""
    kinds = {found[0] for line in lines if (found := re.match(r"az ml [a-z-]+ [a-z-]+|az rest|az [a-z]+|curl", line))}
    assert {"az ml workspace show", "az ml online-endpoint show", "az ml online-endpoint get-credentials",
            "az ml online-endpoint delete", "az ml online-deployment list", "az account", "curl"} <= kinds  # fmt: skip
    created = next(line for line in lines if "--method put" in line and "/deployments/blue?" in line)
    body = json.loads(next(iter(commands(created)))[-1])
    assert body["properties"]["codeConfiguration"]["scoringScript"] == "score.py"
    assert body["properties"]["environmentVariables"] == {"API_TOKEN": "(hidden)", "PIN_PASSWORD": "(hidden)"}


def test_no_secret_is_in_the_log(run: tuple[dict[str, str], Path]) -> None:
    environ, folder = run
    logged = (folder / "cache" / "calls.log").read_bytes()
    told = subprocess.run(
        [sys.executable, "-m", "tui.rehearsal", "env", "--json"], env=environ, cwd=ROOT, check=True,
        capture_output=True, timeout=60,
    )  # fmt: skip
    given = json.loads(told.stdout)["set"]
    assert leaks([SECRET, given["IDENTITY_HEADER"], given["REHEARSAL_CLIENT_SECRET"]], {"calls.log": logged}) == []
    assert b"1234567" not in logged
    assert not re.search(rb"sig=|[?&](?:se|st|sv|spr)=|eyJ[\w-]{8}|Bearer (?!\$TOKEN)", logged)
    assert b"$SAS" in logged
    assert (folder / "cache" / "calls.log").stat().st_mode & 0o777 == 0o600
