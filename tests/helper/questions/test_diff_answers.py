"""Who changed an endpoint since its last run, where the activity log is long or names differ in case."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from tui.cloud.endpoints.deployments import DeploymentInfo
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.endpoints.kept_plans import KeptPlan
from tui.cloud.endpoints.scaling import Autoscale
from tui.cloud.monitor import activity_log
from tui.helper.questions.diff import diff_of_endpoint
from tui.plan.model import Endpoint, Plan, Workspace

PATH = "/subscriptions/s/resourceGroups/g/providers/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints"
KEPT = {"name": "blue", "instance_type": "Standard_DS3_v2", "instance_count": 1}
OTHERS = 600  # records of the same resource group


def record(resource: str, caller: str, at: str) -> dict[str, Any]:
    return {
        "resourceId": resource, "caller": caller, "eventTimestamp": at, "status": {"value": "Succeeded"},
        "operationName": {"value": "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/write"},
    }  # fmt: skip


class Records:
    """Resource Manager's list of the activity log, newest first."""

    def items(self, *_: Any) -> Iterator[dict[str, Any]]:
        for number in range(OTHERS):
            yield record(f"{PATH}/other/deployments/d{number}", "bob", "2026-11-20T10:00:00Z")
        yield record(f"{PATH}/churn/deployments/BLUE", "ann@contoso.com", "2026-11-10T10:00:00Z")


@pytest.fixture
def rules(monkeypatch: pytest.MonkeyPatch) -> list[Autoscale]:
    """The rules of an endpoint whose deployment has three instances; its run made one."""
    found: list[Autoscale] = []
    blue = DeploymentInfo(
        "blue", f"{PATH}/churn/deployments/blue", "Succeeded", "Standard_DS3_v2", 3, None, None, None, None, {}, None,
        False, "", {},
    )  # fmt: skip
    churn = EndpointInfo(
        "churn", f"{PATH}/churn", "Succeeded", None, "key", "enabled", "", {}, {}, "eastus", deployments=[blue]
    )
    plan = Plan(workspace=Workspace("s", "g", "w"), endpoint=Endpoint(name="churn"))
    cloud = SimpleNamespace(plan=plan, workspace_id=PATH.rpartition("/")[0], arm=Records())
    kept = KeptPlan("20261101-000000-abc", "blue", "2026-11-01T00:00:00Z", "ann@host", "hash", "")
    tree = {"endpoint": {"name": "churn"}, "deployment": KEPT}
    for name, answer in (
        ("tui.helper.sessions.cloud_of", cloud),
        ("tui.cloud.endpoints.endpoints.read", churn),
        ("tui.cloud.endpoints.scaling.autoscale", found),
        ("tui.cloud.endpoints.kept_plans.listed", [kept]),
        ("tui.cloud.endpoints.kept_plans.read", {"document": tree, "assets": {}}),
        ("tui.checks.troubleshoot.snapshot.told_of_each", {}),
    ):
        monkeypatch.setattr(name, lambda *_, answer=answer: answer)
    return found


def count() -> tuple[tuple[Any, ...], str]:
    """What is told of the number of instances, and the reason."""
    answer = diff_of_endpoint({})
    (one,) = [one for one in answer["changes"] if one["field"] == "instance_count"]
    return (one["before"], one["after"], one["by"], one["who"]), answer["reason"]


def test_a_change_is_found_behind_hundreds_of_others(rules: list[Autoscale]) -> None:
    assert count() == ((1, 3, "hand", "ann@contoso.com"), "")


def test_a_log_that_was_not_read_to_its_end_is_said(rules: list[Autoscale], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(activity_log, "MOST_OF_SUBSCRIPTION", OTHERS)
    told, reason = count()
    assert told[2] == "unknown" and reason.startswith("The activity log was read back to 2026-11-20")


def test_a_rule_names_its_deployment_in_any_case(rules: list[Autoscale]) -> None:
    rules.append(Autoscale("by-load", "BLUE", True, 1, 5))
    assert count()[0] == (1, 3, "autoscale", "by-load")
