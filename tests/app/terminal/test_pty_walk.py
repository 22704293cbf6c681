"""The whole walk with the real command on a pseudo-terminal of 80×24: nine steps, a run, a prediction, quitting."""

from __future__ import annotations

import os
import sys

from tests.terminal import CONTROL_C, ENTER, Terminal


def test_from_the_first_step_to_the_farewell(rehearsal_home: dict[str, str], rehearsal: dict) -> None:
    env = {**rehearsal_home, "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80"}
    command = [sys.executable, "-m", "tui", "churn-xgboost", "--rehearse", "--set", "endpoint.name=churn-pty-01"]
    terminal = Terminal(command, env)
    terminal.sees("step 1 of 9")
    terminal.sees("closed-legacy-isolation")
    terminal.through_review_to_the_answer(first=2)
    terminal.types(CONTROL_C)
    terminal.sees("Quit the wizard")
    terminal.types(ENTER)
    farewell = terminal.sees("aml-deploy remove")
    assert "aml-deploy attach" in farewell
    assert "churn-pty-01" in farewell
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0
