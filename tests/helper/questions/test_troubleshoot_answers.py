"""What `troubleshoot` answers from a snapshot, the fixes it carries out, and the endpoint that a URL belongs to."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from types import SimpleNamespace
from typing import Any

import pytest

from tui.checks.troubleshoot.snapshot import Log, Snapshot, Unseen
from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.errors import CloudError
from tui.cloud.monitor.activity_log import Change
from tui.cloud.monitor.log_analytics import CONSOLE, Diagnostics, Kept
from tui.cloud.monitor.metrics import Hour
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.helper.questions import troubleshoot as question
from tui.plan.model import Endpoint, Plan, Workspace
from tui.plan.sizes import price_per_hour
from tui.remedies.matcher import match

SIZE = "Standard_DS3_v2"
PRICE = price_per_hour(SIZE, "eastus") or 0.0


def deployment(name: str = "blue", size: str = SIZE, count: int = 2) -> DeploymentInfo:
    return DeploymentInfo(
        name, f"/d/{name}", "Succeeded", size, count, "m", "e", "c", "score.py", {}, "enabled", False, "", {}
    )


def endpoint(*deployments: DeploymentInfo, uri: str | None = "https://x/score", name: str = "churn") -> EndpointInfo:
    return EndpointInfo(
        name, f"/e/{name}", "Succeeded", uri, "key", "disabled", "", {}, {"blue": 90}, "eastus",
        mirror_traffic={"green": 10}, deployments=list(deployments),
    )  # fmt: skip


CLOUD = SimpleNamespace(
    plan=Plan(workspace=Workspace("s", "rg", "ws"), endpoint=Endpoint(name="churn")),
    metadata=SimpleNamespace(studio="https://studio", portal="https://portal"),
    workspace_id="/w",
)


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The plans whose connections were dropped; connections lead nowhere."""
    dropped: list[Any] = []
    monkeypatch.setattr("tui.helper.sessions.cloud_of", lambda plan: CLOUD)
    monkeypatch.setattr("tui.helper.sessions.forget", dropped.append)
    return dropped


def answer(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    asked: dict[str, Any] = {}

    def look(cloud: Any, name: str, **options: Any) -> Snapshot:
        asked.update(options, name=name)
        return snapshot

    monkeypatch.setattr("tui.checks.troubleshoot.snapshot.look", look)
    found = question.troubleshoot({})
    assert asked == {"name": "churn", "body": None, "pinned": None, "lines": 300}, "no test call unless asked for"
    return found


def test_what_could_not_be_read_is_none(forgotten: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    failed = Snapshot("churn", failure=CloudError("Refused"), unseen=[Unseen("logs", "no role")])
    found = answer(failed, monkeypatch)
    nothing = ("workspace", "endpoint", "cost", "history", "metrics", "diagnostics", "log_analytics")
    assert {key: found[key] for key in nothing} == dict.fromkeys(nothing)
    assert (found["deployments"], found["logs"], found["principal"]) == ([], [], "")
    assert found["unseen"][0]["what"] == "logs"
    assert len(forgotten) == 1, "the next question signs in again"


def test_what_was_read_is_told(forgotten: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    recent = (datetime.now(timezone.utc) - timedelta(hours=2)).strftime("%Y-%m-%dT%H:%M:%S.123Z")
    snapshot = Snapshot(
        "churn",
        endpoint=endpoint(deployment(), deployment("blue-green", "Standard_Unheard_v9"), deployment("amber", count=1)),
        workspace=WorkspaceInfo("/w", "ws", "eastus", "legacy", "Disabled", None, None, "https://studio", "Legacy."),
        told={"": {"created_at": recent, "created_by": "ann"}, "blue": {"created_at": recent}},
        logs=[Log("blue", "inference-server", "x" * 200_000 + "end")],
        changes=[Change("t", "Write", "x/write", "/e/churn", "Succeeded")],
        hour=Hour("a", "b"),
        diagnostics=Diagnostics(("/la",), (CONSOLE,), ("s",)),
        kept=Kept(),
        autoscale=[Autoscale("a", "blue", True, 1, 4), Autoscale("b", "amber", True, 2, 3)],
    )
    found = answer(snapshot, monkeypatch)
    assert forgotten == []
    assert (found["workspace"]["name"], found["workspace"]["isolation"]) == ("ws", "legacy")
    assert "portal_url" not in found["workspace"], "the report has the endpoint's address"
    assert (found["history"][0]["action"], found["metrics"]["begin"]) == ("x/write", "a")
    assert (found["diagnostics"]["on"], found["log_analytics"]["lines"]) == (True, [])
    assert len(found["logs"][0]["content"]) == 200_000
    assert found["logs"][0]["content"].endswith("xend")
    assert found["endpoint"]["created_by"] == "ann"
    assert 7190 < found["endpoint"]["age_seconds"] < 7800

    rows = {row["name"]: row for row in found["deployments"]}
    assert {name: (row["traffic"], row["mirror_traffic"]) for name, row in rows.items()} == {
        "blue": (90, 0), "blue-green": (0, 0), "amber": (0, 0),
    }  # fmt: skip
    assert [row["price_per_hour"] for row in rows.values()] == [round(2 * PRICE, 4), None, round(PRICE, 4)]
    assert {name: [rule["maximum"] for rule in row["autoscale"]] for name, row in rows.items()} == {
        "blue": [4], "blue-green": [], "amber": [3],
    }  # fmt: skip
    assert rows["amber"]["age_seconds"] is None, "nothing tells when it was made"


@pytest.mark.parametrize(
    ("deployments", "hour"),
    [
        ((), 0),
        ((deployment(),), 2 * PRICE),
        ((deployment(), deployment("green", count=3)), 5 * PRICE),
        ((deployment(count=0),), 0),
        ((deployment(), deployment("green", "Standard_Unheard_v9")), None),
    ],
)
def test_the_cost_of_all_instances_is_known_if_each_size_has_a_price(
    deployments: tuple[DeploymentInfo, ...], hour: float | None
) -> None:
    found = question.cost(endpoint(*deployments))
    assert found["per_hour"] == (None if hour is None else round(hour, 4))
    assert found["per_month"] == (None if hour is None else round(hour * 730, 2))
    assert found["currency"] and found["note"]


@pytest.mark.parametrize("text", ["", "2026-01-02", "yesterday", "2026-13-02T03:04:05Z"])
def test_what_is_no_time_has_no_age(text: str) -> None:
    assert question.age(text) is None


def test_the_age_is_never_negative() -> None:
    """The clock of this machine may be behind Azure's."""
    assert question.age((datetime.now(timezone.utc) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")) == 0
    assert question.age("2020-01-01T00:00:00") == pytest.approx(question.age("2020-01-01T00:00:00.987654+00:00"), abs=5)


# Errors that the catalogue knows


@pytest.mark.parametrize(
    ("text", "code", "known"),
    [
        ("", None, False),
        (" \n", None, False),
        ("", "AADSTS7000215", True),
        ("AADSTS7000215: Invalid client secret.", None, True),
        ("nothing that anybody knows", None, False),
        ("nothing that anybody knows", "UnheardOf", False),
    ],
)
def test_an_error_is_recognised_by_its_text_or_its_code(text: str, code: str | None, known: bool) -> None:
    assert (question.recognise(text, code, {}) is not None) is known


def test_of_several_matches_the_best_is_told() -> None:
    both = "AADSTS7000215: Invalid client secret."
    best, *others = match(both, code="OutOfQuota", facts={})
    assert others, "the test needs a text that several entries match"
    assert question.recognise(both, "OutOfQuota", {}) == best.as_dict()


# Fixes, and the endpoint of a URL


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ({"path": "/k"}, ("primary", "/k")),
        ({"path": "/k", "which": ""}, ("primary", "/k")),
        ({"path": "/k", "which": "secondary"}, ("secondary", "/k")),
    ],
)
def test_a_key_is_written_the_primary_unless_named(
    arguments: dict[str, str], written: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, str]] = []
    monkeypatch.setattr(
        "tui.helper.questions.removal_and_keys.put_key", lambda plan, which, path: asked.append((which, path))
    )
    done = question.apply_fix({}, "write_key", arguments)["done"]
    assert asked == [written]
    assert written[0] in done and written[1] in done


@pytest.mark.parametrize("action", ["traffic", "zero_traffic"])
@pytest.mark.parametrize("arguments", [{"a": 1}, None])
def test_every_other_fix_is_carried_out_on_the_plans_endpoint(
    forgotten: list[Any], action: str, arguments: dict[str, Any] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "tui.checks.troubleshoot.apply_fix.apply_fix", lambda cloud, name, action, given: f"{name} {action} {given}"
    )
    assert question.apply_fix({}, action, arguments) == {"done": f"churn {action} {arguments or {}}"}


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://b/score", "b"),
        ("https://b/score/", "b"),
        ("https://a/score", "a"),
        ("https://c/score", "c"),
        ("https://nobody/score", ""),
        ("https://b/scor", ""),
    ],
)
def test_an_endpoint_is_found_by_its_scoring_url(
    forgotten: list[Any], url: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [endpoint(uri=None, name="new"), *(endpoint(uri=f"https://{one}/score", name=one) for one in "ac")]
    there.append(endpoint(uri="https://b/score/", name="b"))
    monkeypatch.setattr("tui.cloud.endpoints.endpoints.list_all", lambda cloud: there)
    assert question.endpoint_of_url({}, url) == {"name": name, "names": ["new", "a", "c", "b"]}
