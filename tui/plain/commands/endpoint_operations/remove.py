"""The command `aml-deploy remove`: removes what a plan created, and nothing else."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from tui.plain.arguments.plan_and_environment import located
from tui.plain.ask_helper import Asker, conversation
from tui.plain.commands.endpoint_operations.rollback_of_run import why_not_removed
from tui.plain.failure import Failure
from tui.plain.guard import INTERRUPTED
from tui.plain.terminal import can_ask, confirmed, out, out_json, say
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load
from tui.plan.wait_limit import wait_limit

READ_SECONDS = 120
REMOVE_SECONDS = 1800
"""Azure takes up to half an hour to delete an endpoint with deployments (x-ms-async-operation-timeout: PT30M)."""


def run(arguments: Namespace) -> int:
    """List what will be removed, ask, and remove it; with --dry-run, only list it. Raises Failure, PlanInvalid."""
    document, environ = located(load(arguments.plan, arguments.overlays, arguments.sets), rehearse=arguments.rehearse)
    refused = why_not_removed(document, environ)
    if refused and not arguments.dry_run:
        raise Failure(refused, 3)

    async def talk(asker: Asker) -> Any:
        chosen = {"deployment": arguments.deployment, "failed": arguments.failed}
        limit = wait_limit(document, "endpoint", REMOVE_SECONDS)
        found = await asker.ask(document, "inventory", timeout=min(limit, READ_SECONDS), **chosen)
        dry = arguments.dry_run
        for line in what_goes(document, found):
            out(line) if dry and not arguments.json else say(line)
        if dry:
            sides = {"would_remove": True, "would_keep": False}
            return {
                side: [item for item in found["items"] if bool(item["goes"]) is goes] for side, goes in sides.items()
            }
        if not any(item["goes"] for item in found["items"]):
            return {"removed": [], "left": [f"{item['kind']} {item['name']}" for item in found["items"]]}
        if not arguments.yes and not can_ask():
            raise Failure(
                "Nothing was removed: there is no terminal to ask for confirmation. Add --yes to remove it.", 2
            )
        if not arguments.yes and not confirmed("Remove?"):
            raise Failure("Nothing was removed.", INTERRUPTED)
        say("Removing; this takes a few minutes.")
        return await asker.ask(document, "remove", timeout=limit, **chosen)

    result = conversation(environ, talk)
    if arguments.json:
        out_json(result)
    elif arguments.dry_run:
        say(refused or "Nothing was removed, since --dry-run was given.")
    else:
        for word in ("removed", "left"):
            for item in result.get(word) or []:
                out(f"{word:<8} {item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)}")
        if not result.get("removed"):
            say(_nothing(document, arguments.deployment, bool(result.get("left"))))
    return 0


def _nothing(document: Document, deployment: str | None, anything: bool) -> str:
    """Why nothing was removed."""
    if deployment and anything:
        return f"{document.get('endpoint.name')} has no deployment {deployment}; nothing was removed."
    return "Nothing that this plan created is left to remove." if anything else "There was nothing to remove."


def what_goes(document: Document, found: dict[str, Any]) -> list[str]:
    """The existing resources as lines: which will be removed and why, and their current cost."""
    endpoint = document.get("endpoint.name")
    items = found["items"]
    if not items:
        return [f"There is no endpoint {endpoint} in the workspace."]
    lines = []
    for goes, title in ((True, "Will be removed:"), (False, "Will be kept:")):
        chosen = [item for item in items if bool(item["goes"]) is goes]
        lines += [title, *(f"  {_item(item, found['currency'])}" for item in chosen)] if chosen else []
    if any(item["price_per_hour"] is not None for item in items):
        lines.append(found["price_note"])
    if any(item["kind"] == "endpoint" and item["goes"] for item in items):
        lines.append("Its scoring URI stops answering.")
    wasted = [item["name"] for item in items if item["failed"] and not item["goes"]]
    if wasted:
        lines.append(f"Failed and still existing: {', '.join(wasted)}. Add --failed to remove them too.")
    return lines


def _item(item: dict[str, Any], currency: str) -> str:
    parts = [f"{item['kind']} {item['name']}", str(item["state"])]
    if item["kind"] == "deployment":
        price = item["price_per_hour"]
        cost = "price not known" if price is None else f"{price:.2f} {currency} an hour"
        parts += [f"{item['instances']} x {item['instance_type']}", cost, f"{item['traffic']} % of traffic"]
    parts.append(item["why"])
    if item["made_by"]:
        parts.append(f"created by {item['made_by']}")
    return ", ".join(parts)
