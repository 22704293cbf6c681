"""Whatever a command or a notebook's cell prints has no secret and no control character in it."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path

import pytest

from tui.cli.main import main
from tui.common.redact import learn
from tui.plain import terminal
from tui.plain.notebook import Cell

ECHOED = "a\x1b]0;title\x07 \x1b[2Jwater\x1b[0mproof-9 \x9b31mz\r"
SHOWN = "a (hidden) z"


@pytest.fixture(autouse=True)
def secret() -> None:
    learn("waterproof-9")


def test_standard_output(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.out(ECHOED)
    assert capsys.readouterr().out == f"{SHOWN}\n"


def test_json_on_standard_output_keeps_what_it_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.out_json({"lines": ["\x1b[31m \x9b31m waterproof-9"]})
    line = capsys.readouterr().out
    assert json.loads(line) == {"lines": ["\x1b[31m \x9b31m (hidden)"]}
    assert line.rstrip("\n").isprintable()


def test_messages_of_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stderr", sys.stderr)  # a command replaces it
    monkeypatch.setenv("THEIR_SECRET", "fireproof-9")
    assert main(["explain", str(tmp_path / f"{ECHOED}fireproof-9")]) == 2
    said = capsys.readouterr().err
    assert f"{SHOWN}(hidden)" in said and said.rstrip("\n").isprintable()


def test_lines_of_a_notebook() -> None:
    sent = io.StringIO()
    Cell(sent, io.StringIO()).say(ECHOED)
    assert json.loads(sent.getvalue()) == {"say": SHOWN}


def test_the_traceback_of_an_internal_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(name: str) -> str:
        raise KeyError(f"waterproof-9 of {name}")

    monkeypatch.setattr(sys, "stderr", sys.stderr)  # a command replaces it
    monkeypatch.setattr("tui.plain.commands.explain.read", fail)
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path))
    assert main(["explain", "x"]) == 1
    assert "fault.log" in capsys.readouterr().err
    assert "KeyError: '(hidden) of x'" in (tmp_path / "fault.log").read_text()
