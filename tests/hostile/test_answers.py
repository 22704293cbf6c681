"""Each call of a deployment, answered badly in each way: the right result or a clear error, and no foreign host."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.hostile.answers import CALLS, Service, behaviours, cell

# What may be taken for a result: an answer that says so, or one in which only what is not read is odd.
FORGED = {"foreign page", "page over http", "foreign operation", "foreign location", "foreign redirect"}


@pytest.mark.parametrize("name", CALLS)
def test_a_call_that_is_answered_badly(
    name: str,
    service: Service,
    certificate: tuple[Path, Path],
    cloud: Any,
) -> None:
    foreign = Service(certificate)
    try:
        found = {one: cell(service, foreign, cloud, name, one) for one in behaviours("https://x", "https://x")}
    finally:
        foreign.close()
    print(f"\n{name}: {dict(Counter(found.values()))}")
    refused = {one for one, outcome in found.items() if outcome == "error: UntrustedHost"}
    assert "foreign redirect" in refused and refused <= FORGED
    for one in ("status 400", "status 401", "status 403", "gateway", "page", "truncated", "deep", "number"):
        assert found[one].startswith("error"), one
