"""The preflight against a running rehearsal, in a process that is queried repeatedly, like the helper."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pins_index
import pytest

pytest.importorskip("aiohttp")

PREFLIGHT = """
import json, os, sys
from tui.checks import preflight
from tui.cloud.session import connect
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # whatever the libraries want to say
for line in sys.stdin:
    asked = json.loads(line)
    plan = resolve(load(asked["preset"], asked["overlays"], asked["sets"]), os.environ, asked["secrets"])
    if asked["step"]:
        found = preflight.of_step(plan, connect(plan), asked["step"], limit=asked["limit"])
    else:
        found = preflight.run(plan, connect(plan), limit=asked["limit"], with_diagnose=True)
    print(json.dumps([finding.as_dict() for finding in found]), file=answers, flush=True)
os._exit(0)  # as the engine does: questions that are still being asked hold nobody up
"""


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The output of `rehearsal env`, and the environment for its clients."""
    folder = tmp_path_factory.mktemp("rehearsal")
    places = {"AML_DEPLOY_HOME": str(folder / "state"), "AML_DEPLOY_CACHE": str(folder / "cache")}
    environ = {**os.environ, **places}
    command = [sys.executable, "-m", "tui.rehearsal"]
    done = subprocess.run([*command, "env", "--json"], env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    clean = {k: v for k, v in {**environ, **told["set"]}.items() if k not in told["unset"]}
    packages = contextlib.ExitStack()
    clean["PIP_INDEX_URL"] = packages.enter_context(pins_index.serving())
    process = subprocess.Popen(
        [sys.executable, "-c", PREFLIGHT],
        env=clean,
        cwd=Path(__file__).parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        yield {**told, "environ": clean, "process": process}
    finally:
        assert process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        assert process.wait(60) == 0
        subprocess.run([*command, "stop"], env=environ, capture_output=True, timeout=120, check=True)
        packages.close()


def findings(
    rehearsal: dict[str, Any],
    *sets: str,
    limit: float = 60.0,
    preset: str = "churn-xgboost",
    overlays: Sequence[Path] = (),
    secrets: dict[str, str] | None = None,
    step: str = "",
) -> list[dict[str, Any]]:
    """The findings, sorted by severity."""
    asked = {"preset": preset, "overlays": [str(path) for path in overlays], "sets": list(sets), "limit": limit}
    asked["step"] = step
    process = rehearsal["process"]
    process.stdin.write(json.dumps({**asked, "secrets": secrets or {}}) + "\n")
    process.stdin.flush()
    told = process.stdout.readline()
    assert told, "the process of the preflight has ended"
    found: list[dict[str, Any]] = json.loads(told)
    order = ["blocker", "warning", "unknown", "ok"]
    assert [f["severity"] for f in found] == sorted((f["severity"] for f in found), key=order.index)
    return found


def preflight(rehearsal: dict[str, Any], *sets: str, limit: float = 60.0, **more: Any) -> dict[str, dict[str, Any]]:
    """The findings by id."""
    found = findings(rehearsal, *sets, limit=limit, **more)
    # Without any time, each part of the plan's files has its own finding that it was not read.
    assert not limit or len({finding["id"] for finding in found}) == len(found)
    return {finding["id"]: finding for finding in found}


def legacy(rehearsal: dict[str, Any]) -> str:
    return f"workspace.name={rehearsal['workspaces']['legacy']['name']}"


def not_ok(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {id: finding["severity"] for id, finding in found.items() if finding["severity"] != "ok"}


def test_the_preset_under_legacy_isolation_is_in_order(rehearsal: dict[str, Any]) -> None:
    found = preflight(rehearsal, legacy(rehearsal))
    found.pop("size")  # the retirement of its series is announced; that becomes a warning one year before
    assert not_ok(found) == {}
    assert {"sign-in", "workspace", "isolation", "endpoint", "quota", "model", "score-script", "conda"} <= set(found)
    assert {"roles", "room", "storage", "diagnose", "private-endpoint", "provider-machinelearningservices"} <= set(
        found
    )
    for name in ("resource-manager", "login", "storage"):
        assert "127.0.0.1" in found[f"reach-{name}"]["message"]
    assert "other workspace" in found["endpoint"]["message"]
    assert "through ManagedIdentity as" in found["sign-in"]["message"]
    assert "managed identity" in found["sign-in"]["message"]
    assert [id for id, finding in found.items() if not finding["looked_at"]] == []


def test_the_preset_without_code_is_in_order_under_a_managed_network(rehearsal: dict[str, Any]) -> None:
    found = preflight(rehearsal, preset="mlflow-xgboost")
    found.pop("size")
    assert not_ok(found) == {}


@pytest.mark.parametrize(
    ("lines", "id", "words"),
    [
        # The index of these tests stands for a mirror, so a conflict is none for certain.
        ("  - r-base=4.3\n", "rehearsal-packages", "'r-base=4.3' is not on PyPI, from which the rehearsal"),
        ("  - only-on-conda=1.0\n", "rehearsal-packages", "'only-on-conda=1.0' is not on PyPI"),
        ("  - pip:\n      - joblib=1.4.2\n", "conda", "line 4: 'joblib=1.4.2' under pip has conda's single '='"),
        ("  - pip:\n      - -r more.txt\n", "conda-local", "line 4: '-r more.txt' refers to a local file"),
        ("  - pip:\n      - needs-old-numpy\n      - numpy==2.2.6\n", "pins", "needs-old-numpy (line 4) and numpy=="),
    ],
)
def test_what_cannot_be_built_is_said(
    rehearsal: dict[str, Any], tmp_path: Path, lines: str, id: str, words: str
) -> None:
    (tmp_path / "conda.yml").write_text(f"dependencies:\n  - python=3.10\n{lines}")
    (tmp_path / "more.txt").write_text("azureml-inference-server-http==1.5.1\n")
    found = preflight(rehearsal, legacy(rehearsal), f"deployment.environment.conda_file={tmp_path / 'conda.yml'}")
    assert found[id]["severity"] == ("warning" if id == "pins" else "blocker") and words in found[id]["message"]
    assert found[id]["field"] == "deployment.environment.conda_file"
    assert ("inference-server" in found) == (id in ("rehearsal-packages", "pins")), "lines of a file count"


@pytest.mark.parametrize("preset", ["sklearn-iris", "lightgbm-diabetes", "own-score"])
def test_the_other_presets_give_no_warning_either(rehearsal: dict[str, Any], preset: str) -> None:
    found = preflight(rehearsal, legacy(rehearsal), preset=preset)
    found.pop("size")
    assert not_ok(found) == {}


def practised(rehearsal: dict[str, Any], *arguments: str) -> None:
    """Change the rehearsal's behaviour from now on."""
    command = [sys.executable, "-m", "tui.rehearsal", *arguments]
    subprocess.run(command, env=rehearsal["environ"], capture_output=True, timeout=60, check=True)


def test_a_reader_is_told_which_role_to_ask_for(rehearsal: dict[str, Any]) -> None:
    practised(rehearsal, "rights", "--role", "reader")
    try:
        found = preflight(rehearsal, legacy(rehearsal))
    finally:
        practised(rehearsal, "rights", "--reset")
    roles = found["roles"]
    assert roles["severity"] == "blocker"
    assert roles["command"].startswith("az role assignment create --assignee-object-id 5eed")
    assert '--role "AzureML Data Scientist"' in roles["command"]
    assert roles["command"] in roles["remedy"]


def test_what_scenarios_spoil_is_seen_before_the_button(rehearsal: dict[str, Any]) -> None:
    practised(rehearsal, "scenario", "storage-host-unresolved", "v1-legacy-mode", "key-vault-bypass")
    try:
        found = not_ok(preflight(rehearsal, legacy(rehearsal), "deployment.instance_type=Standard_D4as_v4"))
    finally:
        practised(rehearsal, "scenario")
    expected = {"reach-storage": "blocker", "v1-legacy-mode": "blocker", "diagnose": "warning", "diagnose-2": "warning"}
    assert expected.items() <= found.items()


STEPS = {
    "credentials": {"sign-in", "roles", "reach-login"},
    "workspace": {"sign-in", "roles", "workspace", "private-endpoint", "storage", "reach-resource-manager",
                  "reach-storage", "provider-machinelearningservices", "diagnose"},
    "endpoint": {"endpoint"},
    "model": {"pins"},
    "compute": {"size", "quota", "room"},
    "network": {"isolation"},
}  # fmt: skip


def test_each_step_has_its_own_part(rehearsal: dict[str, Any]) -> None:
    """The steps together are the preflight, except for what the step Model reads of the files itself."""
    for step, expected in STEPS.items():
        found = preflight(rehearsal, legacy(rehearsal), step=step)
        assert expected <= set(found), step
        found.pop("size", None)
        assert not_ok(found) == {}, step
    whole = set(preflight(rehearsal, legacy(rehearsal)))
    files = {"model", "score-script", "conda", "sample-request", "reach-scoring", "reach-others"}
    assert whole - set().union(*STEPS.values()) == files


def test_a_step_tells_what_is_wrong_with_it_and_nothing_else(rehearsal: dict[str, Any]) -> None:
    practised(rehearsal, "rights", "--role", "reader")
    practised(rehearsal, "scenario", "quota", "key-vault-bypass")
    try:
        told = {
            step: [id for id, severity in not_ok(preflight(rehearsal, legacy(rehearsal), step=step)).items()
                   if severity == "blocker"]
            for step in STEPS
        }  # fmt: skip
    finally:
        practised(rehearsal, "scenario")
        practised(rehearsal, "rights", "--reset")
    assert told == {"credentials": ["roles"], "workspace": ["roles"], "endpoint": [], "model": [],
                    "compute": ["quota"], "network": []}  # fmt: skip


def test_what_the_plan_refers_to_has_to_be_there(rehearsal: dict[str, Any]) -> None:
    found = preflight(rehearsal, legacy(rehearsal), "deployment.model.path=azureml:nothing:3", step="model")
    assert found["rehearsal-limit"]["severity"] == "blocker"
    assert "azureml:nothing:3 only after you have added it" in found["rehearsal-limit"]["message"]
    assert found["rehearsal-limit"]["command"] == "aml-deploy rehearsal add model nothing:3 PATH"


def test_a_model_without_code_under_legacy_isolation_is_told_where_it_is_chosen(rehearsal: dict[str, Any]) -> None:
    for flag in ("disabled", "enabled"):
        sets = (legacy(rehearsal), f"deployment.egress_public_network_access={flag}")
        found = preflight(rehearsal, *sets, preset="mlflow-xgboost", step="model")
        wrong = [finding for finding in found.values() if finding["severity"] == "blocker"]
        assert [finding["command"] for finding in wrong] == ["aml-deploy scoring PLAN"], flag
        assert "`aml-deploy scoring PLAN` creates" in wrong[0]["remedy"]


def test_under_a_managed_network_the_egress_flag_is_a_warning(rehearsal: dict[str, Any]) -> None:
    found = preflight(rehearsal, "deployment.instance_type=Standard_D4as_v4")
    assert not_ok(found) == {"egress-flag": "warning"}


def test_what_cannot_work_blocks_and_all_of_it_is_told(rehearsal: dict[str, Any]) -> None:
    found = preflight(
        rehearsal,
        legacy(rehearsal),
        "deployment.egress_public_network_access=enabled",
        "deployment.instance_type=Standard_NC16as_T4_v3",
        "deployment.instance_count=13",
        "traffic={green: 100}",
    )
    blockers = {id for id, severity in not_ok(found).items() if severity == "blocker"}
    assert blockers == {"egress-closed-workspace", "quota", "traffic"}


def test_a_workspace_that_is_not_there_blocks(rehearsal: dict[str, Any]) -> None:
    found = preflight(rehearsal, "workspace.name=not-there")
    assert found["workspace"]["severity"] == "blocker" and "not-there" in found["workspace"]["message"]
    assert found["workspace"]["field"] == "workspace.name"
    assert "endpoint" not in found and found["model"]["severity"] == "ok"


def test_a_wrong_secret_blocks_with_entras_words_and_without_the_secret(rehearsal: dict[str, Any]) -> None:
    found = preflight(
        rehearsal,
        "credential.method=service_principal",
        f"credential.tenant_id={rehearsal['set']['REHEARSAL_TENANT_ID']}",
        f"credential.client_id={rehearsal['set']['REHEARSAL_CLIENT_ID']}",
        secrets={"credential.client_secret": "not-the-secret-at-all"},
    )
    assert found["sign-in"]["severity"] == "blocker" and "AADSTS7000215" in found["sign-in"]["message"]
    assert found["workspace"]["severity"] == "unknown"
    assert "not-the-secret-at-all" not in json.dumps(found)


def test_no_time_is_no_answer_and_never_a_blocker(rehearsal: dict[str, Any]) -> None:
    found = preflight(rehearsal, legacy(rehearsal), limit=0.0)
    assert {"sign-in": "unknown", "workspace": "unknown"}.items() <= not_ok(found).items()
    assert "blocker" not in not_ok(found).values()


TWO = """
deployments:
  - {name: blue}
  - {name: green, instance_type: Standard_DS3_v2, egress_public_network_access: enabled}
traffic: {blue: 90, green: 10}
"""

MANY = """
deployment: {instance_type: Standard_D4as_v4, instance_count: 9}
deployments: [{name: alpha}, {name: beta}]
traffic: {alpha: 100}
"""


def test_every_deployment_of_a_plan_is_looked_at_with_one_deadline(rehearsal: dict[str, Any], tmp_path: Path) -> None:
    overlay = tmp_path / "two.yml"
    overlay.write_text(TWO, encoding="utf-8")
    found = findings(rehearsal, legacy(rehearsal), overlays=[overlay])
    blockers = [finding for finding in found if finding["severity"] == "blocker"]
    # A problem of one deployment names it; a problem of both is reported once.
    assert [finding["id"] for finding in blockers] == ["egress-closed-workspace"]
    assert blockers[0]["message"].startswith("green: egress_public_network_access is enabled")
    assert "fix" not in blockers[0]
    assert sorted(f["message"].partition(":")[0] for f in found if f["id"] == "quota") == ["blue", "green"]
    assert sum(finding["id"] == "model" for finding in found) == 1
    assert any(finding["id"] == "diagnose" for finding in found)
    # Each has enough quota individually.
    overlay.write_text(MANY, encoding="utf-8")
    many = findings(rehearsal, legacy(rehearsal), overlays=[overlay])
    (short,) = (finding for finding in many if finding["severity"] == "blocker")
    assert short["id"] == "quota-together" and "alpha and beta need" in short["message"]


def test_no_time_for_any_deployment_is_no_answer(rehearsal: dict[str, Any], tmp_path: Path) -> None:
    overlay = tmp_path / "two.yml"
    overlay.write_text(TWO, encoding="utf-8")
    found = findings(rehearsal, legacy(rehearsal), overlays=[overlay], limit=0.0)
    assert {"sign-in", "workspace"} <= {finding["id"] for finding in found if finding["severity"] == "unknown"}
    assert not [finding for finding in found if finding["severity"] == "blocker"]
