"""The command `aml-deploy explain`: explains an error text or a log."""

from __future__ import annotations

import os
import re
import shutil
import sys
from argparse import Namespace

from tui.common.az_command import to_replace
from tui.common.cell_width import wrap
from tui.common.terminal_text import without_controls
from tui.common.typed_path import typed_path
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say
from tui.remedies.catalogue import load, user_file
from tui.remedies.likely_line import most_likely_line
from tui.remedies.matcher import POSSIBLE, Card, match
from tui.remedies.pasted_text import decoded
from tui.remedies.patterns import Page
from tui.remedies.request_ids import request_ids

MOST_BYTES = 64_000_000
"""Of a longer text only the end is read, where the last error is."""
MOST_CARDS = 5
NOT_SURE = (
    "if this comes from Azure Machine Learning, it may be this. "
    "The text does not show that, or its wording is not known."
)
WIDTH = 98


def run(arguments: Namespace) -> int:
    """Print the matching cards, sure ones first; return 0 if there is one, else 1. Raises Failure."""
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
    """Read a file, or standard input for `-`; of more than MOST_BYTES only the end. Raises Failure."""
    if name == "-":
        if os.isatty(0):
            say("Paste the error text or the log, then press Ctrl+D on a new line.")
        given = sys.stdin.buffer.read()
        return decoded(_end_of(given), given[:2000]) if len(given) > MOST_BYTES else decoded(given)
    path = typed_path(name)
    try:
        with path.open("rb") as file:
            size = path.stat().st_size
            if size <= MOST_BYTES:
                return decoded(file.read())
            start = file.read(2000)
            file.seek(-(MOST_BYTES + size % 4), os.SEEK_END)
            return decoded(file.read(), start)
    except OSError as error:
        remedy = "Give a file with the text, or - and pipe it in."
        raise Failure(f"{path} cannot be read: {error.strerror}. {remedy}", 2) from None


def _end_of(given: bytes) -> bytes:
    """The last MOST_BYTES, and so many more that no character of two or four bytes is cut."""
    return given[-(MOST_BYTES + len(given) % 4) :]


def card_lines(card: Card) -> list[str]:
    """A card as lines of text."""
    title = f"Possible: {card.title}" if card.certainty == POSSIBLE else card.title
    lines = [
        title,
        *part("Not sure", NOT_SURE if card.certainty == POSSIBLE else ""),
        *part("Why", card.cause),
        *part("What to do", card.remedy),
    ]
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
    lines += part("Known as", f"{card.id}, from {'; '.join(card.source)}" if card.source else card.id)
    return lines


def part(name: str, text: object) -> list[str]:
    """A part of a card or a finding, wrapped; empty without a text."""
    width = min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)
    return wrap(f"{name}: {text}", width, hyphens=True, indent="  ", hanging="    ") if text else []


def nothing_found(text: str) -> list[str]:
    """Advice for a text in which nothing was recognised: what to collect, and where to ask."""
    if not text.strip():
        return ["There was no text to explain. Name a file, or pipe the text in: aml-deploy explain error.txt"]
    page = Page(text)
    likely = most_likely_line(page)
    lines = ["No known failure was recognised in this text; it may still describe one."]
    if likely is not None:
        lines += ["", "The line that most likely says what went wrong:"]
        lines.append(f"  line {page.number(likely)}: {without_controls(page.line(likely)).strip()[:400]}")
    ids = request_ids(page)
    if ids:
        lines.append(f"Ids for a support request: {', '.join(ids)}")
    return [
        *lines,
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
        "  a support request in the portal, with region, endpoint, time, and "
        + ("the ids above" if ids else "the x-request-id of the response"),
        "",
        f"To have it recognised next time, add an entry to {user_file()}:",
        *(f"    {line}" for line in own_entry(page.line(likely) if likely is not None else "")),
    ]


def own_entry(line: str) -> list[str]:
    """An entry of a user's own file that recognises a line, to be completed."""
    words = max(re.split(r"[^A-Za-z ,.'()-]+", line), key=len).strip(" ,.'()-")[:60].strip()
    # A few letters would match any text.
    pattern = re.escape(words).replace("\\ ", " ").replace("'", "''") if len(words) > 5 else "words of the error"
    return [
        "- id: our-failure",
        "  title: What happened, in a few words",
        f"  patterns: ['{pattern}']",
        "  cause: Why it happened.",
        "  remedy: What to do.",
    ]
