"""`aml-deploy diff` shows a change of each key of a plan, and nothing else; references stay hidden."""

from __future__ import annotations

import copy
import json
import uuid
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from commands import aml_deploy, json_lines

from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import conversation
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import Document

# A changed value, and the attributes in which it shows; without them the key's own.
CHANGED: dict[str, tuple[Any, set[str] | None]] = {
    "endpoint.auth_mode": ("aad_token", None),
    "endpoint.description": ("realtime endpoint to predict churn", None),
    "endpoint.tags": ({"model": "LightGBM"}, {"tags.model"}),
    "endpoint.public_network_access": ("enabled", None),
    "deployment.name": ("green", {"", "instance_type", "instance_count"}),
    "deployment.model.name": ("another", {"", "model", "environment"}),
    "deployment.model.type": ("mlflow_model", {"", "model"}),
    "deployment.code_configuration.scoring_script": ("other.py", {"scoring_script"}),
    "deployment.environment.image": ("mcr.microsoft.com/x:1", {"", "environment"}),
    "deployment.environment.name": ("another", {"", "environment"}),
    "deployment.model_mount_path": ("/var/model", None),
    "deployment.instance_type": ("Standard_D8as_v4", None),
    "deployment.instance_count": (2, None),
    "deployment.environment_variables": ({"A": "1"}, {"environment_variables.A"}),
    "deployment.app_insights_enabled": (True, None),
    "deployment.data_collector.collections": (
        {"model_inputs": {"enabled": True}}, {"data_collector.collections.model_inputs"},
    ),
    "deployment.description": ("new", None),
    "deployment.tags": ({"t": "1"}, {"tags.t"}),
    "deployment.egress_public_network_access": ("enabled", None),
    "mirror_traffic": ({"blue": 10}, {"mirror_traffic.blue"}),
}  # fmt: skip
NOT_AZURES = ("description", "limits.total", "test.request")


def with_value(document: Document, key: str, value: Any) -> Document:
    tree = copy.deepcopy(document.tree)
    *above, last = key.split(".")
    place = tree
    for name in above:
        place = place.setdefault(name, {})
    place[last] = value
    return Document(tree=tree, base=document.base)


def test_each_key_shows_and_nothing_else(
    rehearsing: dict[str, str], own_plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = {
        key: (37, None) for key in BY_KEY
        if key.startswith(("deployment.request_settings.", "deployment.liveness_probe.", "deployment.readiness_probe."))
        and key != "deployment.liveness_probe.success_threshold"  # Azure accepts only 1
    }  # fmt: skip
    name = f"each-{uuid.uuid4().hex[:8]}"
    plan = (own_plan, "--rehearse", "--set", f"endpoint.name={name}")
    done = aml_deploy("apply", *plan, "--yes", environ=rehearsing, timeout=300)
    assert done.returncode == 0, done.stderr
    for variable, value in rehearsing.items():
        monkeypatch.setenv(variable, value)
    arguments = {"plan": str(own_plan), "overlays": [], "sets": [f"endpoint.name={name}"], "rehearse": True}
    document, environ = ready(Namespace(**arguments, scenario=[], container_engine=None))

    async def each(asker: Any) -> None:
        for key, (value, shown) in {**CHANGED, **numbers}.items():
            answer = await asker.ask(with_value(document, key, value), "diff", timeout=300)
            fields = {one["field"] for one in answer["changes"]}
            assert fields == (shown or {key.partition(".")[2]}), key
            assert all(one["by"] == "plan" and one["apply"] for one in answer["changes"]), key
        for key in NOT_AZURES:
            answer = await asker.ask(with_value(document, key, None), "diff", timeout=300)
            assert answer["changes"] == [], key

    conversation(environ, each)

    # A run that changes the endpoint only keeps its plan too: its changes are nobody's.
    number = ("--set", "endpoint.tags={team: risk}")
    assert aml_deploy("apply", *plan, *number, "--yes", environ=rehearsing, timeout=300).returncode == 0
    done = aml_deploy("diff", *plan, *number, "--json", environ=rehearsing)
    (summary,) = json_lines(done.stdout)
    assert (done.returncode, summary["changes"], summary["left_alone"]) == (0, 0, 0)

    # What a variable was is not written: an earlier plan may have referred to a secret.
    pin = ("--set", "deployment.environment_variables={PIN: zq-4711}")
    assert aml_deploy("apply", *plan, *number, *pin, "--yes", environ=rehearsing, timeout=300).returncode == 0
    other = ("--set", "deployment.environment_variables={MODE: fast}")
    done = aml_deploy("apply", *plan, *number, *other, "--yes", "--json", environ=rehearsing, timeout=300)
    assert done.returncode == 0, done.stderr
    assert "environment_variables.PIN" in done.stdout
    assert "zq-4711" not in done.stdout + done.stderr
    aml_deploy("remove", *plan, "--yes", environ=rehearsing)


def test_what_a_listed_deployment_refers_to_is_hidden(
    rehearsing: dict[str, str], own_plan: Path, tmp_path: Path
) -> None:
    text = own_plan.read_text(encoding="utf-8")
    head, _, rest = text.partition("deployment:\n")
    body, _, tail = rest.partition("traffic:")
    lines = [line for line in body.splitlines() if line.strip() and not line.strip().startswith("#")]
    listed = "\n".join(f"  {line}" for line in lines).replace("    name:", "  - name:", 1)
    more = "    environment_variables: {PIN: '${env:OWN_PIN}', MODE: fast}\n"
    own_plan.write_text(f"{head}deployments:\n{listed}\n{more}traffic:{tail}", encoding="utf-8")
    file = tmp_path / "change.json"
    done = aml_deploy(
        "diff", own_plan, "--rehearse", "--json", "-o", file, "--set", f"endpoint.name=pin-{uuid.uuid4().hex[:8]}",
        environ={**rehearsing, "OWN_PIN": "739-164"},
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    *changes, _ = json_lines(done.stdout)
    shown = {one["field"]: one["after"] for one in changes}
    assert shown["environment_variables.PIN"] == "(hidden)"
    assert shown["environment_variables.MODE"] == "fast"
    assert "739-164" not in done.stdout + done.stderr + file.read_text(encoding="utf-8")
    assert json.loads(file.read_text(encoding="utf-8"))["plan"]["deployments.blue.environment_variables.PIN"]
