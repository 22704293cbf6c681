"""Start `own_network.py` in its own namespaces and query a helper inside it; certificates and Azure's responses."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import select
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from own_network import PROXY_PORT, PUBLIC, SCORING, STORAGE, TOKEN_PORT

from tests.certificates import certified

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SUBSCRIPTION = "11111111-1111-1111-1111-111111111111"
GUID = "22222222-2222-2222-2222-222222222222"
TENANT = "33333333-3333-3333-3333-333333333333"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/rg/providers"
WORKSPACE = f"{GROUP}/Microsoft.MachineLearningServices/workspaces/ws-one"
ACCOUNT = f"{GROUP}/Microsoft.Storage/storageAccounts/churnstore"
BLOB = "churnstore.blob.core.windows.net"
WILDCARD = f"*.{GUID}.inference.eastus.privatelink.api.azureml.ms"


def token() -> dict[str, Any]:
    expires = int(time.time()) + 3600
    claims = {"oid": "object", "appid": "client", "tid": TENANT, "exp": expires, "xms_mirid": "/x/identities/trainer"}
    parts = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({}, claims)]
    return {"access_token": ".".join([*parts, "c2ln"]), "expires_on": str(expires), "resource": "x"}


def healthy() -> dict[str, Any]:
    """A closed workspace with legacy isolation, from inside its network, without problems."""
    roles = ["Microsoft.MachineLearningServices/workspaces/*", "*/read"]
    approved = {"privateLinkServiceConnectionState": {"status": "Approved"}, "privateEndpoint": {"id": "/x/pe-ws"}}
    return {
        "names": {
            "management.azure.com": PUBLIC,
            "login.microsoftonline.com": PUBLIC,
            BLOB: "churnstore.privatelink.blob.core.windows.net",
            "churnstore.privatelink.blob.core.windows.net": STORAGE,
            WILDCARD: SCORING,
        },
        "certificates": {},
        "answers": {
            "/msi/token": [200, token()],
            "/workspaces/ws-one?": [
                200,
                {
                    "id": WORKSPACE,
                    "name": "ws-one",
                    "location": "eastus",
                    "properties": {
                        "publicNetworkAccess": "Disabled",
                        "workspaceId": GUID,
                        "storageAccount": ACCOUNT,
                        "keyVault": f"{GROUP}/Microsoft.KeyVault/vaults/kv",
                        "containerRegistry": f"{GROUP}/Microsoft.ContainerRegistry/registries/cr",
                        "imageBuildCompute": "builder",
                        "tenantId": TENANT,
                        "privateEndpointConnections": [{"name": "pe-ws", "properties": approved}],
                    },
                },
            ],
            "/datastores/workspaceblobstore": [
                200,
                {
                    "name": "workspaceblobstore",
                    "properties": {
                        "accountName": "churnstore",
                        "containerName": "blobs",
                        "credentials": {"credentialsType": "None"},
                        "subscriptionId": SUBSCRIPTION,
                        "resourceGroup": "rg",
                    },
                },
            ],
            "/storageAccounts/churnstore?": [200, {"properties": {"publicNetworkAccess": "Disabled"}}],
            "/registries/cr?": [200, {"sku": {"name": "Premium"}, "properties": {"publicNetworkAccess": "Disabled"}}],
            "/permissions": [200, {"value": [{"actions": roles, "dataActions": ["*"]}]}],
            "/providers/Microsoft.MachineLearningServices?": [200, {"registrationState": "Registered"}],
            "/providers/Microsoft.MachineLearningServices/workspaces?": [200, {"value": []}],
            "/diagnose": [200, {"value": {}}],
            "/blobs?": [200, '<?xml version="1.0"?><EnumerationResults><Blobs /><NextMarker /></EnumerationResults>'],
        },
    }


def authority(folder: Path, name: str, organisation: str, hosts: list[str], issuer: str) -> Path:
    """Create a certificate authority and a certificate of it for hosts; returns the authority's file."""
    trusted, leaf, key = certified(hosts, issuer, organisation)
    (folder / f"{name}.pem").write_bytes(leaf)
    (folder / f"{name}.key").write_bytes(key)
    file = folder / f"{name}-authority.pem"
    file.write_bytes(trusted)
    return file


class Namespace:
    """The running network, with the helpers in it by environment. Raises OSError if it cannot be created."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._helpers: dict[str, subprocess.Popen[str]] = {}
        self._number = 0
        hosts = ["management.azure.com", "login.microsoftonline.com", BLOB, "churn.eastus.inference.ml.azure.com"]
        microsoft = authority(folder, "azure", "Microsoft Corporation", hosts, "Test TLS Issuing CA 01")
        house = authority(folder, "house", "House of Cards", hosts, "Inspecting Proxy")
        authority(folder, "elsewhere", "Another House", ["intranet.example"], "Printer")
        self.trusts_azure = folder / "azure-only.pem"
        self.trusts_azure.write_bytes(microsoft.read_bytes())
        self.trusts_both = folder / "both.pem"
        self.trusts_both.write_bytes(microsoft.read_bytes() + house.read_bytes())
        self.become(healthy())
        if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("nsenter") or not shutil.which("ip"):
            raise OSError("network namespaces need root, unshare, nsenter and ip")
        self._holder = subprocess.Popen(
            ["unshare", "--net", "--mount", sys.executable, str(HERE / "own_network.py"), str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None and self._holder.stderr is not None
        if self._holder.stdout.readline().strip() != "ready":
            said = self._holder.stderr.read().strip().splitlines()
            raise OSError(f"no network namespace could be made: {said[-1] if said else 'nothing was said'}")

    def become(self, world: dict[str, Any]) -> None:
        """Replace the world: names and services from now on."""
        new = self._folder / "network.new"
        new.write_text(json.dumps(world), encoding="utf-8")
        new.replace(self._folder / "network.json")

    def but(self, **changes: dict[str, Any]) -> dict[str, Any]:
        """The healthy world with other names, certificates or responses; None removes one."""
        world = copy.deepcopy(healthy())
        for part, new in changes.items():
            for name, value in new.items():
                if value is None:
                    world[part].pop(name, None)
                else:
                    world[part][name] = value
        self.become(world)
        return world

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of a program inside."""
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("AZURE", "ARM_", "IDENTITY_"))
        }
        for name in ("https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "all_proxy", "ALL_PROXY", "http_proxy"):
            kept.pop(name, None)
        return {
            **kept,
            "IDENTITY_ENDPOINT": f"http://127.0.0.1:{TOKEN_PORT}/msi/token",
            "IDENTITY_HEADER": "header",
            "AZURE_TOKEN_CREDENTIALS": "ManagedIdentityCredential",
            "REQUESTS_CA_BUNDLE": str(self.trusts_azure),
            "AML_DEPLOY_HOME": str(self._folder / "home"),
            "AML_DEPLOY_CACHE": str(self._folder / "cache"),
            "PYTHONPATH": str(ROOT),
            **more,
        }

    def inside(self, *command: str) -> list[str]:
        """The command line that runs a command inside."""
        return ["nsenter", "--target", str(self._inner()), "--net", "--mount", f"--wd={ROOT}", *command]

    def _inner(self) -> int:
        return self._holder.pid  # unshare replaces itself with the command it starts

    def ask(self, question: str, tree: dict[str, Any], base: Path, **more: str) -> Any:
        """The result of a helper inside about a plan; one helper per environment."""
        plan = {"document": tree, "base": str(base), "secrets": {}}
        answer = self.put(question, {"plan": plan}, **more)
        assert "result" in answer, answer
        return answer["result"]

    def put(self, question: str, with_: dict[str, Any], **more: str) -> dict[str, Any]:
        """The `result` or `error` of a helper inside."""
        key = json.dumps(more, sort_keys=True)
        helper = self._helpers.get(key)
        if helper is None:
            helper = subprocess.Popen(
                self.inside(sys.executable, "-m", "tui.helper"),
                env=self.environ(**more),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=(self._folder / "helper.log").open("a"),
                text=True,
            )
            self._helpers[key] = helper
        assert helper.stdin is not None and helper.stdout is not None
        self._number += 1
        helper.stdin.write(json.dumps({"id": self._number, "ask": question, "with": with_}) + "\n")
        helper.stdin.flush()
        assert select.select([helper.stdout], [], [], 60)[0], (self._folder / "helper.log").read_text()[-2000:]
        answer: dict[str, Any] = json.loads(helper.stdout.readline())
        return answer

    def close(self) -> None:
        """Stop everything inside."""
        for helper in self._helpers.values():
            assert helper.stdin is not None
            helper.stdin.close()
            helper.wait(timeout=20)
        assert self._holder.stdin is not None
        self._holder.stdin.close()
        self._holder.wait(timeout=20)


PROXY = f"http://127.0.0.1:{PROXY_PORT}"


@contextlib.contextmanager
def made_or_skipped(folder: Path) -> Iterator[Namespace]:
    """The network as a fixture; a test that needs it is skipped if it cannot be created, except in CI."""
    try:
        made = Namespace(folder)
    except OSError as reason:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            pytest.fail(f"The network checks have to run here: {reason}")
        pytest.skip(str(reason))
    yield made
    made.close()
