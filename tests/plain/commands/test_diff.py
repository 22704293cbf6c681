"""`aml-deploy diff` and `apply --approved`: what a run would change, who changed what, and what a second person
approved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import PRESET, aml_deploy, json_lines

from tui.helper.diff_report import headline
from tui.plain.arguments.endpoint_lookup import RESOURCE_ID, set_place
from tui.plain.ask_helper import ask
from tui.plan.load_save.document import Document
from tui.plan.presets import find

# As another person: a service principal, with the unmodified SDK.
ANOTHER = """
import json, os, sys
from azure.ai.ml import MLClient
from azure.identity import ClientSecretCredential

name, place, authority = sys.argv[1:4]
subscription, group, workspace = place.split("/")[2], place.split("/")[4], place.split("/")[8]
credential = ClientSecretCredential(
    *(os.environ[f"REHEARSAL_{key}"] for key in ("TENANT_ID", "CLIENT_ID", "CLIENT_SECRET")), authority=authority,
    disable_instance_discovery=True)
client = MLClient(credential, subscription, group, workspace)
"""
BY_HAND = """
one = client.online_deployments.get("blue", name)
one.instance_count = 2
one.environment_variables = {**(one.environment_variables or {}), "MODE": "by-hand", "API_KEY": sys.argv[4]}
client.online_deployments.begin_create_or_update(one).result()
endpoint = client.online_endpoints.get(name)
endpoint.tags, endpoint.description = {**endpoint.tags, "owner": "finance"}, "another purpose"
client.online_endpoints.begin_create_or_update(endpoint).result()
"""
BACK = """
one = client.online_deployments.get("blue", name)
one.instance_count = 1
client.online_deployments.begin_create_or_update(one).result()
"""
SCALED = """
import requests
origin = sys.argv[4]
group = place.partition("/providers/")[0]
profile = {"name": "p", "rules": [], "capacity": {"minimum": "3", "maximum": "5", "default": "3"}}
target = f"{place}/onlineEndpoints/{name}/deployments/blue"
answer = requests.put(
    f"{origin}{group}/providers/Microsoft.Insights/autoscaleSettings/{name}-by-load?api-version=2022-10-01",
    json={"location": "eastus", "properties": {"profiles": [profile], "targetResourceUri": target}},
    headers={"Authorization": "Bearer " + credential.get_token(f"{origin}/.default").token})
assert answer.ok, answer.text
"""
SECRET = "Zm9vYmFyYmF6cXV4Zm9v0Aa1"

Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the preset as plan.yml, with its files."""
    folder, preset = tmp_path_factory.mktemp("diff"), find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), folder / PRESET)
    text = preset.path.read_text(encoding="utf-8")
    (folder / "plan.yml").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def name() -> str:
    return f"diff-{uuid.uuid4().hex[:8]}"


@pytest.fixture(scope="module")
def run(place: Path, name: str, rehearsing: dict[str, str]) -> Iterator[Command]:
    """Runs a command for the plan; the endpoint is removed at the end."""

    def command(what: str, *arguments: object) -> subprocess.CompletedProcess[str]:
        given = ("--rehearse", "--set", f"endpoint.name={name}", *arguments)
        more = ("--yes",) if what == "apply" else ()
        return aml_deploy(what, place / "plan.yml", *given, *more, environ=rehearsing, timeout=300, cwd=place)

    yield command
    aml_deploy(
        "remove", place / "plan.yml", "--rehearse", "--yes", "--set", f"endpoint.name={name}", environ=rehearsing
    )


def told(done: subprocess.CompletedProcess[str]) -> tuple[dict[tuple[str, str], dict[str, Any]], dict[str, Any]]:
    """The changes by resource and field, and the summary."""
    *changes, summary = json_lines(done.stdout)
    assert summary["summary"] is True
    return {(one["resource"], one["field"]): one for one in changes}, summary


def findings(done: subprocess.CompletedProcess[str]) -> list[str]:
    """The messages of a run that is refused before anything starts."""
    assert done.returncode == 3, done.stderr + done.stdout[-3000:]
    events = json_lines(done.stdout)
    assert (events[-1]["event"], events[-1]["status"]) == ("run_finished", "blocked")
    assert not [one for one in events if one["event"] in ("task_intent", "task_created")]
    return [one["message"] for one in events if one["event"] == "finding" and one["id"] == "not-as-approved"]


def another(code: str, name: str, file: Path, *arguments: str, environ: dict[str, str]) -> None:
    workspace = json.loads(file.read_text(encoding="utf-8"))["workspace"]
    authority = environ["ARM_CLOUD_METADATA_URL"].partition("/metadata")[0]
    done = subprocess.run(
        [sys.executable, "-c", ANOTHER + code, name, workspace, authority, *arguments],
        env=environ, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-3000:]


def test_the_story_of_a_plan_and_two_people(
    run: Command, place: Path, name: str, rehearsal: dict[str, Any], rehearsal_env: dict[str, str],
    rehearsing: dict[str, str],
) -> None:  # fmt: skip
    # What does not exist: everything is new, and nothing is done about it.
    file = place / "change.json"
    done = run("diff", "--json", "-o", file)
    assert done.returncode == 4, done.stderr
    changes, summary = told(done)
    assert {one["by"] for one in changes.values()} == {"plan"}
    assert changes["deployment", "instance_type"]["after"] == "Standard_D4as_v4"
    assert (summary["changes"], summary["left_alone"], summary["file"]) == (len(changes), 0, str(file))
    approval = json.loads(file.read_text(encoding="utf-8"))
    assert "@" in approval["made_by"]
    assert approval["endpoint"] == name
    assert summary["plan_hash"] not in file.read_text(encoding="utf-8"), "it would tell whether a guess is right"

    # What was approved is deployed; other content or another value is not.
    script = place / PRESET / "onlinescoring" / "score.py"
    good = script.read_text(encoding="utf-8")
    script.write_text(f"{good}\n# another version\n", encoding="utf-8")
    (moved,) = findings(run("apply", "--approved", file, "--json"))
    assert moved == "The content of blue.code was different when it was approved, and is changed now."
    script.write_text(good, encoding="utf-8")
    (moved,) = findings(run("apply", "--approved", file, "--json", "--set", "deployment.instance_count=2"))
    assert moved == "In the plan, deployment.instance_count was 1 when it was approved, and is 2 now."
    done = run("apply", "--approved", file, "--json")
    assert done.returncode == 0, done.stderr
    assert run("diff").returncode == 0
    assert "Azure, deployment blue was created since." in " ".join(findings(run("apply", "--approved", file, "--json")))

    # Another person changes the same things and others.
    number = ("--set", "deployment.instance_type=Standard_D8as_v4")
    assert run("diff", *number, "-o", file).returncode == 4
    # Other content is said once, also where what was approved is registered.
    script.write_text(f"{good}\n# another version\n", encoding="utf-8")
    (moved,) = findings(run("apply", *number, "--approved", file, "--json"))
    assert moved == "The content of blue.code was different when it was approved, and is changed now."
    script.write_text(good, encoding="utf-8")
    people = {"environ": rehearsal_env}
    another(BY_HAND, name, file, SECRET, **people)
    moved_on = findings(run("apply", *number, "--approved", file, "--json"))
    assert "In Azure, deployment.blue.instance_count was 1 when it was approved, and is 2 now." in moved_on
    assert "In Azure, endpoint.tags.owner was not set when it was approved, and is finance now." in moved_on
    assert not [one for one in moved_on if SECRET in one]
    done = run("diff", "--json")
    assert done.returncode == 4
    changes, summary = told(done)
    count = changes["deployment", "instance_count"]
    assert (count["before"], count["after"], count["by"], count["apply"]) == (2, 1, "hand", True)
    assert count["who"] == rehearsal_env["REHEARSAL_CLIENT_ID"]
    assert count["when"]
    owner = changes["endpoint", "tags.owner"]
    assert (owner["before"], owner["after"], owner["by"], owner["apply"]) == (None, "finance", "hand", False)
    mode = changes["deployment", "environment_variables.MODE"]
    assert (mode["after"], mode["apply"]) == ("by-hand", False)
    assert (summary["changes"], summary["left_alone"]) == (2, 2), "a variable that looks secret was not kept either"
    assert changes["endpoint", "description"]["before"] == "another purpose"
    # A value of the plan that is changed too is told apart; replacing the deployment takes the variables away.
    changes, _ = told(run("diff", "--json", *number))
    assert changes["deployment", "instance_type"]["by"] == "plan"
    assert changes["deployment", "instance_count"]["by"] == "hand"
    assert changes["deployment", "environment_variables.MODE"]["after"] is None
    assert changes["deployment", "environment_variables.MODE"]["apply"]
    key = changes["deployment", "environment_variables.API_KEY"]
    assert (key["before"], key["after"]) == ("(hidden)", None)
    # Without a plan at hand, as for a row of the fleet.
    row = Document()
    found = RESOURCE_ID.match(f"{approval['workspace']}/onlineEndpoints/{name}")
    assert found is not None
    set_place(row, found, "row")
    row.set("endpoint.name", name, "row")
    answer = ask(row, rehearsal_env, "diff_of_endpoint")
    assert {(one["field"], one["after"], one["apply"]) for one in answer["changes"]} == {
        ("description", "another purpose", False),
        ("tags.owner", "finance", False),
        ("instance_count", 2, False),
        ("environment_variables.MODE", "by-hand", False),
    }
    assert headline(answer) == "4 attributes changed since the last run."
    assert answer["reason"] == ""
    shown = run("diff", *number)
    assert SECRET not in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    assert "instance_count: 2 → 1" in shown.stdout
    assert SECRET not in file.read_text(encoding="utf-8")

    # Autoscale.
    another(BACK, name, file, **people)
    granted = aml_deploy("rehearsal", "--role", "contributor", environ=rehearsing)
    assert granted.returncode == 0, granted.stderr
    try:
        another(SCALED, name, file, rehearsal["url"], **people)
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=rehearsing)
    done = run("diff", "--json", "--set", "endpoint.description=another purpose", "-o", file)
    changes, summary = told(done)
    count = changes["deployment", "instance_count"]
    assert (count["before"], count["after"], count["by"], count["who"]) == (1, 3, "autoscale", f"{name}-by-load")
    assert not count["apply"]
    assert done.returncode == 0, "neither a rule's count nor what the plan does not set is changed by a run"
    same = run("apply", "--set", "endpoint.description=another purpose", "--approved", file, "--json")
    assert same.returncode == 0, same.stdout[-2000:]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n "format": 1,\n "time"\n}', "line 4: It is not JSON"),
        ('{"plan": 1}', "line 1: It is not a file of aml-deploy diff -o"),
        ("[]", "line 1: It is not a file of aml-deploy diff -o"),
        ("[" * 100_000, "line 1: It is not JSON"),
        ("\0\1", "line 1: It is not JSON"),
    ],
)
def test_a_broken_or_foreign_file_is_refused(text: str, said: str, lonely: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "change.json"
    file.write_text(text, encoding="utf-8")
    done = aml_deploy("apply", PRESET, "--rehearse", "--yes", "--approved", file, environ=lonely)
    assert done.returncode == 2
    assert f"{file}, {said}" in done.stderr
    assert not done.stdout
    kept = aml_deploy("diff", PRESET, "--rehearse", "-o", file, environ=lonely)
    assert kept.returncode == 2
    assert "exists and is not a file of aml-deploy diff" in kept.stderr
    assert file.read_text(encoding="utf-8") == text


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (Path.mkdir, "Is a directory"),
        (os.mkfifo, "it is not a regular file"),
        (lambda file: (file.touch(), os.truncate(file, 2**34)), "it is larger than any file of aml-deploy diff"),
        (lambda file: None, "No such file or directory"),
    ],
)
def test_what_is_no_file_of_changes_is_not_read(
    make: Callable[[Path], Any], said: str, lonely: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "change.json"
    make(file)
    done = aml_deploy("apply", PRESET, "--rehearse", "--yes", "--approved", file, environ=lonely)
    assert done.returncode == 2
    assert f"{file} cannot be read: {said}." in done.stderr


def test_an_edited_file_is_refused(rehearsing: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "change.json"
    plan = (PRESET, "--rehearse", "--set", f"endpoint.name=edited-{uuid.uuid4().hex[:8]}")
    made = aml_deploy("diff", *plan, "-o", file, environ=rehearsing)
    assert made.returncode == 4, made.stderr
    again = aml_deploy("diff", *plan, "-o", file, environ=rehearsing)
    assert again.returncode == 4, "an earlier one is replaced"
    text = file.read_text(encoding="utf-8")
    file.write_text(text.replace("Standard_D4as_v4", "Standard_D8as_v4"), encoding="utf-8")
    done = aml_deploy("apply", *plan, "--yes", "--approved", file, environ=rehearsing)
    assert done.returncode == 2
    lines = text.splitlines()
    at = next(number for number, line in enumerate(lines, 1) if '"fingerprint"' in line)
    assert f"line {at}, fingerprint: The file was edited after it was made." in done.stderr


def test_overlays_and_another_name_are_compared_as_they_are_applied(
    rehearsing: dict[str, str], own_plan: Path, tmp_path: Path
) -> None:
    overlay = tmp_path / "prod.yml"
    overlay.write_text("deployment: {instance_count: 3}\n", encoding="utf-8")
    file = tmp_path / "change.json"
    plan = (own_plan, overlay, "--rehearse", "--set", f"endpoint.name=as-{uuid.uuid4().hex[:8]}")
    done = aml_deploy("diff", *plan, "--as", "green", "--json", "-o", file, environ=rehearsing)
    changes, _ = told(done)
    assert changes["deployment", "instance_count"]["after"] == 3
    assert changes["traffic", "green"]["after"] == 100
    other = aml_deploy("apply", *plan, "--yes", "--json", "--approved", file, environ=rehearsing)
    assert "In the plan, deployment.name was green when it was approved, and is blue now." in findings(other)


def test_an_invalid_plan_is_exit_2(lonely: dict[str, str]) -> None:
    done = aml_deploy("diff", PRESET, "--rehearse", "--set", "deployment.instance_count=none", environ=lonely)
    assert done.returncode == 2
    assert "deployment.instance_count" in done.stderr
