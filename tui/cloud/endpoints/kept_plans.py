"""Keeps a run's plan in the workspace, next to what the run made, so that any machine can read and deploy it again.

A plan is a data asset `aml-deploy-plan-ENDPOINT`, whose version is the run's id and whose file is JSON in the
workspace's default datastore. Whoever may read that storage can read it: what looks like a secret is a reference in it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tui.cloud import ml_client
from tui.cloud.endpoints.data_collection import DATA
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import arm
from tui.cloud.session import Cloud
from tui.cloud.sources import blob_source
from tui.cloud.storage.blob_container import BlobContainer
from tui.cloud.storage.datastore import default_datastore
from tui.cloud.workspace.listing import each
from tui.plan.planned_changes import short_id
from tui.plan.sdk_entities import Entity

DEPLOYMENT_TAG = "aml-deploy-deployment"
"""The deployments that the run made or changed, separated by commas; the other tags are those of what it made."""
_READ = {"model": arm.MODELS, "environment": arm.ENVIRONMENTS, "code": arm.CODES}
_NO_CONTAINER = ("ResourceGroupNotFound", "SubscriptionNotFound")


@dataclass(frozen=True)
class KeptPlan:
    """A kept plan: `deployment` are those that the run made, `time` is when it was kept (ISO 8601, UTC).

    `by` is user@host, `plan_hash` the plan's; `address` is that of its file.
    """

    run: str
    deployment: str
    time: str
    by: str
    plan_hash: str
    address: str


def asset_name(endpoint: str) -> str:
    """The name of the data asset that has an endpoint's plans as versions."""
    return f"aml-deploy-plan-{endpoint}"


def keep(
    cloud: Cloud, endpoint: str, run: str, content: Mapping[str, Any], tags: Mapping[str, str], made: Sequence[str]
) -> None:
    """Keep a run's plan, which made these deployments; it may be kept again, as after an interruption.

    Raises CloudError.
    """
    doing = f"keeping the plan of {endpoint} in the workspace"
    store = default_datastore(cloud)
    place = f"aml-deploy/plans/{endpoint}/{run}.json"
    container = BlobContainer(store, 1, lambda reason, delay: None, doing)
    try:
        container.put_blob(place, memoryview(json.dumps(content, ensure_ascii=False, indent=1).encode()))
    except Exception as error:
        raise explain(error, doing=doing) from None
    finally:
        container.close()
    asset = Entity(
        "Data",
        {
            "name": asset_name(endpoint),
            "version": run,
            "type": "uri_file",
            "path": f"azureml://datastores/{store.name}/paths/{place}",
            "description": f"The plan of run {run} of aml-deploy, without secrets.",
            "tags": {**tags, **({DEPLOYMENT_TAG: ",".join(made)} if made else {})},
        },
    )
    made = ml_client.entity(asset)
    ml_client.call(cloud, lambda client: client.data.create_or_update(made), doing)


def listed(cloud: Cloud, endpoint: str, view: str = "All") -> list[KeptPlan]:
    """The kept plans of an endpoint, newest first, also of a removed one; needs no access to storage.

    `view` is Azure's: All, or ActiveOnly without the archived ones. Raises CloudError.
    """
    path = f"{cloud.workspace_id}/data/{asset_name(endpoint)}/versions"
    try:
        found = list(cloud.arm.items(path, DATA, {"listViewType": view}, f"listing the kept plans of {endpoint}"))
    except CloudError as error:
        if error.status != 404 or error.code in _NO_CONTAINER:  # nothing was kept yet
            raise
        return []
    return sorted(map(_kept, found), key=lambda one: (one.time, one.run), reverse=True)


def read(cloud: Cloud, kept: KeptPlan) -> dict[str, Any]:
    """What was kept: `document` (the plan without workspace and credential; model and environment by name and version,
    code by its id) and `assets` (ids of model, environment and code, by deployment). Raises CloudError.
    """
    found = blob_source.listing(cloud, kept.address)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "plan.json"
        for item in found.items[:1]:
            found.fetch(item, file, lambda done: None)
        try:
            content = json.loads(file.read_text(encoding="utf-8"))
            if isinstance(content["document"], dict) and isinstance(content["assets"], dict):
                return dict(content)
        except (OSError, ValueError, KeyError, TypeError):
            pass
    raise CloudError(f"The kept plan of run {kept.run} cannot be read", f"{kept.address} is not a plan, or is gone.")


def missing(cloud: Cloud, assets: Mapping[str, Mapping[str, str | None]]) -> list[str]:
    """The kept plan's models, environments and code that are no longer registered; registries are not asked.

    Raises CloudError.
    """
    wanted = {(kind, identifier) for one in assets.values() for kind, identifier in one.items() if identifier}
    return [
        f"{kind} {short_id(identifier)}"
        for kind, identifier in sorted(wanted)
        if identifier.lower().startswith("/subscriptions/")
        and cloud.arm.find(identifier, _READ[kind], doing=f"looking for the {kind} {short_id(identifier)}") is None
    ]


def archive(cloud: Cloud, endpoint: str) -> int:
    """Archive an endpoint's kept plans, which takes them out of lists but not out of `listed`; returns how many.

    Version by version, since an archived name could accept no more of them. Raises CloudError.
    """

    def one(version: str) -> None:
        name, doing = asset_name(endpoint), f"archiving the kept plans of {endpoint}"
        ml_client.call(cloud, lambda client: client.data.archive(name=name, version=version), doing)

    return len(each(one, [kept.run for kept in listed(cloud, endpoint, "ActiveOnly")], at_once=8))


def _kept(body: Mapping[str, Any]) -> KeptPlan:
    properties = body.get("properties") or {}
    tags = properties.get("tags") or {}
    made = str((body.get("systemData") or {}).get("createdAt") or "")
    return KeptPlan(
        run=str(body.get("name") or ""),
        deployment=str(tags.get(DEPLOYMENT_TAG) or ""),
        time=f"{made[:19]}Z" if made else "",  # without the up to seven digits of a second that Azure writes
        by=str(tags.get("aml-deploy-by") or ""),
        plan_hash=str(tags.get("aml-deploy-plan") or ""),
        address=str(properties.get("dataUri") or ""),
    )
