"""Check from this machine that each host of the plan resolves to the right kind of address and answers."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tui.checks.each_deployment import plans
from tui.checks.finding import BLOCKER, OK, UNKNOWN, WARNING, Finding
from tui.checks.network import connectivity_remedies
from tui.cloud.endpoints import endpoints
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.error_explanations import explain
from tui.cloud.errors import CloudError
from tui.cloud.http import connectivity, hosts, proxies
from tui.cloud.http.connectivity import Probe
from tui.cloud.http.dns_zones import is_address
from tui.cloud.http.hosts import Host
from tui.cloud.session import Cloud
from tui.cloud.workspace import workspace as workspaces
from tui.cloud.workspace.workspace import WorkspaceInfo
from tui.common.deadlines import NoAnswer, Question
from tui.plan.model import Plan

LIMIT = 8.0
"""Seconds for all hosts; the preflight has its own limit."""
_PROBE_SECONDS = 6.5
# The field of the plan that each host concerns.
_FIELDS = {
    "resource-manager": "workspace.name",
    "login": "credential.method",
    "storage": "workspace.name",
    "scoring": "endpoint.public_network_access",
    "source": "deployment.model.path",
}
_TITLES = {
    "resource-manager": "Resource Manager",
    "login": "The sign-in service",
    "storage": "The workspace's storage",
    "scoring": "The scoring host",
    "source": "The host of the model's source",
    "workspace": "The workspace's own host",
    "notebooks": "The notebook host",
    "vault": "The key vault",
    "registry": "The container registry",
}
NOT_TRIED, WRONG_ADDRESS = "not_tried", "wrong_address"
# The issuers of the certificates of Azure's public clouds (Microsoft, azure-ca-details).
_ISSUERS = ("microsoft", "digicert", "entrust", "d-trust", "geotrust", "thawte")


@dataclass(frozen=True)
class Hop:
    """One host name and the result of checking it.

    `state` is reachable, unreachable, unresolved, wrong_address, tls, unknown or not_tried; `private` and `expected`
    refer to its addresses; `reason` is one word for programs.
    """

    name: str
    host: str
    purpose: str
    needed: bool
    addresses: tuple[str, ...] = ()
    cnames: tuple[str, ...] = ()
    private: bool | None = None
    expected: str | None = None
    state: str = "unknown"
    issuer: str | None = None
    detail: str = ""
    remedy: str = ""
    title: str = ""
    reason: str = ""
    zone: str = ""
    record: str = ""
    command: str = ""
    demanded: bool = False


class Board:
    """Hosts to check, each in its own thread, which starts when the host is added."""

    def __init__(self, ends: float) -> None:
        self._ends = ends
        self._asked: list[tuple[Host, Question[Probe] | None]] = []
        self._under_way: dict[tuple[str, int, bool], Question[Probe]] = {}

    def add(self, found: Iterable[Host]) -> None:
        """Start to check hosts; a host without a name is only listed."""
        for host in found:
            self._asked.append((host, self._question(host) if host.host else None))

    def _question(self, host: Host) -> Question[Probe]:
        """Start a check of a host; several names of one host share the check."""
        key = (host.host, host.port, host.handshake)
        if key not in self._under_way:
            seconds = max(0.0, min(_PROBE_SECONDS, self._ends - time.monotonic()))
            self._under_way[key] = Question(lambda: connectivity.probe(*key, seconds), seconds)
        return self._under_way[key]

    def add_source(self, plan: Plan) -> None:
        """Start to check the hosts of the models' sources, each once."""
        found = [hosts.of_source(one.deployment.model.source) for one in plans(plan) if one.deployment.model.source]
        self.add(list({host.shown: host for host in found if host}.values()))

    def unknown(self, name: str, purpose: str, why: str) -> None:
        """List a host whose name could not be determined."""
        self._asked.append((Host(name, "", purpose, False, why=why), None))

    def hops(self, built_in: bool) -> list[Hop]:
        """The results, in the order in which hosts were added. `built_in`: one of Azure's public clouds."""
        return [_hop(host, question, built_in) for host, question in self._asked]


def _hop(host: Host, question: Question[Probe] | None, built_in: bool) -> Hop:
    if question is None:
        return _of(host, Probe(NOT_TRIED, detail=host.why))
    try:
        probe = question.answer()
    except NoAnswer:
        # Connections have shorter limits of their own; only a name lookup can take this long.
        probe = Probe(
            connectivity.UNKNOWN,
            reason="no-name-server",
            detail="The name lookup did not finish in time; probably no name server answers.",
        )
        if is_address(host.host):
            probe = Probe(connectivity.UNKNOWN, reason="late", detail="There was no time left to check it.")
    except Exception as error:
        probe = Probe(connectivity.UNKNOWN, reason="failed", detail=str(explain(error)))
    if host.expected == "private" and probe.private is False:
        about = "but its settings require a private one" if host.demanded else "although a private one is usual"
        detail = f"It resolves to the public address {probe.addresses[0]}, {about}."
        return _of(host, probe, WRONG_ADDRESS, detail)
    # An MLflow server can have a certificate from any issuer.
    azures = host.name != "source" or host.private is not None
    if built_in and azures and probe.state == connectivity.REACHABLE and foreign(probe.issuer):
        detail = (
            f"Its certificate is issued by {probe.issuer}, which is not one of Azure's authorities: a device on the "
            "path "
        )
        return _of(host, probe, detail=detail + "inspects the connection, and is trusted here.")
    return _of(host, probe)


def _of(host: Host, probe: Probe, state: str | None = None, detail: str | None = None) -> Hop:
    state = state or probe.state
    advice = connectivity_remedies.advice(host, probe, state)
    return Hop(
        name=host.name,
        host=host.shown,
        purpose=host.purpose,
        needed=host.needed,
        addresses=probe.addresses,
        cnames=probe.cnames,
        private=probe.private,
        expected=host.expected,
        state=state,
        issuer=probe.issuer,
        detail=detail if detail is not None else probe.detail,
        remedy=advice.remedy,
        title=_TITLES.get(host.name, host.name),
        reason="inspected" if detail and state == connectivity.REACHABLE else probe.reason,
        zone=host.private.zone if host.private else "",
        record=host.private.record if host.private else "",
        command=advice.command,
        demanded=host.demanded,
    )


def foreign(issuer: str | None) -> bool:
    """Whether a certificate's issuer is not one of the authorities of Azure's public clouds."""
    return bool(issuer) and not any(name in str(issuer).lower() for name in _ISSUERS)


def look(plan: Plan, cloud: Cloud, limit: float = LIMIT) -> dict[str, Any]:
    """The results for all hosts of a plan, as JSON data; runs all queries. Never raises for errors from Azure."""
    started = time.monotonic()
    ends = started + limit
    board = Board(ends)
    board.add(hosts.of_cloud(cloud.metadata))
    board.add_source(plan)
    reading = limit * 0.6  # the rest of the time is for the hosts that Azure returns

    asked_info = Question(lambda: workspaces.read(cloud), reading)
    asked_store = Question(lambda: hosts.store(cloud), reading)
    name = plan.endpoint.name
    asked_endpoint = Question(lambda: endpoints.read(cloud, name, deployments=False) if name else None, reading)
    info, why = _answer(asked_info)
    if info is None:
        for part, purpose in (("storage", "receives the model and the code"), ("scoring", "serves requests")):
            board.unknown(part, purpose, f"Its name is unknown, because the workspace could not be read. {why}")
    else:
        around = Around(cloud, info, max(0.0, ends - time.monotonic() - 2.0))
        found, why = _answer(asked_store)
        endpoint, unread = _answer(asked_endpoint)
        add_workspace(board, plan, cloud, around, found, endpoint, why, unread)
    hops = [asdict(hop) for hop in board.hops(cloud.metadata.built_in)]
    trust = proxies.trust()
    return {
        "hops": hops,
        "proxy": proxies.shown(),
        "bundle": {"variable": trust.variable, "path": trust.path, "problem": trust.problem},
        "seconds": round(time.monotonic() - started, 2),
    }


class Around:
    """The workspace's dependent resources, read in parallel; a resource that cannot be read is None."""

    def __init__(self, cloud: Cloud, info: WorkspaceInfo, limit: float, asked: bool = True) -> None:
        self.info = info
        self._asked = {
            id: Question(lambda id=id, version=version: hosts.dependency(cloud, id, version), limit)  # type: ignore[misc]
            for id, version in (
                (info.storage_account or "", hosts.STORAGE_ACCOUNTS),
                (info.key_vault, hosts.VAULTS),
                (info.container_registry or "", hosts.REGISTRIES),
            )
            if id and asked
        }

    def of(self, id: str | None) -> hosts.Dependency | None:
        """The result of reading a resource."""
        asked = self._asked.get(id or "")
        return _answer(asked)[0] if asked else None


def add_workspace(
    board: Board,
    plan: Plan,
    cloud: Cloud,
    around: Around,
    store: hosts.Store | None,
    endpoint: EndpointInfo | None,
    store_unread: str = "",
    endpoint_unread: str = "",
) -> None:
    """Add the workspace's hosts: storage, the endpoint's scoring host, and hosts that only others use."""
    info = around.info
    if store is None:
        why = f"The workspace's default datastore could not be read. {store_unread}".strip()
        board.unknown("storage", "receives the model and the code", why)
    else:
        board.add([hosts.of_storage(store, around.of(info.storage_account), info)])
    called = bool(plan.test.request or plan.test.requests)
    if endpoint_unread:
        board.unknown("scoring", "serves requests", f"The endpoint could not be read. {endpoint_unread}")
    else:
        closed = plan.endpoint.public_network_access == "disabled"
        uri = endpoint.scoring_uri if endpoint else None
        board.add([hosts.of_scoring(cloud, info, uri, closed, called)])
    board.add(hosts.of_others(info, around.of(info.key_vault), around.of(info.container_registry)))


def _answer(question: Question[Any]) -> tuple[Any, str]:
    """The answer, or the reason why there is none."""
    try:
        return question.answer(), ""
    except (NoAnswer, CloudError) as error:
        return None, str(error)
    except Exception as error:
        return None, str(explain(error))


def findings(hops: list[Hop]) -> list[Finding]:
    """A finding for each host that the plan uses, and one for all hosts that only others use."""
    found = [finding(hop) for hop in hops if hop.needed or (hop.name in _FIELDS and hop.state not in ("", NOT_TRIED))]
    found += [_not_known(hop) for hop in hops if hop.name in _FIELDS and hop.state == NOT_TRIED]
    others = [hop for hop in hops if hop.name not in _FIELDS and hop.host]
    if others:
        said = "; ".join(f"{hop.title.lower()} {hop.host}: {_state(hop)}" for hop in others)
        message = f"Hosts that this plan does not call, but others do: {said}."
        hosts_of_others = ", ".join(hop.host for hop in others)
        found.append(
            Finding(
                "reach-others", OK, "workspace.name", message, docs=connectivity_remedies.DNS, looked_at=hosts_of_others
            )
        )
    return [*found, *_bundle()]


def finding(hop: Hop) -> Finding:
    """The finding about a host that is named in the plan."""
    id, field = f"reach-{hop.name}", _FIELDS.get(hop.name, "workspace.name")
    severity = _severity(hop)
    message = f"{hop.title} {hop.host} {_looked_at(hop)}. {hop.detail}".strip()
    of_name = hop.state in (WRONG_ADDRESS, connectivity.UNRESOLVED)
    docs = "" if severity == OK else connectivity_remedies.DNS if of_name else connectivity_remedies.NETWORK
    return Finding(id, severity, field, message, hop.remedy, docs, hop.host, (hop.command,) if hop.command else ())


def _severity(hop: Hop) -> str:
    if hop.state == connectivity.REACHABLE:
        return WARNING if hop.reason == "inspected" else OK
    if not hop.needed or hop.state == connectivity.UNKNOWN:
        return UNKNOWN
    if hop.reason in ("timeout", "proxy-timeout", "no-name-server"):
        return UNKNOWN  # a host that does not answer is unreachable
    if hop.state == WRONG_ADDRESS:
        return BLOCKER if hop.demanded else WARNING
    if hop.name == "scoring" and hop.host.startswith("aml-deploy-check."):
        return WARNING  # only the wildcard record was checked; the endpoint's own name can resolve differently
    return BLOCKER


def _not_known(hop: Hop) -> Finding:
    """A host that has no name yet: expected before an endpoint exists, otherwise unknown."""
    severity = OK if hop.name == "scoring" and "does not exist yet" in hop.detail else UNKNOWN
    return Finding(f"reach-{hop.name}", severity, _FIELDS[hop.name], f"{hop.title}: {hop.detail}", looked_at=hop.name)


def _looked_at(hop: Hop) -> str:
    if not hop.addresses:
        return "was checked"
    kind = "private" if hop.private else "public"
    chain = f" through the alias {' and '.join(hop.cnames)}" if hop.cnames else ""
    return f"is at the {kind} address {', '.join(hop.addresses[:3])}{chain}: {_state(hop)}"


def _state(hop: Hop) -> str:
    words = {
        connectivity.REACHABLE: "reachable",
        connectivity.UNREACHABLE: "unreachable",
        connectivity.UNRESOLVED: "no address",
        WRONG_ADDRESS: "a public address, but a private one is required",
        connectivity.TLS: "an unexpected certificate"
        if hop.reason == "not-this-host"
        else "its certificate is not trusted",
        connectivity.UNKNOWN: "unknown",
        NOT_TRIED: "not checked",
    }
    return words.get(hop.state, hop.state)


def _bundle() -> list[Finding]:
    """The proxy and certificate bundle settings, if any."""
    trust = proxies.trust()
    if trust.problem:
        remedy = f"Correct {trust.variable}, or unset it if no proxy inspects connections."
        return [Finding("ca-bundle", BLOCKER, "", trust.problem, remedy, connectivity_remedies.NETWORK, trust.path)]
    proxy = proxies.shown()
    if not proxy:
        return []
    message = f"Connections go through the proxy {proxy}, except to the hosts of NO_PROXY."
    return [Finding("proxy", OK, "", message, looked_at="HTTPS_PROXY, NO_PROXY")]
