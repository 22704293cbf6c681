"""The command `aml-deploy keys`: shows fingerprints of an endpoint's keys and replaces keys. Never prints a key."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Awaitable
from functools import partial
from pathlib import Path
from typing import Any, Callable

from tui.common.typed_path import typed_path
from tui.plain.arguments.endpoint import target
from tui.plain.ask_helper import Asker, conversation
from tui.plain.commands.endpoint_operations.rollback_of_run import warn_of_runs
from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED
from tui.plain.terminal import can_ask, confirmed, out, out_json, say
from tui.plan.wait_limit import wait_limit

KEYS = ("primary", "secondary")
KEY_SECONDS = 600
Ask = Callable[..., Awaitable[Any]]


def run(arguments: Namespace) -> int:
    """Show, replace or write to a file an endpoint's keys. Raises Failure, PlanInvalid."""
    chosen = [name for name in ("rotate", "regenerate", "put") if getattr(arguments, name)]
    if len(chosen) > 1:
        raise Failure("Choose one of --rotate, --regenerate and --put.", 2)
    if arguments.put:
        if arguments.put[0] not in KEYS:
            raise Failure(f"--put {arguments.put[0]}: the key must be primary or secondary.", 2)
        _writable(typed_path(arguments.put[1]))
    if arguments.rotate and not can_ask():
        raise Failure(
            "--rotate asks between its steps whether callers have switched, so it needs a terminal. Without one: move "
            "callers to the secondary key, --regenerate primary --yes, move them back, --regenerate secondary --yes.",
            2,
        )
    if arguments.regenerate and not arguments.yes and not can_ask():
        raise Failure("There is no terminal to ask for confirmation: add --yes if no caller uses that key.", 2)
    document, environ = target(arguments)
    if arguments.rotate or arguments.regenerate:
        warn_of_runs(document, environ, "its keys are replaced")

    async def talk(asker: Asker) -> Any:
        ask = partial(asker.ask, document, timeout=wait_limit(document, "endpoint", KEY_SECONDS))
        known = await ask("keys")
        if arguments.put:
            return await ask("put_key", which=arguments.put[0], path=arguments.put[1])
        if arguments.regenerate:
            question = f"Replace the {arguments.regenerate} key? Callers that use it are refused from then on."
            if not arguments.yes and not confirmed(question):
                raise Failure("No key was replaced.", INTERRUPTED)
            return await ask("regenerate_key", which=arguments.regenerate)
        return await _rotate(known, ask) if arguments.rotate else known

    result = conversation(environ, talk)
    if arguments.json:
        out_json(result)
    elif "path" in result:
        say(f"The {result['which']} key ({result['fingerprint']}) is in {result['path']}, which only you can read.")
    else:
        for which in KEYS:
            before = (result.get("before") or {}).get(which)
            new = f", was {before}" if before and before != result["keys"][which] else ""
            out(f"{which:<9} {result['keys'][which]}{new}")
    return 0


def _writable(path: Path) -> None:
    """Check early whether a key can be written to a file. Raises Failure."""
    if path.exists():
        raise Failure(f"{path} already exists, and a key does not replace a file. Name a new one.", 2)
    if not path.parent.is_dir():
        raise Failure(f"The key cannot be written: there is no folder {path.parent}.", 2)


async def _rotate(known: dict[str, Any], ask: Ask) -> dict[str, Any]:
    """Replace both keys without refusing a caller in between. Raises Failure if the user says no."""
    first = dict(known["keys"])
    say(f"Fingerprints now: primary {first['primary']}, secondary {first['secondary']}.")
    done = known
    for number, (leave, use) in enumerate((KEYS, KEYS[::-1]), 1):
        say(f"Step {number} of 2: switch all callers to the {use} key. (aml-deploy keys … --put {use} FILE)")
        if not confirmed(f"Do all callers now use the {use} key ({done['keys'][use]})?"):
            what = "No key was replaced." if number == 1 else "The primary key is new, the secondary is the old one."
            raise Failure(what, INTERRUPTED)
        done = await ask("regenerate_key", which=leave)
        say(f"The {leave} key is new: {done['keys'][leave]}.")
    return {**done, "before": first}
