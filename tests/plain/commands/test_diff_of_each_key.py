"""`aml-deploy diff` shows a change of each key of a plan, and nothing else; references stay hidden."""

from __future__ import annotations

import copy
import json
import uuid
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, aml_deploy, json_lines

from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import conversation
from tui.plan.fields.all_fields import BY_KEY
from tui.plan.load_save.document import Document

COLLECTION = "data_collector.collections.model_inputs"  # that the deployment has
OWN = {"", "instance_type", "instance_count", COLLECTION}  # what shows of a deployment that is new
ENVIRONMENT = "deployment.environment."
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/other"
ROUTES = {
    f"{ENVIRONMENT}inference_config.{name}_route.{key}": value
    for name in ("scoring", "liveness", "readiness") for key, value in (("path", "/other"), ("port", 5002))
}  # fmt: skip

AUTOSCALE = "deployment.autoscale"
LIMITS = {f"{AUTOSCALE}.minimum": 1, f"{AUTOSCALE}.maximum": 3}
OF_LIMITS = {"", "minimum", "maximum"}  # the setting of Azure Monitor is a resource of its own, which is new

# A changed value, and the attributes in which it shows; without them the key's own.
CHANGED: dict[str, tuple[Any, set[str] | None]] = {
    "endpoint.name": (
        "each-other", OWN | {"auth_mode", "public_network_access", "description", "tags.model", "blue"},
    ),
    "endpoint.identity.type": ("user_assigned", {"identity"}),
    "endpoint.identity.user_assigned_identities": ([IDENTITY], {"identity"}),
    "endpoint.auth_mode": ("aad_token", None),
    "endpoint.description": ("realtime endpoint to predict churn", None),
    "endpoint.tags": ({"model": "LightGBM"}, {"tags.model"}),
    "endpoint.public_network_access": ("enabled", None),
    "deployment.name": ("green", OWN),
    "deployment.model.path": (f"{PRESET}/onlinescoring", {"", "model"}),
    "deployment.model.name": ("another", {"", "model", "environment"}),
    "deployment.model.version": ("9", {"", "model"}),
    "deployment.model.type": ("mlflow_model", {"", "model"}),
    "deployment.code_configuration.code": (f"{PRESET}/model", {"", "code"}),
    "deployment.code_configuration.scoring_script": ("other.py", {"scoring_script"}),
    "deployment.environment.conda_file": ("other.yml", {"", "environment"}),
    "deployment.environment.registered": ("azureml://registries/azureml/environments/x/versions/1", {"environment"}),
    "deployment.environment.build.path": ("built", {"", "environment"}),
    "deployment.environment.build.dockerfile_path": ("Other", {"", "environment"}),
    **{key: (value, {"", "environment"}) for key, value in ROUTES.items()},
    "deployment.environment.image": ("mcr.microsoft.com/x:1", {"", "environment"}),
    "deployment.environment.name": ("another", {"", "environment"}),
    "deployment.model_mount_path": ("/var/model", None),
    "deployment.instance_type": ("Standard_D8as_v4", None),
    "deployment.instance_count": (2, None),
    "deployment.environment_variables": ({"A": "1"}, {"environment_variables.A"}),
    "deployment.app_insights_enabled": (True, None),
    "deployment.data_collector.collections": (
        {"model_outputs": {"enabled": True}}, {COLLECTION, "data_collector.collections.model_outputs"},
    ),
    "deployment.data_collector.sampling_rate": (0.5, None),
    "deployment.data_collector.rolling_rate": ("day", None),
    "deployment.data_collector.request_logging.capture_headers": (["x-a"], {"data_collector.capture_headers"}),
    **{f"{AUTOSCALE}.{key}": (LIMITS[f"{AUTOSCALE}.{key}"], OF_LIMITS) for key in ("minimum", "maximum")},
    f"{AUTOSCALE}.rules": (
        [{"condition": "CpuUtilizationPercentage > 70 avg 5m", "scale": "out 1"}], OF_LIMITS | {"rules.1"}
    ),
    f"{AUTOSCALE}.schedule": (
        [{"name": "night", "recurrence": "week sun", "start": "20:00", "end": "06:00", "minimum": 1, "maximum": 1}],
        OF_LIMITS | {"schedule.night"},
    ),
    "deployment.description": ("new", None),
    "deployment.tags": ({"t": "1"}, {"tags.t"}),
    "deployment.egress_public_network_access": ("enabled", None),
    "traffic": ({"blue": 0, "green": 100}, {"blue", "green"}),
    "mirror_traffic": ({"blue": 10}, {"mirror_traffic.blue"}),
}  # fmt: skip
NUMBERS = {
    key: (37, None) for key in BY_KEY
    if key.startswith(("deployment.request_settings.", "deployment.liveness_probe.", "deployment.readiness_probe."))
    and key != "deployment.liveness_probe.success_threshold"  # Azure accepts only 1
}  # fmt: skip
UNSET: dict[str, Any] = {f"{ENVIRONMENT}{key}": None for key in ("conda_file", "image")}
# What a change needs beside it.
WITH: dict[str, dict[str, Any]] = {
    "endpoint.identity.type": {"endpoint.identity.user_assigned_identities": [IDENTITY]},
    "endpoint.identity.user_assigned_identities": {"endpoint.identity.type": "user_assigned"},
    **dict.fromkeys((f"{ENVIRONMENT}registered", f"{ENVIRONMENT}build.path"), UNSET),
    f"{ENVIRONMENT}build.dockerfile_path": {**UNSET, f"{ENVIRONMENT}build.path": "built"},
    **dict.fromkeys(ROUTES, ROUTES),
    **dict.fromkeys((f"{AUTOSCALE}.{key}" for key in ("minimum", "maximum", "rules", "schedule")), LIMITS),
}
# How a run goes, not what it makes: no change.
NOT_AZURES: dict[str, Any] = {
    "description": "other", "test.request": None, "test.requests": "golden.jsonl",
    "rollout.steps": "10, 100", "rollout.pause": "5m",
    "rollout.probe_every": "5s", "rollout.min_requests": 5, "rollout.max_error_percent": 2, "rollout.max_p95_ms": 900,
    **{key: "30m" for key in BY_KEY if key.startswith("limits.")},
}  # fmt: skip
NOT_COMPARED = {"deployment.model.description": "other", "deployment.model.tags": {"t": "1"}}
# Keys of which no change is made here, and why.
ELSEWHERE = {
    **{key: "who asks, not what is there" for key in BY_KEY if key.startswith("credential.")},
    **{key: "another place, of which nothing is known" for key in BY_KEY if key.startswith("workspace.")},
    "deployment.liveness_probe.success_threshold": "Azure accepts only 1",
}


def with_values(document: Document, values: dict[str, Any]) -> Document:
    tree = copy.deepcopy(document.tree)
    for key, value in values.items():
        *above, last = key.split(".")
        place = tree
        for name in above:
            place = place.setdefault(name, {})
        place[last] = value
    return Document(tree=tree, base=document.base)


def test_no_key_is_forgotten() -> None:
    listed = [*CHANGED, *NUMBERS, *NOT_AZURES, *NOT_COMPARED, *ELSEWHERE]
    assert sorted(listed) == sorted(BY_KEY)


def test_each_key_shows_and_nothing_else(
    rehearsing: dict[str, str], own_plan: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (own_plan.parent / "other.yml").write_text("dependencies: [python=3.12, pip]\n", encoding="utf-8")
    (own_plan.parent / "golden.jsonl").write_text('{"request": {}}\n', encoding="utf-8")
    for name in ("Dockerfile", "Other"):
        (own_plan.parent / "built").mkdir(exist_ok=True)
        (own_plan.parent / "built" / name).write_text("FROM x\n", encoding="utf-8")
    sets = [
        f"endpoint.name=each-{uuid.uuid4().hex[:8]}",
        "deployment.data_collector.collections={model_inputs: {enabled: true}}",
    ]
    plan = (own_plan, "--rehearse", *(part for one in sets for part in ("--set", one)))
    done = aml_deploy("apply", *plan, "--yes", environ=rehearsing, timeout=300)
    assert done.returncode == 0, done.stderr
    for variable, value in rehearsing.items():
        monkeypatch.setenv(variable, value)
    arguments = {"plan": str(own_plan), "overlays": [], "sets": sets, "rehearse": True}
    document, environ = ready(Namespace(**arguments, scenario=[], container_engine=None))

    async def each(asker: Any) -> None:
        for key, (value, shown) in {**CHANGED, **NUMBERS}.items():
            changed = with_values(document, {**WITH.get(key, {}), key: value})
            answer = await asker.ask(changed, "diff", timeout=300)
            fields = {one["field"] for one in answer["changes"]}
            assert fields == (shown or {key.partition(".")[2]}), key
            assert all(one["by"] == "plan" and one["apply"] for one in answer["changes"]), key
        for key, value in {**NOT_AZURES, **NOT_COMPARED}.items():
            answer = await asker.ask(with_values(document, {key: value}), "diff", timeout=300)
            assert answer["changes"] == [], key
            told = f"the model's {key.rpartition('.')[2]} " in " ".join(answer["not_compared"])
            assert told == (key in NOT_COMPARED), key

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
