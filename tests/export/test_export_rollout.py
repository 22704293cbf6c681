"""The rollout in script and notebook: the order of the splits, the way back, and a real one in the rehearsal."""

from __future__ import annotations

import json
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from exporting import exported, own_preset

from tests.export.test_export_python import applied, started
from tui.plan.load_save.load import load
from tui.rehearsal_client import prepare

ROOT = Path(__file__).resolve().parents[2]
ROLLOUT = "rollout: {steps: [10, 50, 100], pause: 3s, probe_every: 1s, min_requests: 2, max_error_percent: 20}\n"


class Endpoints:
    """What the program sees of Azure: one endpoint, whose splits are written down."""

    def __init__(self, traffic: dict[str, int]) -> None:
        self.endpoint = types.SimpleNamespace(
            traffic=traffic, mirror_traffic={}, provisioning_state="Succeeded", scoring_uri="https://x/score"
        )
        self.key, self.given = "k", ""  # the valid one, and the one that is listed if that is another
        self.set: list[tuple[dict[str, int], dict[str, int]]] = []

    def get(self, name: str) -> Any:
        return types.SimpleNamespace(**vars(self.endpoint))

    def begin_create_or_update(self, wanted: Any) -> None:
        self.set.append((wanted.traffic, wanted.mirror_traffic))
        self.endpoint.traffic, self.endpoint.mirror_traffic = wanted.traffic, wanted.mirror_traffic

    def get_keys(self, name: str) -> Any:
        return types.SimpleNamespace(primary_key=self.given or self.key)


def carried_out(
    folder: Path, more: str, traffic: dict[str, int], answer: Callable[[Endpoints], int], seconds: float = 0.01
) -> tuple[Endpoints, list[dict[str, str]], str]:
    """The rollout's part of the program, run on a clock of its own; returns what was set, the headers, the trouble."""
    name = ("name: blue", "name: green")
    plan = own_preset(folder, name, ("traffic: {blue: 100}", more))
    text = exported(plan, "python", folder / "out").files[0].text
    code = text[text.index("# The rollout") : text.index("# A test call")]
    endpoints, headers, clock = Endpoints(traffic), [], [0.0]

    def post(uri: str, **given: Any) -> Any:
        headers.append(given["headers"])
        clock[0] += seconds
        status = 200 if given["headers"]["Authorization"] == f"Bearer {endpoints.key}" else 401
        return types.SimpleNamespace(status_code=answer(endpoints) if status == 200 else status, headers={})

    def sleep(time: float) -> None:
        clock[0] += time

    import math

    names = {
        "client": types.SimpleNamespace(online_endpoints=endpoints), "ENDPOINT": "churn", "HERE": folder / "out",
        "time": types.SimpleNamespace(sleep=sleep, monotonic=lambda: clock[0]), "math": math,
        "requests": types.SimpleNamespace(post=post, RequestException=ConnectionError), "print": lambda *words: None,
    }  # fmt: skip
    try:
        exec(compile(code, "deploy.py", "exec"), names)
    except RuntimeError as trouble:
        return endpoints, headers, str(trouble)
    return endpoints, headers, ""


def test_the_new_one_takes_over_step_by_step(tmp_path: Path) -> None:
    more = ROLLOUT + "mirror_traffic: {green: 20}\n"
    endpoints, headers, trouble = carried_out(tmp_path, more, {"blue": 70, "red": 30}, lambda now: 200)
    assert not trouble
    assert endpoints.set == [
        ({"blue": 70, "red": 30}, {"green": 20}),
        ({"blue": 63, "red": 27, "green": 10}, {}),
        ({"blue": 35, "red": 15, "green": 50}, {}),
        ({"green": 100}, {}),
    ]
    assert {one["azureml-model-deployment"] for one in headers} == {"green"}
    assert headers[0]["Authorization"] == "Bearer k"
    # One alone, then four watches of three seconds with a call each second.
    assert len(headers) == 1 + 4 * 4


@pytest.mark.parametrize(
    ("answer", "seconds", "said", "splits"),
    [
        (lambda now: 424 if now.endpoint.traffic.get("green", 0) >= 50 else 200, 0.01, "failed: 424", [10, 50, 0]),
        (lambda now: 500, 0.01, "1 of 1 test calls to green failed: 500", [0]),
        (lambda now: 200, 0.9, "The p95 latency of green is 900 ms; the limit is 500 ms", [0]),
    ],
)
def test_it_goes_back_by_itself(
    tmp_path: Path, answer: Callable[[Endpoints], int], seconds: float, said: str, splits: list[int]
) -> None:
    more = ROLLOUT.replace("}", ", max_p95_ms: 500}")
    endpoints, _, trouble = carried_out(tmp_path, more, {"blue": 100}, answer, seconds)
    assert said in trouble
    assert [traffic.get("green", 0) for traffic, _ in endpoints.set] == splits
    assert endpoints.endpoint.traffic == {"blue": 100}


@pytest.mark.parametrize(("before", "set_"), [({}, [({"green": 100}, {})]), ({"green": 100}, [])])
def test_nothing_to_go_back_to_is_no_rollout(tmp_path: Path, before: dict[str, int], set_: list[Any]) -> None:
    endpoints, headers, trouble = carried_out(tmp_path, ROLLOUT, before, lambda now: 200)
    assert (endpoints.set, headers, trouble) == (set_, [], "")


def test_it_goes_on_where_an_earlier_one_ended(tmp_path: Path) -> None:
    endpoints, _, _ = carried_out(tmp_path, ROLLOUT, {"blue": 90, "green": 10}, lambda now: 200)
    assert [traffic for traffic, _ in endpoints.set] == [
        {"blue": 90, "green": 10}, {"blue": 50, "green": 50}, {"green": 100},
    ]  # fmt: skip


def test_script_and_notebook_import_what_the_rollout_needs(tmp_path: Path) -> None:
    plan = own_preset(tmp_path, ("traffic: {blue: 100}", ROLLOUT))
    for to in ("python", "notebook"):
        text = exported(plan, to, tmp_path / to).files[0].text
        for name in ("math", "time", "requests"):
            assert f"import {name}\n" in text
        assert "def shift(" in text and "endpoint.traffic = {" not in text
    made = exported(plan, "python", tmp_path / "again")
    assert any(note.startswith("rollout: the program executes the steps") for note in made.notes)


@pytest.mark.slow
def test_a_rollout_of_the_script_in_the_rehearsal(tmp_path: Path, rehearsal_env: dict[str, str]) -> None:
    """Blue by `apply`; green by the exported script, step by step."""
    probe = ("instance_count: 1", "instance_count: 1\n  readiness_probe: {initial_delay: 5}")
    plan = own_preset(tmp_path, probe)
    applied(plan, "exp-rollout", rehearsal_env)
    rollout = "rollout: {steps: [50, 100], pause: 2s, probe_every: 0.2s, min_requests: 3}\n"
    green = plan.with_name("green.yml")
    text = plan.read_text().replace("name: blue", "name: green").replace("traffic: {blue: 100}", rollout)
    green.write_text(text)
    environ = prepare(load(green), rehearsal_env)
    sets = ("endpoint.name=exp-rollout", "deployment.model.name=exp-rollout")
    exported(green, "python", tmp_path / "out", *sets)
    program = started([sys.executable, str(tmp_path / "out" / "deploy.py")], environ)
    said, _ = program.communicate(timeout=200)
    assert program.returncode == 0, said
    splits = [line for line in said.splitlines() if line.startswith("Traffic: {")]
    assert splits[0].startswith("Traffic: {'blue': 50, 'green': 50}"), said
    assert splits[1].startswith("Traffic: {'green': 100}"), said
    command = [sys.executable, "-m", "tui", "invoke", "exp-rollout", "--request",
               str(tmp_path / "churn-xgboost" / "sample-request.json"), "--json"]  # fmt: skip
    done = subprocess.run(
        command, env=rehearsal_env, cwd=ROOT, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["deployment"] == "green"


def test_a_replaced_key_is_read_again_and_is_no_failure_of_the_model(tmp_path: Path) -> None:
    def answer(now: Endpoints) -> int:
        now.key += "x"  # replaced after every answer
        return 200

    endpoints, _, trouble = carried_out(tmp_path, ROLLOUT, {"blue": 100}, answer)
    assert (trouble, endpoints.endpoint.traffic) == ("", {"green": 100})


def test_a_key_that_stays_refused_goes_back_without_blaming_the_model(tmp_path: Path) -> None:
    def answer(now: Endpoints) -> int:
        if len(now.set) == 2:
            now.key, now.given = "new", "old"
        return 200

    endpoints, _, trouble = carried_out(tmp_path, ROLLOUT, {"blue": 100}, answer)
    assert "refuses this program's key or token: 401" in trouble
    assert endpoints.endpoint.traffic == {"blue": 100}


def test_a_split_that_somebody_else_has_set_is_kept(tmp_path: Path) -> None:
    def answer(now: Endpoints) -> int:
        if len(now.set) == 2:
            now.endpoint.traffic = {"red": 100}
            return 500
        return 200

    endpoints, _, trouble = carried_out(tmp_path, ROLLOUT, {"blue": 100}, answer)
    assert trouble and endpoints.endpoint.traffic == {"red": 100}
