"""One cell of each kind of the hostile matrix, and what the matrix and the list of calls would notice.

`python -m tests.hostile` runs the whole matrix.
"""

from __future__ import annotations

import random
import subprocess
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from typing import Any

import pytest

from tests.hostile.behaviours import Hostile, lost
from tests.hostile.calls import ELSEWHERE, listed, pattern_of, unlisted
from tests.hostile.matrix import Ground


@pytest.mark.slow
def test_one_cell_of_each_kind(ground: Ground) -> None:
    calls = [pair for pair in listed() if pair[0] != ELSEWHERE]
    drawn = random.Random(2026)
    cells = [(*drawn.choice(calls), behaviour) for behaviour in ground.behaviours]
    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(lambda numbered: ground.cell(*numbered[1], numbered[0]), enumerate(cells)))
    print(f"\n{dict(Counter(cell.outcome for cell in made))}")
    assert [cell for cell in made if cell.wrong] == []
    assert {"right", "error 1"} <= {cell.outcome for cell in made}


@pytest.mark.slow
@pytest.mark.parametrize(("command", "method"), [("keys", "GET"), ("remove", "DELETE")])
def test_a_command_that_is_no_run_ends_with_the_plans_limit(ground: Ground, command: str, method: str) -> None:
    call = next(call for of, call in listed() if of == command and call.startswith(method))
    cell = ground.cell(command, call, "throttled, in three years", 90_000 + len(command))
    assert (cell.outcome, "no answer in time" in cell.detail) == ("error 1", True), cell


def test_a_call_that_is_not_listed_is_noticed() -> None:
    line = "2026-11-29 04:31:15,466 INFO tui.rehearsal.server: {} 200 0 ms {}"
    known, new = "GET /metadata/endpoints", "DELETE /subscriptions/5eed0000-0000-4000-8000-00000000a001/all"
    assert unlisted(line.format(known, "aml-deploy/0.1.0")) == set()
    assert unlisted(line.format(new, "curl/8")) == set()
    assert unlisted(line.format(new, "aml-deploy/0.1.0 azure-ai-ml/1.35.0")) == {"DELETE /subscriptions/*/all"}


@pytest.mark.parametrize(
    ("method", "address", "pattern"),
    [
        ("PUT", "/x.blob.core.windows.net/c0ffee/a/b.txt?comp=block", "PUT /*.blob.*/*/**"),
        ("GET", "/x.blob.core.windows.net/c0ffee?comp=list", "GET /*.blob.*/*"),
        ("GET", "/subscriptions/s/resourceGroups/rg/providers/P/workspaces/ws", None),
        ("POST", "/endpoints/churn/score", "POST /endpoints/*/score"),
    ],
)
def test_a_call_has_no_names(method: str, address: str, pattern: str | None) -> None:
    assert pattern_of(method, address) == (pattern or "GET /subscriptions/*/resourceGroups/*/providers/P/workspaces/*")


@pytest.mark.parametrize(
    ("output", "code", "seconds", "outcome"),
    [
        ('{"message": "Azure refused the request, while reading."}', 1, 1.0, "error 1"),
        ('{"message": "Azure refused the request, while reading."}', 3, 1.0, "error 3"),
        ('{"message": "Azure refused the request, while reading."}', 2, 1.0, "FAULT: exit code 2"),
        ('{"message": "Azure refused the request, while reading."}', 1, 91.0, "FAULT: no end after 90 seconds"),
        ('{"message": "It says: token-token."}', 1, 1.0, "FAULT: a secret was written"),
        ('{"message": "It says: dG9rZW4tdG9rZW4=."}', 1, 1.0, "FAULT: a secret was written"),
        ('{"message": "Internal error. See the log."}', 1, 1.0, "FAULT: an internal error"),
        ("Traceback (most recent call last):", 1, 1.0, "FAULT: an internal error"),
        ("", 1, 1.0, "FAULT: no message"),
        ("", 0, 1.0, "FAULT: success, but the traffic is None"),
    ],
)
def test_what_is_wrong_is_noticed(tmp_path: Any, output: str, code: int, seconds: float, outcome: str) -> None:
    ground: Any = Ground.__new__(Ground)
    ground.folder, ground.azure = tmp_path, SimpleNamespace(get=lambda path: None)
    done = subprocess.CompletedProcess([], code, output, "")
    proxy = SimpleNamespace(tokens={"token-token"})
    judged = ground._judge("apply", "", done, seconds, "x", Hostile(lost), proxy, [])
    assert judged[0] == outcome
    assert ground._judge("apply", "", done, seconds, "x", Hostile(lost), proxy, ["GET /"])[0].endswith(
        "host was called"
    )
    if code == 1 and outcome.startswith("error"):
        assert ground._judge("apply", "", done, 1.0, "x", Hostile(lost, passes=True), proxy, [])[0].startswith("FAULT")


ROW, UNREAD = '{"endpoint": "x", "state": "Succeeded"}', '{"endpoint": null, "state": "silent"}'
NOTE = "The workspaces of S are not all known: the list could not be read: Azure's answer cannot be read."


@pytest.mark.parametrize(
    ("call", "output", "errors", "hostile", "shown"),
    [
        ("getBatch", ROW, "", Hostile(lost), True),
        ("ResourceGraph", ROW.replace("x", "other"), NOTE, Hostile(lost), False),
        ("autoscaleSettings", UNREAD, "", Hostile(lost, empty=True), False),
        ("ResourceGraph", UNREAD, "", Hostile(lost, lasting=True), True),
        ("onlineEndpoints", UNREAD, "", Hostile(lost), True),
        ("onlineEndpoints", "", NOTE, Hostile(lost), True),
        ("onlineEndpoints", "", "Azure's answer could not be read.", Hostile(lost), False),
        ("onlineEndpoints", ROW.replace("Succeeded", "gone"), "", Hostile(lost), False),
        ("onlineEndpoints", "", "", Hostile(lost, empty=True), True),
    ],
)
def test_an_endpoint_that_is_not_shown_is_noticed(
    tmp_path: Any, call: str, output: str, errors: str, hostile: Hostile, shown: bool
) -> None:
    ground: Any = Ground.__new__(Ground)
    ground.folder = tmp_path
    ground.azure = SimpleNamespace(get=lambda path: {"properties": {"traffic": {"blue": 100}}})
    done = subprocess.CompletedProcess([], 0, output, errors)
    judged = ground._judge("endpoints", call, done, 1.0, "x", hostile, SimpleNamespace(tokens=set()), [])
    assert judged[0] == ("right" if shown else "FAULT: success, but the endpoint is not shown")
