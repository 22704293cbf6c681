"""`aml-deploy explain`, through the front door."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from commands import json_lines

ROOT = Path(__file__).resolve().parents[3]
QUOTA = (
    "HttpResponseError: (BadRequest) Not enough quota available for Standard_F4s_v2 in SubscriptionId s. "
    "Current usage/limit: 0/6. Additional needed: 8 https://aka.ms/oe-tsg#error-outofquota\n"
    "x-ms-request-id: 474bd4bb-205d-4e03-8d0d-8503166f8062\n"
)


def explain(home: Path, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "tui", "explain", *arguments],
        input=given,
        env={**os.environ, "AML_DEPLOY_HOME": str(home)},
        cwd=ROOT,
        capture_output=True,
        timeout=60,
        check=False,
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.mark.smoke
def test_a_file_is_explained_with_the_lines_that_show_it(tmp_path: Path) -> None:
    file = tmp_path / "error.txt"
    file.write_text(f"first line\n{QUOTA}", encoding="utf-8")
    done = explain(tmp_path, str(file))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Not enough quota for this size\n")
    assert "Why: Standard_F4s_v2 needs 8 cores" in done.stdout
    assert "line 2: " in done.stdout
    assert "474bd4bb-205d-4e03-8d0d-8503166f8062" in done.stdout
    assert "https://learn.microsoft.com/" in done.stdout
    assert "$ az " in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("arguments", [("--json",), ("-", "--json")])
def test_piped_text_as_json_is_a_card_a_line(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    done = explain(tmp_path, *arguments, given=QUOTA.encode())
    assert done.returncode == 0, done.stderr
    (card,) = json_lines(done.stdout)
    assert card["id"] == "quota"
    assert card["lines"] == [1]
    assert card["request_ids"] == ["474bd4bb-205d-4e03-8d0d-8503166f8062"]
    assert card["field"] == "deployment.instance_type"


def test_nothing_known_is_said_honestly_with_what_helps(tmp_path: Path) -> None:
    done = explain(tmp_path, given=b"Traceback (most recent call last):\nValueError: no\n")
    assert done.returncode == 1
    assert done.stdout == ""
    assert "No known failure was recognised" in done.stderr
    assert "get-logs" in done.stderr
    assert "how-to-troubleshoot-online-endpoints" in done.stderr
    assert str(tmp_path / "remedies.yml") in done.stderr
    assert explain(tmp_path, "--json", given=b"ValueError: no").stdout == ""


def test_no_text_is_said_to_be_none(tmp_path: Path) -> None:
    done = explain(tmp_path)
    assert done.returncode == 1
    assert "no text to explain" in done.stderr


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = explain(tmp_path, str(tmp_path / "nothing.txt"))
    assert done.returncode == 2
    assert "cannot be read: No such file or directory" in done.stderr
    assert "Traceback" not in done.stderr


def test_bytes_that_are_no_text_are_no_crash(tmp_path: Path) -> None:
    done = explain(tmp_path, "--json", given=bytes(range(256)) * 50 + b"\nAADSTS7000222: expired \xff\n")
    assert done.returncode == 0, done.stderr
    assert [card["id"] for card in json_lines(done.stdout)] == ["secret-expired"]


def test_a_bad_file_of_own_entries_is_reported_and_the_rest_works(tmp_path: Path) -> None:
    (tmp_path / "remedies.yml").write_text("- id: [", encoding="utf-8")
    done = explain(tmp_path, given=QUOTA.encode())
    assert done.returncode == 0
    assert "this is not YAML" in done.stderr
    assert str(tmp_path / "remedies.yml") in done.stderr
    assert "Traceback" not in done.stderr
