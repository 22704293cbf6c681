"""A size with the settings that hold a load, as values of the plan, and the sentences about them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tui.local_trial.sizing import words
from tui.local_trial.sizing.curve import places
from tui.local_trial.sizing.fit import CONCURRENT, INSTANCES, Fit, margin
from tui.local_trial.sizing.offered import Prices
from tui.local_trial.sizing.words import ESTIMATE, LISTED, Line, counted
from tui.local_trial.verdict import SLOW, in_bytes, in_seconds
from tui.plan import sizes as table
from tui.plan.autoscale import Autoscale, ScaleRule, tree
from tui.plan.model import Deployment, ProbeSettings
from tui.plan.sizes import Size

REJECTED = 0.001
"""The share of requests that may get status 429 because too many come at the same time."""
LONGEST_MS = 180_000
CPU = "CpuUtilizationPercentage"
LEAST_CPU = 20
"""Below this percentage, a rule would act on what the system itself uses of the processor."""
WORKERS = "deployment.environment_variables.WORKER_COUNT"
COUNT, MINIMUM, MAXIMUM, RULES = (
    f"deployment.{key}" for key in ("instance_count", "autoscale.minimum", "autoscale.maximum", "autoscale.rules")
)


@dataclass(frozen=True)
class Choice:
    """A size and settings that hold the load.

    `holds` is how many requests a second one instance takes, `p95_ms` what is expected at the wanted load.
    `initial_delay` None leaves the probes, `autoscale` None leaves the number of instances as it is. The prices are for
    all instances an hour and for a million predictions at the wanted load; None if the table has none. `changes` are
    the plan's keys and values, without those that the plan has already.
    """

    size: Size
    instances: int
    worker_count: int
    max_concurrent_requests_per_instance: int
    request_timeout_ms: int
    initial_delay: int | None
    autoscale: Autoscale | None
    holds: float
    p95_ms: float
    memory_bytes: int | None
    hour: float | None
    million: float | None
    currency: str
    changes: dict[str, Any] = field(default_factory=dict)
    lines: tuple[Line, ...] = ()


def choice_of(fit: Fit, prices: Prices, quota: Mapping[str, int] | None, current: Deployment) -> Choice:
    """The settings for instances that hold the load; `current` is the plan's deployment."""
    amount = prices.amounts.get(fit.size.name)
    hour = None if amount is None else round(amount * fit.instances, 4)
    waiting = -(-places(fit.served * fit.instances, fit.each / fit.way.capacity, REJECTED) // (2 * fit.instances))
    concurrent = max(fit.served, fit.concurrency, waiting)
    slow = fit.way.p99(fit.each) * fit.slower
    choice = Choice(
        size=fit.size,
        instances=fit.instances,
        worker_count=fit.workers,
        max_concurrent_requests_per_instance=min(CONCURRENT, concurrent),
        request_timeout_ms=_timeout(max(3 * slow, 2 * fit.limit)),
        initial_delay=_initial_delay(fit.measured.ready_seconds, current),
        autoscale=_autoscale(fit, quota),
        holds=fit.holds,
        p95_ms=fit.way.p95(fit.each) * fit.slower,
        memory_bytes=fit.memory,
        hour=hour,
        million=None if hour is None or not fit.rps else round(hour / (fit.rps * 3600) * 1e6, 4),
        currency=prices.currency,
    )
    return replace(choice, changes=_changes(choice, current), lines=tuple(_lines(fit, choice, slow)))


def _timeout(least: float) -> int:
    step = 100 if least < 1000 else 500 if least < 10_000 else 5000
    return max(1000, min(LONGEST_MS, math.ceil(least / step) * step))


def _initial_delay(ready: float | None, current: Deployment) -> int | None:
    """The seconds before the first probe for a start that takes `ready` here; None if the probes allow for it."""
    probes: tuple[ProbeSettings, ...] = (current.liveness_probe, current.readiness_probe)
    after = min(probe.period * max(1, probe.failure_threshold) for probe in probes)
    least = 0.0 if ready is None else ready / SLOW - after
    return None if all(probe.initial_delay >= least for probe in probes) else math.ceil(least / 10) * 10


def _autoscale(fit: Fit, quota: Mapping[str, int] | None) -> Autoscale | None:
    """Rules on the processor that start an instance at the load that one holds; None where they could not work."""
    most = min(INSTANCES, fit.instances + max(1, fit.instances // 2))
    most = next((count for count in range(most, fit.instances, -1) if fit.affordable(count, quota)), fit.instances)
    least = min(2, fit.instances)
    share = fit.cpu_share
    if share is None or share < LEAST_CPU or most == least:
        return None
    out = min(95, round(share))
    # One instance fewer must stay below `out` also from least + 1 to least, or Azure would not remove one (flapping).
    back = math.floor(0.85 * out * least / (least + 1))
    step = max(1, fit.instances // 4)
    rules = (
        ScaleRule(CPU, ">", out, "avg", 300.0, "out", step),
        ScaleRule(CPU, "<", back, "avg", 300.0, "in", 1),
    )
    return Autoscale(least, most, rules)


def _changes(choice: Choice, current: Deployment) -> dict[str, Any]:
    settings, count = current.request_settings, choice.instances
    pairs: dict[str, tuple[Any, Any]] = {
        "deployment.instance_type": (current.instance_type, choice.size.name),
        COUNT: (current.instance_count, count),
        "deployment.request_settings.max_concurrent_requests_per_instance": (
            settings.max_concurrent_requests_per_instance, choice.max_concurrent_requests_per_instance
        ),
        "deployment.request_settings.request_timeout_ms": (settings.request_timeout_ms, choice.request_timeout_ms),
    }  # fmt: skip
    if current.environment.inference_config is None:  # a server of its own does not know the variable
        workers = current.environment_variables.get("WORKER_COUNT", "1")
        pairs[WORKERS] = (workers, str(choice.worker_count))
    if choice.initial_delay is not None:
        for probe in ("liveness_probe", "readiness_probe"):
            before = getattr(current, probe).initial_delay
            pairs[f"deployment.{probe}.initial_delay"] = (before, choice.initial_delay)
    before = current.autoscale
    if choice.autoscale is not None:
        pairs[MINIMUM] = (before and before.minimum, choice.autoscale.minimum)
        pairs[MAXIMUM] = (before and before.maximum, choice.autoscale.maximum)
        pairs[RULES] = (before and tree(before).get("rules"), tree(choice.autoscale)["rules"])
    elif before is not None:  # the count must stay between the plan's own limits
        pairs[MINIMUM] = (before.minimum, min(before.minimum, count))
        pairs[MAXIMUM] = (before.maximum, max(before.maximum, count))
    return {key: after for key, (was, after) in pairs.items() if was != after}


def _lines(fit: Fit, choice: Choice, slow: float) -> Iterator[Line]:
    """The statements about a choice."""
    size, here, currency, load = fit.size, fit.measured.cores, choice.currency, words.rate(fit.rps)
    ratio = f"by the ratio of cores, {size.cores} to {here:g}" if size.cores != here else "as here on as many cores"
    yield Line(
        ESTIMATE,
        f"{counted(choice.instances, 'instance')} of {size.name}, {words.cores(size.cores)}: each holds "
        f"{words.rate(fit.holds)} requests a second, {ratio}, less {margin(fit.measured) * 100:.0f} % to spare; "
        "its processor may be faster or slower than this one.",
    )
    text = f"p95 {words.ms(choice.p95_ms)}, p99 at most {words.ms(slow)} at {load} requests a second"
    yield Line(ESTIMATE, f"{text}, as measured here with the load of one instance.")
    if choice.memory_bytes is not None:
        gib = "" if size.memory_gib is None else f" of its {size.memory_gib:g} GiB"
        what = f"{in_bytes(choice.memory_bytes)}{gib} for {counted(choice.worker_count, 'worker')}"
        yield Line(ESTIMATE, f"Memory: {what}, from what each worker took here.")
    concurrent = choice.max_concurrent_requests_per_instance
    why = "as many as its workers serve; Azure lets as many again wait"
    if concurrent > fit.served:
        why = f"it serves {fit.served} at a time; the others wait, instead of getting status 429 when many come at once"
    yield Line(ESTIMATE, f"max_concurrent_requests_per_instance {concurrent}: {why}.")
    text = (
        f"request_timeout_ms {choice.request_timeout_ms:,}: three times the p99, at least twice the limit of the p95."
    )
    yield Line(ESTIMATE, text)
    if choice.initial_delay is not None and fit.measured.ready_seconds is not None:
        text = f"initial_delay {choice.initial_delay} of the probes: it was ready after "
        text += f"{in_seconds(fit.measured.ready_seconds)} here, and Azure may take twice as long."
        yield Line(ESTIMATE, text)
    yield Line(ESTIMATE, _about_autoscale(fit, choice))
    if choice.hour is not None and choice.million is not None:
        text = f"{words.money(choice.hour, currency)} an hour, {words.money(choice.million, currency)} "
        text += "for a million predictions"
        yield Line(ESTIMATE, f"{text} at {load} requests a second all the time.")
    else:
        yield Line(LISTED, f"The table of prices has none of {size.name}.")
    if note := table.retirement_note(size):
        yield Line(LISTED, note)


def _about_autoscale(fit: Fit, choice: Choice) -> str:
    found, share = choice.autoscale, fit.cpu_share
    if found is None and share is None:
        return "No autoscale: the processor time of a request is not known, and a rule needs it."
    if found is None and share is not None and share < LEAST_CPU:
        text = f"No autoscale: an instance uses {share:.0f} % of its cores at its load, since run() waits or other"
        text += " programs used them here; a rule on the processor would not notice."
        return f"{text} More workers may help: --set {WORKERS}=N measures them too."
    if found is None:
        return "No autoscale: the quota has no room for another instance."
    low = "two instances, so that one remains when the other fails"
    if found.minimum == 1:
        low = "one instance, since the load needs no more; with two, one would remain when the other fails"
    more, fewer = found.rules
    return (
        f"Autoscale from {found.minimum} to {found.maximum}: the minimum is {low}. {more.scale} above "
        f"{more.threshold:g} % of the processor, where the p95 still holds; {fewer.scale} below {fewer.threshold:g} %, "
        "low enough not to flap."
    )
