"""`deployment.autoscale`: what a plan can say, what is refused at which line, and what Azure gets and gives back."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from test_less_usual import document, resolved, wrong

from tests.published_interfaces import SETTING
from tui.plan import autoscale as own
from tui.plan import autoscale_settings as settings
from tui.plan.autoscale import Autoscale, ScaleRule, Schedule
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.model import Deployment, Endpoint, Plan
from tui.plan.planned_changes import Change, autoscale_change
from tui.plan.time_zones import TIME_ZONES

GROUP = "/subscriptions/s/resourceGroups/g/providers"
ENDPOINT = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/w/onlineEndpoints/e"
BLUE = f"{ENDPOINT}/deployments/blue"
OUT = {"condition": "CpuUtilizationPercentage > 70 avg 5m", "scale": "out 1", "cooldown": 5}
IN = {"condition": "CpuUtilizationPercentage < 30 avg 10m", "scale": "in 20%"}
NIGHT = {"name": "night", "recurrence": "week fri mon", "start": "20:00", "end": "6:00", "minimum": 1, "maximum": 1}
FEAST = {"name": "feast", "start": "2026-12-24T00:00", "end": "2026-12-27T00:00", "minimum": 2, "maximum": 3,
         "timezone": "W. Europe Standard Time"}  # fmt: skip
WANTED: dict[str, Any] = {"minimum": 1, "maximum": 4, "rules": [OUT, IN], "schedule": [NIGHT, FEAST]}
CPU = ScaleRule("CpuUtilizationPercentage", ">", 70.0, "avg", 300.0, "out", 1)


def body(wanted: Autoscale, **tags: str) -> dict[str, Any]:
    """The body for the deployment blue, as published."""
    made = settings.body(wanted, deployment_id=BLUE, endpoint_id=ENDPOINT, name="n", location="westeurope", tags=tags)
    jsonschema.validate(made, SETTING)
    return dict(json.loads(json.dumps(made)))


@pytest.mark.smoke
def test_the_plan_has_limits_rules_and_times(tmp_path: Path) -> None:
    found = resolved(tmp_path, deployment={"autoscale": WANTED}).deployment.autoscale
    assert found == Autoscale(
        1,
        4,
        (CPU, ScaleRule("CpuUtilizationPercentage", "<", 30.0, "avg", 600.0, "in", 20, percent=True, cooldown=300.0)),
        (
            Schedule("night", 1, 1, "20:00", "06:00", ("mon", "fri"), "UTC"),
            Schedule("feast", 2, 3, "2026-12-24T00:00", "2026-12-27T00:00", (), "W. Europe Standard Time"),
        ),
    )
    assert resolved(tmp_path).deployment.autoscale is None


def test_a_metric_is_the_deployments_where_it_has_it() -> None:
    rules = [
        {"condition": f"{metric} >= 1.5 max 1h", "scale": "to 2", **more}
        for metric, more in (
            ("RequestLatency", {}),
            ("RequestsPerMinute", {}),
            ("RequestsPerMinute", {"resource": "endpoint"}),
        )
    ]
    assert own.rules_problem(rules) is None
    made = own.autoscale(1, 2, rules)
    assert [rule.resource for rule in made.rules] == ["endpoint", "deployment", "endpoint"]
    triggers = [rule["metricTrigger"] for rule in body(made)["properties"]["profiles"][0]["rules"]]
    assert [one["metricResourceUri"] for one in triggers] == [ENDPOINT, BLUE, ENDPOINT]
    assert triggers[0]["timeWindow"] == "PT60M"


@pytest.mark.parametrize(
    ("where", "value", "line", "said"),
    [
        (
            "rules",
            [OUT, {**IN, "condition": "CpuUtilisationPercentage < 30 avg 5m"}],
            "CpuUtilisation",
            "Did you mean CpuUtil",
        ),
        ("rules", [{**OUT, "condition": "Cpu > 70 avg 5m"}], "Cpu > 70", "Did you mean CpuUtilizationPercentage?"),
        ("rules", [{**OUT, "resource": "endpoint"}], "condition", "not a metric of an online endpoint"),
        ("rules", [{**OUT, "resource": "workspace"}], "resource", "deployment, endpoint"),
        ("rules", [{**OUT, "condition": "CpuUtilizationPercentage > 70"}], "condition", "METRIC > NUMBER avg TIME"),
        ("rules", [{**OUT, "condition": "CpuUtilizationPercentage > 70 mean 5m"}], "condition", "avg, min, max"),
        ("rules", [{**OUT, "condition": "CpuUtilizationPercentage > 70 avg 1m"}], "condition", "5 minutes to 12 hours"),
        (
            "rules",
            [{**OUT, "condition": "CpuUtilizationPercentage > 70 avg 13h"}],
            "condition",
            "5 minutes to 12 hours",
        ),
        ("rules", [{**OUT, "scale": "up 1"}], "scale", "out 1"),
        ("rules", [{**OUT, "scale": "out 0"}], "scale", "out 1"),
        ("rules", [{**OUT, "cooldown": 0}], "cooldown", "1 to 10080 minutes"),
        ("rules", [{**OUT, "cooldown": 10081}], "cooldown", "1 to 10080 minutes"),
        ("rules", [{**OUT, "cooldwn": 5}], "cooldwn", "Unknown key cooldwn"),
        ("rules", ["CPU"], "CPU", "not a map"),
        ("rules", {"out": 1}, "rules:", "a list"),
        ("rules", [OUT] * 11, "- ", "Azure allows 10"),
        ("schedule", [{**NIGHT, "timezone": "Europe/Paris"}], "timezone", "not a time zone"),
        ("schedule", [{**NIGHT, "timezone": "Romance Time"}], "timezone", "Did you mean Romance Standard Time?"),
        ("schedule", [{**NIGHT, "start": 1200}], "start", "'20:00'"),
        ("schedule", [{**NIGHT, "recurrence": "day"}], "recurrence", "week sat sun"),
        ("schedule", [{**NIGHT, "recurrence": "week someday"}], "recurrence", "week sat sun"),
        ("schedule", [{**NIGHT, "minimum": 0}], "minimum", "from 1 to 50"),
        ("schedule", [{**NIGHT, "minimum": 3}], "minimum", "above the maximum 1"),
        ("schedule", [{**FEAST, "end": "2026-12-01T00:00"}], "end", "not after the start"),
        ("schedule", [{key: part for key, part in FEAST.items() if key != "end"}], "- name", "'2026-12-24T00:00'"),
        ("schedule", [NIGHT, {**NIGHT, "name": "Night"}], "Night", "there twice"),
        ("schedule", [{**NIGHT, "name": "default"}], "name", "a name of its own"),
        ("minimum", 0, "minimum", "from 1 to 50"),
        ("minimum", 5, "minimum", "above the maximum 4"),
        ("maximum", "many", "maximum", "not a whole number"),
    ],
)
def test_what_cannot_be_is_refused_at_its_line(tmp_path: Path, where: str, value: Any, line: str, said: str) -> None:
    given = {"minimum": 1, "maximum": 4, where: value}
    problem = next(one for one in wrong(tmp_path, deployment={"autoscale": given}) if one.key.endswith(where))
    text = (tmp_path / "plan.yml").read_text().splitlines()
    assert said in problem.message
    assert problem.line is not None
    assert line in text[problem.line - 1]


def test_the_count_at_creation_is_between_the_limits_which_both_are_there(tmp_path: Path) -> None:
    one = {"autoscale": {"minimum": 2, "maximum": 4, "rules": [OUT]}}
    (problem,) = wrong(tmp_path, deployment=one)
    assert (problem.key, problem.remedy) == ("deployment.instance_count", "Set 2.")
    assert resolved(tmp_path, deployment={**one, "instance_count": 3}).deployment.instance_count == 3
    (problem,) = wrong(tmp_path, deployment={"autoscale": {"minimum": 1, "rules": [OUT]}})
    assert problem.key == "deployment.autoscale.maximum"
    assert "both" in problem.message


def test_a_reference_in_a_rule_is_resolved(tmp_path: Path) -> None:
    rule = {**OUT, "condition": "CpuUtilizationPercentage > ${env:UAI} avg 5m"}
    (problem,) = wrong(tmp_path, deployment={"autoscale": {"minimum": 1, "maximum": 2, "rules": [rule]}})
    assert "is not a condition" in problem.message  # UAI is no number


def test_a_form_shows_and_reads_one_line(tmp_path: Path) -> None:
    written = document(tmp_path, deployment={"autoscale": WANTED})
    for key in ("rules", "schedule"):
        field = BY_KEY[f"deployment.autoscale.{key}"]
        value = written.get(field.key)
        assert field.parse(field.show(value)) == value
        assert field.check(field.parse(field.help.example)) is None
        assert field.check(field.parse("nothing of the kind")) is not None
    assert "CpuUtilizationPercentage > 70 avg 5m, out 1, cooldown 5; " in BY_KEY["deployment.autoscale.rules"].show(
        WANTED["rules"]
    )


def some(chance: random.Random) -> Autoscale:
    """Any settings that a plan can have."""
    rules = []
    for _ in range(chance.randint(0, 10)):
        resource = chance.choice(own.RESOURCES)
        direction = chance.choice(("out", "in", "to"))
        rules.append(
            ScaleRule(
                chance.choice(own.OF_ENDPOINT if resource == "endpoint" else own.OF_DEPLOYMENT),
                chance.choice(own.OPERATORS),
                chance.choice((0.5, 70.0, 30.25, 100000.0, 123456789.0)),
                chance.choice(own.STATISTICS),
                60.0 * chance.randint(5, 720),
                direction,
                chance.randint(1, 9),
                direction != "to" and chance.random() < 0.3,
                60.0 * chance.randint(1, 10080),
                resource,
            )
        )
    schedule = []
    for number in range(chance.randint(0, 9)):
        days = tuple(day for day in own.DAYS if chance.random() < 0.4)
        start, end = (f"{chance.randint(0, 23):02}:{chance.randint(0, 59):02}" for _ in range(2))
        if not days:
            start, end = f"2026-01-02T{start}", f"2026-02-03T{end}"
        least, zone = chance.randint(1, 5), chance.choice(TIME_ZONES)
        schedule.append(Schedule(f"time {number}", least, least + 3, start, end, days, zone))
    return Autoscale(1, chance.randint(1, 50), tuple(rules), tuple(schedule))


@pytest.mark.parametrize("seed", range(40))
def test_any_settings_come_back_from_azure_and_from_yaml(seed: int) -> None:
    wanted = some(random.Random(seed))
    assert settings.read(body(wanted)) == (wanted, [])
    assert settings.differences(wanted, body(wanted)) == []
    tree = yaml.safe_load(yaml.safe_dump(own.tree(wanted)))
    assert own.rules_problem(tree.get("rules", [])) is own.schedule_problem(tree.get("schedule", [])) is None
    assert own.autoscale(**tree) == wanted


def test_a_time_over_midnight_ends_on_the_following_days() -> None:
    profiles = body(own.autoscale(1, 4, [OUT], [NIGHT]))["properties"]["profiles"]
    assert [one["name"] for one in profiles] == ["default", "night", '{"name": "default", "for": "night"}']
    assert [one["recurrence"]["schedule"]["days"] for one in profiles[1:]] == [
        ["Monday", "Friday"],
        ["Tuesday", "Saturday"],
    ]
    assert [one["recurrence"]["schedule"]["hours"] for one in profiles[1:]] == [[20], [6]]
    assert [one["capacity"]["maximum"] for one in profiles] == ["4", "1", "4"]
    assert profiles[2]["rules"] == profiles[0]["rules"] != []
    by_day = body(own.autoscale(1, 4, [OUT], [{**NIGHT, "end": "23:00"}]))["properties"]["profiles"]
    assert by_day[1]["recurrence"]["schedule"]["days"] == by_day[2]["recurrence"]["schedule"]["days"]


# Settings of others. The facts are those of Microsoft's pages on autoscale: what the portal, az and the SDK write.


def of_others() -> dict[str, Any]:
    """A setting as the portal makes it: no profile without a time, the others' end in a profile named in JSON."""
    made = body(own.autoscale(1, 4, [OUT, IN], [{**NIGHT, "end": "23:00"}]))
    del made["properties"]["profiles"][0]
    for one in made["properties"]["profiles"]:
        one["name"] = one["name"].replace('"default"', '"Auto created default scale condition"')
    made["properties"]["notifications"] = [{"operation": "Scale", "email": {"customEmails": ["a@b.c"]}}]
    return made


def test_a_setting_of_the_portal_is_understood() -> None:
    found, notes = settings.read(of_others())
    assert found == own.autoscale(1, 4, [OUT, IN], [{**NIGHT, "end": "23:00"}])
    assert notes == ["its notifications"]
    assert settings.differences(found, of_others()) == []


def test_the_example_of_the_api_description_is_read_as_far_as_a_plan_goes() -> None:
    """Autoscale Settings 2022-10-01, the example of the list: of a scale set, a time in 2015, Mondays as "1"."""
    machine = f"{GROUP}/Microsoft.Compute/virtualMachineScaleSets/testingsc"
    made = body(Autoscale(1, 10, (CPU,)))
    (profile,) = made["properties"]["profiles"]
    profile["rules"][0]["metricTrigger"].update(
        metricResourceUri=machine, metricName="Percentage CPU", timeGrain="PT2M"
    )
    adios = {**profile, "name": "adios", "fixedDate": {
        "timeZone": "UTC", "start": "2015-03-05T14:00:00Z", "end": "2015-03-05T14:30:00Z"}}  # fmt: skip
    weekly = {"timeZone": "UTC", "days": ["1"], "hours": [5], "minutes": [15]}
    saludos = {**profile, "name": "saludos", "recurrence": {"frequency": "Week", "schedule": weekly}}
    made["properties"].update(profiles=[adios, saludos], predictiveAutoscalePolicy={"scaleMode": "Enabled"})
    jsonschema.validate(made, SETTING)
    found, notes = settings.read(made)
    assert found == Autoscale(1, 10, (), (Schedule("adios", 1, 10, "2015-03-05T14:00", "2015-03-05T14:30"),))
    assert len(notes) == 3
    for part in ("its prediction", "Percentage CPU", "saludos"):
        assert any(part in note for note in notes)


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("enabled",), False, "switched off"),
        (("profiles", 0, "rules", 0, "metricTrigger", "dividePerInstance"), True, "dividePerInstance of"),
        (("profiles", 0, "rules", 0, "metricTrigger", "dimensions"), [{"DimensionName": "d"}], "dimensions"),
        (("profiles", 0, "rules", 0, "metricTrigger", "statistic"), "Max", "statistic of"),
        (("profiles", 0, "rules", 0, "metricTrigger", "timeGrain"), "PT5M", "timeGrain of"),
        (("profiles", 0, "rules", 0, "scaleAction", "type"), "ServiceAllowedNextValue", "does not know"),
        (("profiles", 1, "rules"), [], "rules of its profile night"),
        (("profiles", 1, "recurrence", "schedule", "hours"), [1, 2], "profile night"),
        # As az writes such a time: on the same days, where it would last for most of the week.
        (("profiles", 2, "recurrence", "schedule", "days"), ["Monday", "Friday"], "profile night"),
        (("profiles", 2, "capacity", "maximum"), "9", "limits and rules after"),
        (("profiles", 0, "capacity", "default"), "3", "3 instances"),
    ],
)
def test_what_a_plan_cannot_say_is_named_and_would_be_changed(path: tuple[Any, ...], value: Any, said: str) -> None:
    wanted = own.autoscale(1, 4, [OUT, IN], [{**NIGHT, "maximum": 2}])
    made = body(wanted)
    # A rule is changed in all profiles: a plan's times have the same rules.
    paths = [(path[0], number, *path[2:]) for number in range(3)] if "rules" in path[2:-1] else [path]
    for one in paths:
        node: Any = made["properties"]
        for key in one[:-1]:
            node = node[key]
        node[one[-1]] = value
    _, notes = settings.read(made)
    assert len(notes) == 1
    assert said in notes[0]
    # Nothing is changed because of what Azure does without metrics: that is no attribute of a plan.
    assert bool(settings.differences(wanted, made)) == (path[-1] != "default")


# Planned changes


def change(wanted: Autoscale | None, setting: dict[str, Any] | None) -> Change | None:
    plan = Plan(endpoint=Endpoint(name="e"), deployment=Deployment(name="blue", autoscale=wanted))
    return autoscale_change(plan, {"name": "blue", "autoscale_setting": setting})


def test_the_difference_is_told_by_attribute() -> None:
    now = own.autoscale(1, 4, [OUT, IN], [NIGHT, FEAST])
    more = ScaleRule("RequestLatency", ">", 200.0, "avg", 300.0, "out", 1)
    then = replace(now, maximum=6, rules=(*now.rules[1:], more), schedule=now.schedule[:1])
    found = change(then, body(now))
    assert found is not None
    assert (found.resource, found.name, found.action) == ("autoscale", "blue", "change")
    told = {one.field: (one.before, one.after) for one in found.changes}
    assert told.keys() == {"maximum", "rules.1", "schedule.feast"}
    assert told["maximum"] == (4, 6)
    assert told["rules.1"][0].startswith("CpuUtilizationPercentage > 70 avg 5m, out 1")
    assert told["rules.1"][1] == "RequestLatency > 200 avg 5m, out 1, cooldown 5"
    assert told["schedule.feast"][1] is None


def test_order_of_rules_and_times_is_no_difference() -> None:
    now = own.autoscale(1, 4, [OUT, IN], [NIGHT, FEAST])
    found = change(replace(now, rules=now.rules[::-1], schedule=now.schedule[::-1]), body(now))
    assert found is not None
    assert found.action == "skip"


def test_what_a_run_made_goes_with_the_plans_and_what_others_made_stays() -> None:
    now = own.autoscale(1, 4, [OUT, IN])
    created = change(now, None)
    assert created is not None
    assert (created.action, [one.before for one in created.changes]) == ("create", [None] * 4)
    assert change(None, None) is change(None, body(now)) is change(None, body(now, team="ml")) is None
    removed = change(None, body(now, **{"aml-deploy": "1.0"}))
    assert removed is not None
    assert "removed" in removed.why
    assert {one.field for one in removed.changes} == {"minimum", "maximum", "rules.1", "rules.2"}
    assert {one.after for one in removed.changes} == {None}
