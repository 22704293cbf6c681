"""The commands `aml-deploy traffic` and `aml-deploy rollback`: show, change and restore a traffic split."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

from tui.plain.arguments.endpoint import target
from tui.plain.ask_helper import Asker, ask, conversation
from tui.plain.commands.endpoint_operations import history, rollback_of_run
from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED
from tui.plain.terminal import can_ask, confirmed, out, out_json, say
from tui.plan import traffic
from tui.plan.load_save.document import Document
from tui.plan.wait_limit import wait_limit

SHIFT_SECONDS = 900
"""A change of traffic takes Azure seconds, or minutes at worst."""


def run(arguments: Namespace) -> int:
    """Set the split in the arguments, or print the present one without any. Raises Failure, PlanInvalid."""
    if not arguments.shares:
        return _print_split(arguments)
    shares = parse(arguments.shares)
    return _shift(arguments, *target(arguments), "traffic", shares=shares)


def _print_split(arguments: Namespace) -> int:
    """Print a line for each deployment, also for those without traffic. Raises Failure, PlanInvalid."""
    document, environ = target(arguments)
    found = ask(document, environ, "endpoint")
    name = document.value("endpoint.name")
    if not found["exists"]:
        raise Failure(f"The endpoint {name} does not exist in this workspace.")
    shares, mirrored, before = found["traffic"], found["mirror_traffic"], traffic.from_tag(found["tags"])
    if arguments.json:
        split = {key: traffic.serving(found[key]) for key in ("traffic", "mirror_traffic")}
        out_json({"endpoint": name, **split, "before": before})
        return 0
    names = {one["name"]: 0 for one in found["deployments"]}
    for one, share in traffic.largest_first({**names, **shares}).items():
        copies = f", and mirrored traffic: {mirrored[one]} %" if mirrored.get(one) else ""
        out(f"{one}: {share} %{copies}")
    if not names:
        say(f"{name} has no deployment.")
    if before and before != traffic.serving(shares):  # after a rollout that was rolled back, they are the same
        say(f"Previous split: {words(before)}. Restore it with: aml-deploy rollback {arguments.endpoint}")
    return 0


def rollback(arguments: Namespace) -> int:
    """Restore the previous split; a rollout in progress rolls back itself. With `--to`, deploy a run's version again.

    Raises Failure, PlanInvalid.
    """
    if arguments.to:
        return history.rollback_to(arguments)
    for name in ("as_name", "detach"):
        if getattr(arguments, name):
            raise Failure(f"--{name.partition('_')[0]} is for an earlier version: add --to RUN.", 2)
    document, environ = target(arguments)
    run = rollback_of_run.rolling_out(document, environ)
    if run is None:
        return _shift(arguments, document, environ, "rollback")
    say(f"Run {run.id} is shifting traffic; rolling back ends it.")
    _agree(arguments, *rollback_of_run.back(run))
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


def _shift(arguments: Namespace, document: Document, environ: Mapping[str, str], question: str, **with_: Any) -> int:
    rollback_of_run.warn_of_runs(document, environ, "its traffic is changed")

    async def talk(asker: Asker) -> Any:
        if can_ask() and not arguments.yes:
            found = await asker.ask(document, "endpoint")
            after = with_.get("shares") or traffic.from_tag(found.get("tags") or {})
            known = {one["name"] for one in found["deployments"]}
            if after and after != traffic.serving(found["traffic"]) and known.issuperset(traffic.serving(after)):
                _agree(arguments, found["traffic"], after)  # what else there is, the change refuses or reports
        limit = wait_limit(document, "traffic", SHIFT_SECONDS)
        return await asker.ask(document, question, timeout=limit, **with_)

    result = conversation(environ, talk)
    _print(arguments, result)
    if arguments.json:
        return 0
    if result["before"] == result["after"]:
        say(f"The traffic of {result['endpoint']} already has this split; nothing was changed.")
    elif result["before"]:
        say(f"Undo with: aml-deploy rollback {arguments.endpoint}")
    return 0


def _agree(arguments: Namespace, before: Mapping[str, int], after: Mapping[str, int]) -> None:
    """Ask on a terminal, unless --yes is given, before callers get other answers. Raises Failure."""
    if not can_ask() or arguments.yes:
        return
    if not confirmed(f"Callers' traffic: {words(before)} → {words(after)}. Change it?"):
        raise Failure("The traffic was not changed.", INTERRUPTED)


def _print(arguments: Namespace, result: Mapping[str, Any]) -> None:
    shown = f"before  {words(result['before'])}\nnow     {words(result['after'])}"
    out_json(result) if arguments.json else out(shown)
