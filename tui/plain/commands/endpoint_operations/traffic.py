"""The commands `aml-deploy traffic` and `aml-deploy rollback`: change an endpoint's traffic split, and undo it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from tui.plain.arguments.endpoint import target
from tui.plain.ask_helper import ask
from tui.plain.commands.endpoint_operations import history, rollback_of_run
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say
from tui.plan import traffic
from tui.plan.wait_limit import wait_limit

SHIFT_SECONDS = 900
"""A change of traffic takes Azure seconds, or minutes at worst."""


def run(arguments: Namespace) -> int:
    """Set the split in the arguments. Raises Failure, PlanInvalid."""
    shares = parse(arguments.shares)
    return _shift(arguments, "traffic", shares=shares)


def rollback(arguments: Namespace) -> int:
    """Restore the previous split; a rollout in progress rolls back itself. With `--to`, deploy a run's version again.

    Raises Failure, PlanInvalid.
    """
    if arguments.to:
        return history.rollback_to(arguments)
    for name in ("as_name", "yes", "detach"):
        if getattr(arguments, name):
            raise Failure(f"--{name.partition('_')[0]} is for an earlier version: add --to RUN.", 2)
    document, environ = target(arguments)
    run = rollback_of_run.rolling_out(document, environ)
    if run is None:
        return _shift(arguments, "rollback")
    say(f"Run {run.id} is shifting traffic; asking it to roll back.")
    result = rollback_of_run.roll_back_run(run)
    _print(arguments, result)
    if not arguments.json:
        say(f"The run has ended. Details: aml-deploy attach {run.id}")
    return 0


def parse(given: Sequence[str]) -> dict[str, int]:
    """Parse texts such as blue=90 into per cent by deployment. Raises Failure for an invalid split."""
    try:
        shares = traffic.parse(given)
    except ValueError as error:
        raise Failure(str(error), 2) from None
    total = sum(shares.values())
    if total != 100:
        raise Failure(f"The shares add up to {total}, not to 100. Deployments that are not named get no traffic.", 2)
    return shares


def words(shares: Mapping[str, int]) -> str:
    """A split as text, the largest share first."""
    return traffic.in_words(traffic.largest_first(shares))


def _shift(arguments: Namespace, question: str, **with_: Any) -> int:
    document, environ = target(arguments)
    rollback_of_run.warn_of_runs(document, environ, "its traffic is changed")
    result = ask(document, environ, question, timeout=wait_limit(document, "traffic", SHIFT_SECONDS), **with_)
    _print(arguments, result)
    if arguments.json:
        return 0
    if result["before"] == result["after"]:
        say(f"The traffic of {result['endpoint']} already has this split; nothing was changed.")
    elif result["before"]:
        say(f"Undo with: aml-deploy rollback {arguments.endpoint}")
    return 0


def _print(arguments: Namespace, result: Mapping[str, Any]) -> None:
    shown = f"before  {words(result['before'])}\nnow     {words(result['after'])}"
    out_json(result) if arguments.json else out(shown)
