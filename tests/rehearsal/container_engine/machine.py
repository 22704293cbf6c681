"""A folder with a rehearsal of its own that uses a container engine, and plans for it."""

from __future__ import annotations

import asyncio
import copy
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from arm_client import Arm

from tests.conftest import ROOT
from tui.rehearsal.container_engine.engine import LABEL, Engine, EngineFault
from tui.rehearsal.places import Home

_WORKSPACE = {"subscription_id": "00000000-0000-0000-0000-000000000001", "resource_group": "rg", "name": "ws-one"}


SECONDS = 300.0
"""What may be waited for on a busy machine; on an idle one, it comes within five seconds."""


def until(ready: Callable[[], bool], what: str) -> None:
    """Ask until it is so. Raises AssertionError after SECONDS."""
    deadline = time.monotonic() + SECONDS
    while not ready():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


class Machine:
    """A folder with a rehearsal of its own that uses the engine; `run` is the `aml-deploy` command."""

    def __init__(self, folder: Path, choice: str = "auto") -> None:
        self.folder = folder
        self.env = {
            **os.environ,
            "AML_DEPLOY_HOME": str(folder / "state"),
            "AML_DEPLOY_CACHE": str(folder / "cache"),
            "AML_DEPLOY_CONTAINER_ENGINE": choice,
        }
        self.home = Home.of(self.env)

    def elsewhere(self, folder: Path) -> Machine:
        """The same rehearsal, used in another folder."""
        found = copy.copy(self)
        found.folder = folder
        return found

    def trust(self, registry: str) -> None:
        """Let podman call a registry without TLS, from the rehearsal's next start on."""
        settings = self.folder / "registries.conf"
        settings.write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
        self.env["CONTAINERS_REGISTRIES_CONF"] = str(settings)

    def run(self, *arguments: str | Path, seconds: float = 600) -> subprocess.CompletedProcess[str]:
        """`aml-deploy …`, run to its end in the folder."""
        return subprocess.run(
            [sys.executable, "-m", "tui", *arguments],
            env={**self.env, "PYTHONPATH": str(ROOT)},
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=False,
        )

    def apply(self, plan: dict[str, Any], *arguments: str) -> tuple[int, list[dict[str, Any]]]:
        """`apply` with a plan; the exit code and the events."""
        path = self.folder / "plan.json.yml"
        path.write_text(json.dumps(plan))  # JSON is YAML
        done = self.run("apply", path, "--rehearse", "--yes", "--json", *arguments)
        return done.returncode, [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]

    def arm(self) -> Arm:
        """A client of the plan's workspace."""
        described = json.loads(self.run("rehearsal", "--env", "--json").stdout)
        names = ("AZURE_SUBSCRIPTION_ID", "AZURE_RESOURCE_GROUP", "AZURE_ML_WORKSPACE")
        return Arm({**described["set"], **dict(zip(names, _WORKSPACE.values()))}, described["url"])

    def log(self, endpoint: str = "own-server") -> str:
        """The log of the endpoint's deployment."""
        answer = self.arm().call("POST", f"onlineEndpoints/{endpoint}/deployments/blue/getLogs", {"tail": 5000})
        return str(answer.json()["content"])

    def build_logs(self) -> list[str]:
        """The build logs in the workspace's storage, where Azure keeps them."""
        from azure.storage.blob import ContainerClient

        arm = self.arm()
        store = arm.call("GET", "datastores/workspaceblobstore").json()["properties"]
        secrets = arm.call("POST", "datastores/workspaceblobstore/listSecrets", {"expirableSecret": True}).json()
        with ContainerClient(
            f"https://{store['accountName']}.blob.{store['endpoint']}",
            store["containerName"],
            credential=secrets["sasToken"],
            connection_verify=arm.env["REQUESTS_CA_BUNDLE"],
        ) as container:
            names = [item.name for item in container.list_blobs("azureml/ImageLogs/")]
            return [container.download_blob(name).readall().decode() for name in names]

    def instead_of(self, engine: Engine, script: str) -> None:
        """A program of the engine's name that comes first: a shell script, in which `"$ENGINE"` is the real one."""
        program = self.folder / "bin" / engine.name
        program.parent.mkdir()
        program.write_text(f"#!/bin/sh\nENGINE={engine.program}\n{script}\n")
        program.chmod(0o755)
        self.env["PATH"] = f"{program.parent}{os.pathsep}{self.env['PATH']}"

    def left(self, engine: Engine) -> list[str]:
        """What containers, networks, volumes and images carry the label of this rehearsal."""
        lists = (("ps", "-a"), ("network", "ls"), ("volume", "ls"), ("images", "-a"))
        return [line for command in lists for line in self.labelled(engine, *command)]

    def labelled(self, engine: Engine, *command: str) -> list[str]:
        """What a list of the engine's has with the label of this rehearsal."""
        wanted = ("-q", "--filter", f"label={LABEL}={self.home.folder.name}")
        for again in reversed(range(10)):
            try:
                return asyncio.run(engine.call(*command, *wanted)).splitlines()
            except EngineFault as fault:  # podman's list fails while somebody removes what it lists
                if not again or not re.search("not known|no such|unable to", str(fault)):
                    raise
        raise AssertionError


def own_server_plan(image: str, endpoint: str = "own-server", **deployment: Any) -> dict[str, Any]:
    """A plan for an image with its own server on port 8501, and no model; the environment has the endpoint's name."""
    routes = {"liveness_route": "/alive", "readiness_route": "/ready", "scoring_route": "/v1/predict"}
    return {
        "workspace": _WORKSPACE,
        "endpoint": {"name": endpoint},
        "deployment": {
            "name": "blue",
            "environment": {
                "name": endpoint,
                "image": image,
                "inference_config": {name: {"path": path, "port": 8501} for name, path in routes.items()},
            },
            "egress_public_network_access": "disabled",
            "instance_type": "Standard_D2as_v4",
            **deployment,
        },
    }
