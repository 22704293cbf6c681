"""The wizard as prompts: answers come from a pipe or are typed on a terminal without a screen."""

from __future__ import annotations

import re
import shlex
import shutil
import signal
import subprocess
import time
import uuid
from pathlib import Path

import pytest
from commands import COMMAND, PRESET, Terminal, aml_deploy, json_lines, processes_of

from tui.plain.prompts.field_prompt import Form
from tui.plain.prompts.prompts import FORM_STEPS
from tui.plan.fields.all_fields import BY_KEY, STEPS, fields_of
from tui.plan.load_save.load import load
from tui.plan.presets import find

RUN_SECONDS = 300


def asked_fields() -> list[str]:
    """The keys that the prompts ask for the preset as it is, in order."""
    document = load(PRESET)
    return [field.key for step in FORM_STEPS for field in fields_of(step) if document.asked(field.key)]


def answers(given: dict[str, str], last: str) -> str:
    """Every default but the given ones; `last` answers what comes after the fields."""
    assert set(given) <= set(asked_fields())
    return "".join(f"{given.get(key, '')}\n" for key in asked_fields()) + last


def test_at_the_end_of_the_input_nothing_is_deployed_and_nothing_hangs(rehearsing: dict[str, str]) -> None:
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing)
    assert done.returncode == 2
    for number, (_, title) in enumerate(STEPS[: len(FORM_STEPS) + 1], 1):
        assert f"Step {number} of {len(STEPS)}: {title}" in done.stderr
    assert "The input ended before the confirmation." in done.stderr
    assert "Signed in as" in done.stderr
    assert "create  endpoint churn-endpoint-01" in done.stderr


def test_without_a_terminal_the_prompts_come_by_themselves(lonely: dict[str, str]) -> None:
    done = aml_deploy(environ=lonely)
    assert done.returncode == 2
    assert f"Plan file, preset, or a folder with your model [{PRESET}]:" in done.stderr
    assert "AZURE_SUBSCRIPTION_ID is not set" in done.stderr
    assert "The input ended before Subscription (workspace.subscription_id) had a valid value." in done.stderr


def test_a_folder_becomes_a_plan_and_one_without_a_model_is_asked_again(
    rehearsing: dict[str, str], tmp_path: Path
) -> None:
    preset = find("sklearn-iris")
    assert preset is not None
    shutil.copytree(preset.path.with_name("sklearn-iris"), tmp_path / "iris")
    (tmp_path / "empty").mkdir()
    done = aml_deploy("--plain", "--rehearse", environ=rehearsing, typed="empty\niris\n", cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    refused, _, made = done.stderr.partition("has nothing to deploy")
    assert "No plan was written" in refused
    said, _, steps = made.partition("Step 1 of")
    assert "Found: the scoring script score.py" in said
    assert f"Written:\n  {tmp_path / 'plan.yml'}\n" in said
    assert "iris/onlinescoring" in steps
    assert "The input ended before the confirmation." in steps


def test_a_wrong_answer_is_refused_with_what_would_be_right(rehearsing: dict[str, str]) -> None:
    typed = answers({"endpoint.name": "churn_02\n?\nchurn-02"}, "n\n")
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing, typed=typed)
    assert done.returncode == 130
    assert "An underscore is not allowed in a name; try churn-02." in done.stderr
    assert "It must be unique in the Azure region." in done.stderr
    assert "The value comes from: preset churn-xgboost" in done.stderr
    assert "endpoint churn-02" in done.stderr
    assert "Nothing was deployed." in done.stderr


def test_back_asks_the_field_before_again(rehearsing: dict[str, str]) -> None:
    typed = answers({"endpoint.auth_mode": "<\nchurn-03\naml_token"}, "n\n")
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing, typed=typed)
    review = done.stderr.partition("Review")[2]
    assert "churn-03  (you)" in review
    assert "aml_token  (you)" in review


def test_a_changed_plan_can_be_saved_and_holds_no_secret(rehearsing: dict[str, str], tmp_path: Path) -> None:
    saved = tmp_path / "mine.yml"
    typed = answers(
        {"credential.method": "service_principal\nmy-tenant.example.com\n\npractice~secret"}, f"n\n{saved}\n"
    )
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing, typed=typed)
    assert done.returncode == 130, done.stderr
    assert "service_principal" in saved.read_text(encoding="utf-8")
    assert "practice~secret" not in saved.read_text(encoding="utf-8")
    assert "practice~secret" not in done.stderr


def test_a_plan_saved_in_a_rehearsal_keeps_its_service_principal(rehearsing: dict[str, str], tmp_path: Path) -> None:
    plan, saved = load(PRESET), tmp_path / "mine.yml"
    principal = {"method": "service_principal", "tenant_id": "contoso", "client_id": str(uuid.uuid4()),
                 "client_secret": "${env:OUR_SECRET}"}  # fmt: skip
    for key, value in principal.items():
        plan.set(f"credential.{key}", value, "test")
    plan.save(tmp_path / "plan.yml")
    typed = answers({"endpoint.name": "churn-04"}, f"n\n{saved}\n")
    done = aml_deploy(str(tmp_path / "plan.yml"), "--rehearse", "--plain", environ=rehearsing, typed=typed)
    assert done.returncode == 130, done.stderr
    assert load(saved).get("endpoint.name") == "churn-04"
    assert load(saved).tree["credential"] == principal


def test_the_review_has_the_price_and_what_references_are_here(rehearsing: dict[str, str]) -> None:
    variables = "deployment.environment_variables={API_TOKEN: abcdef123456789x, OURS: '${env:OURS}', MODE: fast}"
    environ = {**rehearsing, "OURS": "open~sesame~1"}
    done = aml_deploy(PRESET, "--rehearse", "--plain", "--set", variables, environ=environ, typed=answers({}, "n\n"))
    assert done.returncode == 130, done.stderr
    review = done.stderr.partition("Review")[2]
    assert re.search(
        r"  Cost: 0\.\d\d USD an hour, \d+ USD a month \(1 × Standard_D4as_v4, .*\d{4}-\d\d-\d\d\)\. Plus: ", review
    )
    assert "  workspace.name: closed-legacy-isolation  (preset churn-xgboost, from $AZURE_ML_WORKSPACE)" in review
    assert "API_TOKEN=(hidden), OURS=${env:OURS}, MODE=fast" in review
    assert "abcdef123456789x" not in done.stderr
    assert "open~sesame~1" not in done.stderr
    assert "blue: 0 → 100" in review
    assert done.stderr.count("The workspace is closed to public networks") == 1


def test_a_reference_says_whether_it_can_be_read_and_never_a_secret() -> None:
    document = load(PRESET)
    document.set("credential.client_secret", "${env:OURS}", "you")
    document.set("endpoint.description", "${keyvault:ours/words}", "you")
    form = Form(document, {"AZURE_ML_WORKSPACE": "ml-prod", "OURS": "open~sesame~2"})
    assert form.offered(BY_KEY["workspace.name"]) == "${env:AZURE_ML_WORKSPACE}, here ml-prod"
    assert form.resolved(BY_KEY["workspace.name"]) == "ml-prod"
    assert form.resolved(BY_KEY["workspace.resource_group"]) == "${env:AZURE_RESOURCE_GROUP}, cannot be read"
    assert form.resolved(BY_KEY["credential.client_secret"]) == "${env:OURS}, set"
    assert form.offered(BY_KEY["endpoint.description"]) == "${keyvault:ours/words}, read when it is used"


def test_a_file_that_is_there_is_replaced_only_after_a_question(rehearsing: dict[str, str], tmp_path: Path) -> None:
    kept, other = tmp_path / "kept.yml", tmp_path / "other.yml"
    kept.write_text("notes: mine\n", encoding="utf-8")
    typed = answers({"endpoint.name": "churn-05"}, f"n\n{kept}\n\n{other}\n")
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing, typed=typed)
    assert f"{kept} exists. Replace its content? y or n [n]:" in done.stderr
    assert kept.read_text(encoding="utf-8") == "notes: mine\n"
    assert load(other).get("endpoint.name") == "churn-05"


def test_a_field_can_be_changed_in_the_review(rehearsing: dict[str, str]) -> None:
    typed = answers({}, "deployment.instance_count\n2\n\nnonsense\nn\n")
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing, typed=typed)
    assert "2  (you)" in done.stderr.rpartition("endpoint.auth_mode")[2]
    assert "nonsense is not the key of a field" in done.stderr


@pytest.mark.slow
def test_the_walk_ends_with_the_run_and_its_result(rehearsing: dict[str, str]) -> None:
    typed = answers({"endpoint.name": "churn-prompted"}, "y\n\n")
    done = aml_deploy(PRESET, "--rehearse", "--plain", environ=rehearsing, typed=typed, timeout=RUN_SECONDS)
    assert done.returncode == 0, done.stderr
    result = done.stderr.partition("\nSucceeded after")[2]
    assert "churn-prompted, deployment blue" in result
    assert "status 200" in result
    assert "/churn-prompted/score" in result
    remove = next(line for line in result.splitlines() if line.startswith("Remove it:"))
    arguments = remove.partition("aml-deploy ")[2].split()
    removed = aml_deploy(*arguments, "--yes", "--json", environ=rehearsing)
    assert removed.returncode == 0, removed.stderr
    assert any("churn-prompted" in item for item in json_lines(removed.stdout)[0]["removed"])


def test_a_closed_standard_input_is_an_input_that_has_ended(lonely: dict[str, str]) -> None:
    shell = f"exec {' '.join(map(shlex.quote, COMMAND))} {PRESET} <&- >&-"
    done = subprocess.run(["sh", "-c", shell], env=lonely, stderr=subprocess.PIPE, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "The input ended" in done.stderr


def test_apply_on_a_terminal_asks_first(rehearsing: dict[str, str]) -> None:
    terminal = Terminal("apply", PRESET, "--rehearse", environ={**rehearsing, "TERM": "xterm"})
    terminal.until("Deploy blue behind churn-endpoint-01, 1 x Standard_D4as_v4, in the rehearsal? [y/N]")
    terminal.type("\n")
    terminal.until("Nothing was done.")
    assert terminal.end() == 130


@pytest.mark.parametrize("name", ["ACCESSIBLE", "TERM", "--plain"])
def test_a_terminal_that_wants_lines_gets_them(name: str, lonely: dict[str, str]) -> None:
    environ = {
        **lonely,
        "TERM": "xterm-256color",
        **{"ACCESSIBLE": {"ACCESSIBLE": "1"}, "TERM": {"TERM": "dumb"}}.get(name, {}),
    }
    terminal = Terminal(PRESET, *(["--plain"] if name == "--plain" else []), environ=environ)
    terminal.until("Step 1 of 9: Credentials")
    terminal.until("Sign in with (default, service_principal, managed_identity, azure_cli) [default]:")
    terminal.type("\x03")
    terminal.until("Interrupted.")
    assert terminal.end() == 130
    assert "\x1b[?1049h" not in terminal.text


def test_a_signal_while_a_secret_is_typed_ends_at_once_and_the_terminal_echoes_again(lonely: dict[str, str]) -> None:
    terminal = Terminal(PRESET, "--plain", environ={**lonely, "TERM": "xterm"})
    terminal.until("Sign in with")
    tenant = "5eed0000-0000-4000-8000-00000000b001"
    for question, answer in (("[default]:", "service_principal"), ("Tenant", tenant), ("Client id", tenant)):
        terminal.until(question)
        terminal.type(f"{answer}\n")
    terminal.until("secret")
    terminal.until_echo(False)
    terminal.process.terminate()
    terminal.until("Interrupted.")
    terminal.until_echo(True)
    assert terminal.end() == 130
    assert "Traceback" not in terminal.text


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_azure_is_asked_ends_at_once(number: int, rehearsing: dict[str, str]) -> None:
    environ = {**rehearsing, "TERM": "xterm"}
    terminal = Terminal(PRESET, "--rehearse", "--plain", environ=environ)
    terminal.until("[default]: ")
    terminal.type("\n")
    deadline = time.monotonic() + 60
    while not any("tui.helper" in line for line in processes_of(environ).values()):  # it looks for credentials
        assert time.monotonic() < deadline
    terminal.process.send_signal(number)
    terminal.until("Interrupted.")
    assert terminal.end() == 130
    for wrong in ("Traceback", "destroyed", "never"):
        assert wrong not in terminal.text
