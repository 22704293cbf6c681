"""Autoscale rules of a plan, as `apply` sets them in Azure and as they end."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from commands import aml_deploy, json_lines

from tests.engine.azure_state import Azure
from tests.published_interfaces import SETTING
from tui.engine import start_stop
from tui.engine.journal import runs
from tui.plan.presets import find

NAME = "scaled-by-rules"
SETTINGS = "providers/Microsoft.Insights/autoscaleSettings"
RULES = [
    {"condition": "CpuUtilizationPercentage > 70 avg 5m", "scale": "out 1", "cooldown": 5},
    {"condition": "RequestLatency > 800 max 10m", "scale": "out 50%", "cooldown": 10},
    {"condition": "CpuUtilizationPercentage < 30 avg 5m", "scale": "in 1", "cooldown": 5},
]
NIGHT = {"name": "night", "recurrence": "week mon tue", "start": "20:00", "end": "06:00", "minimum": 1, "maximum": 1}
LIMITS: dict[str, Any] = {"minimum": 1, "maximum": 3}
OWN = f"autoscale-{NAME}-blue"


@dataclass
class Place:
    """A plan whose endpoint all tests of this module share."""

    folder: Path
    environ: dict[str, str]
    azure: Azure

    def plan(self, autoscale: dict[str, Any] | None, **more: Any) -> Path:
        """The plan with these autoscale settings."""
        tree = yaml.safe_load((self.folder / "own-score.yml").read_text(encoding="utf-8"))
        tree["endpoint"]["name"] = NAME
        del tree["deployment"]["egress_public_network_access"]  # which would choose another workspace than `azure`'s
        tree["deployment"].update({"autoscale": autoscale} if autoscale else {})
        tree.update(more)
        (self.folder / "plan.yml").write_text(yaml.safe_dump(tree), encoding="utf-8")
        return self.folder / "plan.yml"

    def run(self, command: str, autoscale: dict[str, Any] | None, *more: str) -> subprocess.CompletedProcess[str]:
        given = (command, self.plan(autoscale), "--rehearse", *more)
        return aml_deploy(*given, environ=self.environ, timeout=300)

    def apply(self, autoscale: dict[str, Any] | None, *more: str) -> list[dict[str, Any]]:
        """The events of a run that succeeded."""
        done = self.run("apply", autoscale, "--yes", "--json", *more)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr
        return json_lines(done.stdout)

    def by_hand(self, name: str, **limits: str) -> dict[str, Any]:
        """Somebody sets rules of blue in a setting of another name."""
        target = self.azure.get(f"onlineEndpoints/{NAME}/deployments/blue")["id"].upper()
        capacity = {"minimum": "1", "maximum": "2", "default": "1", **limits}
        properties: dict[str, Any] = {
            "profiles": [{"name": "p", "rules": [], "capacity": capacity}],
            "targetResourceUri": target.replace("/SUBSCRIPTIONS/", "/subscriptions/"),
            "notifications": [{"operation": "Scale", "email": {"customEmails": ["ann@contoso.com"]}}],
        }
        self.azure.put_in_group(
            f"{SETTINGS}/{name}", {"location": "eastus", "tags": {"a": "b"}, "properties": properties}
        )
        return properties

    def settings(self) -> dict[str, dict[str, Any]]:
        """The settings of this endpoint's deployments, by name."""
        return {
            one["name"]: one
            for one in self.azure.listed_in_group(SETTINGS)
            if f"/onlineendpoints/{NAME}/" in one["properties"]["targetResourceUri"].lower()
        }

    def count(self) -> int:
        """The number of blue's instances."""
        return int(self.azure.get(f"onlineEndpoints/{NAME}/deployments/blue")["sku"]["capacity"])


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, rehearsing: dict[str, str], rehearsal_env: dict[str, str]
) -> Iterator[tuple[Place, list[dict[str, Any]]]]:
    folder, preset = tmp_path_factory.mktemp("scaled"), find("own-score")
    assert preset is not None
    shutil.copytree(preset.path.with_suffix(""), folder / "own-score")
    shutil.copy(preset.path, folder)
    here = Place(folder, rehearsing, Azure(rehearsal_env))
    yield here, here.apply({**LIMITS, "rules": RULES, "schedule": [NIGHT]})
    for name in here.settings():
        here.azure.delete_in_group(f"{SETTINGS}/{name}")
    here.azure.remove(NAME)


@pytest.fixture
def place(made: tuple[Place, list[dict[str, Any]]]) -> Place:
    return made[0]


def of(events: list[dict[str, Any]], task: str) -> tuple[str, str]:
    """What a task did, and how it ended."""
    (end,) = [one for one in events if one["event"] == "task_finished" and one["task"] == task]
    return [one["action"] for one in events if one["event"] == "task_started" and one["task"] == task][-1], end[
        "status"
    ]


def test_the_rules_are_set_before_the_traffic(made: tuple[Place, list[dict[str, Any]]]) -> None:
    place, events = made
    ends = [one["task"] for one in events if one["event"] == "task_finished"]
    assert ends[-4:] == ["deployment", "autoscale", "traffic", "test"]
    assert of(events, "autoscale") == ("create", "succeeded")
    setting = place.settings()[OWN]
    jsonschema.validate(setting, SETTING)
    assert setting["tags"]["aml-deploy-run"] == events[0]["run"]
    assert setting["location"] == "eastus"
    first = setting["properties"]["profiles"][0]
    assert first["capacity"] == {"minimum": "1", "maximum": "3", "default": "1"}
    deployment = place.azure.get(f"onlineEndpoints/{NAME}/deployments/blue")["id"]
    assert [rule["metricTrigger"]["metricResourceUri"].lower() for rule in first["rules"]] == [
        deployment.lower(), deployment.partition("/deployments/")[0].lower(), deployment.lower(),
    ]  # fmt: skip
    assert len(setting["properties"]["profiles"]) == 3, "the night begins and ends"


def test_the_same_rules_are_not_set_again_and_others_are(place: Place) -> None:
    rules = {**LIMITS, "rules": RULES, "schedule": [NIGHT]}
    assert of(place.apply(rules), "autoscale") == ("skip", "skipped")
    changed = {**rules, "maximum": 4}
    diff = place.run("diff", changed, "--json")
    assert [(one["resource"], one["field"], one["after"]) for one in json_lines(diff.stdout)[:-1]] == [
        ("autoscale", "maximum", 4)
    ]
    events = place.apply(changed)
    assert (of(events, "autoscale"), of(events, "deployment")) == (("change", "succeeded"), ("skip", "skipped"))
    assert place.settings()[OWN]["properties"]["profiles"][0]["capacity"]["maximum"] == "4"
    assert json_lines(place.run("diff", changed, "--json").stdout)[:-1] == []

    setting = place.settings()[OWN]
    for profile in (setting["properties"]["profiles"][number] for number in (0, 2)):  # by day, and after the night
        profile["capacity"]["maximum"] = "5"
    place.azure.put_in_group(f"{SETTINGS}/{OWN}", setting)
    (told,) = json_lines(place.run("diff", changed, "--json").stdout)[:-1]
    assert [told[key] for key in ("field", "before", "after", "by", "apply")] == ["maximum", 5, 4, "hand", True]
    assert told["who"] == setting["systemData"]["createdBy"], "the plan of the last run had 4"


def test_rules_that_the_plan_no_longer_has_end(place: Place) -> None:
    place.apply({**LIMITS, "rules": RULES})
    events = place.apply(None)
    assert of(events, "deployment") == ("change", "succeeded")
    assert place.settings() == {}
    assert of(place.apply(None), "deployment") == ("skip", "skipped")


def test_rules_made_by_hand_are_kept_unless_the_plan_has_some(place: Place) -> None:
    place.apply(None)
    properties = place.by_hand("by-load", minimum="2", default="2")
    until(lambda: place.count() == 2)
    assert of(place.apply(None), "deployment") == ("skip", "skipped")
    assert (list(place.settings()), place.count()) == (["by-load"], 2)
    told = json_lines(place.run("diff", None, "--json").stdout)
    assert [(one["field"], one["by"], one["who"], one["apply"]) for one in told[:-1]] == [
        ("instance_count", "autoscale", "by-load", False)
    ]

    events = place.apply({**LIMITS, "rules": RULES[:1]})
    assert of(events, "autoscale") == ("change", "succeeded")
    ((name, setting),) = place.settings().items()
    assert (name, setting["tags"], place.count()) == ("by-load", {"a": "b"}, 2), "the count is the rules'"
    assert len(setting["properties"]["profiles"][0]["rules"]) == 1
    assert setting["properties"]["notifications"] == properties["notifications"]

    place.apply(None)
    assert list(place.settings()) == ["by-load"], "somebody else's, although a run has changed it"
    place.azure.delete_in_group(f"{SETTINGS}/by-load")


def test_who_may_not_set_rules_is_told_before_anything_is_made(place: Place) -> None:
    denied = aml_deploy("rehearsal", "--deny", "Microsoft.Insights/autoscaleSettings/write", environ=place.environ)
    assert denied.returncode == 0, denied.stderr
    try:
        done = place.run("check", {**LIMITS, "rules": RULES}, "--json")
        without = place.run("check", None, "--json")
        pages = place.run("requests", {**LIMITS, "rules": RULES})
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=place.environ)
    assert done.returncode == 3
    (found,) = [one for one in json_lines(done.stdout) if one.get("severity") == "blocker"]
    assert found["id"] == "autoscale-role"
    assert "--role Contributor --scope /subscriptions/" in found["remedy"], found
    assert "Microsoft.MachineLearningServices" not in found["remedy"], "the settings are in the resource group"
    assert without.returncode == 0, without.stdout
    assert "Microsoft.Insights/autoscaleSettings/write" in pages.stdout, pages.stdout


def test_a_run_killed_after_the_request_goes_on_as_if_nothing_had_happened(place: Place) -> None:
    place.apply(None)
    events = place.apply({**LIMITS, "rules": RULES})
    run = runs.read(Path(events[0]["state"]))
    assert run is not None
    (intent,) = [one["seq"] for one in events if one["event"] == "task_intent" and one["task"] == "autoscale"]
    for file in (run.folder / "journal").iterdir():
        file.unlink()
    kept = "".join(f"{json.dumps(one)}\n" for one in events if one["seq"] <= intent)
    (run.folder / "journal" / "00000001.jsonl").write_text(kept, encoding="utf-8")

    again = aml_deploy("attach", run.id, "--json", environ=place.environ, timeout=300)
    assert again.returncode == 0, again.stdout[-3000:]
    after = json_lines(again.stdout)
    assert of(after, "autoscale") == ("skip", "succeeded")
    assert sum(one["event"] == "task_intent" and one["task"] == "autoscale" for one in after) == 1
    assert place.settings()[OWN]["tags"]["aml-deploy-run"] == run.id


def test_rules_go_with_a_deployment_that_is_cleaned_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AML_DEPLOY_HOME", place.environ["AML_DEPLOY_HOME"])
    place.apply({**LIMITS, "rules": RULES})
    slow = place.plan({**LIMITS, "rules": RULES}, rollout={"steps": [50, 100], "pause": "10m", "probe_every": "1s"})
    given = ("apply", slow, "--as", "green", "--rehearse", "--yes", "--detach", "--json")
    started = aml_deploy(*given, environ=place.environ, timeout=300)
    assert started.returncode == 0, started.stdout + started.stderr
    run = runs.read(Path(json_lines(started.stdout)[0]["state"]))
    assert run is not None
    until(lambda: [one for one in run.journal.read() if one["event"] == "traffic_shift"])
    assert set(place.settings()) == {OWN, f"autoscale-{NAME}-green"}
    assert start_stop.stop(run, clean_up=True)
    until(lambda: [one for one in run.journal.read() if one["event"] == "run_finished"])
    assert [one["name"] for one in run.journal.read() if one["event"] == "task_removed"] == [
        f"autoscale-{NAME}-green", "green",
    ]  # fmt: skip
    assert set(place.settings()) == {OWN}, "blue's are another run's"


def until(seen: Any) -> None:
    end = time.monotonic() + 120
    while not seen():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_rules_go_with_a_deployment_that_is_removed_unless_made_by_hand(place: Place) -> None:
    place.apply({**LIMITS, "rules": RULES})
    planned = place.run("remove", None, "--dry-run")
    assert f"with its autoscale setting {OWN}" in planned.stdout, planned.stdout
    done = place.run("remove", None, "--yes")
    assert done.returncode == 0, done.stderr
    assert f"removed  autoscale setting {OWN}" in done.stdout, done.stdout
    assert place.settings() == {}

    place.apply(None)
    place.by_hand("by-night")
    done = place.run("remove", None, "--yes")
    assert "autoscale setting" not in done.stdout.partition("left ")[0], done.stdout
    assert "left     autoscale setting by-night of " in done.stdout and "did not create" in done.stdout, done.stdout
    assert list(place.settings()) == ["by-night"]
