"""The original recipe from other places: the churn model from an abfss:// path, the secret from a Databricks scope."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tui.cloud.session import connect
from tui.cloud.sources import blob_source
from tui.cloud.storage.datastore import default_datastore
from tui.plan import presets
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve

from .conftest import KEPT


@pytest.mark.slow
def test_the_churn_model_is_deployed_from_the_lake_with_a_secret_of_a_scope(
    databricks: str, rehearsal: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in rehearsal["unset"]:
        monkeypatch.delenv(name, raising=False)
    for name, value in rehearsal["set"].items():
        monkeypatch.setenv(name, value)
    secret = rehearsal["set"]["REHEARSAL_CLIENT_SECRET"]
    monkeypatch.setitem(KEPT, ("deploy", "principal"), secret)
    monkeypatch.delenv("REHEARSAL_CLIENT_SECRET")
    monkeypatch.setenv("AML_DEPLOY_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AML_DEPLOY_CACHE", str(tmp_path / "cache"))

    document = load("churn-xgboost")
    cloud = connect(resolve(document, os.environ))
    account = default_datastore(cloud).account_url
    client = blob_source._container(cloud, blob_source.Place(account, "gold", ""))
    client.create_container()
    folder = presets.folder() / "churn-xgboost" / "model"
    for file in folder.iterdir():
        client.upload_blob(f"models/churn/{file.name}", file.read_bytes())

    host = account.removeprefix("https://")
    server, _, name = host.partition("/")
    for key, value in (
        ("credential.method", "service_principal"),
        ("credential.tenant_id", "${env:REHEARSAL_TENANT_ID}"),
        ("credential.client_id", "${env:REHEARSAL_CLIENT_ID}"),
        ("credential.client_secret", "${databricks:deploy/principal}"),
        ("deployment.model.path", f"abfss://gold@{server}/{name}/models/churn"),
        ("deployment.egress_public_network_access", None),
        ("endpoint.name", "churn-from-the-lake"),
    ):
        document.set(key, value, "test")
    plan = document.save(tmp_path / "plan.yml").path
    done = subprocess.run(
        [sys.executable, "-m", "tui", "apply", str(plan), "--yes", "--json"],
        capture_output=True, text=True, timeout=400, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:] + done.stdout[-2000:]
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert events[-1]["test"]["status_code"] == 200
    assert [one["churn"] for one in json.loads(events[-1]["test"]["response"])["predictions"]] == ["yes", "no"]
    (signed_in,) = [one for one in events if one["event"] == "task_finished" and one["task"] == "sign-in"]
    assert os.environ["REHEARSAL_CLIENT_ID"] in json.dumps(signed_in)
    assert not list((tmp_path / "cache" / "staged").iterdir())
    assert secret not in done.stdout + done.stderr
    written = [file for file in tmp_path.rglob("*") if file.is_file()]
    assert written and not [file for file in written if secret.encode() in file.read_bytes()]
