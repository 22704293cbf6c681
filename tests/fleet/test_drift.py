"""Where a change comes from, where the rehearsal cannot show it: Azure's services, deletions, no kept plan."""

from __future__ import annotations

from typing import Any

import pytest

from tui.cloud.monitor.activity_log import Change as Entry
from tui.fleet.drift import SETTING, Kept, after, changes_since, changes_told_apart
from tui.plan.autoscale import Autoscale
from tui.plan.model import Deployment, Plan
from tui.plan.planned_changes import Change, FieldChange

DEPLOYMENT = "/x/onlineEndpoints/churn/deployments/blue"
COUNT = [Change("deployment", "blue", "change", [FieldChange("instance_count", 3, 1)])]


def entry(caller: str, action: str = "deployments/write", time: str = "2026-11-23T10:00:00Z") -> Entry:
    return Entry(time, "", action, DEPLOYMENT, "Succeeded", caller)


@pytest.mark.parametrize(
    ("log", "by", "who"),
    [
        ([entry("ann@contoso.com")], "hand", "ann@contoso.com"),
        ([entry("bob@contoso.com"), entry("ann@contoso.com")], "hand", "bob@contoso.com or ann@contoso.com"),
        ([entry("Microsoft.Insights/autoscaleSettings")], "autoscale", "Microsoft.Insights/autoscaleSettings"),
        ([entry("Microsoft.MachineLearningServices")], "azure", "Microsoft.MachineLearningServices"),
        ([entry("Microsoft.MachineLearningServices"), entry("ann@contoso.com")], "hand", "ann@contoso.com"),
        ([], "unknown", ""),
    ],
)
def test_who_changed_what_the_last_run_had_made(log: list[Entry], by: str, who: str) -> None:
    (found,) = changes_told_apart(COUNT, COUNT, {}, log)
    assert (found["by"], found["who"], found["apply"]) == (by, who, True)


def test_without_a_kept_plan_nothing_is_guessed() -> None:
    (found,) = changes_told_apart(COUNT, None, {}, [entry("ann@contoso.com")])
    assert (found["by"], found["who"]) == ("unknown", "")


def test_a_deployment_that_somebody_deleted_is_new_by_hand() -> None:
    new: list[Any] = [Change("deployment", "blue", "create")]
    gone = entry("ann@contoso.com", "deployments/delete")
    for kept in (new, None):
        (found,) = changes_told_apart(new, kept, {}, [gone])
        assert (found["by"], found["who"], found["action"]) == ("hand", "ann@contoso.com", "create")
    (found,) = changes_told_apart(new, [], {}, [])
    assert found["by"] == "plan"


def test_the_runs_own_change_of_the_traffic_is_nobodys() -> None:
    own, later = entry("ci", time="2026-11-23T10:00:30Z"), entry("ann", time="2026-11-23T10:00:40Z")
    assert after([later, own], "2026-11-23T10:00:00Z") == [later]
    assert after([own], "2026-11-23T10:00:35Z") == []
    assert after([entry("bob", time="2026-11-23T12:00:00Z"), later], "2026-11-23T10:00:00Z")[0].caller == "bob"


def test_what_an_earlier_plan_left_is_nobodys_change() -> None:
    left = [Change("deployment", "blue", "change", [FieldChange("tags.team", "a", None)])]
    assert changes_told_apart([], left, {}, []) == []
    (found,) = changes_told_apart([], left, {}, [entry("ann")])
    assert (found["field"], found["before"], found["after"], found["by"]) == ("tags.team", None, "a", "hand")


def test_rules_that_somebody_has_changed_since_the_last_run_are_told() -> None:
    blue = Deployment("blue", autoscale=Autoscale(1, 3))
    capacity = {"minimum": "1", "maximum": "5", "default": "1"}
    setting = {"name": "s", "properties": {"enabled": True, "profiles": [{"capacity": capacity, "rules": []}]}}
    there = {"name": "blue", "autoscale_setting": setting}
    kept = {"": Kept(Plan(deployment=blue), {}), "blue": Kept(Plan(deployment=blue), {})}
    endpoint = {"name": "", "tags": {}, "deployments": [there]}
    since = [one for one in changes_since(kept, endpoint) if one.resource == "autoscale"]
    by = Entry("2026-11-23T10:00:00Z", "", "systemData/write", DEPLOYMENT + SETTING, "Succeeded", "ann")
    (found,) = changes_told_apart([], since, {}, [by])
    assert {key: found[key] for key in ("field", "before", "after", "by", "who", "apply")} == {
        "field": "maximum", "before": 3, "after": 5, "by": "hand", "who": "ann", "apply": False,
    }  # fmt: skip
    (found,) = changes_told_apart([], since, {}, [entry("bob")])
    assert found["by"] == "unknown", "a record of the deployment is none of its setting"
