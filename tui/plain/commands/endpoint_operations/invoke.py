"""The command `aml-deploy invoke`: sends a request, or the golden requests of a file, to an endpoint."""

from __future__ import annotations

import json
from argparse import Namespace
from typing import Any

from tui.common.redact import hide
from tui.common.typed_path import here, typed_path
from tui.plain.arguments.endpoint import target
from tui.plain.arguments.request import read_request
from tui.plain.ask_helper import ask
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say

REQUEST_SECONDS = 240
"""Azure limits a request to 180 seconds (how-to-manage-quotas); the sign-in precedes it."""
GOLDEN_SECONDS = 3600


def run(arguments: Namespace) -> int:
    """Send the request; print the response to stdout and its status to stderr. Raises Failure, PlanInvalid.

    The response is the caller's data: known secrets are hidden in it, texts that only look like one are not changed.
    """
    if arguments.request is None:
        return _golden(arguments)
    body = read_request(arguments.request)
    document, environ = target(arguments)
    result = ask(document, environ, "score", timeout=REQUEST_SECONDS, body=body, deployment=arguments.deployment)
    good = bool(result.get("ok")) and result.get("status_code") == 200
    if arguments.json:
        out_json(as_object(document.get("endpoint.name"), result), hide)
        return 0 if good else 1
    out(result.get("body", ""), hide)
    answered_by = f" from {result['deployment']}" if result.get("deployment") else ""
    say(f"Status {result.get('status_code')}{answered_by} in {result.get('latency_ms', 0):.0f} ms.")
    if result.get("note"):
        say(str(result["note"]))
    return 0 if good else 1


def as_object(endpoint: Any, result: dict[str, Any]) -> dict[str, Any]:
    """The object that --json prints; `response` is the body, parsed if it is JSON."""
    try:
        response = json.loads(result.get("body", ""))
    except (ValueError, RecursionError):  # the latter for deep nesting
        response = result.get("body", "")
    told = {name: result.get(name) for name in ("deployment", "status_code", "latency_ms", "ok", "note")}
    return {"endpoint": endpoint, **told, "ok": bool(result.get("ok")), "response": response}


def _golden(arguments: Namespace) -> int:
    """Send the golden requests, and print what came of each."""
    if arguments.golden is None:
        raise Failure("Name what to send: a request with --request FILE, or golden requests with --golden [FILE].", 2)
    document, environ = target(arguments)
    path = str((here() / typed_path(arguments.golden)) if arguments.golden else "")
    found = ask(document, environ, "golden", timeout=GOLDEN_SECONDS, path=path, deployment=arguments.deployment)
    if arguments.json:
        told = {key: value for key, value in found.items() if key != "lines"}
        out_json({"endpoint": document.get("endpoint.name"), "deployment": arguments.deployment, **told}, hide)
    else:
        out("\n".join(found["lines"]), hide)
        say(f"{found['words']}.")
    return 0 if found["ok"] else 1
