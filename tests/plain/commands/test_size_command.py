"""`aml-deploy size` through the front door: a real load run, refused figures, exit codes."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml
from commands import COMMAND, PRESET, aml_deploy, json_lines

from tui.plan.load_save.load import load as loaded


def test_wrong_numbers_and_files_are_exit_code_2(lonely: dict[str, str], tmp_path: Path) -> None:
    wrong = tmp_path / "golden.jsonl"
    wrong.write_text('{"name": "a", "request": {}}\n{"name": "b"}\n', encoding="utf-8")
    for arguments, said in (
        (["--rps", "none"], "none is not a number from 0.001 to 1e+06 (requests a second)"),
        (["--rps", "0"], "0 is not a number"),
        (["--p95", "180001"], "180001 is not a number from 1 to 180000 (milliseconds)"),
        (["--requests", str(tmp_path / "nothing.jsonl")], "No such file or directory"),
        (["--requests", str(wrong)], "golden.jsonl, line 2"),
        (["--set", "deployment.instance_count=none"], "deployment.instance_count"),
    ):
        done = aml_deploy("size", PRESET, *arguments, environ=lonely)
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert said in done.stderr


def test_what_cannot_be_served_here_is_told_and_exit_code_1(rehearsing: dict[str, str]) -> None:
    done = aml_deploy("size", PRESET, "--rehearse", "--json", "--set", "deployment.model.path=azureml:churn:3",
                      environ=rehearsing, timeout=300)  # fmt: skip
    assert done.returncode == 1
    (found,) = json_lines(done.stdout)
    assert found["field"] == "deployment.model.path" and "nothing is recommended" in done.stderr


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system does not keep a process to a processor")
@pytest.mark.parametrize("json", [False, True])
def test_server_and_generator_on_one_processor_give_no_figure(
    rehearsing: dict[str, str], own_plan: Path, json: bool
) -> None:
    before, one = own_plan.read_text(encoding="utf-8"), min(os.sched_getaffinity(0))
    done = subprocess.run(
        [*COMMAND, "size", str(own_plan), "--rehearse", "--fix", "--yes", *(["--json"] if json else [])],
        env=rehearsing,
        preexec_fn=lambda: os.sched_setaffinity(0, {one}),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1, done.stderr
    assert own_plan.read_text(encoding="utf-8") == before
    if json:
        (found,) = json_lines(done.stdout)
        assert (found["deployment"], found["choices"], found["changes"]) == ("blue", [], {})
        assert found["why"] == found["measured"]["refused"] and "processor" in found["why"]
    else:
        assert "blue: no recommendation. " in done.stdout and "processor" in done.stdout


@pytest.mark.alone
def test_a_plan_is_measured_and_its_size_written(rehearsing: dict[str, str], own_plan: Path) -> None:
    (script,) = own_plan.parent.rglob("score.py")
    script.write_text(
        script.read_text(encoding="utf-8") + "\n\nimport time\n\n_run = run\n\n\ndef run(raw_data):\n"
        "    time.sleep(0.2)\n    return _run(raw_data)\n",
        encoding="utf-8",
    )
    own_plan.write_text("# Kept.\n" + own_plan.read_text(encoding="utf-8"), encoding="utf-8")
    load = ("--rps", "30", "--p95", "900", "--seconds", "60")
    done = aml_deploy("size", own_plan, "--rehearse", *load, "--fix", "--yes", "--json",
                      environ=rehearsing, timeout=500)  # fmt: skip
    (found,) = json_lines(done.stdout)
    assert done.returncode == 0, (found, done.stderr)
    first = found["choices"][0]
    assert len(found["choices"]) == 3 and first["p95_ms"] <= 900
    assert first["holds"] * first["instances"] >= 30 and first["max_concurrent_requests_per_instance"] >= 1
    assert [choice["hour"] for choice in found["choices"]] == sorted(choice["hour"] for choice in found["choices"])
    # Every worker waits a fifth of a second for each request, and answers no other meanwhile.
    assert found["measured"]["blocked"] is True
    assert first["holds"] <= 5.5 * first["worker_count"]
    assert any("run() waits" in line["text"] for line in first["lines"])  # no rule on a processor that idles
    text = own_plan.read_text(encoding="utf-8")
    document = loaded(str(own_plan), [], [])
    assert text.startswith("# Kept.\n") and yaml.safe_load(text)
    assert {key: document.get(key) for key in found["changes"]} == found["changes"] != {}
    assert aml_deploy("check", own_plan, "--rehearse", environ=rehearsing).returncode in (0, 3)  # a valid plan
