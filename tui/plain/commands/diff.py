"""The command `aml-deploy diff`: what `apply` would change in Azure, and who changed what since the last run."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tui.common.typed_path import typed_path
from tui.common.write_atomic import write_atomic
from tui.engine.run_user import who_runs
from tui.helper import diff_report
from tui.plain.arguments.plan_and_environment import ready
from tui.plain.ask_helper import ask
from tui.plain.commands.apply import beside, read_approved
from tui.plain.failure import Failure
from tui.plain.terminal import out, out_json, say
from tui.plan.approved_change import sealed

DIFFERENT = 4
DIFF_SECONDS = 600
"""A model's files are read first, to compare their content."""


def run(arguments: Namespace) -> int:
    """Print the changes; return 4 if `apply` would change something, else 0. Raises PlanInvalid, Failure."""
    target = _free(arguments.output) if arguments.output else None
    beside(arguments)
    document, environ = ready(arguments)
    answer = ask(document, environ, "diff", timeout=DIFF_SECONDS, progress=_hashing())
    if target is not None:
        _write(target, {**answer["approval"], "made_by": who_runs(), "rehearsed": arguments.rehearse})
    changes = answer["changes"]
    mine = sum(one["apply"] for one in changes)
    if arguments.json:
        for one in changes:
            out_json(one)
        kept = {key: answer[key] for key in ("not_compared", "reason")}
        told = {"summary": True, "changes": mine, "left_alone": len(changes) - mine, **kept}
        out_json({**told, "plan_hash": answer["plan_hash"], "file": str(target) if target else None})
    else:
        for line in diff_report.diff_lines(answer):
            out(line)
        say(diff_report.headline(answer))
    if target is not None:
        say(f"For approval: {target}. Then: aml-deploy apply PLAN --approved {target}")
    return DIFFERENT if mine else 0


def _hashing() -> Callable[[int, int], None]:
    """Says how much of the models' files has been read, at each tenth of it."""
    said = 0

    def progress(done: int, total: int) -> None:
        nonlocal said
        tenth = done * 10 // total if total else 0
        if tenth > said:
            said = tenth
            say(f"Reading the model's files, to compare them: {tenth}0 % of {total / 2**20:,.0f} MiB.")

    return progress


def _free(given: str) -> Path:
    """The path of the file to write; only an earlier one of this command is replaced. Raises Failure."""
    path = typed_path(given)
    if path.exists():
        try:
            read_approved(given)
        except Failure:
            raise Failure(f"{path} exists and is not a file of aml-deploy diff. Name another one with -o.", 2) from None
    return path


def _write(path: Path, content: Mapping[str, Any]) -> None:
    try:
        write_atomic(path, json.dumps(sealed(content), indent=1, ensure_ascii=False) + "\n")
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}.", 2) from None
