"""A plan that `aml-deploy new` wrote serves in the rehearsal without an edit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from commands import aml_deploy, json_lines

from tui.plan.presets import find


def test_a_plan_from_a_folder_serves(rehearsing: dict[str, str], tmp_path: Path) -> None:
    preset = find("sklearn-iris")
    assert preset is not None
    shutil.copytree(preset.path.with_name("sklearn-iris") / "model", tmp_path / "iris")
    done = aml_deploy("new", "iris", environ=rehearsing, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    plan = tmp_path / "plan.yml"
    done = aml_deploy("check", plan, "--rehearse", "--json", environ=rehearsing)
    assert done.returncode == 0, done.stdout
    severities = {line.get("severity") for line in json_lines(done.stdout)}
    assert "blocker" not in severities and "warning" not in severities
    done = aml_deploy("apply", plan, "--rehearse", "--yes", "--json", environ=rehearsing, timeout=600)
    assert done.returncode == 0, done.stderr + done.stdout[-2000:]
    last = json_lines(done.stdout)[-1]
    assert last["test"]["status_code"] == 200
    assert len(json.loads(last["test"]["response"])["predictions"]) == 1
    for body, status, words in (
        ({"input_data": {"columns": ["a", "b", "c", "d"], "data": [[5.1, 3.5, 1.4, 0.2]] * 2}}, 200, "predictions"),
        ({"rows": 1}, 424, "the request must be"),
        ({"data": [[1, 2]]}, 424, "2 features"),
    ):
        (tmp_path / "body.json").write_text(json.dumps(body))
        done = aml_deploy("invoke", "iris-endpoint", "--request", tmp_path / "body.json", "--json", environ=rehearsing)
        (answer,) = json_lines(done.stdout)
        assert answer["status_code"] == status and words in json.dumps(answer["response"]), answer
    removed = aml_deploy("remove", plan, "--rehearse", "--yes", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr
