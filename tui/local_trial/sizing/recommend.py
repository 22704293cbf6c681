"""Recommends size, instances and settings for a load, from what a load run measured on this machine.

What holds for a size of another processor is an estimate, and every line says so.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from tui.local_trial.load.measured import Measured
from tui.local_trial.sizing import words
from tui.local_trial.sizing.choice import Choice, choice_of
from tui.local_trial.sizing.curve import Way, ways
from tui.local_trial.sizing.fit import Fit, Wanted, excluded, margin, seriousness
from tui.local_trial.sizing.offered import Prices, offered
from tui.local_trial.sizing.words import LISTED, MEASURED, Line
from tui.plan.model import Deployment, Plan
from tui.plan.sizes import Size

__all__ = ["Choice", "Recommendation", "Wanted", "recommend", "recommended"]

CHOICES = 3


@dataclass(frozen=True)
class Recommendation:
    """The cheapest sizes that hold, the cheapest first; `refused` says of each other size why it falls out.

    `wanted` has the values that were used. Without `choices`, `why` says why there are none. `dearer` are sizes that
    hold, too.
    """

    deployment: str
    wanted: Wanted
    choices: tuple[Choice, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    dearer: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    why: str = ""

    @property
    def changes(self) -> dict[str, Any]:
        """What the cheapest choice changes in the plan: keys and values."""
        return self.choices[0].changes if self.choices else {}

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {**asdict(self), "changes": self.changes}


def recommended(
    measured: Mapping[str, Any],
    wanted: Wanted,
    plan: Plan,
    offers: Sequence[Mapping[str, Any]] | None,
    region: str,
    existing: Mapping[str, Any] | None,
) -> Recommendation:
    """The recommendation for a deployment of the plan, from a load run's report of it (`Measured.as_dict`).

    `offers`, `region` and `existing` are what the helper told of the sizes, the workspace and the deployment in Azure,
    as far as it did.
    """
    one, market = Measured.of_dict(measured), offered(offers, region, existing or None)
    current = plan.of(one.deployment).deployment
    return recommend(one, wanted, market.sizes, market.prices, market.quota, refused=market.refused, current=current)


def recommend(
    measured: Measured,
    wanted: Wanted,
    sizes: Sequence[Size],
    prices: Prices,
    quota: Mapping[str, int] | None = None,
    *,
    refused: Mapping[str, str] | None = None,
    current: Deployment | None = None,
    today: date | None = None,
) -> Recommendation:
    """The three cheapest of `sizes` that hold the wanted load, and why others fall out.

    `quota` is the cores left by family (lower case); None if unknown. `current` is the plan's deployment.
    `refused` says of further sizes why they cannot be chosen.
    """
    if measured.refused:
        return Recommendation(measured.deployment, wanted, why=measured.refused)
    found = ways(measured)
    if not found:
        why = f"{measured.deployment} did not keep up with any rate of requests that was tried."
        return Recommendation(measured.deployment, wanted, why=why)
    used, chosen_lines = _settled(measured, wanted, found)
    lines = [*words.about(measured, found, used.p95_ms or 0.0), *chosen_lines, Line(LISTED, f"Prices: {prices.note}.")]
    if quota is None:
        lines.append(Line(LISTED, "The quota left is not known, so no size is excluded by it."))
    held, refused = [], dict(refused or {})
    for size in sizes:
        reason = excluded(size, today or date.today())
        fits = [] if reason else [Fit(measured, way, size, used, quota) for way in found]
        problems = [fit.problem for fit in fits]
        if reason or all(problems):
            refused[size.name] = reason or min(problems, key=seriousness)
            continue
        best = min(
            (fit for fit in fits if not fit.problem), key=lambda fit: (fit.instances, fit.workers, fit.concurrency)
        )
        held.append(best)
    price = prices.amounts.get

    def order(fit: Fit) -> tuple[Any, ...]:
        each = price(fit.size.name)
        # At the same price the smaller size: several instances stay available when one fails.
        total = fit.size.cores * fit.instances if each is None else round(each * fit.instances, 6)
        return (each is None, total, fit.size.cores, fit.size.name)

    held.sort(key=order)
    choices = tuple(choice_of(fit, prices, quota, current or Deployment()) for fit in held[:CHOICES])
    dearer = tuple(fit.size.name for fit in held[CHOICES:])
    why = "" if choices else f"No size holds {words.rate(used.rps or 0)} requests a second with this p95."
    return Recommendation(measured.deployment, used, choices, refused, dearer, tuple(lines), why)


def _settled(measured: Measured, wanted: Wanted, found: Sequence[Way]) -> tuple[Wanted, list[Line]]:
    """The wanted load with values for what was left out, and the lines that say which."""
    lines, limit, rps = [], wanted.p95_ms, wanted.rps
    if limit is None:
        rest = min(way.rest_ms for way in found)
        digit = 10 ** max(0, math.floor(math.log10(max(1.0, 2 * rest))) - 1)
        limit = float(math.ceil(2 * rest / digit) * digit)
        text = f"No p95 was asked for: the limit is {words.ms(limit)}, twice the p95 at rest."
        lines.append(Line(MEASURED, text))
    if rps is None:
        rps = max(way.holds(limit) for way in found) * (1 - margin(measured))
        text = f"No rate was asked for: it is {words.rate(rps)} requests a second, what {words.cores(measured.cores)} "
        lines.append(Line(MEASURED, f"{text}of this machine hold."))
    return Wanted(rps, limit), lines
