"""Autoscale rules in the exports: the body that Azure gets, and words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from plans import GUID, made, plan, text_of
from test_export_az_yaml import recorded

from tests.published_interfaces import SETTING
from tui.export.targets import export, write
from tui.plan import autoscale, autoscale_settings
from tui.plan.problems import PlanInvalid

GROUP = f"/subscriptions/{GUID}/resourceGroups/rg"
ENDPOINT = f"{GROUP}/providers/Microsoft.MachineLearningServices/workspaces/ws-1/onlineEndpoints/churn"
NIGHT = {"name": "night", "recurrence": "week sun", "start": "20:00", "end": "06:00", "minimum": 1, "maximum": 1}
RULES: dict[str, Any] = {
    "minimum": 1,
    "maximum": 4,
    "rules": [
        {"condition": "RequestLatency > 60 last 5m", "scale": "out 1"},
        {"condition": "CpuUtilizationPercentage < 30 avg 5m", "scale": "in 20%", "cooldown": "90s"},
    ],
    "schedule": [NIGHT],
}
FOUND = 'case "$*" in *"query location"*) echo westeurope; exit ;; esac\n'


def test_the_script_puts_what_apply_would_put(tmp_path: Path) -> None:
    exported = export(plan(tmp_path, deployment__autoscale=RULES, deployment__instance_count=1), "az-yaml", tmp_path)
    write(exported, tmp_path)
    code, lines, said = recorded(tmp_path, {}, FOUND)
    assert code == 0, said
    whole = "\n".join(lines)
    verbs = [line.split("|")[:3] for line in lines if line.startswith(("ml|", "rest|"))]
    assert [verb[0] for verb in verbs].index("rest") > verbs.index(["ml", "online-deployment", "create"])
    (rest,) = whole.split("rest|--method|put|--body|")[1:]
    address = f"{GROUP}/providers/Microsoft.Insights/autoscaleSettings/autoscale-churn-blue?api-version=2022-10-01"
    assert f"|--url|{address}|" in rest
    sent, _ = json.JSONDecoder().raw_decode(rest)
    jsonschema.validate(sent, SETTING)
    assert sent["location"] == "westeurope"
    assert sent["properties"]["targetResourceUri"] == f"{ENDPOINT}/deployments/blue"
    triggers = [rule["metricTrigger"] for rule in sent["properties"]["profiles"][0]["rules"]]
    assert [one["metricResourceUri"] for one in triggers] == [ENDPOINT, f"{ENDPOINT}/deployments/blue"]
    assert autoscale_settings.read(sent) == (autoscale.autoscale(**RULES), [])


@pytest.mark.parametrize("to", ["python", "notebook"])
def test_the_program_has_the_same_body(tmp_path: Path, to: str) -> None:
    exported = made(to, tmp_path, deployment__autoscale=RULES)
    text = exported.files[0].text
    asked = text[text.index("json=") + len("json=") : text.index(",\n    timeout=190,\n)\nanswer.raise_for_status")]
    endpoint = type("Endpoint", (), {"id": ENDPOINT, "location": "westeurope"})
    sent = eval(asked, {"endpoint": endpoint, "deployment_id": f"{ENDPOINT}/deployments/blue"})
    jsonschema.validate(sent, SETTING)
    assert autoscale_settings.read(sent) == (autoscale.autoscale(**RULES), [])
    assert "import requests" in text
    assert "import requests" not in made(to, tmp_path).files[0].text


def test_the_runbook_says_them_and_the_prerequisites_where_they_are(tmp_path: Path) -> None:
    runbook = text_of(made("docs", tmp_path, deployment__autoscale=RULES), "RUNBOOK.md")
    (row,) = [line for line in runbook.splitlines() if line.startswith("| Autoscale of blue")]
    for part in ("1 to 4 instances", "RequestLatency > 60 last 5m, out 1", "night, recurrence week sun"):
        assert part in row
    notes = made("bicep", tmp_path, deployment__autoscale=RULES).notes
    assert any("az-yaml exports them" in note for note in notes)
    assert not any("az-yaml exports them" in note for note in made("bicep", tmp_path).notes)


@pytest.mark.parametrize("to", ["az-yaml", "python", "docs"])
def test_a_reference_in_a_rule_has_no_place(tmp_path: Path, to: str) -> None:
    for rules in (
        {**RULES, "maximum": "${env:MOST}"},
        {**RULES, "rules": [{"condition": "RequestLatency > ${env:MOST} avg 5m", "scale": "out 1"}]},
        {**RULES, "rules": "${env:RULES}"},
    ):
        with pytest.raises(PlanInvalid) as refused:
            made(to, tmp_path, deployment__autoscale=rules)
        assert refused.value.problems[0].key.startswith("deployment.autoscale")
