"""The troubleshoot screen: findings first, each with its evidence; fixes are previewed and confirmed."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.app.panes import VARIABLES, Walk, home
from tests.app.recorded import Answers
from tests.app.visible_focus import sees_focus
from tui.app.app import WizardApp
from tui.app.textual_patches.option_list import OptionList
from tui.app.troubleshoot.choose_endpoint import ChooseEndpointDialog
from tui.app.troubleshoot.finding_dialog import FindingDialog
from tui.app.troubleshoot.screen import SECTIONS, TroubleshootScreen
from tui.helper.client import HelperError
from tui.plan.load_save.document import Document

__all__ = ["home"]

ID = (
    "/subscriptions/11111111-2222-3333-4444-555555555555/resourceGroups/rg-ml/providers/"
    "Microsoft.MachineLearningServices/workspaces/ws-churn/onlineEndpoints/churn-01"
)
SET = {
    "action": "set_traffic",
    "what": "Send the requests to blue 100 %.",
    "with": {"shares": {"blue": 100}},
    "preview": ["traffic of churn-01", "  now   no traffic", "  then  blue 100 %"],
}
SECRET = {
    "action": "enter_secret",
    "what": "Type the new client secret.",
    "with": {},
    "asks": "credential.client_secret",
    "preview": ["The secret is used for this session and written nowhere."],
}


def finding(id: str, severity: str, message: str, **more: Any) -> dict[str, Any]:
    fixes = more.pop("fixes", [])
    return {
        "id": id, "severity": severity, "message": message, "cause": "A cause.", "remedy": "A remedy.", "docs": "",
        "evidence": ["a line that was seen"], "commands": ["az ml something"], "deployment": "", "field": "",
        "looked_at": "", "request_ids": [], "card": "", "advice": False, "request": "", "fixes": fixes,
        "fix": fixes[0] if fixes else None, **more,
    }  # fmt: skip


ZERO = finding("traffic-zero", "blocker", "No requests reach any deployment of churn-01.", fixes=[SET])
LOGS = finding("logs-not-kept", "warning", "The logs are not kept.", advice=True, request="Please keep the logs.")
REPORT: dict[str, Any] = {
    "name": "churn-01",
    "time": "2026-11-23T02:00:00Z",
    "wrong": True,
    "principal": "operator",
    "seconds": 3.0,
    "findings": [ZERO, LOGS],
    "workspace": {"name": "ws-churn", "explain": "The workspace is closed."},
    "endpoint": {
        "name": "churn-01", "id": ID, "provisioning_state": "Succeeded", "scoring_uri": "https://churn-01/score",
        "auth_mode": "key", "public_network_access": "disabled", "traffic": {}, "mirror_traffic": {},
        "location": "eastus", "age_seconds": 7200.0, "created_at": "2026-11-23T00:00:00Z", "created_by": "ann",
    },
    "deployments": [{
        "name": "blue", "provisioning_state": "Succeeded", "traffic": 0, "mirror_traffic": 0,
        "instance_type": "Standard_DS3_v2", "instance_count": 1, "price_per_hour": 0.29, "age_seconds": 7000.0,
        "autoscale": [],
    }],
    "cost": {"per_hour": 0.29, "per_month": 214.0, "currency": "USD", "note": "List price."},
    "reach": {"hops": [{
        "name": "scoring", "host": "churn-01.eastus.inference.ml.azure.com", "purpose": "answers", "needed": True,
        "addresses": ["10.1.0.7"], "cnames": [], "private": True, "state": "reachable",
    }]},
    "logs": [
        {"deployment": "blue", "container": "inference-server", "content": "first line\nWorker ready\n"},
        {"deployment": "blue", "container": "storage-initializer", "content": "Downloaded 6 files\n"},
    ],
    "history": [{
        "time": "2026-11-23T01:00:00Z", "operation": "Create or Update Online Endpoint", "action": "x/write",
        "resource": ID, "status": "Succeeded", "caller": "ann", "code": "", "correlation_id": "c-1",
    }],
    "metrics": {
        "answers": [{"deployment": "", "status": "404", "count": 12.0, "minutes": []}],
        "latency": {},
        "load": {},
    },
    "diagnostics": {"on": False},
    "log_analytics": None,
    "unseen": [],
    "tests": [
        {
            "route": "routed by the traffic",
            "status_code": 404,
            "ok": False,
            "note": "No deployment has traffic.",
            "body": "No valid deployments",
            "latency_ms": 4.0,
            "deployment": None,
        }
    ],
}  # fmt: skip
MENDED = {
    **copy.deepcopy(REPORT),
    "wrong": False,
    "findings": [finding("healthy", "ok", "Nothing wrong was found."), LOGS],
    "time": "2026-11-23T02:01:00Z",
}
MENDED["endpoint"]["traffic"] = {"blue": 100}


@asynccontextmanager
async def operating(answers: Answers, width: int = 80, height: int = 24) -> AsyncIterator[Walk]:
    document = Document()
    document.set("endpoint.name", "churn-01", "test")
    app = WizardApp(environ=VARIABLES, helper=answers)
    async with app.run_test(size=(width, height)) as pilot:
        screen = app.operate(document)
        walk = Walk(app, pilot)
        await walk.until(lambda: screen.report, "the first look")
        await walk.until(lambda: "Looked" in walk.text() or "✖" in walk.text(), "it is shown")
        await walk.until(lambda: walk.focused == "findings", "the findings have the focus")
        yield walk


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not keep busy messages on the screen for a second here."""
    monkeypatch.setattr("tui.app.state.answers.BUSY_SECONDS", 0.0)


def words_of(walk: Walk) -> str:
    """Return the dialog's text without its frame, on one line."""
    return " ".join(walk.text().replace("│", " ").split())


def contents(folder: Path) -> list[bytes]:
    return [path.read_bytes() for path in folder.rglob("*") if path.is_file()]


def screen_of(walk: Walk) -> TroubleshootScreen:
    screen = walk.app.screen
    assert isinstance(screen, TroubleshootScreen)
    return screen


async def test_a_consequence_is_below_its_cause_and_says_so(home: Path) -> None:
    lost = finding(
        "answers-404", "blocker", "9 requests returned 404.", follows=ZERO["id"], follows_from=ZERO["message"]
    )
    async with operating(Answers(troubleshoot={**REPORT, "findings": [ZERO, lost, LOGS]})) as walk:
        lines = walk.text().splitlines()
        (at,) = (number for number, line in enumerate(lines) if "└ ✖ wrong  9 requests returned 404." in line)
        assert any("No requests reach any deployment" in line for line in lines[:at])
        assert "1 problem, 1 consequence, 1 recommendation" in walk.text()
        await walk.press("down", "enter")
        assert "Follows from  No requests reach any deployment of churn-01." in walk.text()


async def test_the_findings_are_there_first_and_enter_shows_one(home: Path) -> None:
    async with operating(Answers(troubleshoot=REPORT)) as walk:
        assert walk.focused == "findings"
        text = walk.text()
        assert "✖ wrong  No requests reach any deployment" in text
        assert "1 problem, 1 recommendation" in text
        await walk.press("enter")
        shown = walk.text()
        for words in ("A cause.", "A remedy.", "az ml something", "a line that was seen", "Traffic to blue"):
            assert words in shown
        assert walk.focused == "fix-0"
        await walk.press("escape")
        assert screen_of(walk)
        await walk.press("ctrl+y")
        await walk.until(lambda: "Write to a file" in walk.text(), "the text for support")
        plain = walk.app.screen.plain  # type: ignore[attr-defined]
        for words in ("No requests reach", "Changes of the last 24 hours", "Worker ready", "2026-11-23"):
            assert words in plain


async def test_a_new_finding_above_does_not_move_the_mark_to_another_one(home: Path) -> None:
    slow = finding("slow", "warning", "p95 latency is 900 ms.")
    looks = iter([REPORT, {**REPORT, "findings": [ZERO, slow, LOGS]}, {**REPORT, "findings": [ZERO]}])
    async with operating(Answers(troubleshoot=lambda _: next(looks))) as walk:
        marked = walk.app.screen.query_one("#findings", OptionList)
        await walk.press("down")
        for shown, at in ((3, 2), (1, 0)):
            await walk.tab_to("look")
            await walk.press("enter")
            await walk.until(lambda: marked.option_count == shown, "the new look")  # noqa: B023
            assert marked.highlighted == at
            await walk.press("escape", "enter", "enter")
            await walk.until(lambda: isinstance(walk.app.screen, FindingDialog), "the finding")
            assert walk.app.screen.finding is (LOGS if at else ZERO)  # type: ignore[attr-defined]
            await walk.press("escape")


async def test_what_is_read_again_while_a_finding_is_being_opened_does_not_open_another(home: Path) -> None:
    async with operating(Answers(troubleshoot=REPORT)) as walk:
        screen = screen_of(walk)
        await walk.press("down")
        screen.query_one("#findings", OptionList).action_select()  # as Enter does; its message is handled afterwards
        screen.report = {**REPORT, "findings": [LOGS]}
        screen._show_findings()
        await walk.until(lambda: isinstance(walk.app.screen, FindingDialog), "the finding")
        assert walk.app.screen.finding is LOGS  # type: ignore[attr-defined]


async def test_a_fix_is_previewed_confirmed_and_then_looked_at(home: Path) -> None:
    looks = iter([REPORT, MENDED])
    answers = Answers(troubleshoot=lambda _: next(looks), apply_fix={"done": "The requests go to blue 100 % now."})
    async with operating(answers) as walk:
        screen = screen_of(walk)
        screen.store.set("limits.deployment", "2m")
        await walk.press("enter", "enter")
        await walk.until(lambda: "then  blue 100 %" in walk.text() and walk.focused == "close", "the preview")
        await walk.press("enter")  # the second Enter in a row takes it back
        await walk.until(lambda: "Traffic to blue" in walk.text() and walk.focused == "fix-0", "the finding")
        assert not [name for name, _ in answers.asked if name == "apply_fix"]
        await walk.tab_to("fix-0")
        await walk.press("enter")
        await walk.tab_to("fix-go")
        await walk.press("enter")
        await walk.until(lambda: "✔ The requests go to blue" in walk.text(), "it is done")
        (asked,) = [with_ for name, with_ in answers.asked if name == "apply_fix"]
        assert (asked["action"], asked["arguments"]) == ("set_traffic", {"shares": {"blue": 100}})
        assert answers.waits["apply_fix"] == 120.0
        await walk.press("escape")
        await walk.until(lambda: not screen.report["wrong"], "the new look")
        await walk.until(lambda: "Since the last refresh" in walk.text(), "what changed")
        assert "resolved: No requests reach" in walk.text()
        assert "traffic: no traffic → blue 100 %" in walk.text()


async def test_a_fix_that_is_refused_says_why_and_changes_nothing(home: Path) -> None:
    refused = HelperError("You may not change the endpoint", "No role allows it.", "Ask for AzureML Data Scientist.")
    async with operating(Answers(troubleshoot=REPORT, apply_fix=refused)) as walk:
        await walk.press("enter", "enter")
        await walk.until(lambda: walk.focused == "close", "the preview")
        await walk.tab_to("fix-go")
        await walk.press("enter")
        await walk.until(lambda: "✖ You may not change the endpoint." in walk.text(), "the refusal")
        assert "Ask for AzureML Data Scientist." in words_of(walk)
        assert walk.focused == "close"
        await walk.press("enter")
        await walk.until(lambda: not isinstance(walk.app.screen, FindingDialog), "Close closes")
        assert not screen_of(walk)._looking


async def test_a_secret_is_typed_without_being_shown_or_kept(home: Path) -> None:
    signing_in = {**REPORT, "findings": [finding("sign-in", "blocker", "Signing in failed.", fixes=[SECRET])]}
    async with operating(Answers(troubleshoot=signing_in)) as walk:
        await walk.press("enter", "enter")
        assert walk.focused == "finding-input"
        await walk.press(*"new", "minus", *"value")
        assert "new-value" not in walk.text()
        await walk.press("enter")
        await walk.until(lambda: not isinstance(walk.app.screen, FindingDialog), "the dialog has closed")
        assert walk.store.secrets == {"credential.client_secret": "new-value"}
        assert not any(b"new-value" in content for content in contents(home))


SAID = {
    "findings": "No requests reach",
    "state": "0.29 USD an hour",
    "path": "10.1.0.7",
    "logs": "Worker ready",
    "changes": "by ann",
    "metrics": "12 requests to no deployment answered 404",
    "tests": "No deployment has traffic",
}


@pytest.mark.parametrize("size", [(80, 24), pytest.param((120, 40), marks=pytest.mark.slow)])
async def test_every_section_by_the_keyboard(home: Path, size: tuple[int, int]) -> None:
    async with operating(Answers(troubleshoot=REPORT), *size) as walk:
        for name in [*list(SECTIONS)[1:], "findings"]:
            await walk.press("escape", "right") if name != "findings" else await walk.press("escape", "home")
            await walk.press("enter")
            await walk.until(lambda name=name: SAID[name] in walk.text(), name)  # type: ignore[misc]
            assert screen_of(walk).section == name
        lines = walk.text().splitlines()
        assert "For support" in lines[-2]


async def test_the_state_draws_the_traffic_the_largest_share_first(home: Path) -> None:
    report = {**REPORT, "endpoint": {**REPORT["endpoint"], "traffic": {"green": 10, "blue": 90}}}
    async with operating(Answers(troubleshoot=report)) as walk:
        await walk.press("escape", "right", "enter")
        await walk.sees("blue █████████░ 90 %  green █░░░░░░░░░ 10 %")


async def test_the_focus_stays_visible_whichever_way_sections_are_turned(home: Path) -> None:
    async with operating(Answers(troubleshoot=REPORT)) as walk:
        for key in ("escape", "pagedown", "escape", "pageup", "pageup", *["pagedown"] * 8, "escape", "right", "enter"):
            await walk.press(key)
            sees_focus(walk, key)


async def test_wrapped_lines_keep_their_indent_and_the_status_is_whole(home: Path) -> None:
    command = "az ml online-deployment update --name blue --endpoint-name churn-01 --resource-group rg-ml --set a=1"
    cause = "The deployment was made before the workspace was closed, so that nothing reaches it any more at all."
    async with operating(
        Answers(troubleshoot={**REPORT, "findings": [{**ZERO, "commands": [command], "cause": cause}]})
    ) as walk:
        assert "Read 02:00:00 UTC, 3 s" in walk.text()
        await walk.press("enter")
        lines = [
            line.strip("│ ▄▂█▁▅▇").rstrip() and line[line.index("│") + 1 :]
            for line in walk.text().splitlines()
            if "│" in line
        ]
        at = next(n for n, line in enumerate(lines) if "$ az ml" in line)
        assert lines[at + 1].index("--") == lines[at].index("$")
        at = next(n for n, line in enumerate(lines) if "Why  " in line)
        words = cause.split()
        assert lines[at + 1].lstrip().split()[0] in words
        assert len(lines[at + 1]) - len(lines[at + 1].lstrip()) == lines[at].index("The deployment")


async def test_logs_are_searched_and_followed_and_watching_looks_by_itself(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app.troubleshoot.screen.LOG_SECONDS", 0.2)
    monkeypatch.setattr("tui.app.troubleshoot.screen.WATCH_SECONDS", 0.2)
    said = {"content": "a newer line\nDownloaded 7 files\n"}
    answers = Answers(troubleshoot=copy.deepcopy(REPORT), logs=said)

    def asked(question: str) -> int:
        return len([1 for name, _ in answers.asked if name == question])

    async with operating(answers) as walk:
        assert asked("logs") == 0, "nobody looks at the logs yet"
        await walk.press("escape", "right", "right", "right", "enter")
        assert screen_of(walk).section == "logs"
        await walk.until(lambda: "a newer line" in walk.text(), "the newer line")
        await walk.tab_to("log-text")
        await walk.press(*"files")
        await walk.until(lambda: "a newer line" not in walk.text(), "the filter")
        assert "Downloaded 7 files" in walk.text()
        assert asked("troubleshoot") == 1
        await walk.tab_to("watch")
        await walk.press("enter")
        await walk.until(lambda: "Watch: on" in walk.text(), "it is on")
        await walk.until(lambda: asked("troubleshoot") >= 3, "more looks")


async def test_logs_that_take_longer_than_the_time_between_two_rounds_are_read(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tui.app.troubleshoot.screen.LOG_SECONDS", 0.01)

    async def log(with_: dict[str, Any]) -> Any:
        await asyncio.sleep(0.1)
        return {"content": f"a line of {with_['container']}"}

    async with operating(Answers(troubleshoot=copy.deepcopy(REPORT), logs=log)) as walk:
        await walk.press("escape", "right", "right", "right", "enter")
        await walk.sees(*(f"a line of {one['container']}" for one in REPORT["logs"]))


async def test_what_could_not_be_asked_is_a_finding(home: Path) -> None:
    async with operating(
        Answers(troubleshoot=HelperError("The helper ended", "It was killed.", "Look again."))
    ) as walk:
        await walk.until(lambda: "✖ wrong  The helper ended." in walk.text(), "the failure")
        await walk.tab_to("findings")
        await walk.press("enter")
        assert "It was killed." in walk.text()


async def test_home_offers_it_and_takes_a_resource_id(home: Path) -> None:
    app = WizardApp(environ=VARIABLES, helper=Answers(troubleshoot=REPORT))
    async with app.run_test(size=(80, 24)) as pilot:
        walk = Walk(app, pilot)
        await walk.until(lambda: "Troubleshoot an endpoint" in walk.text(), "the entry")
        await walk.press("end", "enter")
        await walk.until(lambda: isinstance(app.screen, ChooseEndpointDialog), "the question")
        await walk.press(*"no", "underscore", "enter")
        await walk.until(lambda: "is not a valid endpoint name" in walk.text(), "what is wrong with it")
        app.screen.query_one("#which").value = ID  # type: ignore[attr-defined]
        await walk.tab_to("which")
        await walk.press("enter")
        await walk.until(lambda: isinstance(app.screen, TroubleshootScreen), "the screen")
        assert walk.store.document.get("workspace.name") == "ws-churn"
        assert walk.store.document.get("endpoint.name") == "churn-01"
        await walk.until(lambda: "1 problem" in walk.text(), "the look")
