"""The published limits of reads, enforced by the rehearsal, are never met."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from scripted_service import WORKSPACE

from tui.cloud.http import arm, read_budget
from tui.cloud.monitor import resource_graph
from tui.cloud.session import connect
from tui.plan.model import Credential, Endpoint, Plan
from tui.rehearsal.places import Home
from tui.rehearsal.scenarios.scenarios import select


@pytest.fixture
def limited(rehearsed: dict[str, Any], rehearsal_home: dict[str, str]) -> Iterator[Any]:
    """A connection to the session's rehearsal, which enforces the limits meanwhile."""
    home = Home.of(rehearsal_home)
    select(home, ("read-limits",))
    yield connect(Plan(workspace=WORKSPACE, credential=Credential(), endpoint=Endpoint(name="churn")))
    select(home, ())


def test_three_hundred_reads_meet_no_429_and_leave_others_their_half(limited: Any) -> None:
    cloud, path = read_budget.budgeted(limited), f"/subscriptions/{os.environ['AZURE_SUBSCRIPTION_ID']}"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: cloud.arm.ask("GET", path, "2022-12-01", retry=False), range(300)))
    assert Counter(answer.status for answer in answers) == {200: 300}
    assert min(int(answer.headers["x-ms-ratelimit-remaining-subscription-reads"]) for answer in answers) >= 100
    assert read_budget.of(limited).requests == 300


def test_sixteen_queries_meet_no_429(limited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    statuses: list[int] = []
    learn = read_budget.ReadBudget.learn

    def noted(self: Any, place: str, status: int, headers: Any) -> None:
        statuses.append(status)
        learn(self, place, status, headers)

    monkeypatch.setattr(read_budget.ReadBudget, "learn", noted)
    with ThreadPoolExecutor(8) as pool:
        found = list(
            pool.map(
                lambda _: resource_graph.query(
                    limited, resource_graph.WORKSPACES, [os.environ["AZURE_SUBSCRIPTION_ID"]]
                ),
                range(16),
            )
        )
    assert statuses == [200] * 16 and all(one.complete and one.rows == found[0].rows for one in found)


def test_what_graph_lists_is_what_resource_manager_lists(limited: Any) -> None:
    subscription = os.environ["AZURE_SUBSCRIPTION_ID"]
    graph = resource_graph.query(limited, resource_graph.WORKSPACES, [subscription])
    path = f"/subscriptions/{subscription}/providers/Microsoft.MachineLearningServices/workspaces"
    listed = [item["id"].lower() for item in read_budget.budgeted(limited).arm.items(path, arm.WORKSPACES)]
    assert graph.complete and sorted(row["id"].lower() for row in graph.rows) == sorted(listed) != []
