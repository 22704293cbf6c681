"""The preset is valid, and its scoring script behaves on a real server as its comments say."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tui.checks.model import artifacts
from tui.plan import presets
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Plan

COLUMNS = [
    "Idade",
    "RendaMensal",
    "PercentualUtilizacaoLimite",
    "QtdTransacoesNegadas",
    "AnosDeRelacionamentoBanco",
    "JaUsouChequeEspecial",
    "QtdEmprestimos",
    "NumeroAtendimentos",
    "TMA",
    "IndiceSatisfacao",
    "Saldo",
    "CLTV",
]
ENVIRON = {
    "AZURE_SUBSCRIPTION_ID": "00000000-0000-4000-8000-000000000001",
    "AZURE_RESOURCE_GROUP": "rg",
    "AZURE_ML_WORKSPACE": "ws-private",
}
FOLDER = presets.folder() / "churn-xgboost"


@pytest.fixture(scope="module")
def plan() -> Plan:
    return resolve(load("churn-xgboost", [], []), ENVIRON)


def test_the_preset_is_listed_with_a_description() -> None:
    found = presets.find("churn-xgboost")
    assert found is not None and "XGBoost" in found.description


def test_the_plan_takes_its_workspace_from_the_environment(plan: Plan) -> None:
    assert plan.workspace.name == "ws-private" and plan.workspace.resource_group == "rg"
    assert plan.traffic == {"blue": 100}
    assert plan.deployment.egress_public_network_access == "disabled"
    assert re.search(r":20\d{6}\.v\d+$", plan.deployment.environment.image or "")


def test_nothing_is_wrong_with_its_files(plan: Plan) -> None:
    assert {finding.severity for finding in artifacts.check(plan, isolation="legacy")} == {"ok"}


def test_the_twelve_columns_are_the_same_everywhere(plan: Plan) -> None:
    answer = artifacts.inspect_model(plan)
    assert [column["name"] for column in answer["signature"]] == COLUMNS
    assert all(list(row) == COLUMNS for row in answer["sample"]["data"])
    assert answer["bytes"] < 300_000


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A Python with the pip packages of conda.yml."""
    uv = pytest.importorskip("uv").find_uv_bin()
    dependencies = yaml.safe_load((FOLDER / "conda.yml").read_text())["dependencies"]
    wanted = next(item["pip"] for item in dependencies if isinstance(item, dict))
    folder = tmp_path_factory.mktemp("scoring") / "env"
    made = folder / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", str(made), *wanted],
    ):
        subprocess.run([uv, *command], check=True, timeout=600)
    return made


@pytest.fixture(scope="module")
def server(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The scoring URL of azureml-inference-server-http with the preset's files, in the folders that Azure uses."""
    models = tmp_path_factory.mktemp("models")
    shutil.copytree(FOLDER / "model", models / "model")
    shutil.copytree(FOLDER / "onlinescoring", models / "code")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = models / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [python.with_name("azmlinfsrv"), "--entry_script", models / "code/score.py", "--port", str(port)],
            env={**os.environ, "AZUREML_MODEL_DIR": str(models)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        url = f"http://127.0.0.1:{port}"
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(url, timeout=5).close()
                break
            except OSError:
                assert process.poll() is None and time.monotonic() < deadline, log.read_text()
                time.sleep(0.1)
        yield f"{url}/score"
        assert "scored 2 row(s)" in log.read_text() and "15870" not in log.read_text()
    finally:
        process.terminate()
        process.wait(30)


def post(url: str, body: str) -> tuple[int, Any]:
    request = urllib.request.Request(url, body.encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, None


def sample() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads((FOLDER / "sample-request.json").read_text())
    return loaded


@pytest.mark.slow
def test_the_sample_is_answered_with_a_probability_and_a_word(server: str) -> None:
    status, answer = post(server, json.dumps(sample()))
    assert status == 200
    assert [row["churn"] for row in answer["predictions"]] == ["yes", "no"]
    likely, unlikely = (row["probability"] for row in answer["predictions"])
    assert 0 <= unlikely < 0.5 <= likely <= 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "change",
    [{"Idade": "27"}, {"Idade": 27.5}, {"Saldo": None}, {"Saldo": float("nan")}, {"Extra": 1}, {"TMA": True}, {}],
)
def test_bad_input_is_an_error_and_not_an_answer(server: str, change: dict[str, Any]) -> None:
    body = sample()
    body["data"][0].update(change)
    if not change:
        del body["data"][0]["CLTV"]
    assert post(server, json.dumps(body))[0] == 500


@pytest.mark.slow
@pytest.mark.parametrize("body", ["", "not JSON", "[]", '{"data": []}', '{"data": [[1, 2]]}', '{"rows": []}'])
def test_other_bodies_are_errors_too(server: str, body: str) -> None:
    assert post(server, body)[0] == 500


@pytest.mark.slow
def test_training_again_makes_the_same_model(python: Path, tmp_path: Path) -> None:
    shutil.copytree(FOLDER, tmp_path / "churn")
    shutil.rmtree(tmp_path / "churn/model")
    done = subprocess.run([python, "train.py"], cwd=tmp_path / "churn", capture_output=True, text=True, check=True)
    auc = re.search(r"AUC .*: (0\.\d+)", done.stdout)
    assert auc and float(auc.group(1)) > 0.8
    ask = (
        "import sys, os\n"
        "sys.path.insert(0, sys.argv[1] + '/onlinescoring'); os.environ['AZUREML_MODEL_DIR'] = sys.argv[2]\n"
        "import score; score.init(); print(score.run(open(sys.argv[1] + '/sample-request.json').read()))"
    )
    both = [
        subprocess.run([python, "-B", "-c", ask, FOLDER, folder], capture_output=True, text=True, check=True).stdout
        for folder in (FOLDER, tmp_path / "churn")
    ]
    assert both[0] == both[1] != ""
