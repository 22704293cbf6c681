"""Values, paths and entities of a plan as Python, and the program around them."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest
from plans import made, source, text_of

from tui.export.python_literals import Expression, Literals
from tui.plan.problems import PlanInvalid
from tui.plan.sdk_entities import Entity


def literals(base: Path, setting: str = "setting", **values: Any) -> Literals:
    return Literals(source(base, **values), setting)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ('it\'s "ü"\n', '"it\'s \\"ü\\"\\n"'),
        (True, "True"),
        (None, "None"),
        (1.5, "1.5"),
        (["a", 1], '["a", 1]'),
        (("a",), '["a"]'),
        ({"a": 1, 2: [None]}, '{"a": 1, "2": [None]}'),
        (Expression("x + 1"), "x + 1"),
        ("${env:A}", 'setting("A")'),
        ("a-${env:A}", '"a-" + setting("A")'),
        ("${databricks:s/k-1}", 'setting("S_K_1")'),
        (Path("/x"), '"/x"'),
    ],
)
def test_a_value_as_python(tmp_path: Path, given: Any, code: str) -> None:
    assert literals(tmp_path).of(given) == code


def test_a_notebook_reads_a_scope_itself(tmp_path: Path) -> None:
    notebook = literals(tmp_path, "setting_or_secret")
    assert notebook.of("${databricks:s/k}") == 'dbutils.secrets.get(scope="s", key="k")'
    assert notebook.of("${keyvault:v/n}") == 'setting_or_secret("V_N")'
    assert notebook.of("${env:A}") == 'setting_or_secret("A")'


@pytest.mark.parametrize(
    ("path", "code"),
    [("model", 'HERE / "../model"'), ("/abs", 'Path("/abs")'), ("${env:M}", 'Path(setting("M"))')],
)
def test_a_path_as_python(tmp_path: Path, path: str, code: str) -> None:
    found = literals(tmp_path, deployment__model__path=path)
    assert found.path("deployment.model.path") == code and found.path("test.request") is None


def test_entities_are_on_one_line_as_long_as_they_fit(tmp_path: Path) -> None:
    write = literals(tmp_path).entity
    short = Entity("Outer", {"a": 1, "b": Entity("Inner", {"c": "x"})})
    assert write(short) == 'Outer(\n    a=1,\n    b=Inner(c="x"),\n)'
    # The argument's text and its indentation count; 90 is too much.
    for length, lines in ((77, 1), (78, 1), (79, 1), (80, 1), (81, 1), (82, 3), (83, 3)):
        inner = Entity("Inner", {"c": "x" * length})
        assert len(write(Entity("Outer", {"b": inner})).splitlines()) == 2 + lines, length
    for length, lines in ((77, 1), (78, 3)):
        inner = Entity("Inner", {"c": "x" * length})
        assert len(write(Entity("Outer", {"m": {"k": inner}})).splitlines()) == 4 + lines, length
    nested = Entity("Outer", {"m": {"k": Entity("Inner", {"c": 1})}, "l": [Entity("Inner", {})], "p": {"k": 1}})
    assert write(nested, 4) == (
        'Outer(\n        m={\n            "k": Inner(c=1),\n        },\n        l=[Inner()],\n'
        '        p={"k": 1},\n    )'
    )
    assert write(Entity("Outer", {"m": {"k": {"j": 1}}})) == 'Outer(\n    m={\n        "k": {"j": 1},\n    },\n)'
    deep = Entity("Outer", {"b": Entity("Middle", {"m": {"k": {"j": 1}}})})
    assert write(deep).count("\n") == 6, "what has a line break inside is not on one line"


def program(base: Path, **values: Any) -> str:
    """The exported script, which must be valid Python."""
    text = text_of(made("python", base, **values), "deploy.py")
    ast.parse(text)
    return text


PRINCIPAL = {"credential__method": "service_principal"}
IDENTITY = "/subscriptions/s/resourceGroups/g/providers/Microsoft.ManagedIdentity/userAssignedIdentities/uai"
ROLLOUT = {"rollout__pause": "5m"}


@pytest.mark.parametrize(
    ("values", "there", "missing"),
    [
        ({}, ["DefaultAzureCredential()", "HERE = ", "from pathlib", 'endpoint.traffic = {"blue": 100}',
              "name=ENDPOINT,", "environment=environment.id", "model=model.id"],
         ["import os", "import time", "import math", "def setting", "mirror_traffic", "tenant_id", "The rollout",
          "A test call", "setting("]),
        ({"workspace__name": "${env:W}"}, ["import os", 'workspace_name=setting("W")', "def setting"], ["import time"]),
        ({**PRINCIPAL}, ["ClientSecretCredential(", 'tenant_id=setting("AZURE_TENANT_ID")',
                         'client_id=setting("AZURE_CLIENT_ID")', 'client_secret=setting("AZURE_CLIENT_SECRET")'], []),
        ({**PRINCIPAL, "credential__client_id": "${env:APP}"}, ['client_id=setting("APP")'], ["AZURE_CLIENT_ID"]),
        ({"credential__method": "managed_identity"}, ["ManagedIdentityCredential()"], ["client_id="]),
        ({"credential__method": "managed_identity", "credential__client_id": "${env:APP}"},
         ["ManagedIdentityCredential(", 'client_id=setting("APP")'], ["tenant_id", "client_secret"]),
        ({"credential__method": "azure_cli", "credential__client_id": "${env:APP}"}, ["AzureCliCredential()"],
         ["client_id"]),
        ({"traffic": {"blue": 90, "old": 10}, "mirror_traffic": {"old2": 5}},
         ['endpoint.traffic = {"blue": 90, "old": 10}', 'endpoint.mirror_traffic = {"old2": 5}'], []),
        ({"deployment__model__path": "azureml:m:3"}, ['model = "azureml:m:3"', "model=model,"], ["Uploading", "HERE"]),
        ({"deployment__environment": {"registered": "azureml:e:1"}},
         ['environment = "azureml:e:1"', "environment=environment,"], ["Environment("]),
        ({"deployment__environment": None}, [], ["# The environment", "environment="]),
        ({"deployment__environment__name": "own"}, ['name="own"'], ["m-env"]),
        ({"deployment__model__name": None}, ['name="churn-env"'], ["m-env"]),
        ({}, ['name="m-env"'], []),
        ({"deployment__environment__image": None, "deployment__environment__build": {"path": "docker"}},
         ['BuildContext(path=str(HERE / "../docker"))'], []),
        ({"deployment__environment__image": None, "deployment__environment__build": {"path": "https://g/x"}},
         ['BuildContext(path="https://g/x")'], []),
        ({"test__request": "r.json"}, ["A test call", 'HERE / "../r.json"'], ["import requests", "import math"]),
        (ROLLOUT, ["import time", "STEPS = [10, 50, 100]", "PAUSE, EVERY = 300, 2 ", "MIN_REQUESTS = 10",
                   "MAX_ERROR_PERCENT = 5", "MAX_P95_MS = None", 'FINAL = {"blue": 100}', 'NEW = "blue"'],
         ["import math", "import requests", "TIMEOUT", "endpoint.traffic = {"]),
        ({**ROLLOUT, "test__request": "r.json"}, ["import math", "import requests", "TIMEOUT = 5000 / 1000"], []),
        ({**ROLLOUT, "test__request": "r.json", "deployment__request_settings__request_timeout_ms": "${env:MS}"},
         ["TIMEOUT = 60_000 / 1000"], []),
        ({"rollout": {"steps": "20, 100", "pause": 0, "probe_every": 0.5, "min_requests": 3, "max_error_percent": 0,
                      "max_p95_ms": 800}, "mirror_traffic": {"blue": 7}},
         ["STEPS = [20, 100]", "PAUSE, EVERY = 0, 0.5 ", "MIN_REQUESTS = 3", "MAX_ERROR_PERCENT = 0",
          "MAX_P95_MS = 800", '{"blue": 7}'], []),
        ({**ROLLOUT, "traffic": {"blue": 100, "old": 0}}, ['FINAL = {"blue": 100}'], []),
        ({"deployment__code_configuration__code": "code"}, ['code=str(HERE / "../code")'], []),
        ({"endpoint__identity": {"type": "user_assigned", "user_assigned_identities": [IDENTITY]}},
         ["    IdentityConfiguration,", "    ManagedIdentityConfiguration,"], []),
    ],
)  # fmt: skip
def test_the_program_has_what_the_plan_says(tmp_path: Path, values: Any, there: list[str], missing: list[str]) -> None:
    text = program(tmp_path, **values)
    assert [part for part in there if part not in text] == []
    assert [part for part in missing if part in text] == []


def test_several_deployments_are_made_one_after_another(tmp_path: Path) -> None:
    text = program(tmp_path, deployments=[{"name": "blue"}, {"name": "green"}], **ROLLOUT)
    assert text.index("# The deployment blue") < text.index("# The deployment green") < text.index('NEW = "green"')


def test_notes_and_titles(tmp_path: Path) -> None:
    assert made("python", tmp_path).notes == []
    assert len(made("python", tmp_path, limits__total="1h", **ROLLOUT).notes) == 2
    assert program(tmp_path, description='About """it""".').startswith("\"\"\"About '''it'''.\n")
    fits = f"{'a' * 54} {'b' * 54}"
    assert program(tmp_path, description=fits).startswith(f'"""{fits}.')
    assert not program(tmp_path, description=fits + "b").startswith(f'"""{fits}')
    assert program(tmp_path).startswith('"""Deploys a model')
    with pytest.raises(PlanInvalid):
        made("python", tmp_path, deployment__model__path="runs:/r/m")


def test_the_notebook_has_a_cell_for_each_section_and_its_heading(tmp_path: Path) -> None:
    exported = made("notebook", tmp_path, description="A title", workspace__name="${env:W}")
    text = text_of(exported, "deploy_notebook.py")
    assert "A title" in text and text.endswith("\n") and not text.endswith("\n\n")
    cells = text.split("\n\n# COMMAND ----------\n\n")
    headings = [index for index, cell in enumerate(cells) if cell.startswith("# MAGIC %md\n# MAGIC ## ")]
    assert len(headings) == 6 and all(not cells[index + 1].startswith("# MAGIC") for index in headings)
    about = next(cells[index] for index in headings if "The endpoint" in cells[index])
    assert len(about.splitlines()) == 3 and len(cells[headings[0]].splitlines()) == 2
    (note,) = exported.notes
    assert note.endswith(": W.")
    assert made("notebook", tmp_path).notes == []
