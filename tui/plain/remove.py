"""`aml-deploy remove`: takes away what a plan made, and nothing else."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED
from tui.plain.questions import Asker, conversation
from tui.plain.ready import located
from tui.plain.terminal import confirmed, is_terminal, say
from tui.plan.document import Document
from tui.plan.load import load

REMOVE_SECONDS = 1800
"""Azure takes up to half an hour to delete an endpoint with deployments (x-ms-async-operation-timeout: PT30M)."""


def run(arguments: Namespace) -> int:
    """Say what will go, ask, and remove it. Raises Failure, PlanInvalid."""
    if not arguments.yes and not (is_terminal(0) and is_terminal(2)):
        raise Failure("Without a terminal nothing can be asked: add --yes to remove.", 2)
    document, environ = located(load(arguments.plan, arguments.overlays, arguments.sets), rehearse=arguments.rehearse)

    async def talk(asker: Asker) -> Any:
        state = await asker.ask(document, "endpoint")
        say(what_goes(document, state, arguments.deployment))
        if not state.get("exists"):
            return {"removed": [], "left": []}
        if not arguments.yes and not confirmed("Remove it?"):
            raise Failure("Nothing was removed.", INTERRUPTED)
        say("Removing; Azure takes some minutes.")
        return await asker.ask(document, "remove", timeout=REMOVE_SECONDS, deployment=arguments.deployment)

    result = conversation(environ, talk)
    if arguments.json:
        print(json.dumps(result, ensure_ascii=False))
    else:
        for word in ("removed", "left"):
            for item in result.get(word) or []:
                print(f"{word:<8} {item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)}")
        if not result.get("removed"):
            say("Nothing was there to remove.")
    return 0


def what_goes(document: Document, state: dict[str, Any], deployment: str | None) -> str:
    """What is there and will be removed, in a sentence."""
    endpoint = document.get("endpoint.name")
    if not state.get("exists"):
        return f"There is no endpoint {endpoint} in the workspace."
    if deployment:
        return f"The deployment {deployment} of the endpoint {endpoint} will be removed; the endpoint stays."
    names = [str(item.get("name")) for item in state.get("deployments") or []]
    behind = f" with its deployments {', '.join(names)}" if len(names) > 1 else ""
    behind = f" with its deployment {names[0]}" if len(names) == 1 else behind
    return f"The endpoint {endpoint}{behind} will be removed, and its scoring URI stops answering."
