"""The command `aml-deploy endpoints`: all endpoints that the identity may see, as a table or as JSON."""

from __future__ import annotations

import asyncio
import os
import textwrap
import time
from argparse import Namespace
from collections.abc import Iterable, Mapping
from typing import Any

from tui.helper import fleet_report as words
from tui.helper.client import HelperError
from tui.plain.arguments.plan_and_environment import rehearsal_place
from tui.plain.ask_helper import Asker, conversation, sentences
from tui.plain.failure import Failure
from tui.plain.output.fleet_table import Table, width
from tui.plain.terminal import out, out_json, read_aloud, say
from tui.plan.load_save.document import Document
from tui.plan.load_save.load import load

READ_SECONDS = 120
"""How long nothing may be heard while the fleet is read."""
LIST_SECONDS = 40
UNHEALTHY_CODE = 4
UNREAD = ("refused", "silent")
"""The states of workspaces that could not be read."""
NO_SUBSCRIPTION = " This identity sees no subscription: ask for the role Reader, or sign in to another tenant."


def credential(arguments: Namespace) -> Document:
    """A document with the plan's credential, and nothing else: the endpoints are not the plan's. Raises PlanInvalid."""
    document = load(arguments.plan) if arguments.plan else Document()
    document.tree = {key: value for key, value in document.tree.items() if key == "credential"}
    return document


def run(arguments: Namespace) -> int:
    """Print all endpoints; return 4 if one is unhealthy and --fail-on is given, 1 if none could be read.

    Raises Failure, PlanInvalid.
    """
    if arguments.watch and arguments.fail_on:
        raise Failure("--watch goes on until Ctrl+C, so --fail-on has no exit code to set. Omit one of both.", 2)
    document = credential(arguments)
    document, environ = rehearsal_place(document) if arguments.rehearse else (document, dict(os.environ))
    return int(conversation(environ, lambda asker: _talk(asker, arguments, document)))


async def _talk(asker: Asker, arguments: Namespace, document: Document) -> int:
    subscriptions = await _subscriptions(asker, arguments, document)
    fleet = _Fleet(arguments)
    await fleet.read(asker, document)
    if missing := fleet.missing_workspaces:
        there = await _workspaces(asker, document, subscriptions)
        raise Failure(f"This identity sees no workspace {' or '.join(missing)}. It sees: {there}.", 2)
    fleet.finish(subscriptions)
    if arguments.watch:
        say(f"Refreshing every {arguments.every:g} s; press Ctrl+C to end.")
    while arguments.watch:
        await asyncio.sleep(arguments.every)
        try:
            await fleet.read(asker, document)
        except HelperError as error:
            say(sentences(error))
    if arguments.fail_on and fleet.unhealthy:
        return UNHEALTHY_CODE
    return int(fleet.unread)


async def _subscriptions(asker: Asker, arguments: Namespace, document: Document) -> dict[str, str]:
    """The names of the subscriptions that are asked for, by id. Raises Failure if one does not exist, HelperError."""
    found = await asker.ask(document, "subscriptions", timeout=LIST_SECONDS)
    known = {item["value"]: item["label"] for item in found["items"]}
    asked = {text.lower() for text in arguments.subscription}
    names = {text.lower() for item in known.items() for text in item}
    if found["items"] and not found["reason"] and (missing := sorted(asked - names)):
        listed = ", ".join(f"{name} ({key})" for key, name in known.items())
        raise Failure(f"This identity sees no subscription {' or '.join(missing)}. It sees: {listed}.", 2)
    return {key: name for key, name in known.items() if not asked or asked & {key.lower(), name.lower()}}


async def _workspaces(asker: Asker, document: Document, subscriptions: Mapping[str, str]) -> str:
    names = []
    for one in subscriptions:
        document.set("workspace.subscription_id", one, "Azure")
        names += [item["label"] for item in (await asker.ask(document, "workspaces"))["items"]]
    return ", ".join(sorted(names)) or "none"


class _Fleet:
    """The endpoints and workspaces so far; prints what is complete, and later what changed."""

    def __init__(self, arguments: Namespace) -> None:
        self.rows: dict[str, dict[str, Any]] = {}
        self._told: dict[str, dict[str, Any]] = {}
        self._workspaces: dict[str, dict[str, Any]] = {}
        self._arguments = arguments
        self._notes: list[str] = []
        self._table: Table | None = None
        self._first = True
        self._answer: dict[str, Any] = {}

    @property
    def unhealthy(self) -> bool:
        """Whether an endpoint is unhealthy, or something could not be read, as without any role."""
        found = any(row["health"] in words.UNHEALTHY for row in self.rows.values())
        return found or bool(self._answer["unseen"]) or not self._workspaces

    @property
    def unread(self) -> bool:
        """Whether nothing could be read, which must not look like nothing being there."""
        return bool(self._answer["unseen"]) and not self._workspaces

    @property
    def missing_workspaces(self) -> list[str]:
        """The names and ids that were given of workspaces that do not exist."""
        known = {str(one[key]).lower() for one in self._workspaces.values() for key in ("name", "id")}
        return [text for text in self._arguments.workspace if text.lower() not in known]

    async def read(self, asker: Asker, document: Document) -> None:
        """Read the fleet, and print each row as soon as it is complete. Raises HelperError."""
        parts: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        asked = {"subscriptions": self._arguments.subscription, "workspaces": self._arguments.workspace}
        asking = asyncio.ensure_future(
            asker.ask(document, "fleet", timeout=READ_SECONDS, part=parts.put_nowait, **asked)
        )
        asking.add_done_callback(lambda _: parts.put_nowait(None))
        while (part := await parts.get()) is not None:
            self._take(part)
        self._answer = await asking
        for row in self.rows.values():
            self._tell(row)  # also what stayed incomplete
        self._first = False

    def _take(self, part: dict[str, Any]) -> None:
        kind, key = part.get("kind"), str(part.get("id"))
        if kind == "note":
            if part["text"] not in self._notes:
                self._notes.append(part["text"])
                say(part["text"])
        elif kind == "workspace":
            before = self._workspaces.setdefault(key, part)
            if part["state"] != "reading":  # with which a helper that was started again begins
                self._workspaces[key] = part
                if (before["state"], before["reason"]) != (part["state"], part["reason"]) or before is part:
                    self._tell_workspace(part)
        elif kind == "gone":
            if row := self.rows.pop(key, None):
                self._told.pop(key, None)
                gone = {**row, "state": "gone", "health": words.UNKNOWN, "reason": "It does not exist any more."}
                out_json(gone) if self._arguments.json else self._line(row, ["it does not exist any more"])
        else:
            self.rows[key] = part
            if not part["pending"]:
                self._tell(part)

    def _tell(self, row: dict[str, Any]) -> None:
        """Print a row, or what changed in it since it was printed."""
        if not self._first and not self._arguments.json and self._unread_with(row):
            return  # one line for the workspace is enough
        before, self._told[row["id"]] = self._told.get(row["id"]), row
        if self._arguments.json:
            if before != row:
                out_json(row)
        elif self._first:
            if before is None:
                aloud = self._arguments.plain or read_aloud()
                self._table = self._table or Table(self.rows.values(), aloud=aloud)
                self._table.add(row)
        elif changes := words.differences(before, row) if before else [f"new, {row['health']}: {row['reason']}"]:
            self._line(row, changes)

    def _unread_with(self, row: Mapping[str, Any]) -> bool:
        """Whether a row is unreachable because its whole workspace could not be read."""
        return row["health"] == "unreachable" and self._workspaces[row["workspace_id"]]["state"] in UNREAD

    def _line(self, row: Mapping[str, Any], changes: Iterable[str]) -> None:
        out(f"{time.strftime('%H:%M:%S')}  {row['endpoint']} ({row['workspace']}): {'; '.join(changes)}")

    def _tell_workspace(self, one: Mapping[str, Any]) -> None:
        name = f"{one['name']} ({one['resource_group']}, {one['subscription_name']})"
        if one["state"] not in UNREAD:
            say(f"{name}: {one['endpoints']} endpoint{'' if one['endpoints'] == 1 else 's'}")
            return
        say(f"{name}: {one['reason']}")
        if self._arguments.json:
            out_json(_unread_row(one))

    def finish(self, subscriptions: Mapping[str, str]) -> None:
        """Print what belongs below the table; `subscriptions` are those that were read, by id."""
        rows = list(self.rows.values())
        headline = words.headline(rows, list(self._workspaces.values()))
        if not rows:
            read = f" Subscriptions: {', '.join(subscriptions.values())}." if subscriptions else NO_SUBSCRIPTION
            headline += "" if self._answer["unseen"] else read
        if self._arguments.json:
            say(headline)
            return
        ill = [row for row in words.order(rows) if row["health"] in words.UNHEALTHY and not self._unread_with(row)]
        self._section("Needs attention", map("{endpoint} ({workspace}) {health}: {reason}".format_map, ill))
        self._section("Could not be read", [f"{one['what']}: {one['why']}" for one in self._answer["unseen"]])
        self._section("Unknown", words.unknowns(rows))
        if self._table and self._table.left_out:
            self._section("Not shown, since the terminal is too narrow", [", ".join(self._table.left_out)])
        out(("\n" if rows else "") + _filled(headline))

    def _section(self, title: str, lines: Iterable[str]) -> None:
        texts = [_filled(line, initial_indent="  ", subsequent_indent="    ") for line in lines]
        if texts:
            out("\n".join(["", f"{title}:", *texts]))


def _filled(text: str, **indents: str) -> str:
    """A text in lines as wide as the terminal; names, which often have hyphens, stay whole."""
    return textwrap.fill(text, width(), break_on_hyphens=False, break_long_words=False, **indents)  # type: ignore[arg-type]


def _unread_row(one: Mapping[str, Any]) -> dict[str, Any]:
    """A workspace that could not be read as a line of JSON, with the keys of an endpoint's."""
    finding = {"id": "workspace-unread", "severity": "unknown", "field": "workspace", "message": one["reason"],
               "remedy": "", "docs": ""}  # fmt: skip
    place = {key: one[key] for key in ("id", "resource_group", "subscription", "subscription_name", "location")}
    return {**place, "workspace": one["name"], "endpoint": None, "state": one["state"], "health": "unreachable",
            "reason": one["reason"], "deployments": [], "traffic": {}, "cost_per_hour": None,
            "findings": [finding], "why": dict.fromkeys(("endpoint", "cost_per_hour"), one["reason"])}  # fmt: skip
