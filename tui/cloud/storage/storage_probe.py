"""Whether the workspace's storage lets this identity in: the first read that an upload makes too, and nothing else."""

from __future__ import annotations

from tui.cloud.error_explanations import explain
from tui.cloud.session import Cloud
from tui.cloud.storage.blob_container import BlobContainer
from tui.cloud.storage.datastore import default_datastore


def list_nothing(cloud: Cloud, seconds: float = 5.0) -> str:
    """Lists blobs of a name that nobody has, with the credential that an upload would use; returns the container's URL.

    Raises CloudError: the account's firewall, a missing data role, keys that are not permitted, a host that does not
    answer.
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
