"""The Azure CLI, in an environment of its own: sign-in and generic commands. Its extension `ml` is on no index."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from tests.other_clients.setting import NotRunError, Outcome, environment, one_line

VERSION = "2.91.0"
ENDPOINT = {"location": "eastus", "properties": {"authMode": "Key"}}


def _commands(env: dict[str, str], folder: Path) -> list[tuple[str, str]]:
    """Command lines, with what must be in what each prints; their order matters."""
    subscription, group = env["AZURE_SUBSCRIPTION_ID"], env["AZURE_RESOURCE_GROUP"]
    scope = f"/subscriptions/{subscription}/resourceGroups/{group}"
    workspace = f"{scope}/providers/Microsoft.MachineLearningServices/workspaces/{env['AZURE_ML_WORKSPACE']}"
    origin, version = env["REHEARSAL_ORIGIN"], "api-version=2024-04-01"
    endpoint = f"{workspace}/onlineEndpoints/from-az"
    (folder / "endpoint.json").write_text(json.dumps(ENDPOINT))
    found: list[tuple[str, str]] = [
        ("cloud register --name again --endpoint-resource-manager {origin}", ""),
        ("login --service-principal --username {client} --password {secret} --tenant {tenant}", "Rehearsal"),
        ("account show", subscription),
        ("account list-locations", "eastus"),
        ("group exists --name {group}", "true"),
        ("group exists --name nobody", "false"),
        ("group show --name {group}", "Succeeded"),
        ("resource show --ids {workspace} --api-version 2024-04-01", "managedNetwork"),
        ("rest --method get --url {origin}{workspace}/onlineEndpoints?{version}", '"value"'),
        ("rest --method put --url {origin}{endpoint}?{version} --body @endpoint.json", "provisioningState"),
        ("resource wait --ids {endpoint} --api-version 2024-04-01 --created", ""),
        ("resource show --ids {endpoint} --api-version 2024-04-01", "scoringUri"),
        ("rest --method post --url {origin}{endpoint}/listKeys?{version}", "primaryKey"),
        ("rest --method get --url {origin}{workspace}/onlineEndpoints/nobody?{version}", "ResourceNotFound"),
        ("monitor activity-log list --resource-group {group} --offset 1h", "onlineEndpoints/write"),
        ("role assignment list --scope {storage}", "roleDefinitionId"),
        ("resource delete --ids {endpoint} --api-version 2024-04-01", ""),
        ("account get-access-token --resource {origin}", "accessToken"),
    ]
    words = {
        "origin": origin,
        "version": version,
        "group": group,
        "workspace": workspace,
        "endpoint": endpoint,
        "storage": f"{scope}/providers/Microsoft.Storage/storageAccounts/rehearsal",
        "client": env["REHEARSAL_CLIENT_ID"],
        "secret": env["REHEARSAL_CLIENT_SECRET"],
        "tenant": env["REHEARSAL_TENANT_ID"],
    }
    return [(command.format(**words), wanted) for command, wanted in found]


def run(env: dict[str, str], folder: Path) -> Outcome:
    """Runs the commands one after the other. Raises NotRunError."""
    installed = os.environ.get("AZURE_CLI_PYTHON")
    try:
        python = Path(installed) if installed else environment(folder / "venv", f"azure-cli=={VERSION}")
    except subprocess.CalledProcessError as error:
        raise NotRunError(f"azure-cli {VERSION} cannot be installed") from error
    own = {
        **env,
        "AZURE_CONFIG_DIR": str(folder / "azure"),
        # The cloud that the metadata name; who signs in is not looked up in the public cloud.
        "AZURE_CLOUD_NAME": "AzureRehearsal",
        "AZURE_CORE_INSTANCE_DISCOVERY": "false",
        "AZURE_CORE_COLLECT_TELEMETRY": "false",
    }
    outcome = Outcome("azure-cli", VERSION)
    for command, wanted in _commands(env, folder):
        said = subprocess.run(
            [python, "-m", "azure.cli", *command.split()],
            cwd=folder,
            env=own,
            capture_output=True,
            text=True,
            check=False,
        )
        # Two of a kind are told apart by their last word.
        name = f"az {command.partition(' --')[0]} … {command.split()[-1][-60:]}"
        refused = "nobody" in command and "rest" in command
        if (said.returncode == 0 or refused) and wanted in said.stdout + (said.stderr if refused else ""):
            outcome.passed.append(name)
        else:
            outcome.failed[name] = one_line(said.stderr) or f"not in the answer: {wanted}"
    return outcome
