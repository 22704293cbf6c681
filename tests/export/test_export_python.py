"""The script and the notebook really run, with Azure's SDK alone, and make what `apply` makes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from exporting import exported, own_preset

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "engine"))

from azure_state import Azure  # noqa: E402

from tui.cloud.assets.code import snapshot_hash  # noqa: E402
from tui.cloud.storage.folder_files import walk  # noqa: E402
from tui.plan.load_save.load import load  # noqa: E402
from tui.rehearsal_client import prepare  # noqa: E402

USER = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/churn-uai"
SHIM = """
import json, os, sys

class Secrets:
    def get(self, scope, key):
        return json.loads(os.environ["SHIM_SECRETS"])[f"{scope}/{key}"]

class Library:
    def restartPython(self):
        pass

class dbutils:
    secrets, library = Secrets(), Library()

source = open(sys.argv[1], encoding="utf-8").read()
assert source.startswith("# Databricks notebook source\\n")
space = {"dbutils": dbutils, "__name__": "__main__"}
for cell in source.split("\\n\\n# COMMAND ----------\\n\\n"):
    exec(compile(cell, "cell", "exec"), space)
"""


def named(name: str) -> tuple[str, ...]:
    return (f"endpoint.name={name}", f"deployment.model.name={name}")


def applied(plan: Path, name: str, environ: dict[str, str]) -> None:
    sets = [item for one in named(name) for item in ("--set", one)]
    command = [sys.executable, "-m", "tui", "apply", str(plan), "--rehearse", "--yes", "--json", *sets]
    done = subprocess.run(command, env=environ, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


def started(command: list[str], environ: dict[str, str], secrets: tuple[str, ...] = ()) -> subprocess.Popen[str]:
    """An exported program, with nothing of ours in its environment; `secrets` are in a secret scope instead."""
    plain = {key: value for key, value in environ.items() if not key.startswith(("AML_DEPLOY", "PYTHONPATH"))}
    if secrets:
        hidden = {f"aml-deploy/{key.replace('_', '-')}": plain.pop(key) for key in secrets}
        plain["SHIM_SECRETS"] = json.dumps(hidden)
    folder = Path(command[-1]).parent
    return subprocess.Popen(command, env=plain, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.slow
def test_script_and_notebook_make_what_apply_makes(tmp_path: Path, rehearsal_env: dict[str, str]) -> None:
    """All at once: most of the time the SDK only waits, half a minute between two looks at an endpoint."""
    more = (
        "instance_count: 1",
        "instance_count: 1\n  readiness_probe: {initial_delay: 5}\n  data_collector: {collections: {request: {enabled: "
        "'True'}}, sampling_rate: 0.5, request_logging: {capture_headers: [x-request-id]}}\n"
        "  autoscale: {minimum: 1, maximum: 3, rules: [{condition: RequestLatency > 60 avg 5m, scale: out 1}]}",
    )
    identity = f"identity: {{type: user_assigned, user_assigned_identities: [{USER}]}}"
    plans = {}
    for to in ("python", "notebook"):
        (tmp_path / to).mkdir()
        plans[to] = own_preset(tmp_path / to, more, ("  auth_mode: key", f"  {identity}\n  auth_mode: key"))
    plan = plans["python"]
    # The SDK uploads to a place named by the content, and two clients at once would be in each other's way.
    (tmp_path / "notebook" / "churn-xgboost" / "model" / "note.txt").write_text("another content")
    environ = prepare(load(plan), rehearsal_env)
    out = tmp_path / "out"
    made = [exported(plans[to], to, out, *named(f"exp-{to}")).files[0] for to in plans]
    assert not any("tui" in item.text for item in made)
    for item in made:  # the address that they have is the public cloud's
        here = environ["ARM_CLOUD_METADATA_URL"].partition("/metadata")[0]
        (out / item.path).write_text(item.text.replace("https://management.azure.com", here))
    (tmp_path / "shim.py").write_text(SHIM)
    hidden = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")
    running = [
        started([sys.executable, str(out / "deploy.py")], environ),
        started([sys.executable, str(tmp_path / "shim.py"), str(out / "deploy_notebook.py")], environ, hidden),
    ]
    applied(plan, "exp-apply", rehearsal_env)
    for program in running:
        said, _ = program.communicate(timeout=400)
        assert program.returncode == 0, said
        assert "[" in said.splitlines()[-1], said  # the model's answer
    azure = Azure(environ)
    digest = snapshot_hash(walk(plan.with_name("churn-xgboost") / "onlinescoring"))
    wanted = unmarked(azure.state("exp-apply", digest))
    assert wanted["deployments"][0]["properties"]["dataCollector"]["collections"]["request"]["samplingRate"] == 0.5
    for name in ("exp-apply", "exp-python", "exp-notebook"):
        assert list(azure.get(f"onlineEndpoints/{name}")["identity"]["userAssignedIdentities"]) == [USER]
    assert len(wanted["deployments"]) == len(wanted["models"]) == len(wanted["environments"]) == 1
    assert unmarked(azure.state("exp-python", digest)) == wanted
    assert unmarked(azure.state("exp-notebook", digest)) == wanted
    for to in plans:  # the plan's rules, with the mark of a run or without
        command = ["diff", str(plans[to]), "--rehearse", "--json", "--set", f"endpoint.name=exp-{to}"]
        done = subprocess.run(
            [sys.executable, "-m", "tui", *command], env=rehearsal_env, cwd=ROOT, capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode in (0, 4), done.stderr  # each export registers the environment under its own name
        assert "autoscale" not in {json.loads(line).get("resource") for line in done.stdout.splitlines()}, done.stdout


def unmarked(state: Any) -> Any:
    """A state without the tags by which `apply` knows again what it has made, and without the plans that it keeps."""
    if isinstance(state, dict):
        own = ("aml-deploy", "plans")
        return {key: unmarked(item) for key, item in state.items() if not str(key).startswith(own)}
    return [unmarked(item) for item in state] if isinstance(state, list) else state


def test_the_script_asks_for_a_variable_that_is_missing(tmp_path: Path) -> None:
    exported(own_preset(tmp_path), "python", tmp_path / "out")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    command = [sys.executable, str(tmp_path / "out" / "deploy.py")]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == "Set the environment variable AZURE_SUBSCRIPTION_ID first."


def test_everything_the_plan_sets_is_in_the_program(tmp_path: Path) -> None:
    plan = own_preset(
        tmp_path,
        ("credential: {method: default}", "credential: {method: service_principal, client_id: '${env:MY_APP}'}"),
        (
            "instance_count: 1",
            "instance_count: 3\n  environment_variables: {TOKEN: 'a-${env:TOKEN}', N: 2}\n  tags: {team: risk}\n"
            "  request_settings: {request_timeout_ms: 3000}\n  liveness_probe: {period: 7}",
        ),
    )
    text = exported(plan, "python", tmp_path / "out").files[0].text
    compile(text, "deploy.py", "exec")
    for part in (
        'client_secret=setting("AZURE_CLIENT_SECRET")',
        'client_id=setting("MY_APP")',
        'environment_variables={"TOKEN": "a-" + setting("TOKEN"), "N": "2"}',
        "OnlineRequestSettings(request_timeout_ms=3000, max_concurrent_requests_per_instance=1)",
        "ProbeSettings(initial_delay=10, period=7, timeout=2, success_threshold=1, failure_threshold=30)",
        'tags={"team": "risk"}',
        "instance_count=3",
    ):
        assert part in text


def test_a_scope_reference_is_read_with_dbutils(tmp_path: Path) -> None:
    plan = own_preset(
        tmp_path,
        ("credential: {method: default}", "credential: {method: service_principal, client_id: '${env:APP}', "
         "client_secret: '${databricks:kv-scope/sp-secret}'}"),
    )  # fmt: skip
    notebook = exported(plan, "notebook", tmp_path / "out").files[0].text
    assert 'client_secret=dbutils.secrets.get(scope="kv-scope", key="sp-secret")' in notebook
    script = exported(plan, "python", tmp_path / "out").files[0].text
    assert 'client_secret=setting("KV_SCOPE_SP_SECRET")' in script
