"""Tests access to the workspace's storage with the first read request of an upload, and nothing else."""

from __future__ import annotations

from tui.cloud.error_explanations import explain
from tui.cloud.session import Cloud
from tui.cloud.storage.blob_container import BlobContainer
from tui.cloud.storage.datastore import default_datastore


def list_nothing(cloud: Cloud, seconds: float = 5.0) -> str:
    """List blobs of an unused name with the credential of an upload; return the container's URL.

    Raises CloudError: the account's firewall, a missing data role, keys that are not permitted, an unreachable host.
    """
    doing = "reading the workspace's storage"
    target = default_datastore(cloud)
    container = BlobContainer(target, 1, lambda reason, delay: None, doing, seconds)
    try:
        container.look()
    except Exception as error:
        raise explain(error, doing=doing) from None
    finally:
        container.close()
    return f"{target.account_url}/{target.container}"
