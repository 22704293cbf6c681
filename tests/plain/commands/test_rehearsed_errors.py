"""Each wrong plan ends in one clear error with its exit code, and nothing that runs on."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from commands import aml_deploy, events_of, json_lines, processes_of

pytestmark = pytest.mark.slow

RUN_SECONDS = 300
PRACTICE = """\
credential:
  method: service_principal
  tenant_id: "${env:REHEARSAL_TENANT_ID}"
  client_id: "${env:REHEARSAL_CLIENT_ID}"
  client_secret: "${env:MY_SECRET}"
"""


def still_running(environ: dict[str, str]) -> dict[int, str]:
    """What runs beside the rehearsal itself."""
    return {pid: line for pid, line in processes_of(environ).items() if "tui.rehearsal" not in line}


def test_a_wrong_client_secret_blocks(own_plan: Path, rehearsing: dict[str, str]) -> None:
    overlay = own_plan.with_name("practice.yml")
    overlay.write_text(PRACTICE, encoding="utf-8")
    environ = {**rehearsing, "MY_SECRET": "wrong~secret~value"}
    done = aml_deploy("apply", own_plan, overlay, "--rehearse", "--yes", environ=environ)
    assert done.returncode == 3, done.stderr
    assert "AADSTS7000215" in done.stderr
    assert "secret" in done.stderr
    assert "wrong~secret~value" not in done.stderr
    assert "Traceback" not in done.stderr
    assert not still_running(rehearsing)
    for path in Path(rehearsing["AML_DEPLOY_HOME"]).rglob("*"):
        assert not path.is_file() or b"wrong~secret~value" not in path.read_bytes()


def test_the_right_client_secret_signs_in(
    own_plan: Path, rehearsing: dict[str, str], rehearsal_env: dict[str, str]
) -> None:
    overlay = own_plan.with_name("practice.yml")
    overlay.write_text(PRACTICE, encoding="utf-8")
    environ = {**rehearsing, "MY_SECRET": rehearsal_env["REHEARSAL_CLIENT_SECRET"]}
    done = aml_deploy("check", own_plan, overlay, "--rehearse", "--json", environ=environ)
    assert done.returncode == 0, done.stderr + done.stdout
    signed_in = [item["message"] for item in json_lines(done.stdout) if item["field"] == "credential.method"]
    assert any("service principal" in message for message in signed_in)


def test_a_scoring_script_without_run_blocks(own_plan: Path, rehearsing: dict[str, str]) -> None:
    script = own_plan.parent / "churn-xgboost" / "onlinescoring" / "score.py"
    script.write_text(script.read_text(encoding="utf-8").replace("def run(", "def predict("), encoding="utf-8")
    done = aml_deploy("apply", own_plan, "--rehearse", "--yes", "--json", environ=rehearsing)
    assert done.returncode == 3, done.stderr
    events = json_lines(done.stdout)
    blockers = [event for event in events if event["event"] == "finding" and event["severity"] == "blocker"]
    assert len(blockers) == 1
    assert "run()" in blockers[0]["message"]
    assert events[-1]["event"] == "run_finished"
    assert events[-1]["status"] == "blocked"
    assert not still_running(rehearsing)
    check = aml_deploy("check", own_plan, "--rehearse", environ=rehearsing)
    assert check.returncode == 3
    assert check.stdout.startswith("blocks ")
    assert "run()" in check.stdout.splitlines()[0]


def test_a_pin_that_does_not_exist_fails_the_image_build(own_plan: Path, rehearsing: dict[str, str]) -> None:
    conda = own_plan.parent / "churn-xgboost" / "conda.yml"
    pinned = re.sub(r"xgboost-cpu==[\w.]+", "xgboost-cpu==0.0.99", conda.read_text(encoding="utf-8"))
    assert "0.0.99" in pinned
    conda.write_text(pinned, encoding="utf-8")
    plan = (own_plan, "--rehearse", "--yes", "--set", "endpoint.name=churn-pin-01")
    done = aml_deploy("apply", *plan, environ=rehearsing, timeout=RUN_SECONDS)
    assert done.returncode == 1, done.stderr
    result = done.stderr.partition("\nFailed after")[2]
    assert "ImageBuildFailure" in result
    assert "xgboost-cpu==0.0.99" in result
    assert "churn-pin-01" in result.partition("left behind")[2]
    run = json_lines(aml_deploy("runs", "--json", environ=rehearsing).stdout)[0]["run"]
    # The live screen, `apply`, the operator's screen and `explain` all tell the same card.
    (event,) = [event for event in events_of(run, rehearsing) if event["event"] == "needs_attention"]
    looked = aml_deploy("troubleshoot", "churn-pin-01", "--json", environ=rehearsing, timeout=RUN_SECONDS)
    (report,) = json_lines(looked.stdout)
    (failed,) = [finding for finding in report["findings"] if finding["id"] == "deployment-failed"]
    explained = aml_deploy("explain", "--json", environ=rehearsing, typed="\n".join(event["card"]["evidence"]))
    cards = {event["card"]["id"], failed["card"], json_lines(explained.stdout)[0]["id"]}
    assert cards == {"pin-missing"}
    assert event["card"]["certainty"] == "sure"
    assert event["card"]["title"].partition(" (")[0] in failed["cause"] and event["card"]["title"] in result
    assert "Traceback" not in done.stderr
    assert not still_running(rehearsing)
    removed = aml_deploy("remove", *plan, "--json", environ=rehearsing, timeout=RUN_SECONDS)
    assert removed.returncode == 0, removed.stderr
    (answer,) = json_lines(removed.stdout)
    assert any("churn-pin-01" in item for item in answer["removed"])


def test_check_blames_the_network_flag_only_where_it_does_not_fit(rehearsing: dict[str, str]) -> None:
    def isolation(environ: dict[str, str]) -> tuple[int, str]:
        done = aml_deploy("check", "churn-xgboost", "--rehearse", "--json", environ=environ)
        (flag,) = [item for item in json_lines(done.stdout) if item["field"].endswith("egress_public_network_access")]
        return done.returncode, flag["severity"]

    assert isolation(rehearsing) == (0, "ok")
    assert isolation({**rehearsing, "AZURE_ML_WORKSPACE": "closed-managed-network"}) == (0, "warning")


def test_a_workspace_that_the_plan_names_is_rehearsed(own_plan: Path, rehearsing: dict[str, str]) -> None:
    sets = [
        "--set=workspace.subscription_id=11111111-2222-4333-8444-555555555555",
        "--set=workspace.resource_group=rg-ml",
        "--set=workspace.name=ws-churn",
    ]
    done = aml_deploy("check", own_plan, *sets, "--rehearse", "--json", environ=rehearsing)
    assert done.returncode == 0, done.stderr + done.stdout
    (workspace,) = [item for item in json_lines(done.stdout) if item["id"] == "workspace"]
    assert "ws-churn" in workspace["message"]


def test_a_failed_test_call_shows_exception_and_line(own_plan: Path, rehearsing: dict[str, str]) -> None:
    script = own_plan.parent / "churn-xgboost" / "onlinescoring" / "score.py"
    text = script.read_text(encoding="utf-8")
    line = text[: text.index("def run(")].count("\n") + 2
    script.write_text(re.sub(r"(def run\(.*\n)", r"\1    raise KeyError('Saldo')\n", text), encoding="utf-8")
    plan = (own_plan, "--rehearse", "--yes", "--json", "--set", "endpoint.name=churn-raises-01")
    done = aml_deploy("apply", *plan, environ=rehearsing, timeout=RUN_SECONDS)
    assert done.returncode == 1, done.stderr
    events = json_lines(done.stdout)
    (card,) = [event["card"] for event in events if event["event"] == "needs_attention"]
    assert "KeyError: 'Saldo'" in card["cause"] and f"score.py, line {line}, in run()" in card["cause"]
    after_call = [event["line"] for event in events if event["event"] == "task_log" and event["task"] == "test"]
    assert any("KeyError: 'Saldo'" in one for one in after_call)
