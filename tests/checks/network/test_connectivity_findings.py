"""Which finding a checked host becomes: its severity, field and command. No host is contacted here."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING
from tui.checks.network import connectivity, connectivity_remedies
from tui.checks.network.connectivity import NOT_TRIED, WRONG_ADDRESS, Board, Hop
from tui.cloud.http import connectivity as probing
from tui.cloud.http import proxies
from tui.cloud.http.connectivity import REACHABLE, TLS, UNREACHABLE, UNRESOLVED, Probe
from tui.cloud.http.hosts import Host
from tui.common.deadlines import NoAnswer

PRIVATE, PUBLIC = "10.1.0.6", "20.60.1.1"


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxies, "shown", lambda: "")
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE"):
        monkeypatch.delenv(name, raising=False)


def hop(name: str = "storage", state: str = REACHABLE, needed: bool = True, **more: Any) -> Hop:
    return Hop(name, more.pop("host", "store.example.org"), "stores", needed, state=state, **more)


@pytest.mark.parametrize(
    ("checked", "severity"),
    [
        (hop(), OK),
        (hop(reason="inspected"), WARNING),
        (hop(needed=False), OK),
        (hop(state=UNREACHABLE, needed=False), UNKNOWN),
        (hop(state=probing.UNKNOWN), UNKNOWN),
        (hop(state=UNREACHABLE, reason="refused"), BLOCKER),
        (hop(state=UNREACHABLE, reason="timeout"), UNKNOWN),
        (hop(state=UNREACHABLE, reason="proxy-timeout"), UNKNOWN),
        (hop(state=UNRESOLVED, reason="no-name-server"), UNKNOWN),
        (hop(state=UNRESOLVED, reason="no-address"), BLOCKER),
        (hop(state=TLS, reason="untrusted"), BLOCKER),
        (hop(state=WRONG_ADDRESS, demanded=True), BLOCKER),
        (hop(state=WRONG_ADDRESS, demanded=False), WARNING),
        (hop("scoring", UNRESOLVED, host="aml-deploy-check.guid.example.org"), WARNING),
        (hop("scoring", UNRESOLVED, host="churn.example.org"), BLOCKER),
        (hop("storage", UNRESOLVED, host="aml-deploy-check.guid.example.org"), BLOCKER),
    ],
)
def test_how_serious_a_host_is(checked: Hop, severity: str) -> None:
    assert connectivity.finding(checked).severity == severity


@pytest.mark.parametrize(
    ("state", "docs"),
    [
        (REACHABLE, ""),
        (WRONG_ADDRESS, connectivity_remedies.DNS),
        (UNRESOLVED, connectivity_remedies.DNS),
        (UNREACHABLE, connectivity_remedies.NETWORK),
        (TLS, connectivity_remedies.NETWORK),
    ],
)
def test_a_wrong_name_links_to_dns_and_everything_else_to_the_network(state: str, docs: str) -> None:
    assert connectivity.finding(hop(state=state)).docs == docs


def test_a_finding_names_the_field_the_command_and_the_addresses() -> None:
    found = connectivity.finding(hop("login", title="The sign-in service", command="az login"))
    assert (found.id, found.field, found.commands) == ("reach-login", "credential.method", ("az login",))
    assert connectivity.finding(hop("other")).field == "workspace.name"
    assert connectivity.finding(hop()).commands == ()
    many = hop(addresses=("10.0.0.1", "10.0.0.2", "10.0.0.3", "10.0.0.4"), private=True, cnames=("a.org", "b.org"))
    said = connectivity.finding(many).message
    assert "private" in said and "10.0.0.3" in said and "10.0.0.4" not in said and "a.org and b.org" in said
    open_one = connectivity.finding(hop(addresses=(PUBLIC,), private=False)).message
    assert "public" in open_one and "alias" not in open_one


@pytest.mark.parametrize(
    ("checked", "expected"),
    [
        (hop(), {"reach-storage": OK}),
        (hop(needed=False), {"reach-storage": OK}),  # the plan does not call it, but it was checked
        (hop(state="", needed=False), {}),
        (hop("storage", NOT_TRIED, needed=False), {"reach-storage": UNKNOWN}),
        (hop("scoring", NOT_TRIED, needed=False, detail="It does not exist yet."), {"reach-scoring": OK}),
        (hop("scoring", NOT_TRIED, needed=False, detail="It could not be read."), {"reach-scoring": UNKNOWN}),
        (hop("storage", NOT_TRIED, needed=False, detail="It does not exist yet."), {"reach-storage": UNKNOWN}),
        (hop("vault", UNREACHABLE, needed=False), {"reach-others": OK}),  # others call it, so it never blocks
        (hop("vault", NOT_TRIED, needed=False, host=""), {}),
    ],
)
def test_which_hosts_are_reported(checked: Hop, expected: dict[str, str]) -> None:
    assert {found.id: found.severity for found in connectivity.findings([checked])} == expected


def test_hosts_of_others_share_one_finding() -> None:
    others = [hop(name, needed=False, host=f"{name}.org") for name in ("vault", "registry")]
    (found,) = connectivity.findings(others)
    assert found.looked_at == "vault.org, registry.org"


def test_the_proxy_is_named_and_a_broken_bundle_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    assert connectivity.findings([]) == []
    monkeypatch.setattr(proxies, "shown", lambda: "http://proxy.example.org:3128")
    assert [(one.id, one.severity) for one in connectivity.findings([])] == [("proxy", OK)]
    monkeypatch.setattr(proxies, "trust", lambda: proxies.Trust("REQUESTS_CA_BUNDLE", "/missing/bundle.pem"))
    assert [(one.id, one.severity) for one in connectivity.findings([])] == [("ca-bundle", BLOCKER)]


@pytest.mark.parametrize(
    ("issuer", "foreign"),
    [(None, False), ("", False), ("Microsoft Azure RSA TLS", False), ("DIGICERT Inc", False), ("House Proxy", True)],
)
def test_issuers(issuer: str | None, foreign: bool) -> None:
    assert connectivity.foreign(issuer) is foreign


def checked(monkeypatch: pytest.MonkeyPatch, host: Host, probe: Probe | Exception, built_in: bool = True) -> Hop:
    """The result on a board for a host that gives this answer."""

    def answer(*_: Any) -> Probe:
        if isinstance(probe, Exception):
            raise probe
        return probe

    monkeypatch.setattr(probing, "probe", answer)
    board = Board(time.monotonic() + 60)
    board.add([host])
    (found,) = board.hops(built_in)
    return found


def host(name: str = "storage", address: str = "store.example.org", **more: Any) -> Host:
    return Host(name, address, "stores", True, **more)


@pytest.mark.parametrize(
    ("expected", "address", "state"),
    [
        ("private", PUBLIC, WRONG_ADDRESS),
        ("private", PRIVATE, REACHABLE),
        (None, PUBLIC, REACHABLE),
        (None, PRIVATE, REACHABLE),
    ],
)
def test_only_a_public_address_where_a_private_one_is_expected_is_wrong(
    monkeypatch: pytest.MonkeyPatch, expected: str | None, address: str, state: str
) -> None:
    assert checked(monkeypatch, host(expected=expected), Probe(REACHABLE, (address,))).state == state


def test_a_host_without_an_address_is_not_at_a_wrong_one(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked(monkeypatch, host(expected="private"), Probe(UNRESOLVED)).state == UNRESOLVED


@pytest.mark.parametrize(
    ("name", "state", "issuer", "built_in", "reason"),
    [
        ("storage", REACHABLE, "House Proxy", True, "inspected"),
        ("storage", REACHABLE, "Microsoft Corporation", True, "said"),
        ("storage", REACHABLE, "House Proxy", False, "said"),  # a private cloud has its own authorities
        ("storage", TLS, "House Proxy", True, "said"),
        ("source", REACHABLE, "House Proxy", True, "said"),  # an MLflow server may have any certificate
    ],
)
def test_an_inspected_connection_is_recognised_by_its_issuer(
    monkeypatch: pytest.MonkeyPatch, name: str, state: str, issuer: str, built_in: bool, reason: str
) -> None:
    probe = Probe(state, (PUBLIC,), issuer=issuer, reason="said")
    assert checked(monkeypatch, host(name), probe, built_in).reason == reason


@pytest.mark.parametrize(
    ("address", "error", "reason"),
    [
        ("store.example.org", NoAnswer("Too late."), "no-name-server"),
        ("10.1.0.6", NoAnswer("Too late."), "late"),
        ("store.example.org", OSError("broken"), "failed"),
    ],
)
def test_no_answer_is_unknown_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, address: str, error: Exception, reason: str
) -> None:
    found = checked(monkeypatch, host(address=address), error)
    assert (found.state, found.reason) == (probing.UNKNOWN, reason)


def test_a_host_without_a_name_is_listed_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    found = checked(monkeypatch, host(address="", why="It could not be read."), AssertionError("must not be asked"))
    assert (found.state, found.detail) == (NOT_TRIED, "It could not be read.")


def test_two_names_of_one_host_share_a_check_within_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []

    def answer(*arguments: Any) -> Probe:
        asked.append(arguments)
        return Probe(REACHABLE)

    monkeypatch.setattr(probing, "probe", answer)
    board = Board(time.monotonic() + 60)
    board.add([host(), host("source"), host("login", port=8443)])
    board.unknown("scoring", "serves", "It could not be read.")
    assert [one.state for one in board.hops(True)] == [REACHABLE, REACHABLE, REACHABLE, NOT_TRIED]
    assert sorted(one[1] for one in asked) == [443, 8443]
    assert all(0 < one[3] <= 6.5 for one in asked)
