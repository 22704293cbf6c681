"""Reads the workspace's default datastore and a credential to write to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Callable

from tui.cloud.errors import CloudError, reading
from tui.cloud.http import arm, trusted_hosts
from tui.cloud.session import Cloud
from tui.common.redact import learn

if TYPE_CHECKING:
    from tui.cloud.recording.recorder import Recorder

_DATASTORE = "workspaceblobstore"  # the name under which every workspace has its default blob container


@dataclass(frozen=True)
class Datastore:
    """The target of uploads; `credential` is a SAS token, an account key or the session's own credential.

    `renew` returns a new SAS token or key if the current one is refused as expired.
    """

    name: str
    account_url: str
    container: str
    credential: Any
    recorder: Recorder | None = None
    renew: Callable[[], Any] | None = field(default=None, compare=False)

    def __repr__(self) -> str:
        return f"Datastore({self.name}, {self.account_url}/{self.container})"


@reading("the default datastore")
def default_datastore(cloud: Cloud) -> Datastore:
    """The workspace's default blob datastore with a credential for it. Raises CloudError."""
    found = read_default(cloud)
    if found is None:
        raise CloudError(
            title="The workspace has no default datastore",
            cause=f"There is no datastore named {_DATASTORE} and none is marked as default.",
            remedy="Register a blob container as the workspace's default datastore.",
        )
    name, properties = str(found["name"]), found.get("properties") or {}
    kind = str(properties.get("datastoreType") or "AzureBlob")
    if kind not in {"AzureBlob", "AzureDataLakeGen2"}:
        raise CloudError(
            title=f"The default datastore {name} does not support uploads",
            cause=f"It is of type {kind}; it must be blob storage.",
            remedy="Make a blob container the workspace's default datastore.",
        )
    resource = f"{cloud.workspace_id}/datastores/{name}"
    url, container = container_of(cloud, properties)
    trusted_hosts.check(cloud.metadata, trusted_hosts.STORAGE, url, f"The datastore {name}")
    secret = secret_of(cloud, resource, properties)
    return Datastore(
        name=name,
        account_url=url,
        container=container,
        credential=secret or cloud.credential,
        recorder=cloud.recorder,
        renew=(lambda: secret_of(cloud, resource, properties)) if secret else None,
    )


def read_default(cloud: Cloud) -> dict[str, Any] | None:
    """The default datastore as in Resource Manager, without secrets; None if there is none. Raises CloudError."""
    base, doing = f"{cloud.workspace_id}/datastores", "reading the workspace's datastore"
    found = cloud.arm.find(f"{base}/{_DATASTORE}", arm.DATASTORES, doing=doing)
    if found is not None:
        return found
    return next(iter(cloud.arm.items(base, arm.DATASTORES, query={"isDefault": "true"}, doing=doing)), None)


def container_of(cloud: Cloud, properties: Mapping[str, Any]) -> tuple[str, str]:
    """Account URL and container of a datastore, composed with the cloud's metadata as the SDK does."""
    url = f"https://{properties.get('accountName')}.blob.{cloud.metadata.storage_suffix}"
    return url, str(properties.get("containerName") or properties.get("filesystem") or "")


def secret_of(cloud: Cloud, resource: str, properties: dict[str, Any]) -> str | None:
    """The datastore's SAS token or key; None if the caller's own identity is to be used."""
    kind = str((properties.get("credentials") or {}).get("credentialsType") or "None")
    if kind in {"None", "ServicePrincipal"}:
        return None
    try:
        body = {"expirableSecret": True}
        answer = cloud.arm.call("POST", f"{resource}/listSecrets", arm.DATASTORES, body=body).body
    except CloudError as error:
        # An identity that may not read secrets may still be allowed to write blobs.
        if error.status in {401, 403, 404, 405}:
            return None
        raise
    secret = (answer or {}).get("sasToken") or (answer or {}).get("key")
    learn(secret)
    return str(secret).lstrip("?") if secret else None
