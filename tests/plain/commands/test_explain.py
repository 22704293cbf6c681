"""`aml-deploy explain`, through the front door."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from commands import json_lines

from tui.plain.commands import explain as explain_command

ID = "474bd4bb-205d-4e03-8d0d-8503166f8062"
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


def test_what_is_not_sure_is_said_to_be_possible(tmp_path: Path) -> None:
    given = b"ModuleNotFoundError: No module named 'lightgbm'\n"
    done = explain(tmp_path, given=given)
    assert done.returncode == 0
    assert done.stdout.startswith("Possible: ")
    assert "if this comes from Azure Machine Learning, it may be this" in " ".join(done.stdout.split())
    (card,) = json_lines(explain(tmp_path, "--json", given=given).stdout)
    assert card["certainty"] == "possible"
    assert json_lines(explain(tmp_path, "--json", given=QUOTA.encode()).stdout)[0]["certainty"] == "sure"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig"])
@pytest.mark.parametrize("piped", [True, False], ids=["piped", "file"])
def test_what_windows_writes_is_read(tmp_path: Path, encoding: str, piped: bool) -> None:
    given = QUOTA.replace("\n", "\r\n").encode(encoding)
    file = tmp_path / "error.txt"
    file.write_bytes(given)
    done = explain(tmp_path, "--json", given=given) if piped else explain(tmp_path, "--json", str(file))
    assert [card["id"] for card in json_lines(done.stdout)] == ["quota"], done.stderr


def test_an_error_anywhere_in_a_long_log_is_found(tmp_path: Path) -> None:
    healthy = "2026-11-01 12:00:00,000 I azmlinfsrv - POST /score 200 17ms, no quota, no time-out\n" * 250_000
    for place in (0.0, 0.37, 1.0):
        at = healthy.find("\n", int(len(healthy) * place) - 1) + 1
        done = explain(tmp_path, "--json", given=f"{healthy[:at]}{QUOTA}{healthy[at:]}".encode())
        assert [card["id"] for card in json_lines(done.stdout)] == ["quota"], place


def test_of_a_text_that_is_too_long_the_end_is_read_in_its_encoding(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(explain_command, "MOST_BYTES", 4000)
    file = tmp_path / "error.txt"
    for encoding in ("utf-8", "utf-16", "utf-16-le"):
        file.write_bytes(("\u00e9 first\n" + "noise\n" * 5000 + "last\n").encode(encoding))
        text = explain_command.read(str(file))
        assert set(text.split()) == {"noise", "last"}, encoding
        assert 300 < text.count("noise") < 850, encoding


def test_nothing_known_shows_the_likely_line_the_ids_and_an_entry_that_works(tmp_path: Path) -> None:
    given = "starting\nError: the \x1b[31mflux capacitor's\x1b[0m coil (17) broke\nrequest id: " + ID + "\ndone\n"
    done = explain(tmp_path, given=given.encode())
    assert done.returncode == 1
    assert "line 2: Error: the flux capacitor's coil (17) broke" in done.stderr
    assert f"Ids for a support request: {ID}" in done.stderr
    entry = done.stderr[done.stderr.index("    - id: ") :]
    (tmp_path / "remedies.yml").write_text(textwrap.dedent(entry), encoding="utf-8")
    again = explain(tmp_path, "--json", given=given.encode())
    assert [card["id"] for card in json_lines(again.stdout)] == ["our-failure"], again.stderr


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
