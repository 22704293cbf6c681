"""The walk answered from a file: `--answers`."""

from __future__ import annotations

from pathlib import Path

import pytest
from commands import PRESET, aml_deploy

from tui.plan.load_save.load import load


def written(folder: Path, text: str) -> Path:
    file = folder / "answers.yml"
    file.write_text(text, encoding="utf-8")
    return file


def test_a_file_answers_the_walk_and_what_it_leaves_out_takes_its_default(
    rehearsing: dict[str, str], tmp_path: Path
) -> None:
    saved = tmp_path / "saved plan.yml"
    file = written(
        tmp_path,
        f"plan: {PRESET}\nendpoint:\n  name: churn-answered\n  tags: {{team: churn, kind: 'x y'}}\n"
        f"deployment.instance_count: 2\ndeployment.request_settings.request_timeout_ms: 9000\n"
        f"deploy: no\nsave_as: {saved}\n",
    )
    done = aml_deploy("--rehearse", "--answers", file, environ=rehearsing)
    assert done.returncode == 130, done.stderr
    assert "Nothing was deployed." in done.stderr
    document = load(saved)
    assert document.problems == []
    assert document.get("endpoint.name") == "churn-answered"
    assert document.get("endpoint.tags") == {"team": "churn", "kind": "x y"}
    assert document.get("deployment.instance_count") == 2
    assert document.get("deployment.request_settings.request_timeout_ms") == 9000
    assert document.get("endpoint.auth_mode") == load(PRESET).get("endpoint.auth_mode")


def test_secrets_in_answers_are_not_shown_and_not_saved(rehearsing: dict[str, str], tmp_path: Path) -> None:
    saved = tmp_path / "mine.yml"
    file = written(
        tmp_path,
        "credential.method: service_principal\ncredential.tenant_id: my-tenant.example.com\n"
        "credential.client_id: 6f0a1c3e-0000-4000-8000-000000000001\ncredential.client_secret: planted~answer\n"
        f"deploy: false\nsave_as: {saved}\n",
    )
    done = aml_deploy(PRESET, "--rehearse", "--answers", file, environ=rehearsing)
    assert done.returncode == 130, done.stderr
    assert "kept in memory" in done.stderr
    assert "planted~answer" not in done.stderr + done.stdout + saved.read_text(encoding="utf-8")


def test_an_answer_that_is_refused_ends_the_walk_with_its_line(rehearsing: dict[str, str], tmp_path: Path) -> None:
    file = written(tmp_path, "# my answers\nendpoint.name: churn_02\ndeploy: yes\n")
    done = aml_deploy(PRESET, "--rehearse", "--answers", file, environ=rehearsing)
    assert done.returncode == 2
    assert f"{file}, line 2, endpoint.name: An underscore is not allowed in a name; try churn-02." in done.stderr


def test_an_answer_that_other_values_make_needless_is_named(rehearsing: dict[str, str], tmp_path: Path) -> None:
    file = written(tmp_path, "credential.method: default\ncredential.client_id: abc\ndeploy: no\n")
    done = aml_deploy(PRESET, "--rehearse", "--answers", file, environ=rehearsing)
    assert "line 2, credential.client_id: not used" in done.stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("endpont.name: x\n", "line 1, endpont.name: No question has this key. Did you mean endpoint.name?"),
        ("a: [\n", "This is not valid YAML"),
        ("- endpoint.name\n", "Answers are a map of keys and values."),
        ("\ndeploy: perhaps\n", "line 2, deploy: perhaps is not a valid answer. Answer yes or no."),
    ],
)
def test_a_file_that_is_not_understood_is_refused_before_anything_starts(
    lonely: dict[str, str], tmp_path: Path, text: str, said: str
) -> None:
    done = aml_deploy(PRESET, "--answers", written(tmp_path, text), environ=lonely)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Step 1" not in done.stderr


def test_a_file_that_is_not_there_is_named(lonely: dict[str, str], tmp_path: Path) -> None:
    done = aml_deploy(PRESET, "--answers", tmp_path / "none.yml", environ=lonely)
    assert done.returncode == 2
    assert "none.yml: The file cannot be read: No such file or directory." in done.stderr
