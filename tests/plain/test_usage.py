"""The command line: help, usage errors, lists."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from commands import PRESET, aml_deploy, json_lines

import tui
from tui.cli.commands import COMMANDS, FORMER_NAMES
from tui.cli.main import main

pytestmark = pytest.mark.smoke


def test_help_names_every_command_and_the_exit_codes(lonely: dict[str, str]) -> None:
    done = aml_deploy("--help", environ=lonely)
    assert done.returncode == 0
    assert done.stderr == ""
    for name in COMMANDS:
        assert f"\n  {name} " in done.stdout
    for code in ("0 done", "1 failed", "2 the plan", "3 blocked", "130 interrupted"):
        assert code in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 100


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_command_explains_itself_with_an_example(name: str, lonely: dict[str, str]) -> None:
    done = aml_deploy(name, "--help", environ=lonely)
    assert done.returncode == 0
    assert f"usage: aml-deploy {name}" in done.stdout
    assert f"aml-deploy {name}" in done.stdout.partition("examples:")[2]


def test_version(lonely: dict[str, str]) -> None:
    done = aml_deploy("--version", environ=lonely)
    assert (done.returncode, done.stdout) == (0, f"aml-deploy {tui.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["apply"], "The following arguments are required: PLAN."),
        (["check", PRESET, "--nonsense"], "Unrecognized arguments: --nonsense."),
        (["--rehearse", "apply", PRESET], f"The command comes first: aml-deploy apply --rehearse {PRESET}"),
        (["invoke", "churn-endpoint-01"], "Name what to send: a request with --request FILE, or golden requests with"),
        (["rehearsal", "--env", "--stop"], "not allowed with argument"),
        (["rehearsal", "--stop", "--json"], "--stop does not combine"),
        (["rehearsal", "--port", "many"], "Argument --port: invalid int value: 'many'."),
        (["apply", PRESET], "add --yes"),
        (["frobnicate"], "There is no command frobnicate, and no plan file or preset of that name. All commands:"),
        (
            ["chek", "plan.yml", "--yes"],
            "There is no command chek, and no plan file or preset of that name. Did you mean check?",
        ),
        (["churn-xgbost"], f"Did you mean {PRESET}?"),
        (["./frobnicate"], "no plan file or preset with that name"),
        (["attach", "20200101"], "There are no runs on this machine."),
        (["--preset", "nothing"], f"There is no preset nothing. Presets: {PRESET}"),
        (["--set", "endpoint.name=churn-02"], "--set changes a plan"),
        (["nothing.yml"], f"no plan file or preset with that name. Presets: {PRESET}"),
        (["invoke", "churn-endpoint-01", "--request", "nothing.json"], "The request nothing.json cannot be read"),
    ],
)
def test_wrong_usage_is_a_sentence_and_exit_code_2(arguments: list[str], said: str, lonely: dict[str, str]) -> None:
    done = aml_deploy(*arguments, environ=lonely)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


def test_options_may_stand_between_plan_and_overlay(lonely: dict[str, str], tmp_path: Path) -> None:
    overlay = tmp_path / "prod.yml"
    overlay.write_text("endpoint: {name: not_a_name}\n", encoding="utf-8")
    done = aml_deploy("check", PRESET, "--json", overlay, environ=lonely)
    assert done.returncode == 2
    assert "try not-a-name" in done.stderr
    assert str(overlay) in done.stderr


def test_presets_as_text_and_as_json(lonely: dict[str, str]) -> None:
    text = aml_deploy("presets", environ=lonely)
    assert text.returncode == 0
    assert any(line.startswith(f"{PRESET} ") for line in text.stdout.splitlines())
    presets = json_lines(aml_deploy("presets", "--json", environ=lonely).stdout)
    assert PRESET in [preset["name"] for preset in presets]
    assert all(Path(preset["path"]).is_file() and preset["description"] for preset in presets)


def test_the_presets_folder_is_not_needed_to_list_runs(lonely: dict[str, str]) -> None:
    assert json.dumps(json_lines(aml_deploy("runs", "--json", environ=lonely).stdout)) == "[]"
    assert "no runs" in aml_deploy("runs", environ=lonely).stdout


def test_a_state_folder_that_cannot_be_made_is_a_sentence(lonely: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    done = aml_deploy("runs", environ={**lonely, "AML_DEPLOY_HOME": str(tmp_path / "file" / "state")})
    assert done.returncode == 1
    assert "AML_DEPLOY_HOME" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(("former", "name"), FORMER_NAMES.items())
def test_the_former_name_of_a_command_is_understood_and_not_shown(
    former: str, name: str, lonely: dict[str, str]
) -> None:
    assert f"usage: aml-deploy {name}" in aml_deploy(former, "--help", environ=lonely).stdout
    assert f"\n  {former} " not in aml_deploy("--help", environ=lonely).stdout


def test_the_former_name_of_a_local_trial_is_understood_and_not_shown(lonely: dict[str, str]) -> None:
    assert "Unrecognized" in aml_deploy("check", "nothing.yml", "--dress", environ=lonely).stderr
    assert "no plan file" in aml_deploy("check", "nothing.yml", "--dress-rehearsal", environ=lonely).stderr
    assert "dress" not in aml_deploy("check", "--help", environ=lonely).stdout


def test_on_windows_the_first_words_say_where_it_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    for given in ([], ["--help"], ["apply", "plan.yml"]):
        assert main(given) == 2
        assert "WSL" in capsys.readouterr().err


def test_runs_that_are_read_aloud_are_sentences(lonely: dict[str, str]) -> None:
    folder = Path(lonely["AML_DEPLOY_HOME"]) / "runs" / "r-1"
    folder.mkdir(parents=True)
    about = {"run": "r-1", "endpoint": "churn", "deployment": "blue", "started": "2026", "rehearsed": True}
    (folder / "run.json").write_text(json.dumps(about), encoding="utf-8")
    assert aml_deploy("runs", environ=lonely).stdout.startswith("RUN ")
    told = aml_deploy("runs", environ={**lonely, "ACCESSIBLE": "1"}).stdout
    assert re.fullmatch(r"Run r-1: \w+; endpoint churn, deployment blue; started 2026 in the rehearsal\.\n", told), told
