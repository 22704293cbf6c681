"""Remedies for unreachable hosts: DNS record, zone link, peering, proxy exception, certificate."""

from __future__ import annotations

from dataclasses import dataclass

from tui.cloud.http import connectivity
from tui.cloud.http.connectivity import Probe
from tui.cloud.http.hosts import Host
from tui.common.az_command import az

DNS = "https://learn.microsoft.com/azure/machine-learning/how-to-custom-dns"
NETWORK = "https://learn.microsoft.com/azure/machine-learning/how-to-access-azureml-behind-firewall"

# The sub-resource of a private endpoint (Microsoft, private-endpoint-overview).
_GROUPS = {
    "storage": "blob",
    "scoring": "amlworkspace",
    "workspace": "amlworkspace",
    "notebooks": "amlworkspace",
    "vault": "vault",
    "registry": "registry",
}


@dataclass(frozen=True)
class Advice:
    """What to do, in a sentence, and the command for the person with permission."""

    remedy: str = ""
    command: str = ""


def advice(host: Host, probe: Probe, state: str) -> Advice:
    """The remedy for a host in this state; empty if none is needed."""
    if state == "wrong_address":
        return _wrong_address(host, probe)
    if state == connectivity.UNRESOLVED:
        return _unresolved(host)
    if probe.reason in ("proxy", "proxy-login", "proxy-timeout"):
        return _proxy(host, probe)
    if state == connectivity.UNREACHABLE:
        return _unreachable(host, probe)
    if state == connectivity.TLS:
        return _tls(host, probe)
    if probe.reason == "no-name-server":
        return Advice(
            "Check this machine's name servers (resolv.conf) and the connection to them; a virtual network's own "
            "is 168.63.129.16."
        )
    return Advice()


def _wrong_address(host: Host, probe: Probe) -> Advice:
    if host.private is None:
        return Advice("Make the name resolve to the private endpoint's address on this machine.")
    if any("privatelink" in name for name in probe.cnames) or host.name in ("scoring", "workspace", "notebooks"):
        # Public DNS already points to the private zone: a private endpoint exists, but its zone is not visible here.
        return Advice(
            f"It has a private endpoint, but its record {host.private} is not visible from here: link the zone to "
            "this machine's virtual network, or, if you use your own DNS server, forward the name to "
            "168.63.129.16.",
            link(host.private.zone),
        )
    return Advice(
        f"DNS has no private endpoint for it: create one for {_GROUPS.get(host.name, 'it')} in a virtual network "
        f"that this machine can reach, with the record {host.private}.",
        private_endpoint(host.name, host.resource or "RESOURCE_ID", _GROUPS.get(host.name, "GROUP_ID")),
    )


def _unresolved(host: Host) -> Advice:
    if host.private is None:
        return Advice("Check the name, and DNS on this machine (getent hosts).")
    return Advice(
        f"The record {host.private} is missing, or the zone is not linked to this machine's virtual network. Add "
        "the link, or, if you use your own DNS server, forward the name to 168.63.129.16.",
        link(host.private.zone),
    )


def _unreachable(host: Host, probe: Probe) -> Advice:
    if probe.private and host.private is not None:
        return Advice(
            "The address is private and does not answer: peer this machine's virtual network with that of the "
            "private endpoint, and allow port 443 in network security groups and firewalls.",
            "az network vnet peering create --name to-private-endpoints --resource-group GROUP --vnet-name "
            "VNET_OF_THIS_MACHINE --remote-vnet VNET_OF_THE_PRIVATE_ENDPOINT_ID --allow-vnet-access",
        )
    return Advice(
        f"Allow this machine's network to reach {host.shown} on port {host.port}: in outbound rules of its "
        "network security group, in its firewall, or through a proxy set in HTTPS_PROXY."
    )


def _proxy(host: Host, probe: Probe) -> Advice:
    if probe.private:
        return Advice(f"The host has a private address here: add {host.host} to NO_PROXY.", _no_proxy(host))
    if probe.reason == "proxy-login":
        return Advice("Add user and password to HTTPS_PROXY (http://USER:PASSWORD@HOST:PORT).")
    return Advice(f"Allow {host.host} in the proxy, or add it to NO_PROXY.", _no_proxy(host))


def _no_proxy(host: Host) -> str:
    return f'export NO_PROXY="$NO_PROXY,{host.host}"'


def _tls(host: Host, probe: Probe) -> Advice:
    if probe.reason == "not-this-host":
        return Advice(
            f"Another service answers at {', '.join(probe.addresses[:2])}: check the name's address (a stale "
            "record, a hosts file, a proxy's own page)."
        )
    return _BY_REASON.get(probe.reason) or (_OF_THE_SYSTEM if probe.system_trusts else _INSPECTED)


_BY_REASON = {
    "expired": Advice("Check this machine's clock, then the issuer of the certificate."),
    "bundle": Advice("Set REQUESTS_CA_BUNDLE to an existing PEM file, or unset it."),
    "broken": Advice("Check what is between this machine and Azure: a proxy or firewall that does not support TLS."),
}
_OF_THE_SYSTEM = Advice(
    (
        "This machine's certificate store trusts that authority, but the Azure libraries do not use the store: set "
        "the variable to the store's file."
    ),
    "export REQUESTS_CA_BUNDLE=/etc/ssl/certs/ca-certificates.crt",
)
_INSPECTED = Advice(
    "A proxy that inspects connections signs with its own certificate authority: put that authority's "
    "certificate and the usual ones into one PEM file and set the variable to it.",
    "export REQUESTS_CA_BUNDLE=/path/to/bundle.pem",
)


def link(zone: str) -> str:
    """The command that links a private DNS zone to a virtual network."""
    return (
        f"az network private-dns link vnet create --resource-group GROUP_OF_THE_ZONE --zone-name {zone} "
        "--name link-to-this-network --virtual-network VNET_OF_THIS_MACHINE --registration-enabled false"
    )


def private_endpoint(name: str, resource: str, sub_resource: str) -> str:
    """The command that creates a private endpoint for a part (`sub_resource`) of a resource."""
    new = "network private-endpoint create --resource-group GROUP --vnet-name VNET --subnet SUBNET"
    parts = {"private_connection_resource_id": resource, "group_id": sub_resource, "connection_name": name}
    return az(new, name=f"pe-{name}", **parts)
