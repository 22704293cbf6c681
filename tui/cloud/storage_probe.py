"""Whether the workspace's storage lets this identity in: the first read that an upload makes too, and nothing else."""

from __future__ import annotations

from tui.cloud import blobs
from tui.cloud.errors import explain
from tui.cloud.session import Cloud


def list_nothing(cloud: Cloud, seconds: float = 5.0) -> str:
    """Lists blobs of a name that nobody has, with the credential that an upload would use; returns the container's URL.

    Raises CloudError: the account's firewall, a missing data role, keys that are not permitted, a host that does not
    answer.
    """
    from azure.storage.blob import ContainerClient

    target = blobs.datastore(cloud)
    client = ContainerClient(
        target.account_url,
        target.container,
        credential=target.credential,
        retry_total=0,
        connection_timeout=max(1, int(seconds)),
        read_timeout=max(1, int(seconds)),
    )
    try:
        with client:
            next(client.list_blobs(name_starts_with="aml-deploy-check/", results_per_page=1).by_page(), None)
    except Exception as error:
        raise explain(error, doing="reading the workspace's storage") from None
    return f"{target.account_url}/{target.container}"
