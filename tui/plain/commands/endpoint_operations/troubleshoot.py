"""The command `aml-deploy troubleshoot`: the problems of an endpoint, worst first, with evidence and remedy."""

from __future__ import annotations

import asyncio
import os
import time
from argparse import Namespace
from collections.abc import Mapping
from typing import Any

from tui.common.az_command import to_replace
from tui.common.cell_width import wrap
from tui.helper import troubleshoot_report as words
from tui.helper.client import HelperError
from tui.plain.arguments.endpoint import target_or_choice
from tui.plain.arguments.request import request_of
from tui.plain.ask_helper import Asker, conversation, sentences
from tui.plain.commands.explain import WIDTH, part
from tui.plain.failure import Failure
from tui.plain.terminal import confirmed, out, out_json, say, typed_line
from tui.plan.load_save.document import Document
from tui.plan.wait_limit import wait_limit

LOOK_SECONDS = 120
FIX_SECONDS = 3600
"""A deployment that is recreated may have to build its image first."""
LOG_LINES = 15  # of each container, unless --lines is given
EVIDENCE = 12
OFFLINE = ("enter_secret",)  # fixes that a front end applies itself, if it can


def run(arguments: Namespace) -> int:
    """Print the problems; return 1 if there are any. Raises Failure, PlanInvalid."""
    document, environ = target_or_choice(arguments)
    body = request_of(arguments, document)

    return int(conversation(environ, lambda asker: _talk(asker, arguments, document, body)))


async def _talk(asker: Asker, arguments: Namespace, document: Document, body: str | None) -> int:
    report = await _look(asker, arguments, document, body)
    _show(arguments, report)
    if arguments.watch:
        await _watch(asker, arguments, document, body, report)
    elif not arguments.json and os.isatty(0) and os.isatty(1):
        report = await _offer(asker, arguments, document, body, report)
    return 1 if report["wrong"] else 0


async def _look(asker: Asker, arguments: Namespace, document: Document, body: str | None) -> dict[str, Any]:
    found: dict[str, Any] = await asker.ask(
        document,
        "troubleshoot",
        timeout=LOOK_SECONDS,
        body=body,
        pinned=arguments.deployment,
        lines=max(300, arguments.lines),
    )
    return found


def _show(arguments: Namespace, report: Mapping[str, Any], changes: list[str] | None = None) -> None:
    if arguments.json:
        told = report if changes is None else {**report, "changes": changes}
        out_json(told)
        return
    for line in report_lines(report, arguments.lines):
        out(line)
    say(words.headline(report))


async def _watch(
    asker: Asker, arguments: Namespace, document: Document, body: str | None, before: dict[str, Any]
) -> None:
    """Refresh repeatedly, and print what changed; Ctrl+C ends it."""
    say(f"Refreshing every {arguments.every} s; press Ctrl+C to end.")
    while True:
        await asyncio.sleep(arguments.every)
        try:
            after = await _look(asker, arguments, document, body)
        except HelperError as error:
            say(sentences(error))
            continue
        changes = words.differences(before, after)
        if arguments.json:
            _show(arguments, after, changes)
        else:
            for line in changes:
                out(f"{time.strftime('%H:%M:%S')}  {line}")
        before = after


async def _offer(
    asker: Asker, arguments: Namespace, document: Document, body: str | None, report: dict[str, Any]
) -> dict[str, Any]:
    """Offer the fixes, one after the other, each with a preview and a confirmation."""
    while True:
        offered = [(item, fix) for item, fix in words.every_fix(report) if fix["action"] not in OFFLINE]
        if not offered:
            return report
        say("\nAvailable fixes:")
        for number, (_, fix) in enumerate(offered, 1):
            say(f"{number:3}  {fix['what']}")
        say("Enter a number to preview a fix, or press Enter to change nothing.")
        typed = typed_line().strip()
        if not (typed.isdigit() and 0 < int(typed) <= len(offered)):
            return report
        fix = offered[int(typed) - 1][1]
        for line in fix["preview"]:
            say(f"    {line}")
        if not confirmed("Apply this fix?"):
            continue
        say("Working; this takes Azure some seconds, or minutes.")
        try:
            done = await fixed(asker, document, fix)
        except HelperError as error:
            say(sentences(error))
            continue
        say(done)
        report = await _look(asker, arguments, document, body)
        _show(arguments, report)


async def fixed(asker: Asker, document: Document, fix: Mapping[str, Any]) -> str:
    """Apply a fix; return a sentence about the result. Raises HelperError, Failure."""
    given = dict(fix.get("with") or {})
    if fix["action"] == "write_key":
        given["path"] = key_file(str(document.value("endpoint.name")))
    limit = wait_limit(document, "deployment", FIX_SECONDS)
    answer = await asker.ask(document, "apply_fix", timeout=limit, action=fix["action"], arguments=given)
    return str(answer["done"])


def key_file(endpoint: str) -> str:
    """The path of a new file in the state folder for an endpoint's key. Raises Failure."""
    from tui.engine.journal.state_folder import state_folder

    try:
        return str(state_folder() / f"key-{endpoint}-{time.strftime('%Y%m%d-%H%M%S')}.txt")
    except OSError as error:
        raise Failure(
            f"The state folder cannot be used: {error.strerror}. Set AML_DEPLOY_HOME to another one."
        ) from None


def report_lines(report: Mapping[str, Any], log_lines: int = LOG_LINES) -> list[str]:
    """The report as lines: the findings first, then everything else."""
    rows = words.state_lines(report)
    wide = max((len(name) for name, _ in rows), default=0)
    kept = (report.get("log_analytics") or {}).get("lines") or ()
    sections = [
        (f"Endpoint {report['name']}", [f"{name:{wide}}  {value}" for name, value in rows]),
        ("Deployments", [words.deployment_line(one) for one in report.get("deployments") or ()]),
        ("Network path from this machine", [words.hop_line(hop) for hop in report["reach"].get("hops") or ()]),
        ("Test calls", [words.test_line(call) for call in report.get("tests") or ()]),
        ("The last hour", words.metric_lines(report)),
        ("Changes of the last 24 hours", [words.history_line(change) for change in report.get("history") or ()]),
        ("From Log Analytics", [" ".join(row.values()) for row in kept[:log_lines]]),
        *(
            (f"Log of {log['deployment']}, {log['container']}", str(log["content"]).splitlines()[-log_lines:])
            for log in report.get("logs") or ()
            if log_lines
        ),
        ("Not accessible", [f"{item['what']}: {item['why']}" for item in report.get("unseen") or ()]),
    ]
    lines: list[str] = []
    for item in report["findings"]:
        lines += [*_folded(item)] if item.get("follows") else [*([""] if lines else []), *finding_lines(item)]
    lines += [""] if lines else []
    for title, shown in sections:
        lines += [title, *(f"  {line}" for line in shown), ""] if shown else []
    return lines


def _folded(item: Mapping[str, Any]) -> list[str]:
    """A consequence, below its cause: what it is, what it follows from, available fixes."""
    kind = words.WORDS.get(item["severity"], item["severity"])
    lines = wrap(f"{kind}: {item['message']}", WIDTH, hyphens=True, indent="  └ ", hanging="      ")
    told = f"Follows from: {item['follows_from']}"
    lines += wrap(told, WIDTH, hyphens=True, indent="    ", hanging="      ")
    return [*lines, *(f"    Available fix: {fix['what']}" for fix in item.get("fixes") or ())]


def finding_lines(item: Mapping[str, Any]) -> list[str]:
    """A finding as lines: message, cause, remedy, evidence, available fixes."""
    kind = "advice" if item.get("advice") else words.WORDS.get(item["severity"], item["severity"])
    lines = wrap(f"{kind}: {item['message']}", WIDTH, hyphens=True, hanging="  ")
    if item["severity"] == "ok":
        return lines
    commands = list(item.get("commands") or ())
    remedy = str(item.get("remedy") or "")
    for command in commands:  # printed below without line breaks, so that it can be copied
        remedy = remedy.replace(command, "").strip()
    lines += [*part("Why", item.get("cause")), *part("What to do", remedy)]
    lines += [f"    $ {command}" for command in commands]
    lines += part("Placeholders", to_replace(*commands))
    if item.get("docs"):
        lines.append(f"  More: {item['docs']}")
    if item.get("evidence"):
        lines.append("  Evidence:")
        lines += [f"    {line}" for line in item["evidence"][:EVIDENCE]]
    if item.get("request_ids"):
        lines.append(f"  Ids for a support request: {', '.join(item['request_ids'])}")
    lines += [f"  Available fix: {fix['what']}" for fix in item.get("fixes") or ()]
    return lines
