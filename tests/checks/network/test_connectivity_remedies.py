"""Which remedy a host's state leads to: the command, and the place that the sentence names."""

from __future__ import annotations

from typing import Any

import pytest

from tui.checks.network.connectivity_remedies import Advice, advice
from tui.cloud.http.connectivity import REACHABLE, TLS, UNKNOWN, UNREACHABLE, UNRESOLVED, Probe
from tui.cloud.http.dns_zones import PrivateName
from tui.cloud.http.hosts import Host

PRIVATE, PUBLIC = "10.1.0.6", "20.60.1.1"
ZONE = "privatelink.blob.core.windows.net"
LINK, CREATE = f"dns link vnet create --resource-group GROUP_OF_THE_ZONE --zone-name {ZONE}", "private-endpoint create"
NO_PROXY, PEER, BUNDLE = "NO_PROXY=", "vnet peering create", "REQUESTS_CA_BUNDLE="


def of(state: str, name: str = "storage", recorded: bool = True, port: int = 443, **probed: Any) -> Advice:
    record = PrivateName(ZONE, "store") if recorded else None
    return advice(Host(name, "store.org", "stores", True, port, private=record), Probe(state, **probed), state)


@pytest.mark.parametrize(
    ("found", "command", "named"),
    [
        (of(REACHABLE), "", ""),
        (of(UNKNOWN), "", ""),
        (of(UNKNOWN, reason="no-name-server"), "", "168.63.129.16"),
        (of(UNKNOWN, reason="late"), "", ""),
        # No record exists.
        (of(UNRESOLVED), LINK, f"store in the private DNS zone {ZONE}"),
        (of(UNRESOLVED, recorded=False), "", "getent"),
        (of(UNRESOLVED, reason="no-name-server"), LINK, ZONE),
        # A public address where a private one is required.
        (of("wrong_address", recorded=False), "", "private endpoint"),
        (of("wrong_address", cnames=("store.privatelink.org",)), LINK, ZONE),
        (of("wrong_address", cnames=("other.org", "store.privatelink.org")), LINK, ZONE),
        (of("wrong_address", cnames=("other.org",)), CREATE, "for blob in"),
        (of("wrong_address", "vault"), "--group-id vault", "for vault in"),
        (of("wrong_address", "source"), "--group-id GROUP_ID", "for it in"),
        (of("wrong_address", "scoring"), LINK, ZONE),
        (of("wrong_address", "workspace"), LINK, ZONE),
        (of("wrong_address", "notebooks"), LINK, ZONE),
        # No connection.
        (of(UNREACHABLE, addresses=(PRIVATE,)), PEER, "peer"),
        (of(UNREACHABLE, addresses=(PUBLIC,)), "", "store.org on port 443"),
        (of(UNREACHABLE, addresses=(PRIVATE,), recorded=False), "", "store.org on port 443"),
        (of(UNREACHABLE, port=8443), "", "store.org:8443 on port 8443"),
        # A proxy refuses, or does not answer.
        (of(UNREACHABLE, reason="proxy"), NO_PROXY, "store.org in the proxy"),
        (of(UNREACHABLE, reason="proxy-timeout"), NO_PROXY, "store.org in the proxy"),
        (of(UNREACHABLE, reason="proxy-login"), "", "USER:PASSWORD"),
        (of(UNREACHABLE, reason="proxy-login", addresses=(PRIVATE,)), NO_PROXY, "private address"),
        (of(UNREACHABLE, reason="proxy", addresses=(PRIVATE,)), NO_PROXY, "private address"),
        (of(UNREACHABLE, reason="timeout", addresses=(PUBLIC,)), "", "HTTPS_PROXY"),
        # The certificate.
        (of(TLS, reason="expired"), "", "clock"),
        (of(TLS, reason="bundle"), "", "PEM file"),
        (of(TLS, reason="broken"), "", "TLS"),
        (of(TLS, reason="untrusted"), BUNDLE, "authority"),
        (of(TLS, reason="untrusted", system_trusts=True), f"{BUNDLE}/etc/ssl/certs", "store"),
        (of(TLS, reason="expired", system_trusts=True), "", "clock"),
    ],
)
def test_the_remedy(found: Advice, command: str, named: str) -> None:
    assert command in found.command and bool(found.command) == bool(command)
    assert named in found.remedy and bool(found.remedy) == bool(named)


def test_another_service_is_named_by_two_of_its_addresses() -> None:
    found = of(TLS, reason="not-this-host", addresses=("10.0.0.1", "10.0.0.2", "10.0.0.3"))
    assert "10.0.0.1, 10.0.0.2" in found.remedy and "10.0.0.3" not in found.remedy and not found.command


@pytest.mark.parametrize(("resource", "shown"), [("/r/store", "/r/store"), ("", "RESOURCE_ID")])
def test_a_private_endpoint_is_for_the_resource_if_it_is_known(resource: str, shown: str) -> None:
    host = Host("storage", "store.org", "stores", True, private=PrivateName(ZONE, "store"), resource=resource)
    found = advice(host, Probe("reachable"), "wrong_address")
    assert f"--private-connection-resource-id {shown} --group-id blob" in found.command
