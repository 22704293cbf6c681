"""The command `aml-deploy size`: measures the plan's model under load on this machine, and recommends a size."""

from __future__ import annotations

from argparse import Namespace
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from tui.local_trial.sizing import words
from tui.local_trial.sizing.recommend import Choice, Recommendation, Wanted, recommended
from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import Asker, conversation
from tui.plain.commands.check import finding_lines, tried_locally, worst_first, written
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say
from tui.plan import sizes
from tui.plan.load_save.document import Document
from tui.plan.model import Plan

AZURE_SECONDS = 60
REASONS, NAMES = 8, 3
"""How many reasons, and sizes of the same reason, are printed."""


def run(arguments: Namespace) -> int:
    """Print what is recommended for each deployment; return 1 if there is none. Raises PlanInvalid, Failure."""
    from tui.plan.load_save.resolve import resolve

    options = _options(arguments)
    document, environ = ready(arguments)
    plan, known = resolve(document, environ), _offered(document, environ)
    report = tried_locally(arguments, options)
    found = [_recommended(one, plan, known, arguments) for one in report.get("measured") or ()]
    for measured, made in zip(report.get("measured") or (), found):
        if arguments.json:
            out_json({**made.as_dict(), "measured": measured})
        else:
            for line in lines(made):
                out(line)
    if not found:
        findings = worst_first(report["findings"])
        for item in findings if arguments.json else finding_lines(findings):
            (out_json if arguments.json else out)(item)
        say("Nothing was measured, so nothing is recommended.")
    if arguments.fix and any(made.choices for made in found):
        fixes = [
            {"fix": {"key": key, "value": value}} for made in found[:1] for key, value in made.changes.items()
        ]  # fmt: skip
        written(arguments, fixes, "There is nothing to change in the plan.")
    return 0 if found and all(made.choices for made in found) else 1


def _options(arguments: Namespace) -> dict[str, Any]:
    """The options of the load run. Raises Failure for a file that is none, or whose content is wrong."""
    limited = {} if arguments.seconds is None else {"seconds": arguments.seconds}
    if arguments.requests is None:
        return limited
    from tui.common.golden_requests import GoldenInvalid, read

    path = Path(arguments.requests).expanduser().resolve()
    try:
        read(path)
    except GoldenInvalid as wrong:
        raise Failure(f"--requests: {wrong}", 2) from None
    except OSError as error:
        raise Failure(f"--requests: {path} cannot be read: {error.strerror or error}.", 2) from None
    return {**limited, "requests": str(path)}


def _offered(document: Document, environ: Mapping[str, str]) -> dict[str, Any]:
    """The helper's answers sizes, workspace and endpoint; empty, and said, if Azure cannot be asked."""

    async def talk(asker: Asker) -> dict[str, Any]:
        questions = ("workspace", "sizes", "endpoint")
        return {name: await asker.ask(document, name, timeout=AZURE_SECONDS) for name in questions}

    say("Reading the sizes and the quota of the workspace's region.")
    try:
        return dict(conversation(environ, talk))
    except Failure as unknown:
        say(f"They are not known, so the quota is left out and prices are of another region: {unknown}")
        return {}


def _recommended(
    measured: Mapping[str, Any], plan: Plan, known: Mapping[str, Any], arguments: Namespace
) -> Recommendation:
    there, name = (known.get("endpoint") or {}).get("deployments") or (), str(measured["deployment"])
    existing = next((item for item in there if str(item.get("name")).lower() == name.lower()), None)
    region = str((known.get("workspace") or {}).get("location") or "")
    return recommended(measured, Wanted(arguments.rps, arguments.p95), plan, known.get("sizes"), region, existing)


def lines(found: Recommendation) -> Iterator[str]:
    """A recommendation as text, with the basis of each statement in its first column."""
    if found.wanted.rps and found.wanted.p95_ms:
        load = f"{words.rate(found.wanted.rps)} requests a second, p95 at most {words.ms(found.wanted.p95_ms)}"
        yield f"{found.deployment}: {load}"
    yield from (f"  {line.basis:<8}  {line.text}" for line in found.lines)
    if found.why:
        yield f"{found.deployment}: no recommendation. {found.why}"
    for number, choice in enumerate(found.choices, 1):
        yield f"{number}. {_title(choice)}"
        yield from (f"   {line.basis:<8}  {line.text}" for line in choice.lines)
    if found.dearer:
        dearer = words.counted(len(found.dearer), "other size")
        yield f"Dearer, or without a price: {dearer} that also hold; the first is {found.dearer[0]}."
    yield from _refused(found.refused)
    if found.changes:
        yield "Changes of the plan by the first (--fix writes them):"
        yield from (f"  {key}: {_shown(value)}" for key, value in found.changes.items())


def _shown(value: Any) -> str:
    """A value of the plan; rules as in its file."""
    return "; ".join(", ".join(map(str, rule.values())) for rule in value) if isinstance(value, list) else str(value)


def _refused(refused: Mapping[str, str]) -> Iterator[str]:
    """Why sizes fall out, those with few cores first; a reason that many share is one line."""
    reasons: dict[str, list[str]] = defaultdict(list)
    for name, reason in sorted(refused.items(), key=lambda one: getattr(sizes.find(one[0]), "cores", 0)):
        reasons[reason].append(name)
    for place, (reason, names) in enumerate(reasons.items()):
        if place == REASONS:
            left = sum(map(len, list(reasons.values())[REASONS:]))
            yield f"  {words.counted(left, 'other size')}, with more cores; --json has the reason of each."
            return
        more = f" and {len(names) - NAMES} others" if len(names) > NAMES + 1 else ""
        if not place:
            yield "Not chosen:"
        yield f"  {', '.join(names[:NAMES] if more else names)}{more}: {reason}"


def _title(choice: Choice) -> str:
    size = choice.size
    memory = "" if size.memory_gib is None else f", {size.memory_gib:g} GiB"
    price = "" if choice.hour is None else f", {words.money(choice.hour, choice.currency)} an hour"
    what = f"{choice.instances} x {size.name} ({words.cores(size.cores)}{memory})"
    return f"{what}, {words.counted(choice.worker_count, 'worker')}{price}"
