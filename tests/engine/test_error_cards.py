"""An exception as the card that is shown: the catalogue's words, and the service's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tui.cloud.errors import CloudError, OperationFailed
from tui.engine.error_cards import card
from tui.engine.failure_context import last_lines
from tui.engine.journal.journal import JournalWriter

UV = (
    "Image build failed: the packages of the conda file can't be installed.\n"
    "error: No solution found when resolving dependencies\n"
    "  cause: Because there is no version of xgboost-cpu==0.0.99 and you require xgboost-cpu==0.0.99, we can conclude "
    "that your requirements are unsatisfiable.\n"
    "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-imagebuildfailure"
)
GUIDE = "Please see troubleshooting guide, available here: https://aka.ms/oe-tsg#error-"


@pytest.fixture(autouse=True)
def no_own_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))


def test_a_pin_that_cannot_be_resolved_is_named() -> None:
    error = OperationFailed("ImageBuildFailure", UV, what="The deployment blue", request_ids=["id-1"])
    shown = card(error, "engine.log", "deployment", UV.splitlines(), {"endpoint": "churn"})
    assert shown["id"] == "pin-missing"
    assert shown["code"] == "ImageBuildFailure"
    assert "ImageBuildFailure" in shown["title"]
    assert "xgboost-cpu==0.0.99" in shown["cause"]
    assert "The service says: Image build failed" in shown["cause"]
    assert shown["field"] == "deployment.environment.conda_file"
    assert shown["docs"].startswith("https://learn.microsoft.com/")
    assert "xgboost-cpu==0.0.99" in shown["evidence"][0]
    assert shown["request_ids"] == ["id-1"]


def test_the_log_says_more_than_the_code() -> None:
    error = OperationFailed(
        "ResourceNotReady", f"User container has crashed or terminated: Liveness probe failed. {GUIDE}resourcenotready"
    )
    plain = card(error, "engine.log", "deployment", [], {"endpoint": "churn"})
    assert plain["id"] == "resource-not-ready"
    lines = ["azmlinfsrv - Traceback (most recent call last):", "ModuleNotFoundError: No module named 'lightgbm'"]
    shown = card(error, "engine.log", "deployment", lines, {"endpoint": "churn"})
    assert shown["id"] == "package-missing"
    assert "lightgbm" in shown["cause"]
    assert lines[1] in shown["evidence"]
    assert GUIDE not in shown["cause"]


def test_a_wrong_secret_keeps_its_code_and_no_secret() -> None:
    error = CloudError(
        "The client secret is wrong", "AADSTS7000215: Invalid client secret provided.", code="AADSTS7000215", status=401
    )
    shown = card(error, "engine.log", "sign-in", [], {"credential_method": "service_principal", "client_id": "c-1"})
    assert shown["id"] == "secret-wrong"
    assert "AADSTS7000215" in shown["title"]
    assert shown["field"] == "credential.client_secret"
    assert "az ad app credential reset --id c-1 --append" in shown["remedy"]


def test_a_failure_that_nobody_knows_keeps_the_services_words() -> None:
    error = CloudError("The moon is full", "It shines.", "Wait.", raw="MoonFull: it shines", code="MoonFull")
    shown = card(error, "engine.log", "model", [], {"endpoint": "churn"})
    assert (shown["id"], shown["title"], shown["cause"], shown["remedy"]) == (
        "MoonFull", "The moon is full", "It shines.", "Wait.",
    )  # fmt: skip
    assert shown["field"] == "deployment.model.path"
    assert shown["evidence"] == ["MoonFull: it shines"]


def test_a_broken_file_of_own_entries_does_not_hide_the_error(tmp_path: Path) -> None:
    (tmp_path / "remedies.yml").write_bytes(b"\xff\xfe\x00")
    assert card(OperationFailed("OutOfQuota", "OutOfQuota"), "engine.log", "deployment")["id"] == "out-of-quota"


def test_a_fault_of_aml_deploy_itself_is_never_explained_as_azures() -> None:
    shown = card(KeyError("ResourceNotReady"), "engine.log", "deployment", ["AADSTS7000222"])
    assert shown["id"] == "internal"
    assert "engine.log" in shown["remedy"]


def test_the_logs_of_the_failed_task_since_the_run_was_resumed(tmp_path: Path) -> None:
    journal = JournalWriter(tmp_path, "r-1")
    journal.emit("task_log", task="deployment", line="of the first engine", source="container")
    journal.emit("run_resumed")
    journal.emit("task_log", task="model", line="of another task", source="container")
    journal.emit("task_log", task="deployment", line="built", source="build")
    journal.emit("task_log", task="deployment", line="crashed", source="container")
    journal.emit("task_log", task="deployment", line="said by us", source="engine")
    journal.close()
    assert last_lines(tmp_path, "deployment") == ["built", "crashed"]
