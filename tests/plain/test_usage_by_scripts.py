"""What a script or an operator may get wrong on the command line: a sentence, and the right exit code."""

from __future__ import annotations

import errno
import subprocess
from pathlib import Path

import pytest
from commands import COMMAND, PRESET, aml_deploy

from tui.plain.output.event_lines import amount


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["troubleshoot", "churn-01", "--watch", "--every", "0"], "--every: 0 is not a number from 0.1 to 86400"),
        (["troubleshoot", "churn-01", "--lines", "-3"], "--lines: -3 is not a number from 0 to 100000"),
        (["explain", "nothing.txt"], "nothing.txt cannot be read"),
        (["invoke", "churn-01", "--request", "-"], "There is no request on standard input."),
        (["invoke", "nowhere-01", "--request", __file__], "The workspace of the endpoint nowhere-01 is unknown"),
        (["invoke", "https://", "--request", __file__], "https:// is not the name of an endpoint."),
        (["export", PRESET, "--to", "docs", "-o", __file__], "is a file. Name a folder with -o."),
        (["import", __file__, "-o", "."], "This is not valid YAML"),
        (["keys", "churn-01", "--put", "primary", __file__], "already exists, and a key does not replace a file."),
        (["keys", "churn-01", "--put", "primary", "/nowhere/key"], "there is no folder /nowhere"),
        (["rehearsal", "--list-scenarios", "--json"], "--json requires --env or --compare"),
        (["rehearsal", "--scenario", "nothing"], "There is no scenario 'nothing'."),
        (["rehearsal", "--role", "nothing"], "There is no role 'nothing'."),
        (["rehearsal", "--env", "--speed", "0"], "--speed must be more than 0"),
        (["rehearsal", "--compare", "nothing.jsonl"], "There is no file"),
    ],
)
def test_what_cannot_be_is_exit_code_2(arguments: list[str], said: str, lonely: dict[str, str]) -> None:
    done = aml_deploy(*arguments, environ=lonely)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert done.stdout == ""


def test_an_import_does_not_take_a_folder_for_a_plan(lonely: dict[str, str], tmp_path: Path) -> None:
    assert aml_deploy("export", PRESET, "--to", "az-yaml", "-o", tmp_path / "az", environ=lonely).returncode == 0
    files = (tmp_path / "az" / "endpoint.yml", tmp_path / "az" / "deployment.yml")
    done = aml_deploy("import", *files, "-o", tmp_path, "--force", environ=lonely)
    assert done.returncode == 2
    assert "is a folder. Name the plan file to write with -o" in done.stderr


def test_a_group_of_keys_is_set_by_a_map(lonely: dict[str, str], tmp_path: Path) -> None:
    given = "rollout={steps: [5, 100], pause: 1m}"
    done = aml_deploy("export", PRESET, "--set", given, "--to", "github-actions", "-o", tmp_path, environ=lonely)
    assert done.returncode == 0, done.stderr
    written = next(tmp_path.glob("*.plan.yml")).read_text(encoding="utf-8")
    assert "steps:" in written
    assert "5" in written.partition("rollout:")[2]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("endpoint=churn-02", "endpoint is a group of keys. Set one of its keys, such as --set endpoint.name="),
        ("rollout={step: [100]}", "step is not one of its keys. Did you mean rollout.steps?"),
    ],
)
def test_a_group_of_keys_has_no_value_of_its_own(given: str, said: str, lonely: dict[str, str]) -> None:
    done = aml_deploy("check", PRESET, "--set", given, environ=lonely)
    assert done.returncode == 2
    assert said in done.stderr


def test_a_key_like_no_other_gets_no_suggestion(lonely: dict[str, str], own_plan: Path) -> None:
    text = own_plan.read_text(encoding="utf-8").replace("  instance_count: 1 ", "  frobnicate: 1 ")
    own_plan.write_text(text, encoding="utf-8")
    done = aml_deploy("check", own_plan, environ=lonely)
    assert "deployment.frobnicate" in done.stderr
    assert "Did you mean" not in done.stderr.partition("frobnicate")[2].partition("\n  ")[0].replace("\n    ", " ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_said(lonely: dict[str, str]) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        done = subprocess.run(
            [*COMMAND, "presets", "--json"],
            env=lonely,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "Standard output cannot be written: " in done.stderr
    assert "Internal error in aml-deploy" not in done.stderr
    assert errno.errorcode[errno.ENOSPC] not in done.stderr


def test_small_amounts_are_not_nothing() -> None:
    assert amount(4_150, 140_100, "bytes") == "4.2 of 140.1 kB"
    assert amount(4_150_000, 12_600_000, "bytes") == "4.2 of 12.6 MB"
