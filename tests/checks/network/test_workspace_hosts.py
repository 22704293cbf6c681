"""Which hosts of a plan and its workspace are checked, and which are only listed with the reason."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path
from typing import Any

import pytest
from plan_files import MakePlan
from test_cloud_checks import a_workspace

from tui.checks.network import connectivity
from tui.checks.network.connectivity import Around, Board, Hop
from tui.cloud.endpoints.endpoints import EndpointInfo
from tui.cloud.errors import CloudError
from tui.cloud.http import connectivity as probing
from tui.cloud.http import hosts
from tui.cloud.http.connectivity import Probe
from tui.cloud.http.hosts import Dependency, Store
from tui.plan import model as m

CLOUD: Any = None
"""No connection is needed for hosts that Azure named already."""
STORE = Store("workspaceblobstore", "store", "https://store.blob.core.windows.net", "c", True)
ENDPOINT = EndpointInfo("e", "/e", "Succeeded", "https://e.org/score", "key", "enabled", "", {}, {}, "eastus2")
OTHERS = ["workspace", "notebooks", "vault", "registry"]


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    monkeypatch.setattr(probing, "probe", lambda *_: Probe("reachable", ("20.60.1.1",)))
    return Board(time.monotonic() + 60)


def by_name(board: Board) -> dict[str, Hop]:
    return {hop.name: hop for hop in board.hops(True)}


def added(board: Board, plan: m.Plan, *, store: Store | None = STORE, **more: Any) -> dict[str, Hop]:
    """The hosts of a closed workspace whose other resources are not asked for."""
    around = Around(CLOUD, a_workspace(), 5.0, asked=False)
    connectivity.add_workspace(board, plan, CLOUD, around, store, **{"endpoint": ENDPOINT, **more})
    return by_name(board)


def with_access(plan: m.Plan, access: str) -> m.Plan:
    return dataclasses.replace(plan, endpoint=dataclasses.replace(plan.endpoint, public_network_access=access))


def test_each_host_is_listed_once_in_the_order_of_a_deployment(board: Board, make_plan: MakePlan) -> None:
    found = added(board, make_plan())
    assert list(found) == ["storage", "scoring", *OTHERS]
    assert (found["storage"].host, found["scoring"].host) == ("store.blob.core.windows.net", "e.org")
    assert (found["storage"].expected, found["storage"].demanded) == ("private", False)


@pytest.mark.parametrize(
    ("access", "expected", "state"), [("disabled", "private", "wrong_address"), ("enabled", None, "reachable")]
)
def test_only_a_closed_endpoint_must_have_a_private_address(
    board: Board, make_plan: MakePlan, access: str, expected: str | None, state: str
) -> None:
    scoring = added(board, with_access(make_plan(), access))["scoring"]
    assert (scoring.expected, scoring.state, scoring.demanded) == (expected, state, expected is not None)
    assert ("require" in scoring.detail) is scoring.demanded


@pytest.mark.parametrize("request_", [None, Path("sample.json")])
def test_the_scoring_host_is_needed_only_for_a_test_request(
    board: Board, make_plan: MakePlan, request_: Path | None
) -> None:
    plan = dataclasses.replace(make_plan(), test=m.Test(request=request_))
    assert added(board, plan)["scoring"].needed is (request_ is not None)


def test_what_could_not_be_read_is_listed_with_the_reason(board: Board, make_plan: MakePlan) -> None:
    found = added(board, make_plan(), store=None, store_unread="No right.", endpoint_unread="No answer.")
    assert [(found[name].state, found[name].needed) for name in ("storage", "scoring")] == [("not_tried", False)] * 2
    assert "No right." in found["storage"].detail and "No answer." in found["scoring"].detail


def test_an_endpoint_that_does_not_exist_yet_is_no_failure(board: Board, make_plan: MakePlan) -> None:
    scoring = added(board, with_access(make_plan(), "enabled"), endpoint=None)["scoring"]
    assert (scoring.state, scoring.host) == ("not_tried", "")
    assert connectivity.findings([scoring])[0].severity == "ok"


@pytest.mark.parametrize(("address", "said"), [("20.60.1.1", "usual"), ("10.1.0.6", "")])
def test_a_public_address_that_is_only_unusual_is_told_so(
    board: Board, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, address: str, said: str
) -> None:
    monkeypatch.setattr(probing, "probe", lambda *_: Probe("reachable", (address,)))
    storage = added(board, make_plan())["storage"]
    assert (storage.state == "wrong_address") is bool(said) and said in storage.detail


def test_dependencies_are_read_once_each_and_only_if_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[tuple[str, str]] = []

    def dependency(cloud: Any, id: str, version: str) -> Dependency:
        read.append((id, version))
        if id == "/v":
            raise CloudError("Denied")
        return Dependency(id)

    monkeypatch.setattr(hosts, "dependency", dependency)
    info = a_workspace(storage_account="/s", key_vault="/v", container_registry=None)
    around = Around(CLOUD, info, 20.0)
    assert (around.of("/s"), around.of("/v"), around.of(None), around.of("/other")) == (Dependency("/s"), *[None] * 3)
    assert sorted(read) == [("/s", hosts.STORAGE_ACCOUNTS), ("/v", hosts.VAULTS)]
    assert Around(CLOUD, info, 20.0, asked=False).of("/s") is None and len(read) == 2
    registry = Around(CLOUD, a_workspace(container_registry="/r"), 20.0)
    assert registry.of("/r") == Dependency("/r") and read[-1] == ("/r", hosts.REGISTRIES)


@pytest.mark.parametrize(
    ("sources", "listed"),
    [
        ([None], []),
        (["abfss://c@one.dfs.core.windows.net/m"], ["one.blob.core.windows.net"]),
        (
            ["abfss://c@one.dfs.core.windows.net/m", "abfss://d@one.dfs.core.windows.net/n"],
            ["one.blob.core.windows.net"],
        ),
        (
            ["abfss://c@one.dfs.core.windows.net/m", None, "abfss://c@two.dfs.core.windows.net/m"],
            ["one.blob.core.windows.net", "two.blob.core.windows.net"],
        ),
    ],
)
def test_each_host_of_the_models_sources_is_checked_once(
    board: Board, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, sources: list[str | None], listed: list[str]
) -> None:
    base = make_plan()

    def of(source: str | None) -> m.Plan:
        return dataclasses.replace(base, deployment=dataclasses.replace(base.deployment, model=m.Model(source=source)))

    monkeypatch.setattr(connectivity, "plans", lambda plan: [of(source) for source in sources])
    board.add_source(base)
    assert [hop.host for hop in board.hops(True)] == listed


@pytest.mark.parametrize(("in_azure", "reason"), [(True, "inspected"), (False, "")])
def test_a_source_in_azure_has_azures_certificates(
    board: Board, make_plan: MakePlan, monkeypatch: pytest.MonkeyPatch, in_azure: bool, reason: str
) -> None:
    monkeypatch.setattr(probing, "probe", lambda *_: Probe("reachable", ("20.60.1.1",), issuer="House Proxy"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://mlflow.example.org")
    source = "abfss://c@one.dfs.core.windows.net/m" if in_azure else "runs:/1/m"
    plan = make_plan()
    plan = dataclasses.replace(plan, deployment=dataclasses.replace(plan.deployment, model=m.Model(source=source)))
    board.add_source(plan)
    (hop,) = board.hops(True)
    assert (hop.reason, "inspects" in hop.detail) == (reason, in_azure)
