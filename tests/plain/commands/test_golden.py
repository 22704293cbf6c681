"""Golden requests in the rehearsal: before traffic moves, beside the deployment that serves, and with `invoke`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from commands import aml_deploy, json_lines
from test_any_deployment import plan

ENDPOINT = "golden-answers"
SCRIPT = """
import json
import time

FACTOR = 2


def init():
    pass


def run(raw_data):
    x = json.loads(raw_data)["x"]
    return {"y": [x * FACTOR, 0.1], "at": time.time()}
"""
GOLDEN: list[dict[str, Any]] = [
    {"name": "one", "request": {"x": 1}, "expected": {"y": [2, 0.1]}, "ignore": ["at"]},
    {"name": "half", "request": {"x": 0.5}, "expected": {"y": [1.1, 0.1]}, "ignore": ["at"],
     "tolerance": {"absolute": 0.11}},
    {"name": "no number", "request": {}, "status": 424},
    {"request": {"x": 7}},
]  # fmt: skip

ROLLOUT = ("rollout.steps=[100]", "rollout.pause=0.5s", "rollout.probe_every=0.2s", "rollout.min_requests=1")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    path = plan(tmp_path, ENDPOINT, SCRIPT)
    text = path.read_text().replace("test:\n  request: a.png\n", "")
    path.write_text(text + "test: {request: sample.json, requests: golden.jsonl}\n")
    (tmp_path / "sample.json").write_text('{"x": 1}')
    write(tmp_path, GOLDEN)
    (tmp_path / "green").mkdir()
    (tmp_path / "green" / "score.py").write_text(SCRIPT.replace("FACTOR = 2", "FACTOR = 3"))
    return path


def write(folder: Path, items: list[dict[str, Any]]) -> None:
    (folder / "golden.jsonl").write_text("".join(json.dumps(one) + "\n" for one in items))


def apply(path: Path, environ: dict[str, str], *sets: str, as_name: str = "") -> tuple[int, list[dict[str, Any]], str]:
    options = [text for one in sets for text in ("--set", one)] + (["--as", as_name] if as_name else [])
    done = aml_deploy("apply", path, "--rehearse", "--yes", "--json", *options, environ=environ, timeout=300)
    return done.returncode, json_lines(done.stdout), done.stderr


def order(events: list[dict[str, Any]]) -> list[str]:
    """The ends of the tests and the changes of the split, in order."""
    told = [event for event in events if event["event"] in ("task_finished", "traffic_shift")]
    return [event["task"] for event in told if event["event"] == "traffic_shift" or event["task"].startswith("test")]


def golden_of(events: list[dict[str, Any]], task: str) -> list[dict[str, Any]]:
    found = [event for event in events if event["event"] == "task_finished" and event["task"] == task]
    answer: list[dict[str, Any]] = found[-1]["result"]["golden"]
    return answer


def test_traffic_moves_only_to_a_deployment_that_answers_as_expected(own: Path, rehearsing: dict[str, str]) -> None:
    code, events, said = apply(own, rehearsing)
    assert (code, order(events)) == (0, ["test:blue", "traffic", "test"]), said
    (first,) = golden_of(events, "test:blue")
    assert first == {
        "deployment": "blue", "requests": 4, "as_expected": 4,
        "compared_with": None, "answered_otherwise": 0, "differences": [],
    }  # fmt: skip

    here = ("--rehearse", "--plan", own)
    good = aml_deploy("invoke", ENDPOINT, "--golden", "--deployment", "blue", *here, environ=rehearsing)
    assert good.returncode == 0, good.stdout + good.stderr
    assert "✔ half: as expected, 200 in" in good.stdout
    assert "4 of 4 golden requests as expected by blue." in good.stderr
    bad = own.parent / "bad.yml"
    bad.write_text("- {name: one, request: {x: 1}, expected: {y: [2, 0.2]}}\n- {request: {}}\n")
    told = aml_deploy("invoke", ENDPOINT, "--golden", bad, *here, "--json", environ=rehearsing)
    (answer,) = json_lines(told.stdout)
    assert (told.returncode, answer["ok"], answer["words"]) == (1, False, "0 of 2 golden requests as expected")
    one, two = answer["requests"]
    assert [(each["path"], each["expected"]) for each in one["differences"]] == [("y[1]", "0.2"), ("at", "nothing")]
    assert (two["status"], two["good"], two["differences"]) == (424, False, [])
    assert two["note"].startswith("expected status 200, got 424. The container answered with an error")

    green = ("deployment.name=green", "traffic={green: 100}", "deployment.code_configuration.code=green")
    code, events, said = apply(own, rehearsing, *green)
    assert (code, order(events)) == (1, ["test:green"]), said
    card = next(event["card"] for event in events if event["event"] == "needs_attention")
    assert (card["code"], card["field"]) == ("golden-requests", "test.requests")
    assert card["title"] == "green did not answer 2 of 4 golden requests as expected"
    assert card["cause"] == "one, half. Traffic was not moved; green has received no caller's request."
    assert card["evidence"][:3] == [
        "one: y[0]: expected 2, got 3",
        "half: y[0]: expected 1.1, got 1.5",
        "one: y[0]: blue gives 2, green 3",
    ]
    split = aml_deploy("traffic", ENDPOINT, *here, "--json", environ=rehearsing)
    assert json.loads(split.stdout)["traffic"] == {"blue": 100}

    write(own.parent, [{**GOLDEN[0], "expected": {"y": [3, 0.1]}}, *GOLDEN[2:]])
    code, events, said = apply(own, rehearsing, *green[2:], *ROLLOUT, as_name="green")
    assert (code, order(events)) == (0, ["test:green", "rollout", "test"]), said
    (second,) = golden_of(events, "test:green")
    assert (second["as_expected"], second["compared_with"], second["answered_otherwise"]) == (3, "blue", 2)
    assert second["differences"][:2] == [
        "one: y[0]: blue gives 2, green 3", "request 3: y[0]: blue gives 14, green 21",
    ]  # fmt: skip
    (line,) = [event["line"] for event in events if event.get("line", "").startswith("3 of 3")]
    assert line == "3 of 3 golden requests as expected by green; blue answers 2 otherwise."
    last = aml_deploy("attach", events[0]["run"], environ=rehearsing)
    assert f"golden {line[:-1]} " in " ".join((last.stdout + last.stderr).split())
    removed = aml_deploy("remove", own, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr


@pytest.mark.parametrize("command", [("check",), ("apply", "--yes"), ("diff",)])
def test_a_malformed_file_is_told_with_file_line_and_key(
    command: tuple[str, ...], own: Path, lonely: dict[str, str]
) -> None:
    write(own.parent, [*GOLDEN, {"request": 1, "tolerance": {"absolute": "1"}}])
    done = aml_deploy(command[0], own, *command[1:], environ=lonely)
    assert done.returncode == 2
    line = own.read_text().split("\n").index("test: {request: sample.json, requests: golden.jsonl}") + 1
    said = "golden.jsonl, line 5, tolerance.absolute: it must be a number of 0 or more."
    assert f"plan.yml, line {line}, test.requests {said}" in " ".join(done.stderr.split())


@pytest.mark.parametrize(
    ("named", "said"),
    [
        ([], "Name what to send: a request with --request FILE, or golden requests with --golden [FILE]."),
        (["--golden", "no.jsonl"], "no.jsonl cannot be read Why: No such file or directory."),
        (
            ["--golden", "bad.jsonl"],
            "bad.jsonl cannot be read Why: bad.jsonl, line 1: this is not JSON: Expecting value.",
        ),
        (["--golden"], "The plan has no golden requests"),
        (["--golden", "a", "--request", "b"], "not allowed with"),
    ],
)
def test_invoke_names_what_is_wrong_with_golden_requests(
    named: list[str], said: str, own: Path, rehearsing: dict[str, str]
) -> None:
    (own.parent / "bad.jsonl").write_text("nothing")
    own.write_text(own.read_text().replace(", requests: golden.jsonl", ""))
    here = ("--rehearse", "--plan", own)
    done = aml_deploy("invoke", ENDPOINT, *named, *here, environ=rehearsing, cwd=own.parent)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.split())
