"""Which fixes are offered, and the values they would set."""

from __future__ import annotations

from typing import Any

import pytest
from endpoint_snapshots import deployment, snapshot

from tui.checks.troubleshoot import fixes

UNKNOWN_SIZE = "Standard_Unknown"


@pytest.mark.parametrize(
    ("now", "wanted", "instances"),
    [(1, 2, 2), (1, 1, None), (1, 0, None), (2, 0, 1), (49, 50, 50), (50, 51, None), (49, 99, 50), (50, 49, 49)],
)
def test_a_deployment_has_1_to_50_instances(now: int, wanted: int, instances: int | None) -> None:
    one = deployment(instance_count=now)
    fix = fixes.scale(snapshot(one).there, one, wanted)
    assert (fix.arguments["instances"] if fix else None) == instances


@pytest.mark.parametrize(("now", "wanted", "said"), [(2, 5, "3 more"), (5, 2, "3 fewer")])
def test_a_scale_tells_its_direction_cost_and_quota(now: int, wanted: int, said: str) -> None:
    one = deployment(instance_count=now)
    fix = fixes.scale(snapshot(one).there, one, wanted)
    assert fix is not None and said in fix.what
    preview = "\n".join(fix.preview)
    assert f"{now} → {wanted}" in preview
    assert ("cost: +" if wanted > now else "cost: -") in preview
    assert "quota: " in preview


def test_a_size_without_price_and_quota_is_told_as_such() -> None:
    one = deployment("red", instance_type=UNKNOWN_SIZE)
    seen = snapshot(deployment(), one)
    fix = fixes.scale(seen.there, one, 2)
    assert fix is not None and "no list price" in "\n".join(fix.preview) and "quota" not in "\n".join(fix.preview)
    away = fixes.remove_deployment(seen.there, one)
    assert away is not None and not [line for line in away.preview if line.startswith(("cost", "quota"))]


@pytest.mark.parametrize(
    ("traffic", "mirror", "offered"),
    [
        ({"blue": 100}, {}, True),
        ({"blue": 100, "red": 0}, {"red": 0}, True),
        ({"blue": 99, "red": 1}, {}, False),
        ({"blue": 100}, {"red": 1}, False),
        ({"blue": 99, "red": 1}, {"red": 1}, False),
    ],
)
def test_only_a_deployment_without_traffic_is_removed(
    traffic: dict[str, int], mirror: dict[str, int], offered: bool
) -> None:
    seen = snapshot(deployment(), deployment("red"), traffic=traffic)
    seen.there.mirror_traffic.update(mirror)
    assert bool(fixes.remove_deployment(seen.there, seen.there.deployments[1])) == offered


def test_a_removal_tells_what_it_saves_and_what_stays() -> None:
    old = deployment("old", instance_count=3)
    fix = fixes.remove_deployment(snapshot(deployment(), deployment("pink"), old).there, old)
    assert fix is not None
    cost, quota, kept = (next(line for line in fix.preview if line.startswith(n)) for n in ("cost", "quota", "kept"))
    assert "cost: -" in cost
    assert "released" in quota
    assert "blue, pink" in kept and "old" not in kept


@pytest.mark.parametrize(
    ("liveness", "readiness", "seconds"),
    [
        (10, 10, 300), (None, None, 300), (100, 10, 300), (101, 10, 303), (10, 200, 600), (1200, 10, 3600),
        (1201, 10, 3600), (0, 0, 300), (1199, 5, 3597),
    ],
)  # fmt: skip
def test_probes_wait_three_times_as_long_but_not_above_an_hour(
    liveness: int | None, readiness: int | None, seconds: int
) -> None:
    def probe(delay: int | None) -> dict[str, Any]:
        return {} if delay is None else {"initial_delay": delay}

    one = deployment(liveness_probe=probe(liveness), readiness_probe=probe(readiness))
    fix = fixes.raise_probe_delay(one)
    assert fix.arguments == {"deployment": "blue", "seconds": seconds}
    assert f": {10 if liveness is None else liveness} s →" in fix.preview[0]


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (None, 30_000), (0, 30_000), (5000, 30_000), (10_000, 30_000), (10_001, 30_003), (60_000, 180_000),
        (60_001, 180_000), (179_999, 180_000), (180_000, None), (180_001, None),
    ],
)  # fmt: skip
def test_requests_get_three_times_as_long_but_not_above_three_minutes(now: int | None, wanted: int | None) -> None:
    one = deployment(request_settings={} if now is None else {"request_timeout_ms": now})
    fix = fixes.raise_timeout(one)
    assert (fix.arguments["milliseconds"] if fix else None) == wanted
    assert fix is None or (f"{(now or 5000) / 1000:g} s" in fix.what and f"to {(wanted or 0) // 1000} s" in fix.what)


@pytest.mark.parametrize(
    ("before", "state", "offered"),
    [
        ("blue=90,red=10", "Succeeded", True),
        ("red=100", "Succeeded", True),
        ("blue=100", "Succeeded", False),
        ("", "Succeeded", False),
        ("blue=90,red=10", "Failed", False),
        ("gone=100", "Succeeded", False),
    ],
)
def test_a_roll_back_needs_another_split_that_is_ready(before: str, state: str, offered: bool) -> None:
    seen = snapshot(deployment(), deployment("red", state), traffic={"blue": 100, "red": 0},
                    tags={"aml-deploy-traffic-before": before})  # fmt: skip
    assert bool(fixes.rollback(seen.there)) == offered
