"""A plan that names what only the user's workspace holds: what `check --rehearse` says of it, and `rehearsal add`."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from commands import aml_deploy, json_lines

SCORE = """
import json
import os
from pathlib import Path

def init():
    global factor
    factor = json.loads((Path(os.environ["AZUREML_MODEL_DIR"]) / "model" / "factor.json").read_text())

def run(text):
    return {"product": factor * json.loads(text)["number"]}
"""
CONDA = "dependencies: [python=3.11, pip, {pip: [azureml-inference-server-http]}]\n"
LIMIT = "rehearsal-limit"
RUN_SECONDS = 300


@pytest.fixture
def files(tmp_path: Path) -> Path:
    """A model, a script, a conda file and a request."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "factor.json").write_text("3")
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "score.py").write_text(SCORE)
    (tmp_path / "conda.yml").write_text(CONDA)
    (tmp_path / "request.json").write_text('{"number": 4}')
    return tmp_path


def plan_of(folder: Path, model: str, environment: str, **deployment: Any) -> Path:
    """A plan in a workspace of the user's own, which names registered assets only."""
    own = f"{abs(hash(folder)) % 10**8:08}"
    tree = {
        "workspace": {"subscription_id": f"{own}-0000-0000-0000-000000000007", "resource_group": "rg", "name": "own"},
        "endpoint": {"name": f"added-{own}"},
        "deployment": {
            "name": "blue",
            "model": model,
            "environment": environment,
            "code_configuration": {"code": "code", "scoring_script": "score.py"},
            "instance_type": "Standard_D4as_v4",
            **deployment,
        },
        "test": {"request": "request.json"},
    }  # fmt: skip
    plan = folder / "plan.yml"
    plan.write_text(yaml.safe_dump(tree))
    return plan


def checked(plan: Path, environ: dict[str, str]) -> tuple[int, list[dict[str, Any]]]:
    """The exit code of `check --rehearse`, and its findings about limits of the rehearsal."""
    done = aml_deploy("check", plan, "--rehearse", "--json", environ=environ)
    return done.returncode, [one for one in json_lines(done.stdout) if one["id"] == LIMIT]


def added(command: str, path: Path, environ: dict[str, str]) -> str:
    """Run the command of a finding, as somebody would who has replaced PATH."""
    words = [str(path) if word == "PATH" else word for word in shlex.split(command)]
    assert words[:3] == ["aml-deploy", "rehearsal", "add"]
    done = aml_deploy(*words[1:], environ=environ)
    assert done.returncode == 0, done.stderr
    return done.stderr


@pytest.mark.parametrize(
    ("model", "environment", "egress"),
    [
        ("azureml:{}@latest", "azureml:{}:7", None),
        ("azureml://registries/own/models/{}/versions/3", "azureml://registries/azureml/environments/{}/labels/latest",
         "enabled"),
    ],
)  # fmt: skip
def test_what_the_finding_says_makes_the_plan_serve(
    rehearsing: dict[str, str], files: Path, model: str, environment: str, egress: str | None
) -> None:
    name = "churn-closed" if egress is None else "churn-open"
    more = {"egress_public_network_access": egress} if egress else {}
    plan = plan_of(files, model.format(name), environment.format(name), **more)
    code, limits = checked(plan, rehearsing)
    assert code == 3 and [one["severity"] for one in limits] == ["blocker", "blocker"]
    for finding, asset, path in zip(limits, ("model", "environment"), (files / "model", files / "conda.yml")):
        assert finding["message"].startswith("The rehearsal does not know your workspaces and registries")
        assert finding["field"].startswith(f"deployment.{asset}.") and name in finding["message"]
        assert name in added(finding["command"], path, rehearsing)
    # An added asset is kept, as everything is that was registered.
    assert aml_deploy("rehearsal", "--stop", environ=rehearsing).returncode == 0
    assert checked(plan, rehearsing) == (0, [])
    done = aml_deploy("apply", plan, "--rehearse", "--yes", "--json", environ=rehearsing, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    assert json.loads(json_lines(done.stdout)[-1]["test"]["response"]) == {"product": 12}
    removed = aml_deploy("remove", plan, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr


def test_a_version_is_counted_up_and_a_named_one_is_replaced(rehearsing: dict[str, str], files: Path) -> None:
    def add(asset: str, path: Path, *more: str) -> str:
        done = aml_deploy("rehearsal", "add", "model", asset, path, *more, environ=rehearsing)
        assert done.returncode == 0, done.stderr
        return done.stderr

    (files / "model" / "MLmodel").write_text("flavors: {python_function: {loader_module: mlflow.sklearn}}\n")
    assert "azureml:counted:1 now: mlflow_model" in add("counted", files / "model")
    assert "azureml:counted:2 now: custom_model" in add("counted", files / "model" / "factor.json")
    assert "azureml:counted:1 now: custom_model" in add("counted:1", files / "conda.yml")
    assert "registries/own/models/counted/versions/1 now" in add("counted", files / "model", "--registry", "own")


def test_what_was_added_is_closed_to_others_whatever_the_source_allows(rehearsing: dict[str, str], files: Path) -> None:
    (files / "model" / "factor.json").chmod(0o644)
    (files / "model").chmod(0o555)
    assert aml_deploy("rehearsal", "add", "model", "open", files / "model", environ=rehearsing).returncode == 0
    kept = list(Path(rehearsing["AML_DEPLOY_CACHE"]).rglob("added/*/model/**/*"))
    assert [path.name for path in kept if not path.stat().st_mode & 0o077] == [path.name for path in kept] != []
    assert all(path.parent.stat().st_mode & 0o777 == 0o700 for path in kept)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["add"], "aml-deploy rehearsal add model|environment NAME[:VERSION] PATH"),
        (["add", "data", "x", "."], "aml-deploy rehearsal add model|environment NAME[:VERSION] PATH"),
        (["nonsense"], "aml-deploy rehearsal add model|environment NAME[:VERSION] PATH"),
        (["--registry", "own"], "aml-deploy rehearsal add model|environment NAME[:VERSION] PATH"),
        (["add", "model", "x", "not-there"], "There is no file or folder not-there."),
        (["add", "model", "x y", "."], "'x y' is not a name"),
        (["add", "model", "x:", "model"], ""),
        (["add", "model", "x", ""], "There is no file or folder"),
        (["add", "environment", "x", "ubuntu:22.04"], "An image is written with its registry"),
        (["add", "model", "x", ".", "--port", "1"], "the only option is --registry"),
        (["add", "model", "x", ".", "--stop"], "the only option is --registry"),
        (["add", "model", "x", ".", "--scenario", "quota"], "the only option is --registry"),
        (["add", "model", "x", "linked"], "linked cannot be added: [Errno 2] No such file"),
        (["add", "environment", "x", "code/score.py"], "score.py is not a conda file"),
        (["add", "environment", "x", "code"], "There is no Dockerfile in code."),
    ],
)
def test_what_cannot_be_added(rehearsing: dict[str, str], files: Path, arguments: list[str], said: str) -> None:
    (files / "linked").mkdir()
    (files / "linked" / "gone").symlink_to("nowhere")
    done = aml_deploy("rehearsal", *arguments, environ=rehearsing, cwd=files)
    assert done.returncode == (2 if said else 0) and said in done.stderr and "Traceback" not in done.stderr


def test_what_needs_docker_is_added_and_said_beforehand(rehearsing: dict[str, str], files: Path) -> None:
    (files / "own").mkdir()
    (files / "own" / "Dockerfile").write_text("FROM python:3.12-slim\n")
    for path, what in ((files / "own", "a build of the Dockerfile"), ("mcr.microsoft.com/a/b:1", "the image mcr.")):
        added(f"aml-deploy rehearsal add environment docker:1 {path}", files, rehearsing)
        plan = plan_of(files, "azureml:docker-model:1", "azureml:docker:1")
        added(f"aml-deploy rehearsal add model docker-model:1 {files / 'model'}", files, rehearsing)
        code, (limit,) = checked(plan, rehearsing)
        assert code == 0 and limit["severity"] == "warning" and limit["field"] == "deployment.environment.registered"
        assert limit["message"].endswith("since --container-engine none was chosen.") and what in limit["message"]


ROUTE = {"path": "/score", "port": 5001}
ROUTES = {"liveness_route": ROUTE, "readiness_route": ROUTE, "scoring_route": ROUTE}


@pytest.mark.parametrize(
    ("tree", "what", "needs"),
    [
        ({"image": "mcr.microsoft.com/a/b:1", "conda_file": "../conda.yml"}, "env.yml on mcr.microsoft.com/a/b:1", ""),
        ({"image": "a.io/b:1", "conda_file": yaml.safe_load(CONDA)}, "env.yml on a.io/b:1", ""),
        ({"image": "a.io/b:1"}, "a.io/b:1", "the image a.io/b:1"),
        ({"image": "a.io/b:1", "inference_config": ROUTES}, "a.io/b:1", "a container with its own routes"),
        (
            {"build": {"path": "own", "dockerfile_path": "Own.Dockerfile"}},
            "a build of Own.Dockerfile",
            "a build of the",
        ),
    ],
)
def test_the_yaml_of_an_environment_is_read_as_az_reads_it(
    rehearsing: dict[str, str], files: Path, tree: dict[str, Any], what: str, needs: str
) -> None:
    (files / "env" / "own").mkdir(parents=True)
    (files / "env" / "own" / "Own.Dockerfile").write_text("FROM python:3.12-slim\n")
    (files / "env" / "env.yml").write_text(yaml.safe_dump({"name": "unused", **tree}))
    said = added("aml-deploy rehearsal add environment from-az:1 PATH", files / "env" / "env.yml", rehearsing)
    assert said.strip().endswith(f"azureml:from-az:1 now: {what}.")
    added(f"aml-deploy rehearsal add model from-az:1 {files / 'model'}", files, rehearsing)
    code, limits = checked(plan_of(files, "azureml:from-az:1", "azureml:from-az:1"), rehearsing)
    assert code == 0 and [needs in one["message"] for one in limits] == [True] * bool(needs)


@pytest.mark.parametrize(
    ("tree", "said"),
    [
        ({"name": "x"}, "is not a conda file"),
        ({"build": {"path": "gone"}}, "There is no file or folder"),
        ({"image": "a.io/b:1", "conda_file": "gone.yml"}, "No such file"),
    ],
)
def test_what_such_yaml_may_lack(rehearsing: dict[str, str], files: Path, tree: dict[str, Any], said: str) -> None:
    (files / "env.yml").write_text(yaml.safe_dump(tree))
    done = aml_deploy("rehearsal", "add", "environment", "x", "env.yml", environ=rehearsing, cwd=files)
    assert done.returncode == 2 and said in done.stderr and "Traceback" not in done.stderr
