"""`aml-deploy requests` and `aml-deploy check --fix`, through the front door."""

from __future__ import annotations

import re
from argparse import Namespace
from pathlib import Path

import pytest
from commands import PRESET, Terminal, aml_deploy, json_lines

from tui.plain.fix_plan import correct, planned


def test_nothing_is_asked_for_where_all_is_in_order(rehearsing: dict[str, str], tmp_path: Path) -> None:
    stale = tmp_path / "tickets" / "network.md"
    stale.parent.mkdir()
    stale.write_text("# Requests to the Network administrator\n\nof last week\n", encoding="utf-8")
    mine = stale.with_name("ml.md")
    mine.write_text("my own notes", encoding="utf-8")
    done = aml_deploy("requests", PRESET, "--rehearse", "-o", stale.parent, environ=rehearsing)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    assert "There is nothing to request" in done.stderr
    # A page that is not needed any more goes; what is not a page of ours stays.
    assert [path.name for path in stale.parent.iterdir()] == ["ml.md"]


def test_what_a_reader_lacks_becomes_a_page_for_the_identity_administrator(
    rehearsing: dict[str, str], tmp_path: Path
) -> None:
    assert aml_deploy("rehearsal", "--role", "reader", environ=rehearsing).returncode == 0
    try:
        done = aml_deploy("requests", PRESET, "--rehearse", "--json", "-o", tmp_path / "pages", environ=rehearsing)
    finally:
        assert aml_deploy("rehearsal", "--reset-rights", environ=rehearsing).returncode == 0
    assert done.returncode == 0, done.stderr
    page = next(page for page in json_lines(done.stdout) if page["who"] == "identity")
    assert (page["who"], page["title"]) == ("identity", "Identity administrator")
    (request,) = page["requests"]
    assert request["command"].startswith("az role assignment create --assignee-object-id 5eed")
    assert request["why"] and request["what"] and request["verify"].startswith("az role assignment list")
    written = (tmp_path / "pages" / "identity.md").read_text(encoding="utf-8")
    assert written == page["markdown"]
    assert request["command"] in written
    # Everything that could be filled in is.
    assert not re.search(r"\{\w+\}|\$\w+", written)


@pytest.mark.smoke
def test_requests_explains_itself(lonely: dict[str, str]) -> None:
    done = aml_deploy("requests", "--help", environ=lonely)
    assert done.returncode == 0
    assert "administrators" in done.stdout and "-o DIR" in done.stdout


@pytest.mark.slow
def test_a_wrong_flag_is_corrected_in_the_file_and_its_comments_stay(
    rehearsing: dict[str, str], own_plan: Path
) -> None:
    text = own_plan.read_text(encoding="utf-8")
    assert "egress_public_network_access: disabled" in text
    wrong = text.replace("egress_public_network_access: disabled", "egress_public_network_access: enabled  # ours")
    wrong = f"# The plan of the house\n{wrong}"
    own_plan.write_text(wrong, encoding="utf-8")
    looked = aml_deploy("check", own_plan, "--rehearse", "--json", "--set", PLACE, environ=rehearsing)
    assert looked.returncode == 3, looked.stdout + looked.stderr
    assert own_plan.read_text(encoding="utf-8") == wrong
    fixed = aml_deploy("check", own_plan, "--rehearse", "--json", "--fix", "--set", PLACE, environ=rehearsing)
    assert fixed.returncode == 0, fixed.stdout + fixed.stderr
    assert "egress_public_network_access is now disabled" in fixed.stderr
    after = own_plan.read_text(encoding="utf-8")
    right = wrong.replace("egress_public_network_access: enabled ", "egress_public_network_access: disabled")
    assert after == right  # the comment beside it keeps its column


@pytest.mark.slow
def test_on_a_terminal_a_correction_is_shown_and_asked(rehearsing: dict[str, str], own_plan: Path) -> None:
    text = own_plan.read_text(encoding="utf-8")
    wrong = text.replace("egress_public_network_access: disabled", "egress_public_network_access: enabled")
    own_plan.write_text(wrong, encoding="utf-8")
    for answer, code, content in (("\n", 3, wrong), ("y\n", 0, text)):
        environ = {**rehearsing, "TERM": "xterm"}
        terminal = Terminal("check", str(own_plan), "--rehearse", "--fix", "--set", PLACE, environ=environ)
        terminal.until("deployment.egress_public_network_access: enabled → disabled")
        terminal.until("Write them? [y/N]")
        terminal.type(answer)
        terminal.until("checks took")
        assert terminal.end() == code
        assert own_plan.read_text(encoding="utf-8") == content


@pytest.mark.slow
def test_a_requirement_that_is_missing_is_added_to_the_conda_file(rehearsing: dict[str, str], own_plan: Path) -> None:
    conda = own_plan.parent / "churn-xgboost" / "conda.yml"
    text = conda.read_text(encoding="utf-8") + "      - mlflow-skinny==2.12.2  # ours\n"
    conda.write_text(text, encoding="utf-8")
    looked = aml_deploy("check", own_plan, "--rehearse", "--json", "--set", PLACE, environ=rehearsing)
    (found,) = [item for item in json_lines(looked.stdout) if item["id"] == "setuptools"]
    assert "mlflow-skinny 2.12.2" in found["message"] and conda.read_text(encoding="utf-8") == text
    fixed = aml_deploy("check", own_plan, "--rehearse", "--json", "--fix", "--set", PLACE, environ=rehearsing)
    assert f"{conda}: it now requests setuptools<81." in fixed.stderr
    assert "setuptools" not in {item["id"] for item in json_lines(fixed.stdout)}
    after = conda.read_text(encoding="utf-8").splitlines()
    assert [line for line in after if line.strip() != "- setuptools<81"] == text.splitlines()


def test_a_preset_is_not_changed(rehearsing: dict[str, str]) -> None:
    managed = "workspace.name=closed-managed-network"
    fixed = aml_deploy("check", PRESET, "--rehearse", "--fix", "--set", managed, environ=rehearsing)
    assert fixed.returncode == 0, fixed.stderr
    assert "would be valid without deployment.egress_public_network_access" in fixed.stderr
    assert "copy it" in fixed.stderr


PLACE = "workspace.name=closed-legacy-isolation"


def test_a_correction_that_two_findings_propose_is_made_once(own_plan: Path) -> None:
    key = "deployment.egress_public_network_access"
    findings = [{"fix": {"key": key, "value": "enabled"}}, {"fix": {"key": key, "value": "enabled"}}, {"fix": None}]
    arguments = Namespace(plan=str(own_plan), overlays=[], sets=[])
    assert planned(arguments, findings) == [f"{key}: disabled → enabled"]
    assert correct(arguments, findings) == ([f"{own_plan}: {key} is now enabled."], [])
