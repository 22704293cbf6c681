"""The command `aml-deploy logs`: the log of a deployment's container, once or followed."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from tui.engine.container_log import LogFollower
from tui.helper.client import HelperError
from tui.plain.arguments.endpoint import target
from tui.plain.ask_helper import Asker, conversation, sentences
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say
from tui.plan.load_save.document import Document
from tui.plan.traffic import in_words, largest_first

FOLLOWED_LINES = 1000
"""Lines of each read while following, so that few are lost between two reads."""
SERVICE = "service"
"""What LogFollower calls the source of Azure's own lines."""
GAP = "… some lines may be missing here: a container was restarted, another instance answered, or there were too many"


def run(arguments: Namespace) -> int:
    """Print the log's last lines, and with --follow the new ones. Raises Failure, PlanInvalid."""
    document, environ = target(arguments)
    return int(conversation(environ, lambda asker: _talk(asker, arguments, document)))


async def _talk(asker: Asker, arguments: Namespace, document: Document) -> int:
    endpoint = await asker.ask(document, "endpoint")
    deployment = _chosen(arguments.deployment, endpoint)
    state = next(one for one in endpoint["deployments"] if one["name"] == deployment)
    await _say_limits(asker, document, state)
    asked = {"deployment": deployment, "container": arguments.container, "lines": arguments.lines}
    if arguments.follow:
        asked["lines"] = max(arguments.lines, FOLLOWED_LINES)
    follower, problem = LogFollower(arguments.container), ""
    found = follower.new((await asker.ask(document, "logs", timeout=60, **asked))["content"])
    ready = state["provisioning_state"] == "Succeeded"  # so how it started is of no interest
    _show(asked, [one for one in found if not (ready and one[0] == SERVICE)], arguments.json, arguments.lines)
    while arguments.follow:
        await asyncio.sleep(arguments.every)
        try:
            answer = await asker.ask(document, "logs", timeout=60, **asked)
        except HelperError as error:
            if await _removed(asker, document, deployment):
                say(f"The deployment {deployment} does not exist any more, so this is the end of its log.")
                return 0
            if sentences(error) != problem:
                problem = sentences(error)
                say(f"{problem}\nTrying again every {arguments.every:g} s; press Ctrl+C to end.")
            continue
        if problem:
            problem = ""
            say("The log can be read again.")
        found = follower.new(answer["content"])
        if follower.gap and any(source != SERVICE for source, _ in found):
            say(GAP) if arguments.json else out(GAP)
        _show(asked, found, arguments.json)
    return 0


def _chosen(wanted: str | None, endpoint: dict[str, Any]) -> str:
    """The deployment that is named, else the one with most traffic. Raises Failure with those that exist."""
    name = endpoint["name"]
    if not endpoint["exists"]:
        raise Failure(f"The endpoint {name} does not exist in this workspace. List all with: aml-deploy endpoints", 2)
    traffic = endpoint["traffic"]
    shares = largest_first({one["name"]: traffic.get(one["name"], 0) for one in endpoint["deployments"]})
    listed = in_words(shares, "none", zeros=True)
    if wanted in shares:
        return str(wanted)
    if wanted:
        raise Failure(f"The endpoint {name} has no deployment {wanted}. Its deployments: {listed}.", 2)
    if not shares:
        raise Failure(f"The endpoint {name} has no deployment, so there is no log.")
    first, *others = shares
    if others and shares[first] == shares[others[0]]:
        raise Failure(f"Which deployment of {name}? Name one with --deployment: {listed} of the traffic.", 2)
    if others:
        say(f"The log of {first}, which has most of the traffic ({listed}); others with --deployment.")
    return first


async def _say_limits(asker: Asker, document: Document, deployment: dict[str, Any]) -> None:
    """Say what Azure's answer lacks, and where Log Analytics has the lines of every instance."""
    instances = deployment["instance_count"]
    if instances > 1:
        say(f"Azure gives the last lines of one of {instances} instances, and does not say of which.")
    try:
        kept = await asker.ask(document, "kept_logs", timeout=30, deployment=deployment["name"])
    except HelperError as error:
        say(f"Whether Log Analytics has the lines of every instance is unknown: {error}")
        return
    for workspace in kept["workspaces"]:
        say(f"Log Analytics has the lines of every instance, some minutes late. In {workspace}, run:")
        say(f"  {kept['query']}")
    if instances > 1 and not kept["workspaces"]:
        say("For every instance's lines, let diagnostic settings send AmlOnlineEndpointConsoleLog to Log Analytics.")


async def _removed(asker: Asker, document: Document, deployment: str) -> bool:
    """Whether the deployment is known not to exist any more."""
    try:
        endpoint = await asker.ask(document, "endpoint", timeout=60)
    except HelperError:
        return False
    return deployment not in [one["name"] for one in endpoint["deployments"]]


def _show(asked: Mapping[str, Any], found: Sequence[tuple[str, str]], as_json: bool, last: int | None = None) -> None:
    """Print the new lines, or only so many of the last ones; Azure's own to standard error."""
    for source, line in found:
        if source == SERVICE:
            say(f"Azure: {line}")
    lines = [line for source, line in found if source != SERVICE]
    if last and not lines:
        say("The log has no lines yet.")
    now = datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    for line in lines if last is None else lines[max(len(lines) - last, 0) :]:
        told = {"time": now, "deployment": asked["deployment"], "container": asked["container"], "line": line}
        out_json(told) if as_json else out(line)
