"""Lists and removes what a plan created, and replaces an endpoint's keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tui.cloud.endpoints import endpoints
from tui.cloud.endpoints import keys as secrets
from tui.cloud.endpoints import remove as removal
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.session import Cloud
from tui.common.typed_path import typed_path
from tui.helper import sessions


def inventory(plan: dict[str, Any], deployment: str | None = None, failed: bool = False) -> removal.Inventory:
    """What `remove` would remove and keep, with list prices."""
    return removal.inventory(sessions.cloud_of(plan), deployment, failed)


def remove(plan: dict[str, Any], deployment: str | None = None, failed: bool = False) -> removal.Removed:
    """Remove a deployment, or what the plan created; returns what was kept."""
    return removal.remove(sessions.cloud_of(plan), deployment, failed=failed)


def keys(plan: dict[str, Any]) -> dict[str, Any]:
    """The fingerprints of an endpoint's keys, never the keys."""
    cloud = sessions.cloud_of(plan)
    return _shown(cloud, _endpoint(cloud))


def regenerate_key(plan: dict[str, Any], which: str) -> dict[str, Any]:
    """Regenerate the primary or secondary key; returns the fingerprints before and after."""
    cloud = sessions.cloud_of(plan)
    found = _endpoint(cloud)
    before = _shown(cloud, found)
    secrets.begin_regenerate(cloud, found.name, which).result()
    after = _shown(cloud, found)
    if before["keys"][which] == after["keys"][which]:
        raise CloudError(
            title=f"The {which} key was not replaced",
            cause="Azure reported success, but still lists the same key.",
            remedy="Wait a minute and check again: aml-deploy keys ENDPOINT",
        )
    return {**after, "before": before["keys"]}


def put_key(plan: dict[str, Any], which: str, path: str) -> dict[str, Any]:
    """Write a key to a new file that only its owner can read; returns the path, never the key."""
    cloud = sessions.cloud_of(plan)
    found = _endpoint(cloud)
    key = secrets.both(cloud, found)[which]
    file = Path(path)
    try:
        file = typed_path(path).absolute()
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as target:
            target.write(key.secret())
    except OSError as error:
        raise CloudError(
            title=f"{file} cannot be written",
            cause=f"{error.strerror}.",
            remedy="Name a new file in a folder that you can write to.",
            code="NotWritten",
        ) from None
    return {"endpoint": found.name, "which": which, "path": str(file), "fingerprint": secrets.fingerprint(key)}


def _endpoint(cloud: Cloud) -> EndpointInfo:
    return endpoints.existing(cloud, cloud.plan.endpoint.name, deployments=False)


def _shown(cloud: Cloud, found: EndpointInfo) -> dict[str, Any]:
    known = secrets.both(cloud, found)
    return {"endpoint": found.name, "keys": {which: secrets.fingerprint(key) for which, key in known.items()}}
