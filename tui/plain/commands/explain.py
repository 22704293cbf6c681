"""The command `aml-deploy explain`: explains an error text or a log."""

from __future__ import annotations

import os
import sys
import textwrap
from argparse import Namespace

from tui.common.az_command import to_replace
from tui.common.typed_path import typed_path
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say
from tui.remedies.catalogue import load, user_file
from tui.remedies.matcher import Card, match

MOST_CHARACTERS = 20_000_000
"""Of a longer text only the end is read, where the last error is."""
MOST_CARDS = 5
WIDTH = 98


def run(arguments: Namespace) -> int:
    """Print the matching cards, the best first; return 0 if there is one, else 1. Raises Failure."""
    text = read(arguments.file)
    catalogue = load()
    for problem in catalogue.problems:
        say(problem)
    cards = match(text, catalogue=catalogue)[:MOST_CARDS]
    if arguments.json:
        for card in cards:
            out_json(card.as_dict())
    else:
        for number, card in enumerate(cards):
            out("\n".join([*([""] if number else []), *card_lines(card)]))
    if not cards:
        say("\n".join(nothing_found(text)))
    return 0 if cards else 1


def read(name: str) -> str:
    """Read a file, or standard input for `-`. Raises Failure."""
    if name == "-":
        if os.isatty(0):
            say("Paste the error text or the log, then press Ctrl+D on a new line.")
        return sys.stdin.buffer.read().decode("utf-8", "replace")[-MOST_CHARACTERS:]
    path = typed_path(name)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size > MOST_CHARACTERS:
                file.seek(size - MOST_CHARACTERS)
            return file.read().decode("utf-8", "replace")
    except OSError as error:
        remedy = "Give a file with the text, or - and pipe it in."
        raise Failure(f"{path} cannot be read: {error.strerror}. {remedy}", 2) from None


def card_lines(card: Card) -> list[str]:
    """A card as lines of text."""
    lines = [card.title, *part("Why", card.cause), *part("What to do", card.remedy)]
    lines += [f"    $ {command}" for command in card.commands]
    lines += part("Placeholders", to_replace(*card.commands))
    if card.docs:
        lines.append(f"  More: {card.docs}")
    if card.field:
        lines.append(f"  In the plan: {card.field}")
    if card.evidence:
        lines.append("  Recognised by:")
        lines += [f"    line {number}: {line}" for number, line in zip(card.lines, card.evidence)]
    if card.request_ids:
        lines.append(f"  Ids for a support request: {', '.join(card.request_ids)}")
    lines.append(f"  Known as {card.id}, from {'; '.join(card.source)}" if card.source else f"  Known as {card.id}")
    return lines


def part(name: str, text: object) -> list[str]:
    """A part of a card or a finding, wrapped; empty without a text."""
    return textwrap.wrap(f"{name}: {text}", WIDTH, initial_indent="  ", subsequent_indent="    ") if text else []


def nothing_found(text: str) -> list[str]:
    """Advice for a text in which nothing was recognised: what to collect, and where to ask."""
    if not text.strip():
        return ["There was no text to explain. Name a file, or pipe the text in: aml-deploy explain error.txt"]
    return [
        "No known failure was recognised in this text; it may still describe one.",
        "",
        "More helpful than the last line of an error are:",
        "  - the complete response of the failed operation, with its code and ids",
        "  - the log of the scoring server from its beginning, and of the container that downloads the model:",
        "    $ az ml online-deployment get-logs -e ENDPOINT -n DEPLOYMENT -g GROUP -w WORKSPACE -l 500",
        "    $ az ml online-deployment get-logs -e ENDPOINT -n DEPLOYMENT -g GROUP -w WORKSPACE "
        "--container storage-initializer",
        "  - the build log of the environment, if the image could not be built",
        "  - the same plan rehearsed on this machine: aml-deploy apply PLAN --rehearse --yes",
        "",
        "Where to read and ask:",
        "  https://learn.microsoft.com/azure/machine-learning/how-to-troubleshoot-online-endpoints",
        "  https://github.com/Azure/azure-sdk-for-python/issues and https://github.com/Azure/azureml-examples/issues",
        "  a support request in the portal, with region, endpoint, time, and the x-request-id of the response",
        "",
        f"You can add failures that you see often to {user_file()} (see the README).",
    ]
