"""Decides which hosts of a cloud may receive tokens, keys, signatures and files; others are refused before sending.

Azure's answers name addresses: of operations, next pages, uploads, scoring. They are followed over HTTPS only, and only
to hosts of the cloud itself, so that a forged answer neither gets a token nor is believed.
"""

from __future__ import annotations

import re
from typing import Any, Callable
from urllib.parse import urlsplit

from tui.cloud.clouds import CloudMetadata
from tui.cloud.errors import CloudError

RESOURCE_MANAGER, STORAGE, VAULT, SCORING = "Resource Manager", "storage", "Key Vault", "scoring"
METRICS = "Azure Monitor metrics"
CODE = "UntrustedHost"

# Stricter than URLs are: no user names, backslashes and control characters, which libraries read differently.
_ADDRESS = re.compile(r"(https?)://((?:[a-z0-9_.-]+|\[[0-9a-f:.]+\])(?::\d{1,5})?)(?=[/?#]|$)", re.IGNORECASE)


def suffixes(metadata: CloudMetadata, audience: str) -> tuple[str, ...]:
    """The names of the cloud's hosts for an audience; of a cloud with its own metadata, also all that these name."""
    arm, ml = urlsplit(metadata.resource_manager).netloc, urlsplit(metadata.ml_resource).netloc
    storage = metadata.storage_suffix
    # The services of a workspace accept Resource Manager's tokens; all regions are under one name.
    workspaces = urlsplit(metadata.registry_discovery).netloc.partition(".")[2]
    table = {
        RESOURCE_MANAGER: (arm, workspaces),
        # The second kind is of accounts with DNS zone endpoints (Microsoft, storage-account-overview).
        STORAGE: (f"blob.{storage}", f"dfs.{storage}", "blob.storage.azure.net", "dfs.storage.azure.net"),
        VAULT: (metadata.vault_suffix,),
        SCORING: (f"inference.{ml}",),
        METRICS: tuple(filter(None, [urlsplit(metadata.metrics.replace("{region}.", "")).netloc])),
    }
    return table[audience] if metadata.built_in else (*table[audience], *metadata.hosts)


def check(metadata: CloudMetadata, audience: str, url: str, source: str) -> None:
    """Raise CloudError with code UntrustedHost unless a URL is one for this audience; `source` says who named it."""
    found = _ADDRESS.match(url)
    host = found[2].lower().removesuffix(":443") if found else ""
    if found and found[1].lower() == "https":
        for one in map(str.lower, suffixes(metadata, audience)):
            if host == one.removesuffix(":443") or (":" not in host and host.endswith(f".{one}")):
                return
        what = f"{host} is not a {audience} host of {metadata.name}"
    else:
        # Only the host is shown: a query may contain a signature.
        host = found[2] if found else (urlsplit(url.replace("\\", "/")).netloc.rpartition("@")[2] or "an empty address")
        what = f"{host} would be called without encryption" if found else f"{host} is not part of a valid address"
    raise CloudError(
        title=what,
        cause=f"{source} names it. Nothing was sent there: tokens, keys and files go only to the cloud's own hosts, "
        "over HTTPS.",
        remedy="Check what changes Azure's answers on the way to this machine, such as a proxy. For another cloud, set "
        "ARM_CLOUD_METADATA_URL.",
        code=CODE,
    )


def hook(metadata: CloudMetadata, audience: str = RESOURCE_MANAGER) -> Callable[[Any], None]:
    """The check for azure-core's CustomHookPolicy: also of redirects, which its own policy would follow anywhere."""
    return lambda request: check(metadata, audience, request.http_request.url, "A redirect")
