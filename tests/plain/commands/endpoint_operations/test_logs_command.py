"""`aml-deploy logs`: the log of a container that really serves, once and followed."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import signal
import subprocess
import threading
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from commands import COMMAND, PRESET, aml_deploy, json_lines

from tui.helper.client import HelperError
from tui.plain.commands.endpoint_operations.logs import GAP, _talk
from tui.plan.load_save.document import Document
from tui.plan.presets import find

ENDPOINT = "churn-logged"
RUN_SECONDS = 300
GET_LOGS = "Microsoft.MachineLearningServices/workspaces/onlineEndpoints/deployments/getLogs/action"
SCRIPT = """
import json


def init():
    print("the model is loaded", flush=True)


def run(raw_data):
    asked = json.loads(raw_data)
    for number in range(asked["lines"]):
        print(asked["text"].format(number), flush=True)
    return asked["lines"]
"""


@pytest.fixture(scope="module")
def logged(
    rehearsing: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[dict[str, str], Path]]:
    """The environment in which an endpoint serves whose script prints what a request asks for, and its plan."""
    folder = tmp_path_factory.mktemp("logged")
    preset = find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), folder / PRESET)
    plan = Path(shutil.copy(preset.path, folder / "plan.yml"))
    (folder / PRESET / "onlinescoring" / "score.py").write_text(SCRIPT)
    (folder / PRESET / "sample-request.json").write_text(json.dumps({"lines": 1, "text": "the first request"}))
    sets = ("--set", f"endpoint.name={ENDPOINT}", "--rehearse", "--yes")
    done = aml_deploy("apply", plan, *sets, environ=rehearsing, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    yield rehearsing, plan
    aml_deploy("remove", plan, *sets, environ=rehearsing)


def call(environ: dict[str, str], folder: Path, lines: int, text: str) -> None:
    request = folder / "request.json"
    request.write_text(json.dumps({"lines": lines, "text": text}))
    done = aml_deploy("invoke", ENDPOINT, "--request", request, environ=environ)
    assert done.returncode == 0, done.stderr


class Following:
    """`aml-deploy logs --follow`, read line by line."""

    def __init__(self, environ: dict[str, str], *options: str) -> None:
        command = [*COMMAND, "logs", ENDPOINT, "--follow", "--every", "0.5", *options]
        self.process = subprocess.Popen(
            command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1
        )
        self._killer = threading.Timer(RUN_SECONDS, self.process.kill)
        self._killer.start()

    def until(self, ending: str, stream: str = "stdout") -> list[str]:
        """The lines up to the first that ends so."""
        found: list[str] = []
        for line in getattr(self.process, stream):
            found.append(line.rstrip("\n"))
            if found[-1].endswith(ending):
                return found
        raise AssertionError(
            f"no line ends with {ending}: {found[-5:]} {self.process.stderr and self.process.stderr.read()}"
        )

    def end(self) -> tuple[int, str]:
        """The exit code and the rest of stderr."""
        _, errors = self.process.communicate()
        self._killer.cancel()
        return self.process.returncode, errors


@pytest.mark.smoke
def test_an_endpoint_that_nobody_knows(lonely: dict[str, str]) -> None:
    done = aml_deploy("logs", "churn-nowhere", environ=lonely)
    assert done.returncode == 2
    assert "--plan" in done.stderr


def test_following_from_no_line_on_shows_only_new_ones(capsys: pytest.CaptureFixture[str]) -> None:
    reads = [["old", "older"], ["old", "older", "new"]]

    class Asker:
        async def ask(self, _: Document, question: str, **_with: Any) -> Any:
            if question == "logs":
                if not reads:
                    raise HelperError("The log cannot be read")
                return {"content": "\n".join(reads.pop(0))}
            if question == "kept_logs":
                return {"workspaces": [], "query": ""}
            blue = {"name": "blue", "provisioning_state": "Succeeded", "instance_count": 1}
            return {"name": ENDPOINT, "exists": True, "traffic": {}, "deployments": [blue] if reads else []}

    given = Namespace(deployment=None, container="inference-server", lines=0, follow=True, every=0, json=False)
    asyncio.run(_talk(Asker(), given, Document()))  # type: ignore[arg-type]
    assert capsys.readouterr().out.splitlines() == ["new"]


def test_what_does_not_exist_is_told_with_what_does(logged: tuple[dict[str, str], Path]) -> None:
    environ, plan = logged
    no_deployment = aml_deploy("logs", ENDPOINT, "--deployment", "green", environ=environ)
    assert (no_deployment.returncode, no_deployment.stdout) == (2, "")
    assert f"{ENDPOINT} has no deployment green. Its deployments: blue 100 %." in no_deployment.stderr
    no_endpoint = aml_deploy("logs", "churn-nowhere", "--plan", plan, "--rehearse", environ=environ)
    assert (no_endpoint.returncode, no_endpoint.stdout) == (2, "")
    assert "churn-nowhere does not exist in this workspace" in no_endpoint.stderr
    no_container = aml_deploy("logs", ENDPOINT, "--container", "sidecar", environ=environ)
    assert no_container.returncode == 2
    assert "storage-initializer" in no_container.stderr


def test_the_last_lines_of_each_container(logged: tuple[dict[str, str], Path], tmp_path: Path) -> None:
    environ, _ = logged
    call(environ, tmp_path, 30, "counted {}")
    every = aml_deploy("logs", ENDPOINT, environ=environ)
    assert every.returncode == 0, every.stderr
    assert any(line.endswith("the model is loaded") for line in every.stdout.splitlines())
    few = aml_deploy("logs", ENDPOINT, "--lines", "4", environ=environ)
    assert few.stdout.splitlines() == every.stdout.splitlines()[-4:]
    call(environ, tmp_path, 1, "\x1b]0;title\x07\x1b[31mred\x1b[0m, cleaned")
    cleaned = aml_deploy("logs", ENDPOINT, environ=environ).stdout
    assert " red, cleaned\n" in cleaned
    assert "\x1b" not in cleaned + aml_deploy("logs", ENDPOINT, "--json", environ=environ).stdout
    told = aml_deploy("logs", ENDPOINT, "--container", "storage-initializer", "--json", environ=environ)
    lines: list[dict[str, Any]] = json_lines(told.stdout)
    assert lines
    assert {(one["deployment"], one["container"]) for one in lines} == {("blue", "storage-initializer")}
    assert all(set(one) == {"time", "deployment", "container", "line"} for one in lines)
    assert any(one["line"].startswith("Downloaded") for one in lines)


def test_following_tells_each_line_once_and_where_some_are_missing(
    logged: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    environ, _ = logged
    call(environ, tmp_path, 1, "before")
    following = Following(environ, "--lines", "1000")
    following.until("before")
    call(environ, tmp_path, 3, "identical")
    call(environ, tmp_path, 1, "after those")
    same = following.until("after those")
    assert sum(line.endswith("identical") for line in same) == 3
    assert GAP not in same
    call(environ, tmp_path, 20_000, "many {}")
    many = following.until("many 19999")
    assert GAP in many
    assert len(many) < 20_000
    numbered = [line for line in many if re.search(r"many \d+$", line)]
    assert len(set(numbered)) == len(numbered), "no line twice"
    following.process.send_signal(signal.SIGINT)
    code, errors = following.end()
    assert code == 130
    assert "Traceback" not in errors


def test_following_survives_an_error_and_ends_with_its_deployment(
    logged: tuple[dict[str, str], Path], tmp_path: Path
) -> None:
    environ, plan = logged
    following = Following(environ, "--json", "--lines", "1")
    assert following.process.stdout is not None
    assert json.loads(following.process.stdout.readline())["deployment"] == "blue"
    try:
        aml_deploy("rehearsal", "--deny", GET_LOGS, environ=environ)
        following.until("press Ctrl+C to end.", "stderr")
    finally:
        aml_deploy("rehearsal", "--reset-rights", environ=environ)
    following.until("The log can be read again.", "stderr")
    aml_deploy("remove", plan, "--set", f"endpoint.name={ENDPOINT}", "--rehearse", "--yes", environ=environ)
    code, errors = following.end()
    assert code == 0, errors
    assert errors.rstrip().endswith("The deployment blue does not exist any more, so this is the end of its log.")
