"""The facts that the catalogue of remedies gets, the lines of a failed task's logs, and the card's fields."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.decisions.plain_run import PLAN, a_run
from tui.cloud.errors import CloudError
from tui.engine import error_cards
from tui.engine.error_cards import card
from tui.engine.failure_context import failure_context, last_lines
from tui.engine.journal.journal import JournalWriter
from tui.plan.model import CodeConfiguration, Credential, Deployment, Environment, Model
from tui.remedies.matcher import Card


@pytest.fixture(autouse=True)
def no_own_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))


def facts(folder: Path, deployment: Deployment, results: Any = None, **more: Any) -> dict[str, Any]:
    return failure_context(a_run(folder, replace(PLAN, deployment=deployment, **more), results=results or {}))


def test_what_is_not_known_is_left_out(tmp_path: Path) -> None:
    known = facts(tmp_path, Deployment(name="green"))
    assert (known["endpoint"], known["deployment"], known["has_code"]) == ("churn", "green", False)
    assert not {"egress", "client_id", "tenant_id", "isolation", "location", "conda_names_server"} & set(known)


def test_what_the_first_tasks_found_is_known(tmp_path: Path) -> None:
    results = {"sign-in": {"client_id": "found"}, "workspace": {"isolation": "legacy", "location": "eastus"}}
    coded = Deployment(name="green", code_configuration=CodeConfiguration(tmp_path))
    known = facts(tmp_path, coded, results)
    assert (known["client_id"], known["isolation"], known["location"], known["has_code"]) == (
        "found", "legacy", "eastus", True,
    )  # fmt: skip
    named = facts(tmp_path, coded, results, credential=Credential("managed_identity", client_id="named"))
    assert named["client_id"] == "named"


def test_the_next_size_holds_the_models_files(tmp_path: Path) -> None:
    with (tmp_path / "weights.bin").open("wb") as file:
        file.truncate(8 * 2**30)  # takes no room on the disk
    deployment = Deployment(name="green", instance_type="Standard_DS1_v2", model=Model(path=tmp_path / "weights.bin"))
    run = a_run(tmp_path, replace(PLAN, deployment=deployment))
    assert failure_context(run, "deployment")["larger"].startswith("Standard_DS3_v2 ")
    assert failure_context(run, "endpoint")["larger"].startswith("Standard_DS2_v2 ")


def test_the_facts_are_those_of_the_failed_tasks_deployment(tmp_path: Path) -> None:
    plan = replace(PLAN, deployments=(Deployment(name="blue"), Deployment(name="green")))
    run = a_run(tmp_path, plan)
    named = [failure_context(run, task)["deployment"] for task in ("deployment:blue", "deployment:green", "traffic")]
    assert named == ["blue", "green", "green"]


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("[{pip: [azureml-inference-server-http]}]", True),
        ("[azureml-defaults==1.2]", True),
        ("[numpy, azureml-defaults-extra]", False),
        ("\n- numpy  # not azureml-defaults", False),
        ("\n- numpy\n- azureml-defaults # needed", True),
        ("[", None),
        (None, None),
    ],
)
def test_whether_the_conda_file_names_the_server(text: str | None, known: bool | None, tmp_path: Path) -> None:
    path = tmp_path / "conda.yml"
    if text is not None:
        path.write_text(f"dependencies: {text}\n")
    found = facts(tmp_path, Deployment(name="green", environment=Environment(conda_file=path)))
    assert found.get("conda_names_server") is known


@pytest.mark.parametrize(("count", "kept"), [(399, 399), (400, 400), (401, 400)])
def test_the_last_lines_of_each_log_in_the_order_of_a_failure(count: int, kept: int, tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r-1")
    for number in range(count):
        writer.emit("task_log", task="deployment", line=f"c{number}", source="container")
    writer.emit("task_log", task="deployment", line="built", source="build")
    writer.emit("task_log", task="deployment", line="ours", source="engine")
    writer.emit("task_log", task="z", line="of another", source="container")
    writer.emit("task_log", task="a", line="of another", source="container")
    writer.close()
    assert last_lines(tmp_path, "deployment") == ["built", *(f"c{n}" for n in range(count - kept, count))]
    assert last_lines(tmp_path, "nobody") == []


def test_only_the_lines_since_the_last_resuming_count(tmp_path: Path) -> None:
    writer = JournalWriter(tmp_path, "r-1")
    for line in ("one", "two", "three"):
        writer.emit("task_log", task="deployment", line=line, source="container")
        writer.emit("run_resumed")
    writer.emit("task_log", task="deployment", line="four", source="container")
    writer.emit("run_finished", status="failed")
    writer.close()
    assert last_lines(tmp_path, "deployment") == ["four"]


# Cards


@pytest.mark.parametrize(
    ("code", "task", "field"),
    [
        ("OutOfQuota", "model", "deployment.instance_type"),
        ("Unheard", "model:green", "deployment.model.path"),
        (None, "traffic", "traffic"),
        (None, "", ""),
        (None, "of a later version", ""),
    ],
)
def test_the_field_to_edit(code: str | None, task: str, field: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.remedies.matcher.match", lambda *given, **more: [])
    shown = card(CloudError("Title", code=code), "engine.log", task)
    assert (shown["field"], shown["code"], shown["id"]) == (field, code or "", code or "error")
    assert "engine.log" in shown["remedy"]


@pytest.mark.parametrize(("lines", "kept"), [(39, 39), (40, 40), (41, 40)])
def test_forty_lines_of_evidence(lines: int, kept: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tui.remedies.matcher.match", lambda *given, **more: [])
    raw = "\n".join(f"l{number}\n  " for number in range(lines))
    evidence = card(CloudError("Title", raw=raw), "engine.log")["evidence"]
    assert (len(evidence), evidence[-1]) == (kept, f"l{lines - 1}")


def merged(error: CloudError, monkeypatch: pytest.MonkeyPatch, **known: Any) -> dict[str, Any]:
    """The card of an error that the catalogue knows."""
    entry = {"id": "known", "title": "Known", "cause": "Because.", "remedy": "Do it.", **known}
    monkeypatch.setattr("tui.remedies.matcher.match", lambda *given, **more: [Card(**entry)])
    return card(error, "engine.log", "deployment")


@pytest.mark.parametrize(
    ("code", "title", "shown"),
    [
        ("Conflict", "Known", "Known (Conflict)"),
        ("Conflict", "Known Conflict", "Known Conflict"),
        ("TimeLimit", "Known", "Known"),  # aml-deploy's own code
        ("Unreachable", "Known", "Known"),
        ("scoring-424", "Known", "Known"),
        (None, "Known", "Known"),
    ],
)
def test_the_services_code_is_added_to_a_known_title(
    code: str | None, title: str, shown: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert merged(CloudError("T", code=code), monkeypatch, title=title)["title"] == shown


@pytest.mark.parametrize(
    ("said", "added"),
    [
        ("No room.\nsecond line", "No room."),
        ("Because.", ""),  # the catalogue says it already
        ("Because", ""),
        ("", ""),
        ("No room. Please see troubleshooting guide, available here: https://aka.ms/x", "No room."),
        ("See troubleshooting guide, available here: https://aka.ms/x", ""),
    ],
)
def test_what_the_service_says_is_added_to_a_known_cause(
    said: str, added: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cause = merged(CloudError("T", said), monkeypatch)["cause"]
    assert cause == ("Because." if not added else f"Because.\nThe service says: {added}")


def test_a_known_failure_has_at_most_two_commands(monkeypatch: pytest.MonkeyPatch) -> None:
    shown = merged(CloudError("T", remedy="Own."), monkeypatch, commands=("one", "two", "three"))
    assert (shown["commands"], shown["remedy"]) == (["one", "two"], "Do it.\none\ntwo")


def test_a_refusal_names_the_role_to_ask_for(monkeypatch: pytest.MonkeyPatch) -> None:
    remedy = "Ask for the role:\n  az role assignment create --role X"
    shown = merged(CloudError("T", remedy=remedy), monkeypatch, commands=("one",))
    assert (shown["commands"], shown["remedy"]) == (["az role assignment create --role X"], remedy)


def test_evidence_of_both_without_brackets_and_repetitions(monkeypatch: pytest.MonkeyPatch) -> None:
    error = CloudError("T", raw='{\n"error": {\n"code": "X"\n}\nsaid', request_ids=["i1"])
    shown = merged(error, monkeypatch, evidence=("said", "log"), request_ids=("i1", "i2"), field="traffic")
    assert shown["evidence"] == ["said", "log", '"code": "X"']
    assert (shown["request_ids"], shown["field"]) == (["i1", "i2"], "traffic")
    assert merged(error, monkeypatch)["field"] == "deployment.instance_type"
    many = merged(error, monkeypatch, evidence=tuple(f"l{number}" for number in range(50)))
    assert len(many["evidence"]) == error_cards.MOST_EVIDENCE == 40
