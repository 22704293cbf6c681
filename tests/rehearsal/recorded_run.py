"""A recorded run of the preset, signed in with a secret, with more secrets and names planted in everything it sends."""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import requests
import yaml

from tui.plan.presets import find

ROOT = Path(__file__).resolve().parents[2]
PRESET = "churn-xgboost"
ENDPOINT = "planted-endpoint"
PLANTED = {
    "environment variable": "sk-planted-9f2b7c41d0",
    "tag": "jane.planted@contoso.example",
    "tag name": "CostCentrePlanted4711",
    "description": "Ask Jane Planted, password is swordfish-planted",
    "file name": "jane-planted-notes.csv",
    "conda file": "ghp_PlantedPlantedPlanted0123456789",
    "request": "planted-customer-4711",
}


def command(*arguments: object, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Runs `aml-deploy` to its end."""
    return subprocess.run(
        [sys.executable, "-m", "tui", *map(str, arguments)],
        env=env,
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def plan_with_secrets(folder: Path, model: str) -> Path:
    """The preset's plan with planted values, and files that hold some; its model's name and its files are its own.

    What another recording has registered would not be registered again, and would not be in this one.
    """
    import shutil

    preset = find(PRESET)
    assert preset is not None
    shutil.copytree(preset.path.with_name(PRESET), folder / PRESET)
    plan = yaml.safe_load(preset.path.read_text())
    plan["credential"] = {
        "method": "service_principal",
        "tenant_id": "${env:REHEARSAL_TENANT_ID}",
        "client_id": "${env:REHEARSAL_CLIENT_ID}",
        "client_secret": "${env:REHEARSAL_CLIENT_SECRET}",
    }
    plan["endpoint"].update(
        name=ENDPOINT, description=PLANTED["description"], tags={PLANTED["tag name"]: PLANTED["tag"]}
    )
    plan["deployment"]["model"]["name"] = model
    script = folder / PRESET / "onlinescoring" / "score.py"
    script.write_text(f"{script.read_text()}\n# {model}\n")
    plan["deployment"]["environment_variables"] = {"PARTNER_KEY": PLANTED["environment variable"]}
    (folder / PRESET / "model" / PLANTED["file name"]).write_text("name\nJane Planted\n")
    conda = folder / PRESET / "conda.yml"
    conda.write_text(f"# https://user:{PLANTED['conda file']}@packages.planted.example\n{conda.read_text()}")
    sample = folder / PRESET / "sample-request.json"
    body = json.loads(sample.read_text())
    sample.write_text(json.dumps({**body, "customer": PLANTED["request"]}))
    path = folder / "plan.yml"
    path.write_text(yaml.safe_dump(plan))
    return path


class RecordedRun:
    """The file of a recorded run, its lines, and everything that must not be in it."""

    def __init__(self, home: dict[str, str], rehearsal: dict[str, Any], folder: Path) -> None:
        self.home = home
        self.file = folder / "recording.jsonl"
        self._model = f"churn-planted-{uuid.uuid4().hex[:8]}"
        plan = plan_with_secrets(folder, self._model)
        env = {name: value for name, value in home.items() if not name.startswith(("AZURE", "ARM_", "IDENTITY"))}
        done = command("apply", plan, "--rehearse", "--yes", "--json", "--record", self.file, env=env)
        assert done.returncode == 0, done.stderr + done.stdout[-3000:]
        self.events = [json.loads(line) for line in done.stdout.splitlines()]
        self.text = self.file.read_text(encoding="utf-8")
        self.lines: list[dict[str, Any]] = [json.loads(line) for line in self.text.splitlines()]
        self.secrets = self._secrets(rehearsal, env)
        command("remove", plan, "--rehearse", "--yes", env=env)

    def _secrets(self, rehearsal: dict[str, Any], env: dict[str, str]) -> dict[str, str]:
        """What was really used: keys, tokens, signatures, ids and names, read from the rehearsal itself."""
        variables = rehearsal["set"]
        bundle = variables["REQUESTS_CA_BUNDLE"]
        token = requests.get(
            variables["IDENTITY_ENDPOINT"],
            params={"resource": rehearsal["url"], "api-version": "2019-08-01"},
            headers={"X-IDENTITY-HEADER": variables["IDENTITY_HEADER"]},
            verify=bundle,
            timeout=30,
        ).json()["access_token"]
        place = rehearsal["workspaces"]["legacy"]
        workspace = (
            f"{rehearsal['url']}/subscriptions/{place['subscription_id']}/resourceGroups/{place['resource_group']}"
            f"/providers/Microsoft.MachineLearningServices/workspaces/{place['name']}"
        )

        def call(method: str, path: str, body: Any = None) -> dict[str, Any]:
            answer = requests.request(
                method,
                f"{workspace}/{path}",
                params={"api-version": "2024-04-01"},
                json=body,
                headers={"Authorization": f"Bearer {token}"},
                verify=bundle,
                timeout=30,
            )
            assert answer.ok, answer.text
            return dict(answer.json())

        keys = call("POST", f"onlineEndpoints/{ENDPOINT}/listKeys")
        return {
            **PLANTED,
            "client secret": variables["REHEARSAL_CLIENT_SECRET"],
            "portal": variables["ARM_CLOUD_METADATA_URL"].rpartition("portal=")[2],
            "client id": variables["REHEARSAL_CLIENT_ID"],
            "tenant": variables["REHEARSAL_TENANT_ID"],
            "primary key": keys["primaryKey"],
            "secondary key": keys["secondaryKey"],
            "account key": call("POST", "datastores/workspaceblobstore/listSecrets")["key"],
            "subscription": place["subscription_id"],
            "workspace": place["name"],
            "container": call("GET", "datastores/workspaceblobstore")["properties"]["containerName"],
            "endpoint": ENDPOINT,
            "model": self._model,
            "principal": call("GET", f"onlineEndpoints/{ENDPOINT}")["identity"]["principalId"],
            "port": rehearsal["url"].rpartition(":")[2],
            "host": "127.0.0.1",
            "token": "eyJ",
            "signature": "sig=%",
        }
