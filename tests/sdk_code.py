"""Code as the SDK registers it: in public only as a part of making a deployment."""

from __future__ import annotations

import time
import uuid
from pathlib import Path
from typing import Any


def registered_by_the_sdk(client: Any, folder: Path) -> str:
    """The id of the code asset that `MLClient` makes of a folder with a score.py, or finds, for a deployment of it.

    The deployment itself goes before it serves.
    """
    from azure.ai.ml.entities import (
        CodeConfiguration,
        Environment,
        ManagedOnlineDeployment,
        ManagedOnlineEndpoint,
        Model,
    )

    name = f"code-{uuid.uuid4().hex[:10]}"
    client.online_endpoints.begin_create_or_update(ManagedOnlineEndpoint(name=name))
    deadline = time.monotonic() + 60
    while client.online_endpoints.get(name).provisioning_state != "Succeeded":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    deployment = ManagedOnlineDeployment(
        name="blue",
        endpoint_name=name,
        model=Model(name=name, path="azureml://datastores/workspaceblobstore/paths/nothing"),
        environment=Environment(name=name, image="mcr.microsoft.com/minimal", conda_file={"dependencies": ["python"]}),
        code_configuration=CodeConfiguration(code=str(folder), scoring_script="score.py"),
        instance_type="Standard_DS2_v2",
        instance_count=1,
    )
    client.online_deployments.begin_create_or_update(deployment)
    found = str(client.online_deployments.get("blue", name).code_configuration.code)
    client.online_endpoints.begin_delete(name)
    return found
