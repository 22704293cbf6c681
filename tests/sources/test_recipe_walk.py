"""The original recipe, whole, from the wizard: the churn model from an abfss:// path, the secret from a scope.

On a pseudo-terminal, typed by keys alone, with the real command; ends with the model's prediction in the Test step.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.terminal import CONTROL_C, ENTER, PAGE_DOWN, TAB, Terminal
from tui.cloud.session import connect
from tui.cloud.sources import blob_source
from tui.cloud.storage.datastore import default_datastore
from tui.plan import presets
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

from .conftest import KEPT

DOWN, CLEAR = b"\x1b[B", b"\x15"


def put_into_the_lake(rehearsal: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """The model in a container of the rehearsal's storage; returns its address."""
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    cloud = connect(resolve(load("churn-xgboost"), os.environ))
    account = default_datastore(cloud).account_url
    client = blob_source._container(cloud, blob_source.Place(account, "silver", ""))
    client.create_container()
    for file in (presets.folder() / "churn-xgboost" / "model").iterdir():
        client.upload_blob(f"models/churn/{file.name}", file.read_bytes())
    server, _, name = account.removeprefix("https://").partition("/")
    return f"abfss://silver@{server}/{name}/models/churn"


@pytest.mark.slow
def test_the_original_recipe_from_the_first_key_to_the_prediction(
    databricks: str,
    rehearsal: dict[str, Any],
    rehearsal_home: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = rehearsal["set"]["REHEARSAL_CLIENT_SECRET"]
    for key, name in (("tenant", "TENANT_ID"), ("app", "CLIENT_ID"), ("principal", "CLIENT_SECRET")):
        monkeypatch.setitem(KEPT, ("deploy", key), rehearsal["set"][f"REHEARSAL_{name}"])
    with monkeypatch.context() as here:
        address = put_into_the_lake(rehearsal, here)
    signed_in = ("DATABRICKS_HOST", "DATABRICKS_TOKEN", "DATABRICKS_CONFIG_FILE", "NO_PROXY")
    env = {
        **rehearsal_home, **{name: os.environ[name] for name in signed_in},
        "TERM": "xterm-256color", "LINES": "24", "COLUMNS": "80",
    }  # fmt: skip
    terminal = Terminal([sys.executable, "-m", "tui", "churn-xgboost", "--rehearse"], env, tmp_path)
    terminal.sees("step 1 of 9")
    terminal.sees("Sign in with")
    terminal.sees("IDENTITY_ENDPOINT is set")
    terminal.types(DOWN)
    terminal.sees("Tenant")
    for reference, shown in (("tenant", "deploy/tenant"), ("app", "deploy/app"), ("principal", "● Databricks scope")):
        terminal.types(TAB)
        terminal.types(CLEAR + f"${{databricks:deploy/{reference}}}".encode())
        terminal.sees(shown)
    terminal.types(ENTER)
    terminal.sees(r"\$\{databricks:deploy/principal\}")
    terminal.types(ENTER)
    terminal.sees("Signed in")
    terminal.sees("service principal")

    terminal.types(PAGE_DOWN)
    terminal.sees("step 2 of 9")
    terminal.sees("closed-legacy-isolation")
    terminal.types(PAGE_DOWN)
    terminal.sees("step 3 of 9")
    terminal.sees("has no endpoint churn-endpoint-01 yet")  # the preset's name
    terminal.types(CLEAR + b"churn-recipe-01")
    terminal.sees("churn-recipe-01")
    terminal.types(TAB)
    terminal.sees("has no endpoint churn-recipe-01 yet")
    terminal.types(PAGE_DOWN)
    terminal.sees("step 4 of 9")
    terminal.sees("init\\(\\) and run\\(\\) found")  # the preset's files
    terminal.types(CLEAR + address.encode())
    terminal.sees("models/churn")
    terminal.types(TAB)
    terminal.sees("downloaded to this machine")
    shown = terminal.sees("12 columns: Idade")
    assert "xgboost, 6 files" in shown
    terminal.through_review_to_the_answer(first=5)
    terminal.types(ENTER)
    terminal.sees('"churn": "yes"')
    terminal.types(CONTROL_C)
    terminal.sees("Quit the wizard")
    terminal.types(ENTER)
    terminal.sees("churn-recipe-01")
    _, status = os.waitpid(terminal.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 0

    home = Path(rehearsal_home["AML_DEPLOY_HOME"])
    written = [file for file in home.rglob("*") if file.is_file()]
    assert [file for file in written if address.encode() in file.read_bytes()]
    assert not [file for file in written if secret.encode() in file.read_bytes()]
    assert not list(Path(rehearsal_home["AML_DEPLOY_CACHE"]).glob("staged/*"))
