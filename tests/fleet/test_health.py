"""The word for an endpoint's health and its reason, for each kind of endpoint."""

from __future__ import annotations

from typing import Any

import pytest

from tui.fleet.health import health

Cells = dict[str, Any]


def blue(state: str = "Succeeded", name: str = "blue", **more: Any) -> Cells:
    return {"name": name, "state": state, "p95_ms": None, "timeout_ms": 5000, **more}


def cells(*found: Cells, requests: int | None = 10, errors: int | None = 0, **more: Any) -> Cells:
    given = {"state": "Succeeded", "traffic": {"blue": 100}, "mirror_traffic": {}, "deployments": list(found)}
    return {**given, "requests": requests, "errors": errors, **more}


TABLE: list[tuple[str, Cells, str, str]] = [
    ("serves", cells(blue()), "healthy", "10 requests in the last hour, 0 errors."),
    ("a fifth of few", cells(blue(), requests=99, errors=20), "degraded", "20 errors in 99 requests"),
    ("one in twenty", cells(blue(), requests=20, errors=1), "degraded", "1 error in 20 requests"),
    ("below one in twenty", cells(blue(), requests=99, errors=4), "healthy", "4 errors"),
    ("one in nineteen", cells(blue(), requests=19, errors=1), "healthy", "1 error"),
    ("one percent of many", cells(blue(), requests=100, errors=1), "degraded", "1 error in 100 requests"),
    ("below one percent", cells(blue(), requests=1000, errors=9), "healthy", "9 errors"),
    ("half of few", cells(blue(), requests=5, errors=3), "failing", "3 errors in 5 requests"),
    ("all of fewer", cells(blue(), requests=4, errors=4), "healthy", "4 errors"),
    ("as slow as its limit", cells(blue(p95_ms=5000.0)), "healthy", ""),
    ("too slow", cells(blue(p95_ms=5001.0)), "degraded", "above its request time-out of 5,000 ms"),
    ("slow without a limit", cells(blue(p95_ms=9000.0, timeout_ms=None)), "healthy", ""),
    ("endpoint failed", cells(blue(), state="Failed"), "failing", "state is Failed"),
    ("endpoint canceled", cells(blue(), state="Canceled"), "failing", "state is Canceled"),
    ("endpoint is updated", cells(blue(), state="Updating"), "healthy", ""),
    ("creating", cells(state="Creating", traffic={}), "unknown", "being created"),
    ("deleting", cells(blue(), state="Deleting"), "unknown", "being deleted"),
    ("deployment failed", cells(blue("Failed")), "failing", "goes to blue, whose state is Failed"),
    ("traffic to nothing", cells(blue(), traffic={"red": 100}), "failing", "goes to red, which does not exist"),
    ("names differ in case", cells(blue(), traffic={"BLUE": 100}), "healthy", ""),
    ("none is ready", cells(blue("Creating")), "failing", "No deployment that gets traffic is ready: blue"),
    ("is updated", cells(blue("Updating")), "healthy", ""),
    ("failed green", cells(blue(), blue("Failed", "green")), "degraded", "green is Failed; it gets no traffic"),
    ("failed mirror", cells(blue(), blue("Failed", "green"), mirror_traffic={"green": 10}), "degraded",
     "it gets mirrored requests"),
    ("nobody calls", cells(blue(), requests=0), "idle", "No requests in the last hour."),
    ("no traffic", cells(blue(), requests=0, traffic={}), "idle", "no deployment gets traffic"),
    ("half-made", cells(traffic={}, requests=0), "idle", "no deployment"),
    ("half-made, no metrics", cells(traffic={}, requests=None, errors=None), "idle", "no deployment"),
    ("no metrics", cells(blue(), requests=None, errors=None), "unknown", "Not known: why not."),
    ("no deployments", cells(deployments=None), "unknown", "Not known: why not."),
    ("no deployments, but errors", cells(deployments=None, errors=9), "failing", "9 errors"),
    ("failed, no metrics", cells(blue("Failed"), requests=None, errors=None), "failing", "whose state is Failed"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "word", "reason"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_each_kind_of_endpoint_has_its_word_and_reason(given: Cells, word: str, reason: str) -> None:
    found = health(given, missing="why not")
    assert found[0] == word
    assert reason in found[1] and found[1].endswith(".")


def test_a_workspace_that_cannot_be_read_is_said_first() -> None:
    assert health(cells(blue("Failed")), "It did not answer.") == ("unreachable", "It did not answer.")


def test_what_is_still_being_read_has_no_reason_yet() -> None:
    assert health(cells(deployments=None, requests=None)) == ("unknown", "")
