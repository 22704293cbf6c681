"""The two JSON forms of findings: their keys are a contract."""

from __future__ import annotations

import pytest

from tui.checks.finding import (
    BLOCKER,
    OK,
    UNKNOWN,
    WARNING,
    Finding,
    Fix,
    PlanFix,
    blocked,
    last_lines,
    ordered,
    with_card,
    wrong,
)

OF_CHECK = ["id", "severity", "field", "message", "remedy", "docs", "looked_at"]
OF_TROUBLESHOOT = [
    "id", "severity", "message", "cause", "remedy", "evidence", "commands", "docs", "deployment", "field", "looked_at",
    "request_ids", "card", "fixes", "advice", "request", "follows", "follows_from", "fix",
]  # fmt: skip


def test_check_prints_these_keys_and_command_and_fix_only_where_there_are_some() -> None:
    plain = Finding("a", OK, "traffic", "Said.", cause="why", evidence=("line",), card="card", request="please")
    assert list(plain.as_dict()) == OF_CHECK
    shown = Finding("a", OK, commands=("az one", "az two"), fixes=(PlanFix("traffic", None),)).as_dict()
    assert list(shown) == [*OF_CHECK, "command", "fix"]
    assert shown["command"] == "az one; az two"
    assert shown["fix"] == {"key": "traffic", "value": None}


def test_troubleshoot_prints_these_keys_always() -> None:
    fix = Fix("set_traffic", "Send it to blue.", ("then blue",), {"shares": {"blue": 100}})
    assert list(Finding("a", OK).as_report()) == OF_TROUBLESHOOT
    shown = Finding("a", BLOCKER, commands=("az one",), evidence=("line",), fixes=(fix,)).as_report()
    assert list(shown) == OF_TROUBLESHOOT
    assert (shown["commands"], shown["evidence"], shown["request_ids"]) == (["az one"], ["line"], [])
    assert shown["fix"] == shown["fixes"][0]
    assert list(shown["fix"]) == ["action", "what", "preview", "with"]
    assert list(Fix("enter_secret", "Type it.", asks="credential.client_secret").as_dict())[-1] == "asks"
    assert Finding("a", OK).as_report()["fix"] is None


def test_the_worst_comes_first_and_advice_after_failures() -> None:
    advice, warning = Finding("advice", WARNING, advice=True), Finding("warning", WARNING)
    rest = [Finding("ok", OK), Finding("unknown", UNKNOWN), advice, warning, Finding("blocker", BLOCKER)]
    assert [one.id for one in ordered(rest)] == ["blocker", "warning", "advice", "unknown", "ok"]
    assert wrong([warning]) and not wrong([advice, rest[1]])


@pytest.mark.parametrize(
    ("severity", "is_wrong", "blocks"),
    [(BLOCKER, True, True), (WARNING, True, False), (UNKNOWN, False, False), (OK, False, False)],
)
def test_what_blocks_and_what_a_script_reports(severity: str, is_wrong: bool, blocks: bool) -> None:
    findings = [Finding("ok", OK), Finding("a", severity)]
    assert (wrong(findings), blocked(findings)) == (is_wrong, blocks)
    assert not wrong([Finding("a", severity, advice=True)])
    assert not wrong([]) and not blocked([])


def test_a_card_replaces_texts_and_leaves_severity_and_fixes() -> None:
    fix = PlanFix("traffic", None)
    own = {"id": "a", "severity": WARNING, "fixes": (fix,), "remedy": "own", "docs": "own", "field": "own",
           "commands": ("own",), "evidence": ("one", "two"), "request_ids": ("1",)}  # fmt: skip
    bare = with_card({"id": "card", "title": "Title"}, **own)
    assert (bare.remedy, bare.docs, bare.field, bare.commands, bare.cause) == ("own", "own", "own", ("own",), "Title.")
    card = {"id": "card", "title": "Title", "cause": "Cause.", "remedy": "R", "docs": "D", "field": "F",
            "commands": ["C"], "evidence": ["two", "three"], "request_ids": ["1", "2"]}  # fmt: skip
    full = with_card(card, **own)
    assert (full.remedy, full.docs, full.field, full.commands) == ("R", "D", "F", ("C",))
    assert (full.cause, full.card, full.severity, full.fixes) == ("Title. Cause.", "card", WARNING, (fix,))
    assert (full.evidence, full.request_ids) == (("two", "three", "one"), ("1", "2"))
    assert with_card(None, **own) == Finding(**own)
    long = with_card({**card, "evidence": [str(number) for number in range(50)]}, **own)
    assert len(long.evidence) == 40


def test_the_last_lines_of_a_log() -> None:
    assert last_lines("\n".join(map(str, range(20)))) == tuple(map(str, range(8, 20)))
    assert last_lines("a\n \n\nb\n", 2) == ("a", "b")
    assert last_lines("") == ()
