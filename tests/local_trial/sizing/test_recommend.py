"""Recommendations for many load runs: what must be true whatever was measured."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tui.local_trial.load.measured import Measured, Memory, Point
from tui.local_trial.sizing.offered import Prices, offered, prices
from tui.local_trial.sizing.recommend import Choice, Recommendation, Wanted, recommend
from tui.local_trial.verdict import GIB, TIGHT
from tui.plan import sizes
from tui.plan.autoscale import Autoscale, tree
from tui.plan.load_save.load import load
from tui.plan.load_save.resolve import resolve
from tui.plan.model import Deployment, ProbeSettings
from tui.plan.presets import find

MIB = 1024**2
TODAY = date(2026, 11, 30)
OFFERED = offered(None, "eastus")


def point(workers: int, rate: float, p95: float = 20.0, **more: Any) -> Point:
    """A point at which the server kept up, unless `more` says otherwise."""
    usual = Point(workers, workers, rate, 10.0, max(1, int(rate * 10)), 0, rate, p95 / 2, p95, p95 * 1.5, 8.0, 0.1)
    return replace(usual, **more)


def measured(*points: Point, cores: float = 1.0, **more: Any) -> Measured:
    memory = Memory(200 * MIB, 100 * MIB, 350 * MIB)
    usual = Measured("blue", "A processor", cores, "affinity", 4.0, (50, 2.0), (900, 900), "sample", points, memory,
                     0.04, True, "")  # fmt: skip
    return replace(usual, **more)


ONE = measured(*(point(1, rate, p95) for rate, p95 in ((20.0, 20.0), (40.0, 30.0), (60.0, 60.0), (80.0, 200.0))))
"""One worker on one core: p95 at rest 20 ms, 45 ms at 50 requests a second."""


def asked(
    what: Measured, rps: float | None = None, p95: float | None = None, quota: dict[str, int] | None = None, **more: Any
) -> Recommendation:
    return recommend(what, Wanted(rps, p95), OFFERED.sizes, OFFERED.prices, quota, today=TODAY, **more)


@some.composite
def runs(draw: some.DrawFn) -> Measured:
    """Load runs of one or two numbers of workers; latencies need not rise, and some rates may be too high."""
    service = draw(some.floats(0.5, 2000))
    waits = draw(some.floats(0.05, 1.0))
    points = []
    for workers in draw(some.sampled_from([(1,), (2,), (1, 2), (1, 4)])):
        capacity = 1000 * workers / service
        for share in draw(some.lists(some.floats(0.05, 1.2), min_size=1, max_size=5, unique=True)):
            p95 = service * (1 + min(share, 0.98) / (1 - min(share, 0.98))) * draw(some.floats(0.8, 1.3))
            answered = min(share * capacity, capacity * draw(some.floats(0.85, 1)))
            points.append(
                point(workers, share * capacity, p95, answered=answered, cpu_ms=service * waits,
                      failed=0 if draw(some.booleans()) else draw(some.integers(0, 5)))
            )  # fmt: skip
    memory = Memory(*(draw(some.none() | some.integers(MIB, 8 * GIB)) for _ in range(3)))
    return measured(*points, cores=draw(some.sampled_from([0.25, 0.5, 1.0, 2.0, 3.0])), memory=memory,
                    spread=draw(some.none() | some.floats(0, 1)), blocked=draw(some.sampled_from([True, False, None])),
                    ready_seconds=draw(some.none() | some.floats(0.1, 2000)))  # fmt: skip


rates = some.floats(0.01, 5000)
limits = some.floats(1, 20_000)


def instances(found: Recommendation) -> dict[str, int]:
    return {choice.size.name: choice.instances for choice in found.choices}


def of_one_size(what: Measured, name: str, rps: float, p95: float) -> Choice | None:
    size = sizes.find(name)
    assert size is not None
    found = recommend(what, Wanted(rps, p95), [size], OFFERED.prices, today=TODAY)
    return found.choices[0] if found.choices else None


@settings(max_examples=150, deadline=None, derandomize=True)
@given(
    runs(),
    rates,
    some.floats(1, 10),
    limits,
    some.floats(0.2, 1),
    some.sampled_from(["Standard_D2as_v4", "Standard_F8s_v2"]),
)
def test_more_load_or_a_tighter_limit_never_needs_fewer_instances(
    what: Measured, rps: float, more: float, p95: float, tighter: float, size: str
) -> None:
    few = of_one_size(what, size, rps, p95)
    for harder in (of_one_size(what, size, rps * more, p95), of_one_size(what, size, rps, p95 * tighter)):
        assert harder is None or (few is not None and harder.instances >= few.instances)


@settings(max_examples=150, deadline=None, derandomize=True)
@given(runs(), rates, limits)
def test_a_choice_holds_by_its_own_model_and_no_cheaper_one_does(what: Measured, rps: float, p95: float) -> None:
    found = asked(what, rps, p95)
    for choice in found.choices:
        assert choice.p95_ms <= p95 * 1.0001
        assert choice.holds * choice.instances >= rps * 0.9999
        assert choice.instances == 1 or choice.holds * (choice.instances - 1) < rps
        assert choice.memory_bytes is None or choice.memory_bytes <= TIGHT * (choice.size.memory_gib or 1e9) * GIB
        assert choice.max_concurrent_requests_per_instance >= choice.worker_count or what.blocked is False
        assert 1000 <= choice.request_timeout_ms <= 180_000
        if choice.hour is not None and choice.million is not None:
            assert choice.million == pytest.approx(choice.hour / rps / 0.0036, rel=1e-3, abs=1e-4)
    hours = [choice.hour for choice in found.choices if choice.hour is not None]
    assert hours == sorted(hours)
    assert [choice.hour is None for choice in found.choices] == sorted(choice.hour is None for choice in found.choices)
    if hours:
        alone = [of_one_size(what, name, rps, p95) for name in OFFERED.prices.amounts]
        assert min(one.hour for one in alone if one is not None and one.hour is not None) == hours[0]


@settings(max_examples=100, deadline=None, derandomize=True)
@given(runs(), some.none() | rates, some.none() | limits)
def test_each_size_is_chosen_or_dearer_or_falls_out_with_a_reason(
    what: Measured, rps: float | None, p95: float | None
) -> None:
    found = asked(what, rps, p95)
    named = [*(choice.size.name for choice in found.choices), *found.dearer, *found.refused]
    if found.lines:
        assert sorted(named) == sorted(size.name for size in OFFERED.sizes)
    assert all(reason.endswith(".") for reason in found.refused.values())
    assert bool(found.why) == (not found.choices)
    lines = [*found.lines, *(line for choice in found.choices for line in choice.lines)]
    assert {line.basis for line in lines} <= {"measured", "estimate", "listed"}
    assert all(line.basis != "measured" for choice in found.choices for line in choice.lines)
    json.dumps(found.as_dict())


@settings(max_examples=100, deadline=None, derandomize=True)
@given(runs(), rates, limits, some.integers(0, 400))
def test_autoscale_stays_within_the_quota_and_does_not_flap(what: Measured, rps: float, p95: float, left: int) -> None:
    quota = {size.family.lower(): left for size in OFFERED.sizes}
    for choice in asked(what, rps, p95, quota).choices:
        assert sizes.quota_needed(choice.size, choice.instances) <= left
        found = choice.autoscale
        if found is None:
            continue
        assert 1 <= found.minimum <= choice.instances <= found.maximum <= 50 and found.minimum < found.maximum
        assert sizes.quota_needed(choice.size, found.maximum) <= left
        more, fewer = found.rules
        assert (more.direction, fewer.direction) == ("out", "in")
        # Azure removes no instance if the rest would then be above the threshold that adds one.
        assert all(
            fewer.threshold * (count + 1) / count < more.threshold for count in range(found.minimum, found.maximum)
        )


@pytest.mark.parametrize(
    ("rps", "count"),
    [(1.0, 1), (44.0, 1), (46.0, 2), (89.0, 2), (91.0, 3), (450.0, 10)],  # 45 each: a tenth below the measured 50
)
def test_instances_for_a_rate_on_as_many_cores_as_measured(rps: float, count: int) -> None:
    choice = of_one_size(ONE, "Standard_DS1_v2", rps, 45.0)
    assert choice is not None and choice.instances == count and choice.holds == pytest.approx(45.0)


def test_another_number_of_cores_is_an_estimate_by_their_ratio() -> None:
    four = of_one_size(ONE, "Standard_DS3_v2", 100.0, 45.0)
    assert four is not None and (four.instances, four.worker_count) == (1, 4)
    assert four.holds == pytest.approx(180.0)
    assert "by the ratio of cores, 4 to 1" in four.lines[0].text and four.lines[0].basis == "estimate"


@pytest.mark.parametrize(("cores", "holds", "workers"), [(3.0, 45.0, 1), (2.0, 90.0, 2), (0.75, 225.0, 5)])
def test_part_of_a_worker_answers_nothing(cores: float, holds: float, workers: int) -> None:
    """A third more cores than one worker had do not make a second one, nor the one faster."""
    choice = of_one_size(replace(ONE, cores=cores), "Standard_DS3_v2", 10.0, 45.0)
    assert choice is not None and (choice.worker_count, choice.holds) == (workers, pytest.approx(holds))


def test_a_size_with_fewer_cores_than_a_request_uses_is_slower() -> None:
    parallel = measured(point(1, 10.0, 40.0, p50_ms=30.0, cpu_ms=60.0), cores=2.0)  # a request keeps two cores busy
    assert of_one_size(parallel, "Standard_DS1_v2", 1.0, 79.0) is None
    choice = of_one_size(parallel, "Standard_DS1_v2", 1.0, 81.0)
    assert choice is not None and choice.p95_ms == pytest.approx(80.0)


def test_a_rate_above_the_highest_measured_is_never_taken_to_hold() -> None:
    easy = measured(point(1, 10.0, 5.0), point(1, 20.0, 5.0))
    choice = of_one_size(easy, "Standard_DS1_v2", 1.0, 5000.0)
    assert choice is not None and choice.holds == pytest.approx(18.0)
    behind = measured(point(1, 10.0, 5.0), point(1, 20.0, 5.0, answered=15.0), point(1, 30.0, 5.0))
    choice = of_one_size(behind, "Standard_DS1_v2", 1.0, 5000.0)
    assert choice is not None and choice.holds == pytest.approx(9.0)


@pytest.mark.parametrize(
    ("what", "quota", "size", "reason"),
    [
        (replace(ONE, memory=Memory(3 * GIB, GIB, 3 * GIB)), None, "Standard_DS1_v2", "1 worker would need 3.0 GiB"),
        (ONE, {"standarddsv2family": 3}, "Standard_DS1_v2", "5 instances of it need 6 cores of quota"),
        (ONE, None, "Standard_NC4as_T4_v3", "GPU"),
        (ONE, None, "Standard_NC6s_v3", "GPU"),
    ],
)
def test_why_a_size_falls_out(what: Measured, quota: dict[str, int] | None, size: str, reason: str) -> None:
    assert reason in asked(what, 200.0, 45.0, quota).refused[size]


def test_a_size_that_retires_within_a_year_falls_out() -> None:
    day = date(2027, 6, 1)
    found = recommend(ONE, Wanted(10.0, 45.0), OFFERED.sizes, OFFERED.prices, today=day)
    assert "retires the Dsv2 series on 2028-05-01" in found.refused["Standard_DS1_v2"]


def test_a_limit_below_the_p95_at_rest_excludes_all() -> None:
    found = asked(ONE, 1.0, 15.0)
    assert not found.choices and "No size holds" in found.why
    assert "p95 is 20 ms already at the lowest rate; the limit is 15 ms" in found.refused["Standard_D2as_v4"]


def test_refused_figures_and_a_server_that_never_kept_up_give_no_choice() -> None:
    found = asked(replace(ONE, refused="Server and generator share one processor."), 1.0, 45.0)
    assert (found.choices, found.changes, found.why) == ((), {}, "Server and generator share one processor.")
    found = asked(measured(point(1, 10.0, failed=50)), 1.0, 45.0)
    assert not found.choices and "did not keep up" in found.why


def test_what_was_not_asked_for_is_said() -> None:
    found = asked(ONE)
    assert found.wanted == Wanted(pytest.approx(0.9 * 46 + 0.9 * 2 / 3, abs=3), 40.0)
    told = " ".join(line.text for line in found.lines)
    assert "the limit is 40 ms, twice the p95 at rest" in told and "what 1 core of this machine hold" in told


def test_the_cores_that_the_deployment_has_count_as_left() -> None:
    offers = [
        {
            "name": size.name,
            "quota_left": 4 if "DASv4" in size.family else 0,
            "offered": size.cores < 64,
            "reason": "No.",
        }
        for size in sizes.sizes()
    ]
    alone = offered(offers, "westeurope")
    assert alone.quota is not None and alone.quota["standarddasv4family"] == 4 and alone.refused
    there = {"instance_type": "Standard_D4as_v4", "instance_count": 2, "provisioning_state": "Succeeded"}
    both = offered(offers, "westeurope", there)
    assert both.quota is not None and both.quota["standarddasv4family"] == 4 + 12
    assert "instead of westeurope" in both.prices.note and "2026" in both.prices.note
    assert "instead" not in prices("eastus2").note


def test_waiting_requests_have_room() -> None:
    """With one worker, Azure admits two requests an instance: many would get 429 though the processor is half idle."""
    choice = of_one_size(ONE, "Standard_DS1_v2", 40.0, 45.0)
    assert choice is not None and choice.max_concurrent_requests_per_instance > 2 > choice.worker_count
    assert any("status 429" in line.text for line in choice.lines)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(runs(), rates, limits)
def test_the_changes_make_a_valid_plan(what: Measured, rps: float, p95: float) -> None:
    preset = find("churn-xgboost")
    assert preset is not None
    rules = tree(Autoscale(1, 2))
    plan = load(str(preset.path), [], [f"deployment.autoscale={json.dumps(rules)}"])
    environ = {"AZURE_SUBSCRIPTION_ID": "0" * 8 + "-0000-0000-0000-" + "0" * 12, "AZURE_RESOURCE_GROUP": "rg",
               "AZURE_ML_WORKSPACE": "ws"}  # fmt: skip
    current = resolve(plan, environ, lenient=True).deployment
    for choice in asked(what, rps, p95, current=current).choices:
        changed = plan.copy()
        for key, value in choice.changes.items():
            changed.set(key, value, "a recommendation")
        made = resolve(changed, environ, lenient=True).deployment
        assert (made.instance_type, made.instance_count) == (choice.size.name, choice.instances)
        assert made.environment_variables.get("WORKER_COUNT", "1") == str(choice.worker_count)
        assert made.autoscale is not None and made.autoscale.minimum <= made.instance_count <= made.autoscale.maximum
        assert choice.autoscale is None or made.autoscale == choice.autoscale
        again = asked(what, rps, p95, current=made).choices
        assert next(one for one in again if one.size == choice.size).changes == {}


def test_the_probes_wait_for_a_slow_start() -> None:
    slow = replace(ONE, ready_seconds=400.0)
    choice = asked(slow, 10.0, 45.0).choices[0]
    assert choice.initial_delay == 500  # with 30 probes every 10 seconds, twice the measured time
    assert choice.changes["deployment.liveness_probe.initial_delay"] == 500
    probe = ProbeSettings(initial_delay=600)
    patient = Deployment(liveness_probe=probe, readiness_probe=probe)
    assert asked(slow, 10.0, 45.0, current=patient).choices[0].initial_delay is None


@pytest.mark.parametrize(
    ("p99", "limit", "timeout"), [(30, 45, 1000), (30, 900, 2000), (4e3, 45, 15_000), (1e5, 45, 180_000)]
)
def test_the_request_timeout_leaves_room(p99: float, limit: float, timeout: int) -> None:
    what = measured(*(replace(one, p99_ms=p99) for one in ONE.points))
    assert asked(what, 10.0, limit).choices[0].request_timeout_ms == timeout


def test_a_script_that_waits_gets_no_rule_on_the_processor() -> None:
    waits = measured(*(replace(one, cpu_ms=0.5) for one in ONE.points))
    choice = asked(waits, 100.0, 45.0).choices[0]
    assert choice.autoscale is None and not any("autoscale" in key for key in choice.changes)
    assert any("run() waits" in line.text for line in choice.lines)


@pytest.mark.parametrize(("cpu", "told"), [(2.0, True), (9.0, False), (None, False)])
def test_a_request_that_waits_or_is_kept_waiting_is_told(cpu: float | None, told: bool) -> None:
    what = measured(*(replace(one, p50_ms=10.0, cpu_ms=cpu) for one in ONE.points))
    assert any("measure again on a quiet machine" in line.text for line in asked(what, 10.0, 45.0).lines) is told


def test_at_the_same_price_several_small_instances_come_first() -> None:
    same = Prices({"Standard_D4as_v4": 0.2, "Standard_D2as_v4": 0.1}, "USD", "none")
    some_sizes = [size for size in OFFERED.sizes if size.name in same.amounts]
    found = recommend(ONE, Wanted(170.0, 45.0), some_sizes, same, today=TODAY)
    assert [(choice.instances, choice.hour) for choice in found.choices] == [(2, 0.2), (1, 0.2)]
    assert found.choices[0].size.name == "Standard_D2as_v4"


def test_without_prices_the_fewest_cores_come_first() -> None:
    found = recommend(ONE, Wanted(100.0, 45.0), OFFERED.sizes, Prices({}, "USD", "none"), today=TODAY)
    cores = [choice.size.cores * choice.instances for choice in found.choices]
    assert cores == sorted(cores) and found.choices[0].hour is None
    assert any("has none of" in line.text for line in found.choices[0].lines)


def test_the_table_of_prices_is_used(tmp_path: Path) -> None:
    found = asked(ONE, 40.0, 45.0)
    assert found.choices[0].hour == sizes.price_per_hour(found.choices[0].size.name, "eastus")
