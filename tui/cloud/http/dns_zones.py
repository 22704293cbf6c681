"""Maps names of Azure's services to the private DNS zones in which private endpoints register them.

From Microsoft's private-endpoint-dns (its tables of the public, US Government and China clouds: vault, registry, blob,
workspace, Resource Manager) and how-to-custom-dns (the names of a workspace and of its online endpoints in the three
clouds, and the records in the zone). Other clouds are not covered.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

# The end of a public name -> its private DNS zone.
_ZONES = {
    "blob.core.windows.net": "privatelink.blob.core.windows.net",
    "blob.core.usgovcloudapi.net": "privatelink.blob.core.usgovcloudapi.net",
    "blob.core.chinacloudapi.cn": "privatelink.blob.core.chinacloudapi.cn",
    "vault.azure.net": "privatelink.vaultcore.azure.net",
    "vault.usgovcloudapi.net": "privatelink.vaultcore.usgovcloudapi.net",
    "vault.azure.cn": "privatelink.vaultcore.azure.cn",
    "azurecr.io": "privatelink.azurecr.io",
    "azurecr.us": "privatelink.azurecr.us",
    "azurecr.cn": "privatelink.azurecr.cn",
    "notebooks.azure.net": "privatelink.notebooks.azure.net",
    "notebooks.usgovcloudapi.net": "privatelink.notebooks.usgovcloudapi.net",
    "notebooks.chinacloudapi.cn": "privatelink.notebooks.chinacloudapi.cn",
    "api.azureml.ms": "privatelink.api.azureml.ms",
    "api.ml.azure.us": "privatelink.api.ml.azure.us",
    "api.ml.azure.cn": "privatelink.api.ml.azure.cn",
    "inference.ml.azure.com": "privatelink.api.azureml.ms",
    "inference.ml.azure.us": "privatelink.api.ml.azure.us",
    "inference.ml.azure.cn": "privatelink.api.ml.azure.cn",
    "management.azure.com": "privatelink.azure.com",
}
_WORKSPACE_ZONES = {
    "AzureCloud": "privatelink.api.azureml.ms",
    "AzureUSGovernment": "privatelink.api.ml.azure.us",
    "AzureChinaCloud": "privatelink.api.ml.azure.cn",
}

# RFC 1918, loopback, link-local, shared address space (RFC 6598), and the equivalents of IPv6.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
        "::1/128",
    )
)


@dataclass(frozen=True)
class PrivateName:
    """The private DNS record of a host: the zone, and the record in it, which may be a wildcard."""

    zone: str
    record: str

    def __str__(self) -> str:
        return f"{self.record} in the private DNS zone {self.zone}"


def is_private(address: str) -> bool:
    """Whether an address is private; loopback is."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(parsed, "ipv4_mapped", None)
    return any((mapped or parsed) in network for network in _PRIVATE)


def is_address(host: str) -> bool:
    """Whether a host is an IP address, which needs no look-up."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def private_name(host: str, workspace_guid: str | None = None) -> PrivateName | None:
    """Zone and record of an Azure host; None for hosts of clouds that are not covered.

    The record of an online endpoint is its workspace's wildcard, for which `workspace_guid` is needed.
    """
    lowered = host.lower().rstrip(".")
    for ending, zone in _ZONES.items():
        if not lowered.endswith(f".{ending}") and lowered != ending:
            continue
        label = lowered[: -len(ending)].rstrip(".")
        if ending.startswith("inference."):
            region = label.rpartition(".")[2]
            return PrivateName(zone, f"*.{workspace_guid or 'WORKSPACE-ID'}.inference.{region}")
        return PrivateName(zone, label or "@")
    return None


def inference_probe(cloud: str, workspace_guid: str | None, region: str) -> tuple[str, PrivateName] | None:
    """A name that resolves only by the wildcard record of a workspace's endpoints, before there is an endpoint.

    None if the cloud's zone, the workspace id or the region is unknown.
    """
    zone = _WORKSPACE_ZONES.get(cloud)
    if zone is None or not workspace_guid or not re.fullmatch(r"[a-z0-9]+", region):
        return None
    ending = f"{workspace_guid.lower()}.inference.{region}"
    return f"aml-deploy-check.{ending}.{zone}", PrivateName(zone, f"*.{ending}")
