"""A few of the mutants of `python -m tests.hostile.mutations`, always the same ones."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.hostile.mutations import Fault, place, run, trial


@pytest.mark.parametrize("kind", ["plan", "state"])
def test_mutated_files_never_cause_an_internal_error_a_hang_or_a_wrong_exit_code(kind: str) -> None:
    codes: Counter[int] = Counter()
    for number in range(40):
        codes += trial(kind, f"suite-{number}")
    assert codes[0] and codes[2], codes


def test_a_wrong_exit_code_and_a_fault_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    with place("plan", "1"):
        with pytest.raises(Fault, match="exit code 2"):
            run(["export", "there-is-no-such-plan", "--to", "az-yaml"], (0,))
        monkeypatch.setattr("tests.hostile.mutations.command", lambda arguments: 1 // 0)
        with pytest.raises(Fault, match="ZeroDivisionError"):
            run([], (0,))
