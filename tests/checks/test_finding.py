"""The two JSON forms of findings: their keys are a contract."""

from __future__ import annotations

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding, Fix, PlanFix, ordered, wrong

OF_CHECK = ["id", "severity", "field", "message", "remedy", "docs", "looked_at"]
OF_TROUBLESHOOT = [
    "id", "severity", "message", "cause", "remedy", "evidence", "commands", "docs", "deployment", "field", "looked_at",
    "request_ids", "card", "fixes", "advice", "request", "fix",
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
